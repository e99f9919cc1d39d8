"""Pascanu, Montúfar & Bengio (2014), On the number of response regions of deep feedforward networks.

One hidden layer of n units in general position cuts R^n0 into exactly Zas(n, n0) regions. A deep network can reach
prod floor(n_l/n0) Zas(n_L, n0), which exceeds the shallow network of as many units only from some depth on.
"""

import numpy as np

from regimes import axes
from regimes.claim import Control, Grid, Paper, always, claim, where
from regimes.kinds import Identity, Inequality
from regimes.subjects import explicit_networks, region_networks
from regimes.theory import region_constructions, zaslavsky
from regimes.theory.region_bounds import depth_where_deep_pays, montufar_2014, pascanu_2013, shallow_maximum

paper = Paper(
    key="pascanu2013regions",
    title="On the number of response regions of deep feedforward networks with piecewise linear activations",
    authors=("Razvan Pascanu", "Guido Montúfar", "Yoshua Bengio"),
    year=2013,
    venue="ICLR 2014",
    arxiv="1312.6098",
)
def short_of(count):
    """Cells less `count(units, inputs)`."""

    def observable(networks, case):
        """Cells in the plane, or on a line, less the number claimed, shape (R,): integers."""
        cells = networks.line().cells if case.input_dim == 1 else networks.plane_cells()
        return cells - float(count(case.width, case.input_dim))

    return observable


beyond_zaslavsky = short_of(zaslavsky.cells)


@claim(
    paper, "Proposition 2 (Zaslavsky)", id="shallow-exact",
    title="A shallow network has exactly Zas(n, n₀) regions",
    kind=Identity(tolerance=0.5),
    statement=r"R = \sum_{j=0}^{n_0} \binom{n}{j}\quad\text{for almost all weights and biases}",
    symbols={"n": "hidden units", r"n_0": "inputs", "R": "number of regions on all of Rⁿ⁰"},
    axes=(axes.width(1, 64, quick=12, default=24), axes.choice("input_dim", (1, 2), label="inputs n₀"), axes.choice("depth", (1,)),
          axes.choice("law", tuple(region_networks.LAWS), label="law of weights and biases")),
    premise=always("one hidden layer, weights and biases with densities"),
    subject=region_networks.symmetric,
    controls={
        "Zas(n, n₀ - 1)": Control(observable=short_of(lambda n, d: zaslavsky.cells(n, d - 1)), at={"width": 4}, why="the top term forgotten"),
        "2^n": Control(observable=short_of(lambda n, d: 2.0**n), at={"width": 6}, why="every pattern of signs"),
        "zero biases": Control(subject=region_networks.without_biases, at={"width": 4, "input_dim": 1}, why="a central arrangement: 2 regions"),
    },
    grid=Grid(x="width", y="input_dim", values={"width": (1, 2, 4, 8, 16, 32)}, fixed={"depth": 1, "law": "He, N(0, 1) biases"}),
)
def shallow_networks_have_zaslavskys_number_of_regions(networks, case):
    """Cells on the line or in the plane less Zas(n, n0), shape (R,)."""
    return beyond_zaslavsky(networks, case)


def deficit(networks, case, reached):
    """What a construction falls short of a bound."""
    counts = np.array([found.cells for found in networks.counts(inside=True)], float)
    return float(reached(case.input_dim, [case.width] * case.depth)) - counts


