"""Hanin & Rolnick (2019), Complexity of Linear Regions in Deep Networks.

A ReLU network cuts its input space into activation regions. At initialisation their expected number is of the order of
(number of units)^n0/n0!, whatever the depth, and the density of their boundaries is given by the Kac-Rice formula. The
paper bounds the expectation up to constants; for laws that are symmetric in the sign of every row and column it is a
closed form, free of constants, widths and gains, which is derived in `regimes.theory.region_expectation`.
"""

import numpy as np
from scipy.special import ndtr

from regimes import axes
from regimes.claim import Control, Grid, Paper, always, claim, where
from regimes.kinds import Expectation
from regimes.subjects import region_networks as nets
from regimes.subjects.architecture import PROFILES, hidden_widths
from regimes.theory import kac_rice, region_expectation
from regimes.theory.region_bounds import layerwise, serra_2018
from regimes.theory.zaslavsky import cells

paper = Paper(
    key="hanin2019complexity",
    title="Complexity of Linear Regions in Deep Networks",
    authors=("Boris Hanin", "David Rolnick"),
    year=2019,
    venue="ICML",
    arxiv="1901.09021",
)

REACH = 5000
law = axes.choice("law", tuple(nets.LAWS), label="law of weights and biases")
profile = axes.choice("profile", PROFILES[:2], label="hidden widths along the depth")
SYMBOLS = {
    "R": "number of activation regions",
    r"n_l": "units of layer l",
    "L": "number of hidden layers",
    "N": "n₁ + … + n_L, the number of units",
}


def widths(case):
    """n_1, .., n_L of a case."""
    return hidden_widths(case.get("profile", "constant"), case.width, case.depth)


def most(inputs):
    """The largest count that any weights reach, which bounds the observable."""
    return lambda case: serra_2018(inputs, widths(case))


def on_a_line(mean):
    """The claim that the mean count on a line is `mean(widths)`, to 3 %."""
    return Expectation(equals=lambda case: mean(widths(case)), margin=lambda case: 0.03 * mean(widths(case)), support=(1, most(1)))


within_reach = where(
    lambda case: serra_2018(1, widths(case)) <= REACH,
    f"symmetric laws with densities; tested where at most {REACH} regions are possible, which bounds the mean's range",
)


@claim(
    paper, "Theorem 3.4, its exact value for symmetric laws (derived)", id="regions-expectation-exact",
    title="The exact mean number of regions on a line",
    kind=on_a_line(lambda n: region_expectation.expected_regions(1, n)),
    statement=r"\mathrm{E}\,R = 1 + \sum_{l=1}^{L} n_l \prod_{i<l} \bigl(1 - 2^{-n_i}\bigr)",
    symbols=SYMBOLS,
    axes=(axes.width(1, 64, quick=8, default=16), axes.depth(1, 12, quick=4, default=8),
          axes.choice("input_dim", (1, 2, 5), label="input dimension"), law, profile),
    premise=within_reach,
    subject=nets.symmetric,
    controls={
        "1 + N": Control(kind=on_a_line(region_expectation.one_plus_units), at={"width": 2, "depth": 3},
                         why="dead layers forgotten"),
        "alive through layer l": Control(kind=on_a_line(region_expectation.one_plus_alive_through),
                                         at={"width": 2, "depth": 3}, why="the product over i ≤ l"),
        "one-sided biases": Control(subject=nets.one_sided_biases, at={"width": 4, "depth": 3, "input_dim": 1}),
        "positive weights": Control(subject=nets.only_positive_weights, at={"width": 4, "depth": 3, "input_dim": 1}),
        "orthogonal without sign correction": Control(subject=nets.naive_orthogonal,
                                                      at={"width": 1, "depth": 4, "input_dim": 1, "profile": "constant"}),
        "zero biases": Control(subject=nets.without_biases, at={"width": 4, "depth": 2, "input_dim": 1}),
        "leaky ReLU": Control(subject=nets.leaky_symmetric, at={"width": 2, "depth": 3, "input_dim": 1}),
    },
    grid=Grid(x="width", y="depth", values={"width": (1, 2, 4, 8, 16, 32), "depth": (1, 2, 3, 4, 6)},
              fixed={"input_dim": 1, "law": "He, N(0, 1) biases", "profile": "constant"}),
    measures="regions on a line",
    curves={
        "exact mean": lambda case: region_expectation.expected_regions(1, widths(case)),
        "1 + N, a shallow network": lambda case: cells(sum(widths(case)), 1),
        "worst case (Serra et al.)": lambda case: serra_2018(1, widths(case)),
    },
)
def the_mean_number_of_regions_on_a_line_is_exact(networks, case):
    """Cells on the whole line, or on a random line for more inputs, shape (R,): exact breakpoints, no box and no grid.

    The mean does not depend on the scale of weights and biases, nor on the input's dimension.
    """
    return networks.line().cells


