"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["whole_folder", "write_whole"]


@contextlib.contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A folder aside to write into, which is renamed at the end; on failure nothing is left."""
    aside = Path(tempfile.mkdtemp(prefix=".aside-", dir=target.parent))
    try:
        aside.chmod(0o755)
        yield aside
        aside.rename(target)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise


def write_whole(target: Path, content: bytes | Iterable[bytes]) -> None:
    """Write aside, flush to the disk, rename. An existing file is replaced; on failure it stays."""
    parts = [content] if isinstance(content, bytes) else content
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder")
    try:
        handle, name = tempfile.mkstemp(prefix=".aside-", dir=target.parent)
    except OSError as error:
        raise type(error)(f"cannot write into {target.parent}: {error.strerror}") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.writelines(parts)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
