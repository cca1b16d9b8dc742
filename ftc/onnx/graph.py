"""What there is to know of an ONNX graph before it is patched: values, types, and which classes it tells."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, TypeProto, numpy_helper

from ftc.onnx.runtime import KINDS, session

__all__ = ["Graph", "Source", "Target", "find_target", "first_line", "marks", "read", "with_types"]

Source = str | os.PathLike[str] | bytes | ModelProto
"""A file, its content, or a model."""

OLDEST = 9  # the first opset with Where
_FLOATS: dict[int, np.dtype[Any]] = {
    TensorProto.FLOAT: np.dtype(np.float32),
    TensorProto.DOUBLE: np.dtype(np.float64),
}
_NUMBERS = {kind for name, kind in KINDS.items() if name != "tensor(string)"}
_LABELS: tuple[int, ...] = (TensorProto.INT64, TensorProto.INT32, TensorProto.STRING)
_SAME_LABEL = ("Cast", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Flatten")
_MARK = re.compile(r"ftc_patch_([1-9][0-9]*)")


def read(source: Source) -> tuple[ModelProto, bytes]:
    """A model and its bytes.

    Raises:
        ValueError: it is no ONNX model, fails `onnx.checker`, or keeps its weights in other files.
    """
    if isinstance(source, ModelProto):
        name, content = "the model", source.SerializeToString()
    elif isinstance(source, bytes):
        name, content = "the model", source
    else:
        name, content = str(source), Path(source).read_bytes()
    try:
        model = onnx.load_model_from_string(content)
    except Exception:  # of protobuf, which has several
        raise ValueError(f"{name} is no ONNX model") from None
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in _tensors(model)):
        raise ValueError(
            f"{name} keeps weights in other files: make it one file by "
            "onnx.save(onnx.load(path), other), and use that"
        )
    try:
        onnx.checker.check_model(model)
    except Exception as error:
        raise ValueError(f"{name} fails onnx.checker: {first_line(error)}") from None
    return model, content


def first_line(error: Exception) -> str:
    """Of a message."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def with_types(model: ModelProto) -> ModelProto:
    """What the checker can infer types of: it has no operator that takes sparse weights, which onnxruntime
    makes dense, so that here they are inputs."""
    if not model.graph.sparse_initializer:
        return model
    dense = ModelProto()
    dense.CopyFrom(model)
    dense.graph.ClearField("sparse_initializer")
    there = {value.name for value in model.graph.input}
    for tensor in model.graph.sparse_initializer:
        if tensor.values.name not in there:
            value = onnx.helper.make_tensor_value_info(
                tensor.values.name, tensor.values.data_type, tensor.dims
            )
            dense.graph.input.append(value)
    return dense


def _tensors(message: Any) -> Iterator[TensorProto]:
    """All inside of a model, whether a graph, a function or an operator holds them."""
    if isinstance(message, TensorProto):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in [value] if hasattr(value, "ListFields") else value:
                yield from _tensors(each)


def _subgraphs(attribute: AttributeProto) -> Iterator[GraphProto]:
    yield from attribute.graphs
    if attribute.type == AttributeProto.GRAPH:
        yield attribute.g


def _used(node: NodeProto) -> Iterator[str]:
    """The names that a node reads, also from inside of loops and branches."""
    yield from node.input
    for attribute in node.attribute:
        for inner in _subgraphs(attribute):
            for below in inner.node:
                yield from _used(below)
            yield from (value.name for value in inner.output)


def marks(model: ModelProto) -> dict[int, dict[str, Any]]:
    """What `merge` noted of the patches in a model, by their numbers, in order."""
    found = {}
    for entry in model.metadata_props:
        match = _MARK.fullmatch(entry.key)
        if match is not None:
            found[int(match[1])] = _note(entry.key, entry.value)
    return dict(sorted(found.items()))


