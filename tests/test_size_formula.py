"""Claimed numbers of neurons: evaluated exactly, refuted by instances that the kernel accepts."""

from __future__ import annotations

import operator
import random
import re
from dataclasses import replace
from fractions import Fraction
from math import isqrt
from pathlib import Path

import pytest

import verify
from constructions import FineTuningProblem, bounds, write_certificate
from constructions.obstruction import Obstruction, obstruct
from constructions.refutation import FAR, Consistent, Refutation, default_edits, refute
from constructions.size_formula import SizeFormula


def floor(text: str, n: int = 7, k: int | None = None, d: int = 1) -> int:
    return SizeFormula.parse(text).floor(n, k, d)


GIVEN = {"N": Fraction(7), "K": Fraction(41), "d": Fraction(3)}
OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": lambda a, b: Fraction(a // b), "%": operator.mod,
}  # fmt: skip


def random_expression(rng: random.Random, depth: int) -> tuple[str, Fraction]:
    """A formula, and what Python's fractions make of it."""
    if depth == 0:
        number = f"{rng.randint(0, 99)}.{rng.randint(0, 99)}"
        return rng.choice([*GIVEN.items(), (number, Fraction(number))])
    (a, left), (b, right) = random_expression(rng, depth - 1), random_expression(rng, rng.randrange(depth))
    power = rng.randint(0, 3)
    cases = [(f"({a} {op} {b})", f) for op, f in OPERATORS.items() if right or op in "+-*"]
    cases += [(f"(-{a})", lambda a, b: -a), (f"({a})**{power}", lambda a, b: a**power)]
    cases += [(f"min({a}, {b})", min), (f"max({b}, {a})", max)]
    text, value = rng.choice(cases)
    return text, value(left, right)


@pytest.mark.parametrize("seed", range(300))
def test_rational_formulas_are_what_python_makes_of_fractions(seed: int) -> None:
    rng = random.Random(seed)
    text, expected = random_expression(rng, rng.randint(1, 4))
    value = SizeFormula.parse(text).value(7, 41, 3)
    assert (int(value.p), int(value.q)) == (expected.numerator, expected.denominator)
    assert floor(text, 7, 41, 3) == expected.numerator // expected.denominator


@pytest.mark.parametrize("seed", range(30))
def test_roots_and_logarithms_next_to_integers(seed: int) -> None:
    rng = random.Random(seed)
    a, n = 10 ** rng.randint(0, 40) + rng.randint(0, 9), rng.randint(1, 10**12)
    assert floor(f"{a}*sqrt(N)", n) == isqrt(a * a * n)
    assert floor(f"ceil(-{a}*sqrt(N))", n) == -isqrt(a * a * n)
    root = rng.randint(2, 10**18)
    assert [floor(f"sqrt({root**2} + {e})") for e in (-1, 0, 1)] == [root - 1, root, root]
    e = rng.randint(2, 200)
    assert [floor(f"log2(2**{e} + {s})") for s in (-1, 0, 1)] == [e - 1, e, e]
    assert [floor(f"ceil(log2(2**{e} + {s}))") for s in (-1, 0, 1)] == [e, e, e + 1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sqrt(16)", 4),
        ("log2(8)", 3),
        ("log(8)/log(2)", 3),
        ("log(1/9)/log(3)", -2),
        ("2**log2(N)", 7),
        ("sqrt(N)*sqrt(N)", 7),
        ("N**0.5 * N**(1/2)", 7),
        ("exp(2*log(N))", 49),
        ("log(exp(3))", 3),
        ("2*log2(sqrt(8))", 3),
        ("sqrt(2) + sqrt(3) - sqrt(5 + 2*sqrt(6))", 0),
        ("ceil(log(8)/log(2))", 3),
        ("7.5 % -2", -1),
        ("-7 // 2", -4),
        ("-2**2", -4),
        ("2**3**2", 512),
        ("27**(1/3)", 3),
        ("10**17*N + 3*N - 10**17*N", 21),
        ("(0.1 + 0.2)*10 - 3", 0),
        ("min(4, sqrt(10), 3 + 1e-30)", 3),
        ("ceil(max(4, sqrt(10), 3) + 1e-300)", 5),
        ("sqrt(4 + 1e-300)", 2),
        ("-sqrt(4 + 1e-300)", -3),
        ("1_000 + 5. + .5", 1005),
        ("((1 + sqrt(2))**300 + (1 - sqrt(2))**300) % 7", 2),
        ("exp(-exp(exp(5)))", 0),
        ("-exp(-exp(exp(5)))", -1),
        ("ceil(exp(-exp(exp(5))))", 1),
    ],
)
def test_known_values(text: str, expected: int) -> None:
    assert floor(text) == expected


