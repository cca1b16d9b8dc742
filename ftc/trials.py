"""The commands that put constructions on trial: `ftc hunt` and `ftc zoo`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from constructions import FineTuningProblem, Solution, refuse_target, write_certificate
from constructions.files import whole_folder, write_whole
from constructions.size_claim import SizeClaim
from ftc.lower_bounds import Json
from ftc.progress import steps
from ftc.tables import edits_csv
from verify.kernel import EXIT_CODES

if TYPE_CHECKING:
    from ftc.hunt import Refuted, Survived

__all__ = ["COMMANDS"]

GRANTED = ("general position",)  # of random points: there are too many sets of d+1 of them to look at


class Effort(StrEnum):
    """The profiles of `ftc.hunt`."""

    dev = "dev"
    ci = "ci"
    thorough = "thorough"


def hunt(
    claim: Annotated[
        str | None, typer.Argument(help="By name (see ftc zoo), or path/to/file.py:object; all if absent.")
    ] = None,
    profile: Annotated[Effort, typer.Option(help="What the next three options are if absent.")] = Effort.dev,
    examples: Annotated[int | None, typer.Option(min=1, help="Problems to try, at most.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="No new problem of a claim after that.")
    ] = None,
    points: Annotated[int | None, typer.Option(min=1, max=1000, help="Most points of a problem.")] = None,
    dimensions: Annotated[int, typer.Option("-d", min=1, max=50, help="Most dimensions of a problem.")] = 3,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    database: Annotated[Path | None, typer.Option(help="A folder that remembers failures.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new folder for what refutes the claim.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Search for a problem that refutes a claimed construction; exit code 3 if there is one.

    With -o: points.csv, base.csv and edits.csv of the smallest one found, what was expected and got
    (failure.json), and the network that was built as certificate.json, if it is one. Without a claim, all
    claims of the zoo are tried and a table is printed.

    Only Ctrl-C cuts a single call of construct short; it ends the hunt, shows the problem if it is small,
    and reports what was tried. If no problem met the hypotheses, nothing was tried: exit code 2. A claim's
    file is run as any program is: hunt in files that you trust.
    """
    from constructions.literature import CLAIMS
    from ftc.hunt import Refuted, load_claim
    from ftc.hunt import hunt as search

    if output is not None and claim is None:
        raise ValueError("--output needs a claim")
    if output is not None:
        refuse_target(output, folder=True)
    found: list[Refuted | Survived] = []
    with steps() as (say, count):
        for each in CLAIMS.values() if claim is None else [load_claim(claim)]:
            say(f"hunting {each.name}")
            answer = search(
                each, profile=profile.value, examples=examples, seconds=seconds, seed=seed, max_points=points,
                max_dimension=dimensions, database=database, progress=count,
            )  # fmt: skip
            found.append(answer)
            if not isinstance(answer, Refuted) and answer.interrupted:
                break
    if claim is None:
        if as_json:
            print(json.dumps([answer.as_dict() for answer in found]))
        else:
            Console().print(_table(found))
    else:
        _report(found[0], output, as_json)
    verdicts = {answer.verdict for answer in found}
    code = EXIT_CODES["rejected"] if "refuted" in verdicts else 2 if "nothing tried" in verdicts else 0
    raise typer.Exit(code)


def _report(found: Refuted | Survived, output: Path | None, as_json: bool) -> None:
    from ftc.hunt import Refuted, shown

    if isinstance(found, Refuted) and output is not None:
        _write(found, output)
    if as_json:
        print(json.dumps(found.as_dict()))
        return
    print(found.text())
    if isinstance(found, Refuted):
        print(shown(found.problem))
        if output is not None:
            print(f"wrote {output}")


def _table(found: Sequence[Refuted | Survived]) -> Table:
    from ftc.hunt import Refuted, shown

    table = Table()
    for heading in ("claim", "problems", "largest N", "most neurons", "bits", "verdict", "never exercised"):
        table.add_column(heading)
    for answer in found:
        name = answer.claim.name
        if isinstance(answer, Refuted):
            verdict = f"{answer.text()}; {shown(answer.problem)}"
            table.add_row(name, str(answer.tried), "", "", "", verdict, "")
            continue
        _, built, allowed = answer.worst
        stopped = f", {answer.stopped}" if answer.interrupted else ""
        facts = (
            answer.total,
            answer.largest[0],
            f"{built} of {allowed}",
            answer.bits,
            answer.verdict + stopped,
        )
        table.add_row(name, *map(str, facts), ", ".join(answer.never_exercised))
    return table


def _rows(problem: FineTuningProblem) -> list[list[Fraction]]:
    return [[problem.points[i, k] for k in range(problem.d)] for i in range(problem.K)]


