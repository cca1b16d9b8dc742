# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. Patch a classifier and ship it
#
# So far $g$ had to hit numbers. A classifier asks for less: only the *label* counts, the class of the
# largest score. And it asks for more: the network runs in floats, and the protected scores must keep their
# bits there. One idea serves both. *Encode* the wanted label as one number, then *decode* that number to
# scores, and let the decoder forgive errors.
#
# **Theorem (encode, then decode).** Give the classes that edits want the codes $1, \dots, C'$. Let $s$ be a
# network with one output, $|s(x_i) - c_i| \le 1/4$ at each edit with code $c_i$, and $s(x_j) \le 1/4$ at
# each protected point. Then $2C'$ more neurons in one more layer make a network $g$ such that the wanted
# score of $f + g$ is the largest at every edit, by any margin, and $g$ is exactly $0$ at every protected
# point. With *two* more neurons, however many classes there are, the same holds.

# %%
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.neural_network import MLPClassifier

import verify
from constructions import write_certificate
from constructions.classifier import patch_classifier
from constructions.labels import LabelProblem
from ftc.impact import effect
from ftc.patched import frozen_scores
from ftc.plots import plot_regions
from ftc.plots.style import legend_below, panels
from ftc.sklearn import AdditivePatch
from verify.symbolic import LEMMAS

folder = Path(tempfile.mkdtemp())


def checked(content):
    """Write the certificate, and let the independent checker judge it."""
    return verify.check(write_certificate(content, folder / "certificate.json"))


# %% [markdown]
# ## Step 1: decode
#
# Take $p = \mathrm{relu}(s - \tfrac14)$ and $q = \mathrm{relu}(s - \tfrac34)$. Where $s \le \tfrac14$, both
# are $0$. Where $s \ge \tfrac34$, we have $p - q = \tfrac12$ and $p = s - \tfrac14$: the two neurons know
# the constant $1$ and the number $s$. Give class number $c$ the score
#
# $$B\,(2cs - c^2) = B\,\bigl(s^2 - (s - c)^2\bigr),$$
#
# which is affine in $s$. Among all $c$ it is largest at the one that is nearest to $s$: for
# $|s - c| \le \tfrac14$ it leads by at least $B/2$. Choose $B$ so large that this outweighs the frozen
# scores. Classes that no edit wants get $0$, which is the case $c = 0$.
#
# The library proves both decoders for all real numbers, by cases of the signs of the pre-activations. These
# are the four statements about the two neurons, for $B = 1$; print `proof` to read how.

# %%
proof = str(LEMMAS["two-neuron-decoder"]())
print(*(line for line in proof.splitlines() if "For all real" in line), sep="\n")
assert proof.count("So the claim holds") == 6

# %% [markdown]
# ## Step 2: encode
#
# Any network that is near $c_i$ at the edits and near $0$ at all other points will do. We take the bumps of
# [notebook 6](06_leave_the_worst_case.ipynb), with $v = c$: a *slab* of three neurons is the code of its
# edits on a hyperplane through them, and $0$ away from it. As the decoder forgives an error of $1/4$, the
# weights may be rounded to floats.
#
# A slab goes on for ever, and touches whatever lies in it. So by default a group of edits lies in *two*
# slabs at once. Let the first, $S_1$, be the code there, and let the second, $S_2$, have a height $H$ that
# is nowhere below $S_1$ on the data. Then $\mathrm{relu}(S_1 + S_2 - H)$ is the code at the group. Outside
# the first slab it is $\mathrm{relu}(S_2 - H) = 0$, and outside the second $\mathrm{relu}(S_1 - H) = 0$: an
# "and", by one neuron more. Seven neurons a group, and hardly anything else is touched. Here are four
# classes in the plane, and two edits.

# %%
points = np.random.default_rng(7).uniform(-2, 2, size=(60, 2)).astype(np.float32)
normals = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], dtype=np.float32)


def frozen(x):
    return x @ normals.T


