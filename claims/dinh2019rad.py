"""Dinh, Sohl-Dickstein, Pascanu & Larochelle (2019), A RAD approach to deep mixture models.

A RAD flow folds space piece by piece and remembers on which piece a point was. Inference is deterministic, z = f(x) and
k = phi(x); sampling draws z ~ p_Z, then k ~ p(k|z), a gate that is zero where piece k does not reach z; and the density
is one term, p_X(x) = p_Z(f(x)) p(phi(x)|f(x)) |det Df(x)|. In a stack the gate of each layer reads that layer's output.

The paper's own gates could not be read; the three families of `regimes.flows.folds` are derived there. All tolerances
are derived in `regimes.flows.rounding`: residuals arrive in units of them, and flows too ill-conditioned for a dtype are
discarded and counted.
"""

import numpy as np

from regimes import axes
from regimes.claim import Control, Grid, Paper, always, claim, where
from regimes.flows import anchors, eprocess, properties
from regimes.flows import mutants as wrong
from regimes.flows.build import FAMILIES
from regimes.flows.gates import IntervalGate
from regimes.flows.subjects import flows, rad, trained
from regimes.kinds import Identity, Inequality, Probability

paper = Paper(
    key="dinh2019rad",
    title="A RAD approach to deep mixture models",
    authors=("Laurent Dinh", "Jascha Sohl-Dickstein", "Razvan Pascanu", "Hugo Larochelle"),
    year=2019,
    venue="ICLR 2019 workshop on Deep Generative Models for Highly Structured Data",
    arxiv="1903.07714",
)

WITHIN = Identity(share=0.05)
family = axes.choice("family", FAMILIES, label="fold family")
dtype = axes.choice("dtype", ("float64", "float32"), label="floating dtype of the flow")
dimension = axes.choice("input_dim", (1, 2, 3, 5, 8), label="dimension D")
gain = axes.choice("gain", (1.0, 0.5, 1.5), label="size of the conditioners' weights")
SYMBOLS = {
    r"z_l": "f_l(z_{l-1}), z_0 = x",
    r"k_l": "φ_l(z_{l-1}), the piece of layer l's partition that holds its input",
    r"p_l(k|z)": "gate, zero where piece k does not reach z",
    "p_Z": "base density",
}


def depth(high, quick):
    """Layers of folds, each followed by a coupling where D > 1."""
    return axes.sizes("depth", 1, high, quick=quick, default=high, label="depth (layers of folds)")


def mutant(name, why="", at=None, **parts):
    """A control whose subject is a RAD flow with one part replaced."""
    return Control(subject=rad(name, why, **parts), at=at or {}, why=why)


PLAIN = {"family": "zigzag", "dtype": "float64"}
DENSITY = {
    "log-det dropped": mutant("log-det dropped", at=PLAIN, stack=wrong.WithoutLogDet),
    "log-det sign": mutant("log-det sign", "of the other direction", at=PLAIN, stack=wrong.NegativeLogDet),
    "gate dropped": mutant("gate dropped", "for |x| it is SurVAE's abs without -log 2", at=PLAIN, stack=wrong.WithoutGate),
    "summed density": mutant("summed density", "Σ_k p(k|z)|f_k'| at one z: a mixture of bijections", at=PLAIN, fold=wrong.Summed),
    "slope of branch k + 1": mutant("slope of branch k + 1", "off by 0.3 % at some seeds", at=PLAIN, fold=wrong.NextSlope),
    "gate at the layer's input": mutant("gate at the layer's input", at=PLAIN, fold=wrong.GateAtInput),
}
MASS = {
    **DENSITY,
    "gate not normalised": mutant("gate not normalised", "K sigmoids", at=PLAIN, fold=wrong.Unnormalised),
    "overlapping partition": mutant("overlapping partition", at=PLAIN, fold=wrong.Overlap),
    "gap in the partition": mutant("gap in the partition", "0.2 % of the mass", at=PLAIN, fold=wrong.Gap),
    "branch never used": mutant("branch never used", "off by one", at=PLAIN, fold=wrong.OffByOne),
}


