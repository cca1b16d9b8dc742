"""The trusted checker: exact evaluation, exact files, formulas, and a verdict for every input."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from verify.kernel import Certificate, Malformed, check, read_certificate
from verify.kernel import certificate as certificate_module
from verify.kernel import check as check_function
from verify.kernel.bounds import NAMES, WITH_RESTARTS, bound_value
from verify.kernel.reader import integer, rational

ROOT = Path(__file__).parents[1]
CORPUS = Path(__file__).parent / "certificates"
Document = dict[str, Any]
Layers = list[tuple[list[list[Fraction]], list[Fraction]]]

SETTINGS = settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


def by_rows(rows: list[list[Fraction]], scales: list[int], width: int | None = None) -> Document:
    """An inline array with a denominator for each row, expanded by `scales`."""
    below = [scale * int(np.lcm.reduce([1, *(x.denominator for x in row)], dtype=object))
             for row, scale in zip(rows, scales, strict=True)]  # fmt: skip
    numerators = [str(int(x * q)) for row, q in zip(rows, below, strict=True) for x in row]
    shape = [len(rows)] if width is None else [len(rows), width]
    return {"shape": shape, "denominators": [str(q) for q in below], "numerators": numerators}


def certificate_of(network: list[Document], points: Document, outputs: int, **more: Any) -> Document:
    neurons = sum(len(layer["bias"]["denominators"]) for layer in network[:-1])
    return {
        "format": "ftc-certificate",
        "version": 1,
        "claims": [{"kind": "edit", "neurons": neurons, "layers": len(network)}],
        "points": points,
        "edits": {"index": [], "value": {"shape": [0, outputs], "denominator": "1", "numerators": []}},
        "network": network,
        **more,
    }


def write(document: Document, path: Path) -> Path:
    path.write_text(json.dumps(document))
    return path


def corpus() -> list[Path]:
    return sorted(p for p in CORPUS.glob("*ed/*") if p.is_dir() or p.suffix == ".json")


def good(name: str = "edit") -> Document:
    document: Document = json.loads((CORPUS / "accepted" / f"{name}.json").read_text())
    return document


# Evaluation

NUMBERS = st.one_of(
    st.integers(-9, 9).map(Fraction),
    st.fractions(-10, 10, max_denominator=60),
    st.builds(Fraction, st.integers(-(10**200), 10**200), st.integers(1, 10**200)),
    st.builds(lambda p, k: Fraction(p, 2**k), st.integers(-9, 9), st.integers(0, 1074)),
)


@st.composite
def networks(draw: st.DrawFn) -> tuple[Layers, list[list[Fraction]]]:
    """Rational layers with widths 0 to 4, depth 1 to 5; and points."""
    d, depth = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    widths = [
        *draw(st.lists(st.integers(0, 4), min_size=depth - 1, max_size=depth - 1)),
        draw(st.integers(1, 3)),
    ]
    layers: Layers = []
    inputs = d
    for width in widths:
        row = st.lists(NUMBERS, min_size=inputs, max_size=inputs)
        weight = draw(st.lists(row, min_size=width, max_size=width))
        layers.append((weight, draw(st.lists(NUMBERS, min_size=width, max_size=width))))
        inputs = width
    points = draw(st.lists(st.lists(NUMBERS, min_size=d, max_size=d), min_size=1, max_size=4))
    return layers, points


def naive(layers: Layers, x: list[Fraction]) -> list[Fraction]:
    for k, (weight, bias) in enumerate(layers):
        if k:
            x = [max(z, Fraction(0)) for z in x]
        x = [
            sum((w * z for w, z in zip(row, x, strict=True)), b) for row, b in zip(weight, bias, strict=True)
        ]
    return x


@SETTINGS
@given(problem=networks(), seed=st.integers(0, 9))
def test_the_integer_network_equals_the_rational_one(
    problem: tuple[Layers, list[list[Fraction]]], seed: int, folder: Path
) -> None:
    layers, points = problem
    scale = random.Random(seed).randrange

    def scaled(rows: list[list[Fraction]], width: int | None = None) -> Document:
        return by_rows(rows, [scale(1, 5) for _ in rows], width)

    inputs, network = len(points[0]), []
    for weight, bias in layers:
        network.append({"weight": scaled(weight, inputs), "bias": scaled([[b] for b in bias])})
        inputs = len(bias)
    document = certificate_of(network, scaled(points, len(points[0])), inputs)
    read = read_certificate(str(write(document, folder / "network.json")))
    assert read.network is not None
    assert read.network.neurons == sum(len(bias) for _, bias in layers[:-1])
    for x, point in zip(points, read.points.rows(), strict=True):
        got = [
            Fraction(n, q * point[1])
            for n, q in zip(read.network(point), read.network.denominators, strict=True)
        ]
        assert got == naive(layers, x)


# Integers


def some_integers() -> Iterator[tuple[str, int]]:
    """Decimal texts and values that grow together, without `int(text)` or `str(value)`."""
    rng = random.Random(0)
    for digits in (1, 2, 599, 600, 601, 640, 641, 1201, 4300, 4301, 9999, 20000):
        for kind in ("random", "nines", "zeros"):
            values = [rng.randrange(10) for _ in range(digits)]
            values = {"random": values, "nines": [9] * digits, "zeros": [0] * digits}[kind]
            values[0] = values[0] or 1
            value = 0
            for start in range(0, digits, 500):
                part = values[start : start + 500]
                value = value * 10 ** len(part) + int("".join(map(str, part)))
            text = "".join(map(str, values))
            yield text, value
            yield "-" + text, -value


@pytest.mark.parametrize("limit", [None, 640, 0])
def test_integers_of_any_length_whatever_limit_python_has(limit: int | None) -> None:
    before = sys.get_int_max_str_digits()
    try:
        if limit is not None:
            sys.set_int_max_str_digits(limit)
        for text, value in some_integers():
            assert integer(text, "here") == value
        assert integer("0", "here") == 0
        assert check(CORPUS / "accepted" / "integers-of-20000-digits.json").status == "accepted"
        assert "20000 digits" in check(CORPUS / "malformed" / "integer-20001-digits.json").text()
    finally:
        sys.set_int_max_str_digits(before)


@given(st.integers(-(10**30), 10**30))
def test_every_canonical_integer_is_read(value: int) -> None:
    assert integer(str(value), "here") == value
    assert rational(str(value), "here") == (value, 1)


@given(st.text("0123456789+-_ .e/٠１\n", max_size=6))
def test_no_other_text_is_an_integer(text: str) -> None:
    canonical = text.isascii() and text.removeprefix("-").isdigit() and str(int(text)) == text
    if canonical:
        assert integer(text, "here") == int(text)
    else:
        with pytest.raises(Malformed):
            integer(text, "here")


@given(st.integers(-60, 60), st.integers(-5, 60))
def test_a_rational_is_read_in_lowest_terms_only(p: int, q: int) -> None:
    lowest = q > 1 and Fraction(p, q).denominator == q
    if lowest:
        assert rational(f"{p}/{q}", "here") == (p, q)
    else:
        with pytest.raises(Malformed, match="in lowest terms"):
            rational(f"{p}/{q}", "here")


# Files beside the certificate


def with_points(points: NDArray[Any], target: Path, **more: Any) -> Path:
    """A folder with a certificate for `g = 0`, the points in a file."""
    target.mkdir(exist_ok=True)
    np.save(target / "points.npy", points)
    d = points.shape[1]
    zero = {"weight": by_rows([[Fraction(0)] * d], [1], d), "bias": by_rows([[Fraction(0)]], [1])}
    document = certificate_of([zero], named_file(target / "points.npy"), 1, **more)
    write(document, target / "certificate.json")
    return target


def named_file(path: Path) -> Document:
    return {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def read_points(path: Path) -> list[list[Fraction]]:
    return [[Fraction(x, q) for x in row] for row, q in read_certificate(str(path)).points.rows()]


def fractions_of(points: NDArray[Any]) -> list[list[Fraction]]:
    return [[Fraction(x) for x in row] for row in points.tolist()]


EXTREMES: dict[str, list[float] | list[int]] = {
    "<f8": [
        0.0,
        -0.0,
        5e-324,
        -5e-324,
        2.0**-1022,
        1.7976931348623157e308,
        -1.7976931348623157e308,
        0.1,
        1 / 3,
    ],
    "<f4": [
        0.0,
        -0.0,
        2.0**-149,
        -(2.0**-149),
        2.0**-126,
        3.4028234663852886e38,
        -3.4028234663852886e38,
        0.1,
    ],
    "<i8": [0, 1, -1, 2**63 - 1, -(2**63), 2**53 + 1, 255],
    "|u1": [0, 1, 127, 128, 255],
}


@pytest.mark.parametrize("dtype", sorted(EXTREMES))
def test_extreme_entries_of_a_file_are_exact(dtype: str, tmp_path: Path) -> None:
    values = np.array(EXTREMES[dtype], dtype=dtype)
    for points in (values[:, None], values[None, :], np.stack([values, values[::-1]], axis=1)):
        assert read_points(with_points(points, tmp_path / "a")) == fractions_of(points)


@SETTINGS
@given(data=st.data(), dtype=st.sampled_from(sorted(EXTREMES)), d=st.integers(1, 3))
def test_every_entry_of_a_file_is_exact(data: st.DataObject, dtype: str, d: int, folder: Path) -> None:
    if dtype[1] == "f":
        width = int(dtype[2]) * 8
        entry: st.SearchStrategy[Any] = st.floats(width=width, allow_nan=False, allow_infinity=False)
    else:
        kind = np.iinfo(dtype)
        entry = st.integers(int(kind.min), int(kind.max))
    rows = data.draw(st.lists(st.lists(entry, min_size=d, max_size=d), min_size=1, max_size=9))
    assert read_points(with_points(np.array(rows, dtype=dtype), folder / "b")) == fractions_of(
        np.array(rows, dtype=dtype)
    )


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [("<f8", (8191, 1)), ("<f8", (8192, 1)), ("<f8", (8193, 1)), ("<f4", (5600, 3)), ("<i8", (2, 9001)),
     ("|u1", (65537, 1)), ("|u1", (3, 70000))],
)  # fmt: skip
def test_rows_go_on_over_the_borders_of_chunks(dtype: str, shape: tuple[int, int], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    points = rng.integers(0, 256, size=shape).astype(dtype)
    path = with_points(points, tmp_path / "a")
    rows = [row for row, q in read_certificate(str(path)).points.rows() if q == 1]
    assert rows == points.astype(int).tolist()
    assert check(path).status == "accepted"


def test_an_edit_at_the_end_of_a_long_file_is_seen(tmp_path: Path) -> None:
    points = np.zeros((20000, 1))
    points[-1] = 5e-324
    path = with_points(points, tmp_path / "a")
    document = json.loads((path / "certificate.json").read_text())
    document["network"][0]["weight"]["numerators"] = ["1"]
    write(document, path / "certificate.json")
    assert "point 19999: g[0] at a protected point" in check(path).text()


def test_a_long_file_is_streamed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Checking 1.6 MB of floats, which decode to over 16 MB, takes far less than the file itself."""
    monkeypatch.setattr(certificate_module, "MAX_JSON", 10**5)  # one buffer of this size is made
    points = np.random.default_rng(0).normal(size=(400, 500))
    path = with_points(points, tmp_path / "a")
    tracemalloc.start()
    try:
        assert check(path).status == "accepted"
        assert tracemalloc.get_traced_memory()[1] < 10**6
    finally:
        tracemalloc.stop()


