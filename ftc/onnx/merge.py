"""A patch merged into an ONNX graph, and taken out again bit for bit."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper

from ftc.onnx.graph import (
    OLDEST,
    Graph,
    Source,
    Target,
    find_target,
    first_line,
    marks,
    read,
    with_types,
)
from ftc.onnx.network import FloatLayers, constant, dense, layers_of

__all__ = ["Restored", "edited_inputs", "merge", "patches", "unmerge"]

_INT64 = TensorProto.INT64


def merge(
    source: Source,
    layers: FloatLayers,
    *,
    scores: str | None = None,
    features: str | None = None,
    classes: Any = None,
    edited: Any = None,
) -> ModelProto:
    """A model that gives `scores - h`, `h = -g(features)`, where `source` gives `scores`; everything that it
    computes from the scores follows, and outputs that are labels tell the class of the largest score wherever
    `h` is not 0.

    Where `g` is 0, or no finite number, `h` is `+0.0`, and `x - (+0.0)` is `x` in every bit, `-0.0`
    included: all outputs are those of the frozen model, the labels too. Inputs, outputs and opset are those
    of `source`, and so are its operators, but that the one that gives the scores, and those that give labels,
    write them under another name. One score `s` of two classes counts as `(0, s)`: it becomes
    `(s + g_1) - g_0`.

    A patched model can be patched again; `unmerge` takes the last patch out.

    Args:
        layers: weights `(out, in)` and biases `(out,)` of `g`, as in `ClassifierPatch.layers`.
        scores: the value to patch, of shape `(batch, C)`, float or double; by default the only output that
            can be meant, or what ZipMap or ArgMax makes of it.
        features: the value that `g` acts on, flattened to `(batch, d)`; by default the only input.
        classes: the labels of the columns, if the graph does not tell them; a patched one remembers them.
        edited: the inputs that the patch was made for, one row each: they are noted in the model, and a
            further patch by `ftc patch` protects them.

    Raises:
        ValueError: the model has no such values, an output that cannot follow, or an opset below 9; or `g`
            has other shapes or longer floats than the scores.

    >>> from onnx import TensorProto
    >>> x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])
    >>> y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 2])
    >>> graph = helper.make_graph([helper.make_node("Neg", ["x"], ["y"])], "f", [x], [y])
    >>> model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 9)])
    >>> patched = merge(model, [(np.eye(2, dtype=np.float32), np.ones(2, np.float32))])
    >>> patched.graph.node[-1].op_type, patched.graph.output == model.graph.output
    ('Sub', True)
    >>> unmerge(patched).model == model
    True
    """
    model, content = read(source)
    graph = Graph(model)
    target = find_target(graph, scores, features, classes)
    layers = [(np.asarray(weight), np.asarray(bias)) for weight, bias in layers]
    _check_layers(graph, target, layers)
    added = _check_opset(model)
    number = next(n for n in range(1, len(content) + 2) if f"ftc{n}_".encode() not in content)
    prefix = f"ftc{number}_"
    renamed = {target.scores: f"{prefix}scores"}
    renamed |= {name: f"{prefix}label_{k}" for k, name in enumerate(target.labels)}
    for name, other in renamed.items():
        _rename_output(model, name, other)
    patch = _patch(graph, target, layers, prefix)
    tail = [node for name in target.labels for node in _label(graph, target, name, renamed[name], prefix)]
    after = graph.position[target.scores] + 1
    nodes = [*model.graph.node]
    nodes = [*nodes[:after], *patch, *nodes[after:], *tail]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    if added:
        model.opset_import.append(helper.make_opsetid("", OLDEST))
    note = {
        "sha256": hashlib.sha256(content).hexdigest(), "scores": target.scores, "features": target.features,
        "classes": None if classes is None else np.asarray(classes).tolist(), "renamed": renamed,
        "opset_added": added,
    }  # fmt: skip
    if edited is not None:
        note["edited"] = _text(np.asarray(edited))
    model.metadata_props.add(key=f"ftc_patch_{number}", value=json.dumps(note))
    try:
        onnx.checker.check_model(with_types(model), full_check=True)
    except Exception as error:  # it may be the fault of the model: types are inferred here, too
        raise ValueError(f"the patched model fails onnx.checker: {first_line(error)}") from None
    return model


@dataclass(frozen=True, eq=False)
class Restored:
    """A model without its last patch; `exact` if its bytes are those of the file that was patched, by their
    SHA-256. A file that another protobuf library wrote may have the same content in other bytes.

    The SHA-256 is kept in the patched model itself: it finds accidents, not tampering, as whoever changes the
    graph can change it too."""

    model: ModelProto
    exact: bool

    @property
    def content(self) -> bytes:
        return bytes(self.model.SerializeToString())


def unmerge(source: Source) -> Restored:
    """Take the last patch out of a model.

    The operators of the patch must be those that `merge` adds for its weights.

    Raises:
        ValueError: there is none, or the model was changed after it was patched.
    """
    model, _ = read(source)
    patched = ModelProto()
    patched.CopyFrom(model)
    found = marks(model)
    if not found:
        raise ValueError("the model has no patch")
    number, note = [*found.items()][-1]
    prefix = f"ftc{number}_"
    changed = f"the operators of patch {number} are not as they were added: it cannot be undone"
    try:
        layers = layers_of([*model.graph.node], prefix)
    except (KeyError, IndexError):
        raise ValueError(changed) from None
    nodes = [node for node in model.graph.node if not node.name.startswith(prefix)]
    if not layers or len(nodes) == len(model.graph.node):
        raise ValueError(changed)
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    for name, other in note["renamed"].items():
        _rename_output(model, other, name)
    kept = [entry for entry in model.metadata_props if entry.key != f"ftc_patch_{number}"]
    model.ClearField("metadata_props")
    model.metadata_props.extend(kept)
    if note["opset_added"]:
        imported = [entry for entry in model.opset_import if entry.domain]
        model.ClearField("opset_import")
        model.opset_import.extend(imported)
    place = {key: note[key] for key in ("scores", "features", "classes")}
    if merge(model, layers, **place).graph != patched.graph:
        raise ValueError(changed)
    digest = hashlib.sha256(model.SerializeToString()).hexdigest()
    return Restored(model, digest == note["sha256"])


def patches(source: Source) -> list[list[tuple[NDArray[Any], NDArray[Any]]]]:
    """The layers of all patches in a model, the first one first."""
    model, _ = read(source)
    return [layers_of([*model.graph.node], f"ftc{number}_") for number in marks(model)]


def _text(array: NDArray[Any]) -> str:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    return base64.b64encode(content.getvalue()).decode()


def edited_inputs(note: dict[str, Any]) -> NDArray[Any]:
    """Those that a patch noted, or none."""
    if "edited" not in note:
        return np.empty(0, dtype=np.float32)
    return np.asarray(np.load(io.BytesIO(base64.b64decode(note["edited"])), allow_pickle=False))


def _check_opset(model: ModelProto) -> bool:
    """Whether the standard operators must be imported yet."""
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if versions and min(versions) < OLDEST:
        raise ValueError(
            f"opset {min(versions)} has no operator Where: expected {OLDEST} or later; "
            f"onnx.version_converter.convert_version(model, {OLDEST}) gives it"
        )
    return not versions


def _check_layers(graph: Graph, target: Target, layers: FloatLayers) -> None:
    dtype, width = layers[0][0].dtype, layers[0][0].shape[1]
    if dtype not in (np.float32, np.float64) or any(a.dtype != dtype for pair in layers for a in pair):
        raise ValueError("the layers of a patch must be float32, or all float64")
    if dtype.itemsize > target.dtype.itemsize:
        raise ValueError(
            f"the scores {target.scores!r} are float32, which a patch in float64 cannot be added to without "
            "rounding twice: use a patch in float32"
        )
    shape = graph.shape(target.features)
    sides = shape[1:] if shape else [None]
    if None not in sides and math.prod(n or 0 for n in sides) != width:
        raise ValueError(f"the patch has {width} inputs, and acts on {graph.describe(target.features)}")
    outputs = len(layers[-1][1])
    if outputs != len(target.classes):
        raise ValueError(
            f"the patch has {outputs} outputs for the {len(target.classes)} classes of {target.scores!r}"
        )


def _rename_output(model: ModelProto, name: str, other: str) -> None:
    for node in model.graph.node:
        for k, output in enumerate(node.output):
            if output == name:
                node.output[k] = other


class _Steps:
    """Operators with the names that they write."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.nodes: list[NodeProto] = []

    def __call__(self, operator: str, *inputs: str, name: str, output: str = "", **more: Any) -> str:
        output = output or f"{self.prefix}{name}"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=f"{self.prefix}{name}", **more))
        return output

    def constant(self, name: str, value: Any) -> str:
        self.nodes.append(constant(f"{self.prefix}{name}", value))
        return f"{self.prefix}{name}"


