"""Runs of the engine: chunks, executors, memory, resumption, and files that change meanwhile."""

from __future__ import annotations

import json
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import Layers, fractions, random_certificate, write

import verify.engine.driver as driver
from verify.engine import Statistics, check
from verify.kernel import check as kernel_check

CORPUS = Path(__file__).parent / "certificates"


def test_chunks_executors_and_memory_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    layers: Layers = [
        ([[Fraction(1), Fraction(2)], [Fraction(-1), Fraction(1)]], [Fraction(0), Fraction(-3)]),
        ([[Fraction(0), Fraction(1)]], [Fraction(0)]),
    ]
    points = np.concatenate(
        [rng.uniform(-1, 1, size=(20_000, 2)), [[-9.0, 9.0]], rng.uniform(-1, 1, size=(9, 2))]
    )
    path = write(tmp_path / "a", layers, points, {})
    expected = kernel_check(path)
    assert expected.findings[0].violation is not None
    assert expected.findings[0].violation.point == 20_000
    assert check(path, memory=1 << 20) == expected
    with ThreadPoolExecutor(2) as pool:
        assert check(path, executor=pool) == expected
    monkeypatch.setattr(driver, "_FEW", 1)
    assert check(path) == expected  # processes


class Broken(driver._Here):
    """An executor that is interrupted after some tasks."""

    def __init__(self, tasks: int) -> None:
        self.left = tasks

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return super().submit(function, *arguments, **named)


def test_an_interrupted_run_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = random_certificate(tmp_path / "a", 4000)
    journal = tmp_path / "progress.json"
    monkeypatch.setattr(driver, "_CACHE", 8 * 65 * 100)
    with pytest.raises(KeyboardInterrupt):
        check(path, executor=Broken(5), resume=journal)
    settled = sum(last - first for _, first, last, *_ in json.loads(journal.read_text())["settled"])
    assert 0 < settled < 4000
    statistics = Statistics()
    assert check(path, resume=journal, statistics=statistics).status == "accepted"
    assert statistics.resumed == settled
    assert statistics.settled == 4000
    again = Statistics()
    assert check(path, executor=Broken(0), resume=journal, statistics=again).status == "accepted"
    assert again.resumed == 4000
    other = random_certificate(tmp_path / "b", 4000, seed=1)
    fresh = Statistics()
    assert check(other, resume=journal, statistics=fresh).status == "accepted"
    assert fresh.resumed == 0  # a progress file of another certificate counts for nothing


@pytest.mark.parametrize(
    "text",
    ["{}", "[]", "5", "not json", "[" * 100_000, '{"format": "ftc-progress"}', '{"format": ["x"]}'],
)
def test_a_file_that_is_no_progress_file_is_refused_and_kept(tmp_path: Path, text: str) -> None:
    journal = tmp_path / "notes.txt"
    journal.write_text(text)
    with pytest.raises(ValueError, match="no progress file"):
        check(CORPUS / "accepted" / "edit.json", resume=journal)
    assert journal.read_text() == text


def test_progress_of_another_version_or_with_odd_entries_is_not_believed(tmp_path: Path) -> None:
    path, journal = random_certificate(tmp_path / "a", 900), tmp_path / "progress.json"
    check(path, resume=journal)
    content = json.loads(journal.read_text())
    assert len(content["engine"]) == 64  # a digest of the code
    for settled in (
        [[0, 0, "x", 0, {}]],
        [[0, 0]],
        [[0, -1, 5, 0, {}]],
        [[0, 0, 900, 0, {"line": "many"}]],
        {"a": 1},
    ):
        journal.write_text(json.dumps({**content, "settled": settled}))
        with pytest.raises(ValueError, match="no progress file"):
            check(path, resume=journal)
    journal.write_text(json.dumps({**content, "engine": "0" * 64}))
    statistics = Statistics()
    assert check(path, resume=journal, statistics=statistics).status == "accepted"
    assert (statistics.resumed, statistics.settled) == (0, 900)


