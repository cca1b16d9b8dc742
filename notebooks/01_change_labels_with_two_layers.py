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
# # 1. Change N labels with a two-layer network
#
# **The problem.** There are $K$ distinct points $x_1, \dots, x_K$ in $\mathbb{R}^d$ and a frozen model $f$.
# At $N$ of the points, the *edits*, we want other values. What must be added is the *change* $\delta_i$:
# the wanted value minus $f(x_i)$ at an edit, and $0$ at each of the other $K - N$ points, which are
# *protected*. A ReLU network $g$ **solves** the problem if $g(x_i) = \delta_i$ at all $K$ points. *Equal*
# means equal: every finite float is a rational number, and everything here is rational arithmetic.
#
# The price is the number of hidden neurons of $g$, in all layers together. An output bias is free. $L$
# layers are $L - 1$ hidden layers and an affine output. $\mathrm{FTC}_L(N, K)$, the *fine-tuning capacity*,
# is the least number of neurons that suffices for *every* choice of points (in any dimension), of edits and
# of values.
#
# **Theorem (two layers).** $\mathrm{FTC}_2(N, K) = \min(3N,\ K-2)$ for all $K \ge 5$. For $K = 1, 2, 3$ it
# is $0, 1, 2$ (if $N \ge 1$); for $K = 4$ it is $2$ if $N = 1$, and else $3$.
#
# This notebook derives $3N$: why three neurons an edit always do, when fewer do, and when no fewer can.
# [Notebook 2](02_memorize_points_with_two_neurons_less.ipynb) derives $K - 2$.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

import verify
from constructions import FineTuningProblem, bounds, build, choose_direction, to_line, write_certificate
from constructions.adversarial import alternating
from constructions.obstruction import obstruct
from ftc.plots import plot_neurons
from verify.symbolic import LEMMAS

folder = Path(tempfile.mkdtemp())


def checked(content):
    """Write the certificate, and let the independent checker judge it."""
    return verify.check(write_certificate(content, folder / "certificate.json"))


# %% [markdown]
# ## Step 1: go to a line
#
# Pick a direction $u$ with $u \cdot x_i \ne u \cdot x_j$ whenever the changes at $i$ and $j$ differ. Each
# such pair excludes only a hyperplane of directions, so nearly all directions will do: among
# $u_n = (1, n, \dots, n^{d-1})$ each pair excludes at most $d - 1$ values of $n$. The library draws small
# integers and checks its choice exactly.
#
# With $t_i = u \cdot x_i$, a network in $t$ is a network in $x$ of the same width: the first layer computes
# $w t + b = (w u) \cdot x + b$. So it is enough to solve problems on a line. (For *upper* bounds. A lower
# bound for points in $\mathbb{R}^d$ needs more care:
# [notebook 4](04_prove_that_fewer_do_not_suffice.ipynb).)

# %%
points = np.random.default_rng(0).normal(size=(30, 3))
problem = FineTuningProblem(points, edits={3: 5, 8: -1, 20: 0.5})
direction = choose_direction(problem)
line = to_line(problem, direction)
print(
    "direction", direction, "- edits on the line:", [round(float(line.positions[i]), 3) for i in line.edits]
)
assert len(set(line.positions)) == problem.K == 30
assert problem.N == 3

# %% [markdown]
# ## Step 2: one edit is one tent
#
# Let $e$ be so small that no other point lies within $e$ of the edited place $t_i$. Then
#
# $$\mathrm{tent}(t) = \frac{\delta_i}{e}\left(\mathrm{relu}(t - t_i + e) - 2\,\mathrm{relu}(t - t_i) +
# \mathrm{relu}(t - t_i - e)\right)$$
#
# has slope $\delta_i / e$, then $-\delta_i / e$, then $0$: it is $\delta_i$ at $t_i$, and $0$ at every
# other point. Three neurons.

# %%
one = FineTuningProblem([[t] for t in range(6)], edits={2: 1})
tent = build(one, layers=2, construction="tents")
assert tent.network.neurons == 3
assert tent.network(one.points) == [0, 0, 1, 0, 0, 0]
plot_neurons(tent)

# %% [markdown]
# The picture shows one example. The identity holds for *all* real $t$, $t_i$, $\delta_i$ and $e > 0$; the
# library proves it by splitting on the signs of the pre-activations. Every contradiction below is a sum of
# the case's own inequalities that is identically $0$ and yet positive.

# %%
print(LEMMAS["tent"]())

# %% [markdown]
# ## Step 3: N edits are N tents
#
# Tents do not disturb each other: each one is $0$ at all points but its own. So $3N$ neurons always
# suffice. Here are the three edits from above. A *certificate* holds the points, the changes and the
# network; the checker, which shares no code with the builder, evaluates the network at all points in
# integers and counts its neurons.

# %%
solution = build(problem, layers=2, construction="tents")
assert solution.network.neurons == 3 * problem.N == bounds.upper(2, problem.N) == 9
assert solution.network(points) == [problem.delta.get(i, 0) for i in range(30)]
verdict = checked(solution)
print(verdict.text())
assert verdict.status == "accepted"

# %% [markdown]
# **Break it.** Take out any one of the nine neurons, and the checker says where it goes wrong.

# %%
for neuron in range(9):
    verdict = checked(replace(solution, network=solution.network.without(0, neuron)))
    assert verdict.status == "rejected"
    print(f"without neuron {neuron}:", verdict.text()[:105])