def _patch(graph: Graph, target: Target, layers: FloatLayers, prefix: str) -> list[NodeProto]:
    """The operators of `g`, of `h`, and of the sum."""
    step, dtype, outputs = _Steps(prefix), layers[0][0].dtype, len(layers[-1][1])
    kind, total = (helper.np_dtype_to_tensor_dtype(np.dtype(each)) for each in (dtype, target.dtype))
    points = target.features
    if graph.kind(points) != kind:
        points = step("Cast", points, name="cast", to=kind)
    points = step("Flatten", points, name="points", axis=1)
    step.nodes += dense(layers, points, prefix, f"{prefix}g")
    g, zero = f"{prefix}g", step.constant("zero", dtype.type(0))
    size = step("Abs", g, name="size")
    finite = step("Less", size, step.constant("infinity", dtype.type(np.inf)), name="finite")
    ones = step.constant("ones", np.ones((outputs, 1), dtype))
    count = step("MatMul", step("Cast", finite, name="finite_number", to=kind), ones, name="finite_count")
    whole = step("Greater", count, step.constant("nearly_all", dtype.type(outputs - 0.5)), name="whole")
    moves = step("And", whole, step("Greater", size, zero, name="not_zero"), name="moves")
    if target.labels:
        count = step("MatMul", step("Cast", moves, name="moves_number", to=kind), ones, name="moves_count")
        step("Greater", count, zero, name="touched")

    def normalised(name: str, value: str, column: int | None) -> str:
        value = step("Where", moves, value, zero, name=name)
        if dtype != target.dtype:
            value = step("Cast", value, name=f"{name}_longer", to=total)
        if column is None:
            return value
        index = step.constant(f"column_{column}", np.array(column if target.flat else [column]))
        return step("Gather", value, index, name=f"{name}_{column}", axis=1)

    minus, frozen = step("Neg", g, name="minus_g"), f"{prefix}scores"
    if target.columns is not None:
        step("Sub", frozen, normalised("h", minus, None), name="sum", output=target.scores)
        return step.nodes
    second = step("Sub", frozen, normalised("h", minus, 1), name="second")
    step("Sub", second, normalised("first", g, 0), name="sum", output=target.scores)
    return step.nodes


def _label(graph: Graph, target: Target, output: str, frozen: str, prefix: str) -> list[NodeProto]:
    """The operators of one label: of the largest score where `g` is not 0, else the frozen one."""
    axes, kind = target.labels[output], graph.kind(output)
    step = _Steps(f"{frozen}_")
    if target.columns is None:
        half = step.constant("zero", target.dtype.type(0))
        column = step("Cast", step("Greater", target.scores, half, name="second"), name="to", to=_INT64)
    else:
        column = step("ArgMax", target.scores, name="column", axis=1, keepdims=1)
    shape = step.constant("shape", np.array([-1, 1][:axes]))
    column = step("Reshape", column, shape, name="index")
    touched = step("Reshape", f"{prefix}touched", shape, name="touched")
    classes = target.classes.astype(
        str if kind == TensorProto.STRING else helper.tensor_dtype_to_np_dtype(kind)
    )
    label = step("Gather", step.constant("classes", classes), column, name="largest", axis=0)
    step("Where", touched, label, frozen, name="chosen", output=output)
    return step.nodes
