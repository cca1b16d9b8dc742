"""Patches in ONNX graphs: nothing changes where `g` is 0, labels follow, and everything can be undone."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx_models import (
    DOUBLE,
    FLOAT,
    INT64,
    KINDS,
    NEWEST,
    STRING,
    convolution,
    model,
    node,
    passing,
    perceptron,
    random_layers,
)  # fmt: skip
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

import verify
from constructions import write_certificate
from constructions.classifier import patch_classifier
from constructions.labels import LabelProblem
from ftc.models import scores_at
from ftc.onnx import OnnxClassifier, compare, merge, patches, unmerge
from ftc.onnx.runtime import session
from ftc.patched import frozen_scores, run, still_where_strange


def to_onnx(fitted: Any, points: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import skl2onnx

        return skl2onnx.to_onnx(fitted, points[:1], options={id(fitted): options} if options else None)


def fit(estimator: Any, points: Any, labels: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(points, labels)


def bits(array: Any) -> Any:
    array = np.asarray(array)
    return array.view(f"u{array.itemsize}") if array.dtype.kind == "f" else array


def face(value: Any) -> Any:
    return (
        value.graph.input,
        value.graph.output,
        value.opset_import,
        value.ir_version,
        value.graph.initializer,
    )


def reference(layers: Any, points: Any) -> Any:
    return still_where_strange(run(layers, points))


@pytest.mark.parametrize("opset", [9, 11, 13, 18, NEWEST])
@pytest.mark.parametrize("kind", [FLOAT, DOUBLE])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimised", [False, True])
def test_a_patch_is_added_where_it_is_not_0_and_nowhere_else(opset, kind, dtype, optimised) -> None:
    """The scores are any floats: both zeros, infinities, NaN with any bits, subnormal and largest numbers."""
    real = KINDS[kind]
    frozen = passing(kind, opset=opset)
    rng = np.random.default_rng(opset)
    if np.dtype(dtype).itemsize > np.dtype(real).itemsize:
        with pytest.raises(ValueError, match="'scores' are float32, which a patch in float64 cannot"):
            merge(frozen, random_layers(rng, 2, 3, dtype), features="x")
        return
    layers = random_layers(rng, 2, 3, dtype)
    patched = merge(frozen, layers, features="x")
    assert face(patched) == face(frozen)
    onnx.checker.check_model(patched, full_check=True)
    points = rng.normal(size=(400, 2)).astype(real)
    points[0] = np.nan
    points[1] = np.inf, 1
    points[2] = np.finfo(real).max
    strange = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, -np.nan, 1.5], dtype=real)
    strange = np.append(strange, [np.finfo(real).smallest_subnormal, -np.finfo(real).max]).astype(real)
    given = rng.choice(strange, size=(400, 3))
    given[:4] = -0.0
    change = reference(layers, points)
    still = ~change.any(axis=1)
    assert 50 < still.sum() < 350
    assert still[0]
    classifier = OnnxClassifier(patched, optimised=optimised)
    for batch in (1, 400):
        classifier.batch = batch
        found = classifier.decision_function({"given": given, "x": points})
        assert found.dtype == real
        assert (bits(found[still]) == bits(given[still])).all()
        with np.errstate(all="ignore"):
            assert np.allclose(found[~still], given[~still] + change[~still], 1e-4, 1e-5, equal_nan=True)


def test_one_output_beyond_all_floats_and_the_patch_is_off() -> None:
    one = np.ones((1, 2), np.float32)
    layers = [(one, np.float32([0])), (np.float32([[3e38], [1], [0]]), np.zeros(3, np.float32))]
    patched = OnnxClassifier(merge(passing(), layers, features="x"))
    given, points = np.float32([[-0.0, 1, 2]] * 2), np.float32([[1, 1], [0.5, 0.25]])
    found = patched.decision_function({"given": given, "x": points})
    assert (bits(found[0]) == bits(given[0])).all()
    assert found[1].tolist() == np.float32([0.75 * np.float32(3e38), 1.75, 2]).tolist()


@pytest.mark.parametrize("flat", [False, True])
def test_one_score_of_two_classes(flat) -> None:
    """It counts as (0, s), and becomes (s + g_1) - g_0."""
    shape = ["n"] if flat else ["n", 1]
    nodes = [node("Squeeze" if flat else "Identity", "given axes" if flat else "given", "scores")]
    frozen = model(
        nodes, {"given": (FLOAT, ["n", 1]), "x": (FLOAT, ["n", 2])}, {"scores": (FLOAT, shape)},
        {"axes": np.array([1])} if flat else {},
    )  # fmt: skip
    layers = random_layers(np.random.default_rng(3), 2, 2)
    points = np.random.default_rng(4).normal(size=(200, 2)).astype(np.float32)
    given = np.random.default_rng(5).choice(np.float32([0.0, -0.0, np.nan, 2.5]), size=(200, 1))
    patched = OnnxClassifier(merge(frozen, layers, features="x"))
    found = patched.value("scores", {"given": given, "x": points})
    assert found.shape == ((200,) if flat else (200, 1))
    change = reference(layers, points)
    still = ~change.any(axis=1)
    found = found.reshape(200)
    assert (bits(found[still]) == bits(given[still, 0])).all()
    moved = (given[:, 0] + change[:, 1]) - change[:, 0]
    assert np.allclose(found[~still], moved[~still], 1e-5, 1e-5, equal_nan=True)
    assert (patched.predict({"given": given, "x": points}) == (found > 0)).all()


@pytest.mark.parametrize("seed", range(5))
def test_patches_stack_and_are_undone_last_first_in_every_byte(seed) -> None:
    rng = np.random.default_rng(seed)
    frozen = perceptron(seed=seed, opset=[9, 13, 18, NEWEST, 11][seed])
    content = [frozen.SerializeToString()]
    layers = [random_layers(rng, 4, 3), random_layers(rng, 6, 3), random_layers(rng, 4, 3, widths=(2,))]
    for one, feature in zip(layers, ("x", "hidden", "x"), strict=True):
        content.append(merge(content[-1], one, features=feature).SerializeToString())
        onnx.checker.check_model(content[-1], full_check=True)
    points = rng.normal(size=(300, 4))
    scores = [OnnxClassifier(one).decision_function(points) for one in content]
    hidden = OnnxClassifier(frozen, features="hidden").features(points)
    for k, given in enumerate((points, hidden, points)):
        still = ~reference(layers[k], given).any(axis=1)
        assert (bits(scores[k + 1][still]) == bits(scores[k][still])).all()
        assert (scores[k + 1][~still] != scores[k][~still]).any(axis=1).all()
    for old, new in zip(layers, patches(content[-1]), strict=True):
        assert all((a == b).all() for pair in zip(old, new, strict=True) for a, b in zip(*pair, strict=True))
    for before, after in zip(reversed(content[:-1]), reversed(content), strict=False):
        restored = unmerge(after)
        assert restored.exact
        assert restored.content == before
    with pytest.raises(ValueError, match="the model has no patch"):
        unmerge(content[0])


def test_another_order_of_bytes_is_told() -> None:
    content = perceptron().SerializeToString()
    extra = onnx.ModelProto(producer_name="later").SerializeToString()  # a field out of order
    restored = unmerge(merge(content + extra, random_layers(np.random.default_rng(0), 4, 3)))
    assert not restored.exact
    assert restored.model == onnx.load_model_from_string(content + extra)


def test_an_old_file_whose_weights_are_inputs_too() -> None:
    frozen = perceptron(opset=9)
    frozen.ir_version = 3
    for tensor in frozen.graph.initializer:
        frozen.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, FLOAT, tensor.dims))
    layers = random_layers(np.random.default_rng(0), 4, 3)
    patched = merge(frozen, layers)
    assert face(patched) == face(frozen)
    points = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    found = OnnxClassifier(patched).decision_function(points)
    assert np.allclose(found, OnnxClassifier(frozen).decision_function(points) + reference(layers, points))
    assert unmerge(patched).content == frozen.SerializeToString()


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("name", "wvbc")
def test_sparse_weights(name, listed) -> None:
    """A model that fails the full check of onnx as it is; onnxruntime runs it."""
    frozen = perceptron()
    (stored,) = [tensor for tensor in frozen.graph.initializer if tensor.name == name]
    array = onnx.numpy_helper.to_array(stored).copy()
    array.reshape(-1)[1] = 0
    places = np.flatnonzero(array)
    frozen.graph.initializer.remove(stored)
    frozen.graph.sparse_initializer.append(
        onnx.helper.make_sparse_tensor(
            onnx.numpy_helper.from_array(array.reshape(-1)[places], name),
            onnx.numpy_helper.from_array(places, f"{name}_places"),
            array.shape,
        )
    )
    with pytest.raises(onnx.shape_inference.InferenceError):
        onnx.checker.check_model(frozen, full_check=True)
    if listed:  # among the inputs as well, as old models have their weights
        frozen.graph.input.append(onnx.helper.make_tensor_value_info(name, FLOAT, array.shape))
    points = np.random.default_rng(1).normal(size=(60, 4)).astype(np.float32)
    patch, wanted = relabelled(OnnxClassifier(frozen), points, 5)
    patched = merge(frozen, patch.layers)
    assert patched.graph.sparse_initializer == frozen.graph.sparse_initializer
    assert face(patched) == face(frozen)
    assert compare(frozen, patched, points, wanted).same
    assert unmerge(patched).content == frozen.SerializeToString()


def test_a_forest_without_the_standard_operators() -> None:
    forest = to_onnx(fit(RandomForestClassifier(3, random_state=0), *iris()), iris()[0], zipmap=False)
    del forest.opset_import[:]
    forest.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 1))
    patch, wanted = relabelled(OnnxClassifier(forest), iris()[0], 3)
    patched = merge(forest, patch.layers)
    assert compare(forest, patched, iris()[0], wanted).same
    assert unmerge(patched).content == forest.SerializeToString()


def test_a_model_that_was_changed_after_its_patch_is_not_undone() -> None:
    patched = merge(perceptron(), random_layers(np.random.default_rng(0), 4, 3))
    patched.graph.initializer[0].doc_string = "changed"
    assert not unmerge(patched).exact
    for one in patched.graph.node:
        one.name = ""
    with pytest.raises(ValueError, match="the operators of patch 1 are not as they were added"):
        unmerge(patched)


def test_operators_of_a_patch_that_do_something_else_are_found() -> None:
    whole = merge(perceptron(), random_layers(np.random.default_rng(0), 4, 3))
    unmerge(whole)
    names = [one.name for one in whole.graph.node if one.name.startswith("ftc1_")]
    for name, operator in (("minus_g", "Identity"), ("finite", "Greater"), ("whole", "Less")):
        model = onnx.ModelProto()
        model.CopyFrom(whole)
        (node,) = [one for one in model.graph.node if one.name == f"ftc1_{name}"]
        node.op_type = operator
        with pytest.raises(ValueError, match="the operators of patch 1 are not as they were added"):
            unmerge(model)
    for name in names:
        model = onnx.ModelProto()
        model.CopyFrom(whole)
        kept = [one for one in model.graph.node if one.name != name]
        model.graph.ClearField("node")
        model.graph.node.extend(kept)
        with pytest.raises(ValueError):
            unmerge(model)


@pytest.mark.parametrize("note", ["", "[1]", "{}", '{"sha256": 1}', "nonsense", "classes"])
def test_a_note_that_no_patch_leaves_is_named(note) -> None:
    model = merge(perceptron(), random_layers(np.random.default_rng(0), 4, 3))
    entry = model.metadata_props[-1]
    entry.value = entry.value.replace('"classes": null', '"classes": 3') if note == "classes" else note
    for reads in (unmerge, patches, OnnxClassifier):
        with pytest.raises(ValueError, match="metadata 'ftc_patch_1' is not what a patch notes there"):
            reads(model)


def test_one_probability_is_not_taken_for_a_score() -> None:
    frozen = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 13]>
        f (float[n, 2] x) => (float[n, 1] p) {
            w = Constant <value = float[2, 1] {1.0, -1.0}> ()
            s = MatMul (x, w)
            p = Sigmoid (s)
        }"""
    )
    with pytest.raises(ValueError, match=r"Sigmoid, is a probability, .*: patch .* scores='s'"):
        merge(frozen, random_layers(np.random.default_rng(0), 2, 2))
    assert unmerge(merge(frozen, random_layers(np.random.default_rng(0), 2, 2), scores="s")).exact