def _note(key: str, text: str) -> dict[str, Any]:
    try:
        note = json.loads(text)
    except ValueError:
        note = None
    kinds: dict[str, Any] = {"sha256": str, "scores": str, "features": str, "classes": list | None}
    for name, kind in (kinds | {"renamed": dict, "opset_added": bool}).items():
        if not isinstance(note, dict) or not isinstance(note.get(name, ...), kind):
            raise ValueError(f"the model's metadata {key!r} is not what a patch notes there: see {name!r}")
    return dict(note)


@dataclass(frozen=True)
class Labels:
    """How a label follows from scores: `table[column]`, or the column itself; `scores` if they are known."""

    table: NDArray[Any] | None
    scores: str


class Graph:
    """A model's main graph by names."""

    def __init__(self, model: ModelProto) -> None:
        self.model = model
        self.nodes = list(model.graph.node)
        self.position = {name: k for k, node in enumerate(self.nodes) for name in node.output if name}
        self.stored: dict[str, TensorProto] = {tensor.name: tensor for tensor in model.graph.initializer}
        sparse = {tensor.values.name for tensor in model.graph.sparse_initializer}
        given = [value.name for value in model.graph.input]
        self.inputs: list[str] = [name for name in given if name not in self.stored and name not in sparse]
        self.outputs: list[str] = [value.name for value in model.graph.output]

    @cached_property
    def _types(self) -> dict[str, tuple[int, list[int | None] | None]]:
        inferred = onnx.shape_inference.infer_shapes(with_types(self.model)).graph
        values = (*inferred.value_info, *inferred.input, *inferred.output)
        return {value.name: _tensor_type(value.type) for value in values}

    def _type(self, name: str) -> tuple[int, list[int | None] | None]:
        found = self._types.get(name, (0, None))
        if found[0] or name not in self.position or name in self.outputs:
            return found
        shown = ModelProto()  # onnxruntime knows the types of ai.onnx.ml, which onnx does not
        shown.CopyFrom(self.model)
        shown.graph.output.append(onnx.ValueInfoProto(name=name))
        value = session(shown, optimised=False).get_outputs()[-1]
        shape = [side if isinstance(side, int) else None for side in value.shape]
        self._types[name] = KINDS.get(value.type, 0), shape or None
        return self._types[name]

    def kind(self, name: str) -> int:
        """The type of the entries of a tensor; 0 if it is none or unknown."""
        return self._type(name)[0]

    def shape(self, name: str) -> list[int | None] | None:
        """None for what is unknown."""
        return self._type(name)[1]

    def describe(self, name: str) -> str:
        kind, shape = self.kind(name), self.shape(name)
        entries = TensorProto.DataType.Name(kind).lower() if kind else "no tensor of a known type"
        sides = "" if shape is None else f" ({', '.join('?' if n is None else str(n) for n in shape)})"
        return f"{name!r}, {entries}{sides}"

    def producer(self, name: str) -> NodeProto | None:
        return self.nodes[self.position[name]] if name in self.position else None

    def readers(self, name: str) -> list[NodeProto]:
        return [node for node in self.nodes if name in _used(node)]

    def follows(self, name: str) -> set[str]:
        """All values that are computed from one, and itself."""
        found = {name}
        for node in self.nodes:
            if not found.isdisjoint(_used(node)):
                found.update(node.output)
        return found

    def constant(self, name: str) -> NDArray[Any] | None:
        if name in self.stored:
            return np.asarray(numpy_helper.to_array(self.stored[name]))
        node = self.producer(name)
        if node is None or node.op_type != "Constant":
            return None
        return next((numpy_helper.to_array(a.t) for a in node.attribute if a.name == "value"), None)

    def labels(self, name: str) -> Labels | None:
        """How a label is computed, if by an operator that is known here."""
        node = self.producer(name)
        if node is None:
            return None
        if node.op_type in _SAME_LABEL:
            return self.labels(node.input[0])
        if node.op_type == "Where" and re.match(r"ftc\d+_", node.name):  # of a patch: the frozen label
            return self.labels(node.input[2])
        if node.op_type == "ArgMax":
            axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
            return Labels(None, node.input[0]) if axis in (1, -1) else None
        if node.op_type in ("Gather", "ArrayFeatureExtractor"):
            table, inner = self.constant(node.input[0]), self.labels(node.input[1])
            if table is None or inner is None or inner.table is not None:
                return None
            return Labels(
                table.reshape(-1).astype(str if table.dtype == object else table.dtype), inner.scores
            )
        table = _class_labels(node)
        return None if table is None or len(node.output) < 2 else Labels(table, node.output[1])

    def zipped(self, name: str) -> NodeProto | None:
        """The ZipMap that makes an output."""
        node = self.producer(name)
        return node if node is not None and node.op_type == "ZipMap" else None


