"""Bayati & Montanari (2011), The dynamics of message passing on dense graphs: the conditioning lemma, as samplers.

A Gaussian matrix W given linear observations W Q = A and Wᵀ P = B is a fixed matrix plus an independent copy of W
projected off Q and P. The lemma lets the suite's samplers answer without drawing weights; each of them is held here
against networks that draw every weight, and each is refuted once a term of the lemma is missing.
"""

from dataclasses import replace

import numpy as np
import torch

from regimes import axes
from regimes.claim import Control, Grid, Paper, always, claim, where
from regimes.decide.identity import gamma, rounding_unit
from regimes.kinds import Identity, Law
from regimes.subjects import gram_networks, lazy_training, revealed_layers, wrong_samplers
from regimes.subjects import initialisers as init
from regimes.subjects.architecture import PROFILES, architecture
from regimes.subjects.gradient_chain import GradientChain
from regimes.subjects.lazy_gaussian import DenseGaussian, LazyGaussian
from regimes.subjects.orthonormal import standard_normal, stream
from regimes.subjects.subject import Subject, weights_of_case
from regimes.theory import gradient_norm_law

paper = Paper(
    key="bayati2011conditioning",
    title="The dynamics of message passing on dense graphs, with applications to compressed sensing",
    authors=("Mohsen Bayati", "Andrea Montanari"),
    year=2011,
    venue="IEEE Transactions on Information Theory 57(2)",
    arxiv="1001.3448",
    doi="10.1109/TIT.2010.2094817",
)

SAME_LAW = Law(margin=0.1)
FLOOR = -60.0  # logarithms of what is zero in exact arithmetic: weights leave rounding errors of 1e-32 there, samplers 0
SYMBOLS = {"W": "matrix of independent N(0, σ²) entries", "Q": "orthonormal directions asked from the right, A = W Q",
           "P": "orthonormal directions asked from the left, B = Wᵀ P", r"\tilde W": "an independent copy of W"}


def beside(networks, case, reference, statistic):
    """The subject's statistic and that of networks with weights and streams of their own, shape (R, 2)."""
    apart = replace(networks.randomness, key=networks.randomness.key + "|with weights", dtype=torch.float64)
    columns = [statistic(one) for one in (networks, reference(case, networks.replicates, apart))]
    values, masks = zip(*(column if isinstance(column, tuple) else (column, None) for column in columns), strict=True)
    data = np.stack([np.nan_to_num(v.cpu().numpy(), neginf=FLOOR).clip(FLOOR).round(9) for v in values], 1)
    mask = np.stack([np.zeros(len(data), bool) if m is None else m.cpu().numpy() for m in masks], 1)
    return np.ma.masked_array(data, mask=mask)


def with_reference(subject):
    """The subject with the footprint of the weights that it is compared with."""
    return replace(subject, footprint=weights_of_case)


class Queries:
    """A matrix under questions that depend on the answers to earlier ones."""

    def __init__(self, matrix, case, replicates, randomness):
        self.replicates, self.randomness, self.sampler = replicates, randomness, "direct" if matrix is DenseGaussian else "lazy"
        shape = (int(case.rows), int(case.columns), float(case.columns) ** -0.5)
        self.matrix = matrix(*shape, stream(randomness, "matrix"), replicates)
        # The questions must not depend on the answers' randomness in another way than through the answers.
        start = standard_normal((replicates, int(case.columns), 3), stream(randomness, "start"))
        self.start = start / start.norm(dim=1, keepdim=True)

    def ask(self):
        """Right and left queries with their answers, in order; one right query is nearly collinear with an earlier one."""
        w, right, left = self.matrix, [], []

        def matvec(x):
            right.append((x, w.matvec(x)))
            return right[-1][1]

        def rmatvec(y):
            left.append((y, w.rmatvec(y)))
            return left[-1][1]

        x, other = self.start[:, :, :2], self.start[:, :, 2:]
        y = matvec(x)
        z = rmatvec(torch.tanh(y))
        z = z / z.norm(dim=1, keepdim=True)
        matvec(z)
        near = matvec(x + 1e-8 * other)
        back = rmatvec(torch.relu(near) + y)
        matvec(torch.cat([back, other], 2))
        return right, left


