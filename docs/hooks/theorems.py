"""The theorems with the evidence for each, made anew whenever the site is built: networks are built and the
kernel judges their certificates, claims are hunted, and lemmas are proven.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import verify.kernel
from constructions import FineTuningProblem, VectorProblem, bounds, build, patch_vectors, write_certificate
from constructions.adversarial import worst_case
from constructions.classifier import patch_classifier
from constructions.labels import LabelProblem
from constructions.literature import CLAIMS
from constructions.obstruction import obstruct
from verify.symbolic import LEMMAS

N = 100
"""The number of edits in what is built here."""

Made = Callable[[], Any]
"""Makes what `write_certificate` takes."""


@dataclass(frozen=True)
class Theorem:
    """A statement and its evidence: `executed` and `obstructed` make what goes into a certificate, by the
    name of what makes it; `hunted` are names of claims, `symbolic` names of lemmas. `numbers` are the proven
    least and the built number of neurons for `N` edits in the worst case. `published` says what of the
    statement is published where; the rest is this project's own."""

    key: str
    title: str
    statement: str
    module: str
    published: str = "nothing known to us"
    executed: dict[str, Made] = field(default_factory=dict)
    hunted: tuple[str, ...] = ()
    symbolic: tuple[str, ...] = ()
    obstructed: dict[str, Made] = field(default_factory=dict)
    numbers: tuple[int | None, int | None] = (None, None)


def built(name: str, layers: int, **options: Any) -> dict[str, Made]:
    """A named construction on the worst case for as many layers."""
    return {name: lambda: build(worst_case(N, layers), layers, construction=name, **options)}


def spread(count: int) -> list[tuple[int, int, int]]:
    """Points on the curve `(t, t^2, t^3)`: no plane holds four of them."""
    return [(t, t**2, t**3) for t in range(count)]


def spatial(name: str) -> dict[str, Made]:
    edits = {i: Fraction((-1) ** i * (1 + i % 7)) for i in range(N)}
    return {name: lambda: build(FineTuningProblem(spread(2 * N), edits=edits), construction=name)}


def _classifier() -> Any:
    labels = {i: 1 + i % 2 for i in range(12)}
    points = [[(17 * i + k * k * i) % 101 for k in range(8)] for i in range(40)]
    return patch_classifier(LabelProblem(points, [[1, 0, 0]] * 40, labels))


def _vectors() -> Any:
    edits = {i: [1 + i % 4, -1] for i in range(N)}
    return patch_vectors(VectorProblem(spread(2 * N), [[0, 0]] * (2 * N), edits))


def against(layers: int, points: int | None = None) -> dict[str, Made]:
    """Windows of the worst case for as many layers, and points."""
    name = "obstruct" if points is None else f"obstruct for K = {points}"
    return {name: lambda: obstruct(worst_case(N, layers, points), layers)}


def least(name: str, points: list[list[int]], edits: dict[int, int]) -> dict[str, Made]:
    """That no network of two layers is smaller than the least one."""

    def make() -> Any:
        from constructions.exact_width import least_width

        return least_width(FineTuningProblem(points, edits=edits)).obstruction

    return {f"least_width for {name}": make}


def small(*values: int) -> dict[str, Made]:
    """The same for values at the points 0, 1, .. of a line."""
    edits = {t: value for t, value in enumerate(values) if value}
    return least(f"the values {', '.join(map(str, values))}", [[t] for t in range(len(values))], edits)


