"""Writing certificates: the file format between what builds and what checks."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from flint import fmpz
from numpy.typing import NDArray

from constructions.build import Solution
from constructions.classifier import ClassifierPatch
from constructions.exact import ExactArray, exact_array, row_chunks
from constructions.files import whole_folder, write_whole
from constructions.network import ReLUNetwork
from constructions.obstruction import FarkasObstruction, Obstruction
from constructions.problem import FineTuningProblem
from constructions.vector_patch import VectorPatch, VectorProblem

__all__ = ["certificate", "refuse_target", "write_certificate"]

_MAX_DIGITS = 20_000
_Save = Callable[[str, Iterable[bytes]], None]
Content = Solution | Obstruction | FarkasObstruction | ClassifierPatch | VectorPatch


def certificate(content: Content) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The certificate of a solution or an obstruction as a JSON-ready dict, with the sidecar files it
    may name.

    Arrays that came as `<f8`, `<f4`, `<i8` or `|u1` are offered as sidecars; `write_certificate`
    keeps them inside the JSON file when it writes a single file.
    """
    files: dict[str, bytes] = {}
    document = _document(content, lambda name, parts: files.update({name: b"".join(parts)}))
    return document, files


def write_certificate(
    content: Content,
    path: str | os.PathLike[str],
    beside: Mapping[str, bytes] = MappingProxyType({}),
) -> Path:
    """Write `path`: one JSON file if it ends in `.json`, else a new folder with sidecar files.

    The file or folder appears whole or not at all. An existing file is replaced. Files `beside` go
    into the folder too.

    Raises:
        FileExistsError: the folder exists already.
        FileNotFoundError: the folder that should hold it does not exist.
        ValueError: an integer has more than 20,000 digits, the most that the format allows; or files
            go beside a single file.
    """
    target = refuse_target(path)
    if target.suffix == ".json":
        if beside:
            raise ValueError(f"{target} is one file: expected a folder, for {', '.join(beside)} beside it")
        write_whole(target, _encode(_document(content, None)))
        return target
    with whole_folder(target) as aside:
        document = _document(content, lambda name, parts: write_whole(aside / name, parts))
        write_whole(aside / "certificate.json", _encode(document))
        for name, file in beside.items():
            write_whole(aside / name, [file])
    return target


