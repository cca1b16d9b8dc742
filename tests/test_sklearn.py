"""Patches as scikit-learn estimators: fitted, stacked, stored, certified and taken off."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from conftest import ftc_run
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator

import verify
from constructions.classifier import patch_classifier
from constructions.labels import LabelProblem
from ftc.models import INSTALL
from ftc.patched import frozen_scores, run, with_edits
from ftc.sklearn import AdditivePatch, FrozenFile

rng = np.random.default_rng(0)
X = rng.normal(size=(80, 4))
Y = np.array(["ant", "bee", "cat"])[rng.integers(0, 3, size=80)]


def model() -> Any:
    return LogisticRegression().fit(X, Y)


def other(fitted: Any, rows: Any) -> dict[int, Any]:
    """Another label than the predicted one, for each row."""
    classes = list(fitted.classes_)
    return {int(i): classes[classes.index(fitted.predict(X[[i]])[0]) - 1] for i in rows}


def same_beside(patched: Any, below: Any, rows: Any) -> None:
    """All rows but these keep their labels and scores, bit for bit."""
    kept = np.setdiff1d(np.arange(len(X)), list(rows))
    assert (patched.predict(X)[kept] == below.predict(X)[kept]).all()
    mine, theirs = patched.decision_function(X)[kept], frozen_scores(below, X)[kept]
    theirs = theirs if mine.ndim == 2 else theirs[:, 1] - theirs[:, 0]
    assert mine.tobytes() == (theirs + 0).tobytes()


@pytest.mark.parametrize(
    "estimator",
    [
        AdditivePatch(LogisticRegression()),
        AdditivePatch(make_pipeline(StandardScaler(), LogisticRegression()), dtype="float64", reach="wide"),
    ],
    ids=["float32", "float64"],
)
def test_the_conventions_are_kept(estimator: AdditivePatch) -> None:
    found = check_estimator(estimator, on_skip=None)
    assert len(found) > 40
    for check in found:
        skipped = check["status"] == "skipped" and "installed" in str(check["exception"])
        assert check["status"] == "passed" or skipped or check["check_name"] == "check_array_api_input"
        assert not check["expected_to_fail"]


def slow(estimator: Any) -> Any:
    return pytest.param(estimator, marks=pytest.mark.slow)


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")  # of GaussianNB, for a class of weight 0
@pytest.mark.parametrize(
    "estimator",
    [
        DecisionTreeClassifier(random_state=0),
        slow(GaussianNB()),
        slow(HistGradientBoostingClassifier(max_iter=10, random_state=0)),
        slow(KNeighborsClassifier()),
        slow(LinearSVC(random_state=0)),
        slow(RandomForestClassifier(5, random_state=0)),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_the_conventions_are_kept_around_other_estimators(estimator: Any) -> None:
    """But for one, if it takes NaN."""
    expected = {}
    if get_tags(estimator).input_tags.allow_nan:
        why = "predict takes NaN as the estimator does, where g is 0; no point of a certificate can be NaN"
        expected["check_estimators_nan_inf"] = why
    found = check_estimator(AdditivePatch(estimator), expected_failed_checks=expected, on_skip=None)
    assert [check["check_name"] for check in found if check["status"] == "xfail"] == list(expected)


def test_rows_with_nan_stay_as_they_are() -> None:
    points = np.where(X > 1.5, np.nan, X)
    clear = np.isfinite(points).all(axis=1)
    assert 10 < (~clear).sum() < 40
    below = HistGradientBoostingClassifier(max_iter=3, random_state=0).fit(points, Y)
    patched = AdditivePatch(FrozenEstimator(below)).fit(points[clear], Y[clear])
    assert len(patched.wanted_) > 5
    assert (patched.predict(points)[clear] == Y[clear]).all()
    assert (patched.predict(points)[~clear] == below.predict(points)[~clear]).all()
    assert (patched.scores(points)[~clear] == below.decision_function(points)[~clear]).all()


def test_one_class_is_too_few() -> None:
    with pytest.raises(ValueError, match=r"^this GaussianNB knows 1 class only: expected two or more$"):
        AdditivePatch(GaussianNB()).fit(X, np.zeros(80))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "estimator",
    [LogisticRegression(), RidgeClassifier(), RandomForestClassifier(5, max_depth=2, random_state=0)],
    ids=lambda estimator: type(estimator).__name__,
)
def test_errors_are_fixed_and_nothing_else_changes(estimator: Any, dtype: str) -> None:
    for labels in (Y, Y == "ant", np.where(Y == "ant", 7, 2)):
        below = clone(estimator).fit(X, labels)
        before = joblib.hash(below)
        errors = np.flatnonzero(below.predict(X) != labels)
        assert len(errors) > 5
        patched = AdditivePatch(FrozenEstimator(below), dtype=dtype, margin=0.25).fit(X, labels)
        assert joblib.hash(below) == before
        assert (patched.predict(X) == labels).all()
        assert patched.predict(X).dtype == below.predict(X).dtype
        assert patched.score(X, labels) == 1
        same_beside(patched, below, errors)
        assert (patched.edited_ == X[errors]).all()
        assert (patched.wanted_ == labels[errors]).all()
        assert patched.patch_.neurons == sum(len(bias) for _, bias in patched.layers_[:-1])
        assert patched.layers_[0][0].dtype == dtype
        ranked = np.sort(patched.scores(X), axis=1)[errors]
        assert (ranked[:, -1] - ranked[:, -2] > 0.249).all()
        given = clone(estimator)
        refitted = AdditivePatch(given, dtype=dtype, margin=0.25).fit(X, labels)
        assert not hasattr(given, "classes_")
        assert (refitted.scores(X) == patched.scores(X)).all()
        assert not hasattr(patched, "predict_proba")


def test_edits_can_be_said_in_many_ways() -> None:
    below = model()
    wanted = other(below, [3, 5, 8])
    labels = Y.copy()
    labels[list(wanted)] = list(wanted.values())
    mask = np.isin(np.arange(80), [3, 5, 8])
    patched = AdditivePatch(FrozenEstimator(below)).fit(X, edits=wanted)
    assert patched.predict(X)[[3, 5, 8]].tolist() == list(wanted.values())
    same_beside(patched, below, wanted)
    for edits in (wanted, [3, 5, 8], np.array([8, 5, 3]), mask, mask.tolist()):
        again = AdditivePatch(FrozenEstimator(below)).fit(X, labels, edits=edits)
        assert (again.scores(X) == patched.scores(X)).all()
    predicted = below.predict(X)
    for y, edits in ((None, None), (labels, []), (None, {}), (predicted, "errors"), (labels, ~mask & mask)):
        empty = AdditivePatch(FrozenEstimator(below)).fit(X, y, edits=edits)
        same_beside(empty, below, [])
        assert empty.edited_.shape == (0, 4)
        assert len(empty.wanted_) == 0
        assert not empty.change(rng.normal(size=(9, 4))).any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"y": None, "edits": "errors"}, "requires y to be passed, but the target y is None"),
        ({"edits": "all"}, "edits is 'all': expected 'errors', rows, a mask or"),
        ({"edits": {3: "dog"}}, "the label of row 3 is 'dog', which is none of ant, bee, cat"),
        ({"y": np.full(80, "dog"), "edits": [4]}, "the label of row 4 is 'dog', which is none of"),
        ({"edits": {80: "ant"}}, "edits: 80 is no row of X, which has 80, from 0"),
        ({"edits": {"a": "ant"}}, "edits: 'a' is no row of X"),
        ({"edits": [-1]}, "edits: -1 is no row of X"),
        ({"edits": [0.5]}, r"edits has shape \(1,\) and dtype float64: expected row numbers, or a mask"),
        ({"edits": [True, False]}, r"edits has shape \(2,\) and dtype bool: .* a mask of shape \(80,\)"),
        ({"y": Y[:5]}, "y has 5 labels for 80 rows of X"),
        ({"X": X[:, :1]}, "X has 1 features, but LogisticRegression is expecting 4"),
        ({"X": np.where(X > 2, np.nan, X)}, "Input X contains NaN"),
        ({"X": np.concatenate([X[:79], X[:1] + 1e-12]), "edits": {0: "ant"}}, "points 0 and 79 are equal in"),
        ({"dtype": "float16"}, "dtype is 'float16': expected float32 or float64"),
        ({"margin": -1}, "margin is -1"),
        ({"radius": 1e3}, "1000 around every point was not found: point"),
    ],
)
def test_wrong_input_is_named(given: dict[str, Any], message: str) -> None:
    fit = {"X": X, "y": Y, "edits": "errors"} | given
    parameters = {name: fit.pop(name) for name in ("dtype", "margin", "radius") if name in fit}
    patch = AdditivePatch(FrozenEstimator(model()), **parameters)
    with pytest.raises(ValueError, match=message):
        patch.fit(**fit)
    with pytest.raises(NotFittedError):
        patch.predict(X)
    with pytest.raises(NotFittedError):
        _ = patch.base


def test_a_row_gets_the_same_change_alone_and_among_others() -> None:
    digits, labels = load_digits(return_X_y=True)
    patched = AdditivePatch(RidgeClassifier(), reach="wide", slabs=1).fit(digits[::4], labels[::4])
    change = patched.change(digits)
    assert change.any(axis=1).sum() > 50
    for count in (1, 2, 7, 33):
        for start in range(0, 200, count):
            rows = slice(start, start + count)
            assert patched.change(digits[rows]).tobytes() == change[rows].tobytes()
    flipped = patched.change(np.asfortranarray(digits[::-1]))
    assert (flipped[::-1] == change).all()


def test_scores_keep_their_bits_where_nothing_changes() -> None:
    """`-0.0 + 0.0` would be `0.0`."""

    class Zeros(LogisticRegression):
        def decision_function(self, X: Any) -> Any:  # noqa: N803
            return np.where(np.arange(3) == 1, 0.5, -0.0) * np.ones((len(X), 1))

        def predict(self, X: Any) -> Any:  # noqa: N803
            return np.full(len(X), self.classes_[1])

    model = Zeros().fit(X, Y)
    patched = AdditivePatch(FrozenEstimator(model)).fit(X, edits={3: model.classes_[0]})
    rest = np.delete(X, 3, axis=0)
    assert patched.predict(X[[3]]) == model.classes_[0]
    assert patched.scores(rest).tobytes() == model.decision_function(rest).tobytes()


def test_patches_stack_and_come_off() -> None:
    below = model()
    first = AdditivePatch(FrozenEstimator(below)).fit(X, edits=other(below, [1, 2, 3]))
    before, labels = first.scores(X).tobytes(), first.predict(X)
    # the second knows nothing of rows 0 to 9 but what the first remembers
    new = other(first, [20, 21])
    second = AdditivePatch(FrozenEstimator(first)).fit(X[10:], edits={i - 10: new[i] for i in new})
    assert not second.change(X[[1, 2, 3]]).any()
    assert (second.predict(X[[1, 2, 3]]) == labels[[1, 2, 3]]).all()
    assert second.predict(X)[[20, 21]].tolist() == list(new.values())
    assert not second.change(X[10:])[[i for i in range(70) if i not in (10, 11)]].any()
    newest = other(second, [40])
    third = AdditivePatch(FrozenEstimator(second), dtype="float64").fit(X[30:], edits={10: newest[40]})
    assert not third.change(X[[1, 2, 3, 20, 21]]).any()
    assert third.base is second
    assert second.base is first
    assert first.base is below
    stored = pickle.loads(pickle.dumps(third))
    assert stored.base.base.scores(X).tobytes() == before
    assert (stored.base.base.predict(X) == labels).all()
    assert frozen_scores(stored.base.base.base, X).tobytes() == frozen_scores(below, X).tobytes()


def test_a_further_patch_would_change_an_edit_that_it_does_not_know() -> None:
    """Without the first patch's memory the test above could not fail: here it is forgotten."""
    points = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 1.0]])
    below = LogisticRegression().fit(points, [0, 1, 0, 1, 1])
    first = AdditivePatch(FrozenEstimator(below), reach="wide", slabs=1).fit(
        points, edits={1: 1 - below.predict(points)[1]}
    )
    both = {0: 1 - below.predict(points)[0], 1: 1 - below.predict(points)[2]}
    rest = points[[0, 2, 3]]
    knows = AdditivePatch(FrozenEstimator(first), reach="wide", slabs=1).fit(rest, edits=both)
    forgets = AdditivePatch(FrozenEstimator(below), reach="wide", slabs=1).fit(rest, edits=both)
    assert not knows.change(points[[1]]).any()
    assert forgets.change(points[[1]]).any()


