"""Arpit & Bengio (2019), The Benefits of Over-parameterization at Initialization in Deep ReLU Networks.

Under He initialisation, Wˡᵢⱼ ~ N(0, 2/n_l) with n_l the fan-out and no biases, the norm of every hidden layer is
near that of the input, and the norm of every layer's weight gradient is near |x| |delta^L|, delta^L the error at the
last hidden pre-activation, with probability at least 1 - delta if the width exceeds a bound in depth and number of
inputs. What is exact (laws, first passage, alignment) is derived in `regimes.theory`, where the derivations stand.
"""

import math
from itertools import pairwise

import numpy as np
from scipy.special import gammainc

from regimes import axes
from regimes.claim import Control, Erratum, Grid, Paper, always, at_least, claim, where
from regimes.decide.identity import gamma, rounding_unit
from regimes.kinds import Expectation, Identity, Law, Probability, Scaling
from regimes.subjects import all_inputs, foreign
from regimes.subjects import initialisers as init
from regimes.subjects.architecture import PROFILES, architecture
from regimes.theory import first_passage, gordon, gradient_norm_law, he_norm_law, norm_bounds, weight_norm_law, wendel

paper = Paper(
    key="arpit2019benefits",
    title="The Benefits of Over-parameterization at Initialization in Deep ReLU Networks",
    authors=("Devansh Arpit", "Yoshua Bengio"),
    year=2019,
    arxiv="1901.03611",
)

profile = axes.choice("profile", PROFILES, label="hidden widths along the depth")
direction = axes.choice("direction", ("dense", "sparse"), label="input")
UNIFORM = Law(cdf=lambda case: lambda u: np.clip(u, 0, 1), margin=0.05)
SYMBOLS = {
    r"h^l": "hidden layer l, relu(Wˡ hˡ⁻¹); h⁰ = x",
    r"n_l": "units of layer l (fan-out of Wˡ)",
    r"L": "number of hidden layers",
}


def transformed(networks, law):
    """Layer ratios through a law F_n: uniform on (0, 1) if it is right, shape (R, L); ratios after death are masked."""
    ratios = networks.layer_ratios().cpu().numpy()
    uniform = networks.randomness.numpy("atom").random(ratios.shape)
    widths = networks.architecture.hidden
    columns = [law(np.nan_to_num(ratios[:, l]), n, uniform[:, l]) for l, n in enumerate(widths)]
    return np.ma.masked_array(np.stack(columns, 1), mask=np.isnan(ratios))


def through_gamma(variance):
    """The observable of a wrong oracle: ratios through the gamma law of mean 1 and variance `variance`/n."""

    def observable(networks, case):
        """Layer ratios through a gamma law."""
        return transformed(networks, lambda r, n, u: gammainc(n / variance, r * n / variance))

    return observable


@claim(
    paper, "Section 3, the law behind Theorem 1 (derived)", id="he-norm-exact-law",
    title="The exact law of layer ratios",
    kind=UNIFORM,
    statement=r"\frac{\|h^l\|^2}{\|h^{l-1}\|^2} \sim \frac{2}{n_l}\,\chi^2_{K_l},\quad K_l \sim \mathrm{Bin}(n_l, 1/2)\ \text{independent}",
    symbols={**SYMBOLS, r"K_l": "number of active units"},
    axes=(axes.width(1, 4096), axes.depth(1, 50), profile, direction),
    premise=always("Gaussian weights, no biases, one input: any widths and any depth"),
    subject=init.he_normal,
    sampler="direct",
    controls={
        "Glorot gain": Control(subject=init.glorot, at={"width": 16}),
        "torch xavier_normal_": Control(subject=foreign.xavier_normal, at={"width": 16}),
        "uniform on ±√(2/f)": Control(subject=init.narrow_uniform, at={"width": 16}),
        "weights of nn.Linear": Control(subject=init.linear_weights, at={"width": 16}),
        "torch.nn.Linear": Control(subject=foreign.torch_linear, at={"width": 16}),
        "gain 5/3": Control(subject=init.tanh_gain, at={"width": 16}),
        "truncated normal": Control(subject=init.truncated_unscaled, at={"width": 64}),
        "variance 2.1/f": Control(subject=init.gain_2_1, at={"width": 64, "depth": 16}),
        "variance 2.02/f": Control(subject=init.gain_2_02, kind=Law(cdf=UNIFORM.cdf, margin=0.005), at={"width": 128, "depth": 16, "profile": "constant"},
                                   why="a variance 1 % too large: within the margin of 0.05, so it is held to one of 0.005"),
        "tanh": Control(subject=init.tanh_networks, at={"width": 16}),
        "fan-in on unequal widths": Control(subject=init.he_normal_fan_in, at={"width": 16, "depth": 4, "profile": "widening"}),
        "torch kaiming_normal_, fan_in": Control(
            subject=foreign.kaiming_fan_in, at={"width": 16, "depth": 4, "profile": "alternating"},
            why="right on square layers, wrong where fan-in and fan-out differ"),
        "uniform on a sparse input": Control(
            subject=init.he_uniform, at={"width": 64, "depth": 1, "direction": "sparse"},
            why="right mean, wrong variance: the law is Gaussian only"),
        "Rademacher on a sparse input": Control(subject=init.rademacher_he, at={"width": 16, "depth": 1, "direction": "sparse"}),
        "without the binomial": Control(observable=through_gamma(4), at={"width": 16, "depth": 8}, why="(2/n) chi2_{n/2}: variance 4/n"),
        "variance 3/n": Control(observable=through_gamma(3), at={"width": 16, "depth": 8}, why="a gamma law of variance 3/n"),
    },
    grid=Grid(x="width", y="depth", values={"width": (1, 2, 4, 8, 16, 32, 64, 128, 256), "depth": (1, 2, 4, 8, 16, 32)},
              fixed={"profile": "constant", "direction": "dense"}),
)
def layer_ratios_have_their_exact_law(networks, case):
    """Layer ratios r_l = |hˡ|²/|hˡ⁻¹|² through their distribution function, (R, L), i.i.d. U(0, 1).

    Mean 1, variance 5/n_l, P(r_l = 0) = 2^-n_l. The laws do not depend on the input or on other layers. At the atom
    the transform is uniform on the jump. Source: derived from the paper's model; Gaussian weights are essential.
    """
    return transformed(networks, he_norm_law.probability_transform)


