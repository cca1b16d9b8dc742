"""The wheel works from a clean environment, away from the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = """
import verify, constructions, ftc.cli
from constructions import FineTuningProblem, build, write_certificate
path = write_certificate(build(FineTuningProblem([[0], [1], [2]], edits={1: 1}), 3), "patch.json")
assert verify.check(path).status == "accepted"
assert "site-packages" in verify.__file__, verify.__file__
try:
    import ftc.sklearn
except ImportError as error:
    assert str(error).endswith("pip install 'fine-tuning-capacity[models]'"), error
else:
    raise AssertionError("scikit-learn is no requirement of the wheel")
"""


@pytest.mark.slow
def test_wheel_in_a_clean_environment(tmp_path: Path) -> None:
    def run(*command: str | Path) -> None:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        subprocess.run(command, cwd=tmp_path, check=True, env=environment)

    run(sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path / "dist", ROOT)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    venv.create(tmp_path / "clean", with_pip=True)
    programs = tmp_path / "clean" / "bin"
    run(programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    run(programs / "python", "-c", CODE)
    run(programs / "ftc", "check", "patch.json")
    run(programs / "python", "-I", "-m", "verify", "patch.json")
