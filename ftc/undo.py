"""`ftc undo`: the model below the last patch, as a file again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from constructions import refuse_target
from constructions.files import write_whole
from ftc.formats import FORMATS, format_of

__all__ = ["COMMANDS"]


def undo(
    model: Annotated[
        Path, typer.Argument(help="A patched model, from ftc patch. Loading a .joblib runs code: trust it.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="A new file, of the same kind.")],
) -> None:
    """Take the last patch off: OUTPUT is the model that was patched."""
    suffix = model.suffix.lower()
    if suffix not in FORMATS or output.suffix.lower() != suffix:
        raise ValueError(
            f"{model} and {output}: expected two file names that both end in {' or in '.join(FORMATS)}"
        )
    refuse_target(output)
    content, remark = format_of(model).undo(model)
    write_whole(output, content)
    print(f"wrote {output}: {remark}")


COMMANDS: dict[str, Callable[..., None]] = {"undo": undo}