def inside(networks, lower, upper):
    """Whether every input's log|hˡ|²/|x|² lies in [lower_l, upper_l] at every layer, shape (R,)."""
    logs = networks.log_norms()
    logs = (logs[:, 1:] - logs[:, :1]).cpu().numpy()
    return ((logs >= np.reshape(lower, (1, -1, 1))) & (logs <= np.reshape(upper, (1, -1, 1)))).all(axis=(1, 2))


def promised(width):
    """The premise that the smallest hidden width is at least `width(eps, L, N, delta)`."""
    return at_least(
        "width", lambda case: width(case.epsilon, case.depth, case.get("inputs", 1), case.delta),
        "every hidden width at least log(2NL/δ)/f(ε'), ε' = (1+ε)^(1/L) - 1",
    )  # fmt: skip


@claim(
    paper, "Theorem 1 (safe form)", id="he-norm-width-bound",
    title="Hidden norms of all inputs are preserved",
    kind=Probability(at_least=lambda case: 1 - case.delta, margin=0.05),
    statement=r"n_l \ge \frac{\log(2NL/\delta)}{f(\epsilon')} \Rightarrow \Pr\Bigl[\forall l, i:\ (1-\epsilon')^l \le \frac{\|h^l(x_i)\|^2}{\|x_i\|^2} \le (1+\epsilon')^l\Bigr] \ge 1-\delta",
    symbols={**SYMBOLS, r"\epsilon'": "(1+ε)^(1/L) - 1", "f": "f(ε) = ε/4 + log(2/(1+√(1+ε)))", "N": "number of inputs"},
    axes=(axes.width(4, 1 << 20, thorough=1 << 16), axes.depth(1, 1 << 13, quick=2, default=2, thorough=64), axes.inputs(1, 32, quick=4), axes.input_dim(4, 64, quick=16),
          profile, axes.epsilon(0.5, 0.9), axes.delta()),
    premise=promised(norm_bounds.norm_preservation_width),
    subject=init.he_normal,
    controls={
        "bound as plotted": Control(
            premise=promised(norm_bounds.width_as_plotted), why="width (4/ε') log(4NL/δ), linear in 1/ε'",
            at={"depth": 5, "inputs": 20, "input_dim": 16, "profile": "constant", "epsilon": 0.5, "delta": 0.05}),
        "rate ε'/4": Control(
            premise=promised(norm_bounds.width_with_linear_rate), why="f(ε') replaced by ε'/4",
            at={"depth": 5, "inputs": 20, "input_dim": 16, "profile": "constant", "epsilon": 0.5, "delta": 0.05}),
        "without the root": Control(
            premise=promised(norm_bounds.width_without_root), why="ε in every layer instead of ε'",
            at={"depth": 8, "inputs": 4, "input_dim": 16, "profile": "constant", "epsilon": 0.6, "delta": 0.1}),
        "without the union": Control(
            premise=promised(norm_bounds.width_without_union), why="log(2/δ) without NL",
            at={"depth": 1, "inputs": 32, "input_dim": 64, "width": 59, "profile": "constant", "epsilon": 0.9, "delta": 0.1}),
        "fan-in on unequal widths": Control(subject=init.he_normal_fan_in, at={"depth": 2, "profile": "widening", "delta": 0.3}),
        "Glorot gain": Control(subject=init.glorot, at={"depth": 2, "profile": "constant", "epsilon": 0.5}),
    },
    grid=Grid(x="width", y="depth", values={"width": (32, 64, 128, 256, 512, 1024, 2048), "depth": (1, 2, 3, 4)},
              fixed={"inputs": 4, "input_dim": 16, "profile": "constant", "epsilon": 0.9, "delta": 0.1}),
    erratum=Erratum(
        published="The figure comparing bound and experiment plots the width (4/ε') log(4NL/δ), linear in 1/ε'.",
        finding="No width linear in 1/ε' can be right: one layer's ratio fluctuates by √(5/n), so the width is of order 1/ε'². "
        "The figure shows the mean deviation, on which the failure cannot be seen.",
        control="bound as plotted"),
)
def hidden_norms_of_all_inputs_are_preserved(networks, case):
    """One boolean per network, shape (R,): at every layer l and input i, (1-ε')ˡ <= |hˡ(x_i)|²/|x_i|² <= (1+ε')ˡ.

    Chernoff's bound in every layer and a union over N inputs and L layers; it loses a factor of order L against the
    truth. Source: the theorem's text was not to be had, this is the form that its proof gives.
    """
    step = norm_bounds.layer_tolerance(case.epsilon, case.depth)
    layers = np.arange(1, case.depth + 1)
    return inside(networks, layers * math.log1p(-step), layers * math.log1p(step))


