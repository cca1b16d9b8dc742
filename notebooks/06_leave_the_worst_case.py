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
# # 6. Leave the worst case
#
# So far we projected everything on a line. That is right for the worst case, where the points may lie on a
# line. But a line forgets the dimension. Points in $\mathbb{R}^d$ are mostly in *general position*: no
# $d + 1$ of them lie on a hyperplane. Then one hyperplane passes through any $d$ edits and misses all other
# points, and a few neurons do $d$ edits at once.
#
# **Theorem (general position).** Let a group $I$ of edits lie on a hyperplane $h(x) = 0$ on which no data
# point outside $I$ lies (unless $v$ equals its change there, and no other group contains it), and let $v$
# be an affine function with $v(x_i) = \delta_i$ on $I$, which exists for affinely independent points. Then
# $4$ neurons make these edits and nothing else, and $3$ if the changes have one sign. Points in general
# position allow groups of $d$:
#
# - two layers: $4\lceil N/d \rceil$ neurons for any signs; or, with $N_+$ positive and $N_-$ negative
#   changes, $3\lceil N_+/d \rceil + 3\lceil N_-/d \rceil$;
# - three layers, with the sign lift of [notebook 5](05_beat_three_layers_with_four.ipynb):
#   $3\lceil N/d \rceil + 2$.
#
# The $4\lceil N/d \rceil$ neurons in two layers are known for $N = K$ [Bubeck2020], after [Baum1988]. From
# below, counting parameters: $m$ neurons in two layers need $m(d+1) + 1 \ge N$.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import verify
from constructions import FineTuningProblem, bounds, build, general_position, write_certificate
from constructions.exact_width import least_width
from constructions.general_position import Places, bumps
from ftc.plots import plot_hyperplanes

folder = Path(tempfile.mkdtemp())


def checked(content):
    """Write the certificate, and let the independent checker judge it."""
    return verify.check(write_certificate(content, folder / "certificate.json"))


# %% [markdown]
# ## Step 1: one line through two points
#
# In the plane, two edits span a line $h(x) = 0$. All other points have $h \ne 0$, so that
# $|Mh(x_j)| \ge c + |v(x_j)|$ for some large $M$. Now use the four neurons of the grid
# ([notebook 3](03_fold_a_line.ipynb)), with functions of $x$ and not of $t$:
#
# $$\mathrm{relu}(Mh + c + v) - \mathrm{relu}(Mh + c) - \mathrm{relu}(Mh - c + v) + \mathrm{relu}(Mh - c)$$
#
# with $c \ge |v|$ on the group. It is $v$ on the line near the edits, and $0$ at every other point. For one
# sign, three: $\mathrm{relu}(Mh + v) + \mathrm{relu}(Mh - v) - 2\,\mathrm{relu}(Mh)$.
#
# Six edits of one sign are three lines and nine neurons. That is no gain yet: with so few points two layers
# along a line always do with $K - 2 = 14$, and here with $8$. It will be one with more dimensions and more
# points.

# %%
points = np.random.default_rng(108).integers(-40, 41, size=(16, 2))
plane = FineTuningProblem(points, edits=dict(enumerate((1, 2, 3, 4, 5, 6))))
solution = build(plane, construction="general-position")
verdict = checked(solution)
print(verdict.text())
assert verdict.status == "accepted"
assert solution.network.neurons == 3 * 3
assert solution.network.depth == 2
assert build(plane, layers=2).network.neurons == 8 < bounds.upper(2, 6, 16) == 14
assert solution.network(points) == [1, 2, 3, 4, 5, 6] + [0] * 10

# %%
plot_hyperplanes(plane, solution.network)

# %% [markdown]
# This is an honest picture: $g$ is $0$ at all listed points and in most places, but a *slab* around each
# line goes on for ever. An unlisted point in a slab is changed too. (For classifiers the library makes
# slabs thin, and measures what they touch.)
#
# **Break it.** Move a protected point onto the line through the first two edits of a group, half-way
# between them. The old network changes it, and the checker sees that. A new one has to cut the group in
# two.

# %%
groups = bumps(*Places.of(plane), size=2)
assert len(groups) == 3
halfway = np.array([*points, (points[0] + points[1]) / 2])
moved = FineTuningProblem(halfway, edits=plane.values)
verdict = checked(replace(solution, problem=moved))
print(verdict.text())
assert verdict.status == "rejected"
again = build(moved, construction="general-position")
assert len(bumps(*Places.of(moved), size=2)) == 4
assert again.network.neurons == 12
assert checked(again).status == "accepted"

# %% [markdown]
# ## Step 2: many dimensions
#
# Twenty edits of both signs among $200$ random points.

