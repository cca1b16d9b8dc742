"""A ReLU network as ONNX operators, and as a model of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, helper, numpy_helper

__all__ = ["FloatLayers", "constant", "dense", "layers_of", "layers_to_model"]

FloatLayers = Sequence[tuple[NDArray[Any], NDArray[Any]]]
"""Weights `(out, in)` and biases `(out,)`, floats of one dtype."""


def constant(name: str, value: Any) -> NodeProto:
    """A constant as an operator: unlike an initializer, old versions do not want it among the inputs."""
    array = np.asarray(value)
    array = array.astype(object) if array.dtype.kind in "US" else array
    return helper.make_node("Constant", [], [name], name=name, value=numpy_helper.from_array(array, name))


def dense(layers: FloatLayers, source: str, prefix: str, output: str) -> list[NodeProto]:
    """The operators that compute `output`, a network of the matrix `source`."""
    nodes, value = [], source
    for k, (weight, bias) in enumerate(layers):
        names = [f"{prefix}weight_{k}", f"{prefix}bias_{k}"]
        nodes += [constant(name, array) for name, array in zip(names, (weight, bias), strict=True)]
        last = k == len(layers) - 1
        result = output if last else f"{prefix}sum_{k}"
        nodes.append(helper.make_node("Gemm", [value, *names], [result], name=result, transB=1))
        if not last:
            value = f"{prefix}relu_{k}"
            nodes.append(helper.make_node("Relu", [result], [value], name=value))
    return nodes


def layers_of(nodes: Sequence[NodeProto], prefix: str) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """The layers of `dense`, from its operators."""
    arrays = {
        node.output[0]: numpy_helper.to_array(node.attribute[0].t)
        for node in nodes
        if node.op_type == "Constant" and node.name.startswith(prefix)
    }
    count = sum(name.startswith(f"{prefix}weight_") for name in arrays)
    return [(arrays[f"{prefix}weight_{k}"], arrays[f"{prefix}bias_{k}"]) for k in range(count)]


def layers_to_model(layers: FloatLayers) -> ModelProto:
    """A model `points (batch, d) -> g (batch, outputs)`.

    >>> layers = [(np.ones((3, 2), np.float32), np.zeros(3, np.float32)),
    ...           (np.ones((1, 3), np.float32), np.ones(1, np.float32))]
    >>> model = layers_to_model(layers)
    >>> [node.op_type for node in model.graph.node if node.op_type != "Constant"]
    ['Gemm', 'Relu', 'Gemm']
    """
    kind = helper.np_dtype_to_tensor_dtype(layers[0][0].dtype)
    points = helper.make_tensor_value_info("points", kind, ["batch", layers[0][0].shape[1]])
    g = helper.make_tensor_value_info("g", kind, ["batch", len(layers[-1][1])])
    graph = helper.make_graph(dense(layers, "points", "", "g"), "g", [points], [g])
    return helper.make_model(
        graph, producer_name="fine-tuning-capacity", opset_imports=[helper.make_opsetid("", 13)], ir_version=7
    )