@claim(
    paper, "Theorem 1, the flat band it implies", id="he-norm-flat-band",
    title="Norms stay in a flat band",
    kind=Probability(at_least=lambda case: 1 - case.delta, margin=0.02),
    statement=r"n \ge \frac{\log(2L/\delta)}{f(\epsilon')} \Rightarrow \Pr\Bigl[\forall l \le L:\ \Bigl|\frac{\|h^l\|^2}{\|x\|^2} - 1\Bigr| \le \epsilon\Bigr] \ge 1-\delta",
    symbols={**SYMBOLS, r"\epsilon": "half-width of the band", r"\delta": "probability of leaving it"},
    axes=(axes.width(4, 1 << 22), axes.depth(1, 1 << 13, quick=2, default=3, thorough=1024), axes.epsilon(0.1, 0.9), axes.delta()),
    premise=promised(norm_bounds.norm_preservation_width),
    exact=at_least("width", lambda case: first_passage.exact_width(case.epsilon, case.depth, case.delta), "exact first passage"),
    subject=init.he_normal,
    controls={
        "bound as plotted": Control(premise=promised(norm_bounds.width_as_plotted), at={"depth": 2, "epsilon": 0.1, "delta": 0.05}),
        "rate ε'/4": Control(premise=promised(norm_bounds.width_with_linear_rate), at={"depth": 2, "epsilon": 0.2, "delta": 0.05}),
        "Glorot gain": Control(subject=init.glorot, at={"depth": 1, "epsilon": 0.3}),
        "variance 2.1/f": Control(subject=init.gain_2_1, at={"depth": 10, "width": 1200, "epsilon": 0.5, "delta": 0.05},
                                  premise=always("a width at which the claim holds for the right gain"), why="a mean that grows by 5 % a layer"),
    },
    grid=Grid(x="width", y="depth", values={"width": tuple(2**k for k in range(2, 21)), "depth": tuple(2**k for k in range(8))},
              fixed={"epsilon": 0.5, "delta": 0.05}),
    erratum=Erratum(
        published="Norms are preserved once the width exceeds a bound of order L².",
        finding="The width that is needed grows like 5 L z²/ε², linearly in depth: the layerwise union loses a factor of order L, "
        "and at L = 10, ε = 0.1 it asks for width 700,556 where 21,784 suffices.",
        status="vacuous"),
)
def norms_stay_in_a_flat_band(networks, case):
    """One boolean per network, shape (R,): | |hˡ|²/|x|² - 1 | <= eps at every layer, for one input.

    The exact boundary propagates the density of log|hˡ|² through the band, layer by layer.
    """
    return inside(networks, np.full(case.depth, math.log1p(-case.epsilon)), np.full(case.depth, math.log1p(case.epsilon)))


def stay(case):
    """The exact probability of staying in the band."""
    return first_passage.stay_probability(case.epsilon, architecture(case).hidden)


@claim(
    paper, "Theorem 1, its exact counterpart (derived)", id="he-norm-first-passage",
    title="The exact probability of the flat band",
    kind=Probability(equals=stay, margin=0.03),
    statement=r"\Pr\Bigl[\forall l \le L:\ \Bigl|\prod_{i \le l} r_i - 1\Bigr| \le \epsilon\Bigr] = p(\epsilon; n_1, \ldots, n_L),\quad r_i \sim \tfrac{2}{n_i}\chi^2_{K_i}",
    symbols={**SYMBOLS, "p": "first-passage probability of the random walk log r_1 + ... + log r_l"},
    axes=(axes.width(4, 1 << 20, quick=64, thorough=1024), axes.depth(1, 1 << 13, quick=8, thorough=64), profile, axes.epsilon(0.1, 0.9)),
    premise=always("Gaussian weights, no biases, one input: any widths and any depth"),
    subject=init.he_normal,
    controls={
        "last layer only": Control(
            observable=lambda networks, case: (networks.log_norms()[:, -1, 0].expm1().abs() <= case.epsilon),
            at={"width": 32, "depth": 8, "epsilon": 0.5}, why="the band at layer L alone"),
        "Glorot gain": Control(subject=init.glorot, at={"depth": 4}),
        "variance 2.1/f": Control(subject=init.gain_2_1, at={"width": 64, "depth": 8, "epsilon": 0.5}),
        "Haar orthogonal": Control(subject=init.haar, at={"width": 32, "depth": 2, "profile": "constant", "epsilon": 0.3},
                                                 why="orthogonal weights: variance 3/(n+2)"),
    },
    grid=Grid(x="width", y="depth", values={"width": (4, 8, 16, 32, 64, 128, 256), "depth": (1, 2, 4, 8, 16)},
              fixed={"profile": "constant", "epsilon": 0.5}),
)
def the_band_is_kept_with_its_exact_probability(networks, case):
    """One boolean per network, shape (R,): the norm ratio stays within 1 ± eps at every layer; its probability is exact."""
    return norms_stay_in_a_flat_band(networks, case)


def one_width(case):
    """The width of a case whose layers are all equal."""
    return architecture(case).hidden[0]


