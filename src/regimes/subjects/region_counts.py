"""What claims about linear regions ask of a batch of networks: counts on a random line and in a random plane."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from regimes.errors import SubjectError
from regimes.randomness import Randomness

if TYPE_CHECKING:
    from regimes.regions.line import LineRegions
    from regimes.regions.network import PiecewiseLinear

Mass = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class CountsRegions:
    """Mixed into batches of R networks that can say what they are as a `PiecewiseLinear`."""

    randomness: Randomness

    def piecewise_linear(self) -> PiecewiseLinear:
        """The networks as explicit weights and biases, with their own number of inputs."""
        raise NotImplementedError

    @cached_property
    def explicit(self) -> PiecewiseLinear:
        """`piecewise_linear()`, whose weights are drawn once."""
        return self.piecewise_linear()

    @cached_property
    def _lines(self) -> dict[tuple[float, float] | None, LineRegions]:
        return {}

    @cached_property
    def on_a_line(self) -> PiecewiseLinear:
        """The networks along a line: their own input, or a random line x0 + t u, x0 and u Gaussian, if there are more."""
        network = self.explicit
        if network.inputs == 1:
            return network
        generator = self.randomness.generator("line")
        device = generator.device
        origin, direction = torch.randn(
            (2, network.replicates, network.inputs), generator=generator, device=device, dtype=torch.float64
        )
        return network.restricted_to_line(origin, direction)

    def line(self, interval: tuple[float, float] | None = None) -> LineRegions:
        """Regions along that line, or on an open interval of it.

        Arguments:
            interval: (a, b), None for the whole line.
        """
        from regimes.regions.line import line_regions

        if interval not in self._lines:
            self._lines[interval] = line_regions(self.on_a_line, interval)
        return self._lines[interval]

    def plane_cells(self, half_side: float | None = None) -> np.ndarray:
        """Cells in the plane of two inputs, or in the box |x|, |y| <= half_side, shape (R,); a random plane if there are more.

        Arguments:
            half_side: None for the whole plane.

        Raises:
            SubjectError: networks of one input.
        """
        from regimes.regions.plane import plane_cells

        network = self.explicit
        if network.inputs < 2:
            raise SubjectError("regions in a plane need two inputs; give --case input_dim=2")
        if network.inputs > 2:
            generator = self.randomness.generator("plane")
            drawn = torch.randn(
                (network.replicates, network.inputs, 3), generator=generator, device=generator.device, dtype=torch.float64
            )
            network = network.restricted_to_plane(drawn[:, :, 0], drawn[:, :, 1:])
        box = None if half_side is None else (-half_side, half_side, -half_side, half_side)
        # A mesh belongs to one network; the work inside each is vectorised over its faces.
        return np.array([plane_cells(network, box, index)[0] for index in range(network.replicates)], float)

    def mean_breakpoints(self, interval: tuple[float, float], mass: Mass) -> tuple[np.ndarray, np.ndarray]:
        """What the Kac-Rice formula expects of each layer given the layers below, and the pieces below; (R, L) each.

        For a unit with pre-activation z(t), its own bias left out, the formula's integral is a sum over the pieces of z.

        Arguments:
            interval: (a, b).
            mass: (z at the start of a piece, z at its end, its length) -> the integral of |dz/dt| rho(-z) over it.
        """
        network, found = self.on_a_line, self.line(interval)
        own = self.explicit.biases
        points = _points(found.breakpoints, interval)
        lengths = np.diff(points, axis=1)
        hidden, expected = points[:, None, :], []
        for weight, bias, alone in zip(network.weights, network.biases, own, strict=True):
            # Along a line through x0 the first layer's constant is W x0 + b, of which only b is the unit's own.
            z = np.matmul(weight.numpy(), hidden) + (bias - alone).numpy()[:, :, None]
            expected.append(mass(z[:, :, :-1], z[:, :, 1:], lengths[:, None, :]).sum((1, 2)))
            hidden = np.maximum(z + alone.numpy()[:, :, None], 0)
        below = 1 + np.concatenate([np.zeros((len(points), 1), int), found.per_layer.cumsum(1)[:, :-1]], 1)
        return np.stack(expected, 1), below


def _points(breakpoints: np.ndarray, interval: tuple[float, float]) -> np.ndarray:
    """a, the breakpoints, b; padding becomes b, where pieces have length 0."""
    a, b = (np.full((len(breakpoints), 1), end) for end in interval)
    return np.concatenate([a, np.where(np.isnan(breakpoints), interval[1], breakpoints), b], 1)
