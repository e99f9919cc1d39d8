"""Output errors: what a loss on top of the last hidden layer sends back into it.

The error delta^L is the gradient of the loss with respect to the last hidden pre-activation, mask included. Only its
squared cosine c2 with h^L matters for the backpropagated norms (`regimes.theory.gradient_norm_law`).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from regimes.randomness import Randomness
from regimes.subjects.orthonormal import standard_normal, stream

CLASSES = 20
LOSSES = ("independent", "softmax", "scalar")


def output_error(error: float | str, last: Tensor, slope: Tensor, exponent: Tensor, randomness: Randomness) -> Tensor:
    """delta^L, shape (R, n_L, 1).

    Arguments:
        error: a squared cosine c2 in [0, 1] with h^L, for a unit vector in the active coordinates; or a loss:
            `independent`, Gaussian and independent of the network; `softmax`, cross-entropy with a uniform label
            over 20 classes and N(0, 1) readout; `scalar`, the square of one N(0, 1/n_L) readout.
        last: h^L up to a power of two, shape (R, n_L, 1).
        slope: the activation's derivative there, for ReLU 1 in active coordinates and 0 elsewhere, same shape.
        exponent: that power of two, float64 of shape (R,).
        randomness: keyed streams; `error` and `label` are used.

    Raises:
        ValueError: an unknown loss, or a squared cosine outside [0, 1].
    """
    if isinstance(error, str):
        return _of_loss(error, last, exponent, randomness).to(last.dtype) * slope
    if not 0 <= error <= 1:
        raise ValueError(f"a squared cosine lies in [0, 1]; got {error!r}")
    noise = standard_normal(tuple(last.shape), stream(randomness, "error")) * slope
    along = last.double() / last.double().norm(dim=1, keepdim=True).clamp_min(1e-300)
    across = noise - along * (noise * along).sum(1, keepdim=True)
    across = across / across.norm(dim=1, keepdim=True).clamp_min(1e-300)
    return (math.sqrt(error) * along + math.sqrt(1 - error) * across).to(last.dtype)


def _of_loss(loss: str, last: Tensor, exponent: Tensor, randomness: Randomness) -> Tensor:
    replicates, units, _ = last.shape
    generator = stream(randomness, "error")
    if loss == "independent":
        return standard_normal((replicates, units, 1), generator)
    if loss == "softmax":
        readout = standard_normal((replicates, CLASSES, units), generator)
        labels = torch.randint(CLASSES, (replicates,), generator=randomness.generator("label"), device=last.device)
        logits = torch.bmm(readout, torch.ldexp(last.double(), exponent[:, None, None].to(torch.int32)))[:, :, 0]
        residual = logits.softmax(1) - torch.nn.functional.one_hot(labels, CLASSES)
        return torch.bmm(readout.transpose(1, 2), residual[:, :, None])
    if loss == "scalar":
        readout = standard_normal((replicates, 1, units), generator) / math.sqrt(units)
        return readout.transpose(1, 2) * torch.bmm(readout, last.double())
    raise ValueError(f"the loss {loss!r} is unknown; use a squared cosine or one of {', '.join(LOSSES)}")
