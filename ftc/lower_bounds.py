"""The commands about how many neurons are needed: `ftc obstruct`, `bounds`, `refute` and `table`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from constructions import bounds, refuse_target, write_certificate
from constructions.files import write_whole
from constructions.obstruction import Obstruction
from ftc.progress import steps
from ftc.tables import edits_csv, read_numbers
from verify.kernel import EXIT_CODES

__all__ = ["COMMANDS"]

OneSign = Annotated[bool, typer.Option(help="All changes have one sign.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
MOST_EDITS, MOST_NUMBERS = 100_000, 5_000_000  # of an instance that is written
ROWS = "1,2,3,5,10,12,14,20,50,100,200,500,1000,2000,5000,10000,100000,1000000"


def write_obstruction(found: Obstruction, folder: Path) -> None:
    """The certificate in a new folder, with its instance as files for `ftc build`: points.npy and
    edits.csv."""
    write_certificate(found, folder, {"edits.csv": edits_csv(found.problem)})


def obstruct(
    n: Annotated[int, typer.Argument(min=1, max=MOST_EDITS, metavar="N", help="Number of edits.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new folder.")],
    points: Annotated[int | None, typer.Option(min=1, help="Number of points K.")] = None,
    layers: Annotated[int, typer.Option(min=2, max=100, help="Number of layers.")] = 2,
    one_sign: OneSign = False,
    as_json: Json = False,
) -> None:
    """Write a worst case with the proof that it is hard: certificate, points.npy and edits.csv."""
    from constructions import obstruction
    from constructions.adversarial import worst_case

    problem = worst_case(n, layers, points, positive=one_sign)
    found = obstruction.obstruct(problem, layers)
    write_obstruction(found, output)
    facts = {
        "certificate": str(output), "layers": layers, "at least": found.neurons, "edits": problem.N,
        "points": problem.K, "windows": len(found.windows),
    }  # fmt: skip
    if as_json:
        print(json.dumps(facts))
    else:
        print(
            f"no network of {layers} layers with fewer than {found.neurons} neurons makes these {problem.N} "
            f"edits among {problem.K} points; {len(found.windows)} windows"
        )


def show_bounds(
    n: Annotated[int, typer.Argument(min=0, max=10**12, metavar="N", help="Number of edits.")],
    points: Annotated[int | None, typer.Option(min=1, help="Number of points K; any if absent.")] = None,
    one_sign: OneSign = False,
    as_json: Json = False,
) -> None:
    """Proven bounds on the number of neurons that N edits need in the worst case."""
    if points is not None and points < n:
        raise ValueError(f"--points is {points}: expected at least N = {n}")
    rows = []
    for depth in (2, 3, 4, 5):
        low = bounds.lower(depth, n, points, one_sign=one_sign)
        high = bounds.upper(depth, n, points, one_sign=one_sign)
        rows.append({"layers": depth, "lower": low, "upper": high})
    if as_json:
        print(json.dumps(rows))
        return
    places = "any number of points" if points is None else f"{points} points"
    table = Table(title=f"{n} edits{' of one sign' if one_sign else ''} among {places}")
    for heading in ("layers", "needed in the worst case", "always enough"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*(str(row[key]) for key in ("layers", "lower", "upper")))
    Console().print(table)


def refute(
    formula: Annotated[str, typer.Argument(help="Claimed neurons, in N, K and d: '3.9*sqrt(N)'.")],
    layers: Annotated[int, typer.Option(min=2, max=100, help="Number of layers.")],
    edits: Annotated[str | None, typer.Option(help="N to try: 1..50,100; see below.")] = None,
    points: Annotated[str | None, typer.Option(help="K to try; any number if absent.")] = None,
    one_sign: OneSign = False,
    d: Annotated[int, typer.Option("-d", min=1, max=1000, help="Dimension of the points.")] = 1,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new folder for the instance and its certificate.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Put a claimed width on trial: exit code 3 if it is refuted, 0 if it agrees with all bounds.

    The claim: FORMULA neurons in so many layers suffice for any N edits among any K points. It may use
    numbers, N, K, d, + - * / // % **, sqrt, log, log2, exp, floor, ceil, min, max. Without --edits,
    N = 1..2000 and the powers of two to 2^20 are tried, or 1..64 if the formula contains K. An instance is
    written if it has at most 100,000 edits and its points at most 5,000,000 coordinates.
    """
    from constructions import refutation

    if output is not None:
        refuse_target(output, folder=True)
    with steps() as (say, count):
        say("trying")
        found = refutation.refute(
            formula,
            layers,
            None if edits is None else read_numbers(edits, "--edits"),
            None if points is None else read_numbers(points, "--points"),
            d=d,
            one_sign=one_sign,
            progress=count,
        )
        refuted = isinstance(found, refutation.Refutation)
        facts, text = found.as_dict(), found.text()
        if output is not None:
            proof, reason = None, "no instance refutes it"
            if isinstance(found, refutation.Refutation) and found.certified:
                if found.N <= MOST_EDITS and found.K * found.d <= MOST_NUMBERS:
                    say("writing the certificate")
                    proof = found.obstruction
                else:
                    reason = (
                        "the refutation stands, but the instance is too large "
                        f"(at most {MOST_EDITS:,} edits and {MOST_NUMBERS:,} coordinates)"
                    )
            if proof is None:
                text += f"\n{output} is not written: {reason}"
            else:
                write_obstruction(proof, output)
                facts["certificate"], text = str(output), f"{text}\nthe instance and its proof: {output}"
    print(json.dumps(facts) if as_json else text)
    raise typer.Exit(EXIT_CODES["rejected"] if refuted else 0)


