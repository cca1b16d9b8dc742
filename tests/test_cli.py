"""The command line as people meet it: exit codes, one-line errors, nothing half written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ftc_run

from constructions import bounds

POINTS = "0,0\n1,0\n2,1\n3,5\n4,4\n0.1,7\n"
EDITS = "index,value\n2,1\n4,-0.25\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "points.csv").write_text(POINTS)
    (tmp_path / "edits.csv").write_text(EDITS)
    (tmp_path / "base.csv").write_text("0\n0.5\n1/3\n0\n-1e3\n7\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("layers", ["2", "3", "4", "auto"])
@pytest.mark.parametrize("target", ["patch.json", "patch"])
def test_build_check_plot(folder, monkeypatch, capsys, layers, target) -> None:
    arguments = ("points.csv", "edits.csv", "--base", "base.csv", "-o", target, "--layers", layers, "--json")
    assert ftc_run(monkeypatch, "build", *arguments) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["edits"], facts["points"]) == (2, 6)
    assert layers == "auto" or facts["layers"] == int(layers)
    assert ftc_run(monkeypatch, "check", target) == 0
    assert f"{facts['neurons']} neurons" in capsys.readouterr().out
    assert ftc_run(monkeypatch, "plot", target, "-o", "patch.png") == 0
    assert (folder / "patch.png").read_bytes().startswith(b"\x89PNG")
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_npy_input_and_a_patch_without_edits(folder, monkeypatch, capsys) -> None:
    np.save(folder / "points.npy", np.arange(12, dtype=np.uint8).reshape(6, 2))
    (folder / "none.csv").write_text("index,value\n")
    assert ftc_run(monkeypatch, "build", "points.npy", "none.csv", "-o", "patch") == 0
    assert ftc_run(monkeypatch, "check", "patch", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["findings"][0]["claim"]["neurons"] == 0
    assert ftc_run(monkeypatch, "plot", "patch", "-o", "patch.pdf") == 0
    assert sorted(path.name for path in (folder / "patch").iterdir()) == ["certificate.json", "points.npy"]


def test_verdicts_are_exit_codes(folder, monkeypatch, capsys) -> None:
    assert ftc_run(monkeypatch, "build", "points.csv", "edits.csv", "-o", "patch.json") == 0
    document = json.loads((folder / "patch.json").read_text())
    document["claims"][0]["neurons"] += 1
    (folder / "patch.json").write_text(json.dumps(document))
    assert ftc_run(monkeypatch, "check", "patch.json") == 3
    (folder / "patch.json").write_text("{")
    assert ftc_run(monkeypatch, "check", "patch.json") == 4
    output = capsys.readouterr().out
    assert "rejected: claim 0 (edit): neurons: expected" in output
    assert "malformed: certificate: not JSON" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("build", "Missing argument"),
        ("build points.csv edits.csv", "Missing option"),
        ("build nope.csv edits.csv -o x.json", "nope.csv: cannot be read"),
        ("build points.csv points.csv -o x.json", "the first line must be exactly index,value"),
        ("build points.csv edits.csv -o no/x.json", "no is not a folder"),
        ("build points.csv edits.csv -o .", "exists already"),
        ("build points.csv edits.csv -o x.json --layers 9", "--layers"),
        ("build points.csv edits.csv -o x.json --construction x", "--construction"),
        ("build points.csv edits.csv -o x.json --construction grid --layers 2", "grid has 3 layers"),
        ("build points.csv edits.csv -o x.json --construction tents --restart-every 2", "no restarts"),
        ("build points.csv edits.csv -o x.json --restart-every 0", "--restart-every"),
        ("build points.csv edits.csv -o x.json --base edits.csv", "edits.csv: row 1 has 2 columns"),
        ("build points.csv edits.csv -o x.json --base short.csv", "base has shape (1,): expected (6,)"),
        ("check x.json --points points.csv", "--points and --edits go together"),
        ("build points.csv edits.csv -o points.csv", "points.csv exists already"),
        ("bounds 10000000000000000000", "Invalid value for 'N'"),
        ("build equal.csv long.csv -o x.json", "points 0 and 1 are equal but need different changes"),
        ("plot edits.csv -o x.png", "edits.csv is malformed"),
        ("plot edits.csv -o x.txt", "expected a name that ends in .png"),
        ("bounds -3", "No such option"),
        ("bounds 5 --points 3", "--points is 3: expected at least N = 5"),
        ("obstruct 5 -o hard --points 4", "5 edits among 4 points: expected 0 <= N <= K"),
        ("refute 3*N", "Missing option '--layers'"),
        ("refute 3*n --layers 2", "formula: 'n' is not among numbers, N, K, d"),
        ("refute 3* --layers 2", "'3*' is not an expression"),
        ("refute N --layers 1", "--layers"),
        ("refute N --layers 2 --edits 5..3", "--edits is '5..3': expected numbers from 1 to 10^12"),
        ("refute N --layers 2 --edits 1..9999999", "--edits is '1..9999999': expected at most a million"),
        ("refute N --layers 2 --edits 9 --points 8", "no N and K to try"),
        ("refute N/(N-2) --layers 2 --edits 2", "formula N/(N-2) at N = 2: division by zero"),
        ("refute N --layers 2 -o x.json", "x.json is one file: expected a folder"),
        ("refute N --layers 2 -o .", "exists already"),
        ("refute N --layers 2 -o no/x", "no is not a folder"),
        ("table --edits x", "--edits is 'x': expected numbers from 1 to 10^12"),
        ("table --layers 1..3", "--layers is 1..3: expected depths from 2 to 100"),
        ("table --edits 1..100000", "400000 cells: expected at most 100000"),
        ("table --picture x.txt", "expected a name that ends in .png"),
        ("table --picture no/x.png", "no is not a folder"),
        ("table --csv x.txt", "x.txt: expected a name that ends in .csv"),
        ("table --csv no/x.csv", "no is not a folder"),
        ("nonsense", "No such command"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(folder, monkeypatch, capsys, arguments, message) -> None:
    (folder / "short.csv").write_text("1\n")
    (folder / "equal.csv").write_text("1\n1\n2\n")
    (folder / "long.csv").write_text("index,value\n0,1e5000\n1,3\n")
    before = sorted(folder.iterdir())
    assert ftc_run(monkeypatch, *arguments.split()) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("ftc: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert captured.out == ""
    assert sorted(folder.iterdir()) == before


def test_bounds_table(monkeypatch, capsys) -> None:
    assert ftc_run(monkeypatch, "bounds", "100", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["layers"], row["lower"], row["upper"]) for row in rows[:3]] == [
        (2, 300, 300), (3, 38, 40), (4, 19, 24),
    ]  # fmt: skip
    assert ftc_run(monkeypatch, "bounds", "100", "--one-sign", "--points", "1000") == 0
    assert "35" in capsys.readouterr().out


@pytest.mark.parametrize("scale", ["1e-4000", "1e-300", "1", "1e300", "1e4000"])
def test_pictures_of_any_scale(folder, monkeypatch, scale) -> None:
    exponent = scale.removeprefix("1e") if "e" in scale else "0"
    (folder / "points.csv").write_text("\n".join(f"{k}e{exponent}" for k in range(20)) + "\n")
    (folder / "edits.csv").write_text(
        "index,value\n" + "".join(f"{k},{k - 9}e{exponent}\n" for k in range(1, 19, 2))
    )
    assert ftc_run(monkeypatch, "build", "points.csv", "edits.csv", "-o", "patch.json", "--layers", "3") == 0
    assert ftc_run(monkeypatch, "plot", "patch.json", "-o", "patch.png") == 0


def test_no_arguments_show_the_help(monkeypatch, capsys) -> None:
    assert ftc_run(monkeypatch) == 0
    assert "Usage" in capsys.readouterr().out


def test_the_demo_in_a_pipe(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ftc", "demo", "--folder", str(tmp_path / "demo"), "--edits", "12"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("accepted") == 3
    assert run.stderr == ""
    assert (tmp_path / "demo" / "digits.png").stat().st_size > 10_000


def test_a_certificate_is_compared_with_files(folder, monkeypatch, capsys) -> None:
    assert ftc_run(monkeypatch, "build", "points.csv", "edits.csv", "--base", "base.csv", "-o", "a.json") == 0
    same = ("check", "a.json", "--points", "points.csv", "--edits", "edits.csv")
    assert ftc_run(monkeypatch, *same, "--base", "base.csv") == 0
    capsys.readouterr()
    assert ftc_run(monkeypatch, *same) == 3
    assert "rejected: it is not about your files: base: row 2 differs" in capsys.readouterr().out
    for name, old, new, difference in (
        ("points.csv", "4,4", "4,4.0000000000000000001", "points: row 5 differs"),
        ("points.csv", "4,4\n", "", "points: the certificate has shape (6, 2), not (5, 2)"),
        ("edits.csv", "-0.25", "-0.250000000000000000001", "edits: the value of index 4 differs"),
        ("edits.csv", "4,-0.25\n", "", "edits: index 4 stands in one of them only"),
        ("edits.csv", "4,-0.25\n", "4,-0.25\n5,7\n", "edits: index 5 stands in one of them only"),
    ):
        text = (folder / name).read_text()
        (folder / name).write_text(text.replace(old, new))
        if name == "points.csv" and new == "":
            (folder / "base.csv").write_text("0\n0.5\n1/3\n0\n-1e3\n")
        assert ftc_run(monkeypatch, *same, "--base", "base.csv", "--json") == 3
        assert json.loads(capsys.readouterr().out)["difference"] == difference
        (folder / name).write_text(text)
        (folder / "base.csv").write_text("0\n0.5\n1/3\n0\n-1e3\n7\n")


@pytest.mark.parametrize("name", ["[", "out[bold].json", "[bold]x[.json", ":smile:.json"])
def test_names_are_not_markup(folder, monkeypatch, capsys, name) -> None:
    assert ftc_run(monkeypatch, "build", "points.csv", "edits.csv", "-o", name) == 0
    assert name in capsys.readouterr().out
    assert (folder / name).exists()


@pytest.mark.usefixtures("folder")
def test_a_certificate_that_is_missing_is_malformed(monkeypatch, capsys) -> None:
    assert ftc_run(monkeypatch, "check", "nope.json") == 4
    assert "malformed: certificate: cannot read 'nope.json'" in capsys.readouterr().out


def test_pictures_of_many_points(folder, monkeypatch) -> None:
    """The pieces of the network are found once: the picture does not wait for the points."""
    rng = np.random.default_rng(0)
    np.save(folder / "points.npy", rng.normal(size=(5000, 3)))
    chosen = rng.choice(5000, size=120, replace=False)
    (folder / "edits.csv").write_text("index,value\n" + "".join(f"{i},{i % 7 - 3}\n" for i in chosen))
    assert ftc_run(monkeypatch, "build", "points.npy", "edits.csv", "-o", "p", "--layers", "4") == 0
    assert ftc_run(monkeypatch, "plot", "p", "-o", "p.svg") == 0


def test_the_picture_goes_along_the_direction_of_the_certificate(folder) -> None:
    from constructions import FineTuningProblem, build, write_certificate
    from ftc.reading import read_profile

    points = [[5, 2], [1, 4], [3, 3], [0, 9], [7, 7]]
    problem = FineTuningProblem(points, edits={1: 2, 4: -1})
    seen = set()
    for seed in range(12):
        solution = build(problem, 3, seed=seed)
        profile = read_profile(write_certificate(solution, folder / "a.json"))
        u = solution.direction
        if np.gcd.reduce(u) == 1:
            seen.add(next(k for k in u if k) > 0)
            assert profile.positions == [x * u[0] + y * u[1] for x, y in points]
            assert [profile(t) for t in profile.positions] == [0, 2, 0, 0, -1]
    assert seen == {True, False}


def test_obstruct_writes_a_worst_case_that_can_be_built(folder, monkeypatch, capsys) -> None:
    assert ftc_run(monkeypatch, "obstruct", "9", "--layers", "3", "-o", "hard", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert ftc_run(monkeypatch, "check", "hard") == 0
    assert f"fewer than {facts['at least']} neurons" in capsys.readouterr().out
    files = ("hard/points.npy", "hard/edits.csv")
    assert ftc_run(monkeypatch, "build", *files, "-o", "patch", "--layers", "3", "--json") == 0
    assert json.loads(capsys.readouterr().out)["neurons"] >= facts["at least"]
    for wrong in (("-o", "hard"), ("-o", "a.json"), ("-o", "b", "--points", "8")):
        assert ftc_run(monkeypatch, "obstruct", "9", "--layers", "3", *wrong) == 2
        assert capsys.readouterr().err.startswith("ftc: ")
    assert not (folder / "a.json").exists()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("arguments", [("--points", "30"), ("--points", "9", "--one-sign"), ("--one-sign",)])
def test_obstruct_with_any_number_of_points(monkeypatch, capsys, arguments) -> None:
    assert ftc_run(monkeypatch, "obstruct", "9", "--layers", "3", "-o", "hard", "--json", *arguments) == 0
    facts = json.loads(capsys.readouterr().out)
    points = int(arguments[1]) if "--points" in arguments else 37
    assert (facts["edits"], facts["points"]) == (9, points)
    assert facts["at least"] == bounds.lower_on_line(3, 9, points, "--one-sign" in arguments)
    assert ftc_run(monkeypatch, "check", "hard") == 0


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    "extra", [(), ("--one-sign",), ("-d", "3"), ("--points", "5..90"), ("--edits", "7,9")]
)
def test_a_refuted_claim_comes_with_a_certificate(monkeypatch, capsys, extra) -> None:
    arguments = ("refute", "2.5*N + 1", "--layers", "2", *extra)
    assert ftc_run(monkeypatch, *arguments) == 3
    n = 7 if "--edits" in extra else 3
    assert f"allows {5 * n // 2 + 1} neurons in 2 layers at N = {n}" in capsys.readouterr().out
    assert ftc_run(monkeypatch, *arguments, "-o", "hard", "--json") == 3
    facts = json.loads(capsys.readouterr().out)
    assert (facts["verdict"], facts["certified"]) == ("refuted", True)
    assert (facts["N"], facts["allowed"], facts["needed"]) == (n, 5 * n // 2 + 1, 5 * n // 2 + 2)
    assert ftc_run(monkeypatch, "check", "hard", "--kernel") == 0
    assert f"fewer than {facts['needed']} neurons" in capsys.readouterr().out
    files = ("hard/points.npy", "hard/edits.csv")
    assert np.load(files[0]).shape == (facts["K"], facts["d"])
    assert ftc_run(monkeypatch, "check", "hard", "--points", files[0], "--edits", files[1]) == 0
    capsys.readouterr()
    assert ftc_run(monkeypatch, "build", *files, "-o", "patch", "--layers", "2", "--json") == 0
    assert json.loads(capsys.readouterr().out)["neurons"] >= facts["needed"]


def test_a_consistent_claim_and_one_without_a_certificate(folder, monkeypatch, capsys) -> None:
    assert ftc_run(monkeypatch, "refute", "3*N", "--layers", "2", "-o", "hard") == 0
    output = capsys.readouterr().out
    assert output.startswith("consistent: no bound for 2 layers is above 3*N (")
    assert "closest to what is needed: 0 above at N = 1, the best possible" in output
    assert "hard is not written: no instance refutes it" in output
    assert ftc_run(monkeypatch, "refute", "2*sqrt(N) + 4", "--layers", "4") == 0
    assert "1 below at N = 2, which is open" in capsys.readouterr().out
    claim = ("refute", "2*sqrt(N) - 3", "--layers", "5", "--edits", "10000")
    assert ftc_run(monkeypatch, *claim, "-o", "hard") == 3
    assert "no certificate" in capsys.readouterr().out
    assert ftc_run(monkeypatch, *claim, "--json") == 3
    assert json.loads(capsys.readouterr().out)["certified"] is False
    assert ftc_run(monkeypatch, "refute", "exp(N)", "--layers", "2", "--edits", "99", "--json") == 0
    assert json.loads(capsys.readouterr().out)["above_upper"]["N"] == 99
    assert not (folder / "hard").exists()


@pytest.mark.parametrize(
    "extra",
    [("--edits", "1000000000"), ("--edits", "100001"), ("--edits", "9", "--points", "5000001"),
     ("--edits", "5000", "-d", "1000")],
)  # fmt: skip
def test_an_instance_too_large_to_be_written_refutes_all_the_same(folder, monkeypatch, capsys, extra) -> None:
    arguments = ("refute", "4*sqrt(N) - 5", "--layers", "3", *extra, "-o", "hard")
    assert ftc_run(monkeypatch, *arguments) == 3
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("refuted: 4*sqrt(N) - 5 allows")
    assert second.startswith("hard is not written: the refutation stands, but the instance is too large")
    assert ftc_run(monkeypatch, *arguments, "--json") == 3
    assert "certificate" not in json.loads(capsys.readouterr().out)
    assert not (folder / "hard").exists()


@pytest.mark.parametrize("one_sign", [(), ("--one-sign",)])
def test_tables_of_bounds(folder, monkeypatch, capsys, one_sign) -> None:
    arguments = ("table", "--edits", "14,1..3,100", "--layers", "2..4", "--csv", "t.csv", *one_sign)
    assert ftc_run(monkeypatch, *arguments) == 0
    output = capsys.readouterr().out
    rows = (folder / "t.csv").read_text().splitlines()
    assert rows[0] == "N,layers,lower,upper"
    assert [tuple(map(int, row.split(","))) for row in rows[1:]] == [
        (n, depth, *(bound(depth, n, None, bool(one_sign)) for bound in (bounds.lower, bounds.upper)))
        for n in (1, 2, 3, 14, 100)
        for depth in (2, 3, 4)
    ]
    assert ("33..35*" if one_sign else "38..40*") in output
    assert ("8..12*" in output) is not bool(one_sign)  # at N = 14 four layers beat three, for any signs


@pytest.mark.parametrize("layers", ["2", "3..4", "2..9"])
@pytest.mark.parametrize("name", ["t.png", "t.svg"])
def test_pictures_of_bounds(folder, monkeypatch, layers, name) -> None:
    arguments = ("table", "--edits", "1..9,2000", "--picture", name, "--layers", layers)
    assert ftc_run(monkeypatch, *arguments) == 0
    assert (folder / name).stat().st_size > 10_000
    if name == "t.svg":
        assert ("N = 14 and more" in (folder / name).read_text()) is (layers != "2")


def test_pictures_of_bounds_up_to_the_largest_number(folder, monkeypatch) -> None:
    assert ftc_run(monkeypatch, "table", "--edits", "1000000000000", "--picture", "t.png") == 0
    assert (folder / "t.png").stat().st_size > 10_000
