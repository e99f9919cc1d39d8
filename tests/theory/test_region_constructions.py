from __future__ import annotations

from fractions import Fraction as F
from itertools import combinations, pairwise

import numpy as np
import pytest

from regimes.theory import region_bounds as bounds
from regimes.theory import region_constructions as constructions
from regimes.theory.region_constructions import Layers


def counts(maps: list[tuple], neighbours: list[tuple[int, int]]) -> tuple[int, int]:
    """Cells, and cells after merging neighbours with the same affine map."""
    root = list(range(len(maps)))

    def find(i: int) -> int:
        while root[i] != i:
            i = root[i]
        return i

    for i, j in neighbours:
        if maps[i] == maps[j]:
            root[find(i)] = find(j)
    return len(maps), len({find(i) for i in range(len(maps))})


def line(layers: Layers, low: F | None = None, high: F | None = None) -> tuple[int, int]:
    """Cells and linear regions of a ReLU net on a segment, the whole line by default."""
    pieces = [(low, high, np.array([F(1)]), np.array([F(0)]))]
    for weight, bias in layers:
        cut = []
        for l, h, slope, value in pieces:
            a, c = weight @ slope, weight @ value + bias
            zeros = {-y / x for x, y in zip(a, c, strict=True) if x}
            inside = sorted(z for z in zeros if (l is None or z > l) and (h is None or z < h))
            for left, right in pairwise([l, *inside, h]):
                at = left + 1 if right is None and left is not None else right - 1 if left is None and right else F(0)
                at = at if left is None or right is None else (left + right) / 2
                on = np.array([int(x * at + y > 0) for x, y in zip(a, c, strict=True)], dtype=object)
                cut.append((left, right, a * on, c * on))
        pieces = cut
    maps = [(*slope, *value) for _, _, slope, value in pieces]
    return counts(maps, list(pairwise(range(len(maps)))))


def clip(polygon: list[tuple[F, F]], a: np.ndarray, c: F) -> list[tuple[F, F]]:
    """The part of a convex polygon where a.x + c >= 0."""
    out = []
    for p, q in pairwise([*polygon, polygon[0]]):
        u, v = a[0] * p[0] + a[1] * p[1] + c, a[0] * q[0] + a[1] * q[1] + c
        if u >= 0:
            out.append(p)
        if u * v < 0:
            t = u / (u - v)
            out.append((p[0] + t * (q[0] - p[0]), p[1] + t * (q[1] - p[1])))
    return out


def square(layers: Layers) -> tuple[int, int]:
    """Cells and linear regions of a ReLU net inside the unit square."""
    corners = [(F(0), F(0)), (F(1), F(0)), (F(1), F(1)), (F(0), F(1))]
    cells = [(corners, np.array([[F(1), F(0), F(0)], [F(0), F(1), F(0)]]))]
    for weight, bias in layers:
        cut = []
        for polygon, affine in cells:
            z = weight @ affine
            z[:, 2] = z[:, 2] + bias
            parts = [(polygon, np.zeros_like(z))]
            for i, row in enumerate(z):
                split = []
                for part, masked in parts:
                    values = [row[0] * x + row[1] * y + row[2] for x, y in part]
                    if max(values) > 0:
                        active = masked.copy()
                        active[i] = row
                        split.append((part if min(values) >= 0 else clip(part, row[:2], row[2]), active))
                    if min(values) < 0 or max(values) == 0:
                        split.append((part if max(values) <= 0 else clip(part, -row[:2], -row[2]), masked))
                parts = split
            cut += parts
        cells = cut
    return counts([tuple(affine.ravel()) for _, affine in cells], touching([polygon for polygon, _ in cells]))


def touching(polygons: list[list[tuple[F, F]]]) -> list[tuple[int, int]]:
    """Pairs of cells whose edges overlap on a common line in more than a point."""
    edges: dict[tuple, list[tuple[int, tuple, tuple]]] = {}
    for i, polygon in enumerate(polygons):
        for p, q in pairwise([*polygon, polygon[0]]):
            if p == q:
                continue
            dx, dy = q[0] - p[0], q[1] - p[1]
            key = ("x", p[0]) if dx == 0 else (dy / dx, p[1] - dy / dx * p[0])
            edges.setdefault(key, []).append((i, min(p, q), max(p, q)))
    return [
        (i, j)
        for group in edges.values()
        for (i, a, b), (j, c, d) in combinations(group, 2)
        if i != j and max(a, c) < min(b, d)
    ]


@pytest.mark.parametrize(
    ("widths", "cells", "printed"), [([3, 3], 13, 11), ([4, 4, 4], 82, 73), ([6, 6, 6], 254, 235), ([3, 4, 2], 37, 31)]
)
def test_folds_on_the_line(widths: list[int], cells: int, printed: int) -> None:
    bound = bounds.montufar_2014(1, widths)
    assert line(constructions.montufar(1, widths, one_sided=True)) == (cells, printed)
    assert printed < bound
    assert line(constructions.montufar(1, widths)) == (cells, cells)
    assert line(constructions.montufar(1, widths), F(0), F(1)) == (bound, bound)