def test_names_that_are_taken() -> None:
    frozen = perceptron()
    frozen.graph.node[0].output[0] = frozen.graph.node[1].input[0] = "ftc1_scores"
    patched = merge(frozen, random_layers(np.random.default_rng(0), 4, 3))
    assert any(one.name.startswith("ftc2_") for one in patched.graph.node)
    twice = merge(patched, random_layers(np.random.default_rng(1), 4, 3))
    assert unmerge(twice).content == patched.SerializeToString()
    assert unmerge(patched).content == frozen.SerializeToString()


def relabelled(classifier: Any, points: Any, count: int, seed: int = 0) -> tuple[Any, dict[int, int]]:
    """A patch of random other labels."""
    base = frozen_scores(classifier, points)
    rng = np.random.default_rng(seed)
    wanted = {}
    for i in rng.choice(len(points), count, replace=False).tolist():
        wanted[i] = int((base[i].argmax() + 1 + rng.integers(base.shape[1] - 1)) % base.shape[1])
    problem = LabelProblem(classifier.features(points), base, wanted)
    return patch_classifier(problem), wanted


def iris(two: bool = False, text: bool = False) -> tuple[Any, Any]:
    data = load_iris()
    rows = np.unique(data.data, axis=0, return_index=True)[1]
    rows = rows[rows < 100] if two else rows
    labels = data.target_names[data.target] if text else data.target
    return data.data[rows].astype(np.float32), labels[rows]


