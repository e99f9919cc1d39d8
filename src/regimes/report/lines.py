"""Geometry of boundaries on a map: in units of cells, u to the right and v upwards, both from the lower left corner."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Point = tuple[float, float]


def position(value: float, points: Sequence[Any]) -> float | None:
    """Where a value lies among grid points: the k-th point is at k + 0.5, the middle of its cell.

    Between two points the scale is logarithmic if all are positive, else linear, and it goes on beyond the ends.
    None for a grid of words or of one point, and for a value off a logarithmic scale; infinite values stay so.
    """
    if len(points) < 2 or any(isinstance(point, (str, bool)) for point in points) or math.isnan(value):
        return None
    if math.isinf(value):
        return value
    logarithmic = min(points) > 0
    if logarithmic and value <= 0:
        return -math.inf
    at, *scaled = (math.log(one) if logarithmic else float(one) for one in (value, *points))
    index = next((k for k in range(len(points) - 1) if at <= scaled[k + 1]), len(points) - 2)
    return index + (at - scaled[index]) / (scaled[index + 1] - scaled[index]) + 0.5


@dataclass(frozen=True)
class Line:
    """A boundary on a map.

    Attributes:
        pieces: the visible parts, each a list of points.
        end: where the visible part ends, its topmost point; None if nothing is visible.
        edge: the edge at which it ends: `top`, `left`, `right`, or `inner`.
        beyond: (y, value) of the rows whose boundary lies right of the map, from the first row up.
        before: number of rows whose boundary lies left of the map.
    """

    pieces: tuple[tuple[Point, ...], ...]
    end: Point | None
    edge: str
    beyond: tuple[tuple[Any, float], ...]
    before: int


def line(bounds: Sequence[tuple[Any, float]], xs: Sequence[Any], ys: Sequence[Any]) -> Line | None:
    """A boundary through its rows: a curve where y is a number, else one upright stroke per row.

    Arguments:
        bounds: (y, boundary on the x axis) of the rows that have one.
        xs: the grid's columns.
        ys: the grid's rows.

    Returns:
        The line, or None if no row has a boundary that can be placed.
    """
    placed = [(ys.index(y), value, at) for y, value in bounds if (at := position(value, xs)) is not None]
    if not placed:
        return None
    columns = len(xs)
    smooth = len(ys) > 1 and not any(isinstance(y, (str, bool)) for y in ys)
    pieces: list[list[Point]] = []
    for run in _consecutive([(row, at) for row, _, at in placed if math.isfinite(at)]):
        points = _curve(run) if smooth else None
        if points is not None:
            pieces += _clipped(points, columns)
        else:
            pieces += [[(at, row), (at, row + 1.0)] for row, at in run if 0 <= at <= columns]
    top = max((point for piece in pieces for point in piece), key=lambda point: point[1], default=None)
    return Line(
        pieces=tuple(tuple(piece) for piece in pieces),
        end=top,
        edge="" if top is None else _edge(top, columns, len(ys)),
        beyond=tuple((ys[row], value) for row, value, at in placed if at > columns),
        before=sum(at < 0 for _, _, at in placed),
    )


def frontier(cells: dict[tuple[int, int], bool]) -> list[tuple[Point, Point]]:
    """Edges between promised cells and others, for a premise that draws no line on x.

    Arguments:
        cells: whether the cell of a column and row is promised.
    """
    edges: list[tuple[Point, Point]] = []
    for (column, row), inside in sorted(cells.items()):
        if cells.get((column + 1, row), inside) != inside:
            edges.append(((column + 1.0, float(row)), (column + 1.0, row + 1.0)))
        if cells.get((column, row + 1), inside) != inside:
            edges.append(((float(column), row + 1.0), (column + 1.0, row + 1.0)))
    return edges


def _consecutive(rows: list[tuple[int, float]]) -> list[list[tuple[int, float]]]:
    """Rows cut where one is missing."""
    runs: list[list[tuple[int, float]]] = []
    for row, at in rows:
        if runs and runs[-1][-1][0] == row - 1:
            runs[-1].append((row, at))
        else:
            runs.append([(row, at)])
    return runs


def _curve(run: list[tuple[int, float]]) -> list[Point]:
    """Points through the middles of rows, drawn on by half a row at both ends."""
    if len(run) == 1:
        row, at = run[0]
        return [(at, row), (at, row + 1.0)]
    middles = [(at, row + 0.5) for row, at in run]
    (a, b), (c, d) = middles[:2], middles[-2:]
    first = (a[0] - (b[0] - a[0]) / 2, a[1] - 0.5)
    last = (d[0] + (d[0] - c[0]) / 2, d[1] + 0.5)
    return [first, *middles, last]


def _clipped(points: list[Point], columns: int) -> list[list[Point]]:
    """The parts of a polyline with u between 0 and the number of columns."""
    pieces: list[list[Point]] = []
    for (u, v), (s, t) in pairwise(points):
        low, high = 0.0, 1.0
        if u == s:
            if not 0 <= u <= columns:
                continue
        else:
            ends = sorted(((0 - u) / (s - u), (columns - u) / (s - u)))
            low, high = max(low, ends[0]), min(high, ends[1])
            if low >= high:
                continue
        start = (u + low * (s - u), v + low * (t - v))
        stop = (u + high * (s - u), v + high * (t - v))
        if pieces and math.dist(pieces[-1][-1], start) < 1e-9:
            pieces[-1].append(stop)
        else:
            pieces.append([start, stop])
    return pieces


def _edge(point: Point, columns: int, rows: int) -> str:
    if point[1] >= rows - 1e-6:
        return "top"
    if point[0] >= columns - 1e-6:
        return "right"
    return "left" if point[0] <= 1e-6 else "inner"