def table(
    edits: Annotated[str, typer.Option(help="N of the rows: 1..20,100.")] = ROWS,
    layers: Annotated[str, typer.Option(help="Depths of the columns.")] = "2..5",
    one_sign: OneSign = False,
    exact: Annotated[
        int | None, typer.Option(min=1, max=10, help="Search all patterns at up to so many points instead.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write the rows to this file too.")] = None,
    picture: Annotated[Path | None, typer.Option(help="Draw them: .png, .svg or .pdf.")] = None,
) -> None:
    """How many neurons N edits among any number of points need at least and at most, by depth.

    With --exact K: the largest exact width of two layers over all patterns of changes -1, 0, 1 at up to K
    points on a line, beside the theorem min(3N, K-2); exit code 3 if they differ.
    """
    if csv is not None and not csv.parent.is_dir():
        raise ValueError(f"{csv.parent} is not a folder")
    if csv is not None and csv.suffix.lower() != ".csv":
        raise ValueError(f"{csv}: expected a name that ends in .csv")
    if exact is not None:
        if (edits, layers, one_sign, picture) != (ROWS, "2..5", False, None):
            raise ValueError("--exact goes with no other option than --csv")
        from ftc.width import exact_table

        raise typer.Exit(exact_table(exact, csv))
    chosen, depths = read_numbers(edits, "--edits"), read_numbers(layers, "--layers")
    if not 2 <= depths[0] <= depths[-1] <= 100:
        raise ValueError(f"--layers is {layers}: expected depths from 2 to 100")
    if len(chosen) * len(depths) > 100_000:
        raise ValueError(
            f"--edits and --layers ask for {len(chosen) * len(depths)} cells: expected at most 100000"
        )
    if picture is not None:
        from ftc.plots import plot_bounds, refuse_picture, save

        refuse_picture(picture)
    rows = {
        (n, depth): (bounds.lower(depth, n, None, one_sign), bounds.upper(depth, n, None, one_sign))
        for n in chosen
        for depth in depths
    }
    shown = Table(
        title=f"Neurons for N edits{' of one sign' if one_sign else ''} among any number of points",
        caption="needed in the worst case .. always enough; * provably fewer than with one layer less",
    )
    for heading in ("N", *(f"{depth} layers" for depth in depths)):
        shown.add_column(heading, justify="right")
    for n in chosen:
        cells = (
            f"{low if low == high else f'{low}..{high}'}{_star(depth, n, high, one_sign)}"
            for depth in depths
            for low, high in (rows[n, depth],)
        )
        shown.add_row(str(n), *cells)
    if csv is not None:
        lines = (f"{n},{depth},{low},{high}\n" for (n, depth), (low, high) in rows.items())
        write_whole(csv, "".join(["N,layers,lower,upper\n", *lines]).encode())
    if picture is not None:
        save(plot_bounds(max(chosen), depths, one_sign), picture)
    Console().print(shown)


def _star(depth: int, n: int, high: int, one_sign: bool) -> str:
    return "*" if depth > 2 and high < bounds.lower(depth - 1, n, None, one_sign) else " "


COMMANDS: dict[str, Callable[..., None]] = {
    "obstruct": obstruct, "bounds": show_bounds, "refute": refute, "table": table,
}  # fmt: skip
