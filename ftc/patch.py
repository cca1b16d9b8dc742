"""`ftc patch`: a frozen classifier and a list of wanted labels become a patched one, with its certificate."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from constructions import refuse_target
from constructions.classifier import ClassifierPatch, patch_classifier
from constructions.files import write_whole
from constructions.labels import LabelProblem
from constructions.largest_radius import largest_radius
from ftc.accepted import accepted
from ftc.formats import Merged, Place, format_of
from ftc.impact import nearest_slab
from ftc.impact_report import impact_report, impact_text
from ftc.lower_bounds import Json
from ftc.models import columns_of, read_classes, read_edits, read_points, scores_at
from ftc.patched import seen, with_edits
from ftc.progress import steps
from ftc.tables import read_names

__all__ = ["COMMANDS", "Floats"]


class Encode(StrEnum):
    """By which encoder."""

    slabs = "slabs"
    smallest = "smallest"


class Floats(StrEnum):
    """In which a network runs."""

    float32 = "float32"
    float64 = "float64"


def patch(
    model: Annotated[
        Path,
        typer.Option(
            help="A classifier: .onnx, or a fitted one by joblib. Loading that runs code: trust it."
        ),
    ],
    data: Annotated[Path, typer.Option(help="Inputs (K, ..), .npy; rows without an edit are protected.")],
    labels: Annotated[Path, typer.Option(help="CSV with the header index,label; indices into --data.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new folder.")],
    protect: Annotated[list[Path] | None, typer.Option(help="More inputs to protect, .npy.")] = None,
    holdout: Annotated[
        tuple[Path, Path] | None, typer.Option(help="Inputs and labels for the report, both .npy.")
    ] = None,
    margin: Annotated[float, typer.Option(min=0, help="Least lead of a wanted label, in scores.")] = 0.0,
    radius: Annotated[
        str,
        typer.Option(
            help="Least radius, in every input, in which g is 0 around protected samples and lifts the "
            "label as much around edited ones; the model itself may change there. Or: largest."
        ),
    ] = "0",
    neurons: Annotated[
        int | None, typer.Option(min=1, help="With --radius largest: no more than so many.")
    ] = None,
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
    scores: Annotated[
        str | None, typer.Option(help="ONNX: the value of the graph that is patched, if not the only output.")
    ] = None,
    features: Annotated[
        str | None, typer.Option(help="ONNX: the value that g acts on, if not the input.")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(help="ONNX: a label for each score, a,b,c or a file; else the graph's own, or 0,1,2."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Json = False,
) -> None:
    """Patch a classifier: the listed labels are right, all other outputs on the data stay as they are.

    FOLDER gets certificate.json (check it with ftc check FOLDER), the patched model, impact.json and
    impact.png. The model is model.onnx, with the patch inside of its graph, or model.joblib, an
    ftc.sklearn.AdditivePatch. Nothing is written if the kernel rejects the certificate. A model that is
    patched already keeps what its patches have edited, unless it is listed anew.

    A joblib file is a pickle: loading it runs whatever code it names. Use only models that you trust.
    """
    refuse_target(output, folder=True)
    width, ball = _number("reach", reach, "tight", "wide"), _number("radius", radius, "largest", least=True)
    if ball == "largest" and width != "wide":
        raise ValueError("--radius largest needs --reach wide")
    if neurons is not None and ball != "largest":
        raise ValueError("--neurons is about --radius largest")
    with steps() as (say, count):
        say("reading")
        kind = format_of(model)
        frozen = kind.load(model, Place(scores, features, None if classes is None else read_names(classes)))
        longest = kind.longest(frozen)
        if np.dtype(dtype.value).itemsize > np.dtype(longest).itemsize:
            raise ValueError(
                f"{model}: its scores are {longest}, to which a patch in {dtype.value} cannot be added"
            )
        inputs = read_points(data, shaped=kind.shaped)
        rows = len(inputs)
        if protect:
            inputs = read_points(data, protect, shaped=kind.shaped)
        given = len(inputs)
        inputs = with_edits(frozen, frozen.inputs(inputs) if hasattr(frozen, "inputs") else inputs)
        say("asking the frozen model")
        base = scores_at(frozen, inputs, model)
        columns = columns_of(frozen)
        wanted = read_edits(labels, columns, rows)
        held = None if holdout is None else _held(*holdout, columns, inputs, kind.shaped)
        say("building the patch")
        try:
            problem = LabelProblem(seen(frozen, inputs), base, wanted, dtype.value, [*columns])
            with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is checked
                if ball == "largest":
                    found = largest_radius(problem, neurons=neurons, margin=margin, slabs=slabs, seed=seed)
                else:
                    found = patch_classifier(
                        problem, margin=margin, radius=ball, reach=width, slabs=slabs, encode=encode.value,
                        seed=seed,
                    )  # fmt: skip
        except ValueError as error:
            where = f"; points from {rows} on are the rows of --protect" if protect else ""
            if len(inputs) > given:
                where += f"; points from {given} on were edited by the patches of {model}"
            raise ValueError(f"{error}{where}") from None
        if found.empty:
            raise ValueError(f"{labels}: every listed sample has its label already, there is nothing to do")
        ball = float(found.radius or 0) if ball == "largest" else ball
        asked = {"margin": margin, "radius": ball, "reach": width, "slabs": slabs, "random_state": seed}
        merged = kind.merge(frozen, model, found, inputs, asked | {"dtype": dtype.value})
        untried = ["--reach tight"] * (width != "tight") + ["--slabs 3"] * (slabs < 3)
        untried += ["--dtype float64"] * (dtype is Floats.float32 and longest == "float64")
        report = impact_report(merged.model, found, inputs, held, seed, untried)
        report["observed"] = merged.observed
        say("checking the certificate")
        with accepted(found, output, count) as (folder, verdict):
            say("writing")
            report["verdict"] = verdict.text().splitlines()
            _write(folder, kind.name, merged, found, report)
    if as_json:
        print(json.dumps(report))
    else:
        print(impact_text(report))
        print(f"wrote {output}: certificate.json, {kind.name}, impact.json, impact.png")


def _held(
    inputs: Path, labels: Path, columns: dict[str, int], like: NDArray[Any], shaped: bool
) -> tuple[NDArray[Any], NDArray[np.intp]]:
    found = read_points(inputs, shaped=shaped)
    have, want = (math.prod(array.shape[1:]) for array in (found, like))
    if have != want:
        raise ValueError(f"{inputs}: rows of {have} numbers, expected {want}")
    return found, read_classes(labels, columns, len(found))


def _number(name: str, given: str, *words: str, least: bool = False) -> Any:
    """A word, or a positive number, or also 0 if that is the least."""
    if given in words:
        return given
    try:
        number = float(given)
    except ValueError:
        number = -1.0
    if not (0 < number < float("inf") or (least and number == 0)):
        what = "a number from 0" if least else "a positive number"
        raise ValueError(f"--{name} is {given!r}: expected {', '.join(words)} or {what}")
    return number


def _write(folder: Path, name: str, merged: Merged, found: ClassifierPatch, report: dict[str, Any]) -> None:
    from ftc.plots import plot_impact, save

    write_whole(folder / name, merged.content)
    write_whole(folder / "impact.json", (json.dumps(report, indent=1) + "\n").encode())
    save(plot_impact(report, nearest_slab(found)), folder / "impact.png")


COMMANDS: dict[str, Callable[..., None]] = {"patch": patch}
