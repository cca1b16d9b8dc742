"""Exact reading of the input files: points, values and edits.

Decimals in CSV files become `Fraction`s without passing through floating point; `.npy` arrays are
returned as they are.  Whatever is wrong with a file is reported as one line by `InputError`.
"""

from __future__ import annotations

import csv
import re
import tokenize
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from constructions.problem import FineTuningProblem

MAX_EXPONENT = 5000
MAX_DIGITS = 4000
_CACHE_SIZE = 1 << 16
_DECIMAL = re.compile(r"([+-]?(?=\.?[0-9])[0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?")
_RATIO = re.compile(r"([+-]?[0-9]+)/([0-9]+)")
_POWERS = [10**i for i in range(64)]


class InputError(ValueError):
    """An input file cannot be used; the message is one line that says where and why."""


def _fail(path: Path, message: str) -> NoReturn:
    name = str(path)
    raise InputError(f"{name if name.isprintable() else repr(name)}: {message}") from None


def _show(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")


def parse_number(text: str) -> Fraction:
    """The exact value of a decimal (`-1.25e-3`) or a ratio of integers (`1/3`).

    >>> parse_number("-1.25e-3"), parse_number(" 4/6 "), parse_number("2E3")
    (Fraction(-1, 800), Fraction(2, 3), Fraction(2000, 1))
    >>> parse_number("nan")
    Traceback (most recent call last):
    ...
    ValueError: 'nan' is not a number
    """
    match = _DECIMAL.fullmatch(text)
    if match is not None and len(text) < 40:
        digits, decimals, exponent = match.groups()
        if exponent is None:
            if decimals is None:
                return Fraction(int(digits))
            return Fraction(int(digits + decimals), _POWERS[len(decimals)])
    return _parse_rare(text)


def _parse_rare(text: str) -> Fraction:
    stripped = text.strip()
    if not stripped:
        raise ValueError("the cell is empty")
    if len(stripped) > MAX_DIGITS:
        raise ValueError(f"{_show(stripped)} is longer than {MAX_DIGITS} characters")
    match = _DECIMAL.fullmatch(stripped)
    if match is not None:
        digits, decimals, exponent = match.groups(default="")
        magnitude = exponent.lstrip("+-").lstrip("0") or "0"
        if len(magnitude) > len(str(MAX_EXPONENT)) or int(magnitude) > MAX_EXPONENT:
            raise ValueError(f"the exponent of {_show(stripped)} is beyond {MAX_EXPONENT}")
        shift = (-int(magnitude) if exponent.startswith("-") else int(magnitude)) - len(decimals)
        number = int(digits + decimals)
        return Fraction(number * 10**shift) if shift >= 0 else Fraction(number, 10**-shift)
    match = _RATIO.fullmatch(stripped)
    if match is None:
        raise ValueError(f"{_show(stripped)} is not a number")
    denominator = int(match[2])
    if denominator == 0:
        raise ValueError(f"{_show(stripped)} divides by zero")
    return Fraction(int(match[1]), denominator)


def read_size(text: str) -> int:
    """A number of bytes, with K, M, G or T for powers of 1024.

    >>> read_size("500M"), read_size("4G")
    (524288000, 4294967296)
    """
    match = re.fullmatch(r"([0-9]{1,6})([KMGT]?)B?", text.strip().upper())
    if match is None:
        raise ValueError(f"{_show(text)} is not a size: expected 500M, 4G, ..")
    return int(match[1]) << (10 * " KMGT".index(match[2] or " "))


def read_problem(points: Path, base: Path | None, edits: Path) -> FineTuningProblem:
    """The problem of these files."""
    return FineTuningProblem(
        read_matrix(points), None if base is None else read_vector(base), read_edits(edits)
    )


def edits_csv(problem: FineTuningProblem) -> bytes:
    """The edits as `read_edits` reads them."""
    lines = (f"{i},{value}\n" for i, value in sorted(problem.values.items()))
    return "".join(["index,value\n", *lines]).encode()


def read_numbers(text: str, name: str) -> list[int]:
    """A list of numbers from 1 to 10^12 and ranges `A..B`, sorted, each once; at most a million.

    >>> read_numbers("10,1..3", "--edits")
    [1, 2, 3, 10]
    """
    found: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"([0-9]{1,13})(?:\.\.([0-9]{1,13}))?", part.strip())
        low, high = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= low <= high <= 10**12:
            raise ValueError(f"{name} is {_show(text)}: expected numbers from 1 to 10^12 like 1..20,50")
        if high - low + len(found) >= 10**6:
            raise ValueError(f"{name} is {_show(text)}: expected at most a million numbers")
        found.update(range(low, high + 1))
    return sorted(found)


