"""Initialisers as subjects: He's, its variants, and ones that are wrong on purpose."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.activations import leaky, leaky_derivative, relu, tanh_derivative
from regimes.subjects.architecture import architecture
from regimes.subjects.column_networks import by_columns
from regimes.subjects.dense_networks import DenseNetworks
from regimes.subjects.in_law import gaussian_samplers
from regimes.subjects.independent_weights import (
    Draw,
    Standard,
    biases,
    centred_exponential,
    normal,
    rademacher,
    scaled,
    truncated,
    uniform,
)
from regimes.subjects.subject import InLaw, Subject


def sphere_rows(layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> Tensor:
    """Rows uniform on the sphere times sqrt(2 columns/rows): weight normalisation, forward gain."""
    w = scaled(normal, lambda rows, columns: 1.0)(layer, replicates, rows, columns, randomness)
    return w.mul_(math.sqrt(2 * columns / rows) / w.norm(dim=2, keepdim=True))


def sphere_rows_unit_gain(layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> Tensor:
    """Rows uniform on the unit sphere: weight normalisation with g = 1."""
    w = scaled(normal, lambda rows, columns: 1.0)(layer, replicates, rows, columns, randomness)
    return w.div_(w.norm(dim=2, keepdim=True))


def haar_orthogonal(layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> Tensor:
    """sqrt(2) times a Haar-distributed orthogonal matrix: QR of a Gaussian with the signs of R's diagonal put right."""
    w = scaled(normal, lambda rows, columns: 1.0)(layer, replicates, max(rows, columns), min(rows, columns), randomness)
    q, r = torch.linalg.qr(w)
    q = q * r.diagonal(dim1=1, dim2=2).sign()[:, None, :]
    return math.sqrt(2) * (q if rows >= columns else q.transpose(1, 2))


def dense(name: str, draw: Draw, description: str = "", **more: Any) -> Subject:
    """A subject of dense networks whose weights are drawn by `draw`; further arguments as of `DenseNetworks`.

    Independent Gaussian weights without biases have samplers in law, which the engine may use in their place, and independent
    weights of any law under ReLU may be drawn in active columns only.
    """

    def build(case: Case, replicates: int, randomness: Randomness) -> DenseNetworks:
        return DenseNetworks(architecture(case), replicates, randomness, draw, **more)

    in_law: tuple[InLaw, ...] = ()
    function, biased = more.get("activation", relu), more.get("biases")
    if isinstance(draw, scaled):
        deviation = draw.deviation
        if draw.standard is normal and biased is None:
            in_law += gaussian_samplers(name, lambda rows, columns: deviation(rows, columns) ** 2, function)
        if function is relu:
            in_law += (by_columns(name, draw, biased),)
    return Subject(name, build, description, in_law=in_law)


def _gain(square: float, standard: Standard = normal) -> Draw:
    """Weights of variance square/fan_out."""
    return scaled(standard, lambda rows, columns: math.sqrt(square / rows))


he_normal = dense("He normal, fan-out", _gain(2), "N(0, 2/fan_out), the paper's initialisation")
he_normal_fan_in = dense(
    "He normal, fan-in", scaled(normal, lambda rows, columns: math.sqrt(2 / columns)), "N(0, 2/fan_in)"
)
he_uniform = dense("He uniform", _gain(6, uniform), "uniform of variance 2/fan_out: right mean, wrong law")
rademacher_he = dense("He Rademacher", _gain(2, rademacher), "signs of variance 2/fan_out: right mean, wrong law")
glorot = dense(
    "Glorot gain", scaled(normal, lambda rows, columns: math.sqrt(2 / (rows + columns))), "N(0, 2/(fan_in + fan_out))"
)
narrow_uniform = dense("uniform on ±√(2/f)", _gain(2, uniform), "variance 2/3 of 1/fan_out: a third of He's")
linear_weights = dense("weights of nn.Linear", _gain(1, uniform), "U(±1/√f) without bias: a sixth of He's variance")
tanh_gain = dense("gain 5/3", _gain(25 / 9), "the gain recommended for tanh")
truncated_unscaled = dense("truncated normal", _gain(2, truncated), "cut at two deviations and not rescaled")
gain_2_1 = dense("variance 2.1/f", _gain(2.1), "variance 5 % too large")
gain_2_02 = dense("variance 2.02/f", _gain(2.02), "variance 1 % too large")
exponential_he = dense("centred exponential", _gain(2, centred_exponential), "skewed weights of variance 2/fan_out")
tanh_networks = dense(
    "tanh", _gain(2), "tanh in place of ReLU", activation=torch.tanh, derivative=tanh_derivative, homogeneous=False
)
leaky_networks = dense(
    "leaky ReLU", _gain(2), "slope 0.2 in place of ReLU, gain unchanged", activation=leaky, derivative=leaky_derivative
)
tenth_biases = biases(normal, lambda columns: math.sqrt(0.1))
with_biases = dense("He with biases", _gain(2), "He weights with biases N(0, 0.1)", biases=tenth_biases)
weight_normalised = dense("weight normalised", sphere_rows, "rows uniform on the sphere, gain √(2 fan_in/fan_out)")
weight_normalised_unit = dense("weight normalised, g = 1", sphere_rows_unit_gain, "rows of unit norm")
haar = dense("Haar orthogonal", haar_orthogonal, "√2 times a random orthogonal matrix")
