"""How many linear regions a network with given widths can have: bounds from above, and what is reached from below.

Networks are (n0; n_1, .., n_L): inputs n0, hidden widths n_l, N units in all; Zas(n, d) = sum_{j<=d} C(n, j).
Regions counted in any way (distinct maps, linear regions, activation patterns) obey the upper bounds, in the order
serra <= montufar_2017 <= layerwise and serra <= 2^N. A lower bound is what the best weights reach at least.

R. Pascanu, G. Montufar, Y. Bengio, On the number of response regions (ICLR 2014, 1312.6098); G. Montufar, R. Pascanu,
K. Cho, Y. Bengio, On the number of linear regions (NeurIPS 2014, 1402.1869); G. Montufar, Notes on the number of linear
regions (2017); T. Serra, C. Tjandraatmadja, S. Ramalingam, Bounding and counting linear regions (ICML 2018, 1711.02114);
R. Arora, A. Basu, P. Mianjy, A. Mukherjee, Understanding deep networks with rectified linear units (ICLR 2018, 1611.01491).

An erratum: prod (n_l + 1) is the maximum on a line for widths of 3 and more only (Serra's theorem 5). Two units cannot
make three pieces that alternate in slope, and 2, 2 reaches 7 pieces, not 9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import accumulate
from math import comb, prod

from regimes.theory.zaslavsky import cells

Bound = Callable[[int, Sequence[int]], int]


def two_to_the_units(inputs: int, widths: Sequence[int]) -> int:
    """2^N, one region a pattern (Montufar et al. 2014); `inputs` n0 and hidden `widths` as everywhere here."""
    _check(inputs, widths)
    return 2 ** sum(widths)


def layerwise(inputs: int, widths: Sequence[int]) -> int:
    """prod_l Zas(n_l, n0): every layer cuts every region with n_l hyperplanes."""
    _check(inputs, widths)
    return prod(cells(n, inputs) for n in widths)


def montufar_2017(inputs: int, widths: Sequence[int]) -> int:
    """prod_l Zas(n_l, min(n0, .., n_l)): the image of a layer has no more dimensions than the narrowest so far."""
    _check(inputs, widths)
    return prod(cells(n, d) for n, d in zip(widths, _dimensions(inputs, widths), strict=True))


def serra_2018(inputs: int, widths: Sequence[int], ranks: Sequence[int] | None = None) -> int:
    """Sum over J of prod_l C(n_l, j_l), J = {j_l <= min(n0, n_1 - j_1, .., n_(l-1) - j_(l-1), n_l)}: Serra's theorem 1.

    Arguments:
        inputs: n0.
        widths: n_1, .., n_L.
        ranks: rank of each W_l, which then stands for the last n_l.

    Raises:
        ValueError: there is no layer, a width is not positive, or the ranks are not one for each layer within it.
    """
    _check(inputs, widths)
    ranks = tuple(widths) if ranks is None else tuple(ranks)
    if len(ranks) != len(widths) or not all(0 <= r <= n for r, n in zip(ranks, widths, strict=True)):
        raise ValueError(f"a layer of n units has a rank in 0..n; got ranks {list(ranks)} for widths {list(widths)}")

    @cache
    def beyond(layer: int, dimension: int) -> int:
        if layer == len(widths):
            return 1
        n = widths[layer]
        return sum(comb(n, j) * beyond(layer + 1, min(dimension, n - j)) for j in range(min(ranks[layer], dimension) + 1))

    return beyond(0, inputs)


def one_dimensional_maximum(widths: Sequence[int]) -> int:
    """The product of (n_l + 1), exactly the most regions of a line (Serra's theorem 5).

    Arguments:
        widths: hidden widths, all at least 3.

    Raises:
        ValueError: a width is below 3, where this is a bound that is not reached: `layerwise(1, widths)`.
    """
    _check(1, widths)
    if min(widths) < 3:
        raise ValueError(f"the maximum on a line is known for widths of at least 3; got {min(widths)}")
    return prod(n + 1 for n in widths)


def maxout_serra(inputs: int, widths: Sequence[int], rank: int) -> int:
    """prod_l Zas(k(k-1)n_l/2, min(n0, .., n_l)) for maxout units of rank k >= 2 (Serra's theorem 8)."""
    _check(inputs, widths, rank)
    return prod(cells(rank * (rank - 1) // 2 * n, d) for n, d in zip(widths, _dimensions(inputs, widths), strict=True))


def maxout_line(widths: Sequence[int], rank: int) -> int:
    """prod_l (n_l(k-1) + 1), on a line: a maximum of k affine functions has at most k-1 kinks."""
    _check(1, widths, rank)
    return prod(n * (rank - 1) + 1 for n in widths)


def pascanu_2013(inputs: int, widths: Sequence[int]) -> int:
    """prod_{l<L} floor(n_l/n0) Zas(n_L, n0), reached by some weights if every n_l >= n0."""
    _check_wide(inputs, widths, 1)
    return prod(n // inputs for n in widths[:-1]) * cells(widths[-1], inputs)


def montufar_2014(inputs: int, widths: Sequence[int]) -> int:
    """prod_{l<L} floor(n_l/n0)^n0 Zas(n_L, n0), reached by some weights if every n_l >= n0 (theorem 4)."""
    _check_wide(inputs, widths, 1)
    return prod((n // inputs) ** inputs for n in widths[:-1]) * cells(widths[-1], inputs)


def serra_2018_lower(inputs: int, widths: Sequence[int]) -> int:
    """prod_{l<L} (floor(n_l/n0) + 1)^n0 Zas(n_L, n0), reached by some weights if every n_l >= 3 n0 (theorem 6)."""
    _check_wide(inputs, widths, 3)
    return prod((n // inputs + 1) ** inputs for n in widths[:-1]) * cells(widths[-1], inputs)


def arora_2018(inputs: int, generators: int, width: int, depth: int) -> int:
    """2 Zas(m-1, n0-1) (w+1)^(L-1) for a zonotope of m generators, 2m units, then L-1 layers of w (Serra's theorem 7).

    Arora et al. have w in place of w + 1.
    """
    _check(inputs, [width] * depth)
    if generators < 1:
        raise ValueError(f"a zonotope has at least one generator; got {generators}")
    return 2 * cells(generators - 1, inputs - 1) * (width + 1) ** (depth - 1)


def maxout_montufar_2014(inputs: int, depth: int, rank: int) -> int:
    """k^(L-1) k^n0 for L layers of n0 maxout units of rank k (theorem 8), where the statement can hold.

    Arguments:
        inputs: n0, the width of all layers.
        depth: L.
        rank: k.

    Raises:
        ValueError: one input, rank 3 or more and two layers or more: a convex function takes a value twice at most, so
            that a chain of width 1 has at most 1 + (k-1)(2^L - 1) regions, 7 and not 9 for k = 3 and L = 2.
    """
    _check(inputs, [inputs] * depth, rank)
    if inputs == 1 and rank > 2 and depth > 1:
        raise ValueError(f"a chain of width 1 cannot reach k^L regions for rank k above 2; got rank {rank}, depth {depth}")
    return rank ** (depth - 1 + inputs)


def shallow_maximum(units: int, inputs: int) -> int:
    """Zas(N, n0): what one hidden layer of N units reaches for almost all weights."""
    _check(inputs, [units])
    return cells(units, inputs)


def depth_where_deep_pays(inputs: int, width: int, bound: Bound, limit: int = 50) -> int | None:
    """The fewest layers k <= limit of n units with bound(n0; n, .., n) > Zas(kn, n0); None if there are none.

    Arguments:
        inputs: n0.
        width: n.
        bound: a lower bound of this module.
        limit: most layers tried.
    """
    deep = (k for k in range(1, limit + 1) if bound(inputs, [width] * k) > shallow_maximum(k * width, inputs))
    return next(deep, None)


def _dimensions(inputs: int, widths: Sequence[int]) -> list[int]:
    """min(n0, n_1, .., n_l) for every layer l."""
    return list(accumulate(widths, min, initial=inputs))[1:]


def _check(inputs: int, widths: Sequence[int], rank: int = 2) -> None:
    if inputs < 1:
        raise ValueError(f"a network has at least one input; got {inputs}")
    if len(widths) == 0 or min(widths) < 1:
        raise ValueError(f"a network has hidden layers of at least one unit; got widths {list(widths)}")
    if rank < 2:
        raise ValueError(f"a maxout unit takes the maximum of at least 2 functions; got {rank}")


def _check_wide(inputs: int, widths: Sequence[int], multiple: int) -> None:
    _check(inputs, widths)
    if min(widths) < multiple * inputs:
        raise ValueError(f"this bound needs widths of at least {multiple} x {inputs} inputs; got {min(widths)}")
