"""Serra, Tjandraatmadja & Ramalingam (2018), Bounding and Counting Linear Regions of Deep Neural Networks.

Theorem 1 bounds the regions of every ReLU network by a sum over the dimensions that the layers' images can still have;
it is below the bounds of Montúfar (2017), of the product over layers (Raghu et al. 2017) and 2^N. On a line the bound is
prod (n_l + 1), and theorem 5 attains it with widths of at least 3. Two units cannot make a zigzag: with a first layer of
width 2 the bound is not reached.
"""

from itertools import pairwise

import numpy as np

from regimes import axes
from regimes.claim import Control, Grid, Paper, always, claim, where
from regimes.kinds import Identity, Inequality
from regimes.subjects import explicit_networks
from regimes.subjects import region_networks as nets
from regimes.subjects.architecture import PROFILES, hidden_widths
from regimes.theory import region_constructions as constructions
from regimes.theory.region_bounds import layerwise, montufar_2017, one_dimensional_maximum, serra_2018, two_to_the_units
from regimes.theory.region_expectation import expected_regions
from regimes.theory.zaslavsky import cells

paper = Paper(
    key="serra2018bounding",
    title="Bounding and Counting Linear Regions of Deep Neural Networks",
    authors=("Thiago Serra", "Christian Tjandraatmadja", "Srikumar Ramalingam"),
    year=2018,
    venue="ICML",
    arxiv="1711.02114",
)

law = axes.choice("law", (nets.ZIGZAG, *nets.LAWS), label="weights")
noise = axes.choice("noise", (0.0, 0.01, 0.05, 0.2), label="relative noise on adversarial weights")
profile = axes.choice("profile", PROFILES[:2], label="hidden widths along the depth")
SYMBOLS = {"R": "number of regions", r"n_l": "units of layer l", r"n_0": "inputs", r"j_l": "dimensions lost in layer l"}


def widths(case):
    """n_1, .., n_L of a case."""
    return hidden_widths(case.get("profile", "constant"), case.width, case.depth)


def share_of(bound):
    """Cells as a share of a bound."""

    def observable(networks, case):
        """Cells over the bound `bound(n0, widths)`, on the whole line or plane, shape (R,)."""
        counted = networks.line().cells if case.input_dim == 1 else networks.plane_cells()
        return counted / float(bound(case.input_dim, widths(case)))

    return observable


share_of_serra = share_of(serra_2018)
small_in_the_plane = where(
    lambda case: (case.law != nets.ZIGZAG or case.input_dim == 1) and (case.input_dim == 1 or expected_regions(2, widths(case)) <= 300)
    and (case.law != nets.ZIGZAG or serra_2018(1, widths(case)) <= 20_000),
    "any weights; tested with at most 300 regions expected in the plane and 20,000 on the line",
)


@claim(
    paper, "Theorem 1", id="regions-upper-bounds",
    title="No network has more regions than the bound",
    kind=Inequality(at_most=1),
    statement=r"R \le \sum_{(j_1, \ldots, j_L) \in J} \prod_{l=1}^{L} \binom{n_l}{j_l},\quad J = \{\,0 \le j_l \le \min(n_0, n_1 - j_1, \ldots, n_{l-1} - j_{l-1}, n_l)\,\}",
    symbols=SYMBOLS,
    axes=(axes.width(1, 64, quick=8, default=16), axes.depth(1, 8, quick=4), axes.choice("input_dim", (1, 2), label="inputs n₀"),
          law, noise, profile),
    premise=small_in_the_plane,
    subject=nets.adversarial,
    controls={
        "j < d for j ≤ d": Control(observable=share_of(lambda d, n: np.prod([float(cells(units, d - 1)) for units in n])), at={"width": 4, "depth": 2},
                                   why="the top term of every layer forgotten"),
        "1 + N": Control(observable=share_of(lambda d, n: 1 + sum(n)), at={"law": nets.ZIGZAG, "noise": 0.0, "width": 4, "depth": 2, "input_dim": 1},
                         why="the mean at initialisation taken for a bound"),
        "Zas(N, n₀)": Control(observable=share_of(lambda d, n: cells(sum(n), d)), at={"law": nets.ZIGZAG, "noise": 0.0, "width": 4, "depth": 3, "input_dim": 1},
                              why="the shallow maximum of as many units"),
        "∏ n_l": Control(observable=share_of(lambda d, n: np.prod(np.array(n, float))), at={"law": nets.ZIGZAG, "noise": 0.0, "width": 4, "depth": 3, "input_dim": 1},
                         why="n_l for n_l + 1"),
    },
    grid=Grid(x="width", y="depth", values={"width": (1, 2, 3, 4, 6, 8, 16, 32), "depth": (1, 2, 3, 4, 6)},
              fixed={"input_dim": 1, "law": "He, N(0, 1) biases", "noise": 0.0, "profile": "constant"}),
    measures="largest share of the bound",
    curves={"mean at initialisation / bound": lambda case: expected_regions(case.input_dim, widths(case)) / float(serra_2018(case.input_dim, widths(case)))},
)
def regions_are_at_most_the_bound(networks, case):
    """Cells on the whole line or plane over the bound, shape (R,), for random laws and for weights near the maximum on a line."""
    return share_of_serra(networks, case)


def disorder(bounds):
    """By how much the chain of counts and bounds is out of order."""

    def observable(networks, case):
        """The largest rise along distinct maps, linear pieces, cells = patterns, and the bounds, shape (R,); 0 if ordered."""
        found, n = networks.line(), widths(case)
        chain = [found.distinct_maps, found.linear_pieces, found.cells, *(np.full(networks.replicates, float(bound(1, n))) for bound in bounds)]
        rises = [before - after for before, after in pairwise(chain)]
        return np.maximum(np.max(rises, axis=0), np.abs(found.cells - found.patterns))

    return observable


