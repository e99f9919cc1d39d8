"""Regions of piecewise linear networks in the plane or a box, cut unit by unit on a mesh of shared vertices.

The whole plane is exact: unbounded faces have vertices at infinity, where a pre-activation is a slope and the activation
acts on slopes as it does on values. `plane_cells` saves the last layer: the chords of a face cut it into
1 + chords + crossings parts, and two chords cross iff one line separates the ends of the other chord.

Walls that are parallel by structure, as after a maxout layer of one unit, meet at infinity and are reported as ties: in
float64 they cannot be told from walls that cross far away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from regimes.regions.cell_maps import CellMaps, cell_maps
from regimes.regions.counts import Counts, glue
from regimes.regions.maps import count_distinct
from regimes.regions.mesh import Mesh
from regimes.regions.network import (
    Leaky,
    Maxout,
    PiecewiseLinear,
    RegionsError,
    require_inputs,
    require_memory,
)
from regimes.regions.rounding import interpolated_variance, layer_variance, tolerance

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class PlaneRegions:
    """The cells of one network on the plane or in a box, as faces of a mesh; `piece[f]` is the linear piece of face f."""

    network: PiecewiseLinear
    box: Box | None
    mesh: Mesh

    @cached_property
    def maps(self) -> CellMaps:
        """Patterns and affine maps of the faces (R = 1)."""
        return cell_maps(self.network, self.mesh.inner_points()[None])

    @cached_property
    def cell(self) -> np.ndarray:
        """Number of the cell of each face, (faces,): faces that no wall parts are one cell."""
        inside = (self.mesh.sides >= 0).all(0)
        return glue(self.mesh.faces, self.mesh.sides[:, inside & ~self.mesh.walls].T)

    @cached_property
    def piece(self) -> np.ndarray:
        """Number of the linear piece of each face, (faces,)."""
        inside = np.flatnonzero((self.mesh.sides >= 0).all(0))
        one, two = self.mesh.sides[:, inside]
        same = ~self.maps.differ(one, two)[0] | ~self.mesh.walls[inside]
        return glue(self.mesh.faces, self.mesh.sides[:, inside[same]].T)

    @cached_property
    def counts(self) -> Counts:
        """The four counts and the ties."""
        every = np.ones((1, self.mesh.faces), bool)
        return Counts(
            cells=int(self.cell.max()) + 1,
            patterns=int(count_distinct(self.maps.keys, np.zeros(every.shape), every)[0]),
            linear_pieces=int(self.piece.max()) + 1,
            distinct_maps=int(count_distinct(self.maps.flat, self.maps.within, every)[0]),
            ties=self.mesh.ties,
        )

    def polygons(self) -> list[tuple[np.ndarray, int]]:
        """For each face its vertices in order, (k, 2), and the number of its linear piece, for pictures.

        Raises:
            RegionsError: on the whole plane, where faces are unbounded.
        """
        if self.box is None:
            raise RegionsError("faces of the whole plane are unbounded; give a box to draw them")
        mesh = self.mesh
        pairs = np.concatenate([np.stack([mesh.sides[i], mesh.ends[j]]) for i in (0, 1) for j in (0, 1)], 1)
        face, vertex = np.unique(pairs[:, pairs[0] >= 0], axis=1)
        offset = mesh.place[:2, vertex] - mesh.inner_points()[face].T
        order = np.lexsort((np.arctan2(offset[1], offset[0]), face))
        corners = np.split(mesh.place[:2, vertex[order]].T, np.flatnonzero(np.diff(face[order])) + 1)
        return list(zip(corners, self.piece.tolist(), strict=True))


def plane_regions(network: PiecewiseLinear, box: Box | None = None, index: int = 0, memory_limit: float = 2e9) -> PlaneRegions:
    """Cut the plane, or the open box, into the cells of network `index` of two inputs.

    Arguments:
        network: of two inputs; `restricted_to_plane` makes one from any other.
        box: (x_low, x_high, y_low, y_high) in units of the inputs, or None for the whole plane.
        index: which network of the batch.
        memory_limit: bytes that the values at the vertices may take (default 2 GB), checked at each cut.

    Raises:
        RegionsError: not two inputs, an empty box, too much memory, or a face thinner than float64 resolves.
    """
    network, mesh, layers = _start(network, box, index, memory_limit)
    for layer in layers:
        _enter(mesh, layer)
        _cut_layer(mesh, network)
    return PlaneRegions(network, box, mesh)


def plane_cells(network: PiecewiseLinear, box: Box | None = None, index: int = 0, memory_limit: float = 2e9) -> tuple[int, int]:
    """Count the cells of network `index` without cutting its last layer; returns (cells, ties).

    Arguments and errors are those of `plane_regions`, to which networks with ties and maxout networks are handed.
    """
    sliced, mesh, layers = _start(network, box, index, memory_limit)
    if isinstance(network.activation, Maxout):
        return _count_fully(network, box, index, memory_limit)
    for layer in layers[:-1]:
        _enter(mesh, layer)
        _cut_layer(mesh, sliced)
    _enter(mesh, layers[-1])
    within = tolerance(mesh.variance)
    sign = (mesh.values > within).astype(np.int8) - (mesh.values < -within)
    if mesh.ties or not sign[:, mesh.place[2] == 1].all() or (mesh.values[sign == 0] != 0).any():
        return _count_fully(network, box, index, memory_limit)
    added = _chords_and_crossings(mesh, sign)
    return _count_fully(network, box, index, memory_limit) if added is None else (mesh.faces + added, 0)


def _chords_and_crossings(mesh: Mesh, sign: np.ndarray) -> int | None:
    """Cells less faces after all units of `mesh.values` cut the mesh, artificial edges glued; None if a crossing is a tie."""
    p, q = mesh.ends
    unit, edge = np.nonzero(sign[:, p] * sign[:, q] < 0)
    require_memory(40.0 * len(unit) * len(sign), mesh.memory_limit, f"a last layer with {len(unit)} crossings")
    p, q = p[edge], q[edge]
    a, b = np.abs(mesh.values[unit, q]), np.abs(mesh.values[unit, p])
    scale = a * mesh.place[2, p] + b * mesh.place[2, q]
    a, b = (x / np.where(scale == 0, a + b, scale) for x in (a, b))
    values = a * mesh.values[:, p] + b * mesh.values[:, q]
    within = tolerance(interpolated_variance(a, mesh.variance[p], b, mesh.variance[q]))
    positive, negative = values > within, values < -within
    decided = positive | negative
    decided[unit, np.arange(len(unit))] = True
    if not decided[:, scale > 0].all():
        return None
    face = mesh.sides[:, edge].ravel()
    key = (np.tile(unit, 2) * mesh.faces + face)[face >= 0]
    points = np.tile(np.arange(len(unit)), 2)[face >= 0]
    far, far_key = _parallel_ends(mesh, sign, key)
    points, key = np.concatenate([points, len(unit) + np.arange(len(far))]), np.concatenate([key, far_key])
    positive = np.concatenate([positive, sign[:, far] > 0], 1)
    negative = np.concatenate([negative, sign[:, far] < 0], 1)
    order = np.argsort(key, kind="stable")
    if (np.unique(key, return_counts=True)[1] != 2).any():
        return None
    one, two = points[order].reshape(-1, 2).T
    # Each crossing is seen from both of its chords.
    apart = (positive[:, one] & negative[:, two]) | (negative[:, one] & positive[:, two])
    apart[key[order][::2] // mesh.faces, np.arange(len(one))] = False
    values = np.concatenate([values, mesh.values[:, far]], 1)
    within = np.concatenate([within, tolerance(mesh.variance[far])])
    other, chord = np.nonzero(apart)
    if _concurrent(chord, (values[other, one[chord]], within[one[chord]]), (values[other, two[chord]], within[two[chord]])):
        return None
    crossings = len(other) // 2
    artificial = ~mesh.walls
    # Artificial edges glue faces in a tree, but for the one cycle around the centre of the sectors.
    glued = int(artificial.sum() + artificial[edge].sum())
    return len(one) + crossings - (glued - 1 if glued else 0)


def _concurrent(chord: np.ndarray, start: tuple[np.ndarray, np.ndarray], stop: tuple[np.ndarray, np.ndarray]) -> bool:
    """Whether two crossings of a chord coincide within rounding, from the other units' values and tolerances at its ends."""
    (p, around_p), (q, around_q) = start, stop
    length = np.abs(p) + np.abs(q)
    along, around = np.abs(p) / length, (around_p + around_q) / length
    order = np.lexsort((along, chord))
    chord, along, around = chord[order], along[order], around[order]
    close = along[1:] - along[:-1] <= around[1:] + around[:-1]
    return bool((close & (chord[1:] == chord[:-1])).any())


