"""The kernel's sidecars: every bit pattern is the number that IEEE 754 says."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from verify.kernel.npy import sidecar


@pytest.mark.parametrize("dtype", ["<f8", "<f4", "<i8", "|u1"])
def test_entries_are_the_numbers_of_their_bits(tmp_path: Path, dtype: str) -> None:
    rng = np.random.default_rng(0)
    values = np.frombuffer(rng.bytes(8 * 6000), dtype=dtype)
    if dtype[1] == "f":
        info = np.finfo(dtype)
        edges = [
            0.0,
            -0.0,
            info.max,
            -info.max,
            info.tiny,
            info.smallest_subnormal,
            -info.smallest_subnormal,
            1.0,
        ]
        with np.errstate(all="ignore"):
            small = np.frombuffer(rng.bytes(8000), dtype=dtype) * info.smallest_subnormal
            values = np.concatenate(
                [values, np.array(edges, dtype), small.astype(dtype), np.round(rng.normal(size=40) * 9)]
            )
        values = values[np.isfinite(values)].astype(dtype)
    table = values[: len(values) // 3 * 3].reshape(-1, 3)
    file = tmp_path / "points.npy"
    np.save(file, table)
    named = {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    rows = list(sidecar(named, "points", str(tmp_path), (2,)).rows())
    assert len(rows) == len(table)
    for (numerators, q), row in zip(rows, table.tolist(), strict=True):
        assert [Fraction(p, q) for p in numerators] == [Fraction(x) for x in row]
        assert q == max(Fraction(x).denominator for x in row)  # in lowest terms