def _tensor_type(value: TypeProto) -> tuple[int, list[int | None] | None]:
    tensor = value.tensor_type
    if not tensor.HasField("shape"):
        return tensor.elem_type, None
    sides = [side.dim_value if side.HasField("dim_value") else None for side in tensor.shape.dim]
    return tensor.elem_type, sides


def _class_labels(node: NodeProto) -> NDArray[Any] | None:
    for attribute in node.attribute:
        if attribute.name in ("classlabels_strings", "classlabels_ints", "classlabels_int64s"):
            if attribute.strings:
                return np.array([text.decode() for text in attribute.strings])
            if attribute.ints:
                return np.array(attribute.ints, dtype=np.int64)
    return None


@dataclass(frozen=True)
class Target:
    """Where a patch goes: to the values `scores`, from the values `features`.

    `columns` is None for one score of two classes, with the shape `(batch,)` if `flat`, else `(batch, 1)`.
    `labels` are the outputs that must tell the class of the largest score, and how many axes they have.
    """

    scores: str
    features: str
    dtype: np.dtype[Any]
    columns: int | None
    flat: bool
    classes: NDArray[Any]
    labels: dict[str, int]


def find_target(
    graph: Graph, scores: str | None = None, features: str | None = None, classes: Any = None
) -> Target:
    """Where a patch goes in a graph; `scores` and `features` are names of values, if not the only output with
    scores and the only input. A patched graph is patched at the same place again.

    Raises:
        ValueError: a value or an output that cannot be patched, with its name and the reason.
    """
    notes = [*reversed(marks(graph.model).values())]
    if notes:
        scores, features = scores or notes[0]["scores"], features or notes[0]["features"]
    noted = next((n["classes"] for n in notes if n["classes"] and n["scores"] == scores), None)
    scores = scores or _only_scores(graph)
    features = features or _only_input(graph)
    producer = graph.producer(scores)
    if producer is None:
        raise ValueError(f"no operator of the main graph gives the value {scores!r}")
    if graph.kind(scores) not in _FLOATS:
        raise ValueError(
            f"{graph.describe(scores)}, by the operator {producer.op_type}: expected float or double"
        )
    shape = graph.shape(scores)
    if shape is not None and len(shape) not in (1, 2):
        raise ValueError(f"{graph.describe(scores)}: expected scores (batch, classes)")
    _check_features(graph, scores, features)
    said = {"classes": classes, "an earlier patch": noted}
    said = {what: one for what, one in said.items() if one is not None}
    labels, table = _label_outputs(graph, scores, said)
    single = shape is not None and (len(shape) == 1 or shape[1] == 1)
    width = None if shape is None or single else shape[1]
    if table is None:
        if width is None and not single:
            raise ValueError(f"{graph.describe(scores)}: how many classes is unknown, say classes=[..]")
        table = np.arange(2 if width is None else width)
    if table.dtype.kind not in "iuU" or len(set(map(str, table.tolist()))) < len(table):
        raise ValueError(f"the classes are {table.tolist()}: expected different integers or texts")
    if len(table) != (2 if single else width or len(table)) or len(table) < 2:
        raise ValueError(f"{graph.describe(scores)}: these are not the scores of {len(table)} classes")
    if single and producer.op_type == "Sigmoid":
        raise ValueError(
            f"{graph.describe(scores)}, by the operator Sigmoid, is a probability, not compared with 0: "
            f"patch what it is computed from, scores={producer.input[0]!r}"
        )
    columns = None if single else len(table)
    flat = single and shape is not None and len(shape) == 1
    return Target(scores, features, _FLOATS[graph.kind(scores)], columns, flat, table, labels)


