"""Reading what Vela says: both known forms, and refusal of every other."""

import pytest
from vela_stand_in import LAYERS, LAYERS_5, PRINTED, PRINTED_5, SUMMARY

from efnas.cost.pictures import live_at, peak_step
from efnas.errors import EfnasError
from efnas.vela.output import LiveTensor, read_output


def test_the_form_of_4_5():
    found = read_output("4.5.0", PRINTED, SUMMARY, LAYERS)
    assert (found.sram_kib, found.inference_ms, found.macs, found.npu_ops, found.cpu_ops) == (2.0, 200.0, 123, 1, 0)
    (operator,) = found.operators
    assert (operator.name, operator.stage, operator.macs, operator.sram_bytes) == (
        "Sum1/add,with comma",
        "Sum1",
        5,
        2048,
    )
    assert found.live == [
        LiveTensor("images", "images", 0, 1, 0, 1024, False),
        LiveTensor("Sum1/k_buffer", "Sum1", 0, 0, 1024, 1024, True),
        LiveTensor("Sum1/add", "Sum1", 1, 1, 0, 1024, False),
    ]


def test_the_form_of_5_2_counts_a_fused_activation_once_and_finds_the_owner_of_weights():
    found = read_output("5.2.0", PRINTED_5, SUMMARY, LAYERS_5)
    assert [operator.name for operator in found.operators] == ["E0/Relu", "Sum1/add"]
    assert [found.milliseconds(operator) for operator in found.operators] == pytest.approx([150.0, 50.0])
    assert [(tensor.stage, tensor.is_weights) for tensor in found.live] == [("E0", True), ("images", False)]
    assert found.peak.stage == "E0"


def test_the_form_of_3_8_has_no_format_column():
    printed = PRINTED.replace(": Format            ", "").replace(": NHWC              ", "")
    printed = printed.replace(": NHCWB16           ", "").replace(": Unknown           ", "")
    assert read_output("3.8.0", printed, SUMMARY, LAYERS) == read_output("3.8.0", PRINTED, SUMMARY, LAYERS)


def test_tensors_that_share_memory_are_counted_once():
    found = read_output("4.5.0", PRINTED, SUMMARY, LAYERS)
    assert [tensor.name for tensor in live_at(found, 1)] == ["Sum1/add"]
    assert peak_step(found) == (0, 2048)


@pytest.mark.parametrize("change, message", [
    ({"summary": "a,b\n1,2\n"}, "summary, which has no column inferences_per_second, inference_time"),
    ({"summary": SUMMARY + SUMMARY}, "summary, which has 4 lines"),
    ({"summary": ""}, "summary, which has 0 lines"),
    ({"layers": LAYERS.replace("Util%", "Use%")}, "per-layer table, whose header is 'TFLite_operator"),
    ({"layers": ""}, "per-layer table, whose header is ''"),
    ({"printed": PRINTED.replace("NPU operators", "Operators")}, "does not say how many operators"),
    ({"printed": PRINTED.replace("Memory Usage: Purpose", "Usage: Purpose")}, "allocation, whose header is"),
    ({"printed": PRINTED.replace("0x400:        1024", "somewhere:   1024")}, "allocation, which has the line"),
    ({"printed": PRINTED.split("Allocation Peak")[0]}, "allocation, which does not end"),
    ({"printed": PRINTED.replace("2048 (", "4096 (")}, "allocation, which ends at 4096 bytes where the summary"),
])  # fmt: skip
def test_what_is_not_known_is_refused(change, message):
    given = {"printed": PRINTED, "summary": SUMMARY, "layers": LAYERS, **change}
    with pytest.raises(EfnasError, match="Vela 4.9.9 answers in a form that is not known here: its") as caught:
        read_output("4.9.9", **given)
    assert message in str(caught.value)