@claim(
    paper, "Section 3, the density of a stack", id="rad-logdensity-autograd",
    title="The log-density is one term per layer",
    kind=WITHIN,
    statement=r"\log p(x) = \log p_Z(z_L) + \log|\det J_F(x)| + \sum_{l=1}^{L} \log p_l(k_l|z_l)",
    symbols={**SYMBOLS, "J_F": "Jacobian of the whole stack, by autograd"},
    axes=(depth(64, 16), dimension, family, dtype, gain),
    premise=always("x on no boundary of a partition"),
    subject=flows,
    controls={**DENSITY, "one coordinate's log s forgotten": mutant("log s forgotten", at={**PLAIN, "input_dim": 3}, coupling=wrong.Forgotten)},
    grid=Grid(x="depth", y="input_dim", values={"depth": (1, 2, 4, 8, 16, 32, 64)}, fixed={**PLAIN, "gain": 1.0}),
)
def the_log_density_has_one_term_per_layer(draws, case):
    """Log p(x) less the sum with log|det| by autograd, in units of its tolerance, per point, shape (R, 8).

    The tolerance follows the rounding of each vector-Jacobian product through |J^{-1}| ∏|Df_l|, and elimination.
    """
    return properties.log_density_by_autograd(draws)


@claim(
    paper, "Section 3, p_X is a density", id="rad-normalised",
    title="The density integrates to one",
    kind=WITHIN,
    statement=r"\int p_X(x)\,dx = 1",
    symbols=SYMBOLS,
    axes=(depth(3, 2), family, axes.choice("dtype", ("float64",), label="floating dtype of the flow")),
    premise=always("gates normalised and zero where their branch does not reach; continuity is not needed"),
    subject=flows,
    controls=MASS,
    grid=Grid(x="depth", y="family", values={"depth": (1, 2, 3)}, fixed={"dtype": "float64"}),
)
def densities_integrate_to_one(draws, case):
    """∫p - 1 over M u and what halving the cells changed, shape (R, 1): Gauss-Legendre between all preimages of folds.

    In more dimensions the mass is tested by enumeration: see `rad-latent-marginal`.
    """
    return properties.integral(draws)


@claim(
    paper, "Section 3, inference inverts sampling", id="rad-round-trip",
    title="x → (z, k) → x",
    kind=WITHIN,
    statement=r"|\hat x - x| \le 2u \sum_{l} \bigl( |J_l^{-1}|\,\rho_l + |J_{l-1}^{-1}|\,\sigma_l \bigr)",
    symbols={"J_l": "D(f_l ∘ … ∘ f_1)(x)", r"\rho_l": "rounding of layer l's image, in units of u", r"\sigma_l": "rounding of its inverse", "u": "unit roundoff"},
    axes=(depth(64, 16), dimension, family, dtype, gain),
    premise=always("any parameters"),
    subject=flows,
    controls={
        "branch k + 1": mutant("branch k + 1", at=PLAIN, fold=wrong.NextBranch),
        "branches swapped": mutant("branches swapped", at=PLAIN, fold=wrong.SwappedBranches),
        "path reversed": mutant("path reversed", at={**PLAIN, "depth": 4}, stack=wrong.PathReversed),
        "exp forgotten": mutant("exp forgotten", "1 + log s for s", at={**PLAIN, "input_dim": 2}, coupling=wrong.WithoutExp),
        "shift cut short": mutant("shift cut short", at={**PLAIN, "input_dim": 2}, coupling=wrong.ShiftLeft),
        "inverse to 1e-5": mutant("inverse to 1e-5", "as by an iteration", at={**PLAIN, "input_dim": 2, "depth": 4}, coupling=wrong.LooseInverse),
    },
    grid=Grid(x="depth", y="gain", values={"depth": (1, 2, 4, 8, 16, 32, 64)}, fixed={"family": "zigzag", "dtype": "float32", "input_dim": 3}),
)
def points_come_back(draws, case):
    """|x̂ - x| in units of its tolerance, per point and coordinate, shape (R, 8 D). Conditioning matters, not depth."""
    return properties.round_trip(draws)


