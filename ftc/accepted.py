"""Certificates that are written only if the kernel accepts them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import verify
from constructions import refuse_target, write_certificate
from constructions.classifier import ClassifierPatch
from verify.kernel import Verdict

__all__ = ["accepted"]


@contextmanager
def accepted(
    patch: ClassifierPatch,
    path: str | os.PathLike[str],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[Path, Verdict]]:
    """Write the certificate of a patch aside and let the kernel judge it: it is there, with what is written
    beside it, until the block ends, and is moved to `path` then. On failure nothing is left.

    Raises:
        ValueError: the kernel does not accept it.
        FileExistsError, FileNotFoundError: as `refuse_target`.
    """
    target = refuse_target(path)
    with tempfile.TemporaryDirectory(prefix=".aside-", dir=target.parent) as aside:
        written = write_certificate(patch, Path(aside) / target.name)
        verdict = verify.check(written, progress=progress)
        if verdict.status != "accepted":
            raise ValueError(f"{target} is not written: its certificate is {verdict.text()}")
        yield written, verdict
        written.replace(target)
