"""ONNX models on the command line: patched inside of their graph, checked against the certificate, undone."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from conftest import Run
from model_files import files
from onnx_models import DOUBLE, FLOAT, INT64, convolution, model, node, passing, perceptron, random_layers
from sklearn.datasets import load_digits

from ftc.impact_report import impact_text
from ftc.onnx import OnnxClassifier, merge

POINTS = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)


def other(classifier: Any, points: Any, rows: Any) -> dict[int, int]:
    return {i: int(np.argsort(classifier.decision_function(points[[i]])[0])[-2]) for i in rows}


def patched(run: Run, capsys: Any, graph: Any, points: Any, wanted: dict[int, int], *more: str) -> Any:
    """The report of a patch that does what was asked for, as onnxruntime runs it and as `ftc check` says."""
    given = files(graph, points, wanted)
    capsys.readouterr()
    assert run("patch", *given, "-o", "fixed", "--json", *more) == 0
    report = json.loads(capsys.readouterr().out)
    names = ["base.npy", "certificate.json", "impact.json", "impact.png", "model.onnx", "points.npy"]
    assert sorted(path.name for path in Path("fixed").iterdir()) == names
    assert json.loads(Path("fixed/impact.json").read_text()) == report
    assert Path("fixed/impact.png").read_bytes().startswith(b"\x89PNG")
    assert report["observed"] in impact_text(report)
    protected = np.setdiff1d(np.arange(len(points)), list(wanted))
    where = {name[2:]: value for name, value in zip(more, more[1:], strict=False) if name == "--scores"}
    old, new = (OnnxClassifier(name, **where) for name in ("model.onnx", "fixed/model.onnx"))
    for before, after in zip(old.outputs(points), new.outputs(points), strict=True):
        assert before[protected].tobytes() == after[protected].tobytes()
    assert (new.predict(points)[list(wanted)] == old.classes_[list(wanted.values())]).all()
    place = [
        part for k, part in enumerate(more) if {"--scores", "--features"} & set(more[max(k - 1, 0) : k + 1])
    ]
    for name in ("model.onnx", "fixed/model.onnx"):
        again = ("check", "fixed", "--model", name, "--data", "data.npy", "--labels", "edits.csv", "--json")
        assert run(*again, *place) == 0
        assert json.loads(capsys.readouterr().out)["difference"] is None
    return report


def test_a_graph_is_patched_checked_and_undone(run, capsys) -> None:
    graph = perceptron()
    wanted = other(OnnxClassifier(graph), POINTS, [3, 9, 40])
    report = patched(run, capsys, graph, POINTS, wanted)
    assert report["observed"].startswith("observed with onnxruntime ")
    assert (
        "8 settings: all outputs of 57 protected inputs have the same bits, 3 edited ones"
        in report["observed"]
    )
    assert (report["edits"], report["protected"], report["acts_on"], report["dtype"]) == (
        3,
        57,
        None,
        "float32",
    )
    assert report["untried"] == ["--slabs 3"]  # float32 scores take no patch in float64
    around = report["neighbourhood"]
    assert (around["edits_kept"][0], around["protected_touched"][0]) == (1, 0)
    assert run("undo", "fixed/model.onnx", "-o", "before.onnx") == 0
    assert capsys.readouterr().out == "wrote before.onnx: the file that was patched, byte for byte\n"
    assert Path("before.onnx").read_bytes() == graph.SerializeToString()
    Path("model.onnx").write_bytes(perceptron(seed=1).SerializeToString())
    assert run("check", "fixed", "--model", "model.onnx", "--data", "data.npy") == 3
    assert "base: the score of row 0, column 0 is " in capsys.readouterr().out


def test_held_out_inputs_are_counted(run, capsys) -> None:
    graph = perceptron()
    classifier = OnnxClassifier(graph)
    held = np.concatenate([POINTS[:10], POINTS[:10] + 1]).astype(np.float64)
    np.save("held.npy", held)
    np.save("labels.npy", classifier.predict(held))
    report = patched(
        run, capsys, graph, POINTS.astype(np.float64), other(classifier, POINTS, [3]),
        "--holdout", "held.npy", "labels.npy",
    )["holdout"]  # fmt: skip
    assert (report["equal_edited"], report["equal_protected"], report["unseen"]) == (1, 9, 10)
    now = OnnxClassifier("fixed/model.onnx")
    assert report["accuracy_after"] == (now.predict(held) == classifier.predict(held)).mean()
    assert report["accuracy_before"] == 1


def test_a_further_patch_protects_what_the_first_one_fixed(run, capsys) -> None:
    """Also if it is given other data: the graph remembers."""
    graph = perceptron()
    first = other(OnnxClassifier(graph), POINTS, [3, 9])
    patched(run, capsys, graph, POINTS[:30], first)
    Path("fixed").rename("first")
    once = OnnxClassifier("first/model.onnx")
    assert (once.edited_ == POINTS[[3, 9]]).all()
    report = patched(
        run, capsys, onnx.load("first/model.onnx"), POINTS[30:], {2: other(once, POINTS, [32])[32]}
    )
    assert report["protected"] == 31
    assert "1 edited ones the wanted label" in report["observed"]
    twice = OnnxClassifier("fixed/model.onnx")
    assert not twice.change(POINTS[[3, 9]]).any()
    assert twice.predict(POINTS[[3, 9]]).tolist() == list(first.values())
    assert run("undo", "fixed/model.onnx", "-o", "once.onnx") == 0
    assert Path("once.onnx").read_bytes() == Path("first/model.onnx").read_bytes()
    Path("fixed").rename("second")
    again = other(once, POINTS, [3])  # a row that was edited is listed anew, and is one for the model
    long = POINTS[:30].astype(np.float64) * (1 + 1e-12)
    report = patched(run, capsys, onnx.load("first/model.onnx"), long, {3: again[3]})
    assert report["protected"] == 29


@pytest.mark.parametrize("names", ["ant,bee,cat", "names.csv"])
def test_classes_by_name(run, capsys, names) -> None:
    """The graph tells none; a patched one remembers them."""
    Path("names.csv").write_text("ant\nbee\ncat\n")
    graph, kinds = perceptron(), ["ant", "bee", "cat"]
    wanted = other(OnnxClassifier(graph), POINTS, [3, 9])
    given = files(graph, POINTS, {i: kinds[column] for i, column in wanted.items()})
    assert run("patch", *given, "-o", "fixed") == 2
    assert "which is none of the model's classes: 0, 1, 2" in capsys.readouterr().err
    assert run("patch", *given, "--classes", names, "-o", "fixed") == 0
    now = OnnxClassifier("fixed/model.onnx")
    assert now.classes_.tolist() == kinds
    assert now.predict(POINTS)[list(wanted)].tolist() == [kinds[column] for column in wanted.values()]
    check = ("check", "fixed", "--data", "data.npy", "--labels", "edits.csv", "--model")
    assert run(*check, "model.onnx", "--classes", names) == 0
    assert run(*check, "fixed/model.onnx") == 0
    more = other(now, POINTS, [20])[20]
    given = files(onnx.load("fixed/model.onnx"), POINTS, {20: kinds[more]})
    assert run("patch", *given, "-o", "again") == 0
    assert OnnxClassifier("again/model.onnx").predict(POINTS[[20]]).tolist() == [kinds[more]]
    assert run("undo", "again/model.onnx", "-o", "once.onnx") == 0
    assert Path("once.onnx").read_bytes() == Path("fixed/model.onnx").read_bytes()


def test_a_patch_without_a_memory_does_not_hide_the_one_below(run, capsys) -> None:
    graph = perceptron()
    patched(run, capsys, graph, POINTS[:30], other(OnnxClassifier(graph), POINTS, [3, 9]))
    above = merge(Path("fixed/model.onnx"), random_layers(np.random.default_rng(1), 4, 3))
    Path("fixed").rename("first")
    wanted = {2: other(OnnxClassifier(above), POINTS, [32])[32]}
    assert patched(run, capsys, above, POINTS[30:], wanted)["protected"] == 31


@pytest.mark.parametrize("batch", ["n", 7])
def test_images_and_a_named_feature(run, capsys, batch) -> None:
    images = load_digits().data[:150].astype(np.float32).reshape(-1, 1, 8, 8) / 16
    graph = convolution(batch)
    place = ("--scores", "scores", "--features", "feature")
    wanted = other(OnnxClassifier(graph, scores="scores"), images, range(0, 40, 4))
    np.save("held.npy", images[100:].reshape(50, 64))
    np.save("labels.npy", np.zeros(50, int))
    np.save("more.npy", images[120:])
    report = patched(run, capsys, graph, images, wanted, *place, "--holdout", "held.npy", "labels.npy")
    assert report["acts_on"] == "feature"
    assert report["neighbourhood"]["noise"][0] == pytest.approx(1 / 2000)  # the radius is not one of inputs
    assert "in every coordinate of 'feature' (certified)" in impact_text(report)
    assert report["holdout"]["equal_protected"] == 50
    assert OnnxClassifier("fixed/model.onnx").edited_.shape == (10, 1, 8, 8)
    assert OnnxClassifier("fixed/model.onnx").target.features == "feature"
    assert run("check", "fixed", "--model", "model.onnx", "--data", "data.npy", *place[:2]) == 3
    given = files(graph, images[:120], wanted)
    assert run("patch", *given, *place, "--protect", "more.npy", "-o", "more") == 0
    assert run("undo", "more/model.onnx", "-o", "below.onnx") == 0
    assert Path("below.onnx").read_bytes() == Path("model.onnx").read_bytes()


def test_scores_in_float64_take_patches_in_float64(run, capsys) -> None:
    graph = perceptron(kind=DOUBLE)
    wanted = other(OnnxClassifier(graph), POINTS, [3, 9])
    report = patched(run, capsys, graph, POINTS.astype(np.float64), wanted, "--dtype", "float64")
    assert report["dtype"] == "float64"
    assert report["edits_kept_in_float32"] == 2
    assert report["untried"] == ["--slabs 3"]


def test_scores_in_float32_do_not_and_nothing_is_built(run, capsys, monkeypatch) -> None:
    given = files(perceptron(), POINTS, {3: 0})
    monkeypatch.setattr("ftc.patch.patch_classifier", None)
    assert run("patch", *given, "--dtype", "float64", "-o", "fixed") == 2
    assert capsys.readouterr().err == (
        "ftc: model.onnx: its scores are float32, to which a patch in float64 cannot be added\n"
    )


def test_integers_as_inputs(run, capsys) -> None:
    """Noise would make other numbers of them, which the model does not take."""
    nodes = [node("Cast", "pixels", "scores", to=FLOAT)]
    graph = model(nodes, {"pixels": (INT64, ["n", 3])}, {"scores": (FLOAT, ["n", 3])})
    points = np.unique(np.random.default_rng(0).integers(0, 9, size=(60, 3)), axis=0).astype(np.uint8)
    report = patched(run, capsys, graph, points, other(OnnxClassifier(graph), points, [3, 9]))
    assert report["neighbourhood"] is None


def test_a_graph_that_another_library_wrote(run, capsys) -> None:
    content = perceptron().SerializeToString() + onnx.ModelProto(producer_name="later").SerializeToString()
    given = files(perceptron(), POINTS, other(OnnxClassifier(perceptron()), POINTS, [3]))
    Path("model.onnx").write_bytes(content)
    assert run("patch", *given, "-o", "fixed") == 0
    capsys.readouterr()
    assert run("undo", "fixed/model.onnx", "-o", "before.onnx") == 0
    assert capsys.readouterr().out == (
        "wrote before.onnx: the file that was patched, as a graph; its bytes are not those of that file\n"
    )
    assert onnx.load("before.onnx") == onnx.load("model.onnx")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("--scores x", "model.onnx: no operator of the main graph gives the value 'x'"),
        ("--features y", "model.onnx: the graph has no value 'y' that a patch could act on"),
        ("--model broken.onnx", "ftc: broken.onnx is no ONNX model"),
        ("--model no.onnx", "ftc: no.onnx does not exist\n"),
        ("--model .", "ftc: . is no file\n"),
        ("--model two.onnx --features x", "two.onnx: it has the inputs given, x, and --data is one"),
        ("--data narrow.npy", "X has 3 features, but the input 'x' takes 4"),
        ("--data line.npy", "line.npy: the shape is (4,), expected (K, ..)"),
        ("--data nan.npy", "nan.npy: row 2, column 3: 'nan' is not a number"),
        ("--protect narrow.npy", "narrow.npy: rows of 3 numbers, expected 4 as in data.npy"),
        ("--protect shaped.npy", "shaped.npy: rows of 2x2 numbers, expected 4 as in data.npy"),
        ("--holdout narrow.npy labels.npy", "narrow.npy: rows of 3 numbers, expected 4"),
        ("--classes a,b", "model.onnx: 'scores', float (?, 3): these are not the scores of 2 classes"),
        ("--classes a,b,a", "'a,b,a': name 3 is 'a', expected another than before"),
        ("--classes a,,b", "'a,,b': name 2 is '', expected another than before"),
        ("--classes no.csv", "no.csv: cannot be read (No such file or directory)"),
        ("--labels right.csv", "right.csv: every listed sample has its label already"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_and_nothing_is_written(run, capsys, change, message) -> None:
    right = OnnxClassifier(perceptron()).predict(POINTS)
    given = files(perceptron(), POINTS, {3: (int(right[3]) + 1) % 3})
    Path("broken.onnx").write_bytes(b"no model")
    Path("two.onnx").write_bytes(passing().SerializeToString())
    Path("right.csv").write_text(f"index,label\n5,{right[5]}\n")
    hole = POINTS.reshape(60, 2, 2).copy()
    hole[1, 1, 0] = np.nan
    for name, array in {
        "narrow": POINTS[:, :3], "line": POINTS[0], "shaped": POINTS.reshape(60, 2, 2), "nan": hole,
        "labels": right,
    }.items():  # fmt: skip
        np.save(f"{name}.npy", array)
    before = sorted(Path().rglob("*"))
    assert run("patch", *given, "-o", "fixed", *change.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("ftc: ")
    assert error.count("\n") == 1
    assert message in error
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("model.onnx -o out.onnx", "model.onnx: the model has no patch"),
        ("model.onnx -o out.joblib", "expected two file names that both end in .joblib or in .onnx"),
        ("broken.onnx -o out.onnx", "ftc: broken.onnx is no ONNX model"),
        ("no.onnx -o out.onnx", "ftc: no.onnx does not exist\n"),
        ("folder.onnx -o out.onnx", "ftc: folder.onnx is no file\n"),
    ],
)
def test_what_cannot_be_undone(run, capsys, arguments, message) -> None:
    Path("model.onnx").write_bytes(perceptron().SerializeToString())
    Path("broken.onnx").write_bytes(b"no model")
    Path("folder.onnx").mkdir()
    assert run("undo", *arguments.split()) == 2
    assert message in capsys.readouterr().err
    assert not list(Path().glob("out*"))


def test_without_onnx_the_install_command_is_shown(run, capsys, monkeypatch) -> None:
    given = files(perceptron(), POINTS, {3: 0})
    for name in [name for name in sys.modules if name.startswith("ftc.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert run("patch", *given, "-o", "fixed") == 2
    assert "need onnxruntime, which is not installed: pip install 'fine-tuning" in capsys.readouterr().err