@claim(
    paper, "Section 3, log-norms (derived)", id="log-drift",
    title="The drift of the log-norm",
    kind=Expectation(
        equals=lambda case: he_norm_law.log_moments(case.width)[0], margin=lambda case: 0.5 / case.width,
        variance=lambda case: he_norm_law.log_moments(case.width)[1]),
    statement=r"\mathrm{E}[\log r_l \mid r_l > 0] = \mathrm{E}\,\psi(K/2) + \log\frac{4}{n} = -\frac{5}{2n}\,(1 + O(1/n))",
    symbols={**SYMBOLS, r"\psi": "digamma function", "K": "Binomial(n, 1/2) given K ≥ 1"},
    axes=(axes.width(2, 1024, quick=64), axes.depth(1, 64)),
    premise=always("Gaussian weights, no biases, equal widths, the layer alive"),
    subject=init.he_normal,
    controls={
        "no drift": Control(kind=Expectation(equals=0, margin=lambda case: 0.5 / case.width,
                                             variance=lambda case: he_norm_law.log_moments(case.width)[1]),
                            at={"width": 16}, why="'the mean is preserved, hence the typical norm'"),
        "drift -5/n": Control(kind=Expectation(equals=lambda case: -5 / case.width, margin=lambda case: 0.5 / case.width,
                                               variance=lambda case: he_norm_law.log_moments(case.width)[1]), at={"width": 16}),
        "drift of a linear net": Control(kind=Expectation(equals=lambda case: -1 / case.width, margin=lambda case: 0.5 / case.width,
                                                          variance=lambda case: he_norm_law.log_moments(case.width)[1]), at={"width": 16}),
        "Haar orthogonal": Control(subject=init.haar, at={"width": 16}, why="drift near -3/(2n)"),
        "variance 2.1/f": Control(subject=init.gain_2_1, at={"width": 32}),
    },
    grid=Grid(x="width", y="depth", values={"width": (2, 4, 8, 16, 32, 64, 128), "depth": (1, 4, 16)}),
)
def log_norms_drift_down(networks, case):
    """Log r_l of layers that stay alive, shape (R, L), i.i.d. with exactly known mean and variance.

    The mean of the norm is preserved and its logarithm is not: the typical norm falls by exp(-5L/(2n)).
    """
    ratios = networks.layer_ratios().cpu().numpy()
    dead = ~(ratios > 0)
    return np.ma.masked_array(np.log(np.where(dead, 1.0, ratios)), mask=dead)


@claim(
    paper, "Section 3, log-norms (derived)", id="log-drift-exponent",
    title="The drift is of order 1/n",
    kind=Scaling(
        axis="width", sizes=(8, 16, 32, 64, 128, 256), exponent=-1, margin=0.35, correction=2.3,
        variance=lambda case: he_norm_law.log_moments(case.width)[1] / case.depth),
    statement=r"-\mathrm{E}[\log r] \sim n^{-1}",
    symbols=SYMBOLS,
    axes=(axes.choice("depth", (64,), label="depth (hidden layers)"),),
    premise=always("Gaussian weights, no biases; correction to the power law at most 2.3/n"),
    subject=init.he_normal,
    controls={
        "exponent -1/2": Control(kind=Scaling(axis="width", sizes=(8, 16, 32, 64, 128, 256), exponent=-0.5, margin=0.35, correction=2.3,
                                              variance=lambda case: he_norm_law.log_moments(case.width)[1] / case.depth)),
        "exponent -3/2": Control(kind=Scaling(axis="width", sizes=(8, 16, 32, 64, 128, 256), exponent=-1.5, margin=0.35, correction=2.3,
                                              variance=lambda case: he_norm_law.log_moments(case.width)[1] / case.depth)),
    },
)
def the_drift_scales_like_one_over_the_width(networks, case):
    """-log|hᴸ|²/L at each width, shape (R,): mean (5/2)/n (1 + O(1/n)) given that no layer is dead; exponent -1."""
    logs = networks.log_norms()[:, -1, 0].cpu().numpy()
    return np.ma.masked_array(-np.where(np.isneginf(logs), 0.0, logs) / case.depth, mask=np.isneginf(logs))


# --- gradients ---------------------------------------------------------------------------------------------------

alignment = axes.choice("alignment", (0.0, 0.01, 0.03, 0.1, 0.3, 1.0), label="cos² between output error and last layer")
ratio = axes.choice("ratio", (1.0, 0.25, 0.5, 2.0, 4.0), label="first over last hidden width")
GRADIENT_SYMBOLS = {
    **SYMBOLS,
    r"\delta^l": "gradient of the loss with respect to the pre-activation of layer l",
    r"\kappa": "⟨hᴸ, δᴸ⟩",
    r"k_l": "active units of layer l",
    r"c^2": "cos² of the angle between hᴸ and δᴸ",
}


@claim(
    paper, "Section 4, Euler's identity (derived)", id="grad-norm-identity",
    title="The signal κ is the same in every layer",
    kind=Identity(),
    statement=r"\langle a^l, \delta^l\rangle = \langle W^l, \partial \ell/\partial W^l\rangle = \kappa\quad\text{for every } l",
    symbols={**GRADIENT_SYMBOLS, r"a^l": "pre-activation of layer l"},
    axes=(axes.width(2, 1024), axes.depth(2, 64), profile, alignment),
    premise=always("positively homogeneous activation, no biases"),
    subject=init.he_normal,
    controls={
        "biases": Control(subject=init.with_biases, at={"width": 16, "alignment": 0.3}),
        "tanh": Control(subject=init.tanh_networks, at={"width": 16, "alignment": 0.3}, why="not homogeneous"),
    },
    grid=Grid(x="width", y="depth", values={"width": (2, 8, 32, 128, 512), "depth": (2, 4, 8, 16, 32)},
              fixed={"profile": "constant", "alignment": 0.3}),
)
def the_signal_is_conserved(networks, case):
    """(κₗ - κₗ₊₁) in units of its rounding bound, shape (R, L-1).

    κₗ₊₁ is computed from aˡ⁺¹ = W h (n_l roundings), κₗ from δˡ = W^T δˡ⁺¹ (n_{l+1} roundings), and both by
    inner products of n_{l+1} and n_l terms: |κₗ - κₗ₊₁| <= 2 (γ(n_l) + γ(n_{l+1})) |δ|^T |W| |h| (Higham, ch. 3).
    """
    found = networks.gradients(case.alignment)
    unit = rounding_unit(str(networks.randomness.dtype).removeprefix("torch."))
    hidden = networks.architecture.hidden
    bound = np.array([2 * (gamma(a + 4, unit) + gamma(b + 4, unit)) for a, b in pairwise(hidden)])
    scale = found.magnitude[:, 1:].cpu().numpy() * bound
    gap = (found.kappa[:, :-1] - found.kappa[:, 1:]).cpu().numpy()
    return np.divide(gap, scale, out=np.zeros_like(gap), where=scale > 0)