MODELS = {
    "logistic": (lambda: LogisticRegression(max_iter=500), {}),
    "two classes": (lambda: LogisticRegression(), {"two": True}),
    "text": (lambda: LogisticRegression(max_iter=500), {"text": True}),
    "perceptron": (lambda: MLPClassifier((5,), random_state=0), {"text": True}),
    "perceptron of two": (lambda: MLPClassifier((5,), random_state=0), {"two": True}),
    "forest": (lambda: RandomForestClassifier(5, random_state=0), {"text": True}),
    "forest of two": (lambda: RandomForestClassifier(4, random_state=0), {"two": True}),
    "one score": (lambda: LinearSVC(), {"two": True}),
    "linear": (lambda: LinearSVC(), {}),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("zipmap", [False, True])
def test_labels_follow_the_scores(name, zipmap) -> None:
    make, how = MODELS[name]
    points, labels = iris(**how)
    estimator = fit(make(), points, labels)
    options = {} if isinstance(estimator, LinearSVC) else {"zipmap": zipmap}  # it has no probabilities
    frozen = to_onnx(estimator, points, **options)
    classifier = OnnxClassifier(frozen)
    assert classifier.classes_.tolist() == estimator.classes_.tolist()
    assert classifier.n_features_in_ == 4
    before = classifier.predict(points)
    assert (before == estimator.predict(points)).mean() > 0.98  # float32 beside float64
    patch, wanted = relabelled(classifier, points, 6)
    patched = classifier.merge(patch.layers)
    assert face(patched)[:2] == face(frozen)[:2]
    now = OnnxClassifier(patched)
    expected = before.copy()
    for i, column in wanted.items():
        expected[i] = classifier.classes_[column]
    assert (now.predict(points) == expected).all()
    found = compare(frozen, patched, points, wanted)
    assert found.same, found.text()
    assert len(found.runs) == 8
    assert unmerge(patched).content == frozen.SerializeToString()
    again, more = relabelled(now, points, 4, seed=1)
    twice = now.merge(again.layers)
    for i, column in more.items():
        expected[i] = classifier.classes_[column]
    assert (OnnxClassifier(twice).predict(points) == expected).all()
    assert unmerge(twice).content == patched.SerializeToString()
    assert (OnnxClassifier(twice).base.predict(points) == now.predict(points)).all()


def test_a_tie_keeps_the_label_of_the_model() -> None:
    """A frozen label that is not the first of the largest scores stays where g is 0."""
    nodes = [
        node("ArgMax", "scores", "column", axis=1, keepdims=0), node("Sub", "two column", "last"),
        node("Identity", "given", "scores"),
    ]  # fmt: skip
    nodes = [nodes[2], nodes[0], nodes[1]]
    frozen = model(
        nodes, {"given": (FLOAT, ["n", 3]), "x": (FLOAT, ["n", 2])},
        {"scores": (FLOAT, ["n", 3]), "last": (INT64, ["n"])}, {"two": np.array(2)},
    )  # fmt: skip
    patched = merge(frozen, random_layers(np.random.default_rng(0), 2, 3), features="x", classes=np.arange(3))
    given = np.ones((50, 3), np.float32)
    points = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    now = OnnxClassifier(patched, features="x", classes=np.arange(3))
    both = {"given": given, "x": points}
    still = ~reference(random_layers(np.random.default_rng(0), 2, 3), points).any(axis=1)
    assert (now.predict(both)[still] == 2).all()
    scores = now.decision_function(both)
    assert (now.predict(both)[~still] == scores[~still].argmax(axis=1)).all()


def test_of_two_heads_one_is_patched() -> None:
    nodes = [
        node("Gemm", "x v c", "one"), node("ArgMax", "one", "label_one", axis=1, keepdims=0),
        node("Gemm", "x u c", "two"),
        node("ArgMax", "two", "label_two", axis=1, keepdims=0),
    ]  # fmt: skip
    rng = np.random.default_rng(0)
    stored = {name: rng.normal(size=(4, 3)).astype(np.float32) for name in "uv"} | {
        "c": np.zeros(3, np.float32)
    }
    outputs = {"one": (FLOAT, ["n", 3]), "two": (FLOAT, ["n", 3])}
    outputs |= {f"label_{head}": (INT64, ["n"]) for head in ("one", "two")}
    frozen = model(nodes, {"x": (FLOAT, ["n", 4])}, outputs, stored)
    with pytest.raises(ValueError, match="which value are the scores"):
        OnnxClassifier(frozen)
    points = rng.normal(size=(60, 4)).astype(np.float32)
    classifier = OnnxClassifier(frozen, scores="two")
    patch, wanted = relabelled(classifier, points, 5)
    patched = classifier.merge(patch.layers)
    assert compare(frozen, patched, points, wanted, scores="two").same
    old, new = (OnnxClassifier(each, scores="two").outputs(points) for each in (frozen, patched))
    assert (bits(old[0]) == bits(new[0])).all()
    assert (old[2] == new[2]).all()
    assert (old[3] != new[3]).sum() == 5


def test_the_largest_over_the_batch_is_no_label() -> None:
    frozen = perceptron()
    frozen.graph.node.append(node("ArgMax", "scores", "first", axis=0, keepdims=0))
    frozen.graph.output.append(onnx.helper.make_tensor_value_info("first", INT64, [3]))
    patched = merge(frozen, random_layers(np.random.default_rng(0), 4, 3))
    points = np.random.default_rng(1).normal(size=(9, 4)).astype(np.float32)
    scores, first = session(patched).run(["scores", "first"], {"x": points})
    assert (first == scores.argmax(axis=0)).all()


def test_labels_alone() -> None:
    """A model that gives the label only is patched at the scores that it is computed from."""
    frozen = perceptron()
    frozen.graph.node.append(node("ArgMax", "scores", "label", axis=1, keepdims=1))
    del frozen.graph.output[:]
    frozen.graph.output.append(onnx.helper.make_tensor_value_info("label", INT64, ["n", 1]))
    points = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    classifier = OnnxClassifier(frozen)
    patch, wanted = relabelled(classifier, points, 5)
    patched = classifier.merge(patch.layers)
    assert compare(frozen, patched, points, wanted).same
    forest = to_onnx(fit(RandomForestClassifier(3, random_state=0), *iris()), iris()[0], zipmap=False)
    del forest.graph.output[1]
    classifier = OnnxClassifier(forest)
    patch, wanted = relabelled(classifier, iris()[0], 5)
    assert compare(forest, classifier.merge(patch.layers), iris()[0], wanted).same


@pytest.mark.parametrize("batch", ["n", 1, 7])
def test_a_convolution_is_patched_on_a_feature(batch) -> None:
    images = load_digits().data[:150].astype(np.float32) / 16
    frozen = convolution(batch)
    classifier = OnnxClassifier(frozen, scores="scores", features="feature")
    assert classifier.n_features_in_ == 64
    assert classifier.features(images).shape == (150, 64)
    patch, wanted = relabelled(classifier, images, 20)
    patched = classifier.merge(patch.layers)
    found = compare(frozen, patched, images, wanted, scores="scores", features="feature")
    assert found.same, found.text()
    settings = {(each.optimised, each.threads, each.batch) for each in found.runs}
    sizes = (1, 150) if batch == "n" else (batch,)
    assert settings == {(level, n, size) for level in (False, True) for n in (0, 1) for size in sizes}
    probabilities = OnnxClassifier(patched).outputs(images.reshape(-1, 1, 8, 8))[1]
    assert (probabilities[list(wanted)].argmax(axis=1) == list(wanted.values())).all()


def test_a_comparison_finds_what_differs() -> None:
    frozen = perceptron()
    points = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    patch, wanted = relabelled(OnnxClassifier(frozen), points, 3)
    patched = merge(frozen, patch.layers)
    one = next(iter(wanted))
    found = compare(frozen, patched, points, {one: wanted[one]})
    assert not found.same
    assert {(each.differing, each.wrong) for each in found.runs} == {(2, 0)}
    found = compare(frozen, patched, points, wanted | {one: (wanted[one] + 1) % 3})
    assert {(each.differing, each.wrong) for each in found.runs} == {(0, 1)}
    assert "ORT_ENABLE_ALL, batch 40, default threads: 0 of 37 protected" in found.text()


def test_a_comparison_is_of_bits() -> None:
    """Two models whose scores differ in the sign of zeros alone."""
    one = model([node("Abs", "x", "scores")], {"x": (FLOAT, ["n", 2])}, {"scores": (FLOAT, ["n", 2])})
    other = model([node("Identity", "x", "scores")], {"x": (FLOAT, ["n", 2])}, {"scores": (FLOAT, ["n", 2])})
    points = np.float32([[0, 1], [-0.0, 1], [2, 1]])
    found = compare(one, other, points, {2: 0})
    assert {(each.differing, each.wrong) for each in found.runs} == {(1, 0)}
    assert compare(one, one, points, {2: 0}).same


def test_settings_are_those_that_are_named() -> None:
    level = onnxruntime.GraphOptimizationLevel
    for optimised, wanted in ((False, level.ORT_DISABLE_ALL), (True, level.ORT_ENABLE_ALL)):
        options = session(perceptron(), optimised, 1).get_session_options()
        assert (options.graph_optimization_level, options.intra_op_num_threads) == (wanted, 1)


def test_inputs_are_in_the_type_of_the_model() -> None:
    nodes = [node("Cast", "pixels", "scores", to=FLOAT)]
    frozen = model(nodes, {"pixels": (INT64, ["n", 3])}, {"scores": (FLOAT, ["n", 3])})
    points = np.random.default_rng(0).integers(0, 9, size=(60, 3)).astype(np.uint8)
    points = np.unique(points, axis=0)
    classifier = OnnxClassifier(frozen)
    assert classifier.features(points).dtype == np.int64
    patch, wanted = relabelled(classifier, points, 5)
    assert compare(frozen, classifier.merge(patch.layers), points, wanted).same
    with pytest.raises(ValueError, match="the input 'pixels' takes int64, which not all of these numbers"):
        classifier.predict(points + 0.5)
    with pytest.raises(ValueError, match="X has 2 features, but the input 'pixels' takes 3"):
        classifier.predict(points[:, :2])


def test_digits_end_to_end(tmp_path: Path) -> None:
    """Load, patch all errors, save, run, and prove."""
    points, digits = load_digits(return_X_y=True)
    points = points.astype(np.float32)
    estimator = fit(MLPClassifier((32,), max_iter=60, random_state=0), points[::4], digits[::4])
    (tmp_path / "model.onnx").write_bytes(to_onnx(estimator, points, zipmap=False).SerializeToString())
    frozen = OnnxClassifier(tmp_path / "model.onnx")
    data, labels = points[1::2], digits[1::2]
    wanted = {int(i): int(labels[i]) for i in np.flatnonzero(frozen.predict(data) != labels)}
    assert len(wanted) > 100
    base = scores_at(frozen, data, tmp_path)
    patch = patch_classifier(LabelProblem(frozen.features(data), base, wanted))
    verdict = verify.check(write_certificate(patch, tmp_path / "certificate"))
    assert verdict.status == "accepted", verdict.text()
    assert "in float32 arithmetic, sums in float32" in verdict.text()
    (tmp_path / "fixed.onnx").write_bytes(frozen.merge(patch.layers).SerializeToString())
    found = compare(tmp_path / "model.onnx", tmp_path / "fixed.onnx", data, wanted)
    assert found.same, found.text()
    assert (OnnxClassifier(tmp_path / "fixed.onnx").predict(data) == labels).all()
    assert unmerge(tmp_path / "fixed.onnx").content == (tmp_path / "model.onnx").read_bytes()


def text_labels() -> Any:
    points, labels = iris(text=True)
    return to_onnx(fit(LogisticRegression(max_iter=500), points, labels), points, zipmap=False)


def two_outputs() -> Any:
    value = perceptron()
    value.graph.output.append(onnx.helper.make_tensor_value_info("hidden", FLOAT, ["n", 6]))
    return value


def regression() -> Any:
    return model([node("ReduceSum", "x", "y")], {"x": (FLOAT, ["n", 4])}, {"y": (FLOAT, [1, 1])})


def odd_label() -> Any:
    value = perceptron()
    value.graph.node.append(node("Shape", "x", "size"))
    value.graph.output.append(onnx.helper.make_tensor_value_info("size", INT64, [2]))
    return value


def used_label() -> Any:
    value = perceptron()
    value.graph.node.append(node("ArgMax", "scores", "label", axis=1, keepdims=0))
    value.graph.node.append(node("Neg", "label", "other"))
    value.graph.output.append(onnx.helper.make_tensor_value_info("label", INT64, ["n"]))
    return value


def argmax_label() -> Any:
    value = perceptron()
    value.graph.node.append(node("ArgMax", "scores", "label", axis=1, keepdims=0))
    value.graph.output.append(onnx.helper.make_tensor_value_info("label", INT64, ["n"]))
    return value


def named_before() -> Any:
    return merge(perceptron(), random_layers(np.random.default_rng(0), 4, 3), classes=["a", "b", "c"])


def text_input() -> Any:
    value = perceptron()
    value.graph.input.append(onnx.helper.make_tensor_value_info("text", STRING, ["n", 1]))
    return value


def half() -> Any:
    return model([node("Cast", "x", "y", to=10)], {"x": (FLOAT, ["n", 4])}, {"y": (10, ["n", 4])})


def elsewhere(value: Any, tensor: Any) -> Any:
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights")
    return value


def stored_elsewhere() -> Any:
    value = perceptron()
    return elsewhere(value, value.graph.initializer[0])


def elsewhere_in_a_function() -> Any:
    value = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 13, "own" : 1]>
        f (float[n, 4] x) => (float[n, 3] scores) { scores = own.First (x) }
        <domain: "own", opset_import: ["" : 13]>
        First (a) => (b) {
            w = Constant <value = float[4, 3] {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0}> ()
            b = MatMul (a, w)
        }"""
    )
    return elsewhere(value, value.functions[0].node[0].attribute[0].t)


def elsewhere_in_a_branch() -> Any:
    value = onnx.parser.parse_model(
        """<ir_version: 8, opset_import: ["" : 13]>
        f (float[n, 3] x, bool c) => (float[n, 3] scores) {
            scores = If (c) <
                then_branch = t () => (float[n, 3] y) { y = Identity (x) },
                else_branch = e () => (float[n, 3] z) {
                    w = Constant <value = float[3] {1, 2, 3}> ()
                    z = Add (x, w)
                }
            >
        }"""
    )
    (branch,) = [one.g for one in value.graph.node[0].attribute if one.name == "else_branch"]
    return elsewhere(value, branch.node[0].attribute[0].t)


@pytest.mark.parametrize(
    ("frozen", "more", "message"),
    [
        (lambda: perceptron(opset=8), {}, "opset 8 has no operator Where: expected 9 or later; onnx.version"),
        (lambda: b"nothing", {}, "the model is no ONNX model"),
        (lambda: "/no/such.onnx", {}, "No such file"),
        (stored_elsewhere, {}, "the model keeps weights in other files"),
        (elsewhere_in_a_function, {}, "the model keeps weights in other files"),
        (elsewhere_in_a_branch, {}, "the model keeps weights in other files"),
        (two_outputs, {}, r"which value are the scores\? Say scores=NAME. The outputs are: 'scores', float"),
        (half, {}, r"which value are the scores.* 'y', float16 \(\?, 4\)"),
        (half, {"scores": "y"}, r"'y', float16 \(\?, 4\), by the operator Cast: expected float or double"),
        (perceptron, {"scores": "x"}, "no operator of the main graph gives the value 'x'"),
        (perceptron, {"features": "y"}, "the graph has no value 'y' that a patch could act on"),
        (perceptron, {"features": "scores"}, "a patch of 'scores' cannot act on 'scores', which is not"),
        (perceptron, {"scores": "sum", "features": "scores"}, "a patch of 'sum' cannot act on 'scores', wh"),
        (perceptron, {"scores": "hidden"}, "the patch has 3 outputs for the 6 classes of 'hidden'"),
        (perceptron, {"features": "hidden"}, r"the patch has 4 inputs, and acts on 'hidden', float"),
        (perceptron, {"classes": [0, 1]}, r"'scores', float \(\?, 3\): these are not the scores of 2"),
        (text_labels, {"classes": ["a", "b", "c"]}, r"'\] by the output 'label', but \['a', 'b', 'c'\] by"),
        (argmax_label, {"classes": [2, 1, 0]}, r"are \[0, 1, 2\] by an ArgMax, but \[2, 1, 0\] by classes"),
        (perceptron, {"classes": ["a", "b", "a"]}, r"\['a', 'b', 'a'\]: expected different integers or"),
        (perceptron, {"classes": [0.5, 1.5, 2.5]}, r"\[0.5, 1.5, 2.5\]: expected different integers or"),
        (named_before, {"classes": ["c", "b", "a"]}, r"\] by classes, but \['a', 'b', 'c'\] by an earlier"),
        (lambda: convolution(), {"scores": "feature"}, r"'feature', float .*: expected scores \(batch, cl"),
        (text_input, {}, "the model has the inputs x, text: say features=NAME"),
        (text_input, {"features": "text"}, "a patch cannot act on 'text', string"),
        (odd_label, {}, r"the output 'size', int64 \(2\), by the operator Shape, cannot be computed from"),
        (used_label, {}, "the label 'label' is also used inside of the graph"),
    ],
)  # fmt: skip
def test_what_cannot_be_patched_is_named(frozen, more, message) -> None:
    with pytest.raises((ValueError, OSError), match=message):
        merge(frozen(), random_layers(np.random.default_rng(0), 4, 3), **more)


@pytest.mark.parametrize("module", ["onnx", "onnxruntime"])
def test_without_onnx_the_install_command_is_shown(monkeypatch, module) -> None:
    for name in [name for name in sys.modules if name.startswith("ftc.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=f"need {module}, which is not installed: pip install 'fine-tuni"):
        importlib.import_module("ftc.onnx")