def _write(found: Refuted, folder: Path) -> None:
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
    n: Annotated[int, typer.Argument(min=1, max=1000, metavar="N", help="Number of edits.")] = 20,
    d: Annotated[int, typer.Option("-d", min=1, max=50, help="Dimension of the points.")] = 3,
    points: Annotated[int | None, typer.Option(min=1, help="Number of points K; N if absent.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    as_json: Json = False,
) -> None:
    """What each theorem buys: all claims on one random problem, with N edits among K points; exit code 3 if
    one fails there."""
    from constructions.literature import CLAIMS

    total = n if points is None else points
    if total < n:
        raise ValueError(f"--points is {total}: expected at least N = {n}")
    problems = _random_problems(n, total, d, seed)
    rows = []
    with steps() as (say, count):
        for k, claim in enumerate(CLAIMS.values()):
            say(claim.name)
            rows.append(_tried(claim, problems[any(h.name == "one sign" for h in claim.hypotheses)]))
            count(k + 1, len(CLAIMS))
    code = EXIT_CODES["rejected"] if any(row["verdict"].startswith("refuted") for row in rows) else 0
    if as_json:
        print(json.dumps({"N": n, "K": total, "d": d, "claims": rows}))
        raise typer.Exit(code)
    table = Table(title=f"N = {n} edits among K = {total} random points, d = {d}")
    table.add_column("claim", no_wrap=True)
    for heading in ("layers", "neurons", "weights", "bits"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for row in rows:
        layers, bits = ("" if row[key] is None else str(row[key]) for key in ("layers", "bits"))
        neurons, weights = (_of(row[key], row[f"{key} claimed"]) for key in ("neurons", "weights"))
        table.add_row(row["claim"], layers, neurons, weights, bits, row["verdict"])
    Console().print(table)
    print("neurons and weights: built/claimed; bits: the longest number")
    asking: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        asked = [f"{name} (taken for granted)" if name in GRANTED else name for name in row["asks for"]]
        asking.setdefault((row["source"], ", ".join(asked)), []).append(row["claim"])
    for (source, asked_for), names in asking.items():
        print(f"[{source}] {', '.join(names)}: {asked_for or 'all problems'}")
    raise typer.Exit(code)


def _of(built: int | None, claimed: int | None) -> str:
    return "/".join(str(x) for x in (built, claimed) if x is not None)


def _random_problems(n: int, total: int, d: int, seed: int) -> dict[bool, FineTuningProblem]:
    """Random points, one at most in each cell of a grid so that they are well apart; the first `n` change by
    a few integers, or, in the problem `True`, by 1."""
    import numpy as np

    rng = np.random.default_rng(seed)
    # all but the first quarter of an edge stays free: least distance 3/4, largest side times sqrt(d)
    side = int(700 / d**0.5)
    while side**d < total:
        side *= 2
    cells: dict[tuple[int, ...], None] = {}
    while len(cells) < total:
        cells |= dict.fromkeys(map(tuple, rng.integers(side, size=(total, d)).tolist()))
    within = rng.integers(1 << 18, size=(total, d)) / (1 << 20)
    places = np.array(list(cells)[:total]) + within
    changes = rng.choice([-3, -2, -1, 1, 2, 3, 4], size=n).tolist()
    return {
        one_sign: FineTuningProblem(places, edits={i: 1 if one_sign else changes[i] for i in range(n)})
        for one_sign in (False, True)
    }


def _tried(claim: SizeClaim, problem: FineTuningProblem) -> dict[str, Any]:
    """A row of the zoo: what a claim makes of a problem, if it meets the hypotheses."""
    unmet = [h for h in claim.hypotheses if h.name not in GRANTED and not h.holds(problem)]
    row: dict[str, Any] = {
        "claim": claim.name, "source": claim.source, "asks for": [h.name for h in claim.hypotheses],
        "layers": claim.layers, "neurons": None, "neurons claimed": None, "weights": None,
        "weights claimed": None, "bits": None, "verdict": f"not here: {unmet[0].name}" if unmet else "exact",
    }  # fmt: skip
    if unmet:
        return row
    trial = claim.on_trial(problem)
    row |= {"neurons claimed": trial.allowed, "weights claimed": claim.allowed_weights(problem)}
    if trial.network is not None:
        net = trial.network
        row |= {"layers": net.depth, "neurons": net.neurons, "weights": net.weights, "bits": net.bits}
    if trial.failure is not None:
        row["verdict"] = f"refuted: {trial.failure.what}: {trial.failure.got}"
    return row


COMMANDS: dict[str, Callable[..., None]] = {"hunt": hunt, "zoo": zoo}