def test_a_value_above_the_limit_is_not_computed() -> None:
    assert floor("exp(9)") == 8103
    formula = SizeFormula.parse("exp(exp(N))")
    assert formula.floor(20, most=10) == 10
    assert SizeFormula.parse("N").floor(10, most=11) == 10
    with pytest.raises(ValueError, match=re.escape("exp(exp(N)) at N = 20: cannot decide an integer part")):
        formula.floor(20)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not an expression"),
        ("3*", "'3*' is not an expression"),
        ("x + 1", "'x' is not among numbers, N, K, d"),
        ("n", "'n' is not among"),
        ("__import__('os').system('true')", "is not among"),
        ("N.real", "'N.real' is not among"),
        ("f(N)", "'f(N)' is not among"),
        ("sqrt(N, 2)", "sqrt takes one argument, got 2"),
        ("sqrt(*N)", "'*N' is not among"),
        ("max(N, default=3)", "is not among"),
        ("min()", "min takes one argument or more"),
        ("2^N", "'2^N': a power is written **"),
        ("N if K else 3", "is not among"),
        ("N < 3", "is not among"),
        ("(N := 3)", "is not among"),
        ("[1]", "is not among"),
        ("lambda: 1", "is not among"),
        ("True", "'True' is not among"),
        ("'3'", "is not among"),
        ("1j", "'1j' is not among"),
        ("0x10", "'0x10' is not among"),
        ("1e9999999", "'1e9999999' is not among"),
        ("N·3", "expected at most 300 plain characters"),
        ("1" * 301, "expected at most 300 plain characters"),
        ("(" * 150 + "1" + ")" * 149, "is not an expression"),
    ],
)
def test_what_is_no_formula_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as error:
        SizeFormula.parse(text)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("N/(K - 9)", "formula N/(K - 9) at N = 7, K = 9: division by zero"),
        ("N % (log(8)/log(2) - 3)", "division by zero"),
        ("0 ** (N - 8)", "division by zero"),
        ("sqrt(3 - N)", "a root or a power of a negative number"),
        ("(-8)**(1/3)", "a root or a power of a negative number"),
        ("log(N - 7)", "at N = 7: logarithm of a number that is not positive"),
        ("9**9**9**9", "a power is too large"),
        ("sqrt(3**999999)", "a root of too long a number"),
        ("floor(exp(N*10**6))", "cannot decide an integer part"),
        ("floor(exp(exp(exp(5))))", "cannot decide an integer part: too large"),
        ("((1 + sqrt(2))**30000 + (1 - sqrt(2))**30000) % 7", "cannot decide an integer part"),
        ("(1 + sqrt(2))**30000 * (sqrt(2) - 1)**30000", "too close to an integer"),
        ("max((1 + sqrt(2))**-30000, (sqrt(2) - 1)**30000)", "cannot decide a sign: no proof that it is 0"),
        ("1 + exp(-exp(exp(5)))", "too close to an integer"),
        ("log2(2**300000 - 1)", "cannot decide an integer part: too large, or too close to an integer"),
    ],
)
def test_what_has_no_value_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        SizeFormula.parse(text).floor(7, 9)


def test_k_must_be_given_where_it_is_needed() -> None:
    with pytest.raises(ValueError, match="formula N \\+ K needs K"):
        SizeFormula.parse("N + K").value(3)


FORMULAS = ["3*N - 1", "2.5*N", "N + 3", "4*sqrt(N) - 1.5", "2*sqrt(N) + 1", "2*log2(N) + 3",
            "min(3*N, K - 3)", "sqrt(3*K)", "K - 2", "K/2 + N/d", "exp(N/9) + 2"]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("layers", [2, 3, 4])