def refuse_target(path: str | os.PathLike[str], *, folder: bool = False) -> Path:
    """The path of a certificate to be written, if one can be: ask before a long build. With `folder`, a
    single file will not do.

    Raises:
        ValueError: it ends in `.json`, where a folder is wanted.
        FileExistsError: it is a folder that exists already.
        FileNotFoundError: the folder that should hold it does not exist.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{target.parent} is not a folder")
    if target.is_dir() or (target.exists() and target.suffix != ".json"):
        raise FileExistsError(f"{target} exists already: remove it or choose another name")
    if folder and target.suffix == ".json":
        raise ValueError(f"{target} is one file: expected a folder")
    return target


def _encode(document: dict[str, Any]) -> Iterator[bytes]:
    """One line a key: the file can be read by eye, and stays short."""
    before = "{\n"
    for key, value in document.items():
        yield f"{before}{json.dumps(key)}: {json.dumps(value)}".encode()
        before = ",\n"
    yield b"\n}\n"


def _document(content: Content, save: _Save | None) -> dict[str, Any]:
    if isinstance(content, Solution):
        return _solution(content, save)
    if isinstance(content, ClassifierPatch):
        return _patch(content, save)
    if isinstance(content, VectorPatch):
        return _vectors(content, save)
    if isinstance(content, Obstruction):
        return _obstruction(content, save)
    return _farkas(content, save)


def _solution(solution: Solution, save: _Save | None) -> dict[str, Any]:
    network = solution.network
    claim: dict[str, Any] = {"kind": "edit", "neurons": network.neurons, "layers": network.depth}
    if solution.bound is not None:
        claim["bound"] = solution.bound
    document = _instance(solution.problem, claim, solution.direction, save)
    document["network"] = _layers(network)
    document["notes"] = {
        "construction": solution.construction,
        "seed": solution.seed,
        "restart_every": solution.restart_every,
        "longest_weight_bits": network.bits,
    }
    return document


def _vectors(patch: VectorPatch, save: _Save | None) -> dict[str, Any]:
    network = patch.network
    claim = {"kind": "edit", "neurons": network.neurons, "layers": network.depth}
    document = _instance(patch.problem, claim, patch.direction, save)
    document["network"] = _layers(network)
    document["notes"] = {"construction": patch.construction, "longest_weight_bits": network.bits}
    return document


def _layers(network: ReLUNetwork) -> list[dict[str, Any]]:
    return [
        {
            "weight": _rows(f"network[{k}].weight", layer.weight, layer.denominator),
            "bias": _rows(f"network[{k}].bias", layer.bias, layer.denominator),
        }
        for k, layer in enumerate(network.layers)
    ]


def _patch(patch: ClassifierPatch, save: _Save | None) -> dict[str, Any]:
    problem = patch.problem
    edit = {"kind": "label-edit", "neurons": patch.neurons, "layers": len(patch.layers)}
    if patch.margin:
        edit["margin"] = str(patch.margin)
    claims = [edit, {"kind": "deployed", "dtype": str(problem.dtype), "sum": str(problem.sum)}]
    if patch.radius is not None:
        claims.append({"kind": "robust", "radius": str(patch.radius)})
    return {
        "format": "ftc-certificate",
        "version": 1,
        "claims": claims,
        "points": _array(exact_array(problem.points, "points"), "points", save),
        "base": _array(exact_array(problem.base, "base"), "base", save),
        "edits": {"index": list(problem.labels), "label": list(problem.labels.values())},
        "network": [
            {
                "weight": _array(exact_array(weight, "weight"), f"network[{k}].weight", None),
                "bias": _array(exact_array(bias, "bias"), f"network[{k}].bias", None),
            }
            for k, (weight, bias) in enumerate(patch.layers)
        ],
        "notes": {"construction": f"{patch.encoding}, decoder {patch.decoder}"},
    }


def _obstruction(obstruction: Obstruction, save: _Save | None) -> dict[str, Any]:
    claim = {
        "kind": "line-obstruction",
        "neurons": obstruction.neurons,
        "layers": obstruction.layers,
        "windows": [list(window) for window in obstruction.windows],
    }
    if obstruction.split is not None:
        claim["split"] = obstruction.split
    return _instance(obstruction.problem, claim, obstruction.direction, save)


def _farkas(obstruction: FarkasObstruction, save: _Save | None) -> dict[str, Any]:
    claim: dict[str, Any] = {
        "kind": "farkas-obstruction",
        "neurons": obstruction.neurons,
        "ordered": 0,
        "convex": [[i, [[k, str(n)] for k, n in weights]] for i, weights in obstruction.convex],
        "trees": obstruction.trees,
    }
    return _instance(obstruction.problem, claim, None, save)


def _instance(
    problem: FineTuningProblem | VectorProblem,
    claim: dict[str, Any],
    direction: tuple[int, ...] | None,
    save: _Save | None,
) -> dict[str, Any]:
    """What every certificate holds: the problem, a claim about it, and perhaps a direction."""
    document: dict[str, Any] = {
        "format": "ftc-certificate",
        "version": 1,
        "claims": [claim],
        "points": _array(problem.points, "points", save),
    }
    if problem.base is not None:
        document["base"] = _array(problem.base, "base", save)
    indices = sorted(problem.values)
    values = exact_array([problem.values[i] for i in indices], "values")
    if isinstance(problem, VectorProblem) and not indices:
        values = exact_array(np.empty((0, problem.C), dtype=np.int64), "values")
    document["edits"] = {"index": indices, "value": _array(values, "edits.value", None)}
    if direction is not None:
        document["direction"] = [str(entry) for entry in direction]
    return document


def _array(array: ExactArray, name: str, save: _Save | None) -> dict[str, Any]:
    """`name` names the sidecar `name.npy`, and the array in errors."""
    if array.source is not None and save is not None:
        digest = hashlib.sha256()
        save(f"{name}.npy", _npy(array.source, digest.update))
        return {"file": f"{name}.npy", "sha256": digest.hexdigest()}
    if array.denominator.bit_length() <= 64:
        denominator = {"denominator": str(array.denominator)}
        return _inline(name, array.numerators, denominator)
    rows = array.numerators.astype(object).reshape(len(array.numerators), -1)  # // may be by a long integer
    shared = [math.gcd(array.denominator, *row.tolist()) for row in rows]
    reduced = np.empty(rows.shape, dtype=object)
    for k, row in enumerate(rows):
        reduced[k] = row // shared[k]
    below = _decimals(name, [array.denominator // common for common in shared])
    return _inline(name, reduced.reshape(array.shape), {"denominators": below})


def _npy(array: NDArray[Any], see: Callable[[bytes], None]) -> Iterator[bytes]:
    """The parts of a `.npy` file in C order, each shown to `see`; large arrays are not copied whole."""
    header = io.BytesIO()
    layout = {"descr": array.dtype.str, "fortran_order": False, "shape": array.shape}
    np.lib.format.write_array_header_1_0(header, layout)
    see(header.getvalue())
    yield header.getvalue()
    for rows in row_chunks(array):
        part = array[rows].tobytes()
        see(part)
        yield part


def _rows(name: str, numerators: NDArray[Any], denominators: NDArray[Any]) -> dict[str, Any]:
    return _inline(name, numerators, {"denominators": _decimals(name, denominators.tolist())})


def _inline(name: str, numerators: NDArray[Any], below: dict[str, Any]) -> dict[str, Any]:
    entries = _decimals(name, numerators.reshape(-1).tolist())
    return {"shape": list(numerators.shape), **below, "numerators": entries}


def _decimals(name: str, values: list[int]) -> list[str]:
    # rows along a common direction repeat few numbers: one text for each
    texts = {value: str(value) if -(2**63) < value < 2**63 else str(fmpz(value)) for value in set(values)}
    longest = max(map(len, texts.values()), default=0)
    if longest > _MAX_DIGITS:
        cure = "use restarts (restart_every=1) or another construction" if "network" in name else "round it"
        raise ValueError(
            f"{name}: an integer has {longest} digits, more than the {_MAX_DIGITS} that a certificate "
            f"may hold: {cure}"
        )
    return [texts[value] for value in values]