@claim(
    paper, "Section 3, inference is exact", id="rad-branch-recovery",
    title="(z, k) → x → k",
    kind=Identity(tolerance=0.5, share=0.05),
    statement=r"\phi\bigl((f|_{A_k})^{-1}(z)\bigr) = k,\qquad \phi(b_k) = k",
    symbols={**SYMBOLS, "b_k": "boundary between pieces k and k + 1; pieces are closed above"},
    axes=(depth(64, 16), dimension, family, dtype),
    premise=always("x further from every boundary than rounding reaches, or on it"),
    subject=flows,
    controls={
        "branch k + 1": mutant("branch k + 1", at=PLAIN, fold=wrong.NextBranch),
        "branches swapped": mutant("branches swapped", at=PLAIN, fold=wrong.SwappedBranches),
        "≥ for > at boundaries": mutant("≥ for >", "wrong on a set of measure zero", at=PLAIN, fold=wrong.ClosedBelow),
        "gap in the partition": mutant("gap in the partition", at=PLAIN, fold=wrong.Gap),
        "branch never used": mutant("branch never used", at=PLAIN, fold=wrong.OffByOne),
    },
    grid=Grid(x="depth", y="input_dim", values={"depth": (1, 2, 4, 8, 16, 32, 64)}, fixed=PLAIN),
)
def branches_are_recovered(draws, case):
    """Whether a sampled path is not found again, per point, then whether phi errs on each break and one float above.

    Shape (R, 8 + 2 breaks). Points within 2u (e_{l-1} + σ_l) of a boundary are discarded: rounding may move them across.
    """
    return properties.branch_flips(draws)


@claim(
    paper, "Section 3, the marginal of the latent (derived)", id="rad-latent-marginal",
    title="All branches of a latent add up",
    kind=WITHIN,
    statement=r"\sum_{k} \prod_l p_l(k_l|z_l) = 1,\qquad \sum_{k:\,z \in Z_k} p_X(x_k)\,\Bigl|\det\frac{dx_k}{dz}\Bigr| = p_Z(z)",
    symbols={**SYMBOLS, "x_k": "the point with latent z on path k"},
    axes=(depth(4, 3), axes.choice("input_dim", (1, 2, 4), label="dimension D"), family, dtype),
    premise=always("any parameters; K^L ≤ 81 paths are enumerated"),
    subject=flows,
    controls={
        **MASS,
        "log-det sign of the inverse": mutant("log-det sign of the inverse", at=PLAIN, stack=wrong.NegativeInverseLogDet),
        "branch k + 1": mutant("branch k + 1", at=PLAIN, fold=wrong.NextBranch),
        "path reversed": mutant("path reversed", at={**PLAIN, "depth": 3}, stack=wrong.PathReversed),
    },
    grid=Grid(x="depth", y="input_dim", values={"depth": (1, 2, 3, 4)}, fixed=PLAIN),
)
def branches_add_up_to_the_latent(draws, case):
    """Both sums less what they equal, relative and in units of their tolerances, per latent, shape (R, 4).

    The strongest single test: it needs inverse, gate, determinant and partition at once.
    """
    return properties.latent_marginal(draws)