labels = frozen(points).argmax(axis=1)
wanted = {i: int(labels[i] + 2) % 4 for i in (33, 40)}  # the opposite class
problem = LabelProblem(points, frozen(points), wanted)
one, two = (patch_classifier(problem, slabs=slabs) for slabs in (1, 2))
for patch in (one, two):
    print(patch.neurons, "neurons, widths", [len(bias) for _, bias in patch.layers[:-1]])
    assert checked(patch).status == "accepted"
assert one.neurons == 3 * len(one.encoder.groups) + 2 == 5
assert two.neurons == 7 * len(two.encoder.groups) + 2 == 16

# %%
axes = panels(1, 3, size=(11, 4.6))[0]
for place, patch, patched, title in zip(
    axes, (one, one, two), (False, True, True), ("frozen", "one slab a group", "two at once"), strict=True
):
    plot_regions(patch, frozen, place, patched=patched)
    place.set_title(title)
legend_below(axes[0].figure, *axes, ncols=6)
axes[0].figure

# %% [markdown]
# And this is the decoder of that patch: what it adds to the score of each class, against the code. Below
# $1/4$ it is $0$. Within $1/4$ of a code, that class is ahead of all others by at least $B/2$.

# %%
code = np.arange(-32, 161) / 64  # from -1/2 to 5/2
decoder = two.layers[-1][0].astype(float)  # shape (4, 2): from p and q to scores
added = np.column_stack([np.maximum(code - 1 / 4, 0), np.maximum(code - 3 / 4, 0)]) @ decoder.T
[[axes]] = panels(size=(7, 3))
for scores, dashes, c in zip(added.T, ("-", "--", "-.", ":"), range(4), strict=True):
    axes.plot(code, scores, ls=dashes, label=f"class {c}")
axes.set(xlabel="code s", ylabel="added score")
axes.legend()
assert (added[code <= 1 / 4] == 0).all()
classes = sorted(set(wanted.values()))
B = decoder[classes[0], 0]  # 2 c s - c^2 is p + q for c = 1
for number, c in enumerate(classes, start=1):
    near = np.abs(code - number) <= 1 / 4
    lead = added[near, c] - np.delete(added[near], c, axis=1).max(axis=1)
    assert lead.min() == B / 2
axes.figure

# %% [markdown]
# **Break it.** The checker needs none of this theory: it evaluates the network. Shift the bias of the
# first decoder neuron, so that it forgives nothing more at protected points, and $g$ is not $0$ there.

# %%
weight, bias = two.layers[-2]
harmed = [*two.layers[:-2], (weight, bias + np.float32(0.5)), two.layers[-1]]
verdict = checked(replace(two, layers=harmed))
print(verdict.text())
assert verdict.status == "rejected"

# %% [markdown]
# ## Step 3: a real model, and a certificate about floats
#
# A perceptron reads $8 \times 8$ digits, and is wrong at some. The rows that it gets wrong are the edits;
# all other rows are protected. `AdditivePatch` is a scikit-learn estimator, and `FrozenEstimator` keeps the
# model as it is.

