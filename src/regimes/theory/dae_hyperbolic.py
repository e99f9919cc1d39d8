"""Learning curves of a linear denoising autoencoder whose two layers start unequal: Riccati's equation.

Without weight decay c = w₂² - w₁² is constant, and u = w₁w₂ obeys u̇ = √(c² + 4u²)(λ - ξu), u = (c/2) sinh θ. The published
solution is the Riccati equation of tanh(θ/2), which loses all digits for c → 0. The same equation for p = (w₁ + w₂)²/2 and
q = (w₁ - w₂)²/2, where u = (p - q)/2 and pq = c²/4, is ṗ = 2λp - ξp² + ξc²/4 and q̇ = -2λq - ξq² + ξc²/4. Its solution is a
quotient of sums of positive terms: exact to rounding for every c >= 0, with the logistic curve at c = 0.

References: Saxe, McClelland & Ganguli 2014 (arXiv 1312.6120); Pretorius, Kroon & Kamper 2018 (arXiv 1806.05413).
"""

from __future__ import annotations

import numpy as np

from regimes.theory.dae_dynamics import Numbers

__all__ = ["effective_start", "frozen_imbalance", "imbalance", "local_rate", "unbalanced"]


def unbalanced(
    time: Numbers, encoder: Numbers, decoder: Numbers, eigenvalue: Numbers, noise: Numbers = 0.0
) -> np.ndarray:
    """u(t) = (p - q)/2 with p = [p₀(P + ME) + k(1 - E)]/[p₀(1 - E) + PE + M] and q the same with P and M exchanged.

    E = e^{-gt}, g = √(ξ²c² + 4λ²), k = c²/4, P = (2λ + g)/(2ξ), M = k/P. Arguments broadcast.

    Arguments:
        time: t >= 0.
        encoder: w₁ at time 0, of any sign.
        decoder: w₂ at time 0, of any sign.
        eigenvalue: λ > 0.
        noise: ε >= 0.
    """
    first, second = np.asarray(encoder, float), np.asarray(decoder, float)
    value, clock = np.asarray(eigenvalue, float), np.asarray(time, float)
    slope = value + noise
    gap = (second - first) * (second + first)
    speed = np.hypot(slope * gap, 2 * value)
    quarter = gap**2 / 4
    high = (2 * value + speed) / (2 * slope)
    low = quarter / high
    fading, faded = np.exp(-speed * clock), -np.expm1(-speed * clock)
    p, q = (first + second) ** 2 / 2, (first - second) ** 2 / 2
    p_now = (p * (high + low * fading) + quarter * faded) / (p * faded + high * fading + low)
    q_now = (q * (low + high * fading) + quarter * faded) / (q * faded + low * fading + high)
    return (p_now - q_now) / 2


def imbalance(encoder: Numbers, decoder: Numbers, time: Numbers = 0.0, decay: Numbers = 0.0) -> np.ndarray:
    """c(t) = (w₂² - w₁²) e^{-2γt}, the balance law: conserved without decay, whatever the loss of the product."""
    first, second = np.asarray(encoder, float), np.asarray(decoder, float)
    return (second - first) * (second + first) * np.exp(-2 * np.asarray(decay, float) * time)


def local_rate(encoder: Numbers, decoder: Numbers, eigenvalue: Numbers, noise: Numbers = 0.0) -> np.ndarray:
    """Rate g = √(ξ²c² + 4λ²) >= 2λ, at which u nears its fixed point; imbalance speeds up the end of training."""
    value = np.asarray(eigenvalue, float)
    return np.hypot((value + noise) * imbalance(encoder, decoder), 2 * value)


def effective_start(encoder: Numbers, decoder: Numbers) -> tuple[np.ndarray, np.ndarray]:
    """(((w₁ + w₂)/2)², ((w₁ - w₂)/2)²): the logistic curve from the first is never off by more than the second, for γ = 0.

    It needs ((w₁ + w₂)/2)² <= u*, and no sign of w₁w₂. Proof: write u = (p - q)/2 and let L solve ṗ's equation without its
    last term from p₀. Then q falls from q₀, and δ = p - L >= 0 obeys δ̇ <= (2λ - 2ξL)δ + ξp₀q₀ since pq is constant.
    With P = 2λ/ξ that gives δ <= q₀ p₀ L(P - L) ∫ dx/(x²(P - x)²) over [p₀, L], at most q₀(L - p₀)/(P - p₀) <= q₀ by
    Chebyshev's integral inequality for the falling 1/x² and the rising 1/(P - x)². So |2u - L| = |δ - q| <= q₀.
    """
    first, second = np.asarray(encoder, float), np.asarray(decoder, float)
    return (first + second) ** 2 / 4, (first - second) ** 2 / 4


def frozen_imbalance(
    time: Numbers, encoder: Numbers, decoder: Numbers, eigenvalue: Numbers, noise: Numbers, decay: Numbers
) -> np.ndarray:
    """The published code's hyperbolic curve with weight decay, λ → λ - γ and c held fixed: wrong, since c decays."""
    value = np.asarray(eigenvalue, float)
    return unbalanced(time, encoder, decoder, value - decay, np.asarray(noise, float) + decay)