@claim(
    paper, "Section 3.2, continuity at boundaries", id="rad-density-continuity",
    title="The density has no jump",
    kind=WITHIN,
    statement=r"\lim_{x \uparrow b} p_X(x) = \lim_{x \downarrow b} p_X(x)\quad\text{if}\quad \lim_{A_k} p(k|z)\,|Df| = \lim_{A_{k'}} p(k'|z)\,|Df|",
    symbols={**SYMBOLS, "b": "a boundary, or any other preimage of a fold value"},
    axes=(depth(3, 2), family, axes.choice("dtype", ("float64",), label="floating dtype of the flow")),
    premise=always("gates that meet the condition at fold values; on [0, 1], p_Z(0) = p_Z(1)"),
    subject=rad("RAD, uniform base on cubes", shape=(1, 1)),
    controls={
        "no condition at folds": mutant("no condition at folds", "a softmax of free logits", at=PLAIN, gates={"zigzag": wrong.UnconditionedGate}),
        "crease at 1/2": mutant("crease at 1/2", "p(1|0) = 1/2 with unequal slopes", at={"family": "abs"}, gates={"abs": wrong.EvenCrease}),
        "equal chances of pieces": mutant("equal chances of pieces", "1/K with unequal a_k", at={"family": "interval"}, gates={"interval": wrong.EqualGate}, shape=(1, 1)),
    },
    grid=Grid(x="depth", y="family", values={"depth": (1, 2, 3)}, fixed={"dtype": "float64"}),
)
def densities_do_not_jump(draws, case):
    """One-sided limits, extrapolated, at every kink: their difference over its tolerance, shape (R, kinks).

    The third branch of a zig-zag has kinks too, where its image passes a fold value of the other two.
    """
    return properties.jumps(draws)


@claim(
    paper, "Section 3.2, what continuity costs a zig-zag (derived)", id="rad-fold-vanishes",
    title="A continuous density vanishes at the folds of a zig-zag",
    kind=Identity(tolerance=2.0**-20, share=0.05),
    statement=r"p_X \text{ continuous},\ z^* \in \partial Z_j \cap \mathrm{int}\,{\textstyle\bigcup_{k \ne j}} Z_k \implies p(j|z^*) = 0,\quad p_X(b) = 0,\ \log p_X(b) = -\infty",
    symbols={**SYMBOLS, "b": "a fold of a zig-zag", r"z^*": "its image, where p_Z > 0: beyond it the other branches' gates sum to 1, so by continuity at it"},
    axes=(depth(16, 8), axes.choice("input_dim", (1, 2, 4), label="dimension D"), dtype),
    premise=always("a zig-zag of the line as first layer; a fold onto [0, ∞) or [0, 1] has no such end"),
    subject=flows,
    controls={
        "no condition at folds": mutant("no condition at folds", "positive at the fold, and it jumps there", gates={"zigzag": wrong.UnconditionedGate}, at={"depth": 1}),
        "absolute value": mutant("absolute value", "both branches share one image: continuous and positive", family="abs", at={"depth": 1}),
        "gate dropped": mutant("gate dropped", stack=wrong.WithoutGate, at={"depth": 1}),
    },
    grid=Grid(x="depth", y="input_dim", values={"depth": (1, 2, 4, 8, 16)}, fixed={"dtype": "float64"}),
)
def densities_vanish_at_inner_folds(draws, case):
    """P at points whose first folded coordinate is a fold of the first layer, the others sampled, shape (R, folds)."""
    return anchors.density_at_first_folds(draws)


