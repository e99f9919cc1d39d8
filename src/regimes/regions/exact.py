"""Regions on a line in rational arithmetic: no rounding, no tolerance, for networks with integer or rational weights.

Floats are dyadic rationals, so that the counts are also exact for the float64 weights of any network, only slowly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Any

from regimes.regions.counts import Counts
from regimes.regions.network import RELU, Activation, Leaky, Maxout, PiecewiseLinear, RegionsError, rows_per_unit

Row = tuple[Fraction, ...]
Map = list[Row]  # one affine function of the input per unit: its gradient, then its constant


@dataclass(frozen=True)
class ExactNetwork:
    """One network with entries in Fraction: `layers[l][i]` is row i of W_l followed by its bias; `readout` rows or None."""

    layers: tuple[tuple[Row, ...], ...]
    activation: Activation
    readout: tuple[Row, ...] | None

    @classmethod
    def from_layers(
        cls, weights: Sequence[Any], biases: Sequence[Any], activation: Activation = RELU, readout: Any = None
    ) -> ExactNetwork:
        """Take int, Fraction or float entries at their exact value.

        Raises:
            RegionsError: whatever `PiecewiseLinear` refuses.
        """
        PiecewiseLinear.from_layers(weights, biases, activation, readout)
        layers = tuple(
            tuple((*map(fraction, row), fraction(bias)) for row, bias in zip(matrix, bias_list, strict=True))
            for matrix, bias_list in zip(weights, biases, strict=True)
        )
        return cls(layers, activation, None if readout is None else tuple(tuple(map(fraction, row)) for row in readout))

    @classmethod
    def of(cls, network: PiecewiseLinear, index: int = 0) -> ExactNetwork:
        """Network `index` of a batch, its float64 entries at their exact value."""
        weights, biases = ([x[index].tolist() for x in part] for part in (network.weights, network.biases))
        readout = None if network.readout is None else network.readout[index].tolist()
        return cls.from_layers(weights, biases, network.activation, readout)

    @property
    def inputs(self) -> int:
        """n0, the dimension of the input."""
        return len(self.layers[0][0]) - 1

    def preactivations(self, layer: int, inner: Map) -> Map:
        """The affine functions of the rows of one layer, given those of the layer below."""
        return [combine(row[:-1], inner, row[-1]) for row in self.layers[layer]]

    def output(self, inner: Map) -> Map:
        """The affine functions of the output, given those of the last hidden layer."""
        return inner if self.readout is None else [combine(row, inner, Fraction(0)) for row in self.readout]

    def gate(self, rows: Map, states: Sequence[int]) -> Map:
        """The affine functions of the units with the given states (1 for on; the argmax for maxout)."""
        if isinstance(self.activation, Maxout):
            rank = self.activation.rank
            return [rows[unit * rank + state] for unit, state in enumerate(states)]
        slope = fraction(self.activation.slope) if isinstance(self.activation, Leaky) else Fraction(0)
        return [row if state else tuple(slope * x for x in row) for row, state in zip(rows, states, strict=True)]


@dataclass(frozen=True)
class ExactLine:
    """The counts on a line, its breakpoints in order, and how many of them each layer adds."""

    counts: Counts
    breakpoints: tuple[Fraction, ...]
    per_layer: tuple[int, ...]


@dataclass
class _Piece:
    low: Fraction | None
    high: Fraction | None
    maps: Map
    pattern: tuple[int, ...] = ()


def exact_line(network: ExactNetwork, interval: tuple[Any, Any] | None = None, most_cells: int = 100_000) -> ExactLine:
    """Count the regions of one network of one input on R, or on the open interval (a, b), without rounding.

    Arguments:
        network: of one input.
        interval: ends in int, Fraction or float, or None for the whole line.
        most_cells: refuse to go on beyond this many cells (default 100000, about 1 kB each).

    Raises:
        RegionsError: more than one input, an empty interval, or too many cells.
    """
    if network.inputs != 1:
        raise RegionsError(f"exact_line counts networks of 1 input and this one has {network.inputs}; restrict it to a line")
    low, high = (None, None) if interval is None else (fraction(interval[0]), fraction(interval[1]))
    if low is not None and high is not None and low >= high:
        raise RegionsError(f"an interval is (a, b) with a < b; got {interval}")
    pieces, per_layer = [_Piece(low, high, [(Fraction(1), Fraction(0))])], []
    for layer in range(len(network.layers)):
        before = len(pieces)
        pieces = [part for piece in pieces for part in _split(network, layer, piece)]
        per_layer.append(len(pieces) - before)
        require_cells(len(pieces), most_cells)
    maps = [tuple(network.output(piece.maps)) for piece in pieces]
    counts = Counts(
        cells=len(pieces),
        patterns=len({piece.pattern for piece in pieces}),
        linear_pieces=1 + sum(a != b for a, b in pairwise(maps)),
        distinct_maps=len(set(maps)),
    )
    return ExactLine(counts, tuple(p.high for p in pieces[:-1] if p.high is not None), tuple(per_layer))


def _split(network: ExactNetwork, layer: int, piece: _Piece) -> list[_Piece]:
    rows, rank = network.preactivations(layer, piece.maps), rows_per_unit(network.activation)
    cuts: set[Fraction] = set()
    for unit in range(0, len(rows), rank):
        group = rows[unit : unit + rank]
        for (s, c), (u, d) in combinations(group, 2) if rank > 1 else [(group[0], (Fraction(0), Fraction(0)))]:
            if s != u:
                t = (d - c) / (s - u)
                inside = (piece.low is None or t > piece.low) and (piece.high is None or t < piece.high)
                if inside and (rank == 1 or all(a * t + b <= s * t + c for a, b in group)):
                    cuts.add(t)
    ends = [piece.low, *sorted(cuts), piece.high]
    parts = []
    for low, high in pairwise(ends):
        t = _between(low, high)
        values = [s * t + c for s, c in rows]
        if rank == 1:
            states = tuple(int(v > 0) for v in values)
        else:
            groups = [values[k : k + rank] for k in range(0, len(values), rank)]
            states = tuple(group.index(max(group)) for group in groups)
        parts.append(_Piece(low, high, network.gate(rows, states), piece.pattern + states))
    return parts


def _between(low: Fraction | None, high: Fraction | None) -> Fraction:
    if low is None:
        return Fraction(0) if high is None else high - 1
    return low + 1 if high is None else (low + high) / 2


def combine(coefficients: Row, maps: Map, constant: Fraction) -> Row:
    """sum_j coefficients_j maps_j + constant, as one affine function."""
    total = [Fraction(0)] * len(maps[0])
    for factor, row in zip(coefficients, maps, strict=True):
        if factor:
            total = [a + factor * x for a, x in zip(total, row, strict=True)]
    total[-1] += constant
    return tuple(total)


def fraction(value: Any) -> Fraction:
    """The exact value of an int, Fraction or float (NumPy scalars included)."""
    return value if isinstance(value, Fraction) else Fraction(value.item() if hasattr(value, "item") else value)


def require_cells(cells: int, most: int) -> None:
    """Refuse to carry more cells than the limit.

    Raises:
        RegionsError: names the count so far, the limit and the mend.
    """
    if cells > most:
        raise RegionsError(
            f"the network has at least {cells} cells and the limit is {most}; raise most_cells, "
            "take a smaller network, or a smaller domain"
        )
