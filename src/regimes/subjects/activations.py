"""Activation functions of dense networks, their derivatives, and what the exact laws need to know of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Activation(NamedTuple):
    """An entrywise function.

    Attributes:
        function: a -> act(a).
        derivative: (a, act(a)) -> act'(a).
        slope: its slope below 0 if it is a above 0 and positively homogeneous, None if it is not.
    """

    function: Callable[[Tensor], Tensor]
    derivative: Callable[[Tensor, Tensor], Tensor]
    slope: float | None


def relu(a: Tensor) -> Tensor:
    """max(a, 0)."""
    return a.clamp_min(0)


def relu_derivative(a: Tensor, h: Tensor) -> Tensor:
    """1 where the unit is active, 0 elsewhere, and at 0."""
    # At once: a comparison to booleans and their conversion take five times as long.
    return torch.gt(h, 0, out=torch.empty_like(h))


def leaky(a: Tensor) -> Tensor:
    """max(a, 0.2 a)."""
    return torch.where(a > 0, a, 0.2 * a)


def leaky_derivative(a: Tensor, h: Tensor) -> Tensor:
    """1 above 0, 0.2 below."""
    return torch.where(a > 0, torch.ones_like(h), 0.2)


def linear(a: Tensor) -> Tensor:
    """The argument itself."""
    return a


def linear_derivative(a: Tensor, h: Tensor) -> Tensor:
    """1."""
    return torch.ones_like(h)


def tanh_derivative(a: Tensor, h: Tensor) -> Tensor:
    """1 - tanh(a)^2."""
    return 1 - h.square()


ACTIVATIONS = {
    "relu": Activation(relu, relu_derivative, 0.0),
    "leaky": Activation(leaky, leaky_derivative, 0.2),
    "linear": Activation(linear, linear_derivative, 1.0),
    "tanh": Activation(torch.tanh, tanh_derivative, None),
}
