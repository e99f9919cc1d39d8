"""Brownlowe, Cornwell, Montes, Quijano, Stulman & Zhang (2024), Stably unactivated neurons in ReLU neural networks.

With weights and biases that are symmetric about 0, the probability that a unit of the second hidden layer is off for every
input depends on the widths alone while the first layer has at most n0 + 1 units.
"""

import numpy as np

from regimes import axes
from regimes.claim import Control, Grid, Paper, claim, where
from regimes.kinds import Probability
from regimes.subjects import region_networks as nets
from regimes.theory import stably_unactivated

paper = Paper(
    key="brownlowe2024stably",
    title="Stably unactivated neurons in ReLU neural networks",
    authors=("Natalie Brownlowe", "Christopher R. Cornwell", "Ethan Montes", "Gabriel Quijano", "Grace Stulman", "Na Zhang"),
    year=2024,
    arxiv="2412.06829",
)


@claim(
    paper, "Theorem 1.1", id="stably-unactivated",
    title="How often a unit of the second layer is off everywhere",
    kind=Probability(equals=lambda case: probability(case), margin=lambda case: 0.15 * probability(case)),
    statement=r"\Pr[z \le 0 \text{ on } \mathbb{R}^{n_0}] = \begin{cases} 2^{-(n_1+1)} & n_1 \le n_0 \\ (2^{n_0}+1)/4^{n_0+1} & n_1 = n_0 + 1 \end{cases}",
    symbols={"z": "pre-activation of a unit of the second hidden layer", r"n_0": "inputs", r"n_1": "units of the first hidden layer"},
    axes=(axes.choice("input_dim", (1, 2, 3, 4), label="inputs n₀"), axes.width(1, 8, quick=8), axes.choice("depth", (2,)),
          axes.choice("law", tuple(nets.LAWS), label="law of weights and biases")),
    premise=where(lambda case: case.width <= case.input_dim + 1 and independent(case), "independent symmetric weights and biases, n₁ at most n₀ + 1"),
    subject=nets.symmetric,
    controls={
        "exponent n₁": Control(kind=Probability(equals=lambda case: 2.0**-case.width, margin=lambda case: 0.15 * 2.0**-case.width),
                               at={"width": 2, "input_dim": 2}, why="the unit's own bias forgotten"),
        "one-sided biases": Control(subject=nets.one_sided_biases, at={"width": 1, "input_dim": 1}),
        "2^-(n₁+1) for n₁ = n₀ + 1": Control(kind=Probability(equals=lambda case: 2.0 ** -(case.width + 1), margin=lambda case: 0.15 * 2.0 ** -(case.width + 1)),
                                              at={"width": 2, "input_dim": 1}, why="the first formula beyond its range"),
    },
    grid=Grid(x="width", y="input_dim", values={"width": (1, 2, 3, 4, 5, 6), "input_dim": (1, 2, 3, 4)}, fixed={"law": "He, N(0, 1) biases", "depth": 2}),
    measures="probability",
    curves={"2^-(n₁+1)": lambda case: 2.0 ** -(case.width + 1), "(2^n₀+1)/4^(n₀+1)": lambda case: (2.0**case.input_dim + 1) / 4.0 ** (case.input_dim + 1)},
)
def a_second_layer_unit_is_off_everywhere(networks, case):
    """Whether the first unit of layer 2 is off for every input, shape (R,): decided at the arrangement's vertices and rays."""
    network = networks.piecewise_linear()
    first, second = (weight.numpy() for weight in network.weights)
    bias, constant = (b.numpy() for b in network.biases)
    return np.asarray(stably_unactivated.is_unactivated(first, bias, second[:, 0], constant[:, 0]))


def probability(case):
    """The theorem's probability; beyond n0 + 1 units, where there is none, its last value."""
    return stably_unactivated.unactivated_probability(case.input_dim, min(case.width, case.input_dim + 1))


def independent(case):
    """Whether the law's entries are independent, as the theorem asks; orthogonal weights are not."""
    return "orthogonal" not in case.law