def fresh_part(networks, case, *, degrees_lost=1, keep_kappa=True):
    """P(χ²(k_l - lost) <= the part of |δˡ|² that is not along hˡ, in units of (2/n_{l+1}) |δˡ⁺¹|²), (R, L-1)."""
    found = networks.gradients(case.alignment)
    delta, hidden = found.log_delta.cpu().numpy(), found.log_hidden.cpu().numpy()
    kappa, active = found.log_kappa.cpu().numpy()[:, None], found.active.cpu().numpy()
    above = np.array(networks.architecture.hidden[1:])
    dead = (active[:, :-1] <= degrees_lost) | ~np.isfinite(delta[:, 1:]) | ~np.isfinite(delta[:, :-1])
    with np.errstate(invalid="ignore", over="ignore"):
        along = np.exp(kappa - hidden[:, 1:-1] - delta[:, 1:]) if keep_kappa else 0.0
        part = (np.exp(delta[:, :-1] - delta[:, 1:]) - along) * above / 2
    degrees = np.where(dead, 1.0, active[:, :-1] - degrees_lost)
    u = gradient_norm_law.chi_square_cdf(np.where(dead, 1.0, np.maximum(part, 0.0)), degrees)
    return np.ma.masked_array(u, mask=dead)


@claim(
    paper, "Section 4 (derived)", id="grad-norm-exact-law",
    title="The exact law of backpropagated norms",
    kind=UNIFORM,
    statement=r"\|\delta^l\|^2 = \frac{\kappa^2}{\|h^l\|^2} + \frac{2}{n_{l+1}}\,\|\delta^{l+1}\|^2\,\chi^2_{k_l - 1}",
    symbols=GRADIENT_SYMBOLS,
    axes=(axes.width(3, 1024, quick=64), axes.depth(2, 32), profile, alignment),
    premise=always("Gaussian weights, no biases, one input, a loss that depends on the weights through hᴸ only"),
    subject=init.he_normal,
    sampler="direct",
    controls={
        "without κ": Control(observable=lambda networks, case: fresh_part(networks, case, degrees_lost=0, keep_kappa=False),
                             at={"width": 32, "depth": 6, "alignment": 1.0}, why="backward weights independent of the forward pass"),
        "k_l degrees of freedom": Control(observable=lambda networks, case: fresh_part(networks, case, degrees_lost=0),
                                          at={"width": 8, "depth": 6, "alignment": 1.0}, why="chi2_{k_l} with the κ term"),
        "biases": Control(subject=init.with_biases, at={"width": 8, "depth": 6, "alignment": 1.0}),
        "Glorot gain": Control(subject=init.glorot, at={"width": 16}),
    },
    grid=Grid(x="width", y="depth", values={"width": (3, 4, 8, 16, 32, 64), "depth": (2, 4, 8, 16)},
              fixed={"profile": "constant", "alignment": 1.0}),
)
def backpropagated_norms_have_their_exact_law(networks, case):
    """The fresh Gaussian part of |δˡ|² through the chi-square law of k_l - 1 degrees, (R, L-1), i.i.d. U(0, 1).

    Given the forward pass, Wˡ⁺¹ is fixed along hˡ and a fresh Gaussian on the complement; the mask keeps hˡ.
    |∂Wˡ|_F = |δˡ| |hˡ⁻¹| because the gradient of one input has rank one. Layers with one active unit are masked.
    """
    return fresh_part(networks, case)


def first_gradient(networks, case):
    """|∂W¹|²/(|x|² |δᴸ|²) = |δ¹|²/|δᴸ|², shape (R,); networks with a dead layer are masked."""
    found = networks.gradients(case.alignment)
    dead = ((found.active == 0).any(1) | (found.active[:, -1] < 2)).cpu().numpy()
    logs = (found.log_delta[:, 0] - found.log_delta[:, -1]).cpu().numpy()
    return np.ma.masked_array(np.exp(np.where(dead, 0.0, logs)), mask=dead)


def gradient_moments(case):
    """Exact mean and variance of that ratio."""
    return gradient_norm_law.moments(architecture(case).hidden, case.alignment)


def gradient_kind(mean, margin):
    """The claim that the squared gradient ratio has mean `mean(case)`, with its exact variance."""
    return Expectation(equals=mean, margin=margin, variance=lambda case: gradient_moments(case)[1])


