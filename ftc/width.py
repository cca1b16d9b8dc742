"""`ftc width`: the least number of neurons for a given instance, or an interval, with certificates."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import Annotated, Any

import typer

import verify
from constructions import FineTuningProblem, build, refuse_target, write_certificate
from constructions.obstruction import FarkasObstruction, obstruct
from ftc.progress import steps
from ftc.tables import read_edits, read_matrix, read_vector

__all__ = ["width"]


def width(
    points: Annotated[Path, typer.Argument(help="Points (K, d): .npy, or .csv without header.")],
    edits: Annotated[Path, typer.Argument(help="CSV with the header line index,value.")],
    base: Annotated[Path | None, typer.Option(help="Frozen outputs (K,): .npy or .csv.")] = None,
    layers: Annotated[int, typer.Option(min=2, max=100, help="Number of layers.")] = 2,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A new folder.")] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="Seconds for the search.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Progress file: go on where it stops.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """The least width of a network that makes exactly these edits, for few points; or an interval.

    For two layers the search is exact if it has the time. For more layers: what is built and what windows
    on lines prove. With -o: certificate.json (the network) and obstruction.json, both checked.
    """
    started = time.perf_counter()
    if output is not None:
        refuse_target(output)
    if resume is not None and layers > 2:
        raise ValueError("--resume is for the search, which is for 2 layers")
    with steps() as (say, _):
        problem = FineTuningProblem(
            read_matrix(points), None if base is None else read_vector(base), read_edits(edits)
        )
        if layers == 2:
            from constructions.exact_width import least_width

            found = least_width(problem, budget=budget, resume=resume, progress=say)
            solution, obstruction, reason = found.solution, found.obstruction, found.open
        else:
            solution, obstruction = build(problem, layers), obstruct(problem, layers)
            reason = f"there is no search for {layers} layers"
        say("checking both certificates")
        with tempfile.TemporaryDirectory() as folder:
            network, proof = Path(folder) / "network.json", Path(folder) / "obstruction.json"
            for content, path in ((solution, network), (obstruction, proof)):
                verdict = verify.check(write_certificate(content, path))
                if verdict.status != "accepted":
                    raise RuntimeError(f"please report {path.name}: the kernel says {verdict.text()}")
            if output is not None:
                write_certificate(solution, output, {"obstruction.json": proof.read_bytes()})
    lower, upper = obstruction.neurons, solution.network.neurons
    facts: dict[str, Any] = {
        "layers": layers, "lower": lower, "upper": upper, "exact": lower == upper,
        "network": solution.construction,
        "obstruction": "farkas" if isinstance(obstruction, FarkasObstruction) else "line",
        "seconds": round(time.perf_counter() - started, 3),
    }  # fmt: skip
    if lower < upper:
        facts["open"] = reason
    if output is not None:
        facts["certificates"] = [str(output / name) for name in ("certificate.json", "obstruction.json")]
    if as_json:
        print(json.dumps(facts))
        return
    print(f"least width {upper}" if lower == upper else f"least width from {lower} to {upper}: {reason}")
    print(f"{upper} neurons do: {facts['network']}")
    print(f"fewer than {lower} do not: {facts['obstruction']} obstruction")
    if output is not None:
        print(f"wrote {' and '.join(facts['certificates'])}")
