"""From a frozen module and a list of wanted labels to a patched module, its certificate's content, and what a
new run of it gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from constructions.classifier import ClassifierPatch, patch_classifier
from constructions.labels import LabelProblem
from constructions.slab_encoder import Reach
from ftc.torch.module import (
    AdditivePatch,
    refuse_other_arithmetic,
    require_feature,
    require_logits,
    tapped,
)

__all__ = ["ModulePatch", "Rerun", "evaluate", "patch_module", "rerun"]


@dataclass(frozen=True)
class Rerun:
    """What a patched module gave when it was run anew in batches of `batch`: an experiment, not a proof.

    `right` of `edits` inputs get the wanted label; of `protected` others, `same_label` get the label that the
    base gives, and `same_bits` its logits bit for bit, in batches of the same size.
    """

    batch: int
    edits: int
    right: int
    protected: int
    same_label: int
    same_bits: int

    @property
    def as_certified(self) -> bool:
        """Whether all is as the certificate says."""
        return self.right == self.edits and self.same_bits == self.protected

    def text(self) -> str:
        return (
            f"run in batches of {self.batch}: {self.right} of {self.edits} wanted labels; "
            f"of {self.protected} others, {self.same_label} keep their label and {self.same_bits} "
            "their logits, bit for bit"
        )


@dataclass(frozen=True, eq=False)
class ModulePatch:
    """A patched module, the patch (`constructions.write_certificate` writes its certificate), how far apart
    the logits and the feature are in batches of different sizes, and new runs."""

    module: AdditivePatch
    patch: ClassifierPatch
    logit_spread: float
    feature_spread: float
    reruns: tuple[Rerun, ...]


def patch_module(
    module: nn.Module,
    X: Any,  # noqa: N803 - as in scikit-learn
    labels: Mapping[int, int],
    *,
    feature: str | None = None,
    margin: float | None = None,
    radius: float | None = None,
    reach: Reach = "tight",
    slabs: int = 2,
    dtype: str = "float32",
    batch: int = 256,
    compare: Sequence[int] | None = None,
    seed: int = 0,
) -> ModulePatch:
    """A patch with which the listed inputs get their labels, and all others of `X` keep their logits.

    *One evaluation.* The last bits of logits and features hang on the size of the batch, and on the machine.
    What the certificate calls `base` and `points` is one evaluation: in `eval` mode, in batches of `batch`.
    It is compared with those in batches of the sizes `compare`; let the largest differences be `e` in logits
    and `r` in features. If they are not given, `margin` is `4 e`, as a lead is a difference of two logits,
    and `radius`, for a feature, `2 r`, or 8 units in the last place of the largest number if that is more;
    for the input, which is what it is, 0. Features that vary by no more than that, dead units, contribute
    nothing. So a certificate allows for such differences, one kind at a time; that no larger ones occur, and
    what both do together, is not proven. `reruns` tell what the patched module itself gives.

    *Patches stack.* If `module` is an `AdditivePatch`, its `edited` inputs are protected too (as points from
    `K` on), whatever the feature. They are kept in the module, and with it in its state dict.

    Args:
        X: inputs, first dimension `K`, as `module` takes them.
        labels: `{index of X: class}`.
        feature: see `AdditivePatch`; without it, the patch is a function of the input.
        margin, radius, reach, slabs, dtype, seed: see `constructions.classifier.patch_classifier`.
        compare: sizes of batches; 1 and `K` if left out.

    Raises:
        ValueError: the module, or the points and labels, cannot be patched, and why.

    >>> X = torch.arange(8.0)[:, None]
    >>> base = nn.Linear(1, 2).requires_grad_(False)
    >>> _ = base.weight.copy_(torch.tensor([[1.0], [0.0]])), base.bias.copy_(torch.tensor([0.5, 0.0]))
    >>> found = patch_module(base, X, {3: 1, 5: 1})
    >>> found.module(X).argmax(1).tolist()
    [0, 0, 0, 1, 0, 1, 0, 0]
    >>> found.module.base is base
    True
    """
    refuse_other_arithmetic(_device(module))
    inputs = _tensor(X)
    kept = module.edited if isinstance(module, AdditivePatch) else None
    if kept is not None and len(inputs) and (kept.shape[1:], kept.dtype) != (inputs.shape[1:], inputs.dtype):
        raise ValueError(
            f"X has rows of shape {tuple(inputs.shape[1:])} in {inputs.dtype}, and the inputs that the patch "
            f"below has fixed {tuple(kept.shape[1:])} in {kept.dtype}"
        )
    everything = inputs if kept is None else torch.cat([inputs, kept.to(inputs.device)])
    points, base = evaluate(module, everything, feature=feature, batch=batch)
    sizes = sorted({1, len(inputs)}) if compare is None else list(compare)
    logit_spread, feature_spread, frozen = 0.0, 0.0, {}
    for size in sizes:
        other, frozen[size] = evaluate(module, everything, feature=feature, batch=size)
        logit_spread = max(logit_spread, _distance(base, frozen[size]))
        feature_spread = max(feature_spread, _distance(points, other))
    if margin is None:
        margin = 4 * logit_spread
    if radius is None:
        radius = 0.0 if feature is None else 2 * max(feature_spread, 4 * _ulp(points))
    try:
        for i in labels:
            if not i < len(inputs):
                raise ValueError(f"edit index {i} is out of range: X has {len(inputs)} rows, from 0")
        problem = LabelProblem(points, base, labels, dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is checked
            found = patch_classifier(
                problem, radius=radius, margin=margin, reach=reach, slabs=slabs, seed=seed
            )
        if found.empty:
            raise ValueError("every listed input has its label already, there is nothing to do")
    except ValueError as error:
        where = "" if kept is None else f"; points from {len(inputs)} on were fixed by the patch below"
        raise ValueError(f"{error}{where}") from None
    edited = inputs[list(problem.labels)].to(_device(module))
    edited = edited if kept is None else torch.cat([kept, edited])
    patched = AdditivePatch(module, found.layers, feature=feature, edited=edited).to(_device(module))
    reruns = tuple(
        _compared(frozen[size], evaluate(patched, everything, batch=size)[1], problem.labels, size)
        for size in sizes
    )
    return ModulePatch(patched, found, logit_spread, feature_spread, reruns)


def evaluate(
    module: nn.Module,
    X: Any,  # noqa: N803
    *,
    feature: str | None = None,
    batch: int = 256,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Features `(K, d)`, flattened, and logits `(K, C)` of a module: points and base of a certificate.

    It runs in `eval` mode, without gradients, in batches, on the device where the module is; modes are then
    what they were. Without `feature` the inputs themselves are the features.

    Raises:
        ValueError: the module cannot run on `X`; no such feature, or it is no tensor or computed more than
            once; the output is no tensor `(K, C)` of float32 or float64, `C >= 2`, or a number is not finite.

    >>> features, logits = evaluate(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)), torch.ones(5, 2, 2))
    >>> features.shape, logits.shape
    ((5, 4), (5, 3))
    """
    inputs, name = _tensor(X), type(module).__name__
    if not isinstance(batch, int) or isinstance(batch, bool) or batch < 1:
        raise ValueError(f"batch is {batch!r}: expected a positive integer")
    what = "its input" if feature is None else f"its feature {feature!r}"
    device = _device(module)
    features: list[NDArray[Any]] = []
    logits: list[NDArray[Any]] = []

    def take(output: Any) -> None:
        require_feature(module, output, what)
        features.append(_array(output))

    with _evaluating(module), torch.no_grad():
        for start in range(0, len(inputs), batch):
            some = inputs[start : start + batch].to(device, copy=True)  # a layer may work in place
            try:
                if feature is None:
                    take(some)
                    out = module(some)
                else:
                    with tapped(module, feature, take):
                        out = module(some)
            except (RuntimeError, TypeError, IndexError, KeyError, AttributeError) as error:
                lines = str(error).splitlines() or [type(error).__name__]
                raise ValueError(f"{name} cannot run on X from row {start} on: {lines[0]}") from error
            require_logits(module, out)
            logits.append(_array(out))
            if len(features) != len(logits):
                times = len(features) - len(logits) + 1
                raise ValueError(f"{name} cannot be patched: {what} is computed {times} times in one pass")
            for found, whose in ((features, what), (logits, "its output")):
                if len(found[-1]) != len(some) or found[-1].shape[1:] != found[0].shape[1:]:
                    raise ValueError(
                        f"{name} cannot be patched: {whose} has shape {found[-1].shape} when flattened, for "
                        f"{len(some)} inputs"
                    )
                bad = np.argwhere(~np.isfinite(found[-1]))
                if len(bad):
                    i, k = bad[0].tolist()
                    where = f"row {start + i}, column {k}"
                    raise ValueError(f"{name} cannot be patched: {whose} is {found[-1][i, k]} at {where}")
    return np.concatenate(features), np.concatenate(logits)