@pytest.mark.parametrize(
    ("widths", "cells"), [([4, 4], 44), ([4, 3], 28), ([6, 4], 99), ([4, 4, 3], 112), ([6, 6], 198), ([5, 7], 116)]
)
def test_folds_in_the_square(widths: list[int], cells: int) -> None:
    assert bounds.montufar_2014(2, widths) == cells
    assert square(constructions.montufar(2, widths)) == (cells, cells)
    found, linear = square(constructions.montufar(2, widths, one_sided=True))
    assert found == cells and linear < cells


@pytest.mark.parametrize(("inputs", "units"), [(1, 5), (2, 6), (3, 6), (4, 6)])
def test_all_crossings_are_inside_the_cube_and_simple(inputs: int, units: int) -> None:
    [(weight, bias)] = constructions.montufar(inputs, [units])
    points = []
    for chosen in combinations(range(units), inputs):
        point = np.linalg.solve(weight[list(chosen)].astype(float), -bias[list(chosen)].astype(float))
        assert np.all((point > 0) & (point < 1))
        others = np.delete(np.arange(units), chosen)
        assert np.all(np.abs(weight[others].astype(float) @ point + bias[others].astype(float)) > 1e-6)
        points.append(point)


@pytest.mark.parametrize(
    ("widths", "maximum"), [([3, 3], 16), ([5, 4], 30), ([4, 5, 3], 120), ([3] * 4, 256), ([6] * 3, 343), ([4] * 5, 3125)]
)
def test_the_maximum_on_the_line(widths: list[int], maximum: int) -> None:
    assert line(constructions.serra(1, widths)) == (maximum, maximum)
    assert bounds.one_dimensional_maximum(widths) == maximum


@pytest.mark.parametrize(("widths", "cells"), [([6, 3], 16 * 7), ([7, 6], 16 * 22), ([8, 2], 25 * 4)])
def test_zigzags_in_the_square(widths: list[int], cells: int) -> None:
    found, linear = square(constructions.serra(2, widths))
    assert found == cells
    assert linear == cells or widths[-1] == 2  # n_L = n0 units always leave a cell where none is active
    if widths[-1] >= 6:
        assert bounds.serra_2018_lower(2, widths) == cells


@pytest.mark.parametrize(
    "mutant",
    [
        constructions.montufar_with_factor_p,
        constructions.montufar_with_equal_signs,
        constructions.montufar_with_breaks_outside,
        constructions.montufar_with_parallel_last,
    ],
)
def test_mutants_miss_the_bound(mutant) -> None:
    assert square(mutant(2, [4, 4]))[0] < bounds.montufar_2014(2, [4, 4])
    if mutant is not constructions.montufar_with_parallel_last:
        assert line(mutant(1, [4, 4]), F(0), F(1))[0] < bounds.montufar_2014(1, [4, 4])
    else:
        assert square(mutant(2, [4, 4]))[0] == 4 * 5


def maxout_patterns(layers: Layers, inputs: int, grid: int) -> int:
    """Distinct patterns of maximal pieces at the midpoints of a rational grid that no breakpoint meets."""
    axis = (2 * np.arange(grid) + 1) / (2 * grid)
    h = np.stack(np.meshgrid(*[axis] * inputs), axis=-1).reshape(-1, inputs)
    patterns = np.zeros((len(h), 0), int)
    for weight, bias in layers:
        z = np.einsum("ukp,np->nuk", weight.astype(float), h) + bias.astype(float)
        patterns, h = np.hstack([patterns, z.argmax(2)]), z.max(2)
    return len(np.unique(patterns, axis=0))


@pytest.mark.parametrize(("inputs", "depth", "rank"), [(1, 4, 2), (2, 2, 3), (2, 3, 2), (2, 2, 4), (1, 2, 5), (3, 2, 2)])
def test_maxout(inputs: int, depth: int, rank: int) -> None:
    layers = constructions.maxout_folding(inputs, depth, rank)
    assert [weight.shape for weight, _ in layers] == [(inputs, rank, inputs)] * depth
    found = maxout_patterns(layers, inputs, rank * 2 ** (depth + 1))
    assert found == 2 ** (inputs * (depth - 1)) * rank**inputs
    if rank <= 2**inputs:
        assert found >= bounds.maxout_montufar_2014(inputs, depth, rank)
    assert found <= bounds.maxout_serra(inputs, [inputs] * depth, rank)


def test_weights_are_fractions_and_bad_arguments_are_refused() -> None:
    for weight, bias in constructions.montufar(2, [5, 3]):
        assert all(isinstance(x, F) for x in (*weight.ravel(), *bias))
    for call in (
        lambda: constructions.montufar(3, [2, 4]),
        lambda: constructions.montufar(0, [2]),
        lambda: constructions.montufar(2, []),
        lambda: constructions.serra(1, [2, 3]),
        lambda: constructions.serra(2, [5, 2]),
        lambda: constructions.serra(1, []),
        lambda: constructions.maxout_folding(2, 2, 1),
    ):
        with pytest.raises(ValueError):
            call()