@pytest.mark.parametrize("positive", [False, True])
def test_the_first_instance_that_refutes_is_found(
    tmp_path: Path, text: str, layers: int, positive: bool
) -> None:
    """Against a plain search over all N and K."""
    formula = SizeFormula.parse(text)
    pairs = [(n, k) for n in range(1, 25) for k in range(n, 4 * n + 2) if k >= 3]
    pairs = [
        (n, k) for n, k in pairs if bounds.lower_on_line(layers, n, k, positive) > formula.floor(n, k, 2)
    ]
    found = refute(formula, layers, range(1, 25), range(3, 97), d=2, one_sign=positive)
    if not pairs:
        assert isinstance(found, Consistent) or not found.certified
        return
    assert isinstance(found, Refutation)
    assert pairs[0] == (found.N, found.K)
    assert found.allowed == formula.floor(found.N, found.K, 2) < found.needed
    proof = found.obstruction
    assert proof is not None
    assert (proof.neurons, proof.problem.N, proof.problem.K) == (found.needed, found.N, found.K)
    assert (proof.problem.d, proof.problem.one_sign or not positive) == (2, True)
    verdict = verify.check(write_certificate(proof, tmp_path / "a"))
    assert verdict.status == "accepted", verdict.text()


def test_a_hair_decides() -> None:
    assert isinstance(refute("3*N", 2), Consistent)
    assert isinstance(refute("3*N + 1e-50", 2), Consistent)
    assert isinstance(refute("3*N - 1e-50", 2), Refutation)
    assert isinstance(refute("10**17*N - 10**17*N + 3*N", 2), Consistent)
    assert isinstance(refute("38.2", 3, [100]), Consistent)
    assert isinstance(refute("37.9", 3, [100]), Refutation)
    assert isinstance(refute("sqrt(38**2)", 3, [100]), Consistent)
    assert isinstance(refute("sqrt(38**2 - 1e-40)", 3, [100]), Refutation)


def test_any_number_of_points_without_a_list() -> None:
    found = refute("3*N - 1", 2)
    assert isinstance(found, Refutation)
    assert (found.N, found.K, found.allowed, found.needed) == (1, 5, 2, 3)
    found = refute("3.9*sqrt(N)", 3)
    assert isinstance(found, Refutation)
    for k in range(found.N, found.K):
        assert bounds.lower_on_line(3, found.N, k) <= found.allowed
    for n in range(1, found.N):
        assert bounds.lower_on_line(3, n) <= isqrt(39**2 * n // 100)
    fourfold = refute("4*sqrt(N) + 1", 3)
    assert isinstance(fourfold, Consistent)
    assert fourfold.tried == len(default_edits(fourfold.formula)) > 2000


def test_how_close_a_consistent_claim_is() -> None:
    found = refute("2*sqrt(N) + 4", 4, range(1, 200))
    assert isinstance(found, Consistent)
    gaps = [(isqrt(4 * n) + 4 - bounds.lower(4, n), n) for n in range(1, 200)]
    better = [(isqrt(4 * n) + 4 - bounds.upper(4, n), n) for n in range(1, 200)]
    assert (found.above_lower.neurons, found.above_lower.N) == min(gaps)
    assert (found.above_upper.neurons, found.above_upper.N) == min(better)
    assert found.above_upper.neurons == -1
    far = refute("exp(N)", 2, [10**6])
    assert isinstance(far, Consistent)
    assert far.above_upper.neurons == FAR


def test_a_bound_without_an_instance_is_told_apart() -> None:
    found = refute("2*sqrt(N) - 3", 5, [10**4])
    assert isinstance(found, Refutation)
    assert (found.certified, found.obstruction) == (False, None)
    assert (found.allowed, found.needed) == (197, bounds.lower_parameters(5, 10**4))
    later = refute("2*sqrt(N) - 3", 5, [1, 10**4])
    assert isinstance(later, Refutation)
    assert later.certified  # one neuron a layer
    steep = refute("197 - 10*(N - 10000)", 5, [10**4, 10**4 + 19])
    assert isinstance(steep, Refutation)
    assert (steep.N, steep.allowed, steep.certified) == (10**4 + 19, 7, True)


def test_an_instance_that_shows_too_little_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def weak(problem: FineTuningProblem, layers: int) -> Obstruction:
        found = obstruct(problem, layers)
        return replace(found, neurons=found.neurons - 1)

    monkeypatch.setattr("constructions.refutation.obstruct", weak)
    found = refute("3*N - 1", 2)
    assert isinstance(found, Refutation)
    with pytest.raises(RuntimeError, match="N = 1, K = 5 shows that 2 neurons are needed in 2 layers: expec"):
        assert found.obstruction is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("N", 1), "layers is too small: expected at least 2"),
        (("N", 2, [0]), "N is too small"),
        (("N", 2, [3], [1, 2]), "no N and K to try"),
        (("N", 2, []), "no N and K to try"),
        (("1/(N - 3)", 2, [3]), "formula 1/(N - 3) at N = 3: division by zero"),
    ],
)
def test_what_cannot_be_tried(arguments: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        refute(*arguments)
