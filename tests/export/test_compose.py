"""Composed files against exported ones: the same operators, shapes, weights and scales, and the same cost."""

import numpy as np
import pytest
import tflite
from vela_stand_in import real_vela

from efnas.cache import Cache
from efnas.core.sampler import random_archs
from efnas.core.supernet import EDGEFLOW
from efnas.export.compose import PASSING, Composer
from efnas.export.content import read_content, require_int8, require_network
from efnas.export.converter import convert
from efnas.export.file_graph import CONVOLUTION, read_graph, write_graph
from efnas.export.host import FORMS, Interpreter
from efnas.export.networks import subnet_network
from efnas.export.weights import random_weights
from efnas.vela.board import packaged_profile
from efnas.vela.compiler import Settings, Vela
from efnas.vela.process import Service, run

FLOW_SPACE = EDGEFLOW.space
SIZE, WIDTH = (60, 80), 8
ARCHS = [FLOW_SPACE.baseline, *random_archs(FLOW_SPACE, 3, 2)]


def exported(arch, form):
    network = subnet_network(EDGEFLOW, arch, WIDTH)
    return convert(network, random_weights(network.variables(), *SIZE, 42), *SIZE, form)


@pytest.fixture(scope="module", params=FORMS)
def form(request):
    return request.param


@pytest.fixture(scope="module")
def files(form):
    """(exported, composed) by arch."""
    composer = Composer(FLOW_SPACE, [exported(arch, form) for arch in FLOW_SPACE.uniform_codes()])
    return {arch: (exported(arch, form), composer.compose(arch)) for arch in ARCHS}


def test_a_composed_file_is_its_subnet_in_int8(files, form):
    for arch, (_, composed) in files.items():
        content = read_content(composed)
        require_int8(content)
        require_network(content, subnet_network(EDGEFLOW, arch, WIDTH), *SIZE, form)


def test_operators_shapes_weights_and_their_scales_are_those_of_the_exported_file(files):
    for one, other in (map(read_graph, pair) for pair in files.values()):
        assert (one.inputs, one.outputs) == (other.inputs, other.outputs)
        assert len(one.operators) == len(other.operators)
        for theirs, ours in zip(one.operators, other.operators):
            same = ("kind", "version", "outputs", "options_type", "options")
            assert [getattr(theirs, name) for name in same] == [getattr(ours, name) for name in same]
            assert theirs.inputs[0] == ours.inputs[0]
            for left, right in zip(theirs.inputs + theirs.outputs, ours.inputs + ours.outputs):
                left, right = one.tensors[left], other.tensors[right]
                assert (left.shape, left.type) == (right.shape, right.type)
                assert np.array_equal(left.content, right.content)
                assert left.quantisation.scale.size == right.quantisation.scale.size
            if theirs.kind == CONVOLUTION:
                kernels = one.tensors[theirs.inputs[1]], other.tensors[ours.inputs[1]]
                for field in ("scale", "zero_point", "axis"):
                    assert np.array_equal(*(getattr(kernel.quantisation, field) for kernel in kernels))


def test_scales_agree_where_operators_meet(files):
    for _, composed in files.values():
        graph = read_graph(composed)
        for operator in graph.operators:
            tensors = [graph.tensors[name].quantisation for name in (*operator.inputs, *operator.outputs)]
            if operator.kind == CONVOLUTION:
                assert np.allclose(tensors[2].scale, tensors[0].scale * tensors[1].scale, rtol=1e-6)
            if operator.kind in PASSING:
                assert tensors[0].scale == tensors[-1].scale and tensors[0].zero_point == tensors[-1].zero_point


@pytest.mark.parametrize("version, optimise", [(None, "Size"), ("5.2.0", "Performance")])
def test_the_compiler_says_the_same_of_both_also_when_it_stays_loaded_and_remembers(files, version, optimise, tmp_path):
    program, settings = real_vela(version), Settings(optimise)
    runners = run, Service(program, remember=True).run
    started, loaded = (Vela(program, packaged_profile(), Cache(None), runner) for runner in runners)
    for one, other in files.values():
        assert started.compile(one, settings) == loaded.compile(other, settings)
    kept = [tmp_path / "started.tflite", tmp_path / "loaded.tflite"]
    for vela, path in zip((started, loaded), kept):
        vela.compile(other, settings, path)
    assert kept[0].read_bytes() == kept[1].read_bytes()


def test_a_composed_file_runs_and_looks_at_its_input(files):
    images = np.random.default_rng(0).uniform(-1, 1, (*SIZE, 6)).astype(np.float32)
    for _, composed in files.values():
        flow = Interpreter(composed).flow(images)
        assert flow.shape == (*SIZE, 2) and flow.std() > 0


def test_another_option_is_another_file(files):
    composed = [other for _, other in files.values()]
    assert len(set(composed)) == len(composed)


def test_parts_with_biases_are_refused(files):
    graph = read_graph(files[FLOW_SPACE.baseline][0])
    (bias, *_) = [operator.inputs[2] for operator in graph.operators if operator.kind == CONVOLUTION]
    tensor = graph.tensors[bias]
    graph.tensors[bias] = tensor._replace(content=np.ones_like(tensor.content))
    with pytest.raises(ValueError, match="has a bias"):
        Composer(FLOW_SPACE, [write_graph(graph)] * 3)


def test_a_graph_written_and_read_is_the_same_file(files):
    for _, composed in files.values():
        assert write_graph(read_graph(composed)) == composed
    assert tflite.Model.GetRootAsModel(composed, 0).Version() == 3