def in_the_plane(mean):
    """The claim that the mean count in the plane is `mean(widths)`, to 4 %."""
    return Expectation(equals=lambda case: mean(widths(case)), margin=lambda case: 0.04 * mean(widths(case)), support=(1, lambda case: max(most(2)(case), mean(widths(case)))))


@claim(
    paper, "Theorem 3.4, its exact value in the plane (derived)", id="regions-expectation-plane",
    title="The exact mean number of regions in a plane",
    kind=in_the_plane(lambda n: region_expectation.expected_regions(2, n)),
    statement=r"\mathrm{E}\,R = \sum_{|t| \le 2}\ \prod_{l=1}^{L} \binom{n_l}{t_l}\,\Pr\bigl[\mathrm{Bin}(n_l - t_l, \tfrac12) \ge t_{l+1} + \cdots + t_L\bigr]",
    symbols={**SYMBOLS, "t": "(t₁, …, t_L), how many boundaries of each layer meet in a crossing"},
    axes=(axes.width(1, 8, quick=4, default=6), axes.depth(1, 3),
          axes.choice("input_dim", (2, 3), label="input dimension"), law),
    premise=where(lambda case: serra_2018(2, widths(case)) <= REACH, f"symmetric laws with densities; at most {REACH} regions possible"),
    subject=nets.symmetric,
    controls={
        "Zas(N, 2)": Control(kind=in_the_plane(lambda n: cells(sum(n), 2)), at={"width": 3, "depth": 2, "input_dim": 2},
                             why="the count of a shallow network with as many units"),
        "layerwise product": Control(kind=in_the_plane(lambda n: layerwise(2, n)), at={"width": 3, "depth": 2, "input_dim": 2},
                                     why="exponential in depth, as in the worst case"),
        "leaky ReLU": Control(subject=nets.leaky_symmetric, at={"width": 3, "depth": 2, "input_dim": 2}, why="gates that never close"),
        "positive weights": Control(subject=nets.only_positive_weights, at={"width": 3, "depth": 2, "input_dim": 2}),
    },
    grid=Grid(x="width", y="depth", values={"width": (1, 2, 3, 4, 6), "depth": (1, 2, 3)},
              fixed={"input_dim": 2, "law": "He, N(0, 1) biases"}),
    measures="regions in the plane",
    curves={
        "exact mean": lambda case: region_expectation.expected_regions(2, widths(case)),
        "Zas(N, 2), a shallow network": lambda case: cells(sum(widths(case)), 2),
        "worst case (Serra et al.)": lambda case: serra_2018(2, widths(case)),
    },
)
def the_mean_number_of_regions_in_a_plane_is_exact(networks, case):
    """Cells of the whole plane, or of a random plane for more inputs, shape (R,): unbounded faces have vertices at infinity."""
    return networks.plane_cells()


@claim(
    paper, "Theorem 3.4 for leaky ReLU (derived)", id="regions-expectation-leaky",
    title="Leaky gates never close: 1 + N regions on a line",
    kind=on_a_line(lambda n: region_expectation.expected_regions(1, n, leaky=True)),
    statement=r"\mathrm{E}\,R = 1 + N",
    symbols=SYMBOLS,
    axes=(axes.width(1, 16, quick=8), axes.depth(1, 8, quick=4)),
    premise=within_reach,
    subject=nets.leaky_symmetric,
    controls={
        "ReLU": Control(subject=nets.relu_he, at={"width": 2, "depth": 3}),
        "N": Control(kind=on_a_line(lambda n: float(sum(n))), at={"width": 2, "depth": 2}, why="the first region forgotten"),
        "layerwise product": Control(kind=on_a_line(lambda n: float(layerwise(1, n))), at={"width": 2, "depth": 2}),
    },
    grid=Grid(x="width", y="depth", values={"width": (1, 2, 4, 8, 16), "depth": (1, 2, 3, 4, 6)}),
    measures="regions on a line",
    curves={"1 + N": lambda case: 1.0 + sum(widths(case)), "worst case (Serra et al.)": lambda case: serra_2018(1, widths(case))},
)
def leaky_networks_have_one_region_more_than_units(networks, case):
    """Cells on the whole line of leaky ReLU networks, slope 0.2, shape (R,)."""
    return networks.line().cells