@claim(
    paper, "Section 3, sampling", id="rad-sampler-matches-density",
    title="Samples have the claimed density",
    kind=Inequality(at_most=float(np.log(1e12)), share=0.05),
    statement=r"\Pr\Bigl[\sup_n \tfrac1M \sum_{m} \prod_{i \le n} \frac{q_m(x_i)}{p_X(x_i)} \ge 10^{12}\Bigr] \le 10^{-12}\quad\text{for } x_i \sim p_X",
    symbols={"q_m": "fixed densities: the flow's with other gates or another base scale", "p_X": "claimed density"},
    axes=(depth(4, 2), axes.choice("input_dim", (1, 2, 4), label="dimension D"), family, dtype),
    premise=always("Ville's inequality: each flow gives a false alarm with probability at most 1e-12"),
    subject=flows,
    controls={
        "most probable branch": mutant("most probable branch", at=PLAIN, stack=wrong.ArgmaxSampler),
        "sampler ignores the gate": mutant("sampler ignores the gate", at=PLAIN, stack=wrong.GateIgnored),
        "gate of another layer": mutant("gate of another layer", at={**PLAIN, "depth": 2}, stack=wrong.OtherLayersGate),
        "base too narrow": mutant("base too narrow", "z scaled by 0.9", at=PLAIN, stack=wrong.NarrowBase),
        "branch k + 1": mutant("branch k + 1", at=PLAIN, fold=wrong.NextBranch),
    },
    grid=Grid(x="depth", y="input_dim", values={"depth": (1, 2, 3, 4)}, fixed=PLAIN),
)
def samples_have_the_claimed_density(draws, case):
    """Log of the largest wealth of a bettor against the claimed density, over 1024 samples of each flow, shape (R,)."""
    return eprocess.log_wealth(draws, 1024)


@claim(
    paper, "Section 1, folding multiplies modes (a special family, derived)", id="rad-mode-multiplication",
    title="L layers of K equal pieces have K^L modes",
    kind=Identity(tolerance=0.5, share=0.05),
    statement=r"a_k = \tfrac1K,\ p(k|z) = \tfrac1K,\ p_Z \text{ unimodal},\ p_Z(0) = p_Z(1) = 0 \implies \#\mathrm{modes}(p_X) = K^L",
    symbols={"K": "pieces", "L": "layers", "a_k": "width of piece k"},
    axes=(axes.choice("pieces", (2, 3, 4), label="pieces K"), axes.sizes("depth", 1, 5, quick=3, default=4, label="depth (layers of folds)"),
          axes.choice("shape", ("2,2", "2,3", "4,2"), label="a, b of the Beta base density"), axes.choice("dtype", ("float64",), label="floating dtype of the flow")),
    premise=where(lambda case: case.pieces**case.depth <= 256, "equal pieces and gates; at most 256 modes"),
    subject=anchors.tiling("equal pieces"),
    controls={
        "uniform base": Control(subject=anchors.tiling("uniform base", shape=(1, 1)), why="a plateau"),
        "base that does not vanish at 0": Control(subject=anchors.tiling("base not vanishing", shape=(1, 3)), why="neighbouring modes merge"),
        "one branch only": Control(subject=anchors.tiling("one branch only", gates={"interval": wrong.FirstBranchOnly})),
        "K L modes": Control(observable=lambda draws, case: anchors.modes(draws) - case.pieces * case.depth, at={"depth": 3}, why="one more bump per piece"),
    },
    grid=Grid(x="depth", y="pieces", values={"depth": (1, 2, 3, 4)}, fixed={"shape": "2,2", "dtype": "float64"}),
)
def folding_multiplies_modes(draws, case):
    """Local maxima of p on [0, 1] less K^L, shape (R,). Only of this family: unequal gates can merge or delete modes."""
    return anchors.modes(draws) - case.pieces**case.depth