def read_names(given: str) -> tuple[str, ...]:
    """Different names: a list with commas, or the cells of a CSV file.

    >>> read_names("ant, bee,cat")
    ('ant', 'bee', 'cat')
    """
    listed = "," in given and not Path(given).is_file()
    cells = given.split(",") if listed else [cell for _, row in _rows(Path(given)) for cell in row]
    names = tuple(cell.strip() for cell in cells)
    if not names:
        raise InputError(f"{_show(given)}: expected names, found none")
    for k, name in enumerate(names):
        if not name or name in names[:k]:
            raise InputError(f"{_show(given)}: name {k + 1} is {_show(name)}, expected another than before")
    return names


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file with their 1-based line numbers."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.reader(handle, strict=True)
            try:
                for row in reader:
                    yield reader.line_num, row
            except csv.Error as error:
                _fail(path, f"row {reader.line_num}: malformed CSV ({error})")
    except UnicodeDecodeError:
        _fail(path, "the file is not UTF-8 text")
    except OSError as error:
        _fail(path, f"cannot be read ({error.strerror or type(error).__name__})")


def _read_csv(path: Path, columns: int | None) -> npt.NDArray[Any]:
    cells: list[Fraction] = []
    cache: dict[str, Fraction] = {}
    rows = 0
    first = 0
    for line, row in _rows(path):
        if not row:
            _fail(path, f"row {line}, column 1: the cell is empty")
        if columns is None:
            columns, first = len(row), line
        if len(row) != columns:
            like = f" like row {first}" if first else ""
            _fail(path, f"row {line} has {len(row)} columns, expected {columns}{like}")
        rows += 1
        for column, cell in enumerate(row, 1):
            value = cache.get(cell)
            if value is None:
                try:
                    value = parse_number(cell)
                except ValueError as error:
                    _fail(path, f"row {line}, column {column}: {error}")
                if len(cache) < _CACHE_SIZE:
                    cache[cell] = value
            cells.append(value)
    if columns is None or rows == 0:
        _fail(path, "the file is empty")
    table = np.empty(rows * columns, dtype=object)
    table[:] = cells
    return table.reshape(rows, columns)


def _read_npy(path: Path) -> npt.NDArray[Any]:
    try:
        with path.open("rb") as handle, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # headers of Python 2
            array: npt.NDArray[Any] = np.lib.format.read_array(handle, allow_pickle=False)
    except OSError as error:
        _fail(path, f"cannot be read ({error.strerror or type(error).__name__})")
    except MemoryError:
        _fail(path, "the array does not fit in memory")
    except (
        ValueError,
        TypeError,
        SyntaxError,
        EOFError,
        OverflowError,
        RecursionError,
        tokenize.TokenError,
    ) as error:
        reason = " ".join(str(error).split())
        _fail(path, f"not a usable .npy file ({reason})")
    kind, size = array.dtype.kind, array.dtype.itemsize
    if not (kind in "iu" or (kind == "f" and size in (2, 4, 8))):
        allowed = "float16, float32, float64 or an integer type"
        _fail(path, f"the dtype is {array.dtype}, expected {allowed}")
    if array.size == 0:
        _fail(path, f"the array is empty (shape {array.shape})")
    return array


