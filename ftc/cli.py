"""The command line: `ftc build`, `check`, `plot`, `demo`, and the commands of the modules beside it.

Exit codes: 0 done or accepted, 2 wrong usage or input, 3 rejected or refuted, 4 malformed.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import verify
from constructions import (
    CONSTRUCTIONS,
    SPATIAL,
    Solution,
    build,
    refuse_target,
    write_certificate,
)
from ftc import export, figures, patch, plan, proofs, trials, undo
from ftc.lower_bounds import COMMANDS, Json
from ftc.progress import steps
from ftc.tables import read_names, read_problem, read_size
from ftc.width import width
from verify.kernel import EXIT_CODES

__all__ = ["app", "main"]

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


class Layers(StrEnum):
    """Depths that `build` offers."""

    two = "2"
    three = "3"
    four = "4"
    auto = "auto"


class Numbers(StrEnum):
    """The fewest neurons, or short dyadic numbers."""

    fewest = "fewest"
    moderate = "moderate"


ConstructionName = StrEnum("ConstructionName", {name: name for name in (*CONSTRUCTIONS, *SPATIAL)})  # type: ignore[misc]


def main() -> None:
    """Run the command line; whatever is wrong with the input is one line and exit code 2."""
    sys.set_int_max_str_digits(0)  # the readers limit what comes in
    try:
        code = app(args=sys.argv[1:] or ["--help"], standalone_mode=False)
    except Exception as error:
        usage = getattr(error, "format_message", None)  # what typer raises for wrong arguments
        if usage is None and not isinstance(
            error, (ValueError, TypeError, OSError, MemoryError, RuntimeError, ImportError)
        ):
            raise
        text = usage() if usage else str(error) or type(error).__name__
        print("ftc:", " ".join(text.split()), file=sys.stderr)
        code = 2
    sys.exit(code if isinstance(code, int) else 0)


def _version(wanted: bool) -> None:
    if wanted:
        print(version("fine-tuning-capacity"))
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Small ReLU networks that change chosen outputs exactly, with certificates."""


def describe(solution: Solution, path: Path, seconds: float) -> dict[str, Any]:
    """The facts of a built network that `ftc build` prints."""
    network = solution.network
    return {
        "certificate": str(path),
        "construction": solution.construction,
        "layers": network.depth,
        "neurons": network.neurons,
        "widths": list(network.widths),
        "edits": solution.problem.N,
        "points": solution.problem.K,
        "bound": solution.bound,
        "restart_every": solution.restart_every,
        "neurons_for_restarts": network.neurons - solution.plain_neurons,
        "longest_weight_bits": network.bits,
        "seconds": round(seconds, 3),
    }


@app.command("build")
def build_command(
    points: Annotated[Path, typer.Argument(help="Points (K, d): .npy, or .csv without header.")],
    edits: Annotated[Path, typer.Argument(help="CSV with the header line index,value.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A .json file, or a new folder.")],
    base: Annotated[Path | None, typer.Option(help="Frozen outputs (K,): .npy or .csv.")] = None,
    layers: Annotated[Layers, typer.Option(help="Number of layers.")] = Layers.auto,
    construction: Annotated[ConstructionName | None, typer.Option(help="One construction by name.")] = None,
    numbers: Annotated[
        Numbers, typer.Option(help="Fewest neurons, or moderate (dyadic) numbers.")
    ] = Numbers.fewest,
    restart_every: Annotated[int | None, typer.Option(min=1, help="Restart the lines every s gaps.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the direction search.")] = 0,
    as_json: Json = False,
) -> None:
    """Build the smallest network that makes exactly these edits, and write its certificate."""
    started = time.perf_counter()
    refuse_target(output)
    with steps() as (say, _):
        problem = read_problem(points, base, edits)
        solution = build(
            problem,
            "auto" if layers is Layers.auto else int(layers),
            construction=None if construction is None else construction.value,
            numbers=numbers.value,
            restart_every=restart_every,
            seed=seed,
            progress=say,
        )
        say("writing the certificate")
        write_certificate(solution, output)
    facts = describe(solution, output, time.perf_counter() - started)
    if as_json:
        print(json.dumps(facts))
        return
    table = Table(show_header=False, box=None)
    for name, value in facts.items():
        if name == "bound" and value is not None:
            value = ", ".join(str(part) for part in value.values())
        if value is not None:
            table.add_row(name.replace("_", " "), Text(str(value)))
    Console().print(table)


