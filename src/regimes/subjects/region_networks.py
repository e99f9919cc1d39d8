"""Random piecewise linear networks with biases: what claims about linear regions are tested on.

The laws in `LAWS` are unchanged by the sign of any row (W_l[i], b_l[i]) and of any column of W_(l+1), and have densities:
all that the exact expectation of `regimes.theory.region_expectation` needs, whatever the scale.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from regimes.case import Case
from regimes.randomness import Randomness, Stream
from regimes.regions.network import PiecewiseLinear
from regimes.subjects.activations import leaky, relu
from regimes.subjects.architecture import Architecture, architecture
from regimes.subjects.dense_networks import DenseNetworks
from regimes.subjects.independent_weights import Draw, biases, normal, scaled, uniform
from regimes.subjects.initialisers import haar_orthogonal
from regimes.subjects.region_counts import CountsRegions
from regimes.subjects.subject import Subject
from regimes.theory import region_constructions

he_fan_in = scaled(normal, lambda rows, columns: math.sqrt(2 / columns))
linear_default = scaled(uniform, lambda rows, columns: 1 / math.sqrt(columns))


def positive_weights(layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> Tensor:
    """|N(0, 2/fan_in)|: no sign symmetry."""
    return he_fan_in(layer, replicates, rows, columns, randomness).abs_()


def uncorrected_orthogonal(layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> Tensor:
    """sqrt(2) times the Q of a Gaussian's QR as LAPACK returns it: orthogonal, but not Haar distributed."""
    w = scaled(normal, lambda rows, columns: 1.0)(layer, replicates, max(rows, columns), min(rows, columns), randomness)
    q = torch.linalg.qr(w)[0]
    return math.sqrt(2) * (q if rows >= columns else q.transpose(1, 2))


def cauchy(out: Tensor, stream: Stream) -> Tensor:
    """Fills `out` with Cauchy variables, without a mean."""
    return out.cauchy_(generator=stream.generator)


def half_normal(out: Tensor, stream: Stream) -> Tensor:
    """Fills `out` with |N(0, 1)|: one-sided."""
    return normal(out, stream).abs_()


standard_biases = biases(normal, lambda columns: 1.0)
LAWS: dict[str, tuple[Draw, Draw]] = {
    "He, N(0, 1) biases": (he_fan_in, standard_biases),
    "nn.Linear default": (linear_default, biases(uniform, lambda columns: 1 / math.sqrt(columns))),
    "Haar orthogonal, N(0, 1) biases": (haar_orthogonal, standard_biases),
    "gain 10, small Cauchy biases": (
        scaled(normal, lambda rows, columns: 10 / math.sqrt(columns)),
        biases(cauchy, lambda columns: 0.01),
    ),
}


def _shape(case: Case) -> Architecture:
    """The architecture of a case, of one input where the case does not say."""
    return architecture(case if "input_dim" in case else Case({**case, "input_dim": 1}))


def networks(
    name: str,
    draw: Draw,
    bias: Draw | None = standard_biases,
    description: str = "",
    activation: Callable[[Tensor], Tensor] = relu,
) -> Subject:
    """A subject of networks whose weights and biases are drawn by `draw` and `bias`; input dimension 1 by default."""

    def build(case: Case, replicates: int, randomness: Randomness) -> DenseNetworks:
        return DenseNetworks(_shape(case), replicates, randomness, draw, activation=activation, homogeneous=False, biases=bias)

    return Subject(name, build, description, footprint=footprint)


def footprint(case: Case) -> float:
    """Floats that the line counter holds for one network: units times breakpoints."""
    shape = _shape(case)
    return 4.0 * max(shape.hidden) * (2 + sum(shape.hidden)) + shape.weights


class GivenNetworks(CountsRegions):
    """R networks with given weights.

    Arguments:
        network: the batch.
        randomness: keyed streams, for random lines and planes.
    """

    sampler = "explicit"

    def __init__(self, network: PiecewiseLinear, randomness: Randomness) -> None:
        self.network, self.randomness, self.replicates = network, randomness, network.replicates

    def piecewise_linear(self) -> PiecewiseLinear:
        """The batch itself."""
        return self.network


def near_zigzag(case: Case, replicates: int, randomness: Randomness) -> GivenNetworks:
    """Serra's weights of the maximum on a line, every entry off by a relative N(0, noise^2): adversarial weights."""
    shape = architecture(Case({**case, "input_dim": 1}))
    # Two units make no zigzag; the folding construction is what is nearest to one.
    make = region_constructions.serra if min(shape.hidden) >= 3 else region_constructions.montufar
    generator = randomness.numpy("noise")

    def off(entries: np.ndarray) -> Tensor:
        factors = 1 + float(case["noise"]) * generator.standard_normal((replicates, *entries.shape))
        return torch.from_numpy(entries.astype(float) * factors)

    layers = [(off(weight), off(bias)) for weight, bias in make(1, shape.hidden)]
    weights, biases = zip(*layers, strict=True)
    return GivenNetworks(PiecewiseLinear(weights, biases), randomness)


def _lawful(case: Case, replicates: int, randomness: Randomness) -> DenseNetworks:
    draw, bias = LAWS[str(case["law"])]
    return networks(str(case["law"]), draw, bias)(case, replicates, randomness)


def biased(scale: float) -> Draw:
    """Biases N(0, scale^2)."""
    return biases(normal, lambda columns: scale)


def _he_of_case(case: Case, replicates: int, randomness: Randomness) -> DenseNetworks:
    return networks("He", he_fan_in, biased(float(case["bias_std"])))(case, replicates, randomness)


def _adversarial(case: Case, replicates: int, randomness: Randomness) -> DenseNetworks | GivenNetworks:
    if case["law"] == ZIGZAG:
        return near_zigzag(case, replicates, randomness)
    return _lawful(case, replicates, randomness)


ZIGZAG = "zigzag and noise"
adversarial = Subject(
    "random and adversarial weights", _adversarial, "the law on the axis `law`, or weights near the maximum", footprint
)
symmetric = Subject("sign-symmetric laws", _lawful, "the law on the case's axis `law`", footprint)
he_with_biases = Subject("He, N(0, s²) biases", _he_of_case, "N(0, 2/fan_in), biases of the case's `bias_std`", footprint)
leaky_symmetric = networks("leaky ReLU 0.2, He", he_fan_in, description="slope 0.2", activation=leaky)
relu_he = networks("ReLU, He", he_fan_in, description="ReLU in place of leaky ReLU")
one_sided_biases = networks("one-sided biases", he_fan_in, biases(half_normal, lambda columns: 1.0), "biases |N(0, 1)|")
only_positive_weights = networks("positive weights", positive_weights, description="weights |N(0, 2/fan_in)|")
naive_orthogonal = networks(
    "orthogonal without sign correction", uncorrected_orthogonal, description="Q of QR, its signs as LAPACK leaves them"
)
without_biases = networks("zero biases", he_fan_in, None, "all zero sets pass through the origin")
