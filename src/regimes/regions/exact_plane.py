"""Regions in the plane in rational arithmetic: convex polygons clipped unit by unit, unbounded ones included.

Vertices are homogeneous (x, y, w) with w = 0 at infinity. The plane starts as three sectors around one point, whose
artificial walls are glued again at the end: two polygons on the two sides of a common edge are one cell if their patterns
agree, and one linear piece if their maps agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from regimes.regions.counts import Counts, glue
from regimes.regions.exact import ExactNetwork, Map, Row, fraction, require_cells
from regimes.regions.network import RegionsError, rows_per_unit

Polygon = list[Row]  # counter-clockwise homogeneous vertices
Box = tuple[Any, Any, Any, Any]

INPUT: Map = [(Fraction(1), Fraction(0), Fraction(0)), (Fraction(0), Fraction(1), Fraction(0))]


@dataclass
class _Piece:
    polygon: Polygon
    maps: Map
    pattern: tuple[int, ...] = ()


def exact_plane(network: ExactNetwork, box: Box | None = None, most_cells: int = 10_000) -> Counts:
    """Count the regions of one network of two inputs on R^2, or in the open box, without rounding.

    Arguments:
        network: of two inputs.
        box: (x_low, x_high, y_low, y_high) in int, Fraction or float, or None for the whole plane.
        most_cells: refuse to go on beyond this many polygons (default 10000).

    Raises:
        RegionsError: not two inputs, an empty box, or too many cells.
    """
    if network.inputs != 2:
        raise RegionsError(f"exact_plane counts networks of 2 inputs and this one has {network.inputs}; restrict it to a plane")
    pieces = [_Piece(polygon, INPUT) for polygon in _domain(box)]
    for layer in range(len(network.layers)):
        parts: list[_Piece] = []
        for piece in pieces:
            parts += _split(network, layer, piece)
            require_cells(len(parts), most_cells)
        pieces = parts
    polygons = [piece.polygon for piece in pieces]
    patterns = [piece.pattern for piece in pieces]
    maps = [tuple(network.output(piece.maps)) for piece in pieces]
    return Counts(
        cells=components(polygons, patterns),
        patterns=len(set(patterns)),
        linear_pieces=components(polygons, maps),
        distinct_maps=len(set(maps)),
    )


def _domain(box: Box | None) -> list[Polygon]:
    one, zero = Fraction(1), Fraction(0)
    if box is None:
        centre = (Fraction(355, 1130), Fraction(-271, 1000), one)
        far = [(one, zero, zero), (-one, one, zero), (-one, -one, zero)]
        return [[centre, far[k], far[(k + 1) % 3]] for k in range(3)]
    x0, x1, y0, y1 = map(fraction, box)
    if not (x0 < x1 and y0 < y1):
        raise RegionsError(f"a box is (x_low, x_high, y_low, y_high) with low < high; got {box}")
    return [[(x0, y0, one), (x1, y0, one), (x1, y1, one), (x0, y1, one)]]


def _split(network: ExactNetwork, layer: int, piece: _Piece) -> list[_Piece]:
    rows, rank = network.preactivations(layer, piece.maps), rows_per_unit(network.activation)
    parts: list[tuple[Polygon, tuple[int, ...]]] = [(piece.polygon, ())]
    for unit in range(0, len(rows), rank):
        if rank == 1:
            parts = [(part, (*states, side)) for polygon, states in parts for part, side in clip(polygon, rows[unit])]
        else:
            parts = [
                (part, (*states, best)) for polygon, states in parts for part, best in _upper(polygon, rows[unit : unit + rank])
            ]
    return [_Piece(polygon, network.gate(rows, states), piece.pattern + states) for polygon, states in parts]


def _upper(polygon: Polygon, group: Map) -> list[tuple[Polygon, int]]:
    """The polygon cut by the argmax of a maxout unit; parts of equal argmax may be several, and are glued by their pattern."""
    parts = [(polygon, 0)]
    for k in range(1, len(group)):
        finer = []
        for part, best in parts:
            difference = tuple(a - b for a, b in zip(group[k], group[best], strict=True))
            finer += [(half, k if side else best) for half, side in clip(part, difference)]
        parts = finer
    return parts


def clip(polygon: Polygon, line: Row) -> list[tuple[Polygon, int]]:
    """The parts of a convex polygon where a x + b y + c > 0 (1) and <= 0 (0); one part if the line misses the interior."""
    values = [sum((a * x for a, x in zip(line, vertex, strict=True)), Fraction(0)) for vertex in polygon]
    above, below = any(v > 0 for v in values), any(v < 0 for v in values)
    if not (above and below):
        return [(polygon, int(above))]
    halves: tuple[Polygon, Polygon] = ([], [])
    for k, (p, v) in enumerate(zip(polygon, values, strict=True)):
        q, u = polygon[(k + 1) % len(polygon)], values[(k + 1) % len(polygon)]
        if v <= 0:
            halves[0].append(p)
        if v >= 0:
            halves[1].append(p)
        if v * u < 0:
            crossing = tuple(abs(u) * a + abs(v) * b for a, b in zip(p, q, strict=True))
            scale = crossing[2] or max(abs(x) for x in crossing)
            crossing = tuple(x / scale for x in crossing)
            halves[0].append(crossing)
            halves[1].append(crossing)
    return [(halves[0], 0), (halves[1], 1)]


def components(polygons: list[Polygon], labels: list[Any]) -> int:
    """Connected components when polygons of equal label that share an edge of positive length are glued."""
    sides: dict[Hashable, tuple[list, list]] = defaultdict(lambda: ([], []))
    for index, (polygon, label) in enumerate(zip(polygons, labels, strict=True)):
        for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            if p[2] == 0 == q[2]:
                continue
            a, b, c = (p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0])
            lead = a or b
            line = (a / lead, b / lead, c / lead)
            ends = sorted((_along(p, line), _along(q, line)))
            sides[(line, label)][lead > 0].append((ends[0], ends[1], index))
    pairs = [
        (i, j)
        for left, right in sides.values()
        for low, high, i in left
        for begin, end, j in right
        if max(low, begin) < min(high, end)
    ]
    return int(glue(len(polygons), pairs).max()) + 1


def _along(point: Row, line: Row) -> Fraction | float:
    """Coordinate of a point along a line, infinite at infinity."""
    value = line[0] * point[1] - line[1] * point[0]
    if point[2]:
        return value / point[2]
    return float("inf") if value > 0 else float("-inf")
