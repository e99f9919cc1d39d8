"""The expected number of breakpoints of a random network on a segment, by the Kac-Rice formula.

For a path t -> x(t) and a unit of layer l let z(t) be its pre-activation without its own bias, rho the density of that
bias given all else. A ReLU unit breaks where z = -b, so that

    E[#breakpoints of layer l in [a, b]] = sum over the layer's units of int_a^b E[|dz/dt| rho(-z(t))] dt.

Any weights, widths and gates will do; of a leaky ReLU all units count. If in addition w ~ N(0, s_w^2 I) and b ~ N(0, s_b^2)
given the previous layer h(t), then z + b and its derivative are jointly Gaussian with variances A = s_w^2|h|^2 + s_b^2,
B = s_w^2|h'|^2 and covariance C = s_w^2 h.h', and the mean over w and b is sqrt(AB - C^2)/(pi A) (M. Kac 1943;
A. Edelman and E. Kostlan 1995): the integrand without the noise of the layer's own weights.

B. Hanin, D. Rolnick, Complexity of linear regions in deep networks (ICML 2019, 1901.09021), theorem 3.4.
"""

from __future__ import annotations

import math

import numpy as np


def gaussian_integrand(z: np.ndarray, slope: np.ndarray, bias_std: float) -> np.ndarray:
    """|dz/dt| rho(-z) for biases N(0, s^2).

    Arguments:
        z: pre-activations without their own bias, any shape.
        slope: dz/dt, the same shape.
        bias_std: s, above 0.

    Raises:
        ValueError: s is not positive.
    """
    _positive(bias_std)
    return np.abs(slope) * np.exp(-((z / bias_std) ** 2) / 2) / (bias_std * math.sqrt(2 * math.pi))


def uniform_integrand(z: np.ndarray, slope: np.ndarray, bias_bound: float) -> np.ndarray:
    """|dz/dt| rho(-z) for biases uniform on [-c, c], as in `torch.nn.Linear`.

    Arguments:
        z: pre-activations without their own bias, any shape.
        slope: dz/dt, the same shape.
        bias_bound: c, above 0.

    Raises:
        ValueError: c is not positive.
    """
    _positive(bias_bound)
    return np.abs(slope) * (np.abs(z) <= bias_bound) / (2 * bias_bound)


def gaussian_layer_density(hidden: np.ndarray, velocity: np.ndarray, weight_std: float, bias_std: float) -> np.ndarray:
    """sqrt(AB - C^2)/(pi A): breakpoints per unit of t of one unit with Gaussian weights and bias, given the layer below.

    Arguments:
        hidden: activations h(t) of the previous layer, units last; the input x(t) for the first layer.
        velocity: h'(t), the same shape.
        weight_std: standard deviation s_w of one weight, sqrt(2/fan-in) for He.
        bias_std: s_b, above 0.

    Returns:
        The density, of the shape of `hidden` without its last axis; times the units of the layer, that of the layer.

    Raises:
        ValueError: a standard deviation is not positive.
    """
    _positive(weight_std)
    _positive(bias_std)
    h, v = weight_std * hidden, weight_std * velocity
    # AB - C^2 by Lagrange's identity: |h|^2|v|^2 - (h.v)^2 is the square of the part of v across h, without cancellation.
    square = np.sum(h**2, axis=-1)
    along = np.sum(h * v, axis=-1) / np.where(square > 0, square, 1)
    across = np.sum((v - along[..., None] * h) ** 2, axis=-1)
    variance = square + bias_std**2
    return np.sqrt(square * across + bias_std**2 * np.sum(v**2, axis=-1)) / (math.pi * variance)


def first_layer(units: int, half_length: float, weight_std: float, bias_std: float) -> float:
    """E of the breakpoints of n units w t + b on [-T, T], w ~ N(0, s_w^2), b ~ N(0, s_b^2): n (2/pi) atan(s_w T/s_b).

    Arguments:
        units: n.
        half_length: T, at least 0; infinity gives n.
        weight_std: s_w, above 0.
        bias_std: s_b, above 0.

    Raises:
        ValueError: a standard deviation is not positive, or T is negative.
    """
    _positive(weight_std)
    _positive(bias_std)
    if not half_length >= 0:
        raise ValueError(f"a segment [-T, T] has T >= 0; got {half_length!r}")
    return units * 2 / math.pi * math.atan(weight_std * half_length / bias_std)


def slopeless_integrand(z: np.ndarray, slope: np.ndarray, bias_std: float) -> np.ndarray:
    """A mutant: rho(-z) without |dz/dt|."""
    return gaussian_integrand(z, np.ones_like(slope), bias_std)


def _positive(scale: float) -> None:
    if not scale > 0:
        raise ValueError(f"the scale of weights or biases is above 0; got {scale!r}")
