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
# # 9. Put a published claim on trial
#
# "So many neurons suffice." There are two ways in which such a claim can be wrong, and two tools here.
#
# - The **construction** behind it fails, or is wider than stated, for some data. `hunt` searches for such
#   data, and shrinks what it finds to the smallest example.
# - **No network at all** is so small. `refute` looks for an instance that needs more, with a proof that
#   holds for every network.
#
# What we know about the truth, from the notebooks before: for $N$ edits among any $K$ points
#
# **Theorem.** $\mathrm{FTC}_2(N, K) = \min(3N,\ K-2)$ for $K \ge 5$. Three layers: at most
# $\min_r \lceil N/r \rceil + 4r \le 4\sqrt{N} + 1$, and at most $\lceil 2\sqrt{K} \rceil$; at least
# $2\sqrt{2\lceil N/2 \rceil + 1} + 2\sqrt{2\lfloor N/2 \rfloor + 1} - 4$ for $K \ge 4N + 1$. Four layers:
# at most $\lceil 2\sqrt{N} \rceil + 4$. Every depth $L \ge 3$: at least $2\sqrt{N} - 2$.

# %%
import tempfile
from dataclasses import replace
from pathlib import Path

import verify
from constructions import FineTuningProblem, build, write_certificate
from constructions.build import Solution
from constructions.literature import CLAIMS
from constructions.refutation import Refutation, refute
from constructions.size_claim import DISTINCT, Hypothesis, SizeClaim
from ftc.hunt import Refuted, hunt, shown

folder = Path(tempfile.mkdtemp())


def checked(content):
    """Write the certificate, and let the independent checker judge it."""
    return verify.check(write_certificate(content, folder / "certificate.json"))


def built(trial, problem):
    """What a construction built, ready for a certificate."""
    return Solution(problem, trial.network, None, "on trial", None, trial.network.neurons, None, 0)


# %% [markdown]
# ## Step 1: a claim
#
# A `SizeClaim` is a construction, with the number of neurons that it is said to have, and the hypotheses
# that it makes. The library holds several from the literature. Yun, Sra and Jadbabaie (NeurIPS 2019)
# memorize $N$ points by three layers with hidden widths $d_1 d_2 \ge 4N$. (Written here from the
# mathematics; how the widths are rounded is our choice.)

# %%
claim = CLAIMS["yun2019"]
print(
    claim.name,
    "-",
    claim.neurons,
    "neurons,",
    claim.layers,
    "layers; asks for",
    [h.name for h in claim.hypotheses],
)
problem = FineTuningProblem([[0], [1], [3], [4]], edits={0: 1, 1: -2, 2: 5, 3: 1})
trial = claim.on_trial(problem)
print("on four points:", trial.network.widths, "allowed", trial.allowed, "failure", trial.failure)
assert trial.failure is None
assert trial.network.neurons == trial.allowed == 8
assert checked(built(trial, problem)).status == "accepted"

# %% [markdown]
# ## Step 2: hunt
#
# With $d_1 = d_2 = 2\sqrt{N}$ this makes $4\sqrt{N}$ neurons, as it is quoted. Is that true of this
# construction for every $N$? The hunter tries every size first, then problems of many families: collinear
# points, points one double apart, clusters in clusters, changes that cancel.

# %%
quoted = replace(claim, neurons="4*sqrt(N)")
found = hunt(quoted, examples=100, seconds=20)
print(found.text())
print(shown(found.problem))
assert isinstance(found, Refuted)
assert found.failure.what == "neurons"
assert (found.problem.N, found.problem.K, found.trial.network.neurons) == (2, 2, 6)

# %% [markdown]
# It is not, because of rounding: $4\sqrt{2} = 5.66$, and even widths with $d_1 d_2 \ge 8$ have a sum of at
# least $6$. The evidence is a certificate: this network is right, and the checker counts its six neurons.

# %%
verdict = checked(built(found.trial, found.problem))
print(verdict.text())
assert verdict.status == "accepted"

# %% [markdown]
# **What is refuted?** This construction with this number; not the statement that *some* network has
# $4\sqrt{N}$ neurons. For the same two points three neurons are enough, and the rounded claim survives.

# %%
assert build(found.problem, layers=3).network.neurons <= 3
survived = hunt(claim, examples=60, seconds=10)
print(survived.text())
assert survived.verdict == "survived"

# %% [markdown]
# *Survived* is not *proven*. The report says what was tried, and what was never exercised.
#
# ## Step 3: refute all networks at once
#
# "Three layers need $3.9\sqrt{N}$ neurons at most, by some construction to come." No hunt can decide that:
# nobody has the construction. But a lower bound can. The claim agrees with all bounds for small $N$, and
# then no more:

# %%
refuted = refute("3.9*sqrt(N)", layers=3)
print(refuted.text())
assert isinstance(refuted, Refutation)
assert (refuted.N, refuted.K, refuted.allowed, refuted.needed) == (410, 1641, 78, 79)
verdict = checked(refuted.obstruction)
print(verdict.text())
assert verdict.status == "accepted"

