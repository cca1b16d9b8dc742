"""Pictures: what is drawn is what is there. Properties of the drawn data, and no pixels."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from conftest import Run
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.path import Path as Outline

from constructions import FineTuningProblem, bounds, build, general_position, write_certificate
from constructions.adversarial import alternating, halves
from constructions.classifier import patch_classifier
from constructions.labels import LabelProblem
from constructions.obstruction import obstruct
from ftc.figures import FIGURES
from ftc.plots import (
    Profile,
    plot_activations,
    plot_along_direction,
    plot_bounds,
    plot_crossing,
    plot_grid,
    plot_hyperplanes,
    plot_neurons,
    plot_pre_activations,
    plot_regions,
    plot_weights,
    save,
)
from ftc.plots.signals import positions, pre_activations
from ftc.plots.style import LOOKS, panels
from ftc.reading import read_profile

ROOT = Path(__file__).parent.parent


def random_problem(seed: int, edits: int = 6) -> FineTuningProblem:
    rng = np.random.default_rng(seed)
    points = rng.integers(-30, 31, size=(4 * edits, 2))
    points = np.unique(points, axis=0)
    chosen = rng.choice(len(points), size=edits, replace=False)
    return FineTuningProblem(points, edits={int(i): (-1) ** k * (k % 3 + 1) for k, i in enumerate(chosen)})


def named(axes: Any, label: str) -> Any:
    found = [line for line in axes.lines if line.get_label() == label]
    assert len(found) == 1, [line.get_label() for line in axes.lines]
    return found[0]


def value_at(line: Any, t: float) -> float:
    """Of a drawn curve, linear between its vertices."""
    x, y = np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)
    assert (np.diff(x) >= 0).all()
    return float(np.interp(t, x, y))


def within(outline: Outline, points: Any) -> np.ndarray:
    """Which points a filled outline covers: not those in its holes."""
    covered = np.zeros(len(points), dtype=bool)
    for ring in outline.to_polygons():
        covered ^= Outline(ring).contains_points(points)
    return covered


@pytest.mark.parametrize(
    "construction", ["tents", "fewest-breakpoints", "memorizer", "grid", "band-crossing", "sign-lift"]
)
def test_the_curve_the_breakpoints_and_the_points_are_those_of_the_network(
    construction: str, tmp_path: Path
) -> None:
    solution = build(random_problem(1), construction=construction)
    profile = Profile.of(solution)
    network, problem, u = solution.network, solution.problem, solution.direction
    assert u is not None
    pivot = next(k for k, entry in enumerate(u) if entry)

    def at(t: Fraction) -> Fraction:
        return network([[t / u[pivot] if k == pivot else 0 for k in range(2)]])[0]

    ends = [min(profile.positions) - 1, *profile.breakpoints, max(profile.positions) + 1]
    ends = sorted({*ends, min(ends) - 1, max(ends) + 1})
    slopes = []
    for a, b in pairwise(ends):  # linear between breakpoints, and bent at each
        assert 2 * at((a + b) / 2) == at(a) + at(b) == profile(a) + profile(b)
        slopes.append(((at(b) - at(a)) / (b - a), b))
    for (left, t), (right, _) in pairwise(slopes):
        assert (left != right) == (t in profile.breakpoints)
    assert [profile(t) for t in profile.positions] == [problem.delta.get(i, 0) for i in range(problem.K)]
    figure = plot_along_direction(profile)
    axes = figure.axes[0]
    low, high = axes.get_xlim()
    assert low < min(profile.positions) <= max(profile.positions) < high
    shown = [float(t) for t in profile.breakpoints if low <= t <= high]
    assert list(named(axes, "breakpoints").get_xdata()) == shown
    for i, t in enumerate(profile.positions):
        assert value_at(named(axes, "g"), float(t)) == pytest.approx(float(problem.delta.get(i, 0)), abs=1e-6)
    edited = sorted(named(axes, "edited points").get_xdata())
    assert edited == sorted({float(profile.positions[i]) for i in problem.delta})
    again = read_profile(write_certificate(solution, tmp_path / "a.json"))
    if again.positions == profile.positions:
        assert (again.breakpoints, again.knots) == (profile.breakpoints, profile.knots)


def test_breakpoints_of_a_neuron_are_its_own() -> None:
    solution = build(random_problem(9, edits=12), construction="grid")
    assert solution.direction is not None
    for layer in (1, 2, 3):
        for signal in pre_activations(solution.network, solution.direction, layer):
            assert len(signal.affine) == len(signal.breakpoints) + 1
            assert all(a != b for a, b in pairwise(slope for slope, _ in signal.affine))
    points = solution.problem.points
    for z, layer in zip(solution.network.hidden(points), (1, 2, 3), strict=True):
        found = pre_activations(solution.network, solution.direction, layer)
        t = Profile.of(solution).positions
        assert [[f(x) for f in found] for x in t] == [
            [Fraction(int(entry), z.denominator) for entry in row] for row in z.numerators
        ]
    with pytest.raises(ValueError, match="not a function along"):
        pre_activations(solution.network, (solution.direction[0], solution.direction[1] + 1), 1)


@pytest.mark.parametrize("problem", [alternating(4), halves(5)], ids=["alternating", "halves"])
def test_windows_are_drawn_where_they_are_and_by_their_sign(problem: FineTuningProblem) -> None:
    layers = 2 if problem.K == 14 else 3
    obstruction = obstruct(problem, layers)
    figure = plot_along_direction(Profile.of(build(problem, layers)), windows=obstruction.windows)
    bars = [
        line for line in figure.axes[0].lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2
    ]
    drawn: dict[float, list[list[float]]] = {}
    for bar in bars:
        drawn.setdefault(float(bar.get_ydata()[0]), []).append(list(bar.get_xdata()))
    assert sum(map(len, drawn.values())) == len(obstruction.windows)
    convex = sorted(
        [float(a), float(c)]
        for a, b, c in obstruction.windows
        if problem.delta.get(a, 0) + problem.delta.get(c, 0) > 2 * problem.delta.get(b, 0)
    )  # the points are 0, 1, 2, ..
    assert sorted(drawn[max(drawn)]) == convex
    for row in drawn.values():
        for (_, end), (start, _) in pairwise(sorted(row)):
            assert end <= start
    straight = (
        next(i for i in range(problem.K - 2) if not {i, i + 1, i + 2} & set(problem.delta))
        if layers == 3
        else None
    )
    if straight is not None:
        with pytest.raises(ValueError, match="second difference is 0"):
            plot_along_direction(
                Profile.of(build(problem, 3)), windows=[(straight, straight + 1, straight + 2)]
            )


def test_the_terms_of_two_layers_sum_to_g() -> None:
    solution = build(FineTuningProblem([[t] for t in range(5)], edits={0: 1, 1: -1, 2: 2, 3: -1, 4: 1}), 2)
    above, below = plot_neurons(solution).axes
    terms = [line for line in below.lines if line.get_label().startswith("neuron")]
    assert len(terms) == solution.network.neurons == 3
    last = solution.network.layers[-1]
    bias = Fraction(last.bias[0], last.denominator[0])
    for t, wanted in enumerate((1, -1, 2, -1, 1)):
        assert sum(value_at(term, t) for term in terms) + float(bias) == pytest.approx(wanted)
        assert value_at(named(above, "g = sum of the terms + bias"), t) == pytest.approx(wanted)
    with pytest.raises(ValueError, match="3 layers: expected 2"):
        plot_neurons(build(random_problem(2), 3, construction="grid"))


def test_an_arrow_points_to_where_its_neuron_is_active() -> None:
    solution = build(FineTuningProblem([[t] for t in range(5)], edits={0: 1, 1: -1, 2: 2, 3: -1, 4: 1}), 2)
    above, below = plot_neurons(solution).axes
    terms = {line.get_color(): line for line in below.lines if line.get_label().startswith("neuron")}
    sides = []
    for arrow in above.texts:
        (t, _), (offset, _) = arrow.xy, arrow.xyann
        side = np.sign(offset) * (1 if arrow.arrowprops["arrowstyle"].startswith("<") else -1)  # of the head
        term = terms.pop(arrow.arrowprops["color"])
        assert value_at(term, t + side / 100) != 0 == value_at(term, t - side / 100)
        sides.append(side)
    assert not terms
    assert set(sides) == {-1, 1}


def test_every_edit_is_served_by_one_column_of_the_grid() -> None:
    solution = build(random_problem(3, edits=12), construction="grid")
    profile = Profile.of(solution)
    *columns, last = plot_grid(solution).axes
    assert len(columns) == len(solution.network.layers[1].bias) // 4
    served = [
        t for axes in columns for line in axes.lines if line.get_marker() == "o" for t in line.get_xdata()
    ]
    assert sorted(served) == sorted(float(profile.positions[i]) for i in solution.problem.delta)
    for axes in columns:
        mine = [t for line in axes.lines if line.get_marker() == "o" for t in line.get_xdata()]
        v = axes.lines[[line.get_linestyle() for line in axes.lines].index("--")]
        for i in solution.problem.delta:
            t = float(profile.positions[i])
            if t in mine:
                assert value_at(v, t) == pytest.approx(float(solution.problem.delta[i]), abs=1e-6)
        for text in last.texts:
            assert (text.xy[0] in mine) == (text.get_text() == axes.get_ylabel().removeprefix("column "))
    assert sorted(text.xy[0] for text in last.texts) == sorted(served)
    z = solution.network.hidden(solution.problem.points)[1]
    for column, axes in enumerate(columns):  # rows: M h + c + v, M h + c, M h - c + v, M h - c
        plain, below = (
            [Fraction(int(x), z.denominator) for x in z.numerators[:, 4 * column + k]] for k in (1, 3)
        )
        limit = 2 * (plain[0] - below[0])  # 4 c
        drawn = [value_at(named(axes, "M h (clipped)"), float(t)) for t in profile.positions]
        wanted = [max(-limit, min(limit, (a + b) / 2)) for a, b in zip(plain, below, strict=True)]
        assert drawn == pytest.approx([float(x) for x in wanted], abs=1e-6 * float(limit))
        assert any(0 < abs(x) < limit for x in wanted)
    assert value_at(named(last, "g, the sum of all columns"), served[0]) != 0
    for refused in (
        build(random_problem(3), 2),
        build(FineTuningProblem([[0], [1], [2]], edits={1: 1}), construction="grid"),
    ):
        with pytest.raises(ValueError, match="no grid of columns"):
            plot_grid(refused)


def test_the_crossing_is_in_the_band_at_the_edits_alone() -> None:
    solution = build(random_problem(4, edits=9), construction="band-crossing")
    profile = Profile.of(solution)
    above, right, below, _ = plot_crossing(solution).axes
    s = named(above, "S (clipped)")
    band = 4 * max(abs(x) for x in solution.problem.delta.values())
    for i, t in enumerate(profile.positions):
        inside = 1e-6 < value_at(s, float(t)) < float(band) - 1e-6
        assert inside == (i in solution.problem.delta)
        assert value_at(named(below, "g = D(S)"), float(t)) == pytest.approx(
            float(solution.problem.delta.get(i, 0)), abs=1e-4
        )
    stage = right.lines[0]
    for i, change in solution.problem.delta.items():  # D takes the heights of S to the changes
        height = value_at(s, float(profile.positions[i]))
        assert np.interp(height, stage.get_ydata(), stage.get_xdata()) == pytest.approx(
            float(change), abs=1e-4
        )
    assert sorted(named(right, "edited points").get_xdata()) == pytest.approx(
        sorted(map(float, solution.problem.delta.values()))
    )
    with pytest.raises(ValueError, match="no band crossing"):
        plot_crossing(build(random_problem(4), 2))


def test_a_square_for_every_weight_larger_for_a_larger_one() -> None:
    network = build(random_problem(5), construction="grid").network
    figure = plot_weights(network, block=4)
    for axes, layer in zip(figure.axes, network.layers, strict=True):
        positive, negative = axes.collections
        numbers = np.column_stack([layer.weight, layer.bias])
        assert len(positive.get_paths()) == (numbers > 0).sum()
        assert len(negative.get_paths()) == (numbers < 0).sum()
    sides = [
        (abs(Fraction(x, q)), path)
        for axes, layer in zip(figure.axes, network.layers, strict=True)
        for sign, squares in zip((1, -1), axes.collections, strict=True)
        for (x, q), path in zip(
            [
                (x, q)
                for row, b, q in zip(
                    layer.weight.tolist(), layer.bias.tolist(), layer.denominator, strict=True
                )
                for x in (*row, b)
                if x * sign > 0
            ],
            (float(np.ptp(path.vertices[:, 0])) for path in squares.get_paths()),
            strict=True,
        )
    ]
    sides.sort()
    assert all(a <= b + 1e-9 for (_, a), (_, b) in pairwise(sides))
    assert sides[0][1] < sides[-1][1]


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_every_pre_activation_is_drawn(layer: int) -> None:
    solution = build(random_problem(3), 4, construction="band-crossing")
    problem, network = solution.problem, solution.network
    z = network.hidden(problem.points)[layer - 1]
    figure = plot_pre_activations(solution, layer, columns=3)
    shown = [axes for axes in figure.axes if axes.axison]
    assert len(shown) == network.widths[layer - 1]
    for axes, column in zip(shown, z.numerators.T.tolist(), strict=True):
        line = named(axes, "pre-activation")
        for t, value in zip(positions(problem, solution.direction), column, strict=True):
            wanted = float(Fraction(int(value), z.denominator))
            assert value_at(line, float(t)) == pytest.approx(
                wanted, rel=1e-6, abs=1e-6 * abs(axes.get_ylim()[1])
            )
        active = [path for part in axes.collections for path in part.get_paths()]
        for t, value in zip(positions(problem, solution.direction), column, strict=True):
            if value:
                assert any(path.contains_point((float(t), 0)) for path in active) == (value > 0)
        assert set(named(axes, "edited points").get_xdata()) == {
            float(positions(problem, solution.direction)[i]) for i in problem.delta
        }
        assert ("log" in axes.get_yscale()) == ("log scale" in axes.get_title(loc="left"))
        assert len(axes.get_yticks()) == 3
        assert abs(axes.get_yticks()).max() <= abs(np.asarray(line.get_ydata())).max()
    with pytest.raises(ValueError, match="expected a hidden layer, 1 to 3"):
        plot_pre_activations(solution, 4)


@pytest.mark.parametrize(
    ("construction", "sort"), [("tents", True), ("grid", True), ("grid", False), ("general-position", False)]
)
def test_bars_stand_where_neurons_are_active(construction: str, sort: bool) -> None:
    solution = build(random_problem(6), construction=construction)
    problem, network = solution.problem, solution.network
    figure = plot_activations(problem, network, solution.direction if sort else None)
    order = list(range(problem.K))
    if sort:
        t = positions(problem, solution.direction or ())
        order.sort(key=t.__getitem__)
        assert order != list(range(problem.K)) != order[::-1]
    for axes, z in zip(figure.axes, network.hidden(problem.points), strict=False):
        bars = [part for part in axes.collections if part.get_paths()]
        drawn = np.zeros(z.shape, dtype=bool)
        for bar in bars:
            for path in bar.get_paths():
                (left, low), (right, high) = path.vertices.min(axis=0), path.vertices.max(axis=0)
                drawn[round(left + 0.5) : round(right + 0.5), round((low + high) / 2)] = True
        assert (drawn == (z.numerators > 0)[order]).all()
        assert {order[round(x)] for x in axes.lines[-1].get_xdata()} == problem.delta.keys()


def test_bounds_are_drawn_as_they_are() -> None:
    left, right = plot_bounds(200, (2, 3, 4)).axes
    for axes, depths, power in ((left, (2, 3, 4), 0.0), (right, (3, 4), 0.5)):
        for depth in depths:
            built = named(axes, f"{depth} layers")
            needed = axes.lines[[*axes.lines].index(built) - 1]
            for line, bound in ((built, bounds.upper), (needed, bounds.lower)):
                drawn = np.asarray(line.get_ydata()) * np.asarray(line.get_xdata()) ** power
                assert list(drawn) == pytest.approx([bound(depth, int(n)) for n in line.get_xdata()])


@pytest.mark.parametrize("one_sign", [False, True])
def test_a_line_stands_where_four_layers_begin_to_beat_three(one_sign: bool) -> None:
    axes = plot_bounds(300, (3, 4), one_sign).axes[1]
    [text] = axes.texts
    start = int(text.get_text().split()[2])
    assert [start, start] in [list(line.get_xdata()) for line in axes.lines]
    beaten = [bounds.upper(4, n, None, one_sign) < bounds.lower(3, n, None, one_sign) for n in range(1, 301)]
    assert all(beaten[start - 1 :])
    assert not beaten[start - 2]


def frozen(x: np.ndarray) -> np.ndarray:
    return np.column_stack([x[:, 0], x[:, 1]])


@pytest.mark.parametrize("slabs", [1, 2])
def test_the_points_in_all_drawn_slabs_of_a_group_are_its_members(slabs: int) -> None:
    points = np.random.default_rng(7).normal(size=(30, 2)).astype(np.float32).astype(float)
    labels = frozen(points).argmax(axis=1)
    problem = LabelProblem(points, frozen(points), {i: int(1 - labels[i]) for i in (3, 8, 20)})
    patch = patch_classifier(problem, slabs=slabs)
    axes = plot_regions(patch, frozen).axes[0]
    looks = set()
    for k, group in enumerate(patch.encoder.groups, start=1):
        inside = np.ones(len(points), dtype=bool)
        for j in range(len(group.slabs)):
            parts = [part for part in axes.patches if part.get_gid() == f"slab-{k}-{j}"]
            assert parts
            looks |= {(to_hex(part.get_edgecolor()), part.get_linestyle()) for part in parts}
            for part in parts:  # the number of the group stands at a corner
                assert str(k) in [
                    text.get_text() for text in axes.texts if list(text.xy) in part.get_xy().tolist()
                ]
            inside &= np.any(
                [
                    part.get_path().contains_points(points, radius=1e-7)
                    | part.get_path().contains_points(points, radius=-1e-7)
                    for part in parts
                ],
                axis=0,
            )
        assert sorted(np.flatnonzero(inside)) == sorted(group.members)
    assert len(looks) == len(patch.encoder.groups)
    assert not plot_regions(patch, frozen, patched=False).axes[0].patches


def test_edited_points_carry_the_marker_of_the_wanted_class() -> None:
    corners = np.array([[x, y] for x in range(4) for y in range(4)], dtype=float)
    patch = patch_classifier(LabelProblem(corners, frozen(corners), {7: 0, 8: 1}), slabs=1)
    axes = plot_regions(patch, frozen).axes[0]
    drawn = {line.get_gid(): line for line in axes.lines}
    assert drawn["edited-0"].get_xydata().tolist() == [[1, 3]]
    assert drawn["edited-1"].get_xydata().tolist() == [[2, 0]]
    for c in (0, 1):
        assert drawn[f"protected-{c}"].get_label() == f"class {c}"
        assert drawn[f"protected-{c}"].get_marker() == drawn[f"edited-{c}"].get_marker()
    assert drawn["edited-0"].get_marker() != drawn["edited-1"].get_marker()
    with pytest.raises(ValueError, match="3 inputs: expected 2"):
        plot_regions(patch_classifier(LabelProblem(np.eye(3), np.eye(3)[:, :2], {2: 1})), frozen)


def test_regions_are_those_of_the_classifier_before_and_after_the_patch() -> None:
    corners = np.array([[x, y] for x in range(4) for y in range(4)], dtype=float)
    patch = patch_classifier(LabelProblem(corners, frozen(corners), {7: 0, 8: 1}), slabs=2)
    for patched in (False, True):
        regions = plot_regions(patch, frozen, patched=patched).axes[0].collections[0].get_paths()
        for i, point in enumerate(corners):
            c = patch.problem.labels[i] if patched and i in (7, 8) else int(frozen(corners)[i].argmax())
            if point[0] != point[1]:  # the diagonal is where the classes meet
                assert [bool(within(region, [point])[0]) for region in regions] == [c == 0, c == 1]


def test_tints_differ_in_grey() -> None:
    def six(x: np.ndarray) -> np.ndarray:
        return np.asarray(x @ np.array([[np.cos(k), np.sin(k)] for k in range(6)]).T)

    points = np.random.default_rng(3).uniform(-1, 1, size=(40, 2))
    problem = LabelProblem(points, six(points), {0: (int(six(points)[0].argmax()) + 1) % 6})
    tints = plot_regions(patch_classifier(problem), six).axes[0].collections[0].get_facecolor()
    grey = sorted(np.asarray(tints)[:, :3] @ [0.299, 0.587, 0.114])
    assert len(grey) == 6
    assert min(np.diff(grey)) > 0.05


def test_g_is_drawn_by_its_sign() -> None:
    points = np.array([[0, 0], [4, 0], [0, 4], [5, 5], [-4, -3]])
    places = np.vstack([points, np.random.default_rng(0).integers(-64, 64, size=(200, 2)) / 16])
    steps = np.vstack([np.zeros((1, 2)), np.eye(2), -np.eye(2)]) / 8
    for edits in ({0: 1, 3: -2}, {0: 1, 3: 2}, {0: -1}):
        problem = FineTuningProblem(points, edits=edits)
        network = general_position(problem)
        axes = plot_hyperplanes(problem, network).axes[0]
        names = {to_hex(part.get_facecolor()): part.get_label() for part in axes.patches}
        wanted = {1: "g is positive", -1: "g is negative"}
        assert set(names.values()) == {wanted[np.sign(value)] for value in edits.values()}
        signs = np.array([np.sign(network((places + step).tolist())) for step in steps], dtype=int)
        calm = (signs == signs[0]).all(axis=0)  # away from the edges
        assert calm.sum() > 100
        for area in axes.collections:
            covered = np.any([within(path, places) for path in area.get_paths()], axis=0)
            name = names.get(to_hex(area.get_facecolor()[0]))
            assert (covered[calm] == [wanted.get(sign, "") == name for sign in signs[0][calm]]).all()


def test_what_is_added_to_a_picture_has_its_style() -> None:
    [[axes]] = panels()
    lines = [axes.plot([0, 1], [0, k], label=f"line {k}")[0] for k in range(3)]
    assert [line.get_color() for line in lines] == [color for color, *_ in LOOKS[:3]]
    assert not axes.legend().get_frame_on()
    axes.set(title="a title")
    assert axes.get_title(loc="left") == "a title"


def test_hyperplanes_are_where_the_first_layer_is_zero() -> None:
    problem = random_problem(8)
    network = general_position(problem)
    axes = plot_hyperplanes(problem, network).axes[0]
    first = network.layers[0]
    rows = np.column_stack([first.weight, first.bias]).astype(float)
    drawn = [line.get_xydata() for line in axes.lines if line.get_gid() == "hyperplane"]
    assert 0 < len(drawn) <= len(rows)
    for ends in drawn:
        off = np.abs(rows @ np.column_stack([ends, np.ones(2)]).T) / np.abs(rows).max(axis=1)[:, None]
        assert off.max(axis=1).min() < 1e-6
    with pytest.raises(ValueError, match="1 inputs: expected 2"):
        plot_hyperplanes(alternating(2), build(alternating(2)).network)


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_drawn_without_warnings_and_always_alike(name: str, tmp_path: Path) -> None:
    written = []
    for k in range(2):
        figure = FIGURES[name]()
        assert isinstance(figure, Figure)
        save(figure, tmp_path / f"{k}.svg")
        written.append((tmp_path / f"{k}.svg").read_bytes())
    assert written[0] == written[1]
    assert b"<svg" in written[0]
    assert b"<dc:date>" not in written[0]
    assert len(written[0]) < 600_000
    for axes in figure.axes:
        if axes.axison:
            assert axes.get_xlabel() or any(
                axes.get_shared_x_axes().joined(axes, one) for one in figure.axes if one is not axes
            )
            assert axes.get_ylabel() or axes is not figure.axes[0]


def test_the_figure_of_the_readme_is_current(tmp_path: Path) -> None:
    committed = (ROOT / "docs/figures/bounds.svg").read_text(encoding="utf-8")
    if f"Matplotlib v{matplotlib.__version__}," not in committed:
        pytest.skip("docs/figures/bounds.svg is by another version of matplotlib")
    save(FIGURES["bounds"](), tmp_path / "bounds.svg")
    assert (tmp_path / "bounds.svg").read_text(encoding="utf-8") == committed, "`make figures`, and commit it"


def test_the_command(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("figures") == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == list(FIGURES)
    assert run("figures", "windows", "five-points", "-o", "new/folder", "--format", "pdf") == 0
    assert sorted(path.name for path in Path("new/folder").iterdir()) == ["five-points.pdf", "windows.pdf"]
    capsys.readouterr()
    assert run("figures", "window", "-o", "other") == 2
    message = capsys.readouterr().err
    assert "unknown figure 'window': expected one of windows, " in message
    assert message.count("\n") == 1
    assert not Path("other").exists()
    Path("file").write_text("")
    assert run("figures", "-o", "file") == 2
    assert "file exists already and is no folder" in capsys.readouterr().err
