"""Independent weights and biases: standard variables of several laws, times a deviation.

On a CPU they are drawn in tiles that stay in its cache until they are multiplied, in float32 from NumPy's bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from regimes.randomness import Randomness, Stream
from regimes.subjects.single_noise import fill_normal, fill_uniform

Draw = Callable[[int, int, int, int, Randomness], Tensor]
Standard = Callable[[Tensor, Stream], Tensor]
TILE = 1 << 16  # weights drawn at once: 256 KiB in float32, a quarter of a core's cache
FEW = 1 << 13  # variables below which torch is as fast as NumPy, which takes a dozen calls
VECTOR = 16  # normal variables that torch makes together: in whole vectors, tiles are what a tensor drawn at once is


def tiles(replicates: int, rows: int, columns: int) -> Iterator[tuple[slice, slice]]:
    """Weights (R, rows, columns) in the order in which they are drawn: networks, or rows of one network; the largest first."""
    if rows * columns <= TILE:
        yield from ((networks, slice(0, rows)) for networks in slices(replicates, rows * columns))
    else:
        for network in range(replicates):
            yield from ((slice(network, network + 1), units) for units in slices(rows, columns))


def slices(count: int, size: int) -> Iterator[slice]:
    """0..count in slices of about TILE/size, whole vectors of entries."""
    whole = VECTOR // math.gcd(VECTOR, size)
    step = max(whole, TILE // max(1, size) // whole * whole)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def normal(out: Tensor, stream: Stream) -> Tensor:
    """Fills `out` with standard normal variables."""
    if _single(out):
        fill_normal(out.numpy(), stream.bits)
        return out
    return out.normal_(generator=stream.generator)


def uniform(out: Tensor, stream: Stream) -> Tensor:
    """Fills `out` with uniform variables on [-1, 1], variance 1/3."""
    if _single(out):
        fill_uniform(out.numpy(), stream.bits)
        return out
    return out.uniform_(-1, 1, generator=stream.generator)


def _single(out: Tensor) -> bool:
    """Whether NumPy's functions are the faster ones."""
    return out.device.type == "cpu" and out.dtype == torch.float32 and out.numel() >= FEW and out.is_contiguous()


def truncated(out: Tensor, stream: Stream) -> Tensor:
    """Fills `out` with standard normal variables cut at [-2, 2], variance 0.774: by inversion of the distribution function."""
    half = 0.5 * math.erf(2 / math.sqrt(2))
    u = torch.empty(out.shape, device=out.device, dtype=torch.float64).uniform_(-half, half, generator=stream.generator)
    return out.copy_(u.mul_(2).erfinv_().mul_(math.sqrt(2)))


def rademacher(out: Tensor, stream: Stream) -> Tensor:
    """Fills `out` with signs."""
    return out.bernoulli_(0.5, generator=stream.generator).mul_(2).sub_(1)


def centred_exponential(out: Tensor, stream: Stream) -> Tensor:
    """Fills `out` with exponential variables minus 1: variance 1, skewed."""
    return out.exponential_(generator=stream.generator).sub_(1)


@dataclass(frozen=True)
class scaled:
    """Independent weights: `standard` variables times deviation(rows, columns); a function with attributes, as `partial` is.

    Attributes:
        standard: `(out, stream) -> out` fills a tensor with independent variables of one law.
        deviation: `(rows, columns) -> factor`.
    """

    standard: Standard
    deviation: Callable[[int, int], float]

    def __call__(self, layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> Tensor:
        """W^l, shape (R, rows, columns)."""
        out = torch.empty(replicates, rows, columns, device=randomness.device, dtype=randomness.dtype)
        stream = self.stream(layer, randomness)
        if out.device.type == "cpu":
            for networks, units in tiles(replicates, rows, columns):
                self.standard(out[networks, units], stream)
        else:
            self.standard(out, stream)
        return out.mul_(self.deviation(rows, columns))

    def stream(self, layer: int, randomness: Randomness) -> Stream:
        """The stream of W^l."""
        return randomness.stream(f"weights {layer}")


def biases(standard: Standard, deviation: Callable[[int], float]) -> Draw:
    """Independent biases: `standard` variables times deviation(fan_in)."""

    def draw(layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> Tensor:
        out = torch.empty(replicates, rows, device=randomness.device, dtype=randomness.dtype)
        return standard(out, randomness.stream(f"biases {layer}")).mul_(deviation(columns))

    return draw
