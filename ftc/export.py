"""`ftc export`: the network of a certificate, alone, for other programs and for people."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from constructions import refuse_target
from constructions.files import write_whole
from ftc.patch import Floats
from ftc.progress import steps
from ftc.reading import read
from verify.kernel import Certificate
from verify.kernel.reader import Array

__all__ = ["COMMANDS", "exact_layers", "float_layers", "to_latex"]

_MOST_TERMS, _MOST_DIGITS = 400, 40  # of a formula that someone may want to read

Layer = tuple[NDArray[Any], NDArray[Any]]


class Formats(StrEnum):
    """What a network can be written as."""

    onnx = "onnx"
    torch = "torch"
    numpy = "numpy"
    latex = "latex"


_SUFFIXES = {Formats.onnx: ".onnx", Formats.torch: ".pt", Formats.numpy: ".npz", Formats.latex: ".tex"}


def export(
    certificate: Annotated[Path, typer.Argument(help="A certificate with a network: file or folder.")],
    to: Annotated[Formats, typer.Option("--to", help="The format.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file: .onnx, .pt, .npz or .tex.")],
    dtype: Annotated[
        Floats | None, typer.Option(help="Of the weights; else as deployed, or the shorter that holds them.")
    ] = None,
    rounded: Annotated[bool, typer.Option("--round", help="Round weights that are no floats.")] = False,
) -> None:
    """Write the network g of a certificate alone, with weights (out, in) and ReLU between the layers.

    onnx: a graph from points (batch, d) to g (batch, outputs). torch: the state dict of an nn.Sequential of
    Linear and ReLU. numpy: an .npz with weight_0, bias_0, and so on. latex: the formula, exactly.
    """
    if output.suffix.lower() != _SUFFIXES[to]:
        raise ValueError(f"{output}: expected a name that ends in {_SUFFIXES[to]} for {to}")
    refuse_target(output)
    with steps() as (say, _):
        say("reading")
        found = read(certificate)
        if not found.layers:
            raise ValueError(f"{certificate} holds no network: it is about what none can do")
        layers = exact_layers(found)
        say("writing")
        if to is Formats.latex:
            if dtype is not None or rounded:
                raise ValueError("--dtype and --round are not for latex, which is exact")
            write_whole(output, f"{to_latex(layers)}\n".encode())
            print(f"wrote {output}: needs the LaTeX package amsmath")
            return
        floats, exact = float_layers(layers, dtype.value if dtype else _deployed(found), rounded)
        write_whole(output, _WRITERS[to](floats))
    print(f"wrote {output}: {sum(len(bias) for _, bias in floats[:-1])} neurons in {floats[0][0].dtype}")
    if to is Formats.torch:
        print(f"{_sequential(floats)} loads it: load_state_dict(torch.load({output.name!r}))")
    if not exact:
        print("the weights are rounded: the certificate does not speak of this network")


def _deployed(certificate: Certificate) -> str | None:
    claims = [claim for claim in certificate.claims if isinstance(claim, dict)]
    kinds = [claim.get("dtype") for claim in claims if claim.get("kind") == "deployed"]
    return next((kind for kind in kinds if kind in list(Floats)), None)


def exact_layers(certificate: Certificate) -> list[Layer]:
    """The weights `(out, in)` and biases `(out,)` of a certificate as arrays of fractions."""
    return [(_fractions(weight), _fractions(bias)) for weight, bias in certificate.layers]


def _fractions(array: Array) -> NDArray[Any]:
    out = np.empty(math.prod(array.shape), dtype=object)
    out[:] = [Fraction(n, q) for row, q in array.rows() for n in row]
    return out.reshape(array.shape)


def float_layers(
    layers: list[Layer], dtype: str | None = None, rounded: bool = False
) -> tuple[list[Layer], bool]:
    """Layers as floats, and whether they are the exact ones. Without a dtype, float32 if it holds all
    weights, else float64.

    Raises:
        ValueError: a weight is no number of the dtype, and not to be rounded; or it is too large for it.

    >>> third = [(np.array([[Fraction(1, 2)]]), np.array([Fraction(1, 3)]))]
    >>> float_layers(third, "float32")
    Traceback (most recent call last):
    ValueError: bias 0 has the entry 1/3, which is no float32: rounded (--round), it is another network
    >>> float_layers(third, "float32", rounded=True)[1]
    False
    """
    if dtype is None:
        dtype = "float32" if _first_inexact(layers, np.dtype("float32")) is None else "float64"
    kind = np.dtype(dtype)
    place = _first_inexact(layers, kind)
    if place is not None and not rounded:
        raise ValueError(f"{place}, which is no {dtype}: rounded (--round), it is another network")
    out = [(_floats(weight, kind), _floats(bias, kind)) for weight, bias in layers]
    for k, pair in enumerate(out):
        if not all(np.isfinite(array).all() for array in pair):
            raise ValueError(f"layer {k} has a number beyond {dtype}")
    return out, place is None


def _floats(array: NDArray[Any], kind: np.dtype[Any]) -> NDArray[Any]:
    with np.errstate(over="ignore"):
        return np.array([_nearest(x) for x in array.flat], dtype=kind).reshape(array.shape)


def _nearest(x: Fraction) -> float:
    try:
        return float(x)
    except OverflowError:
        return math.inf


def _first_inexact(layers: list[Layer], kind: np.dtype[Any]) -> str | None:
    for k, pair in enumerate(layers):
        for name, array in zip(("weight", "bias"), pair, strict=True):
            for exact, entry in zip(array.flat, _floats(array, kind).flat, strict=True):
                if not np.isfinite(entry) or Fraction(float(entry)) != exact:
                    return f"{name} {k} has the entry {_shown(exact)}"
    return None


def _digits(x: Fraction) -> int:
    """About how many the longer of its two integers has; those of a certificate can be too long to print."""
    return max(x.numerator.bit_length(), x.denominator.bit_length()) * 30_103 // 100_000 + 1


def _shown(x: Fraction) -> str:
    return str(x) if _digits(x) <= _MOST_DIGITS else f"of {_digits(x):,} digits"


def to_latex(layers: list[Layer]) -> str:
    r"""The formula of a small network, for LaTeX with amsmath: one line a neuron.

    Raises:
        ValueError: it has too many terms, or too long numbers, to be read.

    >>> tent = [(np.array([[Fraction(1)], [Fraction(-2)]]), np.array([Fraction(0), Fraction(1, 3)])),
    ...         (np.array([[Fraction(1), Fraction(0)]]), np.array([Fraction(-1)]))]
    >>> print(to_latex(tent))
    \[\begin{aligned}
    h^{(1)}_{1} &= \max(0, x_{1}) \\
    h^{(1)}_{2} &= \max(0, -2 x_{1} + \tfrac{1}{3}) \\
    g_{1} &= h^{(1)}_{1} - 1
    \end{aligned}\]
    """
    numbers = [x for pair in layers for array in pair for x in array.flat if x]
    digits = max(map(_digits, numbers), default=0)
    if len(numbers) > _MOST_TERMS or digits > _MOST_DIGITS:
        raise ValueError(
            f"the formula has {len(numbers):,} terms and numbers of up to {digits:,} digits: at most "
            f"{_MOST_TERMS} and {_MOST_DIGITS} can be read; take another format"
        )
    lines, names = [], [f"x_{{{k + 1}}}" for k in range(layers[0][0].shape[1])]
    for depth, (weight, bias) in enumerate(layers, start=1):
        last = depth == len(layers)
        results = [f"g_{{{j + 1}}}" if last else f"h^{{({depth})}}_{{{j + 1}}}" for j in range(len(bias))]
        for result, row, constant in zip(results, weight, bias, strict=True):
            total = _sum([*zip(row, names, strict=True), (constant, "")])
            lines.append(f"{result} &= " + (total if last else f"\\max(0, {total})"))
        names = results
    return "\\[\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}\\]"


def _sum(terms: list[tuple[Fraction, str]]) -> str:
    text = ""
    for factor, name in terms:
        if not factor:
            continue
        size = abs(factor)
        number = str(size) if size.denominator == 1 else f"\\tfrac{{{size.numerator}}}{{{size.denominator}}}"
        term = name if size == 1 and name else f"{number} {name}".strip()
        sign = ("-" if factor < 0 else "") if not text else (" - " if factor < 0 else " + ")
        text += f"{sign}{term}"
    return text or "0"


def _onnx(layers: list[Layer]) -> bytes:
    from ftc.onnx import layers_to_model

    return bytes(layers_to_model(layers).SerializeToString())


def _torch(layers: list[Layer]) -> bytes:
    try:
        import torch
    except ImportError:
        raise ImportError("PyTorch is not installed: pip install 'fine-tuning-capacity[torch]'") from None
    state: dict[str, torch.Tensor] = {}
    for k, (weight, bias) in enumerate(layers):
        state |= {f"{2 * k}.weight": torch.from_numpy(weight), f"{2 * k}.bias": torch.from_numpy(bias)}
    content = io.BytesIO()
    torch.save(state, content)
    return content.getvalue()


def _sequential(layers: list[Layer]) -> str:
    """The module that the state dict is for, as code."""
    parts = [f"Linear({weight.shape[1]}, {weight.shape[0]})" for weight, _ in layers]
    kind = ".double()" if layers[0][0].dtype == np.float64 else ""
    return f"Sequential({', ReLU(), '.join(parts)}){kind}"


def _numpy(layers: list[Layer]) -> bytes:
    content = io.BytesIO()
    arrays: dict[str, NDArray[Any]] = {}
    for k, (weight, bias) in enumerate(layers):
        arrays |= {f"weight_{k}": weight, f"bias_{k}": bias}
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


_WRITERS = {Formats.onnx: _onnx, Formats.torch: _torch, Formats.numpy: _numpy}

COMMANDS: dict[str, Callable[..., None]] = {"export": export}
