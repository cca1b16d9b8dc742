"""The progress file of a search for the least width, so that it can be gone on with."""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from constructions.exact_width.instance import Instance, Mean
from constructions.exact_width.search import Node
from constructions.files import write_whole

__all__ = ["Journal"]

_EVERY = 5.0  # seconds between two writes
_KEPT = ("neurons", "proved", "trees")


@dataclass
class Journal:
    """What has been found: `proved` shows that `neurons` are needed, unless windows do (then it is empty);
    `trees`, the last of which may be unfinished, are about `neurons` neurons."""

    path: Path | None
    digest: str
    neurons: int
    proved: list[list[Node]] = field(default_factory=list)
    trees: list[list[Node]] = field(default_factory=list)
    saved: float = field(default_factory=time.monotonic)

    @classmethod
    def open(
        cls, path: str | os.PathLike[str] | None, instance: Instance, means: list[Mean], neurons: int
    ) -> Journal:
        """Begin, or take up a file that shows that `neurons` or more are needed."""
        content = [instance.indices, instance.rows, instance.changes, instance.unit, means]
        digest = hashlib.sha256(repr(content).encode()).hexdigest()
        journal = cls(None if path is None else Path(path), digest, neurons)
        if journal.path is None or not journal.path.exists():
            return journal
        try:
            found = json.loads(journal.path.read_bytes())
            if found["format"] != "ftc-width-progress":
                raise ValueError("another format")
            if found["problem"] != digest:
                raise ValueError("it is about another problem")
            if found["neurons"] >= neurons:
                journal.neurons, journal.proved, journal.trees = (found[key] for key in _KEPT)
                for trees in (journal.proved, journal.trees):
                    _refuse_odd(trees, journal.neurons, set(instance.indices), len(means))
        except (ValueError, KeyError, TypeError, RecursionError, OSError) as error:
            raise ValueError(f"{path} is no progress file of this problem: {error}") from None
        return journal

    def next(self) -> None:
        """The trees are complete."""
        self.neurons, self.proved, self.trees = self.neurons + 1, self.trees, []

    def keep(self) -> None:
        if self.path is not None and time.monotonic() - self.saved > _EVERY:
            self.save()

    def save(self) -> None:
        """Write the file, whole or not at all."""
        if self.path is None:
            return
        content: dict[str, Any] = {"format": "ftc-width-progress", "problem": self.digest}
        content |= {key: getattr(self, key) for key in _KEPT}
        write_whole(self.path, json.dumps(content).encode())
        self.saved = time.monotonic()


def _refuse_odd(trees: Any, neurons: int, points: set[int], means: int) -> None:
    """Refuse what cannot be lists of nodes; the contradictions in them are believed."""
    if not isinstance(trees, list) or not all(isinstance(tree, list) for tree in trees):
        raise ValueError("trees are lists")
    for node in (node for tree in trees for node in tree):
        match node:
            case ["split", int(j), int(i)] if 0 <= j < neurons and i in points:
                terms: list[Any] = []
            case ["close", [*terms]]:
                pass
            case _:
                raise ValueError("an odd node")
        for term in terms:
            match term:
                case ["value", int(i), str()] | ["zero" | "line", int(), int(i), str()] if i in points:
                    pass
                case ["split", int(j), int(i), str()] if 0 <= j < neurons and i in points:
                    pass
                case ["convex", int(), int(k), str()] if 0 <= k < means:
                    pass
                case ["order", int(), str()]:
                    pass
                case _:
                    raise ValueError("an odd term")
