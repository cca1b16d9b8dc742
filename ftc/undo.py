"""`ftc undo`: the model below the last patch, as a file again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from constructions import refuse_target
from constructions.files import write_whole
from ftc.models import dumped, load_model

__all__ = ["COMMANDS", "FORMATS"]


def undo(
    model: Annotated[
        Path, typer.Argument(help="A patched model, from ftc patch. Loading it runs code: trust it.")
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
    content, remark = FORMATS[suffix](model)
    write_whole(output, content)
    print(f"wrote {output}: {remark}")


def _joblib(path: Path) -> tuple[bytes, str]:
    from ftc.sklearn import AdditivePatch, FrozenFile

    patched = load_model(path)
    if not isinstance(patched, AdditivePatch) or not hasattr(patched, "layers_"):
        raise ValueError(f"{path} holds a {type(patched).__name__}: expected a model from ftc patch")
    if isinstance(patched.estimator_, FrozenFile):
        return patched.estimator_.content, "the file that was patched, byte for byte"
    return dumped(patched.base), "the model that was patched"


FORMATS: dict[str, Callable[[Path], tuple[bytes, str]]] = {".joblib": _joblib}
"""By the end of a patched model's file name: the content of the file below, and what can be said of it."""

COMMANDS: dict[str, Callable[..., None]] = {"undo": undo}