THEOREMS = (
    Theorem(
        "two-layers", "Two layers: exactly min(3N, K-2)",
        r"$\mathrm{FTC}_2(N, K) = \min(3N, K-2)$ for all $K \ge 5$. If $N \ge 1$, it is $0, 1, 2$ for"
        r" $K = 1, 2, 3$; for $K = 4$ it is $2$ if $N = 1$ and $3$ otherwise.",
        "constructions.two_layer",
        r"the order $N$ [Sohn2024]; for $N = K$ at most $N$ neurons [Zhang2017], and that $K - 1$ are "
        r"enough and $K - 3$ are not [Inoue2019]",
        built("tents", 2) | built("memorizer", 2) | built("fewest-breakpoints", 2),
        ("tents", "memorizer"),
        ("tent", "five-points-one-of-two", "five-points-first-case", "five-points-second-case",
         "five-points-two-breakpoints", "further-point"),
        against(2) | small(0, 1) | small(0, 1, 0) | small(0, 1, 0, 0) | small(1, 0, 1, 0),
        (bounds.lower(2, N), bounds.upper(2, N)),
    ),
    Theorem(
        "windows", "A line: windows force breakpoints",
        r"If the second differences of the values at $t_a < t_b < t_c$ are positive (negative), every "
        r"piecewise linear interpolant bends up (down) strictly between $t_a$ and $t_c$. The greatest "
        r"number of such windows that are disjoint among equal signs is the least number of breakpoints: "
        r"an interpolant reaches it.",
        "constructions.obstruction", executed=built("fewest-breakpoints", 2),
        symbolic=("window",), obstructed=against(2),
    ),
    Theorem(
        "three-layers", "Three layers: min(2 sqrt K, 4 sqrt N) up to a constant",
        r"For all $K$, $\mathrm{FTC}_3(N, K)$ is at most $\min_r \lceil N/r \rceil + 4r$, which is at "
        r"most $4\sqrt{N} + 1$, and at most $\lceil 2\sqrt{K} \rceil$. It is at least $\lfloor 2\sqrt{2w "
        r"+ 1} \rfloor - 2$ with $w = \min(2N, \lfloor (K-1)/2 \rfloor)$, that is $\lfloor 2\sqrt{4N + 1} "
        r"\rfloor - 2$ for $K \ge 4N + 1$; and at least $2\sqrt{K-1} - 2$ for $5 \le K \le 3N + 2$. If "
        r"all changes have one sign, it is at most $\min_r \lceil N/r \rceil + 3r$, which is at most "
        r"$2\sqrt{3N} + 1$, and for $K \ge 4N + 1$ at least $2\sqrt{3N + 1} - 2$.",
        "constructions.three_layer",
        r"the order $\sqrt N$ [Sohn2024]; for $N = K$ the upper bounds of about $4\sqrt{N}$ [Yun2019] and "
        r"$2\sqrt{N}$ [Inoue2019], and of that order [Huang2003] for sigmoids",
        built("grid", 3) | built("three-layer-memorizer", 3),
        ("grid", "three-layer-memorizer"),
        ("three-neuron-bump", "four-neuron-bump", "steep-enough"),
        against(3) | against(3, points=7 * N // 2), (bounds.lower(3, N), bounds.upper(3, N)),
    ),
    Theorem(
        "four-layers", "Four layers and more: 2 sqrt N up to a constant",
        r"For every $K$, $\mathrm{FTC}_4(N, K)$ is at most $\lceil 2\sqrt{N} \rceil + 4$, and at most "
        r"$\lceil 2\sqrt{N} \rceil + 3$ if all changes have one sign; every further layer costs at most "
        r"one neuron more. At every depth $L \ge 3$ at least $2\sqrt{N} - 2$ are needed, and at least "
        r"$2\sqrt{N-1} - 1$ for $L = 4$, by a count of parameters, for which no single instance stands: "
        r"the obstruction below shows less.",
        "constructions.four_layer",
        r"for $N = K$, three layers with $\lceil 2\sqrt{N} \rceil$ [Inoue2019]; for points that are apart "
        r"and a few classes, many more layers with about $\sqrt{N}$ parameters, up to logarithms "
        r"[Vardi2022]",
        built("band-crossing", 4),
        ("band-crossing", "band-crossing-one-sign"),
        ("band-stage", "one-sign-stage", "carry"),
        against(4), (bounds.lower(4, N), bounds.upper(4, N)),
    ),
    Theorem(
        "lift", "The sign lift",
        r"A one-sign network with the heights $\delta_i + B$, $B > 2 \max|\delta|$, followed by $D(s) = "
        r"3\,\mathrm{relu}(s - B/2) - 2\,\mathrm{relu}(s - B/4)$, makes changes of any sign: $\min_r "
        r"\lceil N/r \rceil + 3r + 2$ neurons in four layers.",
        "constructions.four_layer", executed=built("sign-lift", 4),
        symbolic=("sign-lift", "three-neuron-bump"),
    ),
    Theorem(
        "short-numbers", "Four layers with short numbers",
        r"$\min_r 2\lceil N/r \rceil + r + 3$ neurons do with weights that are all dyadic, if points and "
        r"changes are: two knots in every gap let each group start afresh. Denominators can be cleared in "
        r"any case.",
        "constructions.crossing", executed=built("band-crossing", 4, numbers="moderate"),
        symbolic=("restart", "positive-homogeneity"),
    ),
    Theorem(
        "general-position", "General position in d dimensions",
        r"If no $d + 1$ points lie on a hyperplane, two layers need at most $4\lceil N/d \rceil$ neurons, "
        r"and at most $3\lceil N_+/d \rceil + 3\lceil N_-/d \rceil$ for $N_+$ positive and $N_-$ negative "
        r"changes; three layers need at most $3\lceil N/d \rceil + 2$. Groups that a foreign point meets "
        r"are cut in two.",
        "constructions.general_position",
        r"$4\lceil N/d \rceil$ in two layers [Bubeck2020], after [Baum1988]",
        spatial("general-position") | spatial("general-position-lift"),
        symbolic=("three-neuron-bump", "four-neuron-bump", "sign-lift"),
    ),
    Theorem(
        "vectors", "Several outputs",
        r"$T$ different changes of vectors at $N$ points in general position: three layers with at most "
        r"$3\lceil N/d \rceil + T$ neurons, or two with $3N$.",
        "constructions.vector_patch", executed={"patch_vectors": _vectors},
        symbolic=("three-neuron-bump", "tent"),
    ),
    Theorem(
        "labels", "Labels in floating point",
        r"An encoder gives an edited point the code $c$ of its class, and every other point 0. Two neurons"
        r" turn the code into scores for any number of classes, and forgive an error of $1/4$: at "
        r"protected points the patch is exactly 0 in every floating-point evaluation that the certificate "
        r"format describes.",
        "constructions.classifier", executed={"patch_classifier": _classifier},
        symbolic=("decoder-step", "two-neuron-decoder"),
    ),
    Theorem(
        "exact-width", "The least width of a given instance",
        r"For few points in any dimension: the least number of neurons of two layers, with a network that "
        r"has it and a proof in integers that fewer do not do.",
        "constructions.exact_width",
        obstructed=least("the middle of a square", [[x, y] for x in range(3) for y in range(3)], {4: 1}),
    ),
)  # fmt: skip


@cache
def verdict(make: Made) -> str:
    """What the kernel has proven from the certificate.

    Raises:
        ValueError: it does not accept it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = write_certificate(make(), Path(folder) / "certificate.json")
        found = verify.kernel.check(path)
    if found.status != "accepted":
        raise ValueError(found.text())
    return "; ".join(f"`{finding.claim['kind']}`: {finding.proved}" for finding in found.findings)


@cache
def survived(name: str) -> str:
    """A short hunt for a problem that refutes the claim.

    Raises:
        ValueError: it is refuted.
    """
    from ftc.hunt import Refuted, hunt

    found = hunt(CLAIMS[name], profile="ci", examples=20, max_points=8)
    if isinstance(found, Refuted):
        raise ValueError(found.text())
    return f"at most {CLAIMS[name].neurons} neurons: survived {found.total} problems"


@cache
def proven(name: str) -> tuple[str, str, int]:
    """A lemma in words, its proof, and the number of its cases."""
    proof = LEMMAS[name]()
    return " ".join((inspect.getdoc(LEMMAS[name]) or "").split()), str(proof), proof.cases


def cases(name: str) -> str:
    count = proven(name)[2]
    return f"{count} case{'s' * (count != 1)}"


def _section(theorem: Theorem) -> Iterator[str]:
    page = f"api/{theorem.module.replace('.', '/')}.md"
    yield f"## {theorem.title} {{ #{theorem.key} }}\n\n{theorem.statement}\n"
    yield f"Module: [`{theorem.module}`]({page}). Published before: {theorem.published}.\n"
    yield "| evidence | by | found |\n| --- | --- | --- |"
    for kind, made in (("executed", theorem.executed), ("obstruction", theorem.obstructed)):
        for name, make in made.items():
            yield f"| {kind} | `{name}` | {verdict(make)} |"
    for name in theorem.hunted:
        yield f"| hunted | `ftc hunt {name}` | {survived(name)} |"
    for name in theorem.symbolic:
        yield f"| symbolic | [`ftc prove {name}`](proofs.md#{name}) | proven, {cases(name)} |"
    yield ""


def _summary() -> Iterator[str]:
    yield f"| theorem | executed | hunted | symbolic | obstruction | needed, N = {N} | always enough |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for theorem in THEOREMS:
        counts = map(len, (theorem.executed, theorem.hunted, theorem.symbolic, theorem.obstructed))
        cells = [str(x) if x else "-" for x in (*counts, *theorem.numbers)]
        yield f"| [{theorem.title}](#{theorem.key}) | {' | '.join(cells)} |"


def _proofs() -> Iterator[str]:
    for name in LEMMAS:
        text, proof, _ = proven(name)
        steps = proof.replace("\n", "\n    ")
        yield f'## {name}\n\n{text}\n\n??? note "The proof, {cases(name)}"\n'
        yield f"    ```text\n    {steps}\n    ```\n"


def on_page_markdown(markdown: str, **_: Any) -> str:
    for marker, lines in (
        ("<!-- theorems -->", _summary),
        ("<!-- evidence -->", lambda: (line for theorem in THEOREMS for line in _section(theorem))),
        ("<!-- proofs -->", _proofs),
    ):
        if marker in markdown:
            markdown = markdown.replace(marker, "\n".join(lines()))
    return markdown
