"""Training RAD flows by maximum likelihood, R flows at once, on two half-circles drawn here."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from regimes.flows.protocol import FlowError
from regimes.flows.rad import Rad

CLIP = 5.0  # log t has slope 1/t near a fold, where one point would else outweigh a batch


def two_moons(replicates: int, count: int, dimension: int, generator: torch.Generator, dtype: torch.dtype) -> Tensor:
    """Points of two interleaved half-circles with noise 0.1, (R, count, D): D = 1 keeps the first coordinate.

    Raises:
        FlowError: D is neither 1 nor 2.
    """
    if dimension not in (1, 2):
        raise FlowError(f"two moons lie in the plane; got dimension {dimension}, use 1 (its first coordinate) or 2")
    device = generator.device
    shape = (replicates, count)
    angle = math.pi * torch.rand(shape, generator=generator, dtype=dtype, device=device)
    second = torch.rand(shape, generator=generator, dtype=dtype, device=device) < 0.5
    side = 1.0 - 2.0 * second.to(dtype)
    points = torch.stack((side * angle.cos() + second - 0.5, side * angle.sin() + 0.5 * second - 0.25), dim=-1)
    points = points + 0.1 * torch.randn(points.shape, generator=generator, dtype=dtype, device=device)
    return 1.5 * points[..., :dimension]


def train(flow: Rad, steps: int, generator: torch.Generator, batch: int = 64, rate: float = 0.02) -> tuple[Tensor, Tensor]:
    """Adam on the mean of -log p over fresh batches; each of the R flows has its own data and moves on its own.

    Arguments:
        flow: trained in place.
        steps: updates.
        generator: draws the data.
        batch: points of a flow in an update.
        rate: Adam's step size.

    Returns:
        The mean of -log p on held-out points before and after, each (R,).

    Raises:
        FlowError: a gradient is not finite.
    """
    dtype = next(flow.parameters()).dtype
    held_out = two_moons(flow.replicates, 512, flow.dimension, generator, dtype)
    before = -flow.log_density(held_out).detach().mean(1)
    flow.requires_grad_(True)
    optimiser = torch.optim.Adam(flow.parameters(), lr=rate)
    for step in range(steps):
        with torch.enable_grad():
            points = two_moons(flow.replicates, batch, flow.dimension, generator, dtype)
            loss = -flow.log_density(points).mean(1).sum()
            optimiser.zero_grad()
            loss.backward()
        for name, parameter in flow.named_parameters():
            if parameter.grad is None:
                continue
            if not bool(torch.isfinite(parameter.grad).all()):
                raise FlowError(f"training met a gradient of {name} that is not finite, at step {step}; lower the rate {rate}")
            parameter.grad.clamp_(-CLIP, CLIP)
        optimiser.step()
    flow.requires_grad_(False)
    flow.validate()
    return before, -flow.log_density(held_out).mean(1)
