"""What floats do not tell, told by z3 in rational arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flint import fmpq

from constructions.network import ReLUNetwork

if TYPE_CHECKING:
    from constructions.exact_width.relaxation import Relaxation, Term

__all__ = ["UndecidedError", "settle"]

_PATIENCE = 10_000  # milliseconds for one case


class UndecidedError(RuntimeError):
    """Whether a case can be met is not known."""


def settle(relaxation: Relaxation) -> tuple[list[Term] | None, ReLUNetwork | None]:
    """A contradiction, or else the network of a solution of the relaxation, if that makes the changes.
    Neither may come back, if the solution is no network or z3 takes too long.

    Raises:
        UndecidedError: z3 (extra `smt`) is not installed.
    """
    try:
        import z3
    except ImportError:
        command = "pip install 'fine-tuning-capacity[smt]'"
        raise UndecidedError(f"floats do not decide a case, z3 may: {command}") from None
    rows, columns = relaxation.rows, range(relaxation.columns)
    free = [row.name == "value" or relaxation.side(row) is True for row in rows]
    outputs = [k for k in columns if k >= relaxation.first_u]
    zero = {k for k in outputs if relaxation.sides.get(relaxation.split_of(k)) is False}

    factors: dict[int, list[Any]] = {k: [] for k in columns}
    y = [z3.Real(f"y{k}") for k in range(len(rows))]
    for multiplier, row in zip(y, rows, strict=True):
        for k, factor in row.factors.items():
            factors[k].append(_number(z3, factor) * multiplier)
    dual, primal = z3.SolverFor("QF_LRA"), z3.SolverFor("QF_LRA")
    dual.set("timeout", _PATIENCE)
    primal.set("timeout", _PATIENCE)
    dual.add([n >= 0 for n, both in zip(y, free, strict=True) if not both])
    dual.add([z3.Sum(factors[k]) == 0 for k in columns if k < relaxation.first_u])
    dual.add([z3.Sum(factors[k]) <= 0 for k in outputs if k not in zero])
    dual.add(z3.Sum([_number(z3, row.right) * n for n, row in zip(y, rows, strict=True)]) == 1)
    if dual.check() == z3.sat:
        return relaxation.terms({k: _value(dual.model(), n) for k, n in enumerate(y)}), None

    x = [z3.Real(f"x{k}") for k in columns]
    primal.add([x[k] == 0 if k in zero else x[k] >= 0 for k in outputs])
    for row, both in zip(rows, free, strict=True):
        left = z3.Sum([_number(z3, factor) * x[k] for k, factor in row.factors.items()])
        primal.add(left == _number(z3, row.right) if both else left >= 0)
    if primal.check() != z3.sat:
        return None, None
    return None, relaxation.made_of([_value(primal.model(), z) for z in x[: relaxation.first_u]])


def _number(z3: Any, x: fmpq) -> Any:
    return z3.RealVal(f"{x.p}/{x.q}")


def _value(model: Any, x: Any) -> fmpq:
    value = model.eval(x, model_completion=True)
    return fmpq(value.numerator_as_long(), value.denominator_as_long())