@app.command()
def check(
    certificate: Annotated[Path, typer.Argument(help="A certificate: file or folder.")],
    points: Annotated[Path | None, typer.Option(help="Compare its points with this file.")] = None,
    edits: Annotated[Path | None, typer.Option(help="Compare its edits with this file.")] = None,
    base: Annotated[Path | None, typer.Option(help="Compare its base with this file.")] = None,
    model: Annotated[
        Path | None,
        typer.Option(help="Run this frozen or patched model anew. Loading it runs code: trust it."),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The inputs of the model, .npy, as for ftc patch.")
    ] = None,
    protect: Annotated[list[Path] | None, typer.Option(help="More inputs, as for ftc patch.")] = None,
    labels: Annotated[Path | None, typer.Option(help="The wanted labels, as for ftc patch.")] = None,
    scores: Annotated[str | None, typer.Option(help="ONNX: as for ftc patch.")] = None,
    features: Annotated[str | None, typer.Option(help="ONNX: as for ftc patch.")] = None,
    classes: Annotated[str | None, typer.Option(help="ONNX: as for ftc patch.")] = None,
    kernel: Annotated[bool, typer.Option("--kernel", help="Use the slow trusted kernel.")] = False,
    memory: Annotated[str, typer.Option(help="Budget for blocks of points: 500M, 4G.")] = "2G",
    resume: Annotated[Path | None, typer.Option(help="Progress file: go on where it stops.")] = None,
    profile: Annotated[bool, typer.Option("--profile", help="Compare with a float64 pass.")] = False,
    as_json: Json = False,
) -> None:
    """Judge a certificate exactly: exit code 0, 3 (rejected) or 4 (malformed).

    The fast engine gives the verdict that the trusted kernel gives (--kernel asks the kernel itself).
    With --points and --edits (and --base), the certificate is also compared with your own files; with --model
    and --data (and --protect), with what the frozen model gives when it runs on them anew, and with --labels,
    the edits of a patch are compared too.
    """
    from ftc.formats import Place
    from ftc.reading import first_difference
    from ftc.rerun import first_difference_of_model
    from verify.engine import Statistics, float_pass
    from verify.engine import check as fast_check

    if (points is None) != (edits is None) or (base is not None and points is None):
        raise ValueError("--points and --edits go together, and --base with them")
    with_model = protect or labels or scores or features or classes
    if (model is None) != (data is None) or (model is None and with_model):
        raise ValueError(
            "--model and --data go together, and --protect, --labels, --scores, --features and --classes "
            "with them"
        )
    if kernel and (resume is not None or profile):
        raise ValueError("--resume and --profile are for the engine, not for --kernel")
    budget, statistics = read_size(memory), Statistics()
    started = time.perf_counter()
    with steps() as (say, count):
        say("checking")
        if kernel:
            verdict = verify.check(certificate, progress=count)
        else:
            verdict = fast_check(certificate, count, memory=budget, resume=resume, statistics=statistics)
        seconds = time.perf_counter() - started
        difference = None
        if verdict.status == "accepted" and points is not None and edits is not None:
            say("comparing")
            difference = first_difference(certificate, read_problem(points, base, edits))
        if verdict.status == "accepted" and difference is None and model is not None and data is not None:
            say("running the model")
            place = Place(scores, features, None if classes is None else read_names(classes))
            difference = first_difference_of_model(certificate, model, data, protect or (), labels, place)
        ratio = None
        if profile and verdict.status != "malformed":
            say("a float64 pass to compare with")
            ratio = seconds / float_pass(certificate)
    by_kernel = kernel or (statistics.by_kernel and not statistics.settled)
    how = {"by": "kernel" if by_kernel else "engine", "seconds": round(seconds, 3), **asdict(statistics)}
    if as_json:
        compared = {"difference": difference} if points or model else {}
        timed = {"float_passes": ratio} if ratio else {}
        print(json.dumps({**verdict.as_dict(), "how": how, **compared, **timed}))
    else:
        print(verdict.text())
        if verdict.status != "malformed":
            print(_how(how, ratio))
        if difference is not None:
            print(f"rejected: it is not about your files: {difference}")
    raise typer.Exit(EXIT_CODES["rejected"] if difference is not None else verdict.exit_code)


def _how(how: dict[str, Any], ratio: float | None) -> str:
    """By what, over how many points and in what time a verdict was reached."""
    routes = ", ".join(f"{name} {count:,}" for name, count in how["routes"].items() if count)
    text = f"by the {how['by']} in {how['seconds']:.2f} s"
    if how["settled"]:
        text += f"; {how['settled']:,} points settled ({routes})"
    if how["undecided"]:
        text += f"; {how['undecided']:,} pre-activations undecided by floats"
    if how["resumed"]:
        text += f"; {how['resumed']:,} of them by an earlier run"
    return text if ratio is None else f"{text}; {ratio:.1f} times a float64 pass"


for name, command in (
    COMMANDS
    | {"width": width}
    | trials.COMMANDS
    | proofs.COMMANDS
    | patch.COMMANDS
    | undo.COMMANDS
    | plan.COMMANDS
    | export.COMMANDS
    | figures.COMMANDS
).items():
    app.command(name)(command)


@app.command("plot")
def plot_command(
    certificate: Annotated[
        Path, typer.Argument(help="A certificate whose g is a function along one direction.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The picture: .png, .svg or .pdf.")],
) -> None:
    """Draw g along its direction, with data points, edited points and breakpoints."""
    from ftc.plots import plot_along_direction, refuse_picture, save
    from ftc.reading import read_profile

    refuse_picture(output)
    with steps() as (say, _):
        say("drawing")
        save(plot_along_direction(read_profile(certificate)), output)
    print(f"wrote {output}")


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where certificates and picture go.")] = Path("demo"),
    edits: Annotated[int, typer.Option(min=1, max=1797, help="How many samples to relabel.")] = 100,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """The whole job on scikit-learn's digits: freeze, relabel, build, certify, check, draw."""
    from ftc.demo import run

    run(folder, edits, seed)
