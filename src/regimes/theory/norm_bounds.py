"""Widths at which norm preservation is promised: the safe form of the theorem, the bound as plotted, and mutants.

D. Arpit, Y. Bengio (2019), arXiv 1901.03611. The constants follow from Chernoff's bound: with g ~ N(0, 1),
E exp(s relu(g)^2) = (1 + (1-2s)^(-1/2))/2; s = eps/(2(1+eps)) gives P(r > 1+eps) <= exp(-m f(eps)) and
s = -eps/(2(1-eps)) gives P(r < 1-eps) <= exp(-m f(-eps)) with f(-eps) >= f(eps).
"""

from __future__ import annotations

import math


def rate(eps: float) -> float:
    """f(eps) = eps/4 + log(2/(1 + sqrt(1+eps))), which is 3 eps^2/32 + O(eps^3)."""
    if abs(eps) < 1e-4:
        # The two terms of order eps cancel; the series does not.
        return eps**2 * (3 / 32 - 5 * eps / 96 + 35 * eps**2 / 1024)
    # (1 + sqrt(1+eps))/2 - 1 without its own cancellation, in log1p.
    return eps / 4 - math.log1p(eps / (2 * (1 + math.sqrt(1 + eps))))


def layer_tolerance(eps: float, depth: int) -> float:
    """Eps' = (1+eps)^(1/depth) - 1, the tolerance of one layer."""
    return math.expm1(math.log1p(eps) / depth)


def norm_preservation_width(eps: float, depth: int, inputs: int, delta: float) -> float:
    """The safe form: every hidden width at least log(2 N L/delta)/f(eps')."""
    return math.log(2 * inputs * depth / delta) / rate(layer_tolerance(eps, depth))


def width_as_plotted(eps: float, depth: int, inputs: int, delta: float) -> float:
    """The width (4/eps') log(4 N L/delta) of the authors' plotting script, linear in 1/eps'."""
    return 4 / layer_tolerance(eps, depth) * math.log(4 * inputs * depth / delta)


def width_with_linear_rate(eps: float, depth: int, inputs: int, delta: float) -> float:
    """A mutant: f(eps') replaced by eps'/4."""
    return math.log(2 * inputs * depth / delta) / (layer_tolerance(eps, depth) / 4)


def width_without_root(eps: float, depth: int, inputs: int, delta: float) -> float:
    """A mutant: eps itself in every layer, without the root."""
    return math.log(2 * inputs * depth / delta) / rate(eps)


def width_without_union(eps: float, depth: int, inputs: int, delta: float) -> float:
    """A mutant: log(2/delta) without the union over inputs and layers."""
    return math.log(2 / delta) / rate(layer_tolerance(eps, depth))
