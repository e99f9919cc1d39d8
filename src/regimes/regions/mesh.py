"""A planar subdivision into convex faces that the zero sets of piecewise linear functions cut finer and finer.

Vertices are homogeneous (x, y, w), w = 0 at infinity, and carry the values of all functions, so that a cut interpolates and
never solves. Vertices and edges are shared by neighbouring faces: a value is stored once, both neighbours are cut alike, and
adjacency is known. All work is on arrays over vertices and edges; the loop is over functions only.
"""

from __future__ import annotations

import numpy as np

from regimes.regions.network import RegionsError, require_memory
from regimes.regions.rounding import interpolated_variance

# The artificial centre and directions of a whole plane: no line of a generic or rational network passes through them.
CENTRE = (0.7390851332151607, -0.5671432904097838)
ANGLES = (0.3517337112491958, 2.4048255576957727, 4.493409457909064)


class Mesh:
    """Faces 0 .. faces-1, face -1 outside; edges (2, E) between vertices; `walls` are edges that separate cells.

    Arguments:
        box: (x_low, x_high, y_low, y_high), or None for the whole plane as three sectors around one point, glued by edges
            that are no walls.
        memory_limit: bytes.
    """

    def __init__(self, box: tuple[float, float, float, float] | None, memory_limit: float) -> None:
        if box is None:
            far = [(float(np.cos(a)), float(np.sin(a)), 0.0) for a in ANGLES]
            self.place = np.array([(*CENTRE, 1.0), *far]).T
            self.ends = np.array([[0, 0, 0, 1, 2, 3], [1, 2, 3, 2, 3, 1]])
            self.sides = np.array([[0, 1, 2, 0, 1, 2], [2, 0, 1, -1, -1, -1]])
            self.walls = np.array([False, False, False, True, True, True])
            self.faces = 3
        else:
            x0, x1, y0, y1 = box
            self.place = np.array([(x0, y0, 1.0), (x1, y0, 1.0), (x1, y1, 1.0), (x0, y1, 1.0)]).T
            self.ends = np.array([[0, 1, 2, 3], [1, 2, 3, 0]])
            self.sides = np.array([[0, 0, 0, 0], [-1, -1, -1, -1]])
            self.walls = np.ones(4, bool)
            self.faces = 1
        self.memory_limit = memory_limit
        self.ties = 0
        self.values = self.place  # (rows, V), of the functions in hand
        self.variance = np.zeros(self.place.shape[1])  # of the rounding error of a value at each vertex
        self.stamp = np.full(self.ends.shape[1], -1)  # which cut made the edge

    @property
    def vertices(self) -> int:
        """Vertices so far, those at infinity included."""
        return self.place.shape[1]

    def sign(self, function: np.ndarray, within: np.ndarray) -> np.ndarray:
        """-1, 0 or 1 per vertex, 0 within the tolerance; zeros count as ties, but for slopes of exactly 0 at infinity."""
        sign = (function > within).astype(np.int8) - (function < -within)
        zero = np.flatnonzero(sign == 0)
        if len(zero):
            self.ties += int(((self.place[2, zero] == 1) | (function[zero] != 0)).sum())
        return sign

    def cut(self, function: np.ndarray, sign: np.ndarray, stamp: int, own: int | None) -> None:
        """Cut all faces along the zero set of a function that is affine on each face.

        Arguments:
            function: (V,), its values.
            sign: (V,), their signs.
            stamp: marks the new edges.
            own: the row of `values` that is the function and vanishes at the new vertices, if it is one.
        """
        one, two = sign[self.ends]
        crossed = np.flatnonzero(one * two < 0)
        old = self.vertices
        touched = not sign.all()
        if len(crossed) == 0 and not touched:
            return
        sides = self.sides[:, crossed]
        if len(crossed):
            self._split_edges(crossed, function, own)
            sign = np.concatenate([sign, np.zeros(len(crossed), np.int8)])
        # Each edge now lies on one side, 0 only if it lies in the zero set.
        side = sign[self.ends].sum(0)
        if touched:
            face, vertex = self._zero_points(side, sign, stamp)
        else:
            face, vertex = sides.ravel(), np.tile(np.arange(old, old + len(crossed)), 2)
            inside = face >= 0
            face, vertex = face[inside], vertex[inside]
        order = np.argsort(face, kind="stable")
        face, vertex = face[order].reshape(-1, 2), vertex[order].reshape(-1, 2)
        if len(face) and not np.array_equal(face[:, 0], face[:, 1]):
            raise RegionsError(_THIN)
        self._split_faces(face[:, 0], vertex.T, side, stamp)

    def _split_edges(self, crossed: np.ndarray, function: np.ndarray, own: int | None) -> None:
        p, q = self.ends[:, crossed]
        a, b = np.abs(function[q]), np.abs(function[p])
        scale = a * self.place[2, p] + b * self.place[2, q]
        infinite = scale == 0
        place = a * self.place[:, p] + b * self.place[:, q]
        # A new point at infinity is a direction, and any positive multiple would do.
        scale = np.where(infinite, np.hypot(place[0], place[1]), scale)
        a, b = a / scale, b / scale
        require_memory(24.0 * len(self.values) * (self.vertices + len(p)), self.memory_limit, f"a plane of {self.faces} faces")
        place = a * self.place[:, p] + b * self.place[:, q]
        place[2] = np.where(infinite, 0.0, 1.0)
        values = a * self.values[:, p] + b * self.values[:, q]
        if own is not None:
            values[own] = 0.0
        added = interpolated_variance(a, self.variance[p], b, self.variance[q])
        new = self.vertices + np.arange(len(p))
        self.place = np.concatenate([self.place, place], 1)
        self.values = np.concatenate([self.values, values], 1)
        self.variance = np.concatenate([self.variance, added])
        self.ends = np.concatenate([self.ends, np.stack([new, q])], 1)
        self.ends[1, crossed] = new
        self.sides = np.concatenate([self.sides, self.sides[:, crossed]], 1)
        self.walls = np.concatenate([self.walls, self.walls[crossed]])
        self.stamp = np.concatenate([self.stamp, self.stamp[crossed]])

    def _zero_points(self, side: np.ndarray, sign: np.ndarray, stamp: int) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (face, vertex) of the zeros on the boundary of each face that has both signs; walls along existing edges."""
        above, below = np.zeros(self.faces + 1, bool), np.zeros(self.faces + 1, bool)
        for faces in self.sides:
            above[faces[side > 0]] = True
            below[faces[side < 0]] = True
        above[-1] = below[-1] = False
        flat = np.flatnonzero((side == 0) & ~self.walls)
        flat = flat[(sign[self.ends[:, flat]] == 0).all(0)]
        one, two = self.sides[:, flat]
        flat = flat[(above | below)[one] | (above | below)[two]]
        self.walls[flat], self.stamp[flat] = True, stamp
        both = above & below
        face, vertex = (np.concatenate([np.repeat(self.sides[i], 2) for i in (0, 1)]), np.tile(self.ends.T.ravel(), 2))
        chosen = both[face] & (sign[vertex] == 0)
        pairs = np.unique(np.stack([face[chosen], vertex[chosen]]), axis=1)
        if (np.bincount(pairs[0], minlength=self.faces)[: self.faces][both[:-1]] != 2).any():
            raise RegionsError(_THIN)
        return pairs[0], pairs[1]

    def _split_faces(self, face: np.ndarray, chord: np.ndarray, side: np.ndarray, stamp: int) -> None:
        """Give the positive side of each face a new number and part it from the old one by a chord."""
        fresh = np.arange(self.faces + 1)
        fresh[-1] = -1
        fresh[face] = self.faces + np.arange(len(face))
        above = np.flatnonzero(side > 0)
        self.sides[:, above] = fresh[self.sides[:, above]]
        self.ends = np.concatenate([self.ends, chord], 1)
        self.sides = np.concatenate([self.sides, np.stack([face, fresh[face]])], 1)
        self.walls = np.concatenate([self.walls, np.ones(len(face), bool)])
        self.stamp = np.concatenate([self.stamp, np.full(len(face), stamp)])
        self.faces += len(face)

    def face_sums(self, rows: np.ndarray) -> np.ndarray:
        """For each face the sum over its edges of both ends' values, (rows, faces): a positive multiple of a value inside."""
        weights = rows[:, self.ends].sum(1)
        total = np.zeros((len(rows), self.faces + 1))
        for faces in self.sides:
            for row, weight in enumerate(weights):
                total[row] += np.bincount(np.where(faces < 0, self.faces, faces), weight, self.faces + 1)
        return total[:, :-1]

    def inner_points(self) -> np.ndarray:
        """A point inside each face, (faces, 2)."""
        # Homogeneous vertices add up: finite ones to a mean, directions at infinity to a step of their own scale.
        finite = self.place[2] == 1
        mean = self.face_sums(self.place * finite)
        mean = mean[:2] / mean[2]
        step = self.face_sums(self.place[:2] * ~finite)
        return (mean + step * (1 + np.hypot(mean[0], mean[1]))).T


_THIN = "a face is thinner than float64 resolves; count with exact_plane"
