"""Gradient descent against gradient flow for linear denoising autoencoders: edges of stability and error bounds.

All are derived here; none has a constant that was fitted.
"""

from __future__ import annotations

import math

import numpy as np

from regimes.decide.identity import gamma
from regimes.theory.dae_dynamics import Numbers, balanced, fixed_point

__all__ = ["alignment_rounding", "dilation", "edge", "enclosure", "envelope", "envelope_rounding", "hessian_edge_at_one"]


def edge(eigenvalue: Numbers, noise: Numbers = 0.0, decay: Numbers = 0.0) -> np.ndarray:
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


def hessian_edge_at_one(eigenvalue: Numbers, noise: Numbers = 0.0, decay: Numbers = 0.0) -> np.ndarray:
    """2/(2λ + 3ε + γ), the edge from the Hessian at w₁ = w₂ = 1, as in the published code: not a minimiser if ε or γ > 0."""
    return 2 / (2 * np.asarray(eigenvalue, float) + 3 * np.asarray(noise, float) + decay)


def _advance(rate: np.ndarray, pull: np.ndarray) -> np.ndarray:
    """b(q) = 2 ln(1 + A - q) - ln(1 - 2q - (A - q)q), by which a step moves φ = ln|u/(a - ξu)|; infinite if it passes u*."""
    left = 1 - 2 * pull - (rate - pull) * pull
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((left > 0) & (pull < 1 + rate), 2 * np.log1p(rate - pull) - np.log(np.maximum(left, 0)), np.inf)


def dilation(rate: Numbers, start: Numbers = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(slow, fast) = (b(q₀), b(A))/(2A) in rising order: descent runs between these multiples of the flow's time.

    Along the flow of balanced weights φ = ln|u/(a - ξu)| grows at rate 2a. A step of descent takes u to u(1 + αg)²,
    g = a - ξu, and φ by b(q) = 2 ln(1 + A - q) - ln(1 - 2q - (A - q)q) with A = αa and q = αξu. Since
    b'(q) = A(3 + A - q)/[(1 + A - q)(1 - 2q - (A - q)q)] > 0 and q moves from q₀ to A, every step's advance lies between
    b(q₀) and b(A) = -ln(1 - 2A). For q₀ → 0 the slow end is ln(1 + A)/A. Both are 1 + O(A).

    Arguments:
        rate: A = α(λ - γ) > 0.
        start: q₀ = αξu₀ >= 0; the bounds are infinite where a step may pass the fixed point, as for A >= 1/2.
    """
    speed, begin = np.asarray(rate, float), np.asarray(start, float)
    ends = _advance(speed, begin) / (2 * speed), _advance(speed, speed) / (2 * speed)
    return np.minimum(*ends), np.maximum(*ends)


def envelope(
    steps: Numbers, start: Numbers, rate: Numbers, eigenvalue: Numbers, noise: Numbers, decay: Numbers
) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) between which balanced gradient descent lies after n steps: u(nα·slow) and u(nα·fast); rounding comes on top.

    Arguments:
        steps: n >= 1.
        start: u₀ > 0.
        rate: α.
        eigenvalue: λ.
        noise: ε.
        decay: γ < λ.
    """
    value, step = np.asarray(eigenvalue, float), np.asarray(rate, float)
    slow, fast = dilation(step * (value - decay), step * (value + noise) * start)
    clock = np.asarray(steps, float) * step
    ends = [balanced(clock * pace, start, value, noise, decay) for pace in (slow, fast)]
    return np.minimum(*ends), np.maximum(*ends)


def envelope_rounding(
    steps: Numbers, start: Numbers, rate: Numbers, eigenvalue: Numbers, noise: Numbers, decay: Numbers, unit: float
) -> np.ndarray:
    """Bound 16 (n + 1/A) unit max(u₀, u*) on what n rounded steps and the closed form's evaluation add, A = α(λ - γ).

    A step makes a relative error of eight units in u at most, and the closed form no more. A relative error in u is carried
    along unchanged at most while u is small, n of them in all; near u* a step contracts errors by 1 - 2A, and they sum
    to at most 8/(2A) units.
    """
    speed = np.asarray(rate, float) * (np.asarray(eigenvalue, float) - decay)
    size = np.maximum(start, fixed_point(eigenvalue, noise, decay))
    return 16 * unit * (np.asarray(steps, float) + 1 / speed) * size


def enclosure(
    encoder: np.ndarray, decoder: np.ndarray, rate: Numbers, eigenvalue: Numbers, noise: Numbers, decay: Numbers
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
        with np.errstate(over="ignore", invalid="ignore"):
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
            bound[:, k + 1] = np.where(highest <= room, after, np.inf)
    return bound


def alignment_rounding(
    modes: np.ndarray, rate: float, spectrum: np.ndarray, noise: float, decay: float, size: int, unit: float
) -> np.ndarray:
    """First-order bound on what rounding does to aligned networks: sup |VᵀWV - diag u| after each of n steps, shape (n + 1,).

    A perturbation of the weights grows at most by 1 + αμ a step, since the loss's second derivative along (H₁, H₂) is at
    least 2<-G, H₂H₁> >= -|G|₂(|H₁|² + |H₂|²), and |G|₂ = max|λᵢ - ξᵢuᵢ| while the network is aligned; μ = |G|₂ - γ. A step
    adds γ_k of its own terms (Higham 2002, section 3.5), k = 8·size + 32 for chains of four products.

    Arguments:
        modes: u of every mode at n + 1 steps, shape (n + 1, D).
        rate: α, below the stability edge.
        spectrum: λ, shape (D,).
        noise: ε.
        decay: γ.
        size: the larger of D and H.
        unit: unit roundoff.
    """
    chain = gamma(8 * size + 32, unit)
    # Frobenius norms: |W₁| = |W₂| = (Σ|uᵢ|)^½, and all of Σ, W and their products are at most these.
    length = np.sqrt(np.abs(modes).sum(axis=1))
    moment, root = float(np.linalg.norm(spectrum)), math.sqrt(spectrum.size)
    growth = np.abs(spectrum - (spectrum + noise) * modes).max(axis=1) - decay
    fresh = chain * length * (1 + rate * ((root + length**2) * moment + noise * length**2 + decay))
    error = 2 * chain * root * length[0]
    bound = [error * 2 * length[0]]
    for k in range(modes.shape[0] - 1):
        error = (1 + rate * max(growth[k], 0.0)) * error + 2 * fresh[k]
        bound.append((2 * error + chain * length[k + 1]) * length[k + 1])
    return np.array(bound)