# %% [markdown]
# What if the window is too wide? Forget point $3$ while building, so that the tent at $2$ may reach over
# it:

# %%
forgetful = build(FineTuningProblem([[0], [2], [4]], edits={1: 5}), layers=2, construction="tents")
whole = FineTuningProblem([[0], [2], [3], [4]], edits={1: 5})
assert forgetful.network(whole.points) == [0, 5, 2.5, 0]
verdict = checked(replace(forgetful, problem=whole))
print(verdict.text())
assert verdict.status == "rejected"

# %% [markdown]
# ## Step 4: when fewer are enough
#
# Neighbouring edits can share breakpoints. A ramp from $0$ to $3$ bends twice only, so that two neurons
# make four edits. Without a named construction, `build` takes the best that it knows.

# %%
ramp = FineTuningProblem([[t] for t in range(6)], edits={2: 1, 3: 2, 4: 3, 5: 3})
smallest = build(ramp, layers=2)
print(smallest.construction, smallest.network.neurons)
assert smallest.network(ramp.points) == [0, 0, 1, 2, 3, 3]
assert smallest.network.neurons == 2
assert 3 * ramp.N == 12

# %% [markdown]
# And with few protected points, $K - 2$ is less than $3N$.

# %%
rng = np.random.default_rng(1)
crowded = FineTuningProblem(
    [[t] for t in range(12)], edits={i: int(rng.integers(1, 9)) for i in range(1, 11)}
)
assert build(crowded, layers=2).network.neurons <= 12 - 2 < 3 * crowded.N

# %% [markdown]
# ## Step 5: when fewer are impossible
#
# On a line, a two-layer network is piecewise linear, and each neuron gives at most **one** breakpoint. Put
# the points on a line, with no run of protected points longer than two, and let the $i$-th change be
# $(-1)^i$ if the point is edited. With $K = 3N + 2$ this reads `0 0 + 0 0 - 0 0 + ... 0 0`. Then *all* $3N$
# second differences strictly alternate in sign.
#
# Look at three neighbours $a < b < c$ with a positive second difference. The network must bend upwards
# somewhere strictly between $a$ and $c$: otherwise it would be concave there. Call $(a, c)$ a *window*. The
# windows of positive second differences do not overlap, so each has a breakpoint of its own; so have the
# negative ones, and these bend the other way. Together: $3N$ breakpoints, hence $3N$ neurons.

# %%
worst = alternating(2)
values = [worst.delta.get(i, 0) for i in range(worst.K)]
assert values == [0, 0, 1, 0, 0, -1, 0, 0]
assert all(np.sign(np.diff(values, 2)) == [1, -1, 1, -1, 1, -1])
proof = obstruct(worst, layers=2)
print(checked(proof).text())
assert proof.neurons == 6 == 3 * worst.N == bounds.lower(2, 2, 8)
assert checked(proof).status == "accepted"
assert build(worst, 2).network.neurons == 6

# %% [markdown]
# That was $K = 3N + 2$. With *fewer* points leave out zeros; no run of zeros is longer than two, the rule of
# $(-1)^i$ stays, and all $K - 2$ second differences alternate as before. With *more* points put the rest
# behind the last one: nothing bends there, and the $3N$ windows stay. So $\min(3N,\ K-2)$ for every
# $K \ge 5$.

# %%
for k, needed in ((9, 7), (30, 9)):
    proof = obstruct(alternating(3, k), layers=2)
    assert proof.neurons == needed == min(3 * 3, k - 2) == bounds.lower(2, 3, k)
    assert checked(proof).status == "accepted"

# %% [markdown]
# **Break it.** Seven neurons are *not* needed, and the checker does not believe it.

# %%
verdict = checked(replace(obstruct(worst, layers=2), neurons=7))
print(verdict.text())
assert verdict.status == "rejected"

# %% [markdown]
# ## Exercises
#
# 1. There are $N = 10$ edits among $K = 20$ points. How many neurons do tents need, and how many are always
#    enough?
# 2. Find two edits among six points, with values that are not $0$, that *one* neuron makes.
# 3. Edit the point $1.0$ and protect its two neighbours among the doubles. Does a tent still work? How
#    steep is it?
#
# The solutions are in the collapsed cells.

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 1: tents need 30; 18 are always enough, and at times necessary.
assert bounds.upper(2, 10) == 30
assert bounds.upper(2, 10, 20) == 18 == bounds.lower(2, 10, 20)
assert obstruct(alternating(10, 20), 2).neurons == 18

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 2: the last two points of a line, on one ramp: relu(t - 3).
two = FineTuningProblem([[t] for t in range(6)], edits={4: 1, 5: 2})
one_neuron = build(two, layers=2)
assert one_neuron.network.neurons == 1
assert checked(one_neuron).status == "accepted"

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 3: it works, since nothing is rounded; the slope of its sides is 2^53.
close = [[np.nextafter(1.0, 0.0)], [1.0], [np.nextafter(1.0, 2.0)]]
steep = build(FineTuningProblem(close, edits={1: 1}), layers=2, construction="tents")
assert steep.network(close) == [0, 1, 0]
assert checked(steep).status == "accepted"
assert steep.network.layers[0].weight[0, 0] == 2**53