@claim(
    paper, "Section 3 (an anchor, derived)", id="rad-uniform-anchor",
    title="Gates equal to widths leave the uniform density alone",
    kind=WITHIN,
    statement=r"p(k|z) = a_k,\ p_Z = 1 \implies \log p_X \equiv 0\quad\text{at every depth, order and orientation}",
    symbols={"a_k": "width of piece k, the reciprocal of its slope"},
    axes=(depth(64, 32), axes.choice("input_dim", (1, 2, 4), label="dimension D"), axes.choice("pieces", (2, 3, 4), label="pieces K"), dtype),
    premise=always("any widths and orientations"),
    subject=anchors.uniform("gates equal to widths"),
    controls={
        "gate 1/K": Control(subject=anchors.uniform("gate 1/K", gates={"interval": wrong.EqualGate})),
        "gate that bends": Control(subject=anchors.uniform("gate that bends", gates={"interval": IntervalGate})),
        "Beta(2, 2) base": Control(subject=anchors.uniform("Beta(2, 2) base", shape=(2, 2))),
        "slope of branch k + 1": Control(subject=anchors.uniform("slope of branch k + 1", fold=wrong.NextSlope)),
    },
    grid=Grid(x="depth", y="pieces", values={"depth": (1, 2, 4, 8, 16, 32, 64)}, fixed={"input_dim": 1, "dtype": "float32"}),
)
def the_uniform_density_is_fixed(draws, case):
    """Log p in units of (2 L + 2) u times its terms, at 8 points, then |ẑ - z| of latents there and back, shape (R, 8 + 8 D).

    The map expands by 1/a_k a layer, so that float32 has lost every digit of a latent after a dozen layers: those
    latents are discarded, the density stays exact.
    """
    return anchors.uniform_residuals(draws)


@claim(
    paper, "Section 3, one piece", id="rad-reduces-to-realnvp",
    title="With K = 1 a RAD flow is RealNVP",
    kind=WITHIN,
    statement=r"K = 1 \implies \log p(x) = \log p_Z(z_L) + \sum_l \sum_{j \in B_l} \log s_{l,j}(z_{l-1})",
    symbols={"s": "scales of coupling l", "B_l": "its active coordinates"},
    axes=(depth(64, 16), axes.choice("input_dim", (2, 3, 5, 8), label="dimension D"), dtype, gain),
    premise=always("couplings alone"),
    subject=rad("couplings alone", family="none"),
    controls={
        "log-det sign": Control(subject=rad("couplings, log-det sign", family="none", stack=wrong.NegativeLogDet), at={"dtype": "float64"}),
        "one coordinate's log s forgotten": Control(subject=rad("couplings, log s forgotten", family="none", coupling=wrong.Forgotten), at={"dtype": "float64"}),
        "folds left in": Control(subject=rad("folds left in", family="zigzag"), at={"dtype": "float64"}),
    },
    grid=Grid(x="depth", y="input_dim", values={"depth": (1, 2, 4, 8, 16, 32, 64)}, fixed={"dtype": "float32", "gain": 1.0}),
)
def one_piece_is_realnvp(draws, case):
    """Log p less RealNVP's by a second program in float64 NumPy, in units of its tolerance, per point, shape (R, 8)."""
    return anchors.against_realnvp(draws)


@claim(
    paper, "Section 3, exact inverses in finite precision (derived)", id="rad-precision-scaling",
    title="An exact inverse gains 29 bits from float32 to float64",
    kind=Probability(at_least=0.95, margin=0.04),
    statement=r"\Pr\Bigl[\tfrac{1}{100} \le 2^{-29}\,\frac{\mathrm{err}_{32}}{\mathrm{err}_{64}} \le 100\Bigr] \ge 0.95",
    symbols={r"\mathrm{err}": "largest |x̂ - x| over the same points and float32 parameters, in each precision"},
    axes=(axes.sizes("depth", 4, 64, quick=16, default=64, label="depth (layers)"), axes.choice("input_dim", (2, 3, 5), label="dimension D"), gain),
    premise=always("free of constants, hence for anyone's flow: rounding scales with u, an algebraic or iterative error does not"),
    subject=rad("RAD in float32"),
    controls={
        "exp forgotten": mutant("exp forgotten, float32", "ratio 1", coupling=wrong.WithoutExp),
        "inverse to 1e-5": mutant("inverse to 1e-5, float32", "as by an iteration: ratio near 1", coupling=wrong.LooseInverse),
        "branches swapped": mutant("branches swapped, float32", fold=wrong.SwappedBranches),
    },
    grid=Grid(x="depth", y="gain", values={"depth": (4, 8, 16, 32, 64)}, fixed={"input_dim": 3}),
)
def inverses_gain_29_bits(draws, case):
    """Whether err32/err64 of the round trip is 2^29 within a factor of 100, shape (R,), 64 points a flow.

    Both errors are the same sums of roundings in other units. In the worst case one centred normal rounding dominates
    either, their ratio is Cauchy and leaves the window with probability 4/(100 π) = 0.013; an iteration that stops at a
    tolerance, or a wrong formula, has a ratio near 1 and leaves it always. Discarded: float64 errors below one rounding
    of max|x|, and float32 errors above 1e-2 where float64 is a hundred times better.
    """
    return anchors.exactly_inverse(anchors.round_trip_bits(draws))