# %% [markdown]
# This certificate has $820$ windows on a line, and its proof holds for every network ever to be trained or
# built. Claims that are true are not refuted; the answer then tells how close they come.

# %%
for formula, layers in (("4*sqrt(N) + 1", 3), ("3*N", 2), ("ceil(2*sqrt(N)) + 4", 4)):
    answer = refute(formula, layers)
    print(answer.text(), "\n")
    assert not isinstance(answer, Refutation)
for formula, layers, n in (("3*N - 1", 2, 1), ("max(3, K - 3)", 2, 2)):
    answer = refute(formula, layers)
    print(answer.text(), "\n")
    assert isinstance(answer, Refutation)
    assert n == answer.N
    assert checked(answer.obstruction).status == "accepted"

# %% [markdown]
# ## Step 4: your own claim
#
# Say somebody proposes: tents of half-width $1$ at all edits, on the first coordinate; $3N$ neurons. It
# looks fine.


# %%
def tents_of_width_one(problem):
    weight, bias, out = [], [], []
    for i, change in problem.delta.items():
        place = problem.points[i, 0]
        weight += [[1] + [0] * (problem.d - 1)] * 3
        bias += [1 - place, -place, -1 - place]
        out += [change, -2 * change, change]
    return [(weight, bias), ([out], [0])]


mine = SizeClaim("width-one", "me", tents_of_width_one, "3*N", layers=2, hypotheses=(DISTINCT,))
assert mine.on_trial(FineTuningProblem([[0], [1], [2], [3]], edits={1: 5, 2: -1})).failure is None
answer = hunt(mine, examples=200, seconds=20)
print(answer.text())
print(shown(answer.problem))
assert isinstance(answer, Refuted)
assert answer.failure.what == "output"
assert answer.problem.K == 2

# %% [markdown]
# Two points, less than $1$ apart in the first coordinate: the tent reaches over the neighbour. The checker
# agrees, and says at which point:

# %%
verdict = checked(built(answer.trial, answer.problem))
print(verdict.text())
assert verdict.status == "rejected"

# %% [markdown]
# A claim may be saved by a hypothesis. State it; the hunter then changes what it draws so that it meets the
# hypothesis, and reports how often it was needed.


# %%
def apart(problem):
    places = sorted(problem.points[i, 0] for i in range(problem.K))
    return all(b - a >= 1 for a, b in zip(places, places[1:], strict=False))


ONE_APART = Hypothesis("one apart", "first coordinates differ by 1 at least", apart)
saved = replace(mine, hypotheses=(ONE_APART,))
answer = hunt(saved, examples=100, seconds=10)
print(answer.text())
assert answer.verdict == "survived"
assert answer.broken["one apart"] > 0

# %% [markdown]
# **Break it.** One neuron fewer than this project's own theorems say, for each of its constructions that the
# library holds as a claim:

# %%
ours = [claim for claim in CLAIMS.values() if claim.source == "this project"]
assert len(ours) == 6
for claim in ours:
    greedy = replace(claim, neurons=f"max(0, {claim.neurons} - 1)")
    answer = hunt(greedy, examples=100, seconds=20)
    print(answer.text())
    assert isinstance(answer, Refuted)
    assert answer.failure.what == "neurons"

# %% [markdown]
# ## Exercises
#
# 1. The memorizer of three layers has $\lceil 2\sqrt{K} \rceil$ neurons. Claim $2\sqrt{K}$, rounded down,
#    and hunt.
# 2. Is "$2\sqrt{N} + 3$ neurons in four layers" refuted by the band crossing, by a lower bound, by both or
#    by none?
# 3. Refute "$2\sqrt{N} - 3$ neurons at depth five". Why is there no certificate?

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 1: refuted by two points, where 2 sqrt(2) = 2.8 and three neurons are built.
answer = hunt(replace(CLAIMS["three-layer-memorizer"], neurons="2*sqrt(K)"), examples=50, seconds=10)
assert isinstance(answer, Refuted)
assert (answer.problem.K, answer.trial.network.neurons) == (2, 3)

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 2: refuted as a claim about this construction, which has more neurons for two signs. No lower bound
# contradicts it, and whether some other network is so small is open.
answer = hunt(replace(CLAIMS["band-crossing"], neurons="2*sqrt(N) + 3"), examples=100, seconds=10)
assert isinstance(answer, Refuted)
assert answer.failure.what == "neurons"
assert not isinstance(refute("2*sqrt(N) + 3", layers=4), Refutation)

# %% jupyter={"source_hidden": true} tags=["solution"]
# Solution 3: a count of parameters refutes it: some values need more, but it does not say which.
answer = refute("2*sqrt(N) - 3", layers=5, edits=[10_000])
assert isinstance(answer, Refutation)
assert answer.needed == 198 > answer.allowed == 197
assert answer.obstruction is None
