"""Hanin & Rolnick (2019), Deep ReLU Networks Have Surprisingly Few Activation Patterns.

Theorem 5 bounds the mean number of activation regions that meet a cube by (T N)^n0/n0! vol with T = 2^5 C_grad C_bias, for N
units of any arrangement in layers: depth does not count. The constants are large: for shallow networks, and for narrow
biases, the bound on the mean exceeds what any single network can have. For sign-symmetric laws the mean over all of R^n0
is known exactly and is at most Zas(N, n0), with no constant at all.

The factor 2^5 is the one in the public code of Tseran & Montúfar (2021, arXiv 2107.00379), who extend the theorem to maxout.
"""

import math

from regimes import axes
from regimes.claim import Control, Erratum, Grid, Paper, Picture, claim, where
from regimes.kinds import Expectation
from regimes.randomness import Randomness
from regimes.subjects import region_networks as nets
from regimes.subjects.architecture import hidden_widths
from regimes.theory import hanin_rolnick
from regimes.theory.region_bounds import layerwise, serra_2018
from regimes.theory.region_expectation import expected_regions
from regimes.theory.zaslavsky import cells

paper = Paper(
    key="hanin2019patterns",
    title="Deep ReLU Networks Have Surprisingly Few Activation Patterns",
    authors=("Boris Hanin", "David Rolnick"),
    year=2019,
    venue="NeurIPS",
    arxiv="1906.00904",
)

HALF_SIDE = 1.0
SYMBOLS = {
    "K": "the cube [-1, 1] to the n₀", "N": "number of units", r"n_0": "inputs",
    r"C_{\text{grad}}": "sup over units and x of (E|∇z(x)|^k)^(1/k)", r"C_{\text{bias}}": "largest density of a bias",
}
spread = axes.choice("bias_std", (1.0, 0.3, 0.1), label="standard deviation of the biases")
inputs = axes.choice("input_dim", (1, 2), label="inputs n₀")


def widths(case):
    """n_1, .., n_L of a case."""
    return hidden_widths("constant", case.width, case.depth)


def volume(case):
    """Volume of the cube."""
    return (2 * HALF_SIDE) ** case.input_dim


def worst(case):
    """The most regions that any network has, which bounds the observable."""
    return float(serra_2018(case.input_dim, widths(case)))


def printed(case, scale=32.0):
    """The bound of theorem 5."""
    return hanin_rolnick.region_bound(case.input_dim, widths(case), case.bias_std, volume(case), scale)


def mean_at_most(bound):
    """The claim that the mean is at most a bound, to 2 %; a bound above the worst case says nothing and is cut off there."""
    return Expectation(at_most=lambda case: max(1.0, min(bound(case), worst(case))),
                       margin=lambda case: 0.02 * max(1.0, min(bound(case), worst(case))), support=(1, worst))


def regions_in_the_cube(networks, case):
    """Cells that meet the cube, shape (R,)."""
    return networks.line((-HALF_SIDE, HALF_SIDE)).cells if case.input_dim == 1 else networks.plane_cells(HALF_SIDE)


def small(case):
    """Whether the counts stay small enough to make many of them."""
    return case.input_dim == 1 or expected_regions(2, widths(case)) <= 400


@claim(
    paper, "Theorem 5", id="hanin-rolnick-growth",
    title="Regions in a cube grow like a power of the units, whatever the depth",
    kind=mean_at_most(printed),
    statement=r"\mathrm{E}\,\#\{\text{regions meeting } K\} \le \frac{(T N)^{n_0}}{n_0!}\,\mathrm{vol}(K),\quad T = 2^5\, C_{\text{grad}}\, C_{\text{bias}}",
    symbols=SYMBOLS,
    axes=(axes.width(1, 64, quick=8, default=32), axes.depth(1, 16, quick=4, default=8), inputs, spread),
    premise=where(lambda case: small(case) and printed(case, 31.0) >= 1, "He weights, Gaussian biases, a cube not too small: 31 N C_grad C_bias times its side at least 1"),
    subject=nets.he_with_biases,
    controls={
        "T = C_grad C_bias/4": Control(kind=mean_at_most(lambda case: printed(case, 0.25)), at={"width": 8, "depth": 2, "input_dim": 1, "bias_std": 1.0},
                                       why="a constant too small"),
        "exponent n₀ - 1": Control(kind=mean_at_most(lambda case: volume(case)), at={"width": 8, "depth": 2, "input_dim": 1, "bias_std": 1.0},
                                   why="no growth with N on a line"),
        "N in one layer only": Control(kind=mean_at_most(lambda case: float(cells(case.width, case.input_dim))),
                                       at={"width": 4, "depth": 4, "input_dim": 1, "bias_std": 0.1}, why="the last layers forgotten"),
    },
    grid=Grid(x="width", y="depth", values={"width": (1, 2, 4, 8, 16, 32, 64), "depth": (1, 2, 4, 8)}, fixed={"input_dim": 1, "bias_std": 1.0}),
    erratum=Erratum(
        published="E #{regions meeting K} ≤ (T N)ⁿ⁰/n₀! vol(K) with T = 2⁵ C_grad C_bias.",
        finding="True, but with these constants the bound on the mean is above the worst case of every single network unless the network is deep (hatched cells), and it "
                "grows like 1/std of the biases while the true mean stays below Zas(N, n₀): on the line, 1 + N.",
        status="vacuous",
    ),
    measures="regions in [-1, 1]",
    curves={
        "Hanin & Rolnick": printed,
        "worst case (Serra et al.)": worst,
        "exact mean on the whole line": lambda case: expected_regions(case.input_dim, widths(case)),
    },
    vacuous=lambda case: hanin_rolnick.vacuous(case.input_dim, widths(case), case.bias_std, volume(case)),
    picture=lambda: one_network(),
)
def regions_in_a_cube_grow_like_units_to_the_inputs(networks, case):
    """Cells of He networks with N(0, s²) biases that meet [-1, 1]^n0, shape (R,).

    The range that bounds the mean's test is the worst case; deep and wide networks, whose worst case is astronomic, stay
    undecided though their estimate is far below the bound.
    """
    return regions_in_the_cube(networks, case)