def test_an_edit_can_be_edited_anew_and_conflicts_are_named() -> None:
    below = model()
    first = AdditivePatch(FrozenEstimator(below)).fit(X, edits=other(below, [1, 2]))
    back = {1: below.predict(X)[1]}
    second = AdditivePatch(FrozenEstimator(first)).fit(X, edits=back)
    assert second.predict(X)[1] == back[1]
    same_beside(second, first, [1])
    close = X[10:].copy()
    close[0] = X[2] + 1e-12  # equal in float32 only
    with pytest.raises(
        ValueError, match=r"points 0 and 71 are equal in float32.*points from 70 on were edited by"
    ):
        AdditivePatch(FrozenEstimator(first)).fit(close, edits=other(first, [10]) | {0: below.predict(X)[2]})


def test_what_further_patches_must_know() -> None:
    below = model()
    assert with_edits(below, X) is X
    first = AdditivePatch(FrozenEstimator(below)).fit(X, edits=other(below, [1, 2]))
    second = AdditivePatch(FrozenEstimator(first)).fit(X, edits=other(first, [3]))
    assert with_edits(second, X) is X
    assert (with_edits(second, X[4:]) == np.concatenate([X[4:], X[[3, 1, 2]]])).all()
    assert (with_edits(FrozenEstimator(second), X[2:3]) == X[[2, 3, 1]]).all()


