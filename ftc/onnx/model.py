"""An ONNX model as a classifier: scores, labels and features, as onnxruntime computes them."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, helper

from ftc.onnx.graph import Graph, Source, find_target, marks, read
from ftc.onnx.merge import edited_inputs, merge, patches, unmerge
from ftc.onnx.network import FloatLayers
from ftc.onnx.runtime import feeds, fixed_batch, run, session
from ftc.patched import run as run_network
from ftc.patched import still_where_strange

__all__ = ["OnnxClassifier"]


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
        self._asked: dict[str, Any] = {"scores": scores, "features": features, "classes": classes}
        self.target = find_target(self._graph, **self._asked)
        self._settings: dict[str, Any] = {"optimised": optimised, "threads": threads}
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

    @property
    def place(self) -> dict[str, Any]:
        """Where a patch of this model goes: `scores`, `features` and `classes`, as for `merge`."""
        return self._asked | {"scores": self.target.scores, "features": self.target.features}

    @property
    def acts_on(self) -> str | None:
        """The value in the graph that a patch acts on, if that is not the input itself."""
        return None if self.target.features in self._graph.inputs else self.target.features

    @property
    def input_names(self) -> list[str]:
        """Of the model."""
        return list(self._graph.inputs)

    @cached_property
    def layers_(self) -> list[tuple[NDArray[Any], NDArray[Any]]] | None:
        """The network of the last patch; None for a model without one."""
        return next(reversed(patches(self.content)), None)

    @cached_property
    def edited_(self) -> NDArray[Any] | None:
        """The inputs that the last patch has edited, as far as `merge` was told them; None without a
        patch."""
        notes = marks(self._model)
        return edited_inputs(notes[max(notes)]) if notes else None

    @cached_property
    def base(self) -> OnnxClassifier:
        """The model without its last patch, as `unmerge` gives it."""
        below = unmerge(self.content).content
        return OnnxClassifier(below, **self.place, **self._settings, batch=self.batch)

    def merge(self, layers: FloatLayers, edited: Any = None) -> ModelProto:
        """The model with a patch, at the scores and the features of this one."""
        return merge(self.content, layers, **self._asked, edited=edited)

    def change(self, X: Any) -> NDArray[Any]:  # noqa: N803 - as in scikit-learn
        """`g` of the last patch, `(K, C)`, by numpy; 0 where floats give no finite number."""
        if self.layers_ is None:
            raise ValueError("the model has no patch")
        return still_where_strange(run_network(self.layers_, self.features(X)))

    def decision_function(self, X: Any) -> NDArray[Any]:  # noqa: N803
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

    def inputs(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """What a model of one input takes, in its type and shape."""
        return feeds(self._sessions[""], X)[self._graph.inputs[0]]

    def outputs(self, X: Any) -> list[NDArray[Any]]:  # noqa: N803
        """All outputs of the model, run as it is. What a ZipMap gives comes as an array of its values."""
        return run(self._sessions[""], X, self._graph.outputs, self.batch)

    def value(self, name: str, X: Any) -> NDArray[Any]:  # noqa: N803
        """Any value of the graph. One that is no output is made one first, which may change how onnxruntime
        optimises what is around it."""
        if name in self._graph.inputs:
            return feeds(self._sessions[""], X)[name]
        key = "" if name in self._graph.outputs else name
        if key not in self._sessions:
            shown = ModelProto()
            shown.CopyFrom(self._model)
            shown.graph.output.append(helper.make_tensor_value_info(name, self._graph.kind(name), None))
            self._sessions[key] = session(shown, **self._settings)
        return run(self._sessions[key], X, [name], self.batch)[0]

    @property
    def fixed_batch(self) -> int | None:
        """The size of a batch, if the model fixes it."""
        return fixed_batch(self._sessions[""])
