"""What gradient descent on a two-layer linear network does exactly, at any learning rate.

With G the negative gradient of the loss in the product W = W₂W₁ (for a denoising autoencoder G = (I - W)Σ - εW),
W₁' = (1 - αγ)W₁ + αW₂ᵀG and W₂' = (1 - αγ)W₂ + αGW₁ᵀ. The cross terms of W₂ᵀW₂ and W₁W₁ᵀ are equal and cancel.
"""

from __future__ import annotations

import torch

__all__ = ["balance", "balance_step", "imbalance_step", "product_step"]


def product_step(
    u: torch.Tensor, total: torch.Tensor, residual: torch.Tensor, rate: torch.Tensor, decay: torch.Tensor
) -> torch.Tensor:
    """Product u' = κ²u + ακ r s + α²r²u with κ = 1 - αγ; s = 2u gives u' = u(1 + α(r - γ))² for balanced weights.

    Arguments:
        u: w₁w₂.
        total: s = w₁² + w₂².
        residual: r = λ - ξu.
        rate: α.
        decay: γ.
    """
    keep = 1 - rate * decay
    return keep**2 * u + rate * keep * residual * total + (rate * residual) ** 2 * u


def imbalance_step(
    gap: torch.Tensor, residual: torch.Tensor, rate: torch.Tensor, decay: torch.Tensor
) -> torch.Tensor:
    """Imbalance c' = c[(1 - αγ)² - α²r²] for c = w₂² - w₁²: what the flow conserves, descent shrinks at order α²."""
    return gap * ((1 - rate * decay) ** 2 - (rate * residual) ** 2)


def balance(encoder: torch.Tensor, decoder: torch.Tensor) -> torch.Tensor:
    """C = W₂ᵀW₂ - W₁W₁ᵀ, shape (.., H, H), of an encoder (.., H, D) and a decoder (.., D, H)."""
    return decoder.mT @ decoder - encoder @ encoder.mT


def balance_step(
    encoder: torch.Tensor, decoder: torch.Tensor, force: torch.Tensor, rate: torch.Tensor, decay: torch.Tensor
) -> torch.Tensor:
    """C' = (1 - αγ)²C + α²(W₁GᵀGW₁ᵀ - W₂ᵀGGᵀW₂), shape (.., H, H).

    Arguments:
        encoder: W₁, shape (.., H, D).
        decoder: W₂, shape (.., D, H).
        force: G, shape (.., D, D).
        rate: α, broadcasting against (.., H, H).
        decay: γ, likewise.
    """
    up, down = force @ encoder.mT, decoder.mT @ force
    return (1 - rate * decay) ** 2 * balance(encoder, decoder) + rate**2 * (up.mT @ up - down @ down.mT)