def test_certificates(tmp_path: Path) -> None:
    below = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)
    wanted = other(below, [1, 2, 3])
    patched = AdditivePatch(FrozenEstimator(below), margin=0.5, radius=1e-6).fit(X, edits=wanted)
    verdict = patched.certify(X, tmp_path / "fixed")
    assert verdict.status == "accepted"
    assert "(label-edit): " in verdict.text()
    assert "(deployed): in float32 arithmetic, sums in float64, 3 edits keep their label" in verdict.text()
    assert "77 protected points" in verdict.text()
    assert verify.check(tmp_path / "fixed").text() == verdict.text()
    assert json.loads((tmp_path / "fixed" / "certificate.json").read_text())["claims"][0]["margin"] == "1/2"
    stored = pickle.loads(pickle.dumps(patched))
    assert stored.certify(X[::-1], tmp_path / "reversed.json").text() == verdict.text()
    there = sorted(tmp_path.iterdir())
    with pytest.raises(FileExistsError, match="fixed exists already"):
        patched.certify(X, tmp_path / "fixed")
    with pytest.raises(ValueError, match=r"the edited row \[.*\] is not in X"):
        patched.certify(X[2:], tmp_path / "less")
    near = X[1] + [5e-7, 0, 0, 0]
    assert patched.change([near]).any()
    with pytest.raises(ValueError, match="more is not written: its certificate is rejected: claim 0"):
        patched.certify(np.concatenate([X, [near]]), tmp_path / "more")
    assert sorted(tmp_path.iterdir()) == there
    second = AdditivePatch(FrozenEstimator(patched)).fit(X[4:], edits={0: other(patched, [4])[4]})
    text = second.certify(X[4:], tmp_path / "second").text()
    assert "1 edits and 78 protected points" in text  # rows 1, 2 and 3 are added
    joblib.dump(second, tmp_path / "second.joblib")
    np.save(tmp_path / "rest.npy", X[4:])
    empty = AdditivePatch(FrozenEstimator(below)).fit(X, edits=None)
    assert "0 edits" in empty.certify(X, tmp_path / "empty").text()