def rerun(
    patched: AdditivePatch,
    X: Any,  # noqa: N803
    labels: Mapping[int, int],
    *,
    batch: int,
) -> Rerun:
    """Runs a patched module and its base in batches of one size, in `eval` mode: see `Rerun`."""
    _, before = evaluate(patched.base, X, batch=batch)
    return _compared(before, evaluate(patched, X, batch=batch)[1], labels, batch)


def _compared(before: NDArray[Any], after: NDArray[Any], labels: Mapping[int, int], batch: int) -> Rerun:
    edited = np.zeros(len(after), dtype=bool)
    edited[list(labels)] = True
    right = sum(int(after[i].argmax() == label) for i, label in labels.items())
    same = before.argmax(axis=1) == after.argmax(axis=1)
    bits = before.astype(after.dtype).view(np.uint8) == after.view(np.uint8)
    return Rerun(
        batch,
        len(labels),
        right,
        int((~edited).sum()),
        int(same[~edited].sum()),
        int(bits.all(axis=1)[~edited].sum()),
    )


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes:
            part.training = mode


def _tensor(X: Any) -> Tensor:  # noqa: N803
    try:
        inputs = X.detach() if isinstance(X, Tensor) else torch.tensor(X)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ValueError(f"X is no tensor, and cannot be made one: {error}") from None
    if not inputs.dim() or not len(inputs):
        raise ValueError(f"X has shape {tuple(inputs.shape)}: expected at least one row")
    return inputs


def _array(rows: Tensor) -> NDArray[Any]:
    rows = rows.detach().cpu()
    rows = rows.float() if rows.dtype in (torch.float16, torch.bfloat16) else rows
    return np.array(rows.reshape(len(rows), -1).numpy())


def _device(module: nn.Module) -> torch.device:
    return next((t.device for t in chain(module.parameters(), module.buffers())), torch.device("cpu"))


def _ulp(points: NDArray[Any]) -> float:
    """How finely the largest number is held."""
    kind = points.dtype if points.dtype.kind == "f" else np.dtype(np.float64)
    return float(np.finfo(kind).eps) * float(np.abs(points).max(initial=0))


def _distance(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max(initial=0))