@claim(
    paper, "Section 3, log|det| in finite precision (derived)", id="rad-log-det-scaling",
    title="A right log-determinant gains 29 bits from float32 to float64",
    kind=Probability(at_least=0.95, margin=0.04),
    statement=r"\Pr\Bigl[\tfrac{1}{100} \le 2^{-29}\,\frac{\mathrm{err}_{32}}{\mathrm{err}_{64}} \le 100\Bigr] \ge 0.95",
    symbols={r"\mathrm{err}": "largest |log|det| - log|det J|| over the same points and float32 parameters, J by autograd in each precision"},
    axes=(axes.sizes("depth", 4, 64, quick=16, default=64, label="depth (layers)"), axes.choice("input_dim", (2, 3, 5), label="dimension D"), gain),
    premise=always("free of constants, hence for anyone's flow"),
    subject=rad("RAD in float32"),
    controls={
        "one coordinate's log s forgotten": mutant("log s forgotten, float32", coupling=wrong.Forgotten),
        "slope of branch k + 1": mutant("slope of branch k + 1, float32", fold=wrong.NextSlope),
    },
    grid=Grid(x="depth", y="gain", values={"depth": (4, 8, 16, 32, 64)}, fixed={"input_dim": 3}),
)
def determinants_gain_29_bits(draws, case):
    """Whether err32/err64 of the reported log|det| against autograd's is 2^29 within a factor of 100, shape (R,), 32 points."""
    return anchors.exactly_inverse(anchors.log_det_bits(draws))


@claim(
    paper, "Section 4, after training", id="rad-trained",
    title="Every property survives training",
    kind=Identity(share=0.2),
    statement=r"\text{all of the above after maximum likelihood on two moons, and } -\mathrm{E}\log p \text{ has fallen}",
    symbols=SYMBOLS,
    axes=(axes.sizes("depth", 2, 4, quick=2, default=3, label="depth (layers of folds)"), axes.choice("input_dim", (2, 1), label="dimension D"),
          axes.choice("family", ("zigzag", "abs"), label="fold family"), dtype),
    premise=always("Adam on fresh batches of two moons, each flow with data of its own"),
    subject=trained("RAD trained on two moons"),
    controls={
        "not trained": Control(subject=trained("RAD not trained", steps=0), why="-log p has not fallen"),
        "gate dropped": Control(subject=trained("RAD trained without gates", stack=wrong.WithoutGate), why="trained to exploit it"),
        "log-det dropped": Control(subject=trained("RAD trained without log-det", stack=wrong.WithoutLogDet), why="all points to the origin"),
        "slope of branch k + 1": Control(subject=trained("RAD trained with slopes of k + 1", fold=wrong.NextSlope), why="trained to exploit it"),
    },
    grid=Grid(x="depth", y="family", values={"depth": (2, 3)}, fixed={"input_dim": 2, "dtype": "float64"}),
)
def properties_survive_training(draws, case):
    """The residuals of every claim above in units of their tolerances, side by side, shape (R, many).

    On the line also the integral and the jumps, for the same flows in float64. The first column is 0 where training
    lowered -log p on held-out points, else 2.
    """
    return anchors.all_properties(draws)
