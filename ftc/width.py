"""Exact widths: `ftc width` for a given instance, and `ftc table --exact` for all small ones on a line."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import verify
from constructions import build, refuse_target, write_certificate
from constructions.bounds import two_layer_exact
from constructions.files import write_whole
from constructions.obstruction import FarkasObstruction, obstruct
from ftc.lower_bounds import Json
from ftc.progress import steps
from ftc.tables import read_problem
from verify.kernel import EXIT_CODES

__all__ = ["exact_table", "width"]


def width(
    points: Annotated[Path, typer.Argument(help="Points (K, d): .npy, or .csv without header.")],
    edits: Annotated[Path, typer.Argument(help="CSV with the header line index,value.")],
    base: Annotated[Path | None, typer.Option(help="Frozen outputs (K,): .npy or .csv.")] = None,
    layers: Annotated[int, typer.Option(min=2, max=100, help="Number of layers.")] = 2,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A new folder.")] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="Seconds for the search.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Progress file: go on where it stops.")] = None,
    as_json: Json = False,
) -> None:
    """The least width of a network that makes exactly these edits, for few points; or an interval.

    For two layers the search is exact if it has the time. For more layers: what is built and what windows
    on lines prove. With -o: certificate.json (the network) and obstruction.json, both checked.
    """
    started = time.perf_counter()
    if output is not None:
        refuse_target(output, folder=True)
    if layers > 2 and (budget, resume) != (None, None):
        raise ValueError("--budget and --resume are for the search, which is for 2 layers")
    if resume is not None and not resume.parent.is_dir():
        raise ValueError(f"{resume.parent} is not a folder")
    with steps() as (say, _):
        problem = read_problem(points, base, edits)
        if layers == 2:
            from constructions.exact_width import least_width

            found = least_width(problem, budget=budget, resume=resume, progress=say)
            solution, obstruction, reason = found.solution, found.obstruction, found.open
        else:
            solution, obstruction = build(problem, layers), obstruct(problem, layers)
            reason = f"there is no search for {layers} layers"
        say("checking both certificates")
        with tempfile.TemporaryDirectory() as folder:
            network, proof = Path(folder) / "network.json", Path(folder) / "obstruction.json"
            for content, path in ((solution, network), (obstruction, proof)):
                verdict = verify.check(write_certificate(content, path))
                if verdict.status != "accepted":
                    raise RuntimeError(f"please report {path.name}: the kernel says {verdict.text()}")
            if output is not None:
                write_certificate(solution, output, {"obstruction.json": proof.read_bytes()})
    lower, upper = obstruction.neurons, solution.network.neurons
    facts: dict[str, Any] = {
        "layers": layers, "lower": lower, "upper": upper, "exact": lower == upper,
        "network": solution.construction,
        "obstruction": "farkas" if isinstance(obstruction, FarkasObstruction) else "line",
        "seconds": round(time.perf_counter() - started, 3),
    }  # fmt: skip
    if lower < upper:
        facts["open"] = reason
    if output is not None:
        facts["certificates"] = [str(output / name) for name in ("certificate.json", "obstruction.json")]
    if as_json:
        print(json.dumps(facts))
        return
    print(f"least width {upper}" if lower == upper else f"least width from {lower} to {upper}: {reason}")
    print(f"{upper} neurons do: {facts['network']}")
    print(f"fewer than {lower} do not: {facts['obstruction']} obstruction")
    if output is not None:
        print(f"wrote {' and '.join(facts['certificates'])}")


def exact_table(most: int, csv: Path | None) -> int:
    """Print, for up to `most` points, the largest exact two-layer width of all patterns of changes beside
    the theorem; the exit code says whether they agree."""
    from constructions.exact_width import worst_patterns

    with steps() as (say, count):
        found = {}
        for points in range(1, most + 1):
            say(f"{points} points")
            found.update({(points, n): worst for n, worst in worst_patterns(points, count).items()})
    shown = Table(
        title="Exact width of two layers: the worst pattern of N changes at K points",
        min_width=75,
        caption="of all patterns of -1, 0, 1 at 0, .., K-1; the theorem says min(3N, K-2) for K >= 5",
    )
    for heading in ("K \\ N", *map(str, range(1, most + 1))):
        shown.add_column(heading, justify="right")
    differ = {place for place, worst in found.items() if worst.width != two_layer_exact(*reversed(place))}
    for points in range(1, most + 1):
        cells = (f"{found[points, n].width}{'!' * ((points, n) in differ)}" for n in range(1, points + 1))
        shown.add_row(str(points), *cells)
    Console().print(shown)
    for points, n in sorted(differ):
        worst, theorem = found[points, n], two_layer_exact(n, points)
        pattern = ", ".join(map(str, worst.changes))
        print(
            f"DISAGREES: the theorem says {theorem} for K = {points}, N = {n}; {pattern} needs {worst.width}"
        )
    if csv is not None:
        lines = (
            f"{points},{n},{worst.width},{two_layer_exact(n, points)},{worst.patterns},"
            f"{' '.join(map(str, worst.changes))}\n"
            for (points, n), worst in found.items()
        )
        write_whole(csv, "".join(["K,N,width,theorem,patterns,worst\n", *lines]).encode())
    return EXIT_CODES["rejected"] if differ else 0
