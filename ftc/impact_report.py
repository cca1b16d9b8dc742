"""The impact of a patch: as a record for impact.json, and as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constructions.classifier import ClassifierPatch
from ftc.impact import MEMORIZES, cost, effect, kept_in_float32, nearest_slab, neighbourhood
from ftc.patched import Patched

__all__ = ["impact_report", "impact_text"]


def impact_report(
    patched: Patched, found: ClassifierPatch, points: NDArray[Any],
    held: tuple[NDArray[Any], NDArray[np.intp]] | None, seed: int, untried: Sequence[str] = (),
) -> dict[str, Any]:  # fmt: skip
    """What is in impact.json. Where the patch does what it is made for, it is judged by its own change and by
    the frozen scores that it was made for: a model may give others, in the last bits, when it runs again.

    Args:
        points: the inputs as the model sees them, one for each point of the patch.
        held: inputs and the columns of their true classes, -1 for one that the model does not know.
        seed: of the noise.
        untried: options by which a patch that harms may touch less.

    Raises:
        RuntimeError: it does not do there what it is made for.
    """
    problem = found.problem
    edits = np.array(list(problem.labels), dtype=np.intp)
    wanted = np.array(list(problem.labels.values()), dtype=np.intp)
    others = np.setdiff1d(np.arange(problem.K), edits)
    change = patched.change(points)
    leads = [_leads(problem.base[edits] + g, wanted) for g in (np.zeros_like(change[edits]), change[edits])]
    if change[others].any() or not all(lead > 0 for lead in leads[1]):
        raise RuntimeError("the patched model does not give what was asked for when it runs")
    distances = nearest_slab(found)
    finite = distances[np.isfinite(distances)]
    wide = problem.dtype == np.float64
    return {
        "edits": problem.N,
        "protected": problem.K - problem.N,
        "classes": problem.C,
        "dtype": str(problem.dtype),
        "acts_on": getattr(patched.base, "acts_on", None),
        "edits_right_before": sum(lead > 0 for lead in leads[0]),
        "edits_right_after": sum(lead > 0 for lead in leads[1]),
        "edits_kept_in_float32": _if_it_runs(lambda: kept_in_float32(patched, found, points))
        if wide
        else None,
        "lead_before": leads[0],
        "lead_after": leads[1],
        "margin": float(found.margin),
        "radius": None if found.radius is None else float(found.radius),
        "nearest_slab_least": float(finite.min()) if len(finite) else None,
        "nearest_slab_median": float(np.median(finite)) if len(finite) else None,
        "cost": asdict(cost(found, patched.base)),
        "data": asdict(effect(patched, found, points, None)),
        "holdout": None if held is None else asdict(effect(patched, found, *held)),
        "neighbourhood": _if_it_runs(lambda: asdict(neighbourhood(patched, found, points, seed))),
        "untried": list(untried),
        "observed": None,
        "remark": MEMORIZES,
    }


def _leads(scores: NDArray[Any], wanted: NDArray[np.intp]) -> list[float]:
    rest, each = scores.astype(np.float64), np.arange(len(wanted))
    own = rest[each, wanted].copy()
    rest[each, wanted] = -np.inf
    return list((own - rest.max(axis=1, initial=-np.inf)).tolist())


def _if_it_runs(count: Callable[[], Any]) -> Any:
    """None if the model refuses inputs that are like the data, but not the data."""
    try:
        return count()
    except Exception:  # whatever model it is
        return None


def impact_text(report: dict[str, Any]) -> str:
    """The report for people."""
    price, data, held = report["cost"], report["data"], report["holdout"]
    share = "" if price["of_model"] is None else f", {_percent(price['of_model'])} of the model's own"
    lines = [
        *report["verdict"],
        f"added: {price['neurons']} neurons, {price['parameters']:,} parameters ({price['bytes']:,} bytes), "
        f"{price['multiply_adds']:,} multiply-adds an input{share}",
        f"edits with the wanted label: {report['edits_right_before']} before, {report['edits_right_after']} "
        f"after, of {report['edits']}; largest |g| on the data {data['largest_change']:.4g}",
    ]
    if report["edits_kept_in_float32"] is not None:
        lines.append(
            f"edits kept if inputs are rounded to float32: {report['edits_kept_in_float32']} "
            f"of {report['edits']}"
        )
    if report["radius"] is not None and report["protected"]:
        where = f"coordinate of {report['acts_on']!r}" if report["acts_on"] else "input"
        lines.append(
            f"g is 0 within {report['radius']:.3g} of every protected sample, in every {where} (certified)"
        )
    if report["nearest_slab_least"] is not None:
        lines.append(
            f"a protected sample is at least {report['nearest_slab_least']:.3g} from the nearest slab of g, "
            f"{report['nearest_slab_median']:.3g} in the median (estimated)"
        )
    if held is not None:
        lines += _held_out(held, report["untried"])
    around = report["neighbourhood"]
    if around is None:
        lines.append("the model refuses inputs with noise in them: what the patch does there is not known")
    else:
        pairs = list(zip(around["noise"], around["edits_kept"], around["protected_touched"], strict=True))
        shown = [pairs[0], pairs[len(pairs) // 2], pairs[-1]]
        lines.append(
            "with noise in every input: "
            + "; ".join(
                f"{noise:.2g}: {_percent(kept)} of edits right by g, {_percent(touched)} of protected touched"
                for noise, kept, touched in shown
            )
        )
    if report["observed"] is not None:
        lines.append(report["observed"])
    return "\n".join([*lines, report["remark"]])


def _held_out(held: dict[str, Any], untried: Sequence[str]) -> list[str]:
    near, far = held["unseen_touched_near_edited"], held["unseen_touched_near_protected"]
    lines = [
        f"held out: {held['touched']} of {held['samples']} touched, {held['labels_changed']} labels "
        f"changed ({held['wrong_to_right']} to the right one, {held['right_to_wrong']} from it); "
        f"accuracy {_percent(held['accuracy_before'])} before, {_percent(held['accuracy_after'])} after; "
        f"largest |g| {held['largest_change']:.4g}",
        f"reach: of {held['unseen']} unseen inputs, {near} near edited samples and {far} near protected "
        "ones are touched",
    ]
    if held["unknown_labels"]:
        lines.append(
            f"{held['unknown_labels']} held-out labels are no class of the model, and wrong before and after"
        )
    before, after = held["unseen_accuracy_before"], held["unseen_accuracy_after"]
    if held["unseen"] < held["samples"]:
        over = "no input is unseen" if before is None else (
            f"over the unseen ones accuracy is {_percent(before)} before, {_percent(after)} after"
        )  # fmt: skip
        lines.append(
            f"not held out: {held['equal_edited']} of these inputs equal an edited sample and "
            f"{held['equal_protected']} a protected one; {over}"
        )
    if before is not None and after < before:
        advice = f": {', '.join(untried)} may touch fewer" if untried else ""
        lines.append(f"it harms unseen inputs{advice}")
    return lines


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"
