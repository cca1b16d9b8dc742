"""The command that shows the symbolic proofs of the lemmas: `ftc prove`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from constructions.files import write_whole
from ftc.progress import steps

__all__ = ["COMMANDS"]


def prove(
    lemma: Annotated[str | None, typer.Argument(help="A lemma by name; without it, all are listed.")] = None,
    latex: Annotated[bool, typer.Option("--latex", help="As LaTeX (amsmath).")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file for the proof.")] = None,
) -> None:
    """Prove a lemma for arbitrary real parameters, and print every step; without a name, list the lemmas."""
    from verify.symbolic import LEMMAS

    if lemma is None:
        if latex or output is not None:
            raise ValueError("--latex and --output are for a lemma: name one")
        for name, function in LEMMAS.items():
            print(f"{name}: {' '.join((inspect.getdoc(function) or '').split())}")
        return
    if lemma not in LEMMAS:
        raise ValueError(f"unknown lemma {lemma!r}: expected one of {', '.join(LEMMAS)}")
    with steps() as (say, _):
        say("proving")
        proof = LEMMAS[lemma]()
    text = proof.latex() if latex else str(proof)
    if output is None:
        print(text)
        return
    write_whole(output, f"{text}\n".encode())
    print(f"proven: {lemma}, {len(proof.parts)} statements, {proof.cases} cases; wrote {output}")


COMMANDS: dict[str, Callable[..., None]] = {"prove": prove}