def test_a_small_certificate_takes_little_memory() -> None:
    tracemalloc.start()
    try:
        check(CORPUS / "accepted" / "edit.json")
        assert tracemalloc.get_traced_memory()[1] < 10**7
    finally:
        tracemalloc.stop()


def opened(tmp_path: Path) -> tuple[Certificate, Path]:
    path = with_points(np.arange(6.0)[:, None], tmp_path / "a")
    return read_certificate(str(path)), path / "points.npy"


def test_a_file_that_changes_after_it_was_opened_is_found_out(tmp_path: Path) -> None:
    read, file = opened(tmp_path)
    content = file.read_bytes()
    for changed, reason in (
        (content[:-1], "too short"),
        (content[:-48], "too short"),
        (b"", "file changed"),
        (content + b"\0", "too long"),
        (content[:-1] + bytes([content[-1] ^ 1]), "SHA-256 differs"),
        (content.replace(b"(6, 1)", b"(2, 3)"), "file changed"),
        (content.replace(b"<f8", b"<i8"), "file changed"),
    ):
        file.write_bytes(changed)
        with pytest.raises(Malformed, match=reason):
            read.validate()
    file.write_bytes(content)
    read.validate()


@pytest.mark.parametrize("array", ["points", "base"])
@pytest.mark.parametrize("change", ["overwrite", "remove"])
def test_a_file_that_changes_between_two_passes_is_found_out(array: str, change: str, tmp_path: Path) -> None:
    """The second of two claims reads the file again: what it says is worth nothing then."""
    path = with_points(np.arange(6.0)[:, None], tmp_path / "a")
    np.save(path / "base.npy", np.ones((6, 1)))
    document = json.loads((path / "certificate.json").read_text())
    document["base"] = named_file(path / "base.npy")
    document["claims"] *= 2
    write(document, path / "certificate.json")
    file = path / f"{array}.npy"

    def progress(done: int, total: int) -> None:
        if done == total and change == "overwrite":
            np.save(file, np.full((6, 1), 7.0))
        elif done == total:
            file.unlink(missing_ok=True)

    assert check(path).status == "accepted"
    verdict = check(path, progress)
    assert verdict.status == "malformed"
    assert ("SHA-256 differs" if change == "overwrite" else "cannot read") in verdict.text()


