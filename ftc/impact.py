"""What a patch does to a model: counted on given inputs, and around the samples that it was made for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constructions.classifier import ClassifierPatch
from constructions.encoder import Encoder
from ftc.patched import Patched, frozen_scores, numbers, seen

__all__ = [
    "MEMORIZES", "Cost", "Effect", "Neighbourhood", "cost", "effect", "kept_in_float32", "nearest_slab",
    "neighbourhood",
]  # fmt: skip

MEMORIZES = (
    "This patch memorizes: it fixes the listed samples and leaves the protected ones alone. "
    "It does not generalise; no new input is classified any better."
)
_SAMPLES = 200
_STEPS = 9


@dataclass(frozen=True)
class Effect:
    """Counts on given inputs. `touched`: some output changes. `equal_edited` and `equal_protected`: as
    numbers of the patch's dtype, equal to a point of the patch; `unseen`: to none. Of these, the touched ones
    by what the nearest point is, in the maximum norm. The others are None if no labels are known;
    `unknown_labels` are those that are no class of the model, and the accuracies of the unseen are also None
    if there is none."""

    samples: int
    touched: int
    labels_changed: int
    largest_change: float
    equal_edited: int
    equal_protected: int
    unseen: int
    unseen_touched_near_edited: int
    unseen_touched_near_protected: int
    unknown_labels: int | None = None
    accuracy_before: float | None = None
    accuracy_after: float | None = None
    wrong_to_right: int | None = None
    right_to_wrong: int | None = None
    unseen_accuracy_before: float | None = None
    unseen_accuracy_after: float | None = None


def effect(
    patched: Patched, patch: ClassifierPatch, inputs: NDArray[Any], truth: NDArray[np.intp] | None
) -> Effect:
    """Count what the patch does to inputs; `truth`: the columns of their true classes, -1 for one that the
    model does not know."""
    change = patched.change(inputs)
    frozen = frozen_scores(patched.base, inputs)
    before, after = frozen.argmax(axis=1), (frozen + change).argmax(axis=1)
    touched = change.any(axis=1)
    points = patch.problem.points
    with np.errstate(over="ignore"):
        places = seen(patched.base, inputs).astype(points.dtype) + 0
    edited = np.zeros(len(points), dtype=bool)
    edited[list(patch.problem.labels)] = True
    known = {row.tobytes(): bool(is_edited) for row, is_edited in zip(points, edited, strict=True)}
    equal = [known.get(row.tobytes()) for row in places]
    unseen = np.array([one is None for one in equal], dtype=bool)
    near = [bool(edited[np.abs(points - row).max(axis=1).argmin()]) for row in places[touched & unseen]]
    known_truth: dict[str, Any] = {}
    if truth is not None:
        was, now = before == truth, after == truth
        known_truth = {
            "unknown_labels": int((truth < 0).sum()),
            "accuracy_before": float(was.mean()),
            "accuracy_after": float(now.mean()),
            "wrong_to_right": int((now & ~was).sum()),
            "right_to_wrong": int((was & ~now).sum()),
        }
        if unseen.any():
            known_truth["unseen_accuracy_before"] = float(was[unseen].mean())
            known_truth["unseen_accuracy_after"] = float(now[unseen].mean())
    return Effect(
        len(inputs), int(touched.sum()), int((before != after).sum()), float(np.abs(change).max(initial=0)),
        equal.count(True), equal.count(False), int(unseen.sum()), sum(near), len(near) - sum(near),
        **known_truth,
    )  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What is added to the model. `multiply_adds` are for one input; `of_model` is what they are of those of
    the model itself, or None where these are not known."""

    neurons: int
    parameters: int
    bytes: int
    multiply_adds: int
    of_model: float | None


def cost(patch: ClassifierPatch, model: Any) -> Cost:
    """Of `patch`, beside `model`: a linear one or a multilayer perceptron, or a pipeline that ends in one."""
    steps = getattr(model, "steps", None)
    last = steps[-1][1] if steps else model
    weights = getattr(last, "coefs_", None)
    if weights is None:
        weights = [getattr(last, "coef_", np.zeros(0))]
    own = sum(int(np.size(weight)) for weight in weights)
    adds = sum(weight.size for weight, _ in patch.layers)
    size = patch.problem.dtype.itemsize * patch.parameters
    return Cost(patch.neurons, patch.parameters, size, adds, adds / own if own else None)


def nearest_slab(patch: ClassifierPatch) -> NDArray[np.float64]:
    """For every protected point, how far each of its inputs may move before it can come into all slabs of a
    group, as floats tell: `g` is 0 elsewhere, so the support of `g` is no nearer. Nothing is told of an
    encoder without slabs."""
    if not isinstance(patch.encoder, Encoder):
        return np.zeros(0)
    protected = np.setdiff1d(np.arange(patch.problem.K), list(patch.problem.labels))
    return patch.encoder.room(patch.problem.points[protected].astype(np.float64))


@dataclass(frozen=True)
class Neighbourhood:
    """Samples whose every input is moved by at most `noise`, at random: the share of the edited ones that
    still get the wanted label by the patch (`g` is not 0 there), and of the protected ones at which `g` is
    not 0 then."""

    noise: list[float]
    edits_kept: list[float]
    protected_touched: list[float]


def neighbourhood(patched: Patched, patch: ClassifierPatch, points: NDArray[Any], seed: int) -> Neighbourhood:
    """Up to 200 edited and 200 protected samples, moved by half the claimed radius (if the patch acts on the
    inputs themselves) up to the spread of the data; the frozen model runs on what is moved."""
    rng = np.random.default_rng(seed)
    points = numbers(points)
    spread = float(np.ptp(points.astype(np.float64), axis=0).max()) or 1.0
    radius = None if getattr(patched.base, "acts_on", None) else patch.radius
    least = min(float(radius or spread / 1000) / 2, spread / 10)
    noise = np.geomspace(least, spread, _STEPS).tolist()
    labels = patch.problem.labels
    edits = np.array(list(labels), dtype=np.intp)
    protected = np.setdiff1d(np.arange(len(points)), edits)
    chosen = [rng.permutation(part)[:_SAMPLES] for part in (edits, protected)]
    kept, touched = [], []
    for size in noise:
        moved = [points[k] + rng.uniform(-size, size, points[k].shape) for k in chosen]
        wanted = np.array([labels[int(i)] for i in chosen[0]])
        change = patched.change(moved[0])
        found = (frozen_scores(patched.base, moved[0]) + change).argmax(axis=1)
        kept.append(float(((found == wanted) & change.any(axis=1)).mean()))
        touched.append(float(patched.change(moved[1]).any(axis=1).mean()) if len(moved[1]) else 0.0)
    return Neighbourhood(noise, kept, touched)


def kept_in_float32(patched: Patched, patch: ClassifierPatch, points: NDArray[Any]) -> int:
    """How many edits have the wanted label if inputs are rounded to float32 before the model gets them."""
    labels = patch.problem.labels
    with np.errstate(over="ignore"):
        rounded = points[list(labels)].astype(np.float32).astype(points.dtype)
    found = (frozen_scores(patched.base, rounded) + patched.change(rounded)).argmax(axis=1)
    return int((found == list(labels.values())).sum())
