"""The commands that put constructions on trial: `ftc hunt` and `ftc zoo`."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from constructions import FineTuningProblem, Solution, refuse_target, write_certificate
from constructions.files import whole_folder, write_whole
from ftc.lower_bounds import Json
from ftc.progress import steps
from ftc.tables import edits_csv
from verify.kernel import EXIT_CODES

__all__ = ["COMMANDS"]


def hunt(
    claim: Annotated[str, typer.Argument(help="A claim by name (see ftc zoo), or path/to/file.py:object.")],
    examples: Annotated[int, typer.Option(min=1, help="Problems to try, at most.")] = 1000,
    seconds: Annotated[float | None, typer.Option(min=0, help="No new problem after that.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    points: Annotated[int, typer.Option(min=1, max=1000, help="Most points of a problem.")] = 10,
    database: Annotated[Path | None, typer.Option(help="A folder that remembers failures.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new folder for what refutes it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Search for a problem that refutes a claimed construction; exit code 3 if there is one.

    With -o: points.csv, base.csv and edits.csv of the smallest one found, what was expected and got
    (failure.json), and the network that was built as certificate.json, if it is one.
    """
    from ftc.hunt import Refuted, load_claim
    from ftc.hunt import hunt as search

    if output is not None:
        refuse_target(output, folder=True)
    with steps() as (say, count):
        say("hunting")
        found = search(
            load_claim(claim), examples=examples, seconds=seconds, seed=seed, max_points=points,
            database=database, progress=count,
        )  # fmt: skip
    refuted = isinstance(found, Refuted)
    if isinstance(found, Refuted) and output is not None:
        _write(found, output)
    if as_json:
        print(json.dumps(found.as_dict()))
    else:
        print(found.text())
        if isinstance(found, Refuted):
            print(_shown(found.problem))
            if output is not None:
                print(f"wrote {output}")
    raise typer.Exit(EXIT_CODES["rejected"] if refuted else 0)


def _shown(problem: FineTuningProblem) -> str:
    """A problem in a few words, if it is small."""
    if problem.K * problem.d > 60:
        return f"{problem.K} points"
    points = ", ".join(f"({', '.join(map(str, row))})" for row in _rows(problem))
    changes = ", ".join(f"{change} at {i}" for i, change in problem.delta.items())
    return f"points {points}; changes {changes or 'none'}"


def _rows(problem: FineTuningProblem) -> list[list[Fraction]]:
    return [[problem.points[i, k] for k in range(problem.d)] for i in range(problem.K)]


def _write(found: Any, folder: Path) -> None:
    problem, network = found.problem, found.trial.network
    base = [Fraction(0)] * problem.K if problem.base is None else [problem.base[i] for i in range(problem.K)]
    texts = {
        "points.csv": [",".join(map(str, row)) for row in _rows(problem)],
        "base.csv": [str(value) for value in base],
        "failure.json": [json.dumps(found.as_dict(), indent=1)],
    }
    beside = {name: ("\n".join(lines) + "\n").encode() for name, lines in texts.items()}
    beside["edits.csv"] = edits_csv(problem)
    if network is not None:
        solution = Solution(problem, network, None, found.claim.name, None, network.neurons, None, 0)
        write_certificate(solution, folder, beside)
        return
    with whole_folder(folder) as aside:
        for name, content in beside.items():
            write_whole(aside / name, content)


def zoo(
    n: Annotated[int, typer.Argument(min=1, max=2000, metavar="N", help="Number of edits.")] = 20,
    d: Annotated[int, typer.Option("-d", min=1, max=50, help="Dimension of the points.")] = 3,
    points: Annotated[int | None, typer.Option(min=1, help="Number of points K; N if absent.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """What each theorem buys: all claims on one random problem, with N edits among K points."""
    import numpy as np

    from constructions.literature import CLAIMS

    total = n if points is None else points
    if total < n:
        raise ValueError(f"--points is {total}: expected at least N = {n}")
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1, 1], size=n)
    problems = {
        one_sign: FineTuningProblem(
            rng.normal(size=(total, d)), edits={i: 1 if one_sign else int(signs[i]) for i in range(n)}
        )
        for one_sign in (False, True)
    }
    table = Table(title=f"N = {n} edits among K = {total} random points, d = {d}")
    for heading in ("claim", "source", "layers", "neurons", "claimed", "bits", "asks for", "verdict"):
        table.add_column(heading)
    for claim in CLAIMS.values():
        problem = problems[any(h.name == "one sign" for h in claim.hypotheses)]
        unmet = [h for h in claim.hypotheses if h.name != "general position" and not h.holds(problem)]
        asks = ", ".join(h.name for h in claim.hypotheses)
        head = (claim.name, claim.source, str(claim.layers))
        if unmet:
            table.add_row(*head, "", "", "", asks, f"not here: {unmet[0].text}")
            continue
        trial = claim.on_trial(problem)
        built = ("", "") if trial.network is None else (str(trial.network.neurons), str(trial.network.bits))
        verdict = "exact" if trial.failure is None else f"{trial.failure.what}: {trial.failure.got}"
        table.add_row(*head, built[0], str(trial.allowed), built[1], asks, verdict)
    Console().print(table)


COMMANDS: dict[str, Callable[..., None]] = {"hunt": hunt, "zoo": zoo}
