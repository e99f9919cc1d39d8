"""Montúfar, Pascanu, Cho & Bengio (2014), On the Number of Linear Regions of Deep Neural Networks.

A layer of n units can fold each of n0 coordinates floor(n/n0) times, so that a deep rectifier network reaches
prod floor(n_l/n0)^n0 Zas(n_L, n0) regions. The construction is written out here with rational weights and counted
without rounding. Two things said of it need care: with all units of the last layer facing one way, pieces on both sides
of a fold share the zero function and merge; and narrow maxout networks cannot do what the maxout theorem says of them.
"""

import numpy as np

from regimes import axes
from regimes.claim import Control, Erratum, Grid, Paper, claim, where
from regimes.kinds import Identity, Inequality
from regimes.subjects import explicit_networks
from regimes.theory import region_constructions as constructions
from regimes.theory.region_bounds import montufar_2014, shallow_maximum

paper = Paper(
    key="montufar2014regions",
    title="On the Number of Linear Regions of Deep Neural Networks",
    authors=("Guido Montúfar", "Razvan Pascanu", "Kyunghyun Cho", "Yoshua Bengio"),
    year=2014,
    venue="NeurIPS",
    arxiv="1402.1869",
)

SYMBOLS = {r"n_l": "units of layer l", r"n_0": "inputs", "R": "number of regions"}
EXACTLY = where(
    lambda case: case.width >= case.input_dim and montufar_2014(case.input_dim, [case.width] * case.depth) <= 500,
    "every layer at least as wide as the input; at most 500 regions, for rational arithmetic",
)
AXES = (axes.width(2, 12, quick=6), axes.depth(1, 4, quick=3), axes.choice("input_dim", (1, 2), label="inputs n₀"))


def bound(case):
    """The bound at a case."""
    return float(montufar_2014(case.input_dim, [case.width] * case.depth))


def counts(networks, which, inside):
    """One of the four counts, shape (R,)."""
    return np.array([getattr(found, which) for found in networks.counts(inside=inside)], float)


folding = explicit_networks.constructed("folding construction", constructions.montufar, "folds, then a last layer in general position")


@claim(
    paper, "Theorem 4", id="montufar-construction",
    title="Folding attains the lower bound exactly inside the cube",
    kind=Identity(tolerance=0.5, share=0.99),
    statement=r"R\bigl((0,1)^{n_0}\bigr) = \Bigl(\prod_{l<L} \Bigl\lfloor\frac{n_l}{n_0}\Bigr\rfloor^{n_0}\Bigr) \sum_{j=0}^{n_0} \binom{n_L}{j}",
    symbols=SYMBOLS,
    axes=AXES,
    premise=EXACTLY,
    subject=folding,
    controls={
        "slopes p for 2p": Control(subject=explicit_networks.constructed("slopes p", constructions.montufar_with_factor_p, "flat on every second piece"),
                                   at={"width": 4, "depth": 2}),
        "equal signs": Control(subject=explicit_networks.constructed("no alternation", constructions.montufar_with_equal_signs, "u' grows and does not fold"),
                               at={"width": 4, "depth": 2}),
        "breaks outside the cube": Control(subject=explicit_networks.constructed("breaks outside", constructions.montufar_with_breaks_outside, "breakpoints at integers"),
                                           at={"width": 4, "depth": 2}),
        "parallel last layer": Control(subject=explicit_networks.constructed("parallel last layer", constructions.montufar_with_parallel_last, "not in general position"),
                                       at={"input_dim": 2, "width": 4, "depth": 2}),
    },
    grid=Grid(x="width", y="depth", values={"width": (2, 3, 4, 5, 6, 8), "depth": (1, 2, 3)}, fixed={"input_dim": 2}),
    measures="cells beyond the formula",
)
def the_construction_attains_its_bound(networks, case):
    """Cells inside the unit cube less the formula, counted in rationals, shape (R,): integers."""
    return counts(networks, "cells", True) - bound(case)


@claim(
    paper, "Theorem 4, in terms of linear regions", id="montufar-linear-regions",
    title="The construction's linear regions reach the bound",
    kind=Inequality(at_most=0, share=0.99),
    statement=r"\#\{\text{linear regions}\} \ge \Bigl(\prod_{l<L} \Bigl\lfloor\frac{n_l}{n_0}\Bigr\rfloor^{n_0}\Bigr) \sum_{j=0}^{n_0} \binom{n_L}{j}",
    symbols=SYMBOLS,
    axes=AXES,
    premise=EXACTLY,
    subject=folding,
    controls={
        "last layer as printed": Control(
            subject=explicit_networks.constructed("one-sided last layer", lambda d, n: constructions.montufar(d, n, one_sided=True), "all last units face right"),
            at={"width": 3, "depth": 2, "input_dim": 1}),
        "equal signs": Control(subject=explicit_networks.constructed("no alternation", constructions.montufar_with_equal_signs, "u' grows and does not fold"),
                               at={"width": 4, "depth": 3}),
        "slopes p for 2p": Control(subject=explicit_networks.constructed("slopes p", constructions.montufar_with_factor_p, "flat on every second piece"),
                                   at={"width": 4, "depth": 3}),
    },
    grid=Grid(x="width", y="depth", values={"width": (2, 3, 4, 5, 6, 8), "depth": (1, 2, 3)}, fixed={"input_dim": 1}),
    erratum=Erratum(
        published="The last layer's units may be any n_L units in general position on the folded cube.",
        finding="If all of them face one way, the region where none is active is flat; it lies on both sides of a fold and merges across it: "
                "n = 3, L = 2 has 11 linear regions on the line and not 12. Units facing both ways mend it.",
        control="last layer as printed",
    ),
    measures="bound less linear regions",
)
def linear_regions_reach_the_bound(networks, case):
    """The bound less the linear regions on all of R^n0, counted in rationals, shape (R,)."""
    return bound(case) - counts(networks, "linear_pieces", False)


