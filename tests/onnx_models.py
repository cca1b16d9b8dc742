"""ONNX models to patch, made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

FLOAT, DOUBLE, INT64, STRING = TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.STRING
NEWEST = 24
KINDS = {FLOAT: np.float32, DOUBLE: np.float64}


def model(
    nodes: list[NodeProto],
    inputs: dict[str, tuple[int, Any]],
    outputs: dict[str, tuple[int, Any]],
    stored: dict[str, Any] | None = None,
    opset: int = 13,
) -> ModelProto:
    values = [
        [helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in each.items()]
        for each in (inputs, outputs)
    ]
    arrays = [numpy_helper.from_array(np.asarray(array), name) for name, array in (stored or {}).items()]
    graph = helper.make_graph(nodes, "f", *values, arrays)
    imported = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=imported, ir_version=4 if opset < 13 else 10)


def node(operator: str, inputs: str, outputs: str, **more: Any) -> NodeProto:
    return helper.make_node(operator, inputs.split(), outputs.split(), **more)


def perceptron(
    d: int = 4, classes: int = 3, opset: int = 13, kind: int = FLOAT, batch: Any = "n", seed: int = 0
) -> ModelProto:
    """`x -> hidden -> scores`."""
    rng = np.random.default_rng(seed)
    stored = {
        "w": rng.normal(size=(d, 6)), "b": rng.normal(size=6),
        "v": rng.normal(size=(6, classes)), "c": rng.normal(size=classes),
    }  # fmt: skip
    nodes = [
        node("Gemm", "x w b", "sum"), node("Relu", "sum", "hidden"), node("Gemm", "hidden v c", "scores"),
    ]  # fmt: skip
    return model(
        nodes, {"x": (kind, [batch, d])}, {"scores": (kind, [batch, classes])},
        {name: array.astype(KINDS[kind]) for name, array in stored.items()}, opset,
    )  # fmt: skip


def convolution(batch: Any = "n") -> ModelProto:
    """Images `(1, 8, 8)` to `feature`, `(4, 4, 4)`, to 10 scores, to probabilities."""
    rng = np.random.default_rng(1)
    stored = {
        "kernel": rng.normal(size=(4, 1, 3, 3)).astype(np.float32),
        "w": rng.normal(size=(64, 10)).astype(np.float32), "b": np.zeros(10, np.float32),
    }  # fmt: skip
    nodes = [
        node("Conv", "image kernel", "maps", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "maps", "feature"),
        node("Flatten", "feature", "flat"), node("Gemm", "flat w b", "scores"),
        node("Softmax", "scores", "probabilities", axis=1),
    ]  # fmt: skip
    return model(
        nodes, {"image": (FLOAT, [batch, 1, 8, 8])},
        {"scores": (FLOAT, [batch, 10]), "probabilities": (FLOAT, [batch, 10])}, stored,
    )  # fmt: skip


def passing(kind: int = FLOAT, columns: int = 3, opset: int = 13) -> ModelProto:
    """Two inputs: `scores` comes out as `given` comes in, while a patch acts on `x`."""
    return model(
        [node("Identity", "given", "scores")], {"given": (kind, ["n", columns]), "x": (kind, ["n", 2])},
        {"scores": (kind, ["n", columns])}, opset=opset,
    )  # fmt: skip


def random_layers(rng: Any, d: int, outputs: int, dtype: Any = np.float32, widths: Any = (5,)) -> Any:
    """A network that is 0 for about half of the normal points: its last hidden neuron is off there."""
    sizes, a = [d, *widths, 1], rng.normal(size=(200, d))
    layers = []
    for n, m in zip(sizes[:-1], sizes[1:], strict=True):
        weight = rng.normal(size=(m, n))
        bias = -np.median(a @ weight.T, axis=0)
        layers.append((weight.astype(dtype), bias.astype(dtype)))
        a = np.maximum(a @ weight.T + bias, 0)
    return [*layers, (rng.normal(size=(outputs, 1)).astype(dtype), np.zeros(outputs, dtype))]
