"""An ONNX model as a classifier: scores, labels and features, as onnxruntime computes them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, helper

from ftc.onnx.graph import Graph, Source, find_target, read
from ftc.onnx.merge import merge, patches, unmerge
from ftc.onnx.network import FloatLayers

__all__ = ["OnnxClassifier"]

_AT_ONCE = 4096  # rows


class OnnxClassifier:
    """A frozen or patched ONNX model with the methods of a fitted classifier, for `patch_classifier`.

    `X` has one row for an input, `(K, d)` or the shape that the model wants, or is a dict of such arrays for
    a model of several inputs. A model whose batch has a fixed size is run in batches of that size.

    Args:
        source: a file, its content, or a model.
        scores, features, classes: as for `merge`.
        optimised: let onnxruntime optimise the graph, as it does if nothing else is said.
        threads: of one operator; 0 is onnxruntime's own choice.
        batch: how many inputs are run at once, if the model does not fix it; 4,096 if nothing is said.

    Raises:
        ValueError: as for `merge`, or the model cannot be run.
    """

    def __init__(
        self,
        source: Source,
        *,
        scores: str | None = None,
        features: str | None = None,
        classes: Any = None,
        optimised: bool = True,
        threads: int = 0,
        batch: int | None = None,
    ) -> None:
        self._model, self.content = read(source)
        self._graph = Graph(self._model)
        self._asked = {"scores": scores, "features": features, "classes": classes}
        self.target = find_target(self._graph, **self._asked)
        self._settings = {"optimised": optimised, "threads": threads}
        self.batch = batch
        self._sessions = {"": session(self._model, optimised, threads)}

    @property
    def classes_(self) -> NDArray[Any]:
        """The class of each column of scores."""
        return self.target.classes

    @property
    def n_features_in_(self) -> int:
        """How many numbers an input has.

        Raises:
            AttributeError: the model does not say it, or has several inputs.
        """
        shape = self._graph.shape(self._graph.inputs[0]) if len(self._graph.inputs) == 1 else None
        if shape is None or None in shape[1:]:
            raise AttributeError("the model does not say how many features an input has")
        return math.prod(n or 0 for n in shape[1:])

    @cached_property
    def layers(self) -> list[tuple[NDArray[Any], NDArray[Any]]] | None:
        """The network of the last patch; None for a model without one."""
        return next(reversed(patches(self.content)), None)

    @property
    def base(self) -> OnnxClassifier:
        """The model without its last patch, as `unmerge` gives it."""
        where = {"scores": self.target.scores, "features": self.target.features, "classes": self.classes_}
        return OnnxClassifier(unmerge(self.content).content, **where, **self._settings)  # type: ignore[arg-type]

    def merge(self, layers: FloatLayers) -> ModelProto:
        """The model with a patch, at the scores and the features of this one."""
        return merge(self.content, layers, **self._asked)

    def decision_function(self, X: Any) -> NDArray[Any]:  # noqa: N803 - as in scikit-learn
        """Scores `(K, C)`, or `(K,)` where the model has one score of two classes."""
        found = self.value(self.target.scores, X)
        return found.reshape(len(found)) if self.target.columns is None else found

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """Labels `(K,)`: the output of the model if it has one, else the class of the largest score."""
        if self.target.labels:
            found = self.value(next(iter(self.target.labels)), X).reshape(-1)
            return np.asarray(found.astype(self.classes_.dtype))
        scores = self.decision_function(X)
        column = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[column])

    def features(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """What a patch acts on, `(K, d)`, in the model's own type: the points of its certificate."""
        found = self.value(self.target.features, X)
        return found.reshape(len(found), -1)

    def outputs(self, X: Any) -> list[NDArray[Any]]:  # noqa: N803
        """All outputs of the model, run as it is. What a ZipMap gives comes as an array of its values."""
        return _run(self._sessions[""], X, self._graph.outputs, self.batch)

    def value(self, name: str, X: Any) -> NDArray[Any]:  # noqa: N803
        """Any value of the graph. One that is no output is made one first, which may change how onnxruntime
        optimises what is around it."""
        if name in self._graph.inputs:
            return _feeds(self._sessions[""], X)[name]
        key = "" if name in self._graph.outputs else name
        if key not in self._sessions:
            shown = ModelProto()
            shown.CopyFrom(self._model)
            shown.graph.output.append(helper.make_tensor_value_info(name, self._graph.kind(name), None))
            self._sessions[key] = session(shown, **self._settings)  # type: ignore[arg-type]
        return _run(self._sessions[key], X, [name], self.batch)[0]

    @property
    def fixed_batch(self) -> int | None:
        """The size of a batch, if the model fixes it."""
        return _fixed_batch(self._sessions[""])


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


def _run(session: Any, X: Any, outputs: list[str], batch: int | None) -> list[NDArray[Any]]:  # noqa: N803
    """Outputs at all rows of `X`, in batches of the model's own size, or of `batch`."""
    feeds = _feeds(session, X)
    rows = {len(array) for array in feeds.values()}
    if len(rows) != 1:
        raise ValueError(
            f"the inputs have {' and '.join(map(str, sorted(rows)))} rows: expected as many of each"
        )
    total, fixed = rows.pop(), _fixed_batch(session)
    size = fixed or batch or _AT_ONCE
    parts: list[list[Any]] = [[] for _ in outputs]
    for start in range(0, total, size):
        index = np.arange(start, start + size)
        if not fixed:
            index = index[index < total]
        here = {name: array[np.minimum(index, total - 1)] for name, array in feeds.items()}
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


def _fixed_batch(session: Any) -> int | None:
    sizes = {value.shape[0] for value in session.get_inputs() if value.shape}
    return next((size for size in sizes if isinstance(size, int) and size > 0), None)


def _feeds(session: Any, X: Any) -> dict[str, NDArray[Any]]:  # noqa: N803
    inputs = {value.name: value for value in session.get_inputs()}
    given = X if isinstance(X, Mapping) else dict.fromkeys(list(inputs)[:1], X)
    if given.keys() != inputs.keys():
        raise ValueError(f"the model has the inputs {', '.join(inputs)}: expected a dict of these")
    return {name: _feed(value, np.asarray(given[name])) for name, value in inputs.items()}


def _feed(value: Any, given: NDArray[Any]) -> NDArray[Any]:
    kind = _TYPES.get(value.type)
    if kind is None:
        return given
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


_TYPES = {
    f"tensor({name})": np.dtype(kind)
    for name, kind in {
        "float": "float32", "double": "float64", "float16": "float16", "bool": "bool",
        **{f"{sign}int{bits}": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    }.items()
}  # fmt: skip
