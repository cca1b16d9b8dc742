"""Running models by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

__all__ = ["KINDS", "feeds", "fixed_batch", "run", "session"]

_AT_ONCE = 4096  # rows
KINDS: dict[str, int] = {
    f"tensor({name.lower()})": TensorProto.DataType.Value(name)
    for name in (
        "FLOAT", "DOUBLE", "FLOAT16", "BOOL", "STRING", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16",
        "UINT32", "UINT64",
    )
}  # fmt: skip
"""Types of tensors as onnxruntime calls them."""


def session(model: ModelProto, optimised: bool = True, threads: int = 0) -> Any:
    """A session of onnxruntime on the processor."""
    options = onnxruntime.SessionOptions()
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # it has many of its own
        raise ValueError(f"onnxruntime cannot load the model: {' '.join(str(error).split())}") from None


def run(session: Any, X: Any, outputs: list[str], batch: int | None) -> list[NDArray[Any]]:  # noqa: N803
    """Outputs at all rows of `X`, in batches of the model's own size, or of `batch`."""
    given = feeds(session, X)
    rows = {len(array) for array in given.values()}
    if len(rows) != 1:
        raise ValueError(
            f"the inputs have {' and '.join(map(str, sorted(rows)))} rows: expected as many of each"
        )
    total, fixed = rows.pop(), fixed_batch(session)
    size = fixed or batch or _AT_ONCE
    parts: list[list[Any]] = [[] for _ in outputs]
    for start in range(0, total, size):
        index = np.arange(start, start + size)
        if not fixed:
            index = index[index < total]
        here = {name: array[np.minimum(index, total - 1)] for name, array in given.items()}
        try:
            found = session.run(outputs, here)
        except Exception as error:
            raise ValueError(f"onnxruntime cannot run the model: {' '.join(str(error).split())}") from None
        for name, part, values in zip(outputs, parts, found, strict=True):
            array = _array(values)
            if array.shape[:1] != (len(index),):
                raise ValueError(f"the output {name!r} has shape {array.shape} for {len(index)} inputs")
            part.append(array[: total - start])
    return [np.concatenate(part) for part in parts]


def _array(values: Any) -> NDArray[Any]:
    if isinstance(values, list) and values and isinstance(values[0], Mapping):
        return np.array([[*row.values()] for row in values], dtype=np.float32)
    return np.asarray(values)


def fixed_batch(session: Any) -> int | None:
    """The size of a batch, if the model fixes it."""
    sizes = {value.shape[0] for value in session.get_inputs() if value.shape}
    return next((size for size in sizes if isinstance(size, int) and size > 0), None)


def feeds(session: Any, X: Any) -> dict[str, NDArray[Any]]:  # noqa: N803
    """Every input of a session from `X`, in its type and shape."""
    inputs = {value.name: value for value in session.get_inputs()}
    given = X if isinstance(X, Mapping) else dict.fromkeys(list(inputs)[:1], X)
    if given.keys() != inputs.keys():
        raise ValueError(f"the model has the inputs {', '.join(inputs)}: expected a dict of these")
    return {name: _feed(value, np.asarray(given[name])) for name, value in inputs.items()}


def _feed(value: Any, given: NDArray[Any]) -> NDArray[Any]:
    if value.type not in KINDS:
        raise ValueError(f"the input {value.name!r} is a {value.type}: expected a tensor")
    kind = helper.tensor_dtype_to_np_dtype(KINDS[value.type])
    if KINDS[value.type] == TensorProto.STRING:
        return given.astype(object)
    with np.errstate(over="ignore", invalid="ignore"):
        array = given.astype(kind)
    if kind.kind != "f" and not (array == given).all():
        raise ValueError(f"the input {value.name!r} takes {kind}, which not all of these numbers are")
    sides = value.shape[1:]
    if array.ndim >= 1 and all(isinstance(side, int) for side in sides):
        size = int(np.prod(sides))
        if array.size != len(array) * size:
            have = array.size // max(len(array), 1)
            raise ValueError(f"X has {have} features, but the input {value.name!r} takes {size}")
        array = array.reshape(len(array), *sides)
    return np.ascontiguousarray(array)
