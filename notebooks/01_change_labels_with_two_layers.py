# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # Change N labels with a two-layer network
#
# **Theorem.** For `K >= 5` points and `N` edits, `min(3N, K-2)` hidden neurons always suffice in two
# layers, and for some data fewer do not.
#
# A frozen model gives 0 at seven points of a line. We want 5 at the third, and no other change.

# %%
from constructions import FineTuningProblem, bounds, build

problem = FineTuningProblem([[t] for t in range(7)], edits={2: 5})
solution = build(problem, layers=2, construction="tents")
print(solution.network.neurons, "neurons:", [str(y) for y in solution.network(problem.points)])

# %% [markdown]
# A *tent* is three ReLUs, `relu(t-1) - 2 relu(t-2) + relu(t-3)`: it is 1 at `t = 2`, and 0 from 1 to the
# left and from 3 to the right. Scaled by 5 it makes the edit, exactly, whatever points lie around.

# %%
assert solution.network(problem.points) == [0, 0, 5, 0, 0, 0, 0]
assert solution.network.neurons == 3 == bounds.upper(2, 1)

# %% [markdown]
# When is less enough? Neighbouring edits share breakpoints: a ramp from 0 to 3 bends twice only.

# %%
ramp = FineTuningProblem([[t] for t in range(6)], edits={2: 1, 3: 2, 4: 3, 5: 3})
smallest = build(ramp, layers=2)
assert smallest.network(ramp.points) == [0, 0, 1, 2, 3, 3]
assert smallest.network.neurons == 2
print(smallest.construction, "needs", smallest.network.neurons)

# %% [markdown]
# When is less impossible? Here every second difference changes its sign, and each forces a
# breakpoint of its own: `3N = 6` neurons are needed.

# %%
worst = FineTuningProblem([[t] for t in range(8)], edits={2: 1, 5: -1})
assert build(worst, layers=2).network.neurons == 6 == bounds.lower(2, 2, 8)
