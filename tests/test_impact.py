"""What a report says of a patch is what there is to count, and it says no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import joblib
import numpy as np
import pytest
from conftest import Run
from model_files import files
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import CategoricalNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

from constructions.classifier import patch_classifier
from constructions.labels import LabelProblem
from ftc.impact import effect, neighbourhood
from ftc.impact_report import impact_report, impact_text
from ftc.plots import plot_impact
from ftc.sklearn import AdditivePatch


class First:
    """All inputs are of the first class, by a lead of 1."""

    classes_ = np.array([0, 1])

    def decision_function(self, points: Any) -> Any:
        return np.tile([1.0, 0.0], (len(points), 1))

    def predict(self, points: Any) -> Any:
        return np.zeros(len(points), dtype=int)


@dataclass
class Changed:
    """`base`, and any change."""

    change: Callable[[Any], Any]
    base = First()


def table(changes: dict[float, list[float]]) -> Changed:
    return Changed(
        lambda inputs: np.array([changes.get(float(x), [0.0, 0.0]) for x in np.asarray(inputs)[:, 0]])
    )


def test_counts_by_hand() -> None:
    patch: Any = SimpleNamespace(problem=LabelProblem([[0.0], [10.0]], [[1.0, 0.0]] * 2, {0: 1}))
    patched = table({0: [0, 2], 1: [0, -5], 9: [0, 2], 8: [0, 2]})
    inputs = np.array([[0.0], [10.0], [10.0 + 1e-12], [1.0], [9.0], [8.0], [20.0]])
    found = asdict(effect(patched, patch, inputs, np.array([1, 0, 0, 0, 0, -1, -1])))
    assert found == {
        "samples": 7, "touched": 4, "labels_changed": 3, "largest_change": 5.0,
        "equal_edited": 1, "equal_protected": 2, "unseen": 4,
        "unseen_touched_near_edited": 1, "unseen_touched_near_protected": 2,
        "unknown_labels": 2, "accuracy_before": 4 / 7, "accuracy_after": 4 / 7,
        "wrong_to_right": 1, "right_to_wrong": 1,
        "unseen_accuracy_before": 2 / 4, "unseen_accuracy_after": 1 / 4,
    }  # fmt: skip
    known = effect(patched, patch, inputs[:2], np.array([1, 0]))
    assert (known.unseen, known.accuracy_after, known.unseen_accuracy_after) == (0, 1, None)
    assert effect(patched, patch, inputs, None).accuracy_before is None


def test_a_label_that_the_model_gives_by_itself_is_no_merit_of_the_patch() -> None:
    """Far away from its sample, as noise is large, the frozen model may give the wanted label by chance."""
    points = np.array([[0.0], [10.0]])
    patch: Any = SimpleNamespace(problem=LabelProblem(points, [[1.0, 0.0]] * 2, {0: 0}), radius=None)
    right = neighbourhood(Changed(lambda inputs: np.zeros((len(inputs), 2))), patch, points, 0)
    assert set(right.edits_kept) == set(right.protected_touched) == {0}
    right = neighbourhood(Changed(lambda inputs: np.tile([2.0, 0.0], (len(inputs), 1))), patch, points, 0)
    assert set(right.edits_kept) == set(right.protected_touched) == {1}
    wrong = neighbourhood(Changed(lambda inputs: np.tile([0.0, 2.0], (len(inputs), 1))), patch, points, 0)
    assert set(wrong.edits_kept) == {0}


def normal(count: int = 40) -> tuple[Any, Any]:
    points = np.random.default_rng(0).normal(size=(count, 3))
    return LogisticRegression().fit(points, points[:, 0] > 0), points


def flipped(model: Any, points: Any, rows: Any) -> dict[int, Any]:
    return {i: not model.predict(points[[i]])[0] for i in rows}


def report_of(run: Run, capsys: Any, *arguments: str) -> Any:
    capsys.readouterr()
    assert run("patch", *arguments, "-o", "fixed", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert Path("fixed/impact.png").read_bytes().startswith(b"\x89PNG")
    Path("fixed").rename(f"fixed-{len([*Path().iterdir()])}")
    return report


def test_a_holdout_that_is_not_held_out(run, capsys) -> None:
    model, points = normal()
    given = files(model, points, flipped(model, points, [3, 4]))
    np.save("labels.npy", points[:, 0] > 0)
    report = report_of(run, capsys, *given, "--holdout", "data.npy", "labels.npy")
    held, text = report["holdout"], impact_text(report)
    assert (held["equal_edited"], held["equal_protected"], held["unseen"]) == (2, 38, 0)
    assert "not held out: 2 of these inputs equal an edited sample and 38 a protected one; no input" in text
    assert held["right_to_wrong"] == 2
    assert "it harms" not in text
    np.save("some.npy", np.concatenate([points[:5], points[:15] + 1]))
    np.save("labels.npy", np.array(["True"] * 10 + ["dog"] * 10))
    report = report_of(run, capsys, *given, "--holdout", "some.npy", "labels.npy")
    text = impact_text(report)
    assert "2 of these inputs equal an edited sample and 3 a protected one; over the unseen ones acc" in text
    assert "10 held-out labels are no class of the model, and wrong before and after" in text


@pytest.mark.parametrize(
    ("more", "untried"),
    [
        ("", ["--slabs 3", "--dtype float64"]),
        ("--slabs 3 --dtype float64", []),
        ("--reach wide --slabs 3", ["--reach tight", "--dtype float64"]),
    ],
)
def test_advice_is_what_was_not_tried(run, capsys, more, untried) -> None:
    model, points = normal()
    given = files(model, points, flipped(model, points, [3]))
    report = report_of(run, capsys, *given, *more.split())
    assert report["untried"] == untried
    assert "it harms" not in impact_text(report)
    held = dict.fromkeys(("samples", "unseen", "touched", "labels_changed", "right_to_wrong"), 1)
    report["holdout"] = held | dict.fromkeys(
        ("wrong_to_right", "unseen_touched_near_edited", "unseen_touched_near_protected", "unknown_labels"), 0
    ) | {"accuracy_before": 1.0, "accuracy_after": 0.0, "largest_change": 1.0,
         "unseen_accuracy_before": 1.0, "unseen_accuracy_after": 0.0}  # fmt: skip
    lines = [line for line in impact_text(report).splitlines() if line.startswith("it harms")]
    assert lines == [
        "it harms unseen inputs" + (f": {', '.join(untried)} may touch fewer" if untried else "")
    ]


def pairs() -> tuple[Any, Any]:
    grid = np.stack(np.meshgrid(np.arange(8.0), np.arange(5.0)), axis=-1).reshape(-1, 2)
    return grid, (grid.sum(axis=1) % 3).astype(int)


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(OneHotEncoder(), LogisticRegression()),
        CategoricalNB(),
        make_pipeline(FunctionTransformer(np.log1p), LogisticRegression()),
    ],
    ids=["one hot", "categorical", "log1p"],
)
def test_models_that_refuse_noise_are_patched(run, capsys, model) -> None:
    points, labels = pairs()
    model = model.fit(points, labels)
    wanted = {i: (int(model.predict(points[[i]])[0]) + 1) % 3 for i in range(6)}
    report = report_of(run, capsys, *files(model, points, wanted))
    assert report["neighbourhood"] is None
    assert report["edits_right_after"] == 6
    assert "the model refuses inputs with noise in them" in impact_text(report)


def test_edits_that_float32_upstream_would_lose(run, capsys) -> None:
    model, points = normal()
    given = files(model, points, flipped(model, points, [3, 4, 5]))
    report = report_of(run, capsys, *given, "--dtype", "float64")
    assert report["edits_kept_in_float32"] == 0
    assert "edits kept if inputs are rounded to float32: 0 of 3" in impact_text(report)
    np.save("data.npy", points.astype(np.float32))
    wanted = flipped(model, points.astype(np.float32), [3, 4, 5])
    report = report_of(run, capsys, *files(model, points.astype(np.float32), wanted), "--dtype", "float64")
    assert report["edits_kept_in_float32"] == 3
    report = report_of(run, capsys, *given)
    assert report["edits_kept_in_float32"] is None
    assert "rounded to float32" not in impact_text(report)


def test_nothing_is_said_of_protected_samples_if_there_are_none(run, capsys) -> None:
    model, points = normal(6)
    given = files(model, points, flipped(model, points, range(6)))
    report = report_of(run, capsys, *given)
    assert report["protected"] == 0
    assert "of every protected sample" not in impact_text(report)


def test_classes_are_compared_as_numbers_where_both_are(run, capsys) -> None:
    points, labels = pairs()
    model = LogisticRegression().fit(points, labels.astype(float))
    wanted = {i: (int(model.predict(points[[i]])[0]) + 1) % 3 for i in (3, 17)}
    np.save("labels.npy", labels)
    report = report_of(run, capsys, *files(model, points, wanted), "--holdout", "data.npy", "labels.npy")
    assert report["holdout"]["accuracy_before"] == model.score(points, labels)
    Path("edits.csv").write_text("index,label\n3,1e0\n4,0.5\n")
    assert run("patch", *files(model, points, {3: "0.5"}), "-o", "x") == 2
    assert "the label of index 3 is '0.5', which is none of the model's classes: 0.0, 1.0" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize("second", [0, 1], ids=["as many classes", "fewer"])
def test_a_model_of_several_outputs_is_named(run, capsys, second) -> None:
    points, labels = pairs()
    both = np.stack([labels, np.minimum(labels, 2 - second)], axis=1)
    given = files(RandomForestClassifier(3).fit(points, both), points, {3: 1})
    assert run("patch", *given, "-o", "fixed") == 2
    error = capsys.readouterr().err
    assert (
        "model.joblib: this RandomForestClassifier has 2 outputs with classes of their own: expected" in error
    )


def test_a_picture_pairs_the_leads_of_a_sample() -> None:
    model, points = normal()
    for rows in ([3], range(12)):
        wanted = {i: int(label) for i, label in flipped(model, points, rows).items()}
        scores = model.decision_function(points)
        found = patch_classifier(LabelProblem(points, np.column_stack([0 * scores, scores]), wanted))
        report = impact_report(AdditivePatch.from_patch(model, found, points), found, points, None, 0)
        report["lead_after"].sort(reverse=len(rows) > 1)  # another order than before
        figure = plot_impact(report, np.ones(3))
        before, after = (
            next(line for line in figure.axes[0].lines if line.get_label() == name).get_ydata().tolist()
            for name in ("before", "after")
        )
        drawn = list(zip(before, after, strict=True))
        assert drawn == sorted(zip(report["lead_before"], report["lead_after"], strict=True))
        assert len(drawn) == len(rows)
        title = figure.get_suptitle()
        assert ("fix 1 sample and leave 39" if len(rows) == 1 else "fix 12 samples and leave 28") in title


def test_a_patch_that_changes_a_protected_sample_is_not_reported() -> None:
    points = np.array([[0.0], [10.0], [20.0]])
    found = patch_classifier(LabelProblem(points, [[1.0, 0.0]] * 3, {0: 1}))
    impact_report(table({0: [0, 2]}), found, points, None, 0)
    for changes in ({0: [0, 2], 20: [1e-9, 0]}, {0: [0, 1]}):
        with pytest.raises(RuntimeError, match="does not give what was asked for"):
            impact_report(table(changes), found, points, None, 0)


def test_sparse_inputs() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    points, labels = pairs()
    model = LogisticRegression().fit(sparse.csr_array(points), labels)
    patched = AdditivePatch(frozen(model)).fit(points, labels)
    for name in ("change", "scores", "decision_function", "predict"):
        dense, other = (getattr(patched, name)(each) for each in (points, sparse.csr_array(points)))
        assert (dense == other).all()
    assert patched.score(sparse.csr_array(points), labels) == 1
    with pytest.raises(TypeError, match="Sparse data was passed for X, but dense data is required"):
        AdditivePatch(frozen(model)).fit(sparse.csr_array(points), labels)


def frozen(model: Any) -> Any:
    from sklearn.frozen import FrozenEstimator

    return FrozenEstimator(model)


def test_a_forest_whose_trees_are_added_in_any_order(run, capsys) -> None:
    points, labels = pairs()
    model = RandomForestClassifier(40, n_jobs=4, random_state=0).fit(points, labels)
    wanted = {i: (int(model.predict(points[[i]])[0]) + 1) % 3 for i in (3, 17)}
    report_of(run, capsys, *files(model, points, wanted))


def test_joblib_files_can_have_any_name(run) -> None:
    model, points = normal()
    given = files(model, points, flipped(model, points, [3]))
    joblib.dump(model, "model.pkl")
    assert run("patch", *given, "--model", "model.pkl", "-o", "fixed") == 0
    assert Path("fixed/model.joblib").exists()
