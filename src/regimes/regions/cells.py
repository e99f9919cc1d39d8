"""Cells of small networks of up to five inputs: depth first over the units, with a linear program per doubtful sign.

A set of signs is realised iff the largest t with a_k . x + h_k >= t for all its half-spaces (unit normals, so t is a distance)
is positive. The point that the program returns is checked in float64: a cell that is counted has a certified inner point. A
program whose optimum lies within THIN of zero is a tie: HiGHS solves to 1e-10, and THIN is a thousand times that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
from scipy.optimize import linprog

from regimes.regions.cell_maps import CellMaps, cell_maps
from regimes.regions.counts import Counts, glue
from regimes.regions.exact import require_cells
from regimes.regions.maps import label_distinct
from regimes.regions.network import Leaky, Maxout, PiecewiseLinear, RegionsError, require_inputs, rows_per_unit
from regimes.regions.rounding import LAMBDA, UNIT

THIN = 1e-7


@dataclass(frozen=True)
class _Cell:
    """A set of signs so far: half-spaces (m, n0 + 1) by unit, an inner point and its distance to the walls."""

    walls: np.ndarray
    units: tuple[int, ...]  # the unit of each half-space, -1 for the box
    point: np.ndarray
    depth: float
    states: tuple[int, ...]
    maps: np.ndarray  # activations of the layer below, (n, n0 + 1)


@dataclass(frozen=True)
class SpaceRegions:
    """The cells of one network: patterns (C, N), inner points (C, n0); `ties` counts programs with an optimum near zero."""

    network: PiecewiseLinear
    patterns: np.ndarray
    inner: np.ndarray
    ties: int
    cells: tuple[_Cell, ...]

    @cached_property
    def maps(self) -> CellMaps:
        """Affine maps of the cells (R = 1)."""
        return cell_maps(self.network, self.inner[None])

    @cached_property
    def counts(self) -> Counts:
        """The four counts and the ties."""
        every = np.ones((1, len(self.inner)), bool)
        label = label_distinct(self.maps.flat, self.maps.within, every)[0]
        pairs = []
        for value in np.flatnonzero(np.bincount(label) > 1):
            alike = np.flatnonzero(label == value).tolist()
            pairs += [(i, j) for i, j in combinations(alike, 2) if _share_facet(self.cells[i], self.cells[j])]
        return Counts(
            cells=len(self.inner),
            patterns=len(np.unique(self.patterns, axis=0)),
            linear_pieces=int(glue(len(self.inner), pairs).max()) + 1,
            distinct_maps=int(label.max()) + 1,
            ties=self.ties,
        )


def space_regions(
    network: PiecewiseLinear, box: tuple[np.ndarray, np.ndarray] | None = None, index: int = 0, most_cells: int = 20_000
) -> SpaceRegions:
    """Find the cells of network `index` on R^n0, or in an open box, at about 2 programs of 1 ms per cell and unit.

    Arguments:
        network: of one to five inputs.
        box: (low, high), each (n0,), or None for the whole space.
        index: which network of the batch.
        most_cells: refuse to go on beyond this many cells (default 20000).

    Raises:
        RegionsError: more than five inputs, an empty box, or too many cells.
    """
    require_inputs(network, 1, 5, "space_regions", "restrict it to a line or a plane")
    if not 0 <= index < network.replicates:
        raise RegionsError(f"network {index} of a batch of {network.replicates}; index counts from 0")
    network, size = network.select(slice(index, index + 1)), network.inputs
    walls, point, depth = np.zeros((0, size + 1)), np.zeros(size), 1.0
    if box is not None:
        low, high = (np.broadcast_to(np.asarray(end, float), size) for end in box)
        if not (np.isfinite(low).all() and np.isfinite(high).all() and (low < high).all()):
            raise RegionsError(f"a box is (low, high), finite with low < high in every coordinate; got {box}")
        walls = np.concatenate([np.c_[np.eye(size), -low], np.c_[-np.eye(size), high]])
        point, depth = (low + high) / 2, float((high - low).min() / 2)
    start = _Cell(walls, (-1,) * len(walls), point, depth, (), np.eye(size, size + 1))
    search = _Search(network, most_cells)
    cells = tuple(search.run(start))
    return SpaceRegions(network, np.array([c.states for c in cells]), np.array([c.point for c in cells]), search.ties, cells)


class _Search:
    """Depth-first search over the signs of all units."""

    def __init__(self, network: PiecewiseLinear, most_cells: int) -> None:
        self.layers = [layer[0] for layer in network.layers()]
        self.activation, self.rank = network.activation, rows_per_unit(network.activation)
        self.most_cells = most_cells
        self.ties = 0

    def run(self, start: _Cell) -> Iterator[_Cell]:
        stack, found = [(0, 0, start, self._rows(0, start.maps))], 0
        while stack:
            layer, unit, cell, rows = stack.pop()
            if unit == len(rows) // self.rank:
                cell = replace(cell, maps=self._gate(rows, cell.states[-unit:]))
                layer, unit = layer + 1, 0
                if layer == len(self.layers):
                    found += 1
                    require_cells(found, self.most_cells)
                    yield cell
                    continue
                rows = self._rows(layer, cell.maps)
            stack += [(layer, unit + 1, child, rows) for child in self._children(layer, unit, cell, rows)]

    def _rows(self, layer: int, maps: np.ndarray) -> np.ndarray:
        rows = self.layers[layer][:, :-1] @ maps
        rows[:, -1] += self.layers[layer][:, -1]
        return rows

    def _gate(self, rows: np.ndarray, states: tuple[int, ...]) -> np.ndarray:
        state = np.array(states)
        if isinstance(self.activation, Maxout):
            return rows[np.arange(len(state)) * self.rank + state]
        slope = float(self.activation.slope) if isinstance(self.activation, Leaky) else 0.0
        return rows * np.where(state == 1, 1.0, slope)[:, None]

    def _children(self, layer: int, unit: int, cell: _Cell, rows: np.ndarray) -> Iterator[_Cell]:
        own = rows[unit * self.rank : (unit + 1) * self.rank]
        if self.rank == 1:
            options = [(0, -own, (0,)), (1, own, (1,))]
        else:
            each = range(self.rank)
            options = [
                (k, np.array([own[k] - own[j] for j in each if j != k]), tuple(int(j < k) for j in each if j != k))
                for k in each
            ]
        # Rounding of the functions of this layer, from the sizes that enter the products.
        noise = LAMBDA * UNIT * np.sqrt(cell.maps.size) * (1 + np.abs(cell.maps).max())
        for state, functions, loses in options:
            norms = np.linalg.norm(functions[:, :-1], axis=1)
            constant = norms <= noise
            equal = constant & (np.abs(functions[:, -1]) <= noise)
            self.ties += int(equal.any())
            if (constant & ~equal & (functions[:, -1] < 0)).any() or (equal & (np.array(loses) == 1)).any():
                continue
            new = functions[~constant] / norms[~constant, None]
            child = self._inner(cell, new)
            if child is not None:
                number = len(cell.states)
                units = cell.units + (number,) * len(new)
                walls = np.concatenate([cell.walls, new])
                yield replace(child, walls=walls, units=units, states=(*cell.states, state))

    def _inner(self, cell: _Cell, new: np.ndarray) -> _Cell | None:
        """The cell with a point inside the new half-spaces too, or None."""
        depth = min(cell.depth, float((new[:, :-1] @ cell.point + new[:, -1]).min(initial=np.inf)))
        if depth > THIN:
            return replace(cell, depth=depth)
        point, depth = deepest(np.concatenate([cell.walls, new]))
        # Two sides of one cut share the optimum 0 when the cut only touches.
        self.ties += abs(depth) <= THIN
        return replace(cell, point=point, depth=depth) if depth > THIN else None


def deepest(walls: np.ndarray) -> tuple[np.ndarray, float]:
    """A point x that maximises t = min_k a_k . x + h_k, at most 1, and its t, recomputed in float64.

    Arguments:
        walls: (m, n + 1), unit normals a_k and offsets h_k.
    """
    size = walls.shape[1] - 1
    if size == 0 or len(walls) == 0:
        return np.zeros(size), float(walls[:, -1].min(initial=1.0))
    cost = np.zeros(size + 1)
    cost[-1] = -1
    result = linprog(
        cost,
        A_ub=np.c_[-walls[:, :-1], np.ones(len(walls))],
        b_ub=walls[:, -1],
        bounds=[(None, None)] * size + [(None, 1)],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    if result.x is None:
        raise RegionsError(f"HiGHS failed on a cell of {len(walls)} half-spaces ({result.message}); rescale the network")
    point = result.x[:-1]
    return point, float(min(1.0, (walls[:, :-1] @ point + walls[:, -1]).min()))


def _share_facet(one: _Cell, two: _Cell) -> bool:
    """Whether two cells meet in dimension n0 - 1: on the hyperplane of the first unit where their states differ."""
    unit = next(k for k, (a, b) in enumerate(zip(one.states, two.states, strict=True)) if a != b)
    walls = np.concatenate([one.walls, two.walls])
    ours = two.walls[np.array(two.units) == unit]
    for normal in one.walls[np.array(one.units) == unit]:
        if not (np.abs(ours + normal).max(1) <= THIN).any():
            continue  # with maxout, a half-space against a third argument
        foot, basis = -normal[-1] * normal[:-1], np.linalg.svd(normal[None, :-1])[2][1:].T
        slopes, offsets = walls[:, :-1] @ basis, walls[:, :-1] @ foot + walls[:, -1]
        norms = np.linalg.norm(slopes, axis=1)
        parallel = norms <= THIN
        if (offsets[parallel] < -THIN).any():
            continue
        inside = np.c_[slopes, offsets][~parallel] / norms[~parallel, None]
        if deepest(inside)[1] > THIN:
            return True
    return False
