"""Initialisers."""

import torch
from torch import Tensor


def he_normal_(weight: Tensor) -> Tensor:
    """Fill a weight of shape (fan_out, fan_in) with He's normal law for ReLU: mean 0, variance 2/fan_out."""
    gain = 2.0
    with torch.no_grad():
        return weight.normal_(0.0, (gain / weight.shape[0]) ** 0.5)
