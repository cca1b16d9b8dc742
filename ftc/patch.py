"""`ftc patch`: from a frozen classifier and a list of wanted labels to a patched one, with its certificate."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

import verify
from constructions import refuse_target, write_certificate
from constructions.classifier import ClassifierPatch, patch_classifier
from constructions.files import write_whole
from constructions.labels import LabelProblem
from ftc.impact import MEMORIZES, cost, effect, nearest_slab, neighbourhood
from ftc.lower_bounds import Json
from ftc.models import columns_of, load_model, read_classes, read_edits, read_points, scores_at
from ftc.patched import PatchedClassifier
from ftc.progress import steps

__all__ = ["COMMANDS"]


class Floats(StrEnum):
    """In which the patch runs."""

    float32 = "float32"
    float64 = "float64"


def patch(
    model: Annotated[
        Path, typer.Option(help="A fitted classifier, written by joblib. Loading it runs code: trust it.")
    ],
    data: Annotated[Path, typer.Option(help="Inputs (K, d), .npy; rows without an edit are protected.")],
    labels: Annotated[Path, typer.Option(help="CSV with the header index,label; indices into --data.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new folder.")],
    protect: Annotated[list[Path] | None, typer.Option(help="More inputs to protect, .npy.")] = None,
    holdout: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Inputs and labels for the report, both .npy.")
    ] = None,
    margin: Annotated[float, typer.Option(min=0, help="Least lead of a wanted label, in scores.")] = 0.0,
    radius: Annotated[
        float, typer.Option(min=0, help="Least radius, in every input, in which all of this holds.")
    ] = 0.0,
    reach: Annotated[
        str, typer.Option(help="How far a fix goes around a sample: tight, wide or R.")
    ] = "tight",
    dtype: Annotated[Floats, typer.Option(help="In which the patch runs.")] = Floats.float32,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Patch a classifier: the listed labels are right, all other outputs on the data stay as they are.

    FOLDER gets certificate.json (check it with ftc check FOLDER), model.joblib (the patched model; loading it
    needs this package), impact.json and impact.png. Nothing is written if the kernel does not accept the certificate.

    A joblib file is a pickle: loading it runs whatever code it names. Use only models that you trust.
    """
    refuse_target(output, folder=True)
    width = _reach(reach)
    with steps() as (say, count):
        say("reading")
        frozen = load_model(model)
        points = read_points(data, protect or ())
        columns, rows = columns_of(frozen), len(read_points(data))
        held = None
        if holdout is not None:
            inputs = read_points(holdout[0])
            if inputs.shape[1] != points.shape[1]:
                raise ValueError(
                    f"{holdout[0]}: rows of {inputs.shape[1]} numbers, expected {points.shape[1]}"
                )
            held = inputs, read_classes(holdout[1], columns, len(inputs))
        say("asking the frozen model")
        scores = scores_at(frozen, points, model)
        wanted = read_edits(labels, columns, rows)
        say("building the patch")
        try:
            problem = LabelProblem(points, scores, wanted, dtype.value)
            found = patch_classifier(problem, margin=margin, radius=radius, reach=width, seed=seed)
            if found.radius is not None and found.radius < radius:
                raise ValueError(f"radius {radius:g} cannot be had: {float(found.radius):.3g} was found")
        except ValueError as error:
            where = f"; points from {rows} on are the rows of --protect" if protect else ""
            raise ValueError(f"{error}{where}") from None
        patched = PatchedClassifier(frozen, found.layers)
        report = _report(patched, found, points, held, seed)
        with tempfile.TemporaryDirectory(prefix=".aside-", dir=output.parent) as aside:
            say("checking the certificate")
            folder = write_certificate(found, Path(aside) / output.name)
            verdict = verify.check(folder, progress=count)
            if verdict.status != "accepted":
                raise ValueError(f"{output} is not written: its certificate is {verdict.text()}")
            say("writing")
            report["verdict"] = verdict.text().splitlines()
            _write(folder, patched, found, report)
            folder.rename(output)
    if as_json:
        print(json.dumps(report))
    else:
        print(text(report))
        print(f"wrote {output}: certificate.json, model.joblib, impact.json, impact.png")


def _reach(given: str) -> Any:
    if given in ("tight", "wide"):
        return given
    try:
        number = float(given)
    except ValueError:
        number = -1.0
    if not 0 < number < float("inf"):
        raise ValueError(f"--reach is {given!r}: expected tight, wide or a positive number")
    return number


def _report(
    patched: PatchedClassifier, found: ClassifierPatch, points: NDArray[Any],
    held: tuple[NDArray[Any], NDArray[np.intp]] | None, seed: int,
) -> dict[str, Any]:  # fmt: skip
    """What is in impact.json. It also runs the patched model on all points, as users will.

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


def _write(folder: Path, patched: PatchedClassifier, found: ClassifierPatch, report: dict[str, Any]) -> None:
    import joblib

    from ftc.impact_picture import plot_impact

    content = io.BytesIO()
    joblib.dump(patched, content)
    write_whole(folder / "model.joblib", content.getvalue())
    write_whole(folder / "impact.json", (json.dumps(report, indent=1) + "\n").encode())
    plot_impact(report, nearest_slab(found), folder / "impact.png")


def text(report: dict[str, Any]) -> str:
    """The report for people."""
    price, data, held = report["cost"], report["data"], report["holdout"]
    share = "" if price["of_model"] is None else f", {_percent(price['of_model'])} of the model's own"
    lines = [
        *report["verdict"],
        f"added: {price['neurons']} neurons, {price['parameters']:,} parameters ({price['bytes']:,} bytes), "
        f"{price['multiply_adds']:,} multiply-adds an input{share}",
        f"edits with the wanted label: {report['edits_right_before']} before, {report['edits_right_after']} after, "
        f"of {report['edits']}; largest |g| on the data {data['largest_change']:.4g}",
    ]
    if report["radius"] is not None:
        lines.append(
            f"g is 0 within {report['radius']:.3g} of every protected sample, in every input (certified)"
            + (
                ""
                if report["nearest_slab_least"] is None
                else f"; the nearest slab is {report['nearest_slab_least']:.3g} away, "
                f"in the median {report['nearest_slab_median']:.3g} (estimated)"
            )
        )
    if held is not None:
        near, far = held["unseen_touched_near_edited"], held["unseen_touched_near_protected"]
        lines += [
            f"held out: {held['touched']} of {held['samples']} touched, {held['labels_changed']} labels changed "
            f"({held['wrong_to_right']} to the right one, {held['right_to_wrong']} from it); accuracy "
            f"{_percent(held['accuracy_before'])} before, {_percent(held['accuracy_after'])} after; "
            f"largest |g| {held['largest_change']:.4g}",
            f"reach: of {held['unseen']} unseen inputs, {near} near edited and {far} near protected samples are touched",
        ]
        if held["right_to_wrong"] > held["wrong_to_right"]:
            lines.append("it harms unseen inputs: --reach tight --dtype float64 touches the fewest")
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


COMMANDS: dict[str, Callable[..., None]] = {"patch": patch}