# %%
edits = {i: (-1) ** i * (i + 1) for i in range(20)}
print("  d  two layers  three layers  (needed in two layers, by counting parameters)")
for d in (2, 5, 10, 20):
    cloud = FineTuningProblem(np.random.default_rng(d).normal(size=(200, d)), edits=edits)
    two = build(cloud, construction="general-position")
    three = build(cloud, construction="general-position-lift")
    assert checked(two).status == checked(three).status == "accepted"
    half = -(-10 // d)
    assert two.network.neurons == min(4 * -(-20 // d), 3 * half + 3 * half)
    assert three.network.neurons == 3 * -(-20 // d) + 2
    needed = min(m for m in range(20) if m * (d + 1) + 1 >= 20)
    print(f"{d:3} {two.network.neurons:11} {three.network.neurons:13}  ({needed})")

# %% [markdown]
# Compare: the best networks *along a line* have $60$, $18$ and $13$ neurons with two, three and four
# layers, in every dimension. With $d = 20$ four neurons do it. But with $d = 2$ and hundreds of edits,
# depth wins again:

# %%
assert [bounds.upper(layers, 20) for layers in (2, 3, 4)] == [60, 18, 13]
assert bounds.upper(4, 1000) == 68 < 3 * (1000 // 2) + 2

# %% [markdown]
# Every single neuron of the last network is needed. (It has four.)

# %%
assert two.network.neurons == 4
for neuron in range(4):
    assert checked(replace(two, network=two.network.without(0, neuron))).status == "rejected"

# %% [markdown]
# ## Step 3: real data
#
# Real data is *not* in general position. The $8 \times 8$ digits have pixels that are always $0$, and all
# pixels are small integers. So the library takes the *rank* of the points in place of $d$, looks for a
# hyperplane in the null space of a group that misses all other points, cuts a group in two if there is
# none, and checks exactly in the end.

# %%
images = load_digits().data[:300].astype(int)
digits = FineTuningProblem(images, edits=dict.fromkeys(range(0, 120, 2), 1))
rank = Places.of(digits)[0].rank
found = build(digits, construction="general-position")
verdict = checked(found)
print(f"d = {digits.d}, rank {rank}: {verdict.text()}")
assert verdict.status == "accepted"
assert rank < 64
assert found.network.neurons == 9
assert build(digits, layers=2).network.neurons > 100

# %% [markdown]
# Sixty edits would need two groups for the rank $55$. One of them had to be cut: three groups, nine
# neurons. Along a line it takes more than a hundred.
#
# On a grid of integers, nearly every line meets other points, and many groups are cut:

# %%
grid = [(a, b) for a in range(4) for b in range(4)]
board = FineTuningProblem(grid, edits={0: 1, 1: 2, 5: 1, 6: 3, 10: 1, 15: 2})
on_grid = build(board, construction="general-position")
assert checked(on_grid).status == "accepted"
print(on_grid.network.neurons, "neurons, and not", 3 * 3)
assert on_grid.network.neurons > 9

# %% [markdown]
# ## Step 4: is that the least?
#
# Not always. For a few points the least width can be found, with a proof that no network is smaller
# ([notebook 4](04_prove_that_fewer_do_not_suffice.ipynb)). At the corners of a square:

# %%
square = [(0, 0), (0, 1), (1, 0), (1, 1)]
for edited in ({1: 1, 2: 1}, {0: 1, 3: 2}, {0: 1}):
    width = least_width(FineTuningProblem(square, edits=edited))
    theorem = build(FineTuningProblem(square, edits=edited), construction="general-position")
    print(f"edits {edited}: least {width.upper}, by the theorem {theorem.network.neurons}")
    assert width.lower == width.upper <= theorem.network.neurons == 3
    assert checked(width.obstruction).status == checked(width.solution).status == "accepted"

# %% [markdown]
# ## Exercises
#
# 1. $30$ edits in $\mathbb{R}^5$, $7$ of them negative: how many neurons, with two and with three layers?
# 2. Three edits on one line in the plane, with changes $1, 2, 3$ in this order and at equal distances. How
#    many neurons are enough if no other point lies on the line? What if the changes are $1, 2, 4$?
# 3. With $N > m(d+1) + 1$ some values cannot be made by $m$ neurons. From which $N$ on does this exclude
#    *one* neuron in the plane? Find values at the corners of a square, only four points, that one neuron
#    cannot make either.

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 1: min(4 * 6, 3 * 5 + 3 * 2) = 21 in two layers, 3 * 6 + 2 = 20 in three.
cloud = np.random.default_rng(1).normal(size=(100, 5))
mixed = FineTuningProblem(cloud, edits={i: i + 1 if i >= 7 else -i - 1 for i in range(30)})
assert build(mixed, construction="general-position").network.neurons == 21
assert build(mixed, construction="general-position-lift").network.neurons == 20

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 2: three, since an affine function has the values 1, 2, 3 there. With 1, 2, 4 none has, so that the
# group is cut; a line through two of the points meets the third, and three groups are left: nine neurons.
row = [(0, 0), (1, 1), (2, 2), (0, 1), (3, 1), (5, 2)]
for values, groups in (((1, 2, 3), 1), ((1, 2, 4), 3)):
    on_a_line = FineTuningProblem(row, edits=dict(enumerate(values)))
    assert len(bumps(*Places.of(on_a_line), size=3)) == groups
    found = general_position(on_a_line, size=3)
    assert found.neurons == 3 * groups
    assert found(row) == [*values, 0, 0, 0]

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 3: from N = 5 on. At the corners (1, 0, 0, 1) need two, by exhaustion.
assert least_width(FineTuningProblem(square, edits={0: 1, 3: 1})).lower == 2
five = FineTuningProblem([*square, (2, 3)], edits={0: 1, 1: 5, 2: 2, 3: -4, 4: 7})
assert least_width(five).lower > 1