@claim(
    paper, "Theorem 2 (as assumed)", id="grad-norm-claim",
    title="Weight gradients have the norm of input times output error",
    kind=gradient_kind(lambda case: 1.0, 0.25),
    statement=r"\mathrm{E}\,\frac{\|\partial \ell/\partial W^1\|^2}{\|x\|^2\,\|\delta^L\|^2} = 1 \quad\text{if } n_1 = \cdots = n_L \text{ and } c^2 \ll 1/L",
    symbols=GRADIENT_SYMBOLS,
    axes=(axes.width(32, 1 << 20, quick=128, thorough=1 << 16), axes.depth(2, 1 << 10, quick=4, default=8, thorough=64), alignment, ratio),
    premise=where(lambda case: case.ratio == 1, "equal hidden widths")
    & where(lambda case: case.alignment * case.depth <= 0.1, "output error nearly orthogonal to the last layer, c² L ≤ 0.1")
    & at_least("width", lambda case: 20 * case.depth, "width at least 20 L"),
    subject=init.he_normal,
    controls={
        "aligned error": Control(premise=always("any error"), at={"width": 128, "depth": 10, "alignment": 1.0, "ratio": 1.0},
                                 why="the hidden premise c² ≪ 1/L dropped: ½|hᴸ|² as loss"),
        "unequal widths": Control(premise=always("any widths"), at={"width": 128, "depth": 4, "alignment": 0.0, "ratio": 4.0},
                                  why="the hidden premise of equal widths dropped"),
        "Glorot gain": Control(subject=init.glorot, at={"depth": 4}),
    },
    grid=Grid(x="alignment", y="ratio", fixed={"width": 128, "depth": 6}),
    erratum=Erratum(
        published="The norm of every weight gradient is near |x| |δᴸ| once the width is large.",
        finding="Needs two further premises: equal hidden widths (else a factor n₁/n_L) and an output error nearly orthogonal to the "
        "last hidden layer (else a factor 1 + (L-1) c²). Auto-encoder-like losses break it at ten layers.",
        control="aligned error"),
)
def weight_gradients_keep_their_norm(networks, case):
    """|∂W¹|_F²/(|x|² |δᴸ|²), shape (R,), for an output error at the given angle to hᴸ. Networks with a dead layer are masked."""
    return first_gradient(networks, case)


@claim(
    paper, "Theorem 2 (as it really is, derived)", id="grad-norm-alignment",
    title="What alignment and unequal widths do to gradients",
    kind=gradient_kind(lambda case: gradient_moments(case)[0], lambda case: 0.15 * gradient_moments(case)[0]),
    statement=r"\mathrm{E}\,\frac{\|\delta^l\|^2}{\|\delta^L\|^2} =: e_l,\quad e_L = 1,\quad e_l = c^2 + \frac{2\,\mathrm{E}[k_l - 1]}{n_{l+1}}\,e_{l+1} \approx \frac{n_l}{n_L} + c^2 \sum_{j=l}^{L-1} \frac{n_l}{n_j}",
    symbols=GRADIENT_SYMBOLS,
    axes=(axes.width(16, 1 << 20, quick=64, thorough=1 << 16), axes.depth(2, 1 << 10, quick=8, default=16, thorough=64), alignment, ratio),
    premise=at_least("width", lambda case: 4 * case.depth, "width at least 4 L, so that layers are alive and second moments small"),
    subject=init.he_normal,
    controls={
        "as assumed": Control(kind=gradient_kind(lambda case: 1.0, 0.15), at={"width": 64, "depth": 8, "alignment": 1.0}),
        "inverted width factor": Control(
            kind=gradient_kind(lambda case: gradient_moments(case)[0] / case.ratio**2, lambda case: 0.15),
            at={"width": 64, "depth": 4, "alignment": 0.0, "ratio": 4.0}, why="n_L/n_1 for n₁/n_L"),
        "Glorot gain": Control(subject=init.glorot, at={"width": 64, "depth": 4, "ratio": 1.0}),
    },
    grid=Grid(x="alignment", y="ratio", fixed={"width": 64, "depth": 6}),
)
def gradients_grow_with_alignment(networks, case):
    """|δ¹|²/|δᴸ|², shape (R,), against its exact mean given that all layers are alive; the variance is exact too."""
    return first_gradient(networks, case)


# --- all inputs at once ------------------------------------------------------------------------------------------

plane = axes.choice("input_dim", (2,), label="input dimension")


def circle(relation, bound):
    """Kind of a bound on the mean of an extreme over the circle, whose variance is at most 2/m."""
    sides = {relation: lambda case: bound(case.input_dim, case.width)}
    return Expectation(
        at_least=sides.get("at_least"), at_most=sides.get("at_most"), margin=0.05,
        variance=lambda case: gordon.deviation_variance(case.width))  # fmt: skip


def missing_two(sign):
    """A wrong oracle: the input's term with √(1/m) where √(2/m) belongs."""
    return lambda d, m: math.sqrt(2 / m) * gordon.mean_positive_norm(m) + sign * math.sqrt(1 / m) * gordon.mean_norm(d)


@claim(
    paper, "Infinitely many inputs, upper end (sharp form, derived)", id="relu-all-inputs",
    title="One layer on all inputs: the largest gain",
    kind=circle("at_most", gordon.supremum_bound),
    statement=r"\mathrm{E}\,\sup_{x \ne 0} \frac{\|\mathrm{relu}(Wx)\|}{\|x\|} \le \sqrt{\tfrac{2}{m}}\,(\mu_+ + \mu_d) \approx 1 + \sqrt{2d/m}",
    symbols={"W": "m × d weights N(0, 2/m)", r"\mu_d": "E|N(0, I_d)|", r"\mu_+": "E|g_+|, g ~ N(0, I_m)"},
    axes=(axes.width(2, 512, quick=64), plane),
    premise=always("Gaussian weights"),
    subject=all_inputs.he_layer,
    controls={
        "√(d/m)": Control(kind=circle("at_most", missing_two(1)), at={"width": 8}, why="the factor 2 missing"),
        "gain 5/3": Control(subject=all_inputs.wide_layer, at={"width": 32}),
    },
    grid=Grid(x="width", y="input_dim", values={"width": (2, 4, 8, 16, 32, 64, 128)}),
)
def the_largest_gain_over_all_inputs(networks, case):
    """Sup over all x of |relu(W x)|/|x|, exact by angular sectors for d = 2, shape (R,). Chevet's inequality."""
    return networks.extremes()[1]