@claim(
    paper, "Theorem 1", id="deep-reaches",
    title="Folding reaches Pascanu et al.'s lower bound",
    kind=Inequality(at_most=0, share=0.99),
    statement=r"\max R \ge \Bigl(\prod_{l<L} \Bigl\lfloor\frac{n_l}{n_0}\Bigr\rfloor\Bigr) \sum_{j=0}^{n_0} \binom{n_L}{j}",
    symbols={r"n_l": "units of layer l", r"n_0": "inputs", "R": "number of regions"},
    axes=(axes.width(2, 8, quick=6), axes.depth(1, 3), axes.choice("input_dim", (1, 2), label="inputs n₀")),
    premise=where(lambda case: case.width >= case.input_dim and montufar_2014(case.input_dim, [case.width] * case.depth) <= 500,
                  "every layer at least as wide as the input; at most 500 regions, for rational arithmetic"),
    subject=explicit_networks.constructed("folding construction", region_constructions.montufar),
    controls={
        "equal signs": explicit_networks.constructed("no alternation", region_constructions.montufar_with_equal_signs, "u' grows and does not fold"),
        "shallow count of all units": Control(observable=lambda networks, case: deficit(networks, case, lambda d, n: 10 * shallow_maximum(sum(n), d)),
                                              at={"width": 4, "depth": 2}, why="ten times the shallow network of as many units"),
        "breaks outside": Control(
            subject=explicit_networks.constructed("breaks outside", region_constructions.montufar_with_breaks_outside, "folds outside the unit cube"),
            at={"width": 6, "depth": 3, "input_dim": 1}),
    },
    grid=Grid(x="width", y="depth", values={"width": (2, 3, 4, 6, 8), "depth": (1, 2, 3)}, fixed={"input_dim": 1}),
)
def folding_reaches_the_lower_bound(networks, case):
    """The bound less the cells inside the unit cube, counted in rationals, shape (R,); not positive where it is reached."""
    return deficit(networks, case, pascanu_2013)


def nothing_random(case, replicates, randomness):
    """Numbers 0, .., R - 1 in place of networks: the claim is one of arithmetic."""
    return np.arange(replicates)


@claim(
    paper, "Section 5, deep against shallow", id="deep-pays",
    title="From which depth on the deep bound beats every shallow network",
    kind=Inequality(at_most=0, share=0.99),
    statement=r"\prod_{l<L} \Bigl\lfloor\frac{n}{n_0}\Bigr\rfloor \sum_{j \le n_0} \binom{n}{j} > \sum_{j \le n_0} \binom{Ln}{j}\quad\text{for } L \ge L^*(n, n_0)",
    symbols={"n": "units of every layer", "L": "hidden layers", r"L^*": "the depth from which the deep network wins"},
    axes=(axes.width(2, 64, quick=32), axes.depth(1, 24, quick=12), axes.choice("input_dim", (1, 2, 3), label="inputs n₀")),
    premise=where(lambda case: pays(case), "width at least 2 n₀ and depth at least L*(n, n₀)"),
    subject=nothing_random,
    controls={
        "any depth": Control(premise=where(lambda case: case.width >= 2 * case.input_dim, "width at least 2 n₀"),
                             at={"depth": 1}, why="one layer is a shallow network"),
        "any width": Control(premise=where(lambda case: case.width < 2 * case.input_dim and case.width >= case.input_dim, "n₀ ≤ n < 2 n₀"),
                             at={"input_dim": 3, "depth": 3}, why="floor(n/n₀) = 1: the bound never pays"),
    },
    grid=Grid(x="width", y="depth", values={"width": (2, 4, 6, 8, 12, 16, 32, 64), "depth": (1, 2, 3, 4, 5, 6, 8, 12, 16, 24)}, fixed={"input_dim": 2}),
    measures="log of shallow over deep",
)
def deep_bounds_beat_shallow_networks(networks, case):
    """Log Zas(Ln, n0) - log of the deep bound, in exact integers before the logarithm, shape (R,): arithmetic, no randomness.

    The premise finds L* by its own search over depths; what is tested is that the bound stays ahead from there on.
    """
    deep = pascanu_2013(case.input_dim, [case.width] * case.depth)
    shallow = shallow_maximum(case.width * case.depth, case.input_dim)
    return np.full(len(networks), np.log(float(shallow)) - np.log(float(deep)) + (1e-12 if shallow == deep else 0))


def pays(case):
    """Whether the depth is at least the first at which the deep bound wins."""
    if case.width < 2 * case.input_dim:
        return False
    first = depth_where_deep_pays(case.input_dim, case.width, pascanu_2013)
    return first is not None and case.depth >= first
