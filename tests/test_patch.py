"""Classifiers as people have them: patched by the command line, loaded again, and judged by the kernel."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import joblib
import numpy as np
import pytest
from conftest import Run
from model_files import files, fitted
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import ftc.models
from constructions import FineTuningProblem, bounds, build
from constructions.classifier import patch_classifier
from constructions.general_position import general_position, general_position_lift
from constructions.labels import LabelProblem
from ftc.impact import cost, nearest_slab
from ftc.patched import frozen_scores
from ftc.plan import parameters_needed, plan
from ftc.sklearn import AdditivePatch


def digits_perceptron() -> tuple[Any, Any, Any]:
    points, labels = load_digits(return_X_y=True)
    model = MLPClassifier((32,), random_state=0, max_iter=60)
    return fitted(model, points[::4], labels[::4]), points, labels


def errors(model: Any, points: Any, labels: Any) -> dict[int, Any]:
    return {int(i): labels[i] for i in np.flatnonzero(model.predict(points) != labels)}


def others(model: Any, count: int, total: int) -> dict[int, Any]:
    """Random rows with a random class each."""
    rng = np.random.default_rng(0)
    chosen = rng.choice(total, count, replace=False)
    return {int(i): model.classes_[rng.integers(len(model.classes_))] for i in chosen}


def patched_as_wanted(
    run: Run, capsys: Any, model: Any, points: Any, wanted: dict[int, Any], *more: str
) -> Any:
    """Patch, check with the model run anew, load: wanted labels at edits, all else as it was."""
    protected = np.setdiff1d(np.arange(len(points)), list(wanted))
    before, labels = frozen_scores(model, points), model.predict(points)
    given = files(model, points, wanted)
    assert run("patch", *given, "-o", "fixed", "--json", *more) == 0
    report = json.loads(capsys.readouterr().out)
    assert [line.split(" (")[1].split(")")[0] for line in report["verdict"]][:2] == ["label-edit", "deployed"]
    assert all(line.startswith("accepted") for line in report["verdict"])
    names = ["base.npy", "certificate.json", "impact.json", "impact.png", "model.joblib", "points.npy"]
    assert sorted(path.name for path in Path("fixed").iterdir()) == names
    assert Path("fixed/impact.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(Path("fixed/impact.json").read_text()) == report
    for loaded in ("model.joblib", "fixed/model.joblib"):
        assert run("check", "fixed", "--model", loaded, "--data", "data.npy", "--json") == 0
        assert json.loads(capsys.readouterr().out)["difference"] is None
    patched = joblib.load("fixed/model.joblib")
    found = patched.predict(points)
    assert found.dtype == labels.dtype
    assert (found[list(wanted)] == list(wanted.values())).all()
    assert (found[protected] == labels[protected]).all()
    assert (patched.scores(points)[protected] == before[protected]).all()
    if hasattr(model, "decision_function"):
        assert (
            patched.decision_function(points)[protected] == model.decision_function(points)[protected]
        ).all()
    if len(model.classes_) == 2:
        assert ((patched.decision_function(points) > 0) == (found == model.classes_[1])).all()
    assert (frozen_scores(model, points) == before).all()
    assert patched.n_features_in_ == points.shape[1]
    assert not hasattr(patched, "predict_proba")
    assert report["edits_right_after"] == len(wanted) == report["edits"]
    return report


def test_all_errors_of_a_perceptron_on_digits(run, capsys) -> None:
    model, points, labels = digits_perceptron()
    data, unseen = (points[1::2], labels[1::2]), (points[2::4], labels[2::4])
    np.save("held.npy", unseen[0])
    np.save("held_labels.npy", unseen[1])
    wanted = errors(model, *data)
    assert 100 <= len(wanted) <= 150
    held = ("--holdout", "held.npy", "held_labels.npy")
    report = patched_as_wanted(run, capsys, model, data[0], wanted, *held)
    assert "float32" in report["verdict"][1]
    assert report["cost"]["neurons"] <= 35
    assert report["radius"] > 0
    assert report["nearest_slab_least"] >= report["radius"]
    assert report["cost"]["of_model"] == report["cost"]["multiply_adds"] / (64 * 32 + 32 * 10)
    around = report["neighbourhood"]
    assert (around["edits_kept"][0], around["protected_touched"][0]) == (1, 0)  # within the radius
    patched = joblib.load("fixed/model.joblib")
    now, held_report = patched.predict(unseen[0]), report["holdout"]
    assert held_report["samples"] == len(now)
    assert held_report["labels_changed"] == (now != model.predict(unseen[0])).sum()
    assert held_report["touched"] == patched.change(unseen[0]).any(axis=1).sum()
    assert held_report["accuracy_before"] == model.score(*unseen)
    assert held_report["accuracy_after"] == np.mean(now == unseen[1])
    gained = held_report["wrong_to_right"] - held_report["right_to_wrong"]
    assert round((held_report["accuracy_after"] - held_report["accuracy_before"]) * len(now)) == gained


@pytest.mark.slow
def test_a_narrow_patch_in_float64_leaves_unseen_digits_alone(run, capsys) -> None:
    model, points, labels = digits_perceptron()
    np.save("held.npy", points[::2])
    np.save("held_labels.npy", labels[::2])
    wanted = errors(model, points[1::2], labels[1::2])
    more = ("--dtype", "float64", "--reach", "tight", "--holdout", "held.npy", "held_labels.npy")
    report = patched_as_wanted(run, capsys, model, points[1::2], wanted, *more)
    assert report["holdout"]["touched"] == report["holdout"]["labels_changed"] == 0


@pytest.mark.slow
def test_random_relabels_of_digits(run, capsys) -> None:
    model, points, _ = digits_perceptron()
    data = points[1::2]
    report = patched_as_wanted(run, capsys, model, data, others(model, 200, len(data)))
    assert report["cost"]["neurons"] <= 100


def test_real_features_in_float64(run, capsys) -> None:
    points, labels = load_breast_cancer(return_X_y=True)
    points = StandardScaler().fit_transform(points)
    model = LogisticRegression().fit(points[:300], labels[:300])
    wanted = errors(model, points, labels)
    assert len(wanted) >= 5
    patched_as_wanted(run, capsys, model, points, wanted)
    shutil.rmtree("fixed")
    patched_as_wanted(run, capsys, model, points, wanted, "--dtype", "float64", "--margin", "0.5")


def test_a_forest(run, capsys) -> None:
    points, labels = load_digits(return_X_y=True)
    model = RandomForestClassifier(10, max_depth=6, random_state=0).fit(points[::4], labels[::4])
    report = patched_as_wanted(run, capsys, model, points[1::4], errors(model, points[1::4], labels[1::4]))
    assert report["cost"]["of_model"] is None


def test_names_as_classes_and_a_duplicate_row(run, capsys) -> None:
    points, labels = load_iris(return_X_y=True)
    names = load_iris().target_names[labels]
    model = LogisticRegression(max_iter=1000).fit(points, names)
    given = files(model, points, {101: "versicolor"})
    assert run("patch", *given, "-o", "fixed") == 2
    error = capsys.readouterr().err
    assert "points 101 and 142 are equal in float32, but point 101" in error
    assert list(Path().glob("fixed*")) == list(Path().glob(".aside*")) == []
    patched_as_wanted(run, capsys, model, points, {101: "versicolor", 142: "versicolor", 0: "virginica"})


def test_more_rows_to_protect(run, capsys) -> None:
    model, points, labels = digits_perceptron()
    given = files(model, points[1::8], errors(model, points[1::8], labels[1::8]))
    np.save("more.npy", points[2::8].astype(np.uint8))
    assert run("patch", *given, "--protect", "more.npy", "-o", "fixed") == 0
    patched = joblib.load("fixed/model.joblib")
    assert not patched.change(points[2::8]).any()
    again = ("check", "fixed", "--model", "model.joblib", "--data", "data.npy")
    assert run(*again, "--protect", "more.npy") == 0
    assert run(*again) == 3
    assert "points: the certificate has shape" in capsys.readouterr().out
    np.save("more.npy", points[1:2])
    index = next(iter(errors(model, points[1::8], labels[1::8])))
    np.save("more.npy", points[1::8][[index]])
    assert run("patch", *given, "--protect", "more.npy", "-o", "other") == 2
    error = capsys.readouterr().err
    assert f"points {index} and {len(points[1::8])} are equal in float32" in error
    assert f"points from {len(points[1::8])} on are the rows of --protect" in error


def test_check_finds_another_model_other_data_and_another_network(run, capsys) -> None:
    points = np.random.default_rng(0).normal(size=(40, 3))
    model = LogisticRegression().fit(points, points[:, 0] > 0)
    given = files(model, points, {3: model.predict(points[3:4])[0] ^ True})
    assert run("patch", *given, "-o", "fixed") == 0
    patched = joblib.load("fixed/model.joblib")

    def difference(**content: Any) -> str:
        for name, value in content.items():
            joblib.dump(value, name) if name == "model" else np.save(f"{name}.npy", value)
        path = {"model": "model.joblib", "data": "data.npy"} | {
            name: name if name == "model" else f"{name}.npy" for name in content
        }
        capsys.readouterr()
        code = run("check", "fixed", "--model", path["model"], "--data", path["data"], "--json")
        found = json.loads(capsys.readouterr().out)["difference"]
        assert code == (0 if found is None else 3)
        return str(found)

    assert difference() == "None"
    assert difference(model=patched) == "None"
    other = LogisticRegression(C=0.999).fit(points, points[:, 0] > 0)
    assert difference(model=other).startswith("base: the score of row 0, column 1 is ")
    moved = points.copy()
    moved[7, 2] += 1
    assert difference(model=model, data=moved).startswith("points: row 7, column 2 is ")
    assert difference(data=points) == "None"
    last = patched.layers_[-1]
    patched.layers_[-1] = (last[0], np.nextafter(last[1], np.float32(1)))
    assert difference(model=patched).startswith("network: bias 3 of the patched model, row 0, column 0 is ")


def test_a_model_is_patched_apart_and_a_strange_input_is_left_to_it() -> None:
    points = np.random.default_rng(1).normal(size=(60, 4))
    model = LogisticRegression().fit(points, np.arange(60) % 3)
    column = (int(model.predict(points[:1])[0]) + 1) % 3
    problem = LabelProblem(points, model.decision_function(points), {0: column})
    patched = AdditivePatch.from_patch(model, patch_classifier(problem), points)
    assert patched.predict(points[:1]) == [column]
    strange = np.array([[np.nan] * 4, [np.inf, 0, 0, 0], [1e300, 1, 1, 1], [-1e38, 1e38, 1e38, 1e38]])
    assert np.isfinite(patched.change(strange)).all()
    assert not patched.change(strange[:1]).any()
    with pytest.raises(AttributeError, match="has no attribute 'predict_proba'"):
        patched.predict_proba(points)


def test_distances_and_costs_are_those_of_the_patch() -> None:
    points = np.array([[0.0], [1.0], [3.0]])
    scaled = make_pipeline(StandardScaler(), LogisticRegression()).fit(points, [0, 1, 2])
    column = (int(scaled.predict([[1.0]])[0]) + 1) % 3
    patch = patch_classifier(LabelProblem(points, scaled.decision_function(points), {1: column}), slabs=1)
    assert cost(patch, scaled).of_model == cost(patch, scaled).multiply_adds / 3

    def code(x: float) -> float:
        ((weight, bias),) = patch.encoder.hidden
        hidden = np.maximum(weight[:, 0] * x + bias, 0)
        return abs(float(patch.encoder.out @ hidden))

    left, right = nearest_slab(patch)
    assert max(code(0.99 * left), code(3 - 0.99 * right)) < 1e-5
    assert max(code(1.1 * left), code(3 - 1.1 * right)) > 1e-3  # one of the bounds is attained


class Nobody:
    """Scores that are NaN at one row."""

    classes_ = np.array([0, 1])

    def decision_function(self, points: Any) -> Any:
        return np.where(np.arange(len(points)) == 4, np.nan, 1.0)

    def predict(self, points: Any) -> Any:
        return np.ones(len(points), dtype=int)


def test_the_largest_radius_is_more_than_that_of_a_plain_patch(run, capsys) -> None:
    points = np.random.default_rng(0).normal(size=(60, 4))
    model = LogisticRegression().fit(points, np.arange(60) % 3)
    given = files(model, points, others(model, 20, 60))
    reports = []
    for k, asked in enumerate(((), ("--radius", "largest"))):
        assert (
            run("patch", *given, "--reach", "wide", "--slabs", "1", *asked, "-o", f"fixed{k}", "--json") == 0
        )
        reports.append(json.loads(capsys.readouterr().out))
    assert reports[0]["radius"] < reports[1]["radius"]
    assert run("check", "fixed1", "--model", "model.joblib", "--data", "data.npy") == 0


@pytest.fixture
def small(run: Run) -> tuple[str, ...]:  # noqa: ARG001
    """Beside a model of three classes and what is needed to patch it: things that are wrong."""
    points = np.random.default_rng(0).normal(size=(30, 2))
    model = LogisticRegression().fit(points, np.arange(30) % 3)
    given = files(model, points, {0: 1, 1: 2, 5: 0})
    for name, text in {
        "right": f"index,label\n2,{model.predict(points[2:3])[0]}\n", "nothing": "index,label\n",
        "none": "index,label\n0,9\n", "out": "index,label\n30,1\n", "value": "index,value\n0,1\n",
        "short": "index,label\n0\n",
        "twice": "index,label\n0,1\n0,2\n", "empty": "index,label\n0,\n",
        "minus": "index,label\n-1,2\n", "text": "index,label\na,2\n",
    }.items():  # fmt: skip
        Path(f"{name}.csv").write_text(text)
    np.save("huge.npy", points * 1e300)
    np.save("narrow.npy", points[:, :1])
    np.save("nan.npy", points * np.nan)
    np.save("line.npy", points[0])
    np.save("twins.npy", points[[0, 1, 2, 3, 4, 0]])
    np.save("few_labels.npy", np.zeros(3))
    np.save("held_labels.npy", np.array(["x"] * 30))
    np.save("objects.npy", np.array(["0"] * 30, dtype=object))
    joblib.dump(LinearRegression().fit(points, points[:, 0]), "line.joblib")
    joblib.dump(Nobody(), "nan.joblib")
    joblib.dump(
        SVC(decision_function_shape="ovo").fit(np.tile(points, (2, 1)), np.arange(60) % 4), "ovo.joblib"
    )
    joblib.dump(SimpleNamespace(classes_=[0, 1]), "nothing.joblib")
    for name in ("broken.joblib", "model.ort"):
        Path(name).write_bytes(b"no pickle")
    Path("taken").mkdir()
    return given


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("--labels none.csv", "none.csv: the label of index 0 is '9', which is none of the model's classes"),
        ("--labels right.csv", "right.csv: every listed sample has its label already"),
        ("--labels nothing.csv", "nothing.csv: every listed sample has its label already"),
        ("--labels out.csv", "out.csv: index 30 is out of range: the data has 30 rows, from 0"),
        ("--labels value.csv", "value.csv: row 1: the first line must be exactly index,label"),
        ("--labels short.csv", "short.csv: row 2 has 1 columns, expected 2"),
        ("--labels twice.csv", "twice.csv: row 3, column 1: index 0 is already on row 2"),
        ("--labels empty.csv", "empty.csv: row 2, column 2: the cell is empty"),
        ("--labels minus.csv", "minus.csv: row 2, column 1: the index '-1' is negative"),
        ("--labels text.csv", "text.csv: row 2, column 1: the index 'a' is not an integer"),
        ("--labels no.csv", "no.csv: cannot be read"),
        ("--data huge.npy", "points as float32[0, 0] is"),
        ("--data narrow.npy", "model.joblib: X has 1 features, but LogisticRegression is expecting 2"),
        ("--data nan.npy", "nan.npy: row 1, column 1: 'nan' is not a number"),
        ("--data line.npy", "line.npy: the shape is (2,), expected (K, d)"),
        ("--data edits.csv", "edits.csv: the file name must end in .npy"),
        ("--data twins.npy", "points 0 and 5 are equal in float32, but point 0 gets the label 1 and"),
        ("--protect twins.npy", "points 0 and 30 are equal in float32, but point 0 gets the label"),
        ("--protect narrow.npy", "narrow.npy: rows of 1 numbers, expected 2 as in data.npy"),
        ("--holdout narrow.npy few_labels.npy", "narrow.npy: rows of 1 numbers, expected 2"),
        ("--holdout data.npy few_labels.npy", "few_labels.npy: expected labels of shape (30,), got (3,)"),
        ("--holdout data.npy held_labels.npy", "held_labels.npy: no label, 'x' for instance, is one of"),
        ("--holdout data.npy objects.npy", "objects.npy cannot be read: objects: save text labels as"),
        ("--margin 1e300", "too coarse"),
        ("--margin nan", "--margin"),
        ("--margin -1", "--margin"),
        ("--radius 1e3", "1000 around every point was not found: point"),
        ("--reach 1e3", "1000 around every point was not found: between points"),
        ("--radius -1", "--radius is '-1': expected largest or a number from 0"),
        ("--radius largest", "--radius largest needs --reach wide"),
        ("--neurons 9", "--neurons is about --radius largest"),
        ("--radius largest --reach wide --neurons 1", "a patch of 1 neurons was not found: "),
        ("--reach far", "--reach is 'far': expected tight, wide or a positive number"),
        ("--reach 0", "--reach is '0': expected tight, wide or a positive number"),
        ("--dtype float16", "--dtype"),
        ("--model no.joblib", "ftc: no.joblib does not exist\n"),
        ("--model model.ort", "; models that can be patched end in .joblib or in .onnx\n"),
        ("--model broken.joblib", "broken.joblib cannot be loaded by joblib"),
        ("--model line.joblib", "line.joblib: a LinearRegression will not do: expected a fitted classifier"),
        ("--model nothing.joblib", "nothing.joblib: a SimpleNamespace will not do"),
        ("--model nan.joblib", "nan.joblib: the score of row 4 for the class 1 is nan"),
        ("--model ovo.joblib", "ovo.joblib: the scores of the SVC have shape (30, 6)"),
        ("-o taken", "taken exists already"),
        ("-o no/x", "no is not a folder"),
        ("-o x.json", "x.json is one file: expected a folder"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line_and_nothing_is_written(run, small, capsys, change, message) -> None:
    before = sorted(Path().rglob("*"))
    assert run("patch", *small, "-o", "fixed", *change.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("ftc: ")
    assert error.count("\n") == 1
    assert message in error
    assert sorted(Path().rglob("*")) == before


def test_a_certificate_that_the_kernel_rejects_is_not_written(run, small, capsys, monkeypatch) -> None:
    def careless(problem: LabelProblem, **options: Any) -> Any:
        patch = patch_classifier(problem, **options)
        patch.layers[-1][0][:] = 0
        return patch

    before = sorted(Path().rglob("*"))
    monkeypatch.setattr("ftc.patch.patch_classifier", careless)
    assert run("patch", *small, "-o", "fixed") == 2
    assert "the patched model does not give what was asked for" in capsys.readouterr().err
    monkeypatch.setattr(
        "ftc.patch.patch_classifier",
        lambda *given, **more: replace(patch_classifier(*given, **more), radius=Fraction(1000)),
    )
    assert run("patch", *small, "-o", "fixed") == 2
    assert "fixed is not written: its certificate is rejected: claim 2 (robust)" in capsys.readouterr().err
    assert sorted(Path().rglob("*")) == before


def test_a_model_that_decides_by_something_else_is_refused(run, small, capsys, monkeypatch) -> None:
    monkeypatch.setattr(LogisticRegression, "predict", lambda self, points: np.zeros(len(points), dtype=int))
    assert run("patch", *small, "-o", "fixed") == 2
    assert "is predicted as 0, but the largest score is that of" in capsys.readouterr().err


def test_without_joblib_the_install_command_is_shown(run, small, capsys, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "joblib", None)
    assert run("patch", *small, "-o", "fixed") == 2
    assert ftc.models.INSTALL in capsys.readouterr().err


def dense(layers: Any) -> int:
    return sum(layer.weight.size + layer.bias.size for layer in layers)


@pytest.mark.parametrize("n", [1, 7, 30, 100])
def test_a_plan_is_what_is_built(n: int) -> None:
    rng = np.random.default_rng(n)
    points = rng.normal(size=(50 + 5 * n, 8))
    changes = dict(enumerate(rng.choice([-2, -1, 1, 3], size=n).tolist()))
    problem = FineTuningProblem(points, edits=changes)
    offers = {(o.construction, o.places): o for o in plan(n, len(points), 8, 5)}
    for key, name in (("two", "tents"), ("three", "grid"), ("four", "band-crossing")):
        offer = offers[f"{key} layers, along a line", "any"]
        network = build(problem, construction=name).network
        assert (network.widths, dense(network.layers)) == (offer.widths, offer.parameters)
        assert offer.needed is not None
        assert offer.needed <= offer.neurons
    general = {
        "two layers": general_position(problem),
        "two layers, one sign": general_position(FineTuningProblem(points, edits=dict.fromkeys(changes, 1))),
        "three layers, lifted": general_position_lift(problem),
    }
    for key, network in general.items():
        offer = offers[key, "general position"]
        assert network.neurons <= offer.neurons
        if key != "two layers":  # which takes three a group of one sign if that is less
            assert (network.widths, dense(network.layers)) == (offer.widths, offer.parameters)
    base = rng.normal(size=(len(points), 5))
    labels = {i: int(base[i].argmin()) for i in range(n)}
    for name, slabs in (("classifier patch", 2), ("classifier patch, one slab", 1)):
        patch = patch_classifier(LabelProblem(points, base, labels), slabs=slabs)
        offer = offers[name, "general position"]
        assert patch.neurons == offer.neurons or n == 100  # where floats ask for smaller groups
        assert patch.neurons >= offer.neurons
        offer = replace(offer, widths=tuple(len(bias) for _, bias in patch.layers[:-1]))
        assert patch.parameters == offer.parameters
        assert offer.multiply_adds == sum(weight.size for weight, _ in patch.layers)
        assert offer.bytes is not None
        assert offer.bytes["float32"] == sum(w.nbytes + b.nbytes for w, b in patch.layers)


def test_a_full_group_takes_no_further_one() -> None:
    for groups in (1, 2):
        offers = plan(64 * groups, 1000, 64, 10)
        found = {offer.construction: offer.neurons for offer in offers}
        assert found["two layers"] == 4 * groups
        assert found["classifier patch, one slab"] == 3 * groups + 2
        found = {offer.construction: offer.neurons for offer in plan(63 * groups, 1000, 64, 10)}
        assert found["classifier patch"] == 7 * groups + 2


def test_the_count_of_parameters_is_that_of_a_network_of_two_layers() -> None:
    """The map from its parameters to its values at points in general position has that rank, and no more."""
    rng = np.random.default_rng(0)
    for rank, n in ((1, 12), (2, 12), (3, 21), (3, 20)):
        m = parameters_needed(n, 100, rank) - 1
        points, weights, biases = rng.normal(size=(n, rank)), rng.normal(size=(m, rank)), rng.normal(size=m)
        active = points @ weights.T + biases > 0
        own = np.concatenate([points, np.ones((n, 1))], axis=1)
        slopes = np.einsum("ij,ik->ijk", active, own).reshape(n, -1)
        outputs = np.maximum(points @ weights.T + biases, 0)  # they add nothing: neurons can be scaled
        all_of_them = np.concatenate([slopes, outputs, np.ones((n, 1))], axis=1)
        assert np.linalg.matrix_rank(all_of_them) <= m * (rank + 1) + 1 < n


@pytest.mark.parametrize(("n", "k"), [(1, 2), (2, 3), (4, 4), (9, 12), (40, 60), (60, 60)])
def test_nothing_that_is_built_exceeds_the_plan(n: int, k: int) -> None:
    points = np.random.default_rng(n).normal(size=(k, 5))
    problem = FineTuningProblem(points, edits={i: (-1) ** i for i in range(n)})
    for depth, offer in zip((2, 3, 4), plan(n, k, 5, 2), strict=False):
        assert build(problem, depth).network.neurons <= offer.neurons
        if depth == 3:
            assert offer.neurons == min(bounds.upper_grid(n), bounds.ceil_two_sqrt(k))


def test_plan_on_the_command_line(run, capsys) -> None:
    arguments = ("plan", "--edits", "125", "--points", "898", "--dim", "64", "--classes", "10")
    assert run(*arguments, "--rank", "61", "--json") == 0
    rows = json.loads(capsys.readouterr().out)["plan"]
    assert [row["neurons"] for row in rows] == [375, 45, 27, 9, 12, 11, 23, 11]
    assert run(*arguments) == 0
    assert "classifier patch" in capsys.readouterr().out
    needed = [row["needed"] for row in rows]
    assert needed == [375, *needed[1:3], 2, 2, None, None, None]  # 2 * 62 + 1 parameters for 125 changes
    for wrong, message in (
        ("--points 100", "125 edits among 100 points: expected 1 <= edits <= points"),
        ("--rank 65", "rank is 65: expected 1 to 64"),
        ("--classes 1", "--classes"),
        ("--dim 0", "--dim"),
    ):
        assert run(*arguments, *wrong.split()) == 2
        assert message in capsys.readouterr().err