@claim(
    paper, "Infinitely many inputs, lower end (sharp form, derived)", id="relu-all-inputs-lower",
    title="One layer on all inputs: the smallest gain",
    kind=circle("at_least", gordon.infimum_bound),
    statement=r"\mathrm{E}\,\inf_{x \ne 0} \frac{\|\mathrm{relu}(Wx)\|}{\|x\|} \ge \sqrt{\tfrac{2}{m}}\,(\mu_+ - \mu_d) \approx 1 - \sqrt{2d/m}",
    symbols={"W": "m × d weights N(0, 2/m)", r"\mu_d": "E|N(0, I_d)|", r"\mu_+": "E|g_+|, g ~ N(0, I_m)"},
    axes=(axes.width(2, 512, quick=64), plane),
    premise=always("Gaussian weights"),
    subject=all_inputs.he_layer,
    controls={
        "√(d/m)": Control(kind=circle("at_least", missing_two(-1)), at={"width": 8}, why="the factor 2 missing"),
        "half the variance": Control(subject=all_inputs.glorot_layer, at={"width": 32}),
    },
    grid=Grid(x="width", y="input_dim", values={"width": (2, 4, 8, 16, 32, 64, 128)}),
)
def the_smallest_gain_over_all_inputs(networks, case):
    """Inf over all x of |relu(W x)|/|x|, exact by angular sectors for d = 2, shape (R,). Gordon's inequality."""
    return networks.extremes()[0]


def within_deviation(term):
    """One boolean per layer: both extremes within t √(2/m) of √(2/m)(μ_+ ± `term`(d, m))."""

    def observable(networks, case):
        """Whether every input's gain is within the bounds and a deviation, shape (R,)."""
        scale = math.sqrt(2 / case.width)
        middle, spread = scale * gordon.mean_positive_norm(case.width), term(case.input_dim, case.width) + case.deviation * scale
        if case.input_dim == 2:
            smallest, largest = networks.extremes()
        else:
            smallest, largest = networks.search(12, 60, networks.randomness.generator("starts"))
        return (largest <= middle + spread) & (smallest >= middle - spread)

    return observable


within_sharp_bounds = within_deviation(lambda d, m: math.sqrt(2 / m) * gordon.mean_norm(d))


@claim(
    paper, "Infinitely many inputs, with deviation (sharp form, derived)", id="relu-all-inputs-deviation",
    title="One layer on all inputs: gains concentrate",
    kind=Probability(at_least=lambda case: 1 - 2 * gordon.deviation_probability(case.deviation), margin=0.1),
    statement=r"\Pr\Bigl[\forall x:\ \sqrt{\tfrac2m}\,(\mu_+ - \mu_d - t) \le \frac{\|\mathrm{relu}(Wx)\|}{\|x\|} \le \sqrt{\tfrac2m}\,(\mu_+ + \mu_d + t)\Bigr] \ge 1 - 2e^{-t^2/2}",
    symbols={"W": "m × d weights N(0, 2/m)", r"\mu_d": "E|N(0, I_d)|", r"\mu_+": "E|g_+|, g ~ N(0, I_m)", "t": "deviation"},
    axes=(axes.width(2, 512, quick=64), axes.choice("input_dim", (2, 3, 8, 32, 64), label="input dimension"),
          axes.choice("deviation", (2.0, 1.5, 3.0), label="deviation t, in units of √(2/m)")),
    premise=always("Gaussian weights"),
    subject=all_inputs.he_layer,
    controls={
        "√(d/m)": Control(observable=within_deviation(lambda d, m: math.sqrt(1 / m) * gordon.mean_norm(d)),
                          at={"width": 64, "input_dim": 64, "deviation": 1.5}, why="the factor 2 missing"),
        "gain 5/3": Control(subject=all_inputs.wide_layer, at={"width": 64, "input_dim": 64}),
        "half the variance": Control(subject=all_inputs.glorot_layer, at={"width": 256, "input_dim": 8}),
    },
    grid=Grid(x="width", y="input_dim", values={"width": (2, 4, 8, 16, 32, 64, 128, 256)}, fixed={"deviation": 2.0}),
)
def gains_concentrate_for_all_inputs(networks, case):
    """Whether inf and sup over all x of |relu(W x)|/|x| keep to Gordon's and Chevet's bounds and a deviation t, shape (R,).

    Exact for d = 2. Beyond, a local search bounds the supremum from below and the infimum from above, so that a
    refutation is one, and `holds` says only that no input found leaves the bounds: random inputs would find far less.
    """
    return within_sharp_bounds(networks, case)


def wendel_kind(probability):
    """The claim that some input is annihilated with this probability."""
    return Probability(equals=lambda case: probability(case.input_dim, case.width), margin=0.05)


@claim(
    paper, "Infinitely many inputs, the obstruction (Wendel)", id="relu-all-inputs-obstruction",
    title="Below width 2d some input is annihilated",
    kind=wendel_kind(wendel.annihilation_probability),
    statement=r"\Pr[\exists x \ne 0:\ \mathrm{relu}(Wx) = 0] = 2^{1-m} \sum_{k<d} \binom{m-1}{k}",
    symbols={"m": "units", "d": "input dimension"},
    axes=(axes.width(2, 16), axes.choice("input_dim", (2, 3), label="input dimension")),
    premise=always("rows symmetric about 0 and in general position"),
    subject=all_inputs.he_layer,
    controls={
        "binomial of m": Control(kind=wendel_kind(wendel.annihilation_with_wrong_row), at={"width": 6, "input_dim": 3}, why="C(m, k) for C(m-1, k)"),
        "m = 1.5 d for 2 d": Control(subject=all_inputs.thin_layer, at={"width": 6, "input_dim": 3}),
    },
    grid=Grid(x="width", y="input_dim", values={"width": tuple(range(2, 13))}),
)
def some_input_is_annihilated(networks, case):
    """Whether some x ≠ 0 has relu(W x) = 0, shape (R,); exact, by trying every extreme ray. Exactly 1/2 at m = 2d."""
    return networks.annihilates()


