# make demo: train, rank, export and search a small supernet.   make test: run the tests.   Both set up what they need first.
.PHONY: setup horovod demo pretrained test test-2.15 generated screens lint bench clean
EFNAS = .venv/bin/efnas
ON_2.15 = $(addprefix tests/,runs/test_other_runtime.py runs/test_resume.py training/test_step.py training/test_adam.py \
    export/test_export.py export/test_tensor_names.py cost/test_compare.py search/test_errors.py)
RUN = outputs/supernet/quickstart

setup: .venv/ready .venv-vela/ready

.venv/ready: .ci/setup.sh .ci/find-python.sh .ci/requirements.txt .ci/requirements-2.15.txt pyproject.toml
	@.ci/setup.sh tool

.venv-vela/ready: .ci/setup.sh .ci/find-python.sh .ci/requirements-vela.txt .ci/requirements-micro.txt
	@.ci/setup.sh vela

# Training in several processes (horovodrun -np 4 .venv/bin/efnas train ...), compiled into .venv.
horovod: .venv/ready
	@.venv/bin/python -c 'import horovod.tensorflow' 2>/dev/null || .ci/setup.sh horovod

# A second compiler beside the default one: make vela-5.2.0
vela-%:
	@[ -e .venv-vela-$*/ready ] || .ci/setup.sh vela $*

# Another TensorFlow beside .venv: make runtime-2.15 (also 1.15, intel and nvidia)
runtime-%:
	@[ -e .venv-$*/ready ] || .ci/setup.sh runtime $*

demo: setup
	$(EFNAS) train --config configs/quickstart.yaml --overwrite
	$(EFNAS) eval --config configs/quickstart.yaml --pictures $(RUN)/pictures
	$(EFNAS) export --config configs/quickstart.yaml --arch best --out $(RUN)/best.tflite --verify 16
	$(EFNAS) vela-compare --config configs/quickstart.yaml --arch best --checkpoint best --max-inference-ratio 2 \
	    --plot $(RUN)/pictures/memory.png --summary $(RUN)/compare_summary.json
	$(EFNAS) search --config configs/quickstart.yaml --form two-scale --optimise Performance --top 8

# The networks of the package from nothing, in hours (docs/pretrained.md); what was stopped goes on.
SUPERNET = outputs/supernet/pretrained
NETWORKS = outputs/retrain/pretrained-b24
PACK = .venv/bin/python docs/make_pretrained.py
packed = $(PACK) network $(1) $(NETWORKS)/runs/$(2)-supernet $(NETWORKS)/files/$(2)-supernet.tflite --checkpoint last $(3)
AT_SIZE = --experiment-name pretrained-b24 --set data.input_height=192 --set data.input_width=256
pretrained: setup
	$(EFNAS) train --config configs/pretrained.yaml $(if $(wildcard $(SUPERNET)),--resume)
	$(EFNAS) train --config configs/pretrained.yaml --experiment-name pretrained-b24 --init-from $(SUPERNET) \
	    --set data.input_height=128 --set data.input_width=160 --set train.batch_size=24 --set train.lr=1e-3 \
	    --set data.augmentation.rotation=10 $(if $(wildcard $(SUPERNET)-b24),--resume)
	$(EFNAS) search $(AT_SIZE) --set eval.bn_recal_batches=3 --pairs 64 --form packed --optimise Performance
	$(EFNAS) retrain $(AT_SIZE) --from supernet --num-epochs 4 --arch 000022222 --arch 010122221 --arch 211120212 \
	    --set train.lr=4e-4 --set train.lr_warmup_steps=30 --set data.augmentation.rotation=0 \
	    --set data.augmentation.scale=0 --set eval.eval_every_epoch=2 --set eval.bn_recal_batches=8
	$(PACK) supernet $(SUPERNET)-b24
	$(call packed,fast,000022222)
	$(call packed,balanced,010122221)
	$(call packed,accurate,211120212,--file-alone)
	for name in fast balanced accurate; do $(EFNAS) vela-compare --pretrained $$name --optimise Performance \
	    --summary $(NETWORKS)/cost.json && $(PACK) cost $$name $(NETWORKS)/cost.json || exit 1; done

test: setup
	.venv/bin/python -m pytest -n auto --dist loadfile --durations=15

# What has to hold on TensorFlow 2.15 too: training, resume, export, Vela parity, search.
test-2.15: setup runtime-2.15
	.venv-2.15/bin/python -m pytest -n auto --dist loadfile --durations=15 $(ON_2.15)

# Files that are made from the program: completions, the page of the configuration.
generated: setup
	.venv/bin/python -m efnas.cli.completion.files
	.venv/bin/python docs/make_configuration.py

# Of the run of make demo; docs/pictures keeps some.
screens: setup
	.venv/bin/python tests/screens.py outputs/screens

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports

bench: setup
	.venv/bin/python tests/bench/bench_start.py
	.venv/bin/python tests/bench/bench_step.py
	.venv/bin/python tests/bench/bench_input.py
	.venv/bin/python tests/bench/bench_checkpoint.py
	.venv/bin/python tests/bench/bench_evaluation.py
	.venv/bin/python tests/bench/bench_prompt.py
	.venv/bin/python tests/bench/bench_vela.py
	.venv/bin/python tests/bench/bench_sweep.py
	.venv/bin/python tests/bench/bench_space.py
	.venv/bin/python tests/bench/bench_search.py

clean:
	rm -rf .venv .venv-* build efnas.egg-info
