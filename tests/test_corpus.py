"""The corpus `tests/certificates`: every certificate gets its verdict, for the right reason."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import zipapp
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import verify
from verify.kernel import Malformed

ROOT = Path(__file__).parents[1]
CORPUS = Path(__file__).parent / "certificates"
EXIT_CODES = {"accepted": 0, "rejected": 3, "malformed": 4}
SAMPLE = [
    "accepted/edit.json",
    "accepted/every-array-in-a-file",
    "rejected/label-tie.json",
    "rejected/protected-point-at-the-least-float",
    "malformed/key-twice-deep-in-notes.json",
    "malformed/digest-after-one-bit",
]


def certificates(verdict: str) -> list[Path]:
    return sorted(p for p in (CORPUS / verdict).iterdir() if p.is_dir() or p.suffix == ".json")


def expected(path: Path) -> str:
    """The part of the verdict's text that stands beside a bad certificate."""
    name = path.stem if path.suffix == ".json" else path.name
    (line,) = path.with_name(f"{name}.expected").read_text().splitlines()
    return line


def cases() -> Iterator[Any]:
    for verdict in EXIT_CODES:
        for path in certificates(verdict):
            yield pytest.param(path, id=f"{verdict}/{path.name}")


@pytest.mark.parametrize("path", list(cases()))
def test_verdict_and_reason(path: Path) -> None:
    status = path.parent.name
    verdict = verify.check(path)
    assert verdict.status == status, verdict.text()
    assert verdict.exit_code == EXIT_CODES[status]
    if status == "accepted":
        lines = verdict.text().splitlines()
        assert len(lines) == len(verdict.findings) > 0
        assert all(line.startswith(f"accepted: claim {k} (") for k, line in enumerate(lines))
    else:
        assert expected(path) in verdict.text()


def test_the_corpus_is_whole() -> None:
    for verdict, least in (("accepted", 12), ("rejected", 25), ("malformed", 70)):
        cases = certificates(verdict)
        assert len(cases) >= least
        reasons = {p.stem for p in (CORPUS / verdict).glob("*.expected")}
        names = {p.stem if p.suffix == ".json" else p.name for p in cases}
        assert len(names) == len(cases)
        assert reasons == (set() if verdict == "accepted" else names)
        others = {p.name for p in (CORPUS / verdict).iterdir() if p not in cases and p.suffix != ".expected"}
        assert others == set()
    assert all(expected(path).startswith("malformed: ") for path in certificates("malformed"))
    assert all("claim " in expected(path) for path in certificates("rejected"))


def test_the_generator_writes_these_files(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-I", CORPUS / "make.py", tmp_path], check=True, timeout=60)

    def tree(folder: Path) -> dict[str, bytes]:
        return {
            str(p.relative_to(folder)): p.read_bytes()
            for verdict in EXIT_CODES
            for p in (folder / verdict).rglob("*")
            if p.is_file()
        }

    made, stored = tree(tmp_path), tree(CORPUS)
    assert made.keys() == stored.keys()
    assert [name for name in made if made[name] != stored[name]] == []
    assert sum(map(len, made.values())) < 10**6


def test_the_generator_stands_alone() -> None:
    files = (CORPUS / "make.py", CORPUS.parent / "farkas_trees.py")
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    modules = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    modules |= {node.module or "." for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in modules} <= {*sys.stdlib_module_names, "farkas_trees"}


def test_every_refusal_of_the_kernel_is_in_the_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each place in the kernel that can find a certificate malformed does so for one of the corpus."""
    reached = set()

    class Recorded(Malformed):
        def __init__(self, place: str, reason: str) -> None:
            super().__init__(place, reason)
            frame = sys._getframe(1)
            while frame.f_code.co_name == "need" and frame.f_back is not None:
                frame = frame.f_back
            reached.add((Path(frame.f_code.co_filename).name, frame.f_lineno))

    for name, module in list(sys.modules.items()):
        if name.startswith("verify.kernel.") and hasattr(module, "Malformed"):
            monkeypatch.setattr(module, "Malformed", Recorded)
    for path in certificates("malformed"):
        verify.check(path)
    missed = []
    for source in sorted((ROOT / "verify" / "kernel").glob("*.py")):
        for node in ast.walk(ast.parse(source.read_text())):
            call = node.exc if isinstance(node, ast.Raise) else node
            name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""
            if name not in ("need", "Malformed") or (name == "Malformed" and call is node):
                continue
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            text = ast.unparse(node)
            if (
                not any((source.name, line) in reached for line in lines)
                and text != "raise Malformed(place, reason)"
            ):
                missed.append(text)
    # these need a file that changes, a link, or more bytes than a corpus should have
    elsewhere = (
        "too short",
        "too long",
        "file changed",
        "outside of the folder",
        "not a regular file",
        "over 1 GiB",
    )
    assert [text for text in missed if not any(part in text for part in elsewhere)] == []


def test_numpy_reads_the_good_files() -> None:
    files = list((CORPUS / "accepted").rglob("*.npy"))
    assert {np.load(file, allow_pickle=False).dtype.str for file in files} == {"<f8", "<f4", "<i8", "|u1"}


@pytest.mark.parametrize("name", SAMPLE)
def test_the_command(name: str) -> None:
    command = [sys.executable, "-E", "-s", "-S", "-m", "verify", str(CORPUS / name)]
    judge_by_command(command, CORPUS / name, ROOT)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`verify.pyz`, as `make verify.pyz` builds it."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "pyz" / "verify").mkdir(parents=True)
    for name in ("__init__.py", "__main__.py"):
        shutil.copy(ROOT / "verify" / name, folder / "pyz" / "verify" / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "verify" / "kernel", folder / "pyz" / "verify" / "kernel", ignore=ignored)
    zipapp.create_archive(folder / "pyz", folder / "verify.pyz", main="verify.__main__:main")
    shutil.rmtree(folder / "pyz")
    return folder / "verify.pyz"


@pytest.mark.parametrize("name", SAMPLE)
def test_the_archive(name: str, archive: Path, tmp_path: Path) -> None:
    judge_by_command([sys.executable, "-I", "-S", str(archive), str(CORPUS / name)], CORPUS / name, tmp_path)


def judge_by_command(command: list[str], path: Path, folder: Path) -> None:
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert run.stderr == ""
    assert run.stdout == verify.check(path).text() + "\n"
    assert run.returncode == EXIT_CODES[path.parent.name]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 2), (["a", "b"], 2), (["--bound"], 2), (["--help"], 0), (["none.json"], 4), ([""], 4)],
)
def test_usage(arguments: list[str], code: int) -> None:
    command = [sys.executable, "-E", "-s", "-S", "-m", "verify", *arguments]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == code
    assert "Traceback" not in run.stderr
    assert ("usage" in run.stdout + run.stderr) == (code != 4)


def test_a_relative_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(CORPUS / "accepted" / "every-array-in-a-file")
    assert verify.check("certificate.json").status == "accepted"
    assert verify.check(".").status == "accepted"
    assert verify.check(os.curdir + os.sep).status == "accepted"