def test_claims_that_differ_share_a_progress_file(tmp_path: Path) -> None:
    """Two label claims with margins: a point that holds for one may not for the other."""
    folder = tmp_path / "a"
    layers: Layers = [(fractions([[1]]), [Fraction(0)]), (fractions([[1], [0]]), [Fraction(0)] * 2)]
    write(folder, layers, fractions([[-1], [0], [3], [-2]]), {})
    content = json.loads((folder / "certificate.json").read_text())
    claim = {"kind": "label-edit", "neurons": 1, "layers": 2}
    content["claims"] = [{**claim, "margin": margin} for margin in ("3", "4", "3", "1/2")]
    content["edits"] = {"index": [2], "label": [0]}
    (folder / "certificate.json").write_text(json.dumps(content))
    journal = tmp_path / "progress.json"
    expected = kernel_check(folder)
    assert [finding.violation is None for finding in expected.findings] == [True, False, True, True]
    for _ in range(2):
        statistics = Statistics()
        assert check(folder, resume=journal, statistics=statistics) == expected
    assert statistics.resumed == 8  # of the claims that hold, and differ


class Meddler(driver._Here):
    """Changes a file, then works like any other executor: a worker that sees other data."""

    def __init__(self, file: Path, content: bytes) -> None:
        self.file, self.content = file, content

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        self.file.write_bytes(self.content)
        driver.plan_for.cache_clear()
        return super().submit(function, *arguments, **named)


def test_files_that_change_after_they_were_hashed_are_found_out(tmp_path: Path) -> None:
    good = random_certificate(tmp_path / "a", 300)
    points, document = good / "points.npy", good / "certificate.json"
    whole, text = points.read_bytes(), document.read_bytes()
    nan = whole[:-8] + np.float64("nan").tobytes()
    for file, content in [
        (points, whole[:-1] + bytes([whole[-1] ^ 1])),
        (points, whole[:-8]),
        (points, nan),
        (document, text.replace(b'"neurons": 128', b'"neurons": 127')),
        (document, text + b" "),
        (document, b"{}"),
    ]:
        points.write_bytes(whole)
        document.write_bytes(text)
        assert check(good).status == "accepted"
        verdict = check(good, executor=Meddler(file, content))
        assert verdict.status == "malformed"
        assert verdict.place in ("points", "certificate", "format")


def test_a_header_that_changes_is_found_out(tmp_path: Path) -> None:
    """The same bytes as floats and as integers: not the same points."""
    layers: Layers = [(fractions([[1]]), [Fraction(0)]), (fractions([[1]]), [Fraction(0)])]
    path = write(tmp_path / "a", layers, np.array([[-1.0], [-4.0]]), {})
    assert check(path).status == "accepted"
    file = path / "points.npy"
    other = file.read_bytes().replace(b"<f8", b"<i8")
    verdict = check(path, executor=Meddler(file, other))
    assert (verdict.status, verdict.place) == ("malformed", "points")


def test_a_progress_file_that_cannot_be_kept_says_nothing_about_the_certificate(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="progress file cannot be kept"):
        check(CORPUS / "accepted" / "edit.json", resume=tmp_path / "missing" / "progress.json")


def test_a_worker_that_dies_is_one_clear_error() -> None:
    class Dying(Executor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            future: Future[Any] = Future()
            future.set_exception(BrokenProcessPool("terminated abruptly"))
            return future

    with pytest.raises(RuntimeError, match="a worker died"):
        check(CORPUS / "accepted" / "edit.json", executor=Dying())


def test_what_is_not_begun_is_cancelled_when_a_run_ends(tmp_path: Path) -> None:
    """Tasks that were handed to somebody's executor do not stay there."""
    path = random_certificate(tmp_path / "a", 300)
    handed: list[Future[Any]] = []

    class Waiting(Executor):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            handed.append(Future())
            if len(handed) == 3:
                raise KeyboardInterrupt
            return handed[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "_CACHE", 1)
        patch.setattr(driver, "_LEAST", 1)
        with pytest.raises(KeyboardInterrupt):
            check(path, executor=Waiting())
    assert all(future.cancelled() for future in handed[:2])


def test_bad_options_are_named(tmp_path: Path) -> None:
    path = CORPUS / "accepted" / "edit.json"
    with pytest.raises(ValueError, match="route is 'x'"):
        check(path, route="x")
    with pytest.raises(ValueError, match="memory is 5"):
        check(path, memory=5)
    assert check(tmp_path / "missing").status == "malformed"


def test_the_first_of_many_violations_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "_CACHE", 8 * 2 * 10)
    layers: Layers = [(fractions([[1]]), [Fraction(0)]), (fractions([[1]]), [Fraction(0)])]
    points = np.full((400, 1), 1.0)
    points[:7] = -1
    path = write(tmp_path / "a", layers, points, {})
    for _ in range(10):
        with ThreadPoolExecutor(4) as pool:
            violation = check(path, executor=pool).findings[0].violation
        assert violation is not None
        assert violation.point == 7
