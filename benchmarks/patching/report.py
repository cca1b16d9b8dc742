"""What was measured, as text: a table a case, and who is best at what. Every statement is counted here."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

from benchmarks.measure import spread

__all__ = ["OURS", "report"]

Row = dict[str, Any]
OURS = ("patch, float32", "patch, float32, one slab", "patch, float64")
LISTS = ("dictionary", "nearest neighbour")

# what is measured, and a number that is to be small
CRITERIA: dict[str, Callable[[Row], float]] = {
    "edits left wrong": lambda row: row["N"] - row["as it runs"]["fixed"],
    "protected labels changed": lambda row: row["as it runs"]["protected_changed"],
    "protected scores moved": lambda row: row["as it runs"]["protected_moved"],
    "largest move of a protected score": lambda row: row["as it runs"]["protected_largest_move"],
    "held-out labels changed": lambda row: row["as it runs"]["held_changed"],
    "held-out errors": lambda row: -row["as it runs"]["held_accuracy"],
    "neurons added": lambda row: row["neurons"],
    "parameters added": lambda row: row["parameters"],
    "seconds": lambda row: statistics.median(row["seconds"]),
    "mistakes in float32": lambda row: _mistakes(row, "float32"),
    "mistakes in exact arithmetic": lambda row: _mistakes(row, "exact"),
}


def _mistakes(row: Row, arithmetic: str) -> int:
    """Edits that are left wrong and protected labels that changed."""
    found = row[arithmetic]
    return int(row["N"] - found["fixed"] + found["protected_changed"])


def _table(headings: list[str], lines: list[list[str]]) -> str:
    rule = ["---", *["---:"] * (len(headings) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [headings, rule, *lines])


def _took_part(rows: list[Row]) -> list[Row]:
    return [row for row in rows if "as it runs" in row]


def _case_table(rows: list[Row]) -> str:
    headings = [
        "rival", "fixed", "protected labels changed", "protected scores moved (largest)",
        "held-out labels changed", "held-out accuracy", "neurons", "parameters", "seconds",
        "float32: fixed, changed", "exact: fixed, changed, moved", "how",
    ]  # fmt: skip
    lines = []
    for row in rows:
        if "as it runs" not in row:
            lines.append([row["rival"], *["-"] * (len(headings) - 2), row["note"]])
            continue
        runs, single, exact = (row[arithmetic] for arithmetic in ("as it runs", "float32", "exact"))
        largest = f" ({runs['protected_largest_move']:.3g})" if runs["protected_moved"] else ""
        lines.append(
            [
                row["rival"], str(runs["fixed"]), str(runs["protected_changed"]),
                f"{runs['protected_moved']}{largest}", str(runs["held_changed"]),
                f"{runs['held_accuracy']:.1%}", str(row["neurons"]), f"{row['parameters']:,}",
                spread(row["seconds"], 3), f"{single['fixed']}, {single['protected_changed']}",
                f"{exact['fixed']}, {exact['protected_changed']}, {exact['protected_moved']}", _how(row),
            ]
        )  # fmt: skip
    first = rows[0]
    proven = (
        f" No last layer gives the wanted and the protected labels: {first['contradiction']} constraints "
        "contradict each other, exactly."
        if first["contradiction"]
        else ""
    )
    return (
        f"### {first['title']}\n\n{first['N']} edits, {first['protected']} protected points, "
        f"d = {first['d']}; {first['held']} held-out inputs, accuracy {first['accuracy']:.1%} before."
        f"{proven}\n\n"
        f"{_table(headings, lines)}\n"
    )


def _how(row: Row) -> str:
    chosen = any(word in row["note"] for word in ("slack", "order", "price"))
    return f"{row['note']} (best of {row['tries']})" if chosen else str(row["note"])


def _whole_job(row: Row, arithmetic: str, *, still: bool = False) -> bool:
    found = row[arithmetic]
    return _mistakes(row, arithmetic) == 0 and not (still and found["protected_moved"])


def _summary(rows: list[Row], rivals: list[str]) -> str:
    headings = [
        "rival", "cases", "all fixed, no protected label changed", "the same in float32", "the same exactly",
        "and no protected score moved, exactly",
        "held-out accuracy, change in points: median (least to largest)",
    ]  # fmt: skip
    lines = []
    for rival in rivals:
        mine = _took_part([row for row in rows if row["rival"] == rival])
        if not mine:
            continue
        change = [100 * (row["as it runs"]["held_accuracy"] - row["accuracy"]) for row in mine]
        counts = [
            sum(_whole_job(row, arithmetic) for row in mine)
            for arithmetic in ("as it runs", "float32", "exact")
        ]
        still = sum(_whole_job(row, "exact", still=True) for row in mine)
        lines.append([rival, str(len(mine)), *map(str, counts), str(still), _signed(change)])
    return _table(headings, lines)


def _signed(values: list[float]) -> str:
    """Median, and the least and the largest value."""
    return f"{statistics.median(values):+.1f} ({min(values):+.1f} to {max(values):+.1f})"


def _best(rows: list[Row], rivals: list[str]) -> str:
    """In how many cases each rival has the least, alone or with others."""
    taking = _took_part(rows)
    wins = {name: dict.fromkeys(rivals, 0) for name in CRITERIA}
    for key in dict.fromkeys(row["case"] for row in taking):
        group = [row for row in taking if row["case"] == key]
        for name, value in CRITERIA.items():
            least = min(map(value, group))
            for row in group:
                wins[name][row["rival"]] += value(row) == least
    lines = [[name, *(str(wins[name][rival]) for rival in rivals)] for name in CRITERIA]
    return _table(["least", *rivals], lines)


def _against(rows: list[Row], rivals: list[str]) -> str:
    """Rival by rival, where it is better than a patch of this project, and where worse."""
    taking = {(row["case"], row["rival"]): row for row in _took_part(rows)}
    lines = []
    for rival in rivals:
        if rival in OURS:
            continue
        for ours in OURS:
            pairs = [
                (row, taking[key, ours])
                for (key, name), row in taking.items()
                if name == rival and (key, ours) in taking
            ]
            if not pairs:
                continue
            said = []
            for word, sign in (("Better", 1), ("Worse", -1)):
                counts = {
                    name: sum(sign * value(theirs) < sign * value(mine) for theirs, mine in pairs)
                    for name, value in CRITERIA.items()
                }
                parts = [f"{name} ({n})" for name, n in counts.items() if n]
                said.append(f"{word}: {', '.join(parts) or 'nothing'}")
            lines.append(f"- **{rival}** against {ours}, {len(pairs)} cases. {'. '.join(said)}.")
    return "\n".join(lines)


def _widths(rows: list[Row]) -> str:
    first = rows[0]
    lines = []
    for row in rows:
        losses = [statistics.median(some) for some in row.get("losses", [])]
        at = [min(some) for some, width in zip(row.get("losses", []), row["widths"], strict=False)
              if width <= row["built"]]  # fmt: skip
        enough = [
            w for w, some in zip(row["widths"], row.get("losses", []), strict=False) if min(some) < 1e-6
        ]
        lines.append(
            [
                str(row["layers"]), str(row["optimizer"]), str(row["built"]),
                f"{min(at):.2g}" if at else "", str(min(enough)) if enough else "none",
                f"{min(losses):.2g}" if losses else "", str(row["always_enough"]),
                str(row["worst_case_needs"]),
            ]
        )  # fmt: skip
    headings = [
        "layers", "trained by", "built here, loss 0 exactly", "best loss trained at that width or less",
        "least width tried with a loss below 1e-6", "least median loss", "always enough",
        "needed in the worst case",
    ]  # fmt: skip
    return (
        f"{first['N']} random ones of {first['K']} normal points in R^{first['d']} get a new value; old and "
        f"new values are uniform on [0, 1]. Changing nothing has the loss {first['nothing_learned']:.2g}. "
        f"*Needed in the worst case* is about the worst points, not these.\n\n{_table(headings, lines)}\n"
    )


def _left_out(cases: dict[str, str]) -> str:
    return "".join(f"\nNot among them: *{case}* ({reason}).\n" for case, reason in cases.items())


def report(measured: dict[str, Any]) -> str:
    """The page of results."""
    rows, about = measured["contest"], measured["about"]
    rivals = list(dict.fromkeys(row["rival"] for row in rows))
    networks = [rival for rival in rivals if rival not in LISTS]
    cases = dict.fromkeys(row["case"] for row in rows)
    tables = "\n".join(_case_table([row for row in rows if row["case"] == key]) for key in cases)
    return f"""# Four ways to repair a frozen classifier

{about["date"]}, on {about["machine"]}; {about["software"]}. Written by `python -m benchmarks.patching`; what
the rivals are and how they are judged: [benchmarks/patching](../patching/README.md).

![what it costs, and what training gets to](patching.svg)

## All cases together
{_left_out(measured["left out"])}
{_summary(rows, rivals)}

## Who is best at what

In how many of {len(cases)} cases a rival has the least, alone or with others; only those cases count for it
in which it takes part. A list is no network: it lives beside the model.

{_best(rows, rivals)}

Without the lists:

{_best([row for row in rows if row["rival"] not in LISTS], networks)}

## Where a rival is better than this project's patch, and where worse

{_against(rows, rivals)}

## Case by case

*Fixed*, *changed* and *moved* are counted as each runs: the patch in its dtype, all else in float64. Then
all is cast to float32, and evaluated in exact arithmetic. Seconds: median (least-largest); of a patch and a
list over equal runs, of others over all tries, one of which is shown.

{tables}
## Training against the width

{_widths(measured["widths"])}"""
