"""How the cosine of two inputs moves through an infinitely wide ReLU network, in a form that does not cancel near 1.

Two inputs of equal norm and cosine c have, one He-initialised ReLU layer later, the cosine

    C(c) = (sqrt(1 - c^2) + c (pi - arccos c))/pi

(Cho & Saul 2009). The share of the sample variance, v^2/sigma^2 = e_l = 1 - c_l, then obeys, with the angle theta,

    e' = e - (sin theta - theta cos theta)/pi,    e = 2 sin^2(theta/2),

where nothing cancels. As C(c) = c + (2 sqrt 2/3 pi)(1-c)^(3/2) + .., e_l -> 9 pi^2/(2 l^2) and theta_l -> 3 pi/l, with
the slow correction 3 pi/theta_l = l + (3/2) log l + const + o(1).

K. Luther, H. S. Seung, Sample Variance Decay in Randomly Initialized ReLU Networks (2019, arXiv 1902.04942).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

RATE = 9 * math.pi**2 / 2
SMALL = 0.1


def cosine_map(c: ArrayLike) -> np.ndarray:
    """C(c), for cosines in [-1, 1], any shape."""
    c = np.clip(np.asarray(c, float), -1, 1)
    return (np.sqrt(1 - c**2) + c * (np.pi - np.arccos(c))) / np.pi


def cosine_map_as_printed(c: ArrayLike) -> np.ndarray:
    """A mutant: the recursion of the authors' post read literally, which takes c^2 for m^2/(m^2 + v^2).

    One step m'^2 = m^2 [1 + (1/pi)(sqrt(1/c^2 - 1) - arccos c)] with c the square root of the share m^2/sigma^2.
    """
    share = np.clip(np.asarray(c, float), 1e-300, 1)
    root = np.sqrt(share)
    return share * (1 + (np.sqrt(1 / share - 1) - np.arccos(root)) / np.pi)


def next_gap(e: ArrayLike) -> np.ndarray:
    """1 - C(1 - e) for e in [0, 2], to full relative precision however small e is."""
    e = np.asarray(e, float)
    theta = 2 * np.arcsin(np.sqrt(np.clip(e, 0, 2) / 2))
    return 2 * np.sin(theta / 2) ** 2 - _lens(theta) / np.pi


def _lens(theta: np.ndarray) -> np.ndarray:
    """Sin theta - theta cos theta; by its series below 0.1, where the difference cancels."""
    square = theta**2
    # theta^3 sum_k (-1)^k (2k+2)/(2k+3)! theta^(2k): five terms reach 1e-19 at 0.1.
    series = theta * square * (1 / 3 - square * (1 / 30 - square * (1 / 840 - square * (1 / 45360 - square / 3991680))))
    return np.where(theta < SMALL, series, np.sin(theta) - theta * np.cos(theta))


def gaps(start: ArrayLike, layers: int) -> np.ndarray:
    """e_0, .., e_L for e_0 = start: shape (L + 1,) or (L + 1, ...) of the start's shape.

    Arguments:
        start: 1 - c of the inputs, in [0, 2].
        layers: L, at least 0.

    Raises:
        ValueError: a start outside [0, 2], or negative layers.
    """
    e = np.asarray(start, float)
    if layers < 0 or (e < 0).any() or (e > 2).any():
        raise ValueError(f"a gap 1 - c lies in [0, 2] and layers are not negative; got {start!r} and {layers!r}")
    found = [e]
    for _ in range(layers):
        found.append(next_gap(found[-1]))
    return np.stack(found)


def gap(start: float, layers: int) -> float:
    """e_L for e_0 = start."""
    return float(gaps(start, layers)[-1])


def kernel(gram: np.ndarray) -> np.ndarray:
    """E[2 relu(y_a) relu(y_b)] for y ~ N(0, gram): the next layer's Gram matrix at infinite width.

    Arguments:
        gram: positive semidefinite, shape (..., P, P).
    """
    scale = np.sqrt(np.einsum("...aa->...a", gram))
    product = scale[..., :, None] * scale[..., None, :]
    cosine = np.divide(gram, product, out=np.zeros_like(gram), where=product > 0)
    return product * cosine_map(cosine)


def shares(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(sigma^2, m^2, v^2) of pre-activations N(0, gram) over P samples: tr G/P, the mean entry of G, and the difference.

    v^2 = sum_ab (G_aa + G_bb - 2 G_ab)/(2 P^2), a sum of terms that are not negative, so that it does not cancel.

    Arguments:
        gram: shape (..., P, P).
    """
    diagonal = np.einsum("...aa->...a", gram)
    samples = gram.shape[-1]
    spread = diagonal[..., :, None] + diagonal[..., None, :] - 2 * gram
    return diagonal.mean(-1), gram.mean((-2, -1)), spread.sum((-2, -1)) / (2 * samples**2)


def norm_floor(norms: np.ndarray) -> np.ndarray:
    """Var|x|/E|x|^2 over the samples: the limit of v^2/sigma^2 at infinite width and depth, where only norms survive.

    Arguments:
        norms: |x_a|, shape (..., P).
    """
    return norms.var(-1) / (norms**2).mean(-1)


def iterate(gram: np.ndarray, layers: int, step: Callable[[np.ndarray], np.ndarray] = kernel) -> np.ndarray:
    """The Gram matrix after L layers of infinite width."""
    for _ in range(layers):
        gram = step(gram)
    return gram


def leaky_rate(slope: float) -> float:
    """(9 pi^2/2)((1 + a^2)/(1 - a)^2)^2: the constant of e_l ~ constant/l^2 for leaky ReLU of slope a < 1.

    Raises:
        ValueError: a slope of 1, where nothing decays.
    """
    if slope == 1:
        raise ValueError("a slope of 1 is the identity, whose cosines do not move; give another")
    return RATE * ((1 + slope**2) / (1 - slope) ** 2) ** 2