def _parallel_ends(mesh: Mesh, sign: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vertices at infinity where a chord ends, with their keys unit * faces + face.

    Where one unit of the layer below is active alone, all lines are parallel to its own and meet it at infinity: a chord
    then has one crossing only, and its other end is a vertex.
    """
    unit, vertex = np.nonzero((sign == 0) & (mesh.place[2] == 0))
    pairs = np.concatenate([np.stack([mesh.ends[i], mesh.sides[j]]) for i in (0, 1) for j in (0, 1)], 1)
    pairs = np.unique(pairs[:, (pairs[1] >= 0) & (mesh.place[2, pairs[0]] == 0)], axis=1)
    begin, end = (np.searchsorted(pairs[0], vertex, side=side) for side in ("left", "right"))
    which = np.repeat(np.arange(len(unit)), end - begin)
    step = np.arange(len(which)) - np.repeat(np.cumsum(end - begin) - (end - begin), end - begin)
    far_key = unit[which] * mesh.faces + pairs[1, begin[which] + step]
    seen, count = np.unique(key, return_counts=True)
    chosen = np.isin(far_key, seen[count == 1])
    return vertex[which][chosen], far_key[chosen]


def _start(
    network: PiecewiseLinear, box: Box | None, index: int, memory_limit: float
) -> tuple[PiecewiseLinear, Mesh, list[np.ndarray]]:
    require_inputs(network, 2, 2, "the plane counter", "restrict it with restricted_to_plane")
    if not 0 <= index < network.replicates:
        raise RegionsError(f"network {index} of a batch of {network.replicates}; index counts from 0")
    if box is not None and not (np.isfinite(box).all() and box[0] < box[1] and box[2] < box[3]):
        raise RegionsError(f"a box is (x_low, x_high, y_low, y_high), finite with low < high; got {box}; None is the plane")
    network = network.select(slice(index, index + 1))
    return network, Mesh(box, memory_limit), [layer[0] for layer in network.layers()]


def _enter(mesh: Mesh, layer: np.ndarray) -> None:
    """Replace the activations at the vertices by the pre-activations of the next layer."""
    inner = mesh.values if mesh.values is not mesh.place else mesh.place[:2]
    require_memory(24.0 * len(layer) * mesh.vertices, mesh.memory_limit, f"a plane of {mesh.faces} faces")
    norms = np.linalg.norm(inner, axis=0)[None]
    mesh.variance = layer_variance(mesh.variance[None], norms, mesh.place[2][None], layer[None])[0]
    mesh.values = layer[:, :-1] @ inner + np.outer(layer[:, -1], mesh.place[2])


def _cut_layer(mesh: Mesh, network: PiecewiseLinear) -> None:
    """Cut by all units of the layer in `mesh.values`, and apply the activation."""
    if isinstance(network.activation, Maxout):
        return _cut_maxout(mesh, network.activation.rank)
    for unit in range(len(mesh.values)):
        sign = mesh.sign(mesh.values[unit], tolerance(mesh.variance))
        # Rounding must not leave a trace where the arrangement is taken to be coincident.
        mesh.values[unit, sign == 0] = 0.0
        mesh.cut(mesh.values[unit], sign, unit, unit)
    slope = float(network.activation.slope) if isinstance(network.activation, Leaky) else 0.0
    mesh.values = np.where(mesh.values > 0, mesh.values, slope * mesh.values) if slope else np.maximum(mesh.values, 0)
    return None


def _cut_maxout(mesh: Mesh, rank: int) -> None:
    for first in range(0, len(mesh.values), rank):
        stamp = mesh.ends.shape[1]  # edges from here on, and their parts, belong to this unit
        mesh.stamp[:] = -1
        for k in range(1, rank):
            # The maximum of the first k arguments is affine on every face by now.
            gap = mesh.values[first + k] - mesh.values[first : first + k].max(0)
            sign = mesh.sign(gap, 2 * tolerance(mesh.variance))
            mesh.cut(np.where(sign == 0, 0.0, gap), sign, stamp, None)
        ours = np.flatnonzero(mesh.stamp == stamp)
        winner = mesh.face_sums(mesh.values[first : first + rank]).argmax(0)
        one, two = mesh.sides[:, ours]
        # A kink of the first arguments that a later argument hides is no wall.
        mesh.walls[ours[winner[one] == winner[two]]] = False
    mesh.values = mesh.values.reshape(-1, rank, mesh.vertices).max(1)


def _count_fully(network: PiecewiseLinear, box: Box | None, index: int, memory_limit: float) -> tuple[int, int]:
    regions = plane_regions(network, box, index, memory_limit)
    return int(regions.cell.max()) + 1, regions.mesh.ties