def maxout(name, make, description=""):
    """A subject of maxout constructions from a case's depth and rank."""
    return explicit_networks.constructed(name, lambda inputs, given: make(inputs, *given), description, rank=lambda case: int(case["rank"]))


def maxout_deficit(networks, case):
    """The bound less the cells, shape (R,)."""
    reached = float(case.rank) ** (case.depth - 1 + case.input_dim)
    return reached - counts(networks, "cells", False)


@claim(
    paper, "Theorem 8", id="montufar-maxout",
    title="Maxout networks of width n₀ reach k^(L-1) k^n₀ regions",
    kind=Inequality(at_most=0, share=0.99),
    statement=r"R \ge k^{L-1}\, k^{n_0}",
    symbols={"k": "rank of the maxout units", "L": "layers of n₀ units each", r"n_0": "inputs"},
    axes=(axes.depth(1, 4, quick=3), axes.choice("rank", (2, 3, 4), label="maxout rank k"), axes.choice("input_dim", (1, 2), label="inputs n₀")),
    premise=where(lambda case: case.rank <= 2**case.input_dim and case.rank ** (case.depth - 1 + case.input_dim) <= 300,
                  "k at most 2^n₀, for which folds are known that do it; at most 300 regions"),
    subject=maxout("maxout folds", constructions.maxout_folding, "2^(n₀(L-1)) k^n₀ cells"),
    controls={
        "width 1, rank 3": Control(premise=where(lambda case: case.rank >= 3 and case.input_dim == 1 and case.depth >= 2, "k ≥ 3 and n₀ = 1"),
                                   at={"rank": 3, "input_dim": 1, "depth": 2}, why="a chain of width 1: at most 1 + (k-1)(2^L - 1) regions"),
        "one layer less": Control(subject=maxout("one layer less", lambda d, depth, rank: constructions.maxout_folding(d, max(1, depth - 1), rank)),
                                  at={"depth": 2, "rank": 2, "input_dim": 1}),
        "k^n0 for every layer": Control(observable=lambda networks, case: float(case.rank) ** (case.depth * case.input_dim) - counts(networks, "cells", False),
                                        at={"depth": 2, "rank": 3, "input_dim": 2}, why="k^(L n₀): the folds reach 2^n₀ a layer"),
    },
    grid=Grid(x="rank", y="depth", values={"rank": (2, 3, 4), "depth": (1, 2, 3)}, fixed={"input_dim": 2}),
    erratum=Erratum(
        published="A maxout network of L layers of width n₀ and rank k reaches k^(L-1) k^n₀ regions.",
        finding="Not for n₀ = 1 and k ≥ 3: a convex function of one variable takes a value at most twice, so that a chain of width 1 has at most "
                "1 + (k-1)(2^L - 1) regions, 7 and not 9 for k = 3 and L = 2. The control shows the folds alone, which reach 6.",
        control="width 1, rank 3",
    ),
    measures="bound less cells",
)
def maxout_networks_reach_their_bound(networks, case):
    """k^(L-1) k^n0 less the cells on all of R^n0, counted in rationals, shape (R,)."""
    return maxout_deficit(networks, case)


@claim(
    paper, "Corollary 5, deep against shallow", id="deep-beats-shallow",
    title="The deep construction has more regions than any shallow network of as many units",
    kind=Inequality(at_most=0, share=0.99),
    statement=r"R_{\text{deep}} > \sum_{j=0}^{n_0} \binom{L n}{j}",
    symbols={"n": "units of every layer", "L": "hidden layers", r"n_0": "inputs"},
    axes=AXES,
    premise=where(lambda case: case.width >= 2 * case.input_dim and 500 >= bound(case) > shallow_maximum(case.width * case.depth, case.input_dim),
                  "the bound exceeds the shallow maximum; at most 500 regions, for rational arithmetic"),
    subject=folding,
    controls={
        "equal signs": Control(subject=explicit_networks.constructed("no alternation", constructions.montufar_with_equal_signs, "u' grows and does not fold"),
                               at={"width": 4, "depth": 3, "input_dim": 1}),
        "one layer": Control(premise=where(lambda case: case.depth == 1, "depth 1"), at={"depth": 1}, why="a shallow network is no better than itself"),
    },
    grid=Grid(x="width", y="depth", values={"width": (2, 3, 4, 5, 6, 8), "depth": (1, 2, 3)}, fixed={"input_dim": 2}),
    measures="shallow maximum + 1 less cells",
)
def deep_networks_beat_shallow_ones(networks, case):
    """Zas(Ln, n0) + 1 less the construction's cells inside the cube, shape (R,)."""
    return shallow_maximum(case.width * case.depth, case.input_dim) + 1.0 - counts(networks, "cells", True)