def queries(matrix):
    """A subject of `Queries`."""
    return Subject(matrix.__name__, lambda case, replicates, randomness: Queries(matrix, case, replicates, randomness),
                   footprint=lambda case: 64.0 * (float(case["rows"]) + float(case["columns"])) + 4 * float(case["rows"]) * float(case["columns"]))


SHAPE = (axes.sizes("rows", 3, 4096, quick=32, default=256, label="rows"), axes.sizes("columns", 3, 4096, quick=32, default=256, label="columns"))


@claim(
    paper, "Conditioning lemma, consistency", id="one-matrix-gives-all-answers",
    title="One matrix gives every answer",
    kind=Identity(tolerance=1.0),
    statement=r"W = A Q^\top + P B^\top (I - Q Q^\top) + (I - P P^\top)\,\tilde W\,(I - Q Q^\top)\ \text{has}\ W x_i = \text{answer}_i,\ W^\top y_j = \text{answer}_j",
    symbols=SYMBOLS,
    axes=SHAPE,
    premise=always("any shape, any adaptive sequence of queries"),
    subject=queries(LazyGaussian),
    controls={
        "fixed part left out": Control(subject=queries(wrong_samplers.FreshLazy)),
        "fresh part not projected": Control(subject=queries(wrong_samplers.UnprojectedLazy)),
        "no re-orthogonalisation": Control(subject=queries(wrong_samplers.OnePassLazy), at={"rows": 32, "columns": 32}),
    },
    grid=Grid(x="rows", y="columns", values={"rows": (3, 8, 32, 128), "columns": (3, 8, 32, 128)}),
)
def one_matrix_gives_every_answer(networks, case):
    """Largest |W x - answer| over all queries in units of its rounding bound, shape (R,).

    An answer and W are made by at most 8 products with the K <= 10 directions of either side, in sums of at most
    rows + columns terms: |error| <= 8 K γ(rows + columns) |W| |x| with the Frobenius norm of W.
    """
    right, left = networks.ask()
    w = networks.matrix.materialise()
    unit = 8 * 10 * gamma(case.rows + case.columns, rounding_unit("float64")) * w.flatten(1).norm(dim=1)
    off = [((w @ x - y).norm(dim=1) / x.norm(dim=1)).amax(1) for x, y in right]
    off += [((w.mT @ y - x).norm(dim=1) / y.norm(dim=1)).amax(1) for y, x in left]
    return torch.stack(off, 1).amax(1) / unit


def last_answer(networks):
    """Log of the last answer's squared norm."""
    return networks.ask()[0][-1][1][:, :, 0].square().sum(1).log()


def second_answer(networks):
    """Log of the squared norm of W z, z an answer from the left."""
    return networks.ask()[0][1][1][:, :, 0].square().sum(1).log()


def middle_answer(networks):
    """The first start vector against what two products make of it."""
    right, left = networks.ask()
    return (right[0][0] * left[1][1])[:, :, 0].sum(1)


ANSWERS = {"last": last_answer, "second": second_answer, "middle": middle_answer}


@claim(
    paper, "Conditioning lemma", id="adaptive-queries-law",
    title="Answers to adaptive queries have the law of a matrix that was drawn",
    kind=SAME_LAW,
    statement=r"W \mid (W Q = A,\ W^\top P = B)\ \overset{d}{=}\ A Q^\top + P B^\top (I - Q Q^\top) + (I - P P^\top)\,\tilde W\,(I - Q Q^\top)",
    symbols=SYMBOLS,
    axes=(axes.sizes("rows", 3, 256, quick=24, default=64, label="rows"), axes.sizes("columns", 3, 256, quick=24, default=64, label="columns"),
          axes.choice("answer", tuple(ANSWERS), label="answer")),
    premise=always("Gaussian matrices of any shape; queries may depend on earlier answers"),
    subject=queries(LazyGaussian),
    controls={
        "fixed part left out": Control(subject=queries(wrong_samplers.FreshLazy), at={"rows": 6, "columns": 6, "answer": "last"}),
        "fresh part not projected": Control(subject=queries(wrong_samplers.UnprojectedLazy), at={"rows": 6, "columns": 6, "answer": "second"}),
    },
    grid=Grid(x="rows", y="columns", values={"rows": (3, 6, 24), "columns": (3, 6, 24)}, fixed={"answer": "last"}),
)
def adaptive_answers_have_the_law_of_a_drawn_matrix(networks, case):
    """An answer to adaptive queries, of the lazy matrix and of one drawn, shape (R, 2)."""
    return beside(networks, case, queries(DenseGaussian), ANSWERS[case.answer])