# %%
images, digits = load_digits(return_X_y=True)
model = MLPClassifier((32,), max_iter=60, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # training is cut short, so that there are errors
    model.fit(images[::4], digits[::4])
data, truth, held, held_truth = images[1::2], digits[1::2], images[2::4], digits[2::4]
wrong = model.predict(data) != truth
patched = AdditivePatch(FrozenEstimator(model)).fit(data, truth)
print(f"{wrong.sum()} of {len(data)} rows are wrong; {patched.patch_.neurons} neurons are added")
assert (patched.predict(data) == truth).all()
assert not patched.change(data[~wrong]).any()

# %% [markdown]
# `certify` writes a certificate of three claims, each of which the kernel must accept:
#
# - *label-edit*: the labels are right and $g = 0$ elsewhere, in exact arithmetic, with the very floats that
#   are stored;
# - *deployed*: so they are as the network *runs*, in float32. A bound of all rounding errors, itself exact,
#   shows that every decoder neuron stays off at protected points, in every order of summation. So $g$ is $0$
#   there in every bit;
# - *robust*: inputs may move by a radius, and all of this still holds.

# %%
verdict = patched.certify(data, folder / "digits")
print(verdict.text())
assert verdict.status == "accepted"
assert [finding.claim["kind"] for finding in verdict.findings] == ["label-edit", "deployed", "robust"]

# %% [markdown]
# **Break it.** Claim a radius that is a thousand times as large. The checker names a point around which it
# is not proven; the other two claims stand.

# %%
problem = LabelProblem(
    data, frozen_scores(model, data), {int(i): int(truth[i]) for i in np.flatnonzero(wrong)}
)
found = patch_classifier(problem, reach="tight")
assert checked(found).status == "accepted"
verdict = checked(replace(found, radius=1000 * found.radius))
print(verdict.text()[:300])
assert verdict.status == "rejected"
assert [finding.violation is None for finding in verdict.findings] == [True, True, False]

# %% [markdown]
# ## Step 4: what becomes of inputs that nobody listed
#
# A patch memorizes. It makes the model no better at new inputs; the question is whether it makes it worse.
# Look at inputs that were held out, and at the price of two slabs.

# %%
for slabs in (1, 2, 3):
    fix = AdditivePatch(FrozenEstimator(model), slabs=slabs).fit(data, truth)
    counts = effect(fix, replace(fix.patch_, problem=problem), held, held_truth)
    before, after = counts.accuracy_before, counts.accuracy_after
    print(
        f"{slabs} at once: {fix.patch_.neurons} neurons; {counts.touched} of {counts.samples} held-out "
        f"images touched, accuracy {before:.1%} before and {after:.1%} after"
    )
    assert counts.touched == 0 or slabs == 1

# %% [markdown]
# No theorem says that *no* unseen input is touched; some must be, as $g$ is not $0$ everywhere. `ftc patch`
# prints this report, and draws it.
#
# ## Step 5: ship it, and take it back
#
# A patched model is a file like any other. Where $g$ is $0$, the model itself is asked, and the scores have
# its bits. The model below the patch is still there.

# %%
joblib.dump(patched, folder / "fixed.joblib")
loaded = joblib.load(folder / "fixed.joblib")
assert (loaded.predict(data) == truth).all()
assert np.array_equal(loaded.scores(data)[~wrong], frozen_scores(model, data)[~wrong])
assert np.array_equal(loaded.base.predict_proba(held), model.predict_proba(held))
assert patched.base is model

# %% [markdown]
# The same network also goes into an ONNX graph, whose operators stay as they are, and comes off again with
# every byte of the file as it was. The how-to page "Patch in ONNX" (`docs/howto/onnx.md`) does it.
#
# On the command line: `ftc patch --model model.joblib --data data.npy --labels edits.csv -o fixed`, then
# `ftc check fixed`, and `ftc undo fixed/model.joblib -o before.joblib`. Whoever gets the certificate needs
# the checker only, which does not know how the network was built.

# %% [markdown]
# ## Exercises
#
# 1. Patch the patched model: let row $0$ be a "7". Is the first patch still right at all its edits?
# 2. A patch in float64 is made for float64. Cast its layers to float32, and ask the checker.
#
# The solutions are in the collapsed cells.

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 1: yes, a patch on a patch protects what the first one has edited.
twice = AdditivePatch(FrozenEstimator(patched)).fit(data, edits={0: 7})
assert twice.predict(data[:1]) == 7
assert (twice.predict(data[1:]) == truth[1:]).all()
assert twice.base is patched

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 2: rejected; its slabs are so thin that float32 cannot tell where they are.
fine = patch_classifier(LabelProblem(data, problem.base, problem.labels, "float64"), reach="tight")
assert checked(fine).status == "accepted"
coarse = [(weight.astype(np.float32), bias.astype(np.float32)) for weight, bias in fine.layers]
verdict = checked(replace(fine, problem=LabelProblem(data, problem.base, problem.labels), layers=coarse))
assert verdict.status == "rejected"
