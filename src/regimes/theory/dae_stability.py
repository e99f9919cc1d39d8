"""Gradient descent against gradient flow for linear denoising autoencoders: edges of stability and error bounds.

All three are derived here; none has a constant that was fitted.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from regimes.theory.dae_dynamics import balanced, fixed_point

__all__ = ["dilation", "edge", "enclosure", "envelope", "envelope_rounding", "hessian_edge_at_one"]


def edge(eigenvalue: ArrayLike, noise: ArrayLike = 0.0, decay: ArrayLike = 0.0) -> np.ndarray:
    """2 over the Hessian's top eigenvalue at the minimiser: 1/max(λ - γ, γ), whatever the noise.

    With w₁ = w₂ = √u* the Hessian of a mode has eigenvalue 2(λ - γ) along (1, 1) and 2γ along (1, -1). For γ >= λ the
    minimiser is 0, where they are γ - λ and γ + λ, and the edge is 2/(γ + λ).

    Arguments:
        eigenvalue: λ > 0.
        noise: ε >= 0; it moves the minimiser and leaves the curvature there as it was.
        decay: γ >= 0.
    """
    value, weight, _ = np.broadcast_arrays(
        np.asarray(eigenvalue, float), np.asarray(decay, float), np.asarray(noise, float)
    )
    alive = 1 / np.maximum(np.abs(value - weight), weight)
    return np.where(weight < value, alive, 2 / (value + weight))


def hessian_edge_at_one(eigenvalue: ArrayLike, noise: ArrayLike = 0.0, decay: ArrayLike = 0.0) -> np.ndarray:
    """2/(2λ + 3ε + γ), the edge from the Hessian at w₁ = w₂ = 1, as in the published code: not a minimiser if ε or γ > 0."""
    return 2 / (2 * np.asarray(eigenvalue, float) + 3 * np.asarray(noise, float) + decay)


def dilation(rate: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(ln(1 + A)/A, -ln(1 - 2A)/(2A)): gradient descent runs between these multiples of the flow's time, A = α(λ - γ).

    For balanced weights φ(u) = ln[u/(a - ξu)] grows at rate 2a along the flow. A step takes u to u(1 + αg)², g = a - ξu,
    and φ by 2 ln(1 + p) - ln(1 - 2q - pq) with p = αg, q = αξu, p + q = A. For p, q >= 0 and A < 1/2 this rises from
    2 ln(1 + A) at q = 0 to -ln(1 - 2A) at q = A. Hence u(nα·slow) <= uₙ <= u(nα·fast) at every n, for 0 < u₀ < u*.

    Arguments:
        rate: A in (0, 1/2); beyond it a step may pass the fixed point.

    Raises:
        ValueError: a rate outside (0, 1/2).
    """
    speed = np.asarray(rate, float)
    if ((speed <= 0) | (speed >= 0.5)).any():
        raise ValueError(
            f"descent keeps to one side of the fixed point for 0 < α(λ - γ) < 1/2; got {float(speed.max()):.4g}; "
            "use a smaller learning rate"
        )
    return np.log1p(speed) / speed, -np.log1p(-2 * speed) / (2 * speed)


def envelope(
    steps: ArrayLike, start: ArrayLike, rate: ArrayLike, eigenvalue: ArrayLike, noise: ArrayLike, decay: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """(u(nα·slow), u(nα·fast)), between which balanced gradient descent lies after n steps; rounding comes on top.

    Arguments:
        steps: n.
        start: u₀ in (0, u*).
        rate: α with α(λ - γ) < 1/2.
        eigenvalue: λ.
        noise: ε.
        decay: γ < λ.
    """
    growth = np.asarray(eigenvalue, float) - decay
    slow, fast = dilation(np.asarray(rate, float) * growth)
    clock = np.asarray(steps, float) * rate
    return (
        balanced(clock * slow, start, eigenvalue, noise, decay),
        balanced(clock * fast, start, eigenvalue, noise, decay),
    )


def envelope_rounding(
    steps: ArrayLike, rate: ArrayLike, eigenvalue: ArrayLike, noise: ArrayLike, decay: ArrayLike, unit: float
) -> np.ndarray:
    """Bound 16 (n + 1/A) unit u* on what n rounded steps and the closed form's evaluation add to |u|, A = α(λ - γ).

    A step has eight roundings of relative size `unit` in u at most, the closed form no more. While u grows, a relative
    error is carried along unchanged at most, n of them in all; near u* a step contracts errors by 1 - 2A, and they sum
    to at most 8/(2A) units.
    """
    speed = np.asarray(rate, float) * (np.asarray(eigenvalue, float) - decay)
    return 16 * unit * (np.asarray(steps, float) + 1 / speed) * fixed_point(eigenvalue, noise, decay)


def enclosure(
    encoder: np.ndarray, decoder: np.ndarray, rate: ArrayLike, eigenvalue: ArrayLike, noise: ArrayLike, decay: ArrayLike
) -> np.ndarray:
    """Bound E on the distance of (w₁, w₂) at every iterate from the gradient flow of the same start, shape (R, n + 1).

    The polygon v through the iterates has defect F(v_k) - F(v), at most s a + s² b within s of iterate k, and
    two solutions part at most at the rate of the Jacobian's top eigenvalue μ: E' <= μE + s a + s² b. On a ball of radius
    h about v_k, |J - J_k| <= ξ(3|v_k|h + 3h²/2). No closed form of the flow enters. Infinite where the ball
    that the bound needs is larger than the weights: there descent says nothing about the flow.

    Arguments:
        encoder: w₁ of R problems at n + 1 iterates, shape (R, n + 1).
        decoder: w₂, likewise.
        rate: α, shape (R,) or one number, as are the others.
        eigenvalue: λ.
        noise: ε.
        decay: γ.
    """
    step, value, weight = (np.asarray(x, float) for x in (rate, eigenvalue, decay))
    slope = value + noise
    bound = np.zeros(encoder.shape)
    for k in range(encoder.shape[1] - 1):
        one, two, known = encoder[:, k], decoder[:, k], bound[:, k]
        u = one * two
        f1, f2 = (value - slope * u) * two - weight * one, (value - slope * u) * one - weight * two
        cross = value - 2 * slope * u
        j11, j22 = -slope * two**2 - weight, -slope * one**2 - weight
        size, speed = np.hypot(one, two), np.hypot(f1, f2)
        turn = np.hypot(j11 * f1 + cross * f2, cross * f1 + j22 * f2)
        bend = slope * (1.5 * size * speed**2 + 0.5 * step * speed**3)
        # The radius is checked a posteriori: all solutions in question stay within `room` of the polygon.
        room = 1.5 * known + step**2 * (turn + step * bend)
        reach = room + step * speed
        top = (j11 + j22) / 2 + np.hypot((j11 - j22) / 2, cross) + slope * (3 * size * reach + 1.5 * reach**2)
        growth = np.exp(step * np.maximum(top, 0.0))
        after = np.exp(step * top) * known + growth * (step**2 * turn / 2 + step**3 * bend / 3)
        highest = growth * (known + step**2 * turn / 2 + step**3 * bend / 3)
        with np.errstate(invalid="ignore"):
            bound[:, k + 1] = np.where((highest <= room) & (reach <= 1 + size), after, np.inf)
    return bound
