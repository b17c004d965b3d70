"""The operators and tensors of a `.tflite` file, read into plain values and written back; without TensorFlow."""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple, Union

import flatbuffers
import numpy as np
import tflite

_QUANTISATION = {"Min": np.float32, "Max": np.float32, "Scale": np.float32, "ZeroPoint": np.int64}
_OPTIONS = {number: name for name, number in vars(tflite.BuiltinOptions).items() if not name.startswith("_")}
SCHEMA_VERSION = 3
CONVOLUTION = tflite.BuiltinOperator.CONV_2D


class Quantisation(NamedTuple):
    """Arrays with one value, or one a slice along `axis`; empty where the tensor has none."""

    min: np.ndarray
    max: np.ndarray
    scale: np.ndarray
    zero_point: np.ndarray
    axis: int


class Tensor(NamedTuple):
    """`type` is a number of the schema; `content` are the bytes of a constant, empty for what is computed."""

    shape: Tuple[int, ...]
    type: int
    quantisation: Quantisation
    content: np.ndarray


class Operator(NamedTuple):
    """`kind` and `version` are numbers of the schema; `options` are (name, value) of the kind's own table."""

    kind: int
    version: int
    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]
    options_type: int
    options: Tuple[Tuple[str, Union[int, Tuple[int, ...]]], ...]

    @property
    def stage(self) -> str:
        """E0, EB0, ...: the first part of its name, which is that of its output."""
        return self.outputs[0].split("/")[0]


class Graph(NamedTuple):
    """The operators in their order, and all tensors by name."""

    tensors: Dict[str, Tensor]
    operators: List[Operator]
    inputs: Tuple[str, ...]
    outputs: Tuple[str, ...]


def read_graph(model: bytes) -> Graph:
    """The graph of a file's only subgraph."""
    parsed = tflite.Model.GetRootAsModel(model, 0)
    subgraph = parsed.Subgraphs(0)
    tensors: Dict[str, Tensor] = {}
    for number in range(subgraph.TensorsLength()):
        tensor = subgraph.Tensors(number)
        buffer = parsed.Buffers(tensor.Buffer())
        content = buffer.DataAsNumpy() if buffer.DataLength() else np.empty(0, np.uint8)
        tensors[tensor.Name().decode()] = Tensor(
            tuple(tensor.ShapeAsNumpy().tolist()), tensor.Type(), _quantisation(tensor.Quantization()), content
        )
    names = list(tensors)

    def named(numbers) -> Tuple[str, ...]:
        return tuple(names[number] for number in numbers)

    operators = []
    for number in range(subgraph.OperatorsLength()):
        operator = subgraph.Operators(number)
        code = parsed.OperatorCodes(operator.OpcodeIndex())
        operators.append(
            Operator(max(code.BuiltinCode(), code.DeprecatedBuiltinCode()), code.Version(),
                     named(operator.InputsAsNumpy()), named(operator.OutputsAsNumpy()),
                     operator.BuiltinOptionsType(), _options(operator))
        )  # fmt: skip
    return Graph(tensors, operators, named(subgraph.InputsAsNumpy()), named(subgraph.OutputsAsNumpy()))


def _quantisation(table: Optional[tflite.QuantizationParameters]) -> Quantisation:
    def array(name: str, kind: type) -> np.ndarray:
        filled = table is not None and getattr(table, f"{name}Length")()
        return getattr(table, f"{name}AsNumpy")() if filled else np.empty(0, kind)

    arrays = (array(name, kind) for name, kind in _QUANTISATION.items())
    return Quantisation(*arrays, table.QuantizedDimension() if table else 0)


def _options(operator: tflite.Operator) -> Tuple[Tuple[str, Any], ...]:
    held = operator.BuiltinOptions()
    if held is None:
        return ()
    kind = _OPTIONS[operator.BuiltinOptionsType()]
    table = getattr(tflite, kind)()
    table.Init(held.Bytes, held.Pos)
    added = f"{kind}Add"
    fields = [name[len(added) :] for name in vars(tflite) if name.startswith(added)]
    return tuple((field, _value(table, field)) for field in fields)


