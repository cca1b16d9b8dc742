"""The network of a certificate in other formats: the same numbers, or a refusal."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from constructions import FineTuningProblem, build, write_certificate
from constructions.classifier import patch_classifier
from constructions.labels import LabelProblem
from ftc.export import exact_layers, to_latex
from ftc.onnx.runtime import run as onnx_run
from ftc.onnx.runtime import session
from ftc.reading import read

SUFFIXES = {"onnx": ".onnx", "torch": ".pt", "numpy": ".npz"}


def labels(dtype: str = "float32") -> Any:
    """A patch of a classifier, in the folder `cert`."""
    rng = np.random.default_rng(0)
    points, base = rng.normal(size=(40, 3)), rng.normal(size=(40, 4))
    problem = LabelProblem(points, base, {i: int(base[i].argmin()) for i in range(6)}, dtype)
    patch = patch_classifier(problem)
    write_certificate(patch, "cert")
    return patch, problem.points


def same(layers: Any, others: Any, dtype: str) -> None:
    assert len(layers) == len(others)
    for mine, theirs in zip(layers, others, strict=True):
        for a, b in zip(mine, theirs, strict=True):
            assert (np.asarray(b).dtype, np.asarray(b).shape) == (np.dtype(dtype), a.shape)
            assert (a == np.asarray(b)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_numbers_in_every_format(run, capsys, dtype) -> None:
    patch, points = labels(dtype)
    for to in ("numpy", "onnx", "torch"):
        assert run("export", "cert", "--to", to, "-o", f"g{SUFFIXES[to]}") == 0
    said = capsys.readouterr().out
    assert f"{patch.neurons} neurons in {dtype}" in said
    with np.load("g.npz") as file:
        assert len(file.files) == 2 * len(patch.layers)
        same(
            patch.layers, [(file[f"weight_{k}"], file[f"bias_{k}"]) for k in range(len(patch.layers))], dtype
        )
    a = points
    for k, (weight, bias) in enumerate(patch.layers):
        a = (np.maximum(a, 0) if k else a) @ weight.T + bias
    model = onnx.load("g.onnx")
    onnx.checker.check_model(model, full_check=True)
    found = onnx_run(session(model), points, ["g"], None)[0]
    assert found.dtype == dtype
    assert not found[6:].any()
    assert np.allclose(found, a, 1e-2, 1e-2)  # slabs of g are steep
    torch = pytest.importorskip("torch")
    module = eval(re.findall(r"(Sequential.*) loads it", said)[0], vars(torch.nn))
    module.load_state_dict(torch.load("g.pt"))
    assert np.allclose(module(torch.from_numpy(points)).detach().numpy(), a, 1e-2, 1e-2)
    pairs = [(each.weight.detach(), each.bias.detach()) for each in module if hasattr(each, "weight")]
    same(patch.layers, pairs, dtype)


def thirds() -> None:
    """A certificate whose network is not made of floats."""
    problem = FineTuningProblem([[0], [1], [4], [5], [9], [11]], edits={1: Fraction(1, 3), 4: -2})
    write_certificate(build(problem, construction="tents"), "thirds.json")


def test_numbers_that_are_no_floats_are_refused_or_rounded(run, capsys) -> None:
    thirds()
    exact = exact_layers(read(Path("thirds.json")))
    for to in ("onnx", "numpy", "torch"):
        name = f"g{SUFFIXES[to]}"
        assert run("export", "thirds.json", "--to", to, "-o", name) == 2
        error = capsys.readouterr().err
        assert re.search(r"ftc: weight 0 has the entry -?\d+/\d+, which is no float64: rounded \(--r", error)
        assert not Path(name).exists()
        assert run("export", "thirds.json", "--to", to, "-o", name, "--round", "--dtype", "float32") == 0
        assert "the certificate does not speak of this network" in capsys.readouterr().out
        Path(name).unlink()
    assert run("export", "thirds.json", "--to", "numpy", "-o", "g.npz", "--round") == 0
    with np.load("g.npz") as file:
        for k, (weight, _) in enumerate(exact):
            assert (file[f"weight_{k}"] == weight.astype(float)).all()


def test_whole_numbers_are_short_floats(run, capsys) -> None:
    problem = FineTuningProblem([[0], [1], [4], [5], [9]], edits={1: 2})
    write_certificate(build(problem, construction="tents"), "whole.json")
    assert run("export", "whole.json", "--to", "numpy", "-o", "g.npz") == 0
    assert "3 neurons in float32" in capsys.readouterr().out
    assert run("export", "whole.json", "--to", "numpy", "-o", "long.npz", "--dtype", "float64") == 0
    assert "3 neurons in float64" in capsys.readouterr().out
    assert "rounded" not in capsys.readouterr().out


def test_a_network_is_exported_in_the_type_in_which_it_is_deployed(run, capsys) -> None:
    """Though a shorter one holds its weights; and what is there already is kept."""
    base = np.array([[1.0, 0.0]] * 3)
    patch = patch_classifier(LabelProblem([[0.0], [4.0], [8.0]], base, {1: 1}, "float64"), slabs=1)
    short = [tuple(a.astype(np.float32).astype(np.float64) for a in layer) for layer in patch.layers]
    write_certificate(replace(patch, layers=short), "cert")
    assert run("export", "cert", "--to", "numpy", "-o", "g.npz") == 0
    assert f"{patch.neurons} neurons in float64" in capsys.readouterr().out
    before = Path("g.npz").read_bytes()
    assert run("export", "cert", "--to", "numpy", "-o", "g.npz", "--dtype", "float32") == 2
    assert "g.npz exists already" in capsys.readouterr().err
    assert Path("g.npz").read_bytes() == before


def test_the_formula_is_the_network(run) -> None:
    thirds()
    assert run("export", "thirds.json", "--to", "latex", "-o", "g.tex") == 0
    text = Path("g.tex").read_text()
    assert text.startswith("\\[\\begin{aligned}\n")
    assert text.endswith("\\end{aligned}\\]\n")
    exact = exact_layers(read(Path("thirds.json")))
    for x in (0, 1, 4, 5, 9, 11, Fraction(7, 3)):
        values = {"x_1": Fraction(x)}
        for line in text.splitlines()[1:-1]:
            name, right = line.removesuffix(" \\\\").split(" &= ")
            right = re.sub(r"\\tfrac\{(\d+)\}\{(\d+)\}", r"F(\1,\2)", right).replace("\\max", "max")
            right = re.sub(r"[{}^]", "", re.sub(r"\^\{\((\d)\)\}", r"\1", right))
            right = re.sub(r"(\)|\d) (?=[xh])", r"\1*", right)
            name = re.sub(r"[{}^()]", "", name)
            values[name] = eval(right, {"F": Fraction, "max": max}, values)
        a = np.array([Fraction(x)])
        for k, (weight, bias) in enumerate(exact):
            a = (np.maximum(a, 0) if k else a) @ weight.T + bias
        assert values["g_1"] == a[0]


def test_a_large_network_is_no_formula(run, capsys) -> None:
    points = np.random.default_rng(0).normal(size=(60, 3))
    write_certificate(build(FineTuningProblem(points, edits=dict.fromkeys(range(30), 1)), 4), "cert.json")
    assert run("export", "cert.json", "--to", "latex", "-o", "g.tex") == 2
    assert re.search("the formula has .* terms and numbers of up to .* digits: at", capsys.readouterr().err)
    long = [(np.array([[Fraction(1, 10**50)]]), np.array([Fraction(0)]))]
    with pytest.raises(ValueError, match="numbers of up to 51 digits"):
        to_latex(long)


def test_wrong_input_is_one_line_and_nothing_is_written(run, capsys) -> None:
    labels()
    thirds()
    assert run("obstruct", "3", "-o", "hard") == 0
    Path("taken.npz").mkdir()
    big = [(np.array([[Fraction(10**60)]]), np.array([Fraction(0)]))]
    before = sorted(Path().rglob("*"))
    for arguments, message in (
        ("cert --to pdf -o g", "pdf"),
        ("cert --to onnx -o g.pt", "g.pt: expected a name that ends in .onnx for onnx"),
        ("cert --to torch -o g.onnx", "g.onnx: expected a name that ends in .pt for torch"),
        ("cert --to numpy -o g", "g: expected a name that ends in .npz for numpy"),
        ("cert --to latex -o g.text", "g.text: expected a name that ends in .tex for latex"),
        ("cert --to numpy -o no/g.npz", "no is not a folder"),
        ("cert --to numpy -o taken.npz", "taken.npz exists already"),
        ("cert --to latex -o g.tex --round", "--dtype and --round are not for latex"),
        ("nothing.json --to numpy -o g.npz", "nothing.json"),
        ("hard --to numpy -o g.npz", "hard holds no network"),
        ("thirds.json --to numpy -o g.npz --dtype float32", "which is no float32"),
    ):
        capsys.readouterr()
        assert run("export", *arguments.split()) == 2
        error = capsys.readouterr().err
        assert error.startswith("ftc: ")
        assert error.count("\n") == 1
        assert message in error
    assert sorted(Path().rglob("*")) == before
    from ftc.export import float_layers

    with pytest.raises(ValueError, match="layer 0 has a number beyond float32"):
        float_layers(big, "float32", rounded=True)


@pytest.mark.parametrize("module", ["torch", "onnx"])
def test_without_a_package_the_install_command_is_shown(run, capsys, monkeypatch, module) -> None:
    labels()
    for name in [name for name in sys.modules if name.startswith(f"ftc.{module}")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert run("export", "cert", "--to", module, "-o", f"g{SUFFIXES[module]}") == 2
    assert f"pip install 'fine-tuning-capacity[{module}]'" in capsys.readouterr().err
    assert not list(Path().glob("g*"))