def test_it_is_an_estimator_among_others(tmp_path: Path) -> None:
    points, first = np.unique(load_iris().data, axis=0, return_index=True)
    points = StandardScaler().fit_transform(points)
    labels = load_iris().target_names[load_iris().target[first]]
    plain = AdditivePatch(LogisticRegression(C=0.01))
    assert plain.get_params()["estimator__C"] == 0.01
    assert clone(plain).get_params().keys() == plain.get_params().keys()
    search = GridSearchCV(plain, {"estimator__C": [0.01, 1], "margin": [0, 1]}, cv=3).fit(points, labels)
    assert set(search.best_params_) == {"estimator__C", "margin"}
    ranked = cross_val_score(plain, points, labels == "virginica", cv=3, scoring="roc_auc")  # by scores
    assert (ranked > 0.9).all()
    mask = np.arange(len(points)) % 7 == 0
    inside = make_pipeline(StandardScaler(), AdditivePatch(LogisticRegression(C=0.01)))
    inside.fit(points, labels, additivepatch__edits=mask)
    assert (inside.predict(points)[mask] == labels[mask]).all()
    masked = GridSearchCV(inside, {"additivepatch__margin": [0, 1]}, cv=3)
    masked.fit(points, labels, additivepatch__edits=mask)  # is cut along with the rows
    assert (masked.predict(points)[mask] == labels[mask]).all()
    joblib.dump(inside, tmp_path / "model.joblib")
    assert (joblib.load(tmp_path / "model.joblib").predict(points) == inside.predict(points)).all()
    unpatched = AdditivePatch(LogisticRegression(C=0.01))
    weights = np.where(labels == "setosa", 50.0, 1.0)
    unpatched.fit(points, labels, edits=None, sample_weight=weights)
    weighted = LogisticRegression(C=0.01).fit(points, labels, sample_weight=weights)
    assert (unpatched.decision_function(points) == weighted.decision_function(points)).all()