def _only_input(graph: Graph) -> str:
    if len(graph.inputs) != 1:
        raise ValueError(f"the model has the inputs {', '.join(graph.inputs)}: say features=NAME")
    return graph.inputs[0]


def _only_scores(graph: Graph) -> str:
    found: list[str] = []
    for name in graph.outputs:
        zipped = graph.zipped(name)
        shape = graph.shape(name)
        if zipped is not None:
            found.append(zipped.input[0])
        elif graph.kind(name) in _FLOATS and (shape is None or len(shape) <= 2):
            found.append(name)
    if not found:  # labels alone: of which scores are they?
        traced = [graph.labels(name) for name in graph.outputs]
        found = [how.scores for how in traced if how is not None]
    if len(found) == 1:
        return found[0]
    outputs = "; ".join(graph.describe(name) for name in graph.outputs)
    raise ValueError(f"which value are the scores? Say scores=NAME. The outputs are: {outputs}")


def _check_features(graph: Graph, scores: str, features: str) -> None:
    if features not in graph.inputs and features not in graph.position:
        raise ValueError(f"the graph has no value {features!r} that a patch could act on")
    if graph.kind(features) not in _NUMBERS:
        raise ValueError(f"a patch cannot act on {graph.describe(features)}: expected numbers")
    if graph.position.get(features, -1) > graph.position[scores] or features == scores:
        raise ValueError(f"a patch of {scores!r} cannot act on {features!r}, which is not computed before it")


def _label_outputs(
    graph: Graph, scores: str, said: dict[str, Any]
) -> tuple[dict[str, int], NDArray[Any] | None]:
    """The outputs that are labels with their numbers of axes, and the classes, as the graph tells them if it
    does; `said` of them else, by whom, must be the same."""
    tables: dict[str, NDArray[Any] | None] = {}
    labels, following, numbered = {}, graph.follows(scores), False
    for name in graph.outputs:
        zipped = graph.zipped(name)
        if zipped is not None and zipped.input[0] == scores:
            tables[f"the output {name!r}"] = _class_labels(zipped)
        if graph.kind(name) not in _LABELS or name == scores:
            continue
        how, shape = graph.labels(name), graph.shape(name)
        if how is not None and how.scores not in following and scores not in graph.follows(how.scores):
            continue  # it is a label of other scores
        if how is None and not said:
            if name in following:
                continue  # whatever it is, it is computed from the patched scores
            producer = graph.producer(name)
            raise ValueError(
                f"the output {graph.describe(name)}, by the operator "
                f"{'none' if producer is None else producer.op_type}, cannot be computed from the scores: "
                "if it is the label, say classes=[..]"
            )
        if shape is None or len(shape) not in (1, 2):
            raise ValueError(f"the label {graph.describe(name)}: expected the shape (batch,) or (batch, 1)")
        if graph.readers(name):
            raise ValueError(f"the label {name!r} is also used inside of the graph, so it cannot be patched")
        labels[name] = len(shape)
        if how is not None:
            tables[f"the output {name!r}"] = how.table
            numbered = numbered or how.table is None
    tables |= {what: np.asarray(one) for what, one in said.items()}
    known = {what: table for what, table in tables.items() if table is not None}
    if numbered and known:  # the label is the number of the column
        known = {"an ArgMax": np.arange(len(next(iter(known.values())))), **known}
    first = next(iter(known), "")
    for what, table in known.items():
        if list(map(str, table.tolist())) != list(map(str, known[first].tolist())):
            raise ValueError(
                f"the classes are {known[first].tolist()} by {first}, but {table.tolist()} by {what}"
            )
    return labels, known[first] if known else None
