"""The impact of a patch: as a record for impact.json, and as text."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from constructions.classifier import ClassifierPatch
from ftc.impact import MEMORIZES, cost, effect, nearest_slab, neighbourhood
from ftc.patched import Patched

__all__ = ["impact_report", "impact_text"]


def impact_report(
    patched: Patched, found: ClassifierPatch, points: NDArray[Any],
    held: tuple[NDArray[Any], NDArray[np.intp]] | None, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """What is in impact.json; the patched model runs on all points for it, as it will for users.

    Args:
        points: the inputs as the model sees them, shape `(K, d)`.
        held: inputs and the columns of their true classes.
        seed: of the noise.

    Raises:
        RuntimeError: it does not do there what it is made for.
    """
    problem = found.problem
    edits = np.array(list(problem.labels), dtype=np.intp)
    wanted = np.array(list(problem.labels.values()), dtype=np.intp)
    others = np.setdiff1d(np.arange(problem.K), edits)
    scores = patched.scores(points)
    ranked = scores[edits]
    leads = []
    for of in (problem.base[edits], ranked):
        rest = of.astype(np.float64)
        own = rest[np.arange(len(edits)), wanted].copy()
        rest[np.arange(len(edits)), wanted] = -np.inf
        leads.append((own - rest.max(axis=1, initial=-np.inf)).tolist())
    if not (scores[others] == problem.base[others]).all() or not all(lead > 0 for lead in leads[1]):
        raise RuntimeError("the patched model does not give what was asked for when it runs")
    distances = nearest_slab(found)
    finite = distances[np.isfinite(distances)]
    return {
        "edits": problem.N,
        "protected": problem.K - problem.N,
        "classes": problem.C,
        "dtype": str(problem.dtype),
        "edits_right_before": sum(lead > 0 for lead in leads[0]),
        "edits_right_after": sum(lead > 0 for lead in leads[1]),
        "lead_before": leads[0],
        "lead_after": leads[1],
        "margin": float(found.margin),
        "radius": None if found.radius is None else float(found.radius),
        "nearest_slab_least": float(finite.min()) if len(finite) else None,
        "nearest_slab_median": float(np.median(finite)) if len(finite) else None,
        "cost": asdict(cost(found, patched.base)),
        "data": asdict(effect(patched, found, points, None)),
        "holdout": None if held is None else asdict(effect(patched, found, *held)),
        "neighbourhood": asdict(neighbourhood(patched, found, points, seed)),
        "remark": MEMORIZES,
    }


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
    if report["radius"] is not None:
        lines.append(
            f"g is 0 within {report['radius']:.3g} of every protected sample, in every input (certified)"
        )
    if report["nearest_slab_least"] is not None:
        lines.append(
            f"a protected sample is at least {report['nearest_slab_least']:.3g} from the nearest slab of g, "
            f"{report['nearest_slab_median']:.3g} in the median (estimated)"
        )
    if held is not None:
        near, far = held["unseen_touched_near_edited"], held["unseen_touched_near_protected"]
        lines += [
            f"held out: {held['touched']} of {held['samples']} touched, {held['labels_changed']} labels "
            f"changed ({held['wrong_to_right']} to the right one, {held['right_to_wrong']} from it); "
            f"accuracy {_percent(held['accuracy_before'])} before, {_percent(held['accuracy_after'])} after; "
            f"largest |g| {held['largest_change']:.4g}",
            f"reach: of {held['unseen']} unseen inputs, {near} near edited samples and {far} near protected "
            "ones are touched",
        ]
        if held["right_to_wrong"] > held["wrong_to_right"]:
            lines.append("it harms unseen inputs: --reach tight, --slabs 3 or --dtype float64 touch fewer")
    around = report["neighbourhood"]
    pairs = list(zip(around["noise"], around["edits_kept"], around["protected_touched"], strict=True))
    shown = [pairs[0], pairs[len(pairs) // 2], pairs[-1]]
    lines.append(
        "with noise in every input: "
        + "; ".join(
            f"{noise:.2g}: {_percent(kept)} of edits right, {_percent(touched)} of protected touched"
            for noise, kept, touched in shown
        )
    )
    return "\n".join([*lines, report["remark"]])


def _percent(share: float) -> str:
    return f"{100 * share:.4g}%"
