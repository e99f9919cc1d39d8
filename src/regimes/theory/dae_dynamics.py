"""Learning curves of a balanced linear denoising autoencoder, one mode at a time.

A mode is an eigenvalue λ of the second moment Σ = (1/N) Σ x xᵀ with its weights w₁ (encoder) and w₂ (decoder). Averaged over
noise of mean zero and covariance ε I that is independent of x, whatever its law, the loss of a mode is

    ℓ = (λ/2)(1 - u)² + (ε/2) u² + (γ/2)(w₁² + w₂²),    u = w₁ w₂,

and gradient flow is ẇ₁ = r w₂ - γ w₁, ẇ₂ = r w₁ - γ w₂ with r = λ - ξ u and ξ = λ + ε. For w₁ = w₂ it closes in u:
u̇ = 2u(λ - γ - ξu), a logistic equation. Time is iterations times learning rate.

References: Pretorius, Kroon & Kamper 2018 (arXiv 1806.05413); Saxe, McClelland & Ganguli 2014 (arXiv 1312.6120).
"""

from __future__ import annotations

import numpy as np

Numbers = float | np.ndarray

__all__ = ["Numbers", "balanced", "equivalent_decay", "fixed_point", "learning_time", "mismatch_floor", "noise_fixed_point"]


def fixed_point(eigenvalue: Numbers, noise: Numbers = 0.0, decay: Numbers = 0.0) -> np.ndarray:
    """u* = max(0, λ - γ)/(λ + ε), the end of training; noise shrinks a mode, decay γ >= λ removes it.

    Arguments:
        eigenvalue: λ > 0.
        noise: ε >= 0, the noise's variance.
        decay: γ >= 0, the weight decay.
    """
    value = np.asarray(eigenvalue, float)
    return np.maximum(0.0, value - decay) / (value + noise)


def noise_fixed_point(eigenvalue: Numbers, noise: Numbers) -> np.ndarray:
    """λ/(λ + ε), the shrinkage of a mode without weight decay."""
    return fixed_point(eigenvalue, noise)


def balanced(
    time: Numbers, start: Numbers, eigenvalue: Numbers, noise: Numbers = 0.0, decay: Numbers = 0.0
) -> np.ndarray:
    """u(t) = a u₀/[ξ u₀ + (a - ξ u₀) e^{-2at}], a = λ - γ, and u₀/(1 + 2ξ u₀ t) for a = 0; arguments broadcast.

    Arguments:
        time: t >= 0.
        start: u₀ >= 0.
        eigenvalue: λ > 0.
        noise: ε >= 0.
        decay: γ >= 0.

    Raises:
        ValueError: a negative start; w₁ = -w₂ flows to the saddle 0, where this formula does not apply.
    """
    begin, value = np.asarray(start, float), np.asarray(eigenvalue, float)
    if (begin < 0).any():
        raise ValueError("the logistic solution starts at w₁ w₂ >= 0; use the hyperbolic one for w₁ w₂ < 0")
    rate, slope, clock = value - np.asarray(decay, float), value + np.asarray(noise, float), np.asarray(time, float)
    # (1 - e^{-2|a|t})/|a| stays accurate through a = 0; whichever sign a has, no exponential overflows.
    size = np.abs(rate)
    safe = np.where(size > 0, size, 1.0)
    lapse = np.where(size > 0, -np.expm1(-2 * size * clock) / safe, 2 * clock)
    growing = begin / (np.exp(-2 * size * clock) + slope * begin * lapse)
    shrinking = begin * np.exp(-2 * size * clock) / (1 + slope * begin * lapse)
    return np.where(rate >= 0, growing, shrinking)


def learning_time(
    start: Numbers, end: Numbers, eigenvalue: Numbers, noise: Numbers = 0.0, decay: Numbers = 0.0
) -> np.ndarray:
    """Time t = ln[u_f (a - ξu₀)/(u₀ (a - ξu_f))]/(2a), the time from u₀ to u_f, for 0 < u₀, u_f < u* and a = λ - γ > 0."""
    begin, stop = np.asarray(start, float), np.asarray(end, float)
    rate = np.asarray(eigenvalue, float) - decay
    slope = np.asarray(eigenvalue, float) + noise
    return np.log(stop * (rate - slope * begin) / (begin * (rate - slope * stop))) / (2 * rate)


def equivalent_decay(eigenvalue: Numbers, noise: Numbers) -> np.ndarray:
    """γ = λε/(λ + ε), the only decay with the fixed point of the noise ε, and another one for every eigenvalue.

    With it u_decay(t) = u_noise(tλ/(λ + ε)) for balanced weights, and gradient descent has the same iterates if the rates
    are as λ + ε to λ: both updates are w ← w(1 + αk(u* - u)), k = λ + ε for noise and k = λ for decay.
    """
    value = np.asarray(eigenvalue, float)
    return value * noise / (value + noise)


def mismatch_floor(first: Numbers, second: Numbers, noise: Numbers) -> np.ndarray:
    """The larger |u*_decay - u*_noise| of two modes is at least min(Δ/(λ₁ + λ₂), λ₁/(λ₁ + ε)) > 0 for every decay γ.

    Δ = ελ₂/(λ₂ + ε) - ελ₁/(λ₁ + ε) for λ₁ < λ₂. Proof: for γ <= λ₁ the mismatches are dᵢ = γ/λᵢ - ε/(λᵢ + ε), and
    λ₁d₁ - λ₂d₂ = Δ, so (λ₁ + λ₂) max|dᵢ| >= Δ; for γ > λ₁ the first mode is gone and d₁ = λ₁/(λ₁ + ε).

    Arguments:
        first: λ₁ > 0.
        second: λ₂ > λ₁.
        noise: ε > 0.
    """
    one, two = np.asarray(first, float), np.asarray(second, float)
    # Δ = ε²(λ₂ - λ₁)/((λ₁ + ε)(λ₂ + ε)), without cancellation.
    gap = np.square(noise) * (two - one) / ((one + noise) * (two + noise))
    return np.minimum(gap / (one + two), one / (one + noise))