def gaussian_mass(case, spread=1.0):
    """The integral of |z'| rho(-z) over a piece on which z runs straight from `start` to `end`: |Φ(end/s) - Φ(start/s)|."""
    scale = spread * case.bias_std
    return lambda start, end, length: np.abs(ndtr(end / scale) - ndtr(start / scale))


def excess(mass_of):
    """Breakpoints beyond those expected, layer by layer, per unit and piece below."""

    def observable(networks, case):
        """Mean over layers of (breakpoints - expected)/(units × pieces below), in [-1, 1], shape (R,)."""
        expected, below = networks.mean_breakpoints((-case.half_length, case.half_length), mass_of(case))
        counted = networks.line((-case.half_length, case.half_length)).per_layer
        return ((counted - expected) / (below * np.array(widths(case)))).mean(axis=1)

    return observable


def slopeless(case):
    """∫ rho(-z) dt by the trapezoidal rule: the slope forgotten."""
    one = np.ones(())
    return lambda start, end, length: length * (
        kac_rice.gaussian_integrand(start, one, case.bias_std) + kac_rice.gaussian_integrand(end, one, case.bias_std)
    ) / 2


def rises_only(case):
    """∫ max(z', 0) rho(-z) dt: where z falls, its breakpoints are forgotten."""
    return lambda start, end, length: np.maximum(ndtr(end / case.bias_std) - ndtr(start / case.bias_std), 0)


kac_rice_excess = excess(gaussian_mass)


@claim(
    paper, "Theorem 3.4", id="kac-rice-breakpoints",
    title="The density of breakpoints",
    kind=Expectation(equals=0, margin=0.01, support=(-1, 1)),
    statement=r"\mathrm{E}\,\#\{\text{breakpoints in } [a, b]\} = \sum_{z} \int_a^b \mathrm{E}\bigl[\,|\dot z(t)|\,\rho_b(-z(t))\,\bigr]\,dt",
    symbols={"z": "pre-activation of a unit, its own bias left out, along the line x(t)", r"\rho_b": "density of that bias"},
    axes=(axes.width(1, 64, quick=24), axes.depth(1, 8, quick=4), axes.choice("input_dim", (1, 2, 4, 16), label="input dimension"),
          axes.choice("bias_std", (1.0, 0.1, 0.5, 3.0), label="standard deviation of the biases"),
          axes.choice("half_length", (1.0, 0.2, 5.0), label="T of the segment [-T, T]")),
    premise=always("biases with a density given all else; any weights"),
    subject=nets.he_with_biases,
    controls={
        "slope forgotten": Control(observable=excess(slopeless), at={"bias_std": 1.0, "half_length": 1.0, "width": 16, "input_dim": 1}),
        "falls forgotten": Control(observable=excess(rises_only), at={"bias_std": 1.0, "half_length": 1.0, "width": 16}),
        "bias spread doubled": Control(observable=excess(lambda case: gaussian_mass(case, 2.0)),
                                       at={"bias_std": 1.0, "half_length": 1.0, "width": 16}),
        "N(0, 1) biases": Control(subject=nets.relu_he, at={"bias_std": 0.1, "half_length": 1.0, "width": 16},
                                  why="biases ten times as wide as the formula is told"),
    },
    grid=Grid(x="width", y="depth", values={"width": (1, 2, 4, 8, 16, 32, 64), "depth": (1, 2, 4, 8)},
              fixed={"input_dim": 1, "bias_std": 1.0, "half_length": 1.0}),
)
def breakpoints_have_the_kac_rice_density(networks, case):
    """Mean over layers of (breakpoints - expected)/(units × pieces below) on [-T, T], in [-1, 1], shape (R,).

    Given the layers below, a unit's expected breakpoints are the integral of |z'| ρ(-z), which is exact piece by piece:
    on a straight piece it is |Φ(z_end/s) - Φ(z_start/s)|. The difference has mean 0 for every network below, so that
    dividing by what the layers below fix keeps the mean 0 and bounds the observable.
    """
    return kac_rice_excess(networks, case)