def ceiling(count):
    """The claim that the mean is at most `count(N, n0)`."""
    return mean_at_most(lambda case: float(count(case)))


@claim(
    paper, "Theorem 5, its ceiling for symmetric laws (derived)", id="growth-ceiling",
    title="The mean number of regions is at most that of a shallow network with as many units",
    kind=ceiling(lambda case: cells(sum(widths(case)), case.input_dim)),
    statement=r"\mathrm{E}\,\#\{\text{regions meeting } K\} \le \sum_{j=0}^{n_0} \binom{N}{j}\quad\text{for every } K",
    symbols=SYMBOLS,
    axes=(axes.width(1, 32, quick=6, default=12), axes.depth(1, 8, quick=4, default=6), inputs, spread),
    premise=where(lambda case: small(case) and worst(case) <= 20_000, "sign-symmetric weights and biases; at most 20,000 regions possible, which bounds the mean's range"),
    subject=nets.he_with_biases,
    controls={
        "Zas(N, n₀ - 1)": Control(kind=ceiling(lambda case: cells(sum(widths(case)), case.input_dim - 1)), at={"width": 4, "depth": 2, "input_dim": 1},
                                  why="the top term forgotten"),
        "Zas(n, n₀)": Control(kind=ceiling(lambda case: cells(case.width, case.input_dim)), at={"width": 4, "depth": 3, "input_dim": 1, "bias_std": 0.1},
                              why="the units of one layer only"),
        "exponential in depth": Control(kind=Expectation(equals=lambda case: float(layerwise(1, widths(case))), margin=lambda case: 0.1 * float(layerwise(1, widths(case))),
                                                         support=(1, worst)),
                                        at={"width": 4, "depth": 3, "input_dim": 1}, why="the worst case taken for the mean"),
    },
    grid=Grid(x="width", y="depth", values={"width": (1, 2, 3, 4, 6, 8), "depth": (1, 2, 3)}, fixed={"input_dim": 2, "bias_std": 0.1}),
    measures="regions in [-1, 1]²",
    curves={
        "Zas(N, n₀)": lambda case: cells(sum(widths(case)), case.input_dim),
        "exact mean on all of R²": lambda case: expected_regions(case.input_dim, widths(case)),
        "worst case (Serra et al.)": worst,
    },
)
def the_mean_is_at_most_a_shallow_networks_count(networks, case):
    """Cells of He networks with N(0, s²) biases that meet [-1, 1]^n0, shape (R,); single networks may exceed the ceiling."""
    return regions_in_the_cube(networks, case)


def one_network():
    """The linear pieces of one He network [16, 16, 16] on the square [-1, 1]², biases of standard deviation 0.3."""
    import torch

    from regimes.case import Case
    from regimes.regions.plane import plane_regions

    case = Case({"width": 16, "depth": 3, "input_dim": 2, "bias_std": 0.3})
    networks = nets.he_with_biases(case, 1, Randomness("picture", torch.device("cpu"), torch.float64))
    found = plane_regions(networks.piecewise_linear(), (-HALF_SIDE, HALF_SIDE, -HALF_SIDE, HALF_SIDE))
    polygons = found.polygons()
    pieces = len({piece for _, piece in polygons})
    return Picture(
        caption=f"The {pieces} linear regions of one He network [16, 16, 16] on the square [-1, 1]²; "
                f"a shallow network of 48 units has at most {math.comb(48, 2) + 49}",
        polygons=[[(float(x), float(y)) for x, y in vertices] for vertices, _ in polygons],
        groups=[piece for _, piece in polygons],
    )
