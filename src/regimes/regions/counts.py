"""The four counts of one network, and groups of glued pieces."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True)
class Counts:
    """cells, patterns, linear_pieces and distinct_maps as `regimes.regions` defines them; ties are coincidences by rounding."""

    cells: int
    patterns: int
    linear_pieces: int
    distinct_maps: int
    ties: int = 0


def glue(pieces: int, pairs: Iterable[tuple[int, int]] | np.ndarray) -> np.ndarray:
    """Number of the connected component of each piece when the pairs are glued, shape (pieces,), numbered from 0."""
    edges = np.asarray(list(pairs) if not isinstance(pairs, np.ndarray) else pairs, dtype=np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(pieces, pieces))
    return connected_components(graph, directed=False)[1]
