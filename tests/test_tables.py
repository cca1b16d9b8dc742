"""Exact reading of input files, and one-line errors for everything else."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ftc.tables import InputError, parse_number, read_edits, read_matrix, read_vector


def write(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refused(function: Callable[[Path], Any], path: Path, *parts: str) -> None:
    with pytest.raises(InputError) as caught:
        function(path)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    for part in parts:
        assert part in message


def test_parse_number_agrees_with_fraction() -> None:
    rng = random.Random(1)
    for _ in range(3000):
        text = rng.choice(["", "+", "-"]) + str(rng.randrange(10 ** rng.randrange(1, 30)))
        if rng.random() < 0.6:
            text += "." + "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 50)))
        if rng.random() < 0.5:
            text += rng.choice("eE") + rng.choice(["", "+", "-"]) + str(rng.randrange(400))
        assert parse_number(text) == Fraction(text)
    for _ in range(500):
        x = rng.uniform(-1, 1) * 10 ** rng.randrange(-300, 300)
        assert float(parse_number(repr(x))) == x


def test_parse_number_limits() -> None:
    assert parse_number("1e5000") == 10**5000
    assert parse_number("1e-0005000") == Fraction(1, 10**5000)
    assert parse_number("007/021") == Fraction(1, 3)
    for text in ("1e5001", "1e-5001", "1e" + "9" * 3000):
        with pytest.raises(ValueError, match="exponent"):
            parse_number(text)
    with pytest.raises(ValueError, match="longer"):
        parse_number("1" * 4001)


BAD = ["", " ", "nan", "inf", "-Infinity", "1_000", "0x1", "1.2.3", "--1", "1e", "e5", "1/-2", "1/0"]
BAD += ["1.5/2", "abc", "\u0663", "1e1.5", "True", "None", "1 2"]


@pytest.mark.parametrize("cell", BAD)
def test_bad_cells_are_located(tmp_path: Path, cell: str) -> None:
    refused(read_matrix, write(tmp_path, f"1,2\n3,4\n5,{cell}\n"), "row 3, column 2")
    refused(read_edits, write(tmp_path, f"index,value\n0,{cell}\n"), "row 2, column 2")
    with pytest.raises(ValueError):
        parse_number(cell)


def test_csv_matrix_is_exact(tmp_path: Path) -> None:
    table = read_matrix(write(tmp_path, "\ufeff0.1,1/3\r\n-2e-3, 5\r\n"))
    assert table.dtype == object
    assert table.tolist() == [[Fraction(1, 10), Fraction(1, 3)], [Fraction(-1, 500), Fraction(5)]]
    assert read_matrix(write(tmp_path, "7")).tolist() == [[7]]


def test_csv_matrix_refusals(tmp_path: Path) -> None:
    refused(read_matrix, write(tmp_path, "1,2\n3\n"), "row 2 has 1 columns, expected 2")
    refused(read_matrix, write(tmp_path, "1,2\n3,4,5\n"), "row 2 has 3 columns")
    refused(read_matrix, write(tmp_path, "1\n\n3\n"), "row 2, column 1", "empty")
    refused(read_matrix, write(tmp_path, ""), "empty")
    refused(read_matrix, write(tmp_path, "\ufeff"), "empty")
    refused(read_matrix, write(tmp_path, b"1,\xff\n"), "UTF-8")
    refused(read_matrix, write(tmp_path, '1,"2\n3'), "malformed")
    refused(read_matrix, write(tmp_path, "1,2\n" + "9" * 200000 + ",1\n"), "row 2")
    refused(read_matrix, write(tmp_path, "x,y\n1,2\n"), "row 1, column 1", "'x'")
    refused(read_matrix, write(tmp_path, "1," + "z" * 9999), "row 1, column 2", "...")
    refused(read_matrix, write(tmp_path, "1", "t.txt"), ".npy or .csv")


@pytest.mark.parametrize("function", [read_matrix, read_vector, read_edits])
def test_missing_file_and_directory(tmp_path: Path, function: Callable[[Path], Any]) -> None:
    refused(function, tmp_path / "absent.csv", "cannot be read")
    (tmp_path / "folder.csv").mkdir()
    refused(function, tmp_path / "folder.csv", "cannot be read")


DTYPES = ["float16", "float32", "float64", ">f8", "int8", "int64", "uint8", "uint64"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_npy_is_returned_as_is(tmp_path: Path, dtype: str) -> None:
    array = np.arange(6).reshape(3, 2).astype(dtype)
    np.save(tmp_path / "a.npy", array)
    read = read_matrix(str(tmp_path / "a.npy"))
    assert read.dtype == array.dtype
    assert (read == array).all()
    np.save(tmp_path / "v.npy", array[:, :1])
    assert read_vector(tmp_path / "v.npy").tolist() == array[:, 0].tolist()
    np.save(tmp_path / "v.npy", array[:, 1])
    assert read_vector(tmp_path / "v.npy").tolist() == array[:, 1].tolist()


@pytest.mark.parametrize("dtype", ["bool", "complex128", "object", "U3", "datetime64[s]", "g"])
def test_npy_other_dtypes_are_refused(tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "a.npy", np.ones((2, 2)).astype("int64").astype(dtype), allow_pickle=True)
    if np.dtype(dtype).itemsize == 8 and dtype == "g":
        pytest.skip("long double is a double here")
    refused(read_matrix, tmp_path / "a.npy")
    refused(read_vector, tmp_path / "a.npy")


def test_npy_refusals(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    refused(read_matrix, path, "cannot be read")
    refused(read_matrix, write(tmp_path, "", "a.npy"), "not a usable")
    refused(read_matrix, write(tmp_path, "1,2\n3,4\n", "a.npy"), "not a usable")
    np.save(path, np.ones((9, 9)))
    refused(read_matrix, write(tmp_path, path.read_bytes()[:300], "a.npy"), "not a usable")
    np.save(path, np.ones(3))
    refused(read_matrix, path, "expected (K, d)")
    np.save(path, np.ones((3, 2)))
    refused(read_vector, path, "expected (K,) or (K, 1)")
    np.save(path, np.ones((0, 2)))
    refused(read_matrix, path, "empty")
    np.save(path, np.array(1.0))
    refused(read_vector, path, "expected (K,)")
    np.save(path, np.array([[1.0, 2.0], [3.0, np.inf]]))
    refused(read_matrix, path, "row 2, column 2", "inf")
    np.save(path, np.array([1.0, 2.0, np.nan], dtype="float16"))
    refused(read_vector, path, "row 3, column 1", "nan")


def test_csv_vector(tmp_path: Path) -> None:
    vector = read_vector(write(tmp_path, "1\n0.5\n-1/3\n"))
    assert vector.shape == (3,)
    assert vector.tolist() == [1, Fraction(1, 2), Fraction(-1, 3)]
    refused(read_vector, write(tmp_path, "1,2\n"), "row 1 has 2 columns, expected 1")


def test_edits(tmp_path: Path) -> None:
    edits = read_edits(write(tmp_path, "\ufeffindex,value\n3,0.1\n0,-1/3\n"))
    assert edits == [(3, Fraction(1, 10)), (0, Fraction(-1, 3))]
    assert all(type(i) is int and type(v) is Fraction for i, v in edits)
    assert read_edits(write(tmp_path, "index,value\n")) == []


EDIT_ERRORS = [
    ("", "empty"),
    ("0,1\n", "index,value"),
    ("index, value\n0,1\n", "index,value"),
    ("value,index\n0,1\n", "index,value"),
    ("index,value\n0,1\n-1,2\n", "row 3, column 1: the index '-1' is negative"),
    ("index,value\n1.0,2\n", "row 2, column 1: the index '1.0' is not an integer"),
    ("index,value\n,2\n", "row 2, column 1: the cell is empty"),
    ("index,value\n1,2,3\n", "row 2 has 3 columns"),
    ("index,value\n\n1,2\n", "row 2 has 0 columns"),
    ("index,value\n7,1\n2,1\n07,1\n", "row 4, column 1: index 7 is already on row 2"),
]


@pytest.mark.parametrize(("text", "message"), EDIT_ERRORS)
def test_edit_refusals(tmp_path: Path, text: str, message: str) -> None:
    refused(read_edits, write(tmp_path, text), message)
