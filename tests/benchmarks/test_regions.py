"""Speed of the region counters as ratios against honest baselines, timed in the same run.

`make bench` prints them.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.optimize import linprog

from regimes.regions.line import line_regions
from regimes.regions.network import PiecewiseLinear
from regimes.regions.plane import plane_cells, plane_regions

DOUBLE = "float64 / float64"


def he(widths: list[int], replicates: int, inputs: int) -> PiecewiseLinear:
    generator, fan_in, weights, biases = torch.Generator().manual_seed(0), inputs, [], []
    for width in widths:
        weights.append(torch.randn(replicates, width, fan_in, generator=generator, dtype=torch.double) * (2 / fan_in) ** 0.5)
        biases.append(torch.randn(replicates, width, generator=generator, dtype=torch.double))
        fan_in = width
    return PiecewiseLinear(tuple(weights), tuple(biases))


def lists(network: PiecewiseLinear, index: int) -> list[tuple[list, list]]:
    return [(w[index].tolist(), b[index].tolist()) for w, b in zip(network.weights, network.biases, strict=True)]


def cells_in_plain_python(layers: list[tuple[list, list]]) -> int:
    """Interval by interval, unit by unit, in Python floats."""
    pieces = [(-np.inf, np.inf, [1.0], [0.0])]
    for weights, biases in layers:
        after = []
        for low, high, slopes, offsets in pieces:
            s = [sum(a * x for a, x in zip(row, slopes, strict=True)) for row in weights]
            c = [sum(a * x for a, x in zip(row, offsets, strict=True)) + b for row, b in zip(weights, biases, strict=True)]
            cuts = sorted(t for t in (-d / a for a, d in zip(s, c, strict=True) if a != 0) if low < t < high)
            ends = [low, *cuts, high]
            for left, right in itertools.pairwise(ends):
                x = right - 1 if left == -np.inf else left + 1 if right == np.inf else (left + right) / 2
                x = 0.0 if x in (-np.inf, np.inf) else x
                on = [a * x + d > 0 for a, d in zip(s, c, strict=True)]
                after.append(
                    (left, right, [a * o for a, o in zip(s, on, strict=True)], [d * o for d, o in zip(c, on, strict=True)])
                )
        pieces = after
    return len(pieces)


def cells_with_numpy_per_interval(layers: list[tuple[np.ndarray, np.ndarray]]) -> int:
    """Interval by interval, the units of a layer at once."""
    pieces = [(-np.inf, np.inf, np.array([[1.0, 0.0]]))]
    for weights, biases in layers:
        after = []
        for low, high, maps in pieces:
            rows = weights @ maps
            rows[:, 1] += biases
            with np.errstate(divide="ignore", invalid="ignore"):
                zeros = -rows[:, 1] / rows[:, 0]
            ends = [low, *np.sort(zeros[(zeros > low) & (zeros < high)]).tolist(), high]
            for left, right in itertools.pairwise(ends):
                x = right - 1 if left == -np.inf else left + 1 if right == np.inf else (left + right) / 2
                x = 0.0 if x in (-np.inf, np.inf) else x
                after.append((left, right, rows * (rows @ np.array([x, 1.0]) > 0)[:, None]))
        pieces = after
    return len(pieces)


def patterns_on_a_grid(network: PiecewiseLinear, index: int, low: float, high: float, points: int) -> int:
    """1 + changes of the activation pattern between neighbours on a grid."""
    h = np.linspace(low, high, points)[:, None]
    changed = np.zeros(points - 1, bool)
    for w, b in zip(network.weights, network.biases, strict=True):
        h = h @ w[index].numpy().T + b[index].numpy()
        on = h > 0
        changed |= (on[1:] != on[:-1]).any(1)
        h *= on
    return 1 + int(changed.sum())


@pytest.mark.parametrize(("goal", "baseline", "wanted", "few"), [("G9", "plain Python", 40, 1), ("-", "NumPy per interval", None, 4)])
def test_line_against_a_loop_over_breakpoints(race, goal, baseline, wanted, few):
    network = he([64] * 4, 256, 1)
    count = cells_in_plain_python if baseline == "plain Python" else cells_with_numpy_per_interval
    arrays = [[(w[k].numpy(), b[k].numpy()) for w, b in zip(network.weights, network.biases, strict=True)] for k in range(few)]
    layers = [lists(network, k) for k in range(few)] if baseline == "plain Python" else arrays
    assert [count(one) for one in layers] == line_regions(network).cells[:few].tolist()
    what = f"1-D regions of [64] x 4 against {baseline}"
    race(goal, what, lambda: line_regions(network), lambda: [count(one) for one in layers], wanted=wanted, work=256 / few, dtypes=DOUBLE)


def test_line_against_dense_sampling(race):
    network, low, high = he([64] * 4, 256, 1), -3.0, 3.0
    points, found = 1000, 0
    exact = int(line_regions(network, (low, high)).cells[:8].sum())
    while found < 0.99 * exact:
        points = int(points * 1.5)
        found = sum(patterns_on_a_grid(network, k, low, high, points) for k in range(8))
    what = f"1-D regions of [64] x 4 against {points:,} grid points that find {found / exact:.1%}"
    race("-", what, lambda: line_regions(network, (low, high)), lambda: [patterns_on_a_grid(network, k, low, high, points) for k in range(8)],
         wanted=100, work=256 / 8, dtypes=DOUBLE)  # fmt: skip


def test_one_wide_deep_network(benchmark):
    network = he([512] * 8, 1, 1)
    regions = benchmark(line_regions, network)
    benchmark.extra_info.update(cells=int(regions.cells[0]))
    assert regions.ties[0] == 0


@pytest.mark.parametrize("count", [plane_cells, plane_regions])
@pytest.mark.parametrize("widths", [[32, 32], [64, 64], [32] * 4, [64] * 3], ids=str)
def test_plane_against_a_program_per_cell(race, widths, count):
    network = he(widths, 1, 2)
    cells = plane_cells(network)[0]
    # Half-spaces as many as one cell has, satisfied by a known point; one program for each cell is the least a search needs.
    rng, units = np.random.default_rng(0), sum(widths)

    def program() -> None:
        angle = rng.uniform(0, 2 * np.pi, units)
        walls = np.c_[-np.cos(angle), -np.sin(angle), np.ones(units)]
        linprog([0, 0, -1], A_ub=walls, b_ub=rng.uniform(0.1, 3, units), bounds=[(None, None)] * 2 + [(None, 1)])

    what = f"2-D {count.__name__} of {widths}, {cells:,} cells, against a linear program each"
    race("G9", what, lambda: count(network), lambda: [program() for _ in range(20)], wanted=30, work=cells / 20, dtypes=DOUBLE)


def test_plane_against_splinecam(race):
    race.skip("G9", "2-D regions against SplineCam", "SplineCam needs CUDA and graph-tool, and is on no package index")