def test_metadata_is_routed() -> None:
    mask, weights = np.arange(80) < 5, np.linspace(0.1, 5, 80)
    with sklearn.config_context(enable_metadata_routing=True):
        inner = LogisticRegression().set_fit_request(sample_weight=True)
        pipe = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            AdditivePatch(inner).set_fit_request(edits=True),
        )
        pipe.fit(X, Y, edits=mask, sample_weight=weights)
        below = LogisticRegression().fit(StandardScaler().fit_transform(X), Y, sample_weight=weights)
        assert (pipe[-1].base.coef_ == below.coef_).all()
        assert (pipe.predict(X)[mask] == Y[mask]).all()
        assert len(pipe[-1].wanted_) == 5
        with pytest.raises(TypeError, match=r"unexpected argument.*weights"):
            AdditivePatch(LogisticRegression()).fit(X, Y, edits=mask, weights=weights)


def test_data_frames_stay_data_frames(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(np.round(X * 8), columns=["a", "b", "c", "d"]).astype({"a": int})
    frame["d"] += np.arange(80) / 128
    below = LogisticRegression().fit(frame, Y)
    first = AdditivePatch(FrozenEstimator(below)).fit(frame, edits=other_rows(below, frame, [1, 2]))
    assert first.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    rest = frame[10:]
    second = AdditivePatch(FrozenEstimator(first)).fit(rest, edits={0: other_rows(first, frame, [10])[10]})
    known = with_edits(first, rest)
    assert known.dtypes.tolist() == frame.dtypes.tolist()
    assert len(known) == 72
    assert not second.change(frame.iloc[[1, 2]]).any()
    assert "1 edits and 71 protected" in second.certify(rest, tmp_path / "certificate").text()
    with pytest.raises(ValueError, match="feature names"):
        second.predict(frame[["b", "a", "c", "d"]])


def other_rows(fitted: Any, frame: Any, rows: Any) -> dict[int, Any]:
    classes = list(fitted.classes_)
    predicted = fitted.predict(frame)
    return {i: classes[classes.index(predicted[i]) - 1] for i in rows}


class Bare:
    """No scikit-learn estimator, and no `fit`."""

    classes_ = np.array([0, 1])

    def predict_proba(self, points: Any) -> Any:
        return np.column_stack([np.asarray(points)[:, 0] > 0, np.asarray(points)[:, 0] <= 0]).astype(
            np.float32
        )

    def predict(self, points: Any) -> Any:
        return (np.asarray(points)[:, 0] <= 0).astype(int)


def test_any_object_with_scores_can_be_patched() -> None:
    patched = AdditivePatch(FrozenEstimator(Bare())).fit(X, edits={0: int(X[0, 0] > 0)})
    assert patched.predict(X)[0] == int(X[0, 0] > 0)
    assert (patched.predict(X)[1:] == Bare().predict(X)[1:]).all()
    assert patched.scores(X).dtype == np.float32
    assert "Bare" in repr(patched)
    with pytest.raises(ValueError, match="X has 2 features, but AdditivePatch is expecting 4"):
        patched.predict(X[:, :2])
    assert clone(patched).get_params()["margin"] == 0


def test_a_patch_that_was_made_for_something_else_is_refused() -> None:
    below = model()
    problem = LabelProblem(X, below.decision_function(X), {4: int(below.decision_function(X)[4].argmin())})
    found = patch_classifier(problem)
    assert AdditivePatch.from_patch(below, found, X).predict(X[[4]]) == below.classes_[problem.labels[4]]
    for points in (X[::-1], np.concatenate([X, X[[4]]])):  # not right at row 4; not 0 at the last row
        with pytest.raises(RuntimeError, match="does not give what was asked for"):
            AdditivePatch.from_patch(below, found, points)


def test_a_network_runs_in_its_own_dtype() -> None:
    layers = [(np.float32([[1.0]]), np.float32([2.0**-24])), (np.float32([[-1.0]]), np.float32([0.0]))]
    assert run(layers, [[1.0], [-1.0], [0.0]]).tolist() == [[-1.0], [0.0], [-(2.0**-24)]]


def test_the_command_line_stacks_and_undoes(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.chdir(tmp_path)
    forest = RandomForestClassifier(5, max_depth=3, random_state=0).fit(X, Y)
    joblib.dump(forest, "model.joblib", compress=3)
    np.save("data.npy", X[:40])
    np.save("more.npy", X[40:])
    for name, wanted in (("first", other(forest, [1, 2])), ("second", other(forest, [45]))):
        start = 0 if name == "first" else 40
        rows = "".join(f"{i - start},{label}\n" for i, label in wanted.items())
        Path(f"{name}.csv").write_text("index,label\n" + rows)
    one = ("patch", "--model", "model.joblib", "--data", "data.npy", "--labels", "first.csv", "-o", "one")
    assert ftc_run(monkeypatch, *one) == 0
    two = (
        "patch",
        "--model",
        "one/model.joblib",
        "--data",
        "more.npy",
        "--labels",
        "second.csv",
        "-o",
        "two",
    )
    assert ftc_run(monkeypatch, *two) == 0
    assert "1 edits and 41 protected points" in capsys.readouterr().out  # 39, and the two that were edited
    for folder, models, data in (
        ("one", ("model.joblib", "one/model.joblib"), "data.npy"),
        ("two", ("one/model.joblib", "two/model.joblib"), "more.npy"),
    ):
        for name in models:
            assert ftc_run(monkeypatch, "check", folder, "--model", name, "--data", data) == 0
    assert ftc_run(monkeypatch, "check", "two", "--model", "model.joblib", "--data", "more.npy") == 3
    assert ftc_run(monkeypatch, "check", "one", "--model", "two/model.joblib", "--data", "data.npy") == 3
    capsys.readouterr()
    assert ftc_run(monkeypatch, "undo", "two/model.joblib", "-o", "once.joblib") == 0
    assert ftc_run(monkeypatch, "undo", "once.joblib", "-o", "twice.joblib") == 0
    assert capsys.readouterr().out.count("the file that was patched, byte for byte") == 2
    assert Path("once.joblib").read_bytes() == Path("one/model.joblib").read_bytes()
    assert Path("twice.joblib").read_bytes() == Path("model.joblib").read_bytes()
    joblib.dump(AdditivePatch(FrozenEstimator(joblib.load("once.joblib"))).fit(X, edits=None), "here.joblib")
    assert ftc_run(monkeypatch, "undo", "here.joblib", "-o", "below.joblib") == 0
    assert capsys.readouterr().out == "wrote below.joblib: the model that was patched\n"
    assert (joblib.load("below.joblib").scores(X) == joblib.load("once.joblib").scores(X)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            "model.joblib -o out.joblib",
            "model.joblib holds a LogisticRegression: expected a model from ftc patch",
        ),
        ("fresh.joblib -o out.joblib", "fresh.joblib holds a AdditivePatch: expected a model from ftc patch"),
        ("model.joblib -o taken.joblib", "taken.joblib exists already"),
        ("model.joblib -o no/out.joblib", "no is not a folder"),
        ("model.joblib -o out.onnx", "expected two file names that both end in .joblib"),
        ("model.bin -o out.bin", "expected two file names that both end in .joblib"),
        ("no.joblib -o out.joblib", "ftc: no.joblib does not exist\n"),
    ],
)
def test_what_cannot_be_undone(
    tmp_path: Path, monkeypatch: Any, capsys: Any, arguments: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    joblib.dump(model(), "model.joblib")
    joblib.dump(AdditivePatch(LogisticRegression()), "fresh.joblib")
    Path("taken.joblib").write_text("")
    before = sorted(Path().iterdir())
    assert ftc_run(monkeypatch, "undo", *arguments.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("ftc: ")
    assert error.count("\n") == 1
    assert message in error
    assert sorted(Path().iterdir()) == before


def test_a_frozen_file_is_its_file() -> None:
    content = b"".join([joblib_bytes(model())])
    kept = FrozenFile(model(), content)
    again = pickle.loads(pickle.dumps(kept))
    assert again.content == content
    assert (again.predict(X) == kept.predict(X)).all()
    assert clone(kept) is kept
    with pytest.raises(ValueError, match="a FrozenFile stays what its file holds"):
        kept.set_params(estimator=LogisticRegression())


def joblib_bytes(fitted: Any) -> bytes:
    from ftc.models import dumped

    return dumped(fitted)


def test_without_scikit_learn_the_face_works_and_the_install_command_is_shown() -> None:
    code = """
import sys
import ftc.cli
loaded = [name for name in sys.modules if name.split(".")[0] in ("sklearn", "joblib")]
assert not loaded, loaded
sys.modules["sklearn"] = None
import ftc.sklearn
"""
    run_apart = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = run_apart.stderr.splitlines()[-1]
    assert last.startswith("ImportError: ftc.sklearn needs scikit-learn 1.6 or newer")
    assert last.endswith(INSTALL)