def _value(table: Any, field: str) -> Union[int, Tuple[int, ...]]:
    if hasattr(table, f"{field}AsNumpy"):
        return tuple(np.atleast_1d(getattr(table, f"{field}AsNumpy")()).tolist())
    return getattr(table, field)()


def write_graph(graph: Graph) -> bytes:
    """A file with this graph. Equal graphs give equal bytes."""
    size = sum(tensor.content.size for tensor in graph.tensors.values())
    builder = flatbuffers.Builder(size + 1024 * (len(graph.tensors) + len(graph.operators)))
    numbers = {name: number for number, name in enumerate(graph.tensors)}
    codes = sorted({(operator.kind, operator.version) for operator in graph.operators})
    # The first buffer is empty and stands for all tensors that hold no constant.
    buffers = [_table(builder, "Buffer")]
    tensors = []
    for name, tensor in graph.tensors.items():
        place = len(buffers) if tensor.content.size else 0
        if place:
            buffers.append(_table(builder, "Buffer", Data=builder.CreateNumpyVector(tensor.content)))
        arrays = zip(_QUANTISATION, tensor.quantisation)
        vectors = {kind: builder.CreateNumpyVector(array) for kind, array in arrays if array.size}
        scaled = _table(builder, "QuantizationParameters", **vectors, QuantizedDimension=tensor.quantisation.axis)
        name_at, shape_at = builder.CreateString(name), _integers(builder, tensor.shape)
        tensors.append(_table(builder, "Tensor", Name=name_at, Shape=shape_at, Type=tensor.type, Buffer=place,
                              Quantization=scaled))  # fmt: skip

    def places(names: Tuple[str, ...]) -> int:
        return _integers(builder, [numbers[name] for name in names])

    operators = []
    for operator in graph.operators:
        fields = {"Inputs": places(operator.inputs), "Outputs": places(operator.outputs)}
        if operator.options_type:
            values = {name: _integers(builder, value) if isinstance(value, tuple) else value
                      for name, value in operator.options}  # fmt: skip
            fields["BuiltinOptions"] = _table(builder, _OPTIONS[operator.options_type], **values)
        operators.append(_table(builder, "Operator", OpcodeIndex=codes.index((operator.kind, operator.version)),
                                BuiltinOptionsType=operator.options_type, **fields))  # fmt: skip
    subgraph = _table(builder, "SubGraph", Tensors=_tables(builder, tensors), Inputs=places(graph.inputs),
                      Outputs=places(graph.outputs), Operators=_tables(builder, operators))  # fmt: skip
    kinds = [
        _table(builder, "OperatorCode", BuiltinCode=kind, DeprecatedBuiltinCode=min(kind, 127), Version=version)
        for kind, version in codes
    ]
    model = _table(builder, "Model", Version=SCHEMA_VERSION, OperatorCodes=_tables(builder, kinds),
                   Subgraphs=_tables(builder, [subgraph]), Buffers=_tables(builder, buffers))  # fmt: skip
    builder.Finish(model, b"TFL3")
    return bytes(builder.Output())


def _table(builder: flatbuffers.Builder, kind: str, **fields: int) -> int:
    getattr(tflite, f"{kind}Start")(builder)
    for name, value in fields.items():
        getattr(tflite, f"{kind}Add{name}")(builder, value)
    return getattr(tflite, f"{kind}End")(builder)


def _integers(builder: flatbuffers.Builder, values) -> int:
    return builder.CreateNumpyVector(np.array(values, np.int32))


def _tables(builder: flatbuffers.Builder, places: List[int]) -> int:
    builder.StartVector(4, len(places), 4)
    for place in reversed(places):
        builder.PrependUOffsetTRelative(place)
    return builder.EndVector()
