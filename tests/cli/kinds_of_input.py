"""Kinds of input: every wrong one of a kind (@ is the folder of broken things) through every command that takes it.

A command is a line of words in which `{}` is the input.
"""

from itertools import product

COST = "--arch 000001000 --skip-checkpoint --vela @/vela --no-cache"
PAIR = "@/broken/train/0000000-img_0.png @/broken/train/0000000-img_1.png"
RUN = "--config @/good.yaml --output-root @/runs --experiment-name"
LONG = "x" * 300

WHOLE = (
    ["nan", "1.5", "ten", "", "1" + "0" * 5000, "1:30", "-7"],
    [
        "train --config @/good.yaml --seed={}", "train --config @/good.yaml --num-epochs={}",
        "train --config @/good.yaml --batch-size={}", "train --config @/good.yaml --gpu-device={}",
        "sample-check --cycles={}", "sample-check --seed={}", "sample-check --pool-size={}",
        "codec show 000001000 --height={}", "data synth @/new --pairs={}", "data synth @/new --seed={}",
        "data check @/broken --min-height={}", f"vela-compare {COST} --arena={{}}", f"fit {COST} --base-width={{}}",
        "sweep --vela @/vela --no-cache --verify={}", "sweep query @/file --top={}",
        "export --arch 000001000 --out @/x --skip-checkpoint --height={}", "eval --config @/good.yaml --random={}",
        "search --config @/good.yaml --pairs={}", "search query @/empty --top={}",
        "eval --config @/good.yaml --eval-batches={}", "retrain --config @/good.yaml --top={}",
        "retrain --config @/good.yaml --jobs={}", "retrain --config @/good.yaml --num-epochs={}",
        "fidelity --config @/good.yaml --subnets={}", "fidelity --config @/good.yaml --seeds={}",
        "fidelity --config @/good.yaml --settling --pairs={}", "export --arch 000001000 --out @/x --calibration-images={}",
        "export --arch 000001000 --out @/x --fine-tune={}",
    ],
)  # fmt: skip
REAL = (
    ["nan", "inf", "-inf", "1:30", "", "0x1p3", "-1e999"],
    [
        "train --config @/good.yaml --lr={}", f"vela-compare {COST} --max-inference-ratio={{}}",
        f"vela-compare {COST} --max-sram-difference={{}}", f"fit {COST} --limit-kib={{}}",
        "sweep --vela @/vela --no-cache --tolerance={}", "sweep query @/file --max-ms={}", "search query @/empty --max-ms={}",
        "retrain --config @/good.yaml --max-ms={}",
        "sweep query @/file --min-fps={}", "sweep query @/file --max-flash-kib={}", "sweep query @/file --max-epe={}",
        "data synth @/new --motion={}", f"infer {PAIR} --longest={{}}",
        "export --arch 000001000 --out @/x --verify 1 --max-gap={}", "export --arch 000001000 --out @/x --fine-tune 1 --fine-tune-lr={}",
    ],
)  # fmt: skip
CONFIGURATION = (
    ["@/absent.yaml", "@/empty", "@/latin.yaml", "@/binary.yaml", "@/tabs.yaml", "@/unknown.yaml", "@/twice.yaml",
     "@/deep.yaml", "@/list.yaml", "@/pipe.yaml", "@/loop", "@/dangling", "/dev/zero", LONG],
    ["train --config={}", "eval --config={}", "export --arch 000001000 --out @/x --config={}", f"infer {PAIR} --config={{}}",
     f"vela-compare {COST} --config={{}}", f"fit {COST} --config={{}}", "sweep --vela @/vela --config={}", "search --config={}",
     "retrain --config={}", "fidelity --config={}", "sample-check --config={}", "doctor --config={}"],
)  # fmt: skip
ASSIGNMENT = (
    ["train", "train.lr", "=1", "train.lr=[1", "train.lr=.nan", "train.none=1", "none.lr=1", "train=1", "train.lr=010x",
     "train.num_epochs=1e400", "train.lr={a: 1}", "train.arch=012", "train.arch=#1", "train.arch=0,1", "data.base_path=a\x00b", "data.base_path=" + LONG, "runtime.threads=" + "9" * 5000],
    ["train --set={}", "eval --set={}", "export --arch 000001000 --out @/x --set={}", f"infer {PAIR} --set={{}}",
     f"vela-compare {COST} --set={{}}", "sweep --vela @/vela --set={}", "sample-check --set={}",
     "retrain --config @/good.yaml --set={}", "fidelity --config @/good.yaml --set={}"],
)  # fmt: skip
CODE = (
    ["12", "", "00000100x", "000001003", "#19683", "#-1", "27", "0,0,0,0,0,1,0,0", "００００００００９", "#" + "9" * 5000],
    ["codec show {}", "codec translate {}", "eval --config @/good.yaml --arch={}",
     "train --config @/good.yaml --arch={}", "export --out @/x --skip-checkpoint --arch={}", "vela-compare --vela @/vela --skip-checkpoint --arch={}",
     "fit --vela @/vela --skip-checkpoint --arch={}", f"infer {PAIR} --config @/good.yaml --arch={{}}"],
)  # fmt: skip
IMAGE = (
    ["@/absent", "@/file", "@/loop", "@/dangling", "@/pipe.yaml", "@/cut.png", "@/bmp.png", "@/vast.png", "/dev/null", LONG],
    ["infer {} @/broken/train/0000000-img_0.png --checkpoint best", "infer @/broken/train/0000000-img_0.png {} --checkpoint best",
     f"infer {PAIR} --ground-truth {{}}"],
)  # fmt: skip
TABLE = (
    ["@/absent", "@/file", "@/empty", "@/loop", "@/pipe.yaml", "@/cut.png", "/dev/zero", LONG],
    ["sweep query {}", "search query {}", "search --config @/good.yaml --table {}", "codec show 000001000 --table {}", f"vela-compare {COST} --table {{}}"],
)  # fmt: skip
RUN_FOLDER = (
    ["@/absent", "@/empty", "@/file", "@/loop", "@/runs/bare", "@/runs/other", "@/pipe.yaml", LONG],
    ["checkpoint show {}", "search --config @/good.yaml --checkpoint {}", "train --config @/good.yaml --init-from {}", "eval --config @/good.yaml --checkpoint {}",
     "export --arch 000001000 --out @/x --config @/good.yaml --checkpoint {}",
     "sweep --vela @/vela --config @/good.yaml --checkpoint {}", f"infer {PAIR} --config @/good.yaml --checkpoint {{}}"],
)  # fmt: skip
RUN_NAME = (
    ["absent", "", "..", "a/b", "-", LONG, "other"],
    [f"train --resume {RUN}={{}}", f"eval {RUN}={{}}", f"export --arch 000001000 --out @/x {RUN}={{}}", f"infer {PAIR} {RUN}={{}}",
     f"retrain {RUN}={{}}", f"fidelity {RUN}={{}}"],
)  # fmt: skip
OUTPUT = (
    ["@/absent/x{}", "@/file/x{}", "@/loop/x{}", "@/dangling/x{}", LONG + "{}"],
    ["export --arch 000001000 --skip-checkpoint --out .tflite", f"vela-compare {COST} --summary .json",
     f"vela-compare {COST} --plot .png", f"fit {COST} --plot .png", "eval --data @/broken --tflite @/file --summary .json", "sweep --vela @/vela --no-cache --out /",
     f"infer {PAIR} --tflite @/file --out .png", "data synth /", "data pack @/broken /", "train --config @/good.yaml --output-root=/"],
)  # fmt: skip
DATA_SET = (
    ["@/absent", "@/empty", "@/file", "@/loop", "@/lone", "@/pipe.yaml", LONG, ""],
    ["data check {}", "data pack {} @/new", "train --config @/good.yaml --base-path={}", "eval --config @/good.yaml --data={}"],
)  # fmt: skip


MAKE_FOLDERS = (
    ["data", "synth"],
    ["data", "pack"],
    ["train", "--config"],
    ["sweep", "--vela"],
)  # with those above them


def cases():
    """(words, what of the input the answer may name)."""
    for values, lines in (WHOLE, REAL, CONFIGURATION, ASSIGNMENT, CODE, IMAGE, TABLE, RUN_FOLDER, RUN_NAME, DATA_SET):
        for value, line in product(values, lines):
            yield [word.replace("{}", value) for word in line.split()]
    for value, line in product(*OUTPUT):
        *words, ending = line.split()
        name, _, ending = ending.rpartition("=")
        given = value.replace("{}", ending if ending != "/" else "")
        if "absent" in given and words[:2] in MAKE_FOLDERS:
            continue
        yield [*words, f"{name}={given}" if name else given]