def _check_finite(path: Path, array: npt.NDArray[Any]) -> None:
    if array.dtype.kind != "f":
        return
    rows = array.reshape(len(array), -1)
    finite = np.isfinite(rows)
    if not finite.all():
        row, column = np.argwhere(~finite)[0].tolist()
        _fail(path, f"row {row + 1}, column {column + 1}: '{rows[row, column]}' is not a number")


def _suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in (".npy", ".csv"):
        _fail(path, "the file name must end in .npy or .csv")
    return suffix


def read_matrix(path: str | Path, shaped: bool = False) -> npt.NDArray[Any]:
    """The (K, d) array of a .npy file as it is, or of a .csv file without header in `Fraction`s; if
    `shaped`, a .npy file can have more axes."""
    path = Path(path)
    if _suffix(path) == ".csv":
        return _read_csv(path, None)
    array = _read_npy(path)
    if array.ndim < 2 or (array.ndim > 2 and not shaped):
        _fail(path, f"the shape is {array.shape}, expected {'(K, ..)' if shaped else '(K, d)'}")
    _check_finite(path, array)
    return array


def read_vector(path: str | Path) -> npt.NDArray[Any]:
    """The (K,) array of a .npy file ((K,) or (K, 1)) or of a one-column .csv file."""
    path = Path(path)
    if _suffix(path) == ".csv":
        return _read_csv(path, 1)[:, 0]
    array = _read_npy(path)
    if array.ndim not in (1, 2) or (array.ndim == 2 and array.shape[1] != 1):
        _fail(path, f"the shape is {array.shape}, expected (K,) or (K, 1)")
    _check_finite(path, array.reshape(-1, 1))
    return array.reshape(-1)


def read_edits(path: str | Path) -> list[tuple[int, Fraction]]:
    """The (index, new value) pairs of a CSV file whose first line is exactly `index,value`."""
    path = Path(path)
    edits = []
    for line, index, cell in _indexed(path, "value"):
        try:
            edits.append((index, parse_number(cell)))
        except ValueError as error:
            _fail(path, f"row {line}, column 2: {error}")
    return edits


def read_labels(path: str | Path) -> list[tuple[int, str]]:
    """The (index, label) pairs of a CSV file whose first line is exactly `index,label`."""
    path = Path(path)
    edits = []
    for line, index, cell in _indexed(path, "label"):
        if not cell.strip():
            _fail(path, f"row {line}, column 2: the cell is empty")
        edits.append((index, cell.strip()))
    return edits


def _indexed(path: Path, name: str) -> Iterator[tuple[int, int, str]]:
    """Line, index and second cell of the rows below the header `index,name`; no index twice."""
    seen: dict[int, int] = {}
    header = False
    for line, row in _rows(path):
        if not header:
            if row != ["index", name]:
                _fail(path, f"row {line}: the first line must be exactly index,{name}")
            header = True
            continue
        if len(row) != 2:
            _fail(path, f"row {line} has {len(row)} columns, expected 2")
        index = _parse_index(path, line, row[0].strip())
        if index in seen:
            _fail(path, f"row {line}, column 1: index {index} is already on row {seen[index]}")
        seen[index] = line
        yield line, index, row[1]
    if not header:
        _fail(path, "the file is empty")


def _parse_index(path: Path, line: int, cell: str) -> int:
    where = f"row {line}, column 1"
    if not cell:
        _fail(path, f"{where}: the cell is empty")
    if re.fullmatch(r"-[0-9]+", cell):
        _fail(path, f"{where}: the index {_show(cell)} is negative")
    if not re.fullmatch(r"[0-9]{1,18}", cell):
        _fail(path, f"{where}: the index {_show(cell)} is not an integer below 10^18")
    return int(cell)