# Formulas


@cache
def double_root(n: int) -> int:
    """`ceil(2 sqrt n)`."""
    return next(s for s in range(4 * n + 2) if s * s >= 4 * n)


@cache
def least(n: int, cost: int, every: int | None, groups_count: int = 1) -> int:
    """`min_r groups_count G + cost r + floor((G-1)/s)`, over every `r` that could matter."""
    totals = []
    for r in range(1, n + 2):
        groups = -(-n // r)
        totals.append(groups_count * groups + cost * r + ((groups - 1) // every if every else 0))
    return min(totals)


def by_the_page(name: str, layers: int, n: int, k: int, one_sign: bool, every: int | None) -> int | None:
    """The table of `verify/CERTIFICATE.md`."""
    c = h = 3 if one_sign else 4
    fits = {"two-layer": layers == 2, "three-layer": layers == 3}.get(name, layers >= 4)
    if not fits:
        return None
    if n == 0:
        return 0
    if name == "two-layer":
        return {1: 0, 2: 1, 3: 2, 4: 2 if n == 1 else 3}.get(k, min(3 * n, k - 2))
    if name == "three-layer":
        memorizing = double_root(k) if every is None else least(k, 1, every)
        return min(least(n, c, every), memorizing)
    if name == "four-layer":
        return (double_root(n) if every is None else least(n, 1, every)) + h + layers - 4
    if name == "four-layer-moderate":
        return least(n, 1, None, 2) + h - 1 + layers - 4
    return least(n, 3, every) + 2 + layers - 4


@pytest.mark.parametrize("name", NAMES)
def test_every_bound_is_its_formula(name: str) -> None:
    distances = [None, *range(1, 6)] if name in WITH_RESTARTS else [None]
    sizes = range(1, 81) if name in ("two-layer", "three-layer") else (1, 40, 80)
    for every in distances:
        bound = {"name": name} if every is None else {"name": name, "restart_every": every}
        for layers in (1, 2, 3, 4, 5, 9):
            for k in sizes:
                for n in range(min(40, k) + 1):
                    for one_sign in (False, True):
                        wanted = by_the_page(name, layers, n, k, one_sign, every)
                        assert bound_value(bound, layers, n, k, one_sign) == wanted


def test_a_large_bound_takes_no_time() -> None:
    n = 10**8
    assert bound_value({"name": "four-layer"}, 4, n, 10**10, True) == 2 * 10**4 + 3
    grid = min(-(-n // r) + 3 * r for r in range(5_500, 6_000))  # around sqrt(n / 3)
    assert bound_value({"name": "three-layer"}, 3, n, 10**10, True) == grid


# Verdicts


@pytest.mark.parametrize(
    ("spoiled", "named"),
    [
        (("bound", "points", "layers", "neurons"), "neurons"),
        (("bound", "points", "layers"), "layers"),
        (("bound", "points"), "point 0: g[0] at a protected point"),
        (("bound", "last"), "point 5: g[0] at a protected point"),
        (("bound",), "bound"),
    ],
)
def test_obligations_in_order(spoiled: tuple[str, ...], named: str, tmp_path: Path) -> None:
    """First the neurons, then the layers, the points one after the other, and at last the bound."""
    document = good()
    if "bound" in spoiled:
        document["claims"][0]["bound"] = {"name": "three-layer"}
    if "points" in spoiled:
        document["network"][1]["bias"]["numerators"] = ["1"]
    if "last" in spoiled:
        document["points"]["numerators"][5] = "2"
    if "layers" in spoiled:
        document["claims"][0]["layers"] = 4
    if "neurons" in spoiled:
        document["claims"][0]["neurons"] = 4
    text = check(write(document, tmp_path / "a.json")).text()
    assert text.startswith(f"rejected: claim 0 (edit): {named}")


def test_every_claim_is_judged_by_itself(tmp_path: Path) -> None:
    document = good()
    right = {"kind": "edit", "neurons": 3, "layers": 2}
    document["claims"] = [right, {**right, "neurons": 2}, right, {**right, "bound": {"name": "sign-lift"}}]
    verdict = check(write(document, tmp_path / "a.json"))
    assert verdict.status == "rejected"
    assert [finding.violation is None for finding in verdict.findings] == [True, False, True, False]
    words = [line.partition(":")[0] for line in verdict.text().splitlines()]
    assert words == ["rejected", "rejected", "accepted", "accepted"]  # what fails comes first
    document["claims"][1:] = [{**right, "kind": "other"}]
    assert check(write(document, tmp_path / "a.json")).status == "malformed"


def test_progress_reaches_every_point(tmp_path: Path) -> None:
    path = with_points(np.zeros((1000, 1)), tmp_path / "a")
    document = json.loads((path / "certificate.json").read_text())
    document["claims"] *= 2
    write(document, path / "certificate.json")
    calls: list[tuple[int, int]] = []
    check(path, lambda done, total: calls.append((done, total)))
    assert calls == [(256, 1000), (512, 1000), (768, 1000), (1000, 1000)] * 2


def test_every_verdict_is_plain_and_printable() -> None:
    for path in corpus():
        verdict = check(path)
        for line in verdict.text().split("\n"):
            assert line.isascii()
            assert line.isprintable()
            assert len(line) < 1000
        claims = 1 if verdict.status == "malformed" else len(verdict.findings)
        assert verdict.text().count("\n") == claims - 1
        assert json.loads(json.dumps(verdict.as_dict()))["status"] == verdict.status


def test_the_facts_of_a_verdict() -> None:
    verdict = check(CORPUS / "accepted" / "edit.json")
    assert verdict.as_dict() == {
        "status": "accepted",
        "findings": (
            {
                "claim": {
                    "kind": "edit",
                    "neurons": 3,
                    "layers": 2,
                    "bound": {"name": "two-layer", "value": 3},
                },
                "violation": None,
                "proved": (
                    "3 neurons, 2 layers, at most 3 by the bound two-layer; "
                    "1 edits and 5 protected points, exactly"
                ),
            },
        ),
        "points": 6,
        "edits": 1,
    }
    verdict = check(CORPUS / "malformed" / "version-two.json")
    assert verdict.as_dict() == {"status": "malformed", "place": "version", "reason": "expected 1"}


# Whatever stands at the path


def test_paths_that_hold_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop.json").symlink_to("loop.json")
    (tmp_path / "dangling.json").symlink_to("nothing")
    (tmp_path / "nested" / "certificate.json").mkdir(parents=True)
    paths = [tmp_path / name for name in ("folder", "loop.json", "dangling.json", "nested", "missing.json")]
    paths += [
        tmp_path / "a\nb.json",
        tmp_path / "\udcff.json",
        tmp_path / ("n" * 5000),
        tmp_path / "f" / "g.json",
    ]
    texts = ["", "\0", "a\0b.json", str(tmp_path / "\ud800.json"), os.devnull]
    for path in [*map(str, paths), *texts]:
        verdict = check(path)
        assert verdict.status == "malformed"
        assert verdict.place == "certificate"
        assert verdict.text().isascii()
        assert verdict.text().isprintable()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is unreadable to root")
def test_an_unreadable_file(tmp_path: Path) -> None:
    path = write(good(), tmp_path / "a.json")
    path.chmod(0)
    assert check(path).text().startswith("malformed: certificate: cannot read")


def command(path: Path, timeout: float) -> str:
    run = subprocess.run(
        [sys.executable, "-E", "-s", "-S", "-m", "verify", str(path)],
        cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    assert run.returncode == 4
    assert run.stderr == ""
    return run.stdout


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "folder" / "certificate.json")
    path = with_points(np.zeros((2, 1)), tmp_path / "a")
    (path / "points.npy").unlink()
    os.mkfifo(path / "points.npy")
    for name in ("pipe.json", "folder", "a"):
        assert "is not a regular file" in command(tmp_path / name, 20)


def test_rows_without_entries_do_not_run_on(tmp_path: Path) -> None:
    document = good()
    del document["base"]
    document["edits"]["value"] = {"shape": [10**5, 0], "denominator": "1", "numerators": []}
    assert check(write(document, tmp_path / "a.json")).status == "malformed"


def test_many_rows_without_entries_take_no_time(tmp_path: Path) -> None:
    document = good()
    document["edits"]["value"] = {"shape": [10**18, 0], "denominator": "1", "numerators": []}
    command(write(document, tmp_path / "a.json"), 2)


def test_links(tmp_path: Path) -> None:
    """A file is taken from the folder itself; the folder may be reached by a link."""
    path = with_points(np.zeros((2, 1)), tmp_path / "a")
    (tmp_path / "link").symlink_to(path)
    assert check(tmp_path / "link").status == "accepted"
    file = path / "points.npy"
    file.rename(path / "other.npy")
    file.symlink_to("other.npy")
    assert check(path).status == "accepted"
    file.unlink()
    (path / "other.npy").rename(tmp_path / "points.npy")
    (path / "deeper").mkdir()
    np.save(path / "deeper" / "points.npy", np.zeros((2, 1)))
    for outside in (
        "../points.npy",
        str(tmp_path / "points.npy"),
        "deeper/points.npy",
        "../link/deeper/points.npy",
    ):
        file.symlink_to(outside)
        assert check(path).text() == "malformed: points: points.npy lies outside of the folder"
        file.unlink()
    file.symlink_to("points.npy")
    assert check(path).status == "malformed"
    file.unlink()
    file.symlink_to("nothing.npy")
    assert check(path).text().startswith("malformed: points: cannot read")


def test_json_beyond_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = write(good(), tmp_path / "a.json")
    monkeypatch.setattr(certificate_module, "MAX_JSON", path.stat().st_size)
    assert check(path).status == "accepted"
    monkeypatch.setattr(certificate_module, "MAX_JSON", path.stat().st_size - 1)
    assert check(path).text() == "malformed: certificate: the JSON file has over 1 GiB"


@pytest.mark.slow
def test_json_of_one_gib(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    with path.open("wb") as stream:
        stream.truncate((1 << 30) + 1)
    assert check(path).text() == "malformed: certificate: the JSON file has over 1 GiB"


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "Input/output error")])
def test_a_machine_that_fails_accepts_nothing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: str) -> Certificate:
        raise error

    module = sys.modules[check_function.__module__]
    monkeypatch.setattr(module, "read_certificate", fails)
    assert check(CORPUS / "accepted" / "edit.json").status == "malformed"
