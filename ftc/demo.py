"""The demonstration: relabel some of scikit-learn's digits without moving any other output."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

import verify
from constructions import FineTuningProblem, bounds, build, write_certificate
from ftc.plots import plot_along_direction, save
from ftc.progress import steps
from ftc.reading import read_profile

__all__ = ["digits_problem", "run"]

CAPTION = (
    "lower, upper: proven for the worst case over all data (a lucky instance needs fewer); "
    "extra: neurons spent on short numbers; bits: the longest weight"
)


def digits_problem(edits: int, seed: int) -> FineTuningProblem:
    """The score of a frozen classifier "is it an eight?" on all 1,797 digits; `edits` randomly
    chosen samples get the opposite label: their score is negated.

    Raises:
        ValueError: scikit-learn is not installed; the message holds the install command.
    """
    try:
        from sklearn.datasets import load_digits
        from sklearn.linear_model import LogisticRegression
    except ImportError:
        raise ValueError("the demo needs scikit-learn: pip install 'fine-tuning-capacity[models]'") from None
    digits: Any = load_digits()
    images = digits.data.astype(np.uint8)
    model = LogisticRegression(max_iter=5000).fit(digits.data[::2], digits.target[::2] == 8)
    score = model.decision_function(digits.data)
    chosen = np.random.default_rng(seed).choice(len(images), size=edits, replace=False)
    return FineTuningProblem(images, score, {int(i): -float(score[i]) for i in chosen})


def run(folder: Path, edits: int, seed: int) -> None:
    """Build, certify and check 2, 3 and 4 layers; print a table and draw the last network."""
    console = Console()
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} exists already and is no folder")
    folder.mkdir(parents=True, exist_ok=True)
    with steps() as (say, _):
        say("fitting the model that will be frozen")
        problem = digits_problem(edits, seed)
    console.print(
        f"Frozen model: logistic regression on digits, score of the class 8, {problem.K} samples, "
        f"d = {problem.d}.\nRelabelled: {problem.N} random samples; the other "
        f"{problem.K - problem.N} outputs must not move at all.\n"
    )
    table = Table(
        title="Networks g with f + g exactly as wanted",
        caption=CAPTION,
        box=box.SIMPLE,
        collapse_padding=True,
    )
    headings = ("layers", "neurons", "lower", "upper", "extra", "bits", "verdict", "build s", "check s")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    refused = []
    for depth in (2, 3, 4):
        path = folder / f"digits-{depth}-layers.json"
        with steps() as (say, count):
            started = time.perf_counter()
            solution = build(problem, depth, seed=seed, progress=say)
            write_certificate(solution, path)
            built = time.perf_counter()
            say(f"checking {depth} layers")
            verdict = verify.check(path, progress=count)
            checked = time.perf_counter()
        if verdict.status != "accepted":
            refused.append(verdict.text())
        network = solution.network
        low, high = (
            bound(depth, problem.N, problem.K, one_sign=problem.one_sign)
            for bound in (bounds.lower, bounds.upper)
        )
        row = (depth, network.neurons, low, high, network.neurons - solution.plain_neurons, network.bits)
        times = (f"{built - started:.2f}", f"{checked - built:.2f}")
        table.add_row(*map(str, row), verdict.status, *times)
    console.print(table)
    picture = folder / "digits.png"
    with steps() as (say, _):
        say("drawing")
        save(plot_along_direction(read_profile(path)), picture)
    console.print(f"Certificates and picture: {folder}/ (picture: {picture})", markup=False)
    if refused:
        raise ValueError("; ".join(refused))
