"""What is left over, in exact arithmetic: a few points at a time, as products of integer matrices."""

from __future__ import annotations

from flint import fmpz, fmpz_mat

from verify.kernel import Network
from verify.kernel.reader import Row

__all__ = ["ExactNetwork"]


class ExactNetwork:
    """A network whose layers are matrices of python-flint, the biases in the last column."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.layers = [fmpz_mat(rows) if rows else None for rows in network.layers]  # None: width 0

    def __call__(self, points: list[Row]) -> list[tuple[list[int], list[int]]]:
        """The outputs at these points, as numerators and positive denominators.

        >>> ExactNetwork(Network([[[2, 0]], [[1, -6]]], [3]))([([4], 1), ([1], 2)])
        [([2], [3]), ([-10], [6])]
        """
        count = len(points)
        scales = [q for _, q in points]
        entries = [x for column in zip(*(row for row, _ in points), strict=True) for x in column]
        for layer in self.layers[:-1]:
            entries = [x if x > 0 else 0 for x in _product(layer, entries, scales)]
        outputs = [int(x) for x in _product(self.layers[-1], entries, scales)]
        return [
            (outputs[i::count], [q * scale for q in self.network.denominators])
            for i, scale in enumerate(scales)
        ]


def _product(layer: fmpz_mat | None, entries: list[fmpz], scales: list[int]) -> list[fmpz]:
    """`layer` times the columns of `entries`, with the scales as a last row; row by row."""
    if layer is None:
        return []
    return (layer * fmpz_mat(layer.ncols(), len(scales), [*entries, *scales])).entries()