SLOPES = {"relu": 0.0, "leaky": 0.2}
ONE_INPUT = {
    "first gradient": lambda g: g.log_delta[:, 0] + g.log_hidden[:, 0],
    "middle gradient": lambda g: g.log_delta[:, g.log_delta.shape[1] // 2] + g.log_hidden[:, g.log_delta.shape[1] // 2],
    "gradient against signal": lambda g: g.log_delta[:, 0] - g.log_hidden[:, -1],
    "last norm": lambda g: g.log_hidden[:, -1],
}


def chains(kind):
    """A subject of one-input chains, right or wrong."""
    build = wrong_samplers.chain(kind, lambda case: SLOPES[str(case.activation)], lambda case: architecture(case).widths)
    return Subject(kind.__name__, build, footprint=weights_of_case)


@claim(
    paper, "Conditioning lemma on one input (derived)", id="one-input-chain-law",
    title="Gradients of one input from a few scalars per layer",
    kind=SAME_LAW,
    statement=r"\|\delta^l\|^2 \overset{d}{=} \frac{\langle h^L, \delta^L\rangle^2}{\|h^l\|^2} + \frac{2}{n_{l+1}} \|\delta^{l+1}\|^2\, \chi^2_{k_l - 1}\quad\text{jointly over layers, and its form for leaky ReLU}",
    symbols={r"\delta^l": "error backpropagated to layer l", "k_l": "active units of layer l"},
    axes=(axes.width(2, 256, quick=16, default=64), axes.depth(1, 64, quick=6, default=16), axes.choice("profile", PROFILES, label="hidden widths along the depth"),
          axes.choice("activation", tuple(SLOPES)), axes.choice("alignment", (0.1, 0.0, 0.5, 1.0), label="squared cosine of the output error"),
          axes.choice("statistic", tuple(ONE_INPUT))),
    premise=always("He initialisation, any widths; two active units in the last layer, else no error at an angle exists"),
    subject=chains(GradientChain),
    controls={
        "fixed part left out": Control(subject=chains(wrong_samplers.UnalignedChain), why="gradient independence",
                                       at={"width": 8, "depth": 4, "alignment": 0.5, "statistic": "first gradient"}),
        "k degrees of freedom": Control(subject=chains(wrong_samplers.FullDegreesChain),
                                        at={"width": 6, "depth": 4, "alignment": 0.1, "statistic": "first gradient", "activation": "relu", "profile": "constant"}),
        "n/2 active units on the way back": Control(subject=chains(wrong_samplers.MeanDegreesChain), why="forward and backward pass uncoupled",
                                                    at={"width": 4, "depth": 4, "alignment": 0.0, "statistic": "first gradient", "activation": "relu", "profile": "constant"}),
    },
    grid=Grid(x="width", y="depth", values={"width": (2, 4, 16), "depth": (1, 4, 8)},
              fixed={"profile": "constant", "activation": "relu", "alignment": 0.1, "statistic": "first gradient"}),
)
def one_inputs_norms_need_no_weights(networks, case):
    """A norm of the backward pass, of the chain and of networks with weights, shape (R, 2)."""

    def statistic(one):
        found = one.gradients(case.alignment)
        lone = (found.active[:, -1] == 1) if case.activation == "relu" else torch.zeros(len(found.active), dtype=torch.bool)
        return ONE_INPUT[case.statistic](found), lone

    return beside(networks, case, init.he_normal if case.activation == "relu" else init.leaky_networks, statistic)


SEVERAL = {
    "first gradient": lambda g: g.log_weight_gradients[:, 0, 0],
    "batch gradient": lambda g: g.log_batch[:, 0],
    "last norm": lambda g: g.log_hidden[:, -1, -1],
    "one's gradient with another's norm": lambda g: g.log_delta[:, 0, 0] + g.log_hidden[:, -1, -1],
}
law, direct = with_reference(gram_networks.law_networks), gram_networks.direct_networks


def with_layer(layer):
    """The networks in law with a wrong layer."""
    return with_reference(gram_networks.gram_networks(layer.__name__, layer.__doc__ or "", layer))


@claim(
    paper, "Conditioning lemma on N inputs (derived)", id="gram-networks-law",
    title="N inputs forward and backward without weights",
    kind=SAME_LAW,
    statement=r"W^\top \Delta \mid (W H = Z)\ \overset{d}{=}\ H (H^\top H)^{+} Z^\top \Delta + \sigma\,(I - H H^{+})\,\Xi\,(\Delta^\top \Delta)^{1/2}",
    symbols={"H": "activations of N inputs, n × N", r"\Delta": "their errors one layer up", r"\Xi": "standard normal"},
    axes=(axes.width(4, 128, quick=12, default=32), axes.depth(1, 32, quick=4, default=8), axes.choice("inputs", (2, 1, 4), label="inputs"),
          axes.choice("cosine", (0.5, 0.0, 1.0), label="cosine of every two inputs"), axes.choice("activation", tuple(gram_networks.ACTIVATIONS)),
          axes.choice("normalisation", tuple(gram_networks.NORMALISATIONS)), axes.choice("residual", (0.0, 0.5), label="scale of residual branches"),
          axes.choice("statistic", tuple(SEVERAL))),
    premise=where(lambda case: case.normalisation != "batch" or (case.inputs > 1 and case.cosine < 1),
                  "BatchNorm needs a batch that varies: of equal inputs it makes rounding errors"),
    subject=law,
    controls={
        "fixed part left out": Control(subject=with_layer(revealed_layers.UnfixedLayer), at={"width": 6, "depth": 3, "activation": "linear", "normalisation": "none", "residual": 0.0, "statistic": "first gradient"}),
        "fresh part not projected": Control(subject=with_layer(revealed_layers.UnprojectedLayer), at={"width": 6, "depth": 3, "inputs": 4, "cosine": 0.0, "activation": "linear", "normalisation": "none", "residual": 0.0, "statistic": "first gradient"}),
        "fresh weights on the way back": Control(subject=with_layer(revealed_layers.IndependentLayer), why="gradient independence",
                                                 at={"width": 6, "depth": 4, "inputs": 1, "activation": "relu", "normalisation": "none", "residual": 0.0, "statistic": "one's gradient with another's norm"}),
        "positive parts for pre-activations": Control(subject=with_layer(revealed_layers.RectifiedLayer), why="inputs whose errors meet other inputs",
                                                      at={"width": 12, "depth": 4, "inputs": 2, "activation": "leaky", "normalisation": "none", "residual": 0.0, "statistic": "batch gradient"}),
        "jitter on the Gram matrix": Control(subject=with_layer(revealed_layers.JitteredLayer), why="inputs that died come alive",
                                             at={"width": 4, "depth": 4, "inputs": 2, "activation": "relu", "normalisation": "none", "residual": 0.0, "statistic": "last norm"}),
    },
    grid=Grid(x="width", y="depth", values={"width": (4, 8, 16), "depth": (1, 2, 4, 8)},
              fixed={"inputs": 2, "cosine": 0.5, "activation": "relu", "normalisation": "none", "residual": 0.0, "statistic": "first gradient"}),
)
def several_inputs_need_no_weights(networks, case):
    """A norm of the backward pass of N inputs, in law and with weights, shape (R, 2)."""

    def statistic(one):
        found = one.gradients(0.3)
        lone = (found.active[:, -1] == 1).any(1)
        # Only ReLU's error must lie in the active units, and so needs two of them.
        return SEVERAL[case.statistic](found), lone & (case.activation == "relu" and not case.residual)

    return beside(networks, case, direct, statistic)


@claim(
    paper, "Conditioning lemma, degrees of freedom (derived)", id="fresh-part-degrees",
    title="The fresh part of the backward pass has k - 1 degrees of freedom",
    kind=Law(cdf=lambda case: lambda u: np.clip(u, 0, 1), margin=0.06),
    statement=r"\frac{n_l}{2}\,\frac{\|\delta^l\|^2 - \langle h^L, \delta^L\rangle^2 / \|h^l\|^2}{\|\delta^{l+1}\|^2} \sim \chi^2_{k_l - 1}\quad\text{given}\ k_l,\ \text{for each of N inputs}",
    symbols={r"\delta^l": "error of one input", "k_l": "its active units in layer l"},
    axes=(axes.width(4, 512, quick=24, default=128), axes.depth(2, 32, quick=5, default=8), axes.choice("inputs", (1, 2, 4), label="inputs")),
    premise=always("ReLU, weights N(0, 2/fan-in), any width"),
    subject=gram_networks.law_networks,
    controls={
        "fixed part left out": Control(subject=with_layer(revealed_layers.UnfixedLayer), at={"width": 8, "inputs": 1}),
        "fresh part not projected": Control(subject=with_layer(revealed_layers.UnprojectedLayer), at={"width": 8, "inputs": 4}),
        "fresh weights on the way back": Control(subject=with_layer(revealed_layers.IndependentLayer), at={"width": 8, "inputs": 1}),
        "k degrees of freedom": Control(observable=lambda networks, case: fresh_part(networks, case, 0), at={"width": 8}),
    },
    grid=Grid(x="width", y="depth", values={"width": (4, 16, 64), "depth": (2, 4, 8)}, fixed={"inputs": 2}),
)
def the_fresh_part_has_one_degree_less(networks, case):
    """The fresh part through its distribution function, of the first input at layer 1, shape (R,)."""
    return fresh_part(networks, case, 1)


def fresh_part(networks, case, less):
    """Uniform if the fresh part has k - less degrees of freedom; masked where there are none."""
    alignment = 0.3
    found = networks.gradients(alignment)
    log_kappa = found.log_hidden[:, -1, 0] + np.log(alignment)
    along = (log_kappa - found.log_hidden[:, 1, 0] - found.log_delta[:, 1, 0]).exp()
    fresh = ((found.log_delta[:, 0, 0] - found.log_delta[:, 1, 0]).exp() - along).clamp_min(0) * case.width / 2
    k = found.active[:, 0, 0].cpu().numpy()
    # A last layer of one active unit has no error at this angle.
    gone = (k < 2) | found.log_delta[:, 0, 0].isinf().cpu().numpy() | (found.active[:, -1, 0].cpu().numpy() < 2)
    uniform = gradient_norm_law.chi_square_cdf(np.where(gone, 1.0, fresh.cpu().numpy()), np.maximum(k - less, 1))
    return np.ma.masked_array(uniform, mask=gone)


def trained(matrix):
    """A subject of training with another matrix."""
    return with_reference(lazy_training.training(matrix.__name__, matrix.__doc__ or "", matrix))


@claim(
    paper, "Conditioning lemma along gradient descent (derived)", id="lazy-training-law",
    title="Gradient descent without the hidden matrices",
    kind=SAME_LAW,
    statement=r"\mathcal{L}(\theta_T)\ \text{of full-batch gradient descent from}\ W_0 \sim \mathcal{N}(0, \sigma^2)\ \text{needs}\ 2 N T + N\ \text{products with}\ W_0\ \text{alone}",
    symbols={"T": "steps", "N": "inputs", r"\mathcal{L}": "squared loss"},
    axes=(axes.width(2, 128, quick=12, default=32), axes.choice("depth", (2, 3), label="hidden layers"), axes.choice("inputs", (2, 3), label="inputs"),
          axes.choice("steps", (1, 2, 4), label="steps"), axes.choice("activation", ("relu", "tanh")), axes.choice("input_dim", (3,), label="input dimension"),
          axes.choice("rate", (0.1,), label="learning rate")),
    premise=always("any width: the updates have rank N and are known"),
    subject=with_reference(lazy_training.lazy_training),
    controls={
        "fixed part left out": Control(subject=trained(wrong_samplers.FreshLazy), at={"width": 8, "steps": 4}),
        "fresh part not projected": Control(subject=trained(wrong_samplers.UnprojectedLazy), at={"width": 2, "steps": 4, "inputs": 3, "depth": 3}),
        "no updates": Control(subject=trained(wrong_samplers.StillLazy), at={"width": 8, "steps": 4, "depth": 3}),
    },
    grid=Grid(x="width", y="steps", values={"width": (2, 4, 8, 16)}, fixed={"depth": 2, "inputs": 2, "activation": "relu", "input_dim": 3, "rate": 0.1}),
)
def lazy_losses_have_the_law_of_training(networks, case):
    """Log loss after T steps, lazily and with all weights, shape (R, 2); a loss that overflows counts as e^700."""
    return beside(networks, case, lazy_training.dense_training, lambda one: one.losses()[:, -1].nan_to_num(nan=1e304, posinf=1e304).log())
