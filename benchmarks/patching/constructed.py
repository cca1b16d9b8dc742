"""This project's patch, as `ftc patch` builds it: a network that is added, and a certificate of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import verify
from benchmarks.patching.cases import Case
from benchmarks.patching.repairs import Added
from constructions import write_certificate
from constructions.classifier import ClassifierPatch, patch_classifier
from constructions.labels import LabelProblem

__all__ = ["build", "certified"]


def build(case: Case, dtype: str, slabs: int = 2) -> tuple[Added, ClassifierPatch]:
    problem = LabelProblem(case.data.points, case.data.scores, case.wanted, dtype)
    found = patch_classifier(problem, reach="tight", slabs=slabs)
    return Added(found.layers), found


def certified(found: ClassifierPatch) -> str:
    """What the kernel says of it."""
    with tempfile.TemporaryDirectory() as folder:
        verdict = verify.check(write_certificate(found, Path(folder) / "patch"))
    return verdict.status
