"""A patched model beside the frozen one, as onnxruntime runs them: what happened, not what is proven."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from ftc.onnx.graph import Source
from ftc.onnx.model import OnnxClassifier

__all__ = ["Comparison", "Setting", "compare"]


@dataclass(frozen=True)
class Setting:
    """One way to run both models, and what came of it."""

    optimised: bool
    batch: int
    threads: int
    """0 for onnxruntime's own choice."""
    differing: int
    """Protected rows of which some output has other bits."""
    wrong: int
    """Edited rows without the wanted label."""

    def __str__(self) -> str:
        level = "ORT_ENABLE_ALL" if self.optimised else "ORT_DISABLE_ALL"
        return f"{level}, batch {self.batch}, {self.threads or 'default'} threads"


@dataclass(frozen=True)
class Comparison:
    """The runs of two models on the same inputs: an observation with this version of onnxruntime on this
    machine, beside what a certificate proves."""

    onnxruntime: str
    protected: int
    edited: int
    runs: list[Setting]

    @property
    def same(self) -> bool:
        """In all runs, protected rows have the same bits in all outputs and edited rows the wanted label."""
        return not any(each.differing or each.wrong for each in self.runs)

    def text(self) -> str:
        """Lines for people."""
        head = f"observed with onnxruntime {self.onnxruntime} on the processor, {len(self.runs)} settings: "
        if self.same:
            return (
                f"{head}all outputs of {self.protected} protected inputs have the same bits, "
                f"{self.edited} edited ones the wanted label"
            )
        lines = [
            f"{each}: {each.differing} of {self.protected} protected inputs with other bits, "
            f"{each.wrong} of {self.edited} edited ones without the wanted label"
            for each in self.runs
            if each.differing or each.wrong
        ]
        return "\n".join([f"{head}not the same in {len(lines)}", *lines])


def compare(
    frozen: Source,
    patched: Source,
    X: Any,  # noqa: N803
    labels: Mapping[int, int],
    *,
    scores: str | None = None,
    features: str | None = None,
    classes: Any = None,
) -> Comparison:
    """Run a frozen and a patched model with optimisations off and on, one input at once and all at once, on
    one thread and on as many as onnxruntime takes. A fixed size of a batch is kept.

    Args:
        X: inputs, as for `OnnxClassifier`.
        labels: `{index: column}`, the wanted classes; all other inputs are protected.
        scores, features, classes: as for `merge`.
    """
    where: dict[str, Any] = {"scores": scores, "features": features, "classes": classes}
    total = len(next(iter(X.values()))) if isinstance(X, Mapping) else len(X)
    protected = np.setdiff1d(np.arange(total), list(labels))
    runs = []
    for optimised, threads in itertools.product((False, True), (1, 0)):
        how: dict[str, Any] = {"optimised": optimised, "threads": threads}
        old, new = (OnnxClassifier(model, **where, **how) for model in (frozen, patched))
        fixed = old.fixed_batch
        for batch in [fixed] if fixed else sorted({1, total}):
            old.batch = new.batch = batch
            differing = np.zeros(len(protected), dtype=bool)
            for before, after in zip(old.outputs(X), new.outputs(X), strict=True):
                differing |= _other_bits(before[protected], after[protected])
            wrong = new.predict(X)[[*labels]] != new.classes_[[*labels.values()]]
            runs.append(Setting(**how, batch=batch, differing=int(differing.sum()), wrong=int(wrong.sum())))
    return Comparison(onnxruntime.__version__, len(protected), len(labels), runs)


def _other_bits(old: NDArray[Any], new: NDArray[Any]) -> NDArray[np.bool_]:
    """Rows that differ, `-0.0` from `0.0` and one NaN from another."""
    if old.shape != new.shape or old.dtype != new.dtype:
        return np.ones(len(old), dtype=bool)
    old, new = old.reshape(len(old), -1), new.reshape(len(new), -1)
    if old.dtype.kind == "f":
        bits = np.dtype(f"u{old.dtype.itemsize}")
        old, new = old.view(bits), new.view(bits)
    return np.asarray((old != new).any(axis=1))
