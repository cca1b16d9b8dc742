"""`ftc patch`: a frozen classifier and a list of wanted labels become a patched one, with its certificate."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from constructions import refuse_target
from constructions.classifier import ClassifierPatch, patch_classifier
from constructions.files import write_whole
from constructions.labels import LabelProblem
from ftc.accepted import accepted
from ftc.impact import nearest_slab
from ftc.impact_report import impact_report, impact_text
from ftc.lower_bounds import Json
from ftc.models import columns_of, dumped, load_model, read_classes, read_edits, read_points, scores_at
from ftc.patched import with_edits
from ftc.progress import steps

__all__ = ["COMMANDS"]


class Encode(StrEnum):
    """By which encoder."""

    slabs = "slabs"
    smallest = "smallest"


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
    slabs: Annotated[
        int, typer.Option(min=1, help="A fix lies in so many slabs at once: 1 is smallest, more touch less.")
    ] = 2,
    encode: Annotated[
        Encode, typer.Option(help="smallest: a grid along a line if that is smaller; no radius then.")
    ] = Encode.slabs,
    dtype: Annotated[Floats, typer.Option(help="In which the patch runs.")] = Floats.float32,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Patch a classifier: the listed labels are right, all other outputs on the data stay as they are.

    FOLDER gets certificate.json (check it with ftc check FOLDER), model.joblib (the patched model, an
    ftc.sklearn.AdditivePatch), impact.json and impact.png. Nothing is written if the kernel rejects the
    certificate. A model that is patched already keeps what its patches have edited, unless it is listed anew.

    A joblib file is a pickle: loading it runs whatever code it names. Use only models that you trust.
    """
    from ftc.sklearn import AdditivePatch, FrozenFile

    refuse_target(output, folder=True)
    width = _reach(reach)
    with steps() as (say, count):
        say("reading")
        frozen = load_model(model)
        points = read_points(data)
        columns, rows = columns_of(frozen), len(points)
        if protect:
            points = read_points(data, protect)
        given = len(points)
        points = with_edits(frozen, points)
        say("asking the frozen model")
        scores = scores_at(frozen, points, model)
        wanted = read_edits(labels, columns, rows)
        held = None
        if holdout is not None:
            inputs = read_points(holdout[0])
            if inputs.shape[1] != points.shape[1]:
                raise ValueError(
                    f"{holdout[0]}: rows of {inputs.shape[1]} numbers, expected {points.shape[1]}"
                )
            held = inputs, read_classes(holdout[1], columns, len(inputs))
        say("building the patch")
        try:
            problem = LabelProblem(points, scores, wanted, dtype.value)
            if all(lack < 0 and lack <= -margin for lack in problem.deficit.values()):
                raise ValueError(
                    f"{labels}: every listed sample has its label already, there is nothing to do"
                )
            with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is checked
                found = patch_classifier(
                    problem, margin=margin, radius=radius, reach=width, slabs=slabs, encode=encode.value,
                    seed=seed,
                )  # fmt: skip
        except ValueError as error:
            where = f"; points from {rows} on are the rows of --protect" if protect else ""
            if len(points) > given:
                where += f"; points from {given} on were edited by the patches of {model}"
            raise ValueError(f"{error}{where}") from None
        asked = {"margin": margin, "radius": radius, "reach": width, "random_state": seed}
        kept = FrozenFile(frozen, model.read_bytes())
        patched = AdditivePatch.from_patch(kept, found, points, dtype=dtype.value, **asked)
        report = impact_report(patched, found, points, held, seed)
        say("checking the certificate")
        with accepted(found, output, count) as (folder, verdict):
            say("writing")
            report["verdict"] = verdict.text().splitlines()
            _write(folder, patched, found, report)
    if as_json:
        print(json.dumps(report))
    else:
        print(impact_text(report))
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


def _write(folder: Path, patched: Any, found: ClassifierPatch, report: dict[str, Any]) -> None:
    from ftc.plots import plot_impact, save

    write_whole(folder / "model.joblib", dumped(patched))
    write_whole(folder / "impact.json", (json.dumps(report, indent=1) + "\n").encode())
    save(plot_impact(report, nearest_slab(found)), folder / "impact.png")


COMMANDS: dict[str, Callable[..., None]] = {"patch": patch}