# --- weight normalisation ----------------------------------------------------------------------------------------


def last_ratio(networks):
    """Layer ratios, shape (R, L), NaN masked."""
    ratios = networks.layer_ratios().cpu().numpy()
    return np.ma.masked_array(np.nan_to_num(ratios), mask=np.isnan(ratios))


@claim(
    paper, "Weight normalised networks (version 1; Arpit, Campos & Bengio 2019)", id="wn-norm-mean",
    title="Weight normalisation preserves the mean norm at every fan-in",
    kind=Expectation(equals=0, margin=0.1, variance=1),
    statement=r"\mathrm{E}\,r_l = 1,\quad \mathrm{Var}\,r_l = \frac{5 n_{l-1} - 2}{(n_{l-1}+2)\,n_l}\quad\text{for } g = \sqrt{2 n_{l-1}/n_l}",
    symbols={**SYMBOLS, "g": "length of every row"},
    axes=(axes.width(2, 512, quick=64), axes.depth(1, 32), profile),
    premise=always("rows uniform on the sphere"),
    subject=init.weight_normalised,
    controls={
        "g = 1": Control(subject=init.weight_normalised_unit, at={"width": 16}),
        "variance 2.1/f": Control(subject=init.gain_2_1, at={"width": 64, "profile": "constant"}),
        "Glorot gain": Control(subject=init.glorot, at={"width": 16}),
    },
    grid=Grid(x="width", y="depth", values={"width": (2, 4, 8, 16, 32, 64), "depth": (1, 4, 16)}, fixed={"profile": "constant"}),
)
def weight_normalised_ratios_have_mean_one(networks, case):
    """(r_l - 1) over its exact standard deviation, shape (R, L): mean 0, variance 1. The paper's constant K_n is 1.

    The mean is judged, given the variance; the whole law is, in `wn-norm-law`.
    """
    ratios = last_ratio(networks)
    widths = networks.architecture.widths
    deviations = [math.sqrt(weight_norm_law.variance(a, b)) for a, b in pairwise(widths)]
    return (ratios - 1) / np.array(deviations)


@claim(
    paper, "Weight normalised networks (derived)", id="wn-norm-law",
    title="The law of weight-normalised layer ratios",
    kind=Law(margin=0.08),
    statement=r"r \sim \frac{2 n_{in}}{n_{out}} \sum_{i \le K} B_i,\quad B_i \sim \mathrm{Beta}(\tfrac12, \tfrac{n_{in}-1}{2}),\ K \sim \mathrm{Bin}(n_{out}, \tfrac12)",
    symbols=SYMBOLS,
    axes=(axes.width(2, 256, quick=32), profile, axes.depth(1, 4)),
    premise=always("rows uniform on the sphere, one input"),
    subject=init.weight_normalised,
    controls={
        "He normal": Control(subject=init.he_normal, at={"width": 3, "depth": 1}, why="Gaussian rows: variance 5/n"),
        "g = 1": Control(subject=init.weight_normalised_unit, at={"width": 8}),
    },
    grid=Grid(x="width", y="depth", values={"width": (2, 4, 8, 16, 32), "depth": (1, 2, 4)}, fixed={"profile": "constant"}),
)
def weight_normalised_ratios_have_their_law(networks, case):
    """The last layer's ratio beside a draw from its law, shape (R, 2); rows of dead networks are masked."""
    ratios = last_ratio(networks)[:, -1]
    widths = networks.architecture.widths
    reference = weight_norm_law.sample(widths[-2], widths[-1], len(ratios), networks.randomness.numpy("reference"))
    mask = np.ma.getmaskarray(ratios)
    return np.ma.masked_array(np.stack([ratios.data, reference], 1), mask=np.stack([mask, mask], 1))


@claim(
    paper, "Orthogonal weights (derived)", id="wn-norm-law-orthogonal",
    title="The law of layer ratios under orthogonal weights",
    kind=UNIFORM,
    statement=r"r \sim 2\,\mathrm{Beta}\bigl(\tfrac K2, \tfrac{n-K}2\bigr),\quad K \sim \mathrm{Bin}(n, \tfrac12),\quad \mathrm{Var}\,r = \frac{3}{n+2}",
    symbols=SYMBOLS,
    axes=(axes.width(4, 256, quick=32), axes.depth(1, 16)),
    premise=always("Haar-orthogonal square weights times √2"),
    subject=init.haar,
    controls={
        "He normal": Control(subject=init.he_normal, at={"width": 16}, why="variance 5/n"),
        "weight normalised": Control(subject=init.weight_normalised, at={"width": 8}),
    },
    grid=Grid(x="width", y="depth", values={"width": (4, 8, 16, 32, 64), "depth": (1, 4, 8)}),
)
def orthogonal_ratios_have_their_law(networks, case):
    """Layer ratios through their distribution function given 0 < K < n, shape (R, L); other layers are masked.

    With all units active the layer is an isometry times √2, with none it is dead: both ratios are exact and not tested.
    """
    found = networks.gradients(0.0)
    active = found.active.cpu().numpy()
    masked = (active == 0) | (active == case.width) | (np.cumsum(active == 0, axis=1) > 0)
    logs = found.log_hidden.cpu().numpy()
    with np.errstate(invalid="ignore"):
        ratios = np.where(masked, 1.0, np.exp(logs[:, 1:] - logs[:, :-1]))
    return np.ma.masked_array(weight_norm_law.orthogonal_cdf(ratios, case.width), mask=masked)