ordered = disorder((serra_2018, montufar_2017, layerwise))


@claim(
    paper, "Section 3, the chain of counts and bounds", id="counts-are-ordered",
    title="Four counts and three bounds, in order",
    kind=Inequality(at_most=0),
    statement=r"\#\text{maps} \le \#\text{linear regions} \le \#\text{cells} = \#\text{patterns} \le R_{\text{Serra}} \le R_{\text{Montúfar}} \le \prod_l \sum_{j \le n_0} \binom{n_l}{j}",
    symbols={"maps": "different affine maps of the last layer", "cells": "components of the line without all zero sets"},
    axes=(axes.width(1, 32, quick=8), axes.depth(1, 8, quick=4), axes.choice("input_dim", (1,)), law, noise, profile),
    premise=small_in_the_plane,
    subject=nets.adversarial,
    controls={
        "maps before pieces": Control(
            observable=lambda networks, case: networks.line().linear_pieces - networks.line().distinct_maps, at={"width": 2, "depth": 4, "law": "He, N(0, 1) biases"},
            why="the order turned round: far cells may share a map"),
        "pieces before cells": Control(
            observable=lambda networks, case: networks.line().cells - networks.line().linear_pieces, at={"width": 2, "depth": 4, "law": "He, N(0, 1) biases"},
            why="the order turned round: neighbours may share a map"),
        "2^N below the product": Control(observable=disorder((two_to_the_units, layerwise)), at={"width": 4, "depth": 2, "law": "He, N(0, 1) biases"},
                                         why="2^N exceeds the product of n + 1"),
    },
    grid=Grid(x="width", y="depth", values={"width": (1, 2, 3, 4, 8, 16), "depth": (1, 2, 4, 8)},
              fixed={"input_dim": 1, "law": "He, N(0, 1) biases", "noise": 0.0, "profile": "constant"}),
)
def counts_and_bounds_are_ordered(networks, case):
    """The largest rise along the chain, in regions, shape (R,): exact integers."""
    return ordered(networks, case)


def gap(which):
    """A count less the maximum."""
    return lambda networks, case: np.array(
        [getattr(found, which) for found in networks.counts(inside=True)], float) - float(layerwise(1, [case.width] * case.depth))


@claim(
    paper, "Theorem 5", id="one-dimensional-maximum",
    title="The maximum on a line is attained",
    kind=Identity(tolerance=0.5, share=0.99),
    statement=r"\max R = \prod_{l=1}^{L} (n_l + 1)\quad\text{for } n_0 = 1,\ n_l \ge 3",
    symbols=SYMBOLS,
    axes=(axes.width(3, 16, quick=8), axes.depth(1, 5, quick=3), axes.choice("input_dim", (1,))),
    premise=where(lambda case: one_dimensional_maximum([case.width] * case.depth) <= 1500, "widths of at least 3; at most 1500 regions, for rational arithmetic"),
    subject=explicit_networks.constructed("zigzag construction", constructions.serra, "breakpoints 1..n and alternating slopes"),
    controls={
        "folding": Control(subject=explicit_networks.constructed("folding construction", constructions.montufar, "n folds, and not n + 1"), at={"depth": 2}),
        "equal signs": Control(subject=explicit_networks.constructed("no alternation", constructions.montufar_with_equal_signs, "slopes that do not alternate"), at={"depth": 2}),
        "one layer less": Control(subject=explicit_networks.constructed("one layer less", lambda d, n: constructions.serra(d, n[1:])), at={"depth": 2}),
    },
    grid=Grid(x="width", y="depth", values={"width": (3, 4, 5, 6, 8, 10), "depth": (1, 2, 3)}, fixed={"input_dim": 1}),
    measures="cells beyond the maximum",
)
def the_zigzag_attains_the_maximum(networks, case):
    """Cells of explicit rational weights inside (0, 1) less prod (n_l + 1), shape (R,)."""
    return gap("cells")(networks, case)


@claim(
    paper, "Theorem 5, outside its premise (derived)", id="two-units-fall-short",
    title="A first layer of two units makes no zigzag",
    kind=Inequality(at_most=0),
    statement=r"R \le 3 + 2 n_2\quad\text{for } n_0 = 1,\ n_1 = 2,\ L = 2",
    symbols=SYMBOLS,
    axes=(axes.choice("ratio", (1.0, 2.0, 0.5, 0.25), label="n₁/n₂"), axes.choice("width", (2,)), axes.choice("depth", (2,)),
          axes.choice("input_dim", (1,)), axes.choice("law", tuple(nets.LAWS), label="weights")),
    premise=always("any weights; searched among random ones"),
    subject=nets.symmetric,
    controls={
        "one region less": Control(observable=lambda networks, case: networks.line().cells - (2.0 + 2 * round(2 / case.ratio)), why="3 + 2 n₂ is reached"),
        "1 + N": Control(observable=lambda networks, case: networks.line().cells - (3.0 + round(2 / case.ratio)), why="the mean taken for the maximum"),
    },
    grid=Grid(x="ratio", y="law", fixed={"width": 2, "depth": 2, "input_dim": 1}),
    measures="cells beyond 3 + 2 n₂",
)
def two_units_make_no_zigzag(networks, case):
    """Cells on the line less 3 + 2 n_2, shape (R,), over random weights of every law: the search can refute, and reaches 0.

    Whatever way two units face, a function of them has at most two zeros on the line: a piece is flat, or the middle slope is
    the sum of the outer ones. So theorem 5 needs its widths of at least 3: the bound would be 3 (n_2 + 1).
    """
    return networks.line().cells - (3.0 + 2 * round(2 / case.ratio))
