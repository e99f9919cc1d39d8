from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes.theory import region_bounds as bounds
from regimes.theory.zaslavsky import cells

NETWORKS = st.tuples(st.integers(1, 6), st.lists(st.integers(1, 6), min_size=1, max_size=4))


def serra_by_direct_sum(inputs: int, widths: list[int], ranks: list[int]) -> int:
    total = 0
    for j in product(*(range(n + 1) for n in widths)):
        room = [min([inputs, ranks[l]] + [widths[i] - j[i] for i in range(l)]) for l in range(len(widths))]
        total += all(a <= b for a, b in zip(j, room, strict=True)) and prod(map(comb, widths, j))
    return total


@given(NETWORKS, st.data())
def test_the_dynamic_programme_is_the_direct_sum(network: tuple[int, list[int]], data: st.DataObject) -> None:
    inputs, widths = network
    ranks = [data.draw(st.integers(0, n)) for n in widths]
    assert bounds.serra_2018(inputs, widths, ranks) == serra_by_direct_sum(inputs, widths, ranks)
    assert bounds.serra_2018(inputs, widths) == serra_by_direct_sum(inputs, widths, widths)


@given(NETWORKS)
def test_the_upper_bounds_are_ordered(network: tuple[int, list[int]]) -> None:
    inputs, widths = network
    serra, montufar = bounds.serra_2018(inputs, widths), bounds.montufar_2017(inputs, widths)
    assert serra <= montufar <= bounds.layerwise(inputs, widths)
    assert montufar <= bounds.two_to_the_units(inputs, widths)
    assert bounds.maxout_serra(inputs, widths, 2) == montufar


@given(st.integers(1, 3), st.lists(st.integers(3, 6), min_size=1, max_size=4), st.integers(1, 2))
def test_what_is_reached_is_below_what_can_be(inputs: int, multiples: list[int], extra: int) -> None:
    widths = [inputs * m + extra for m in multiples]
    pascanu, montufar = bounds.pascanu_2013(inputs, widths), bounds.montufar_2014(inputs, widths)
    assert pascanu <= montufar <= bounds.serra_2018_lower(inputs, widths) <= bounds.serra_2018(inputs, widths)


@pytest.mark.parametrize(
    ("inputs", "widths", "expected"),
    [
        (2, [4, 4], (256, 121, 121, 121, 37)),
        (2, [6, 6, 6], (262144, 10648, 10648, 10648, 172)),
        (2, [2, 8], (1024, 148, 148, 56, 56)),
        (2, [8, 2, 8], (262144, 5476, 5476, 2072, 172)),
        (8, [4, 4], (256, 256, 256, 163, 256)),
        (4, [4, 4], (256, 256, 256, 163, 163)),
        (3, [5, 4], (512, 390, 390, 350, 130)),
    ],
)
def test_the_dossiers_upper_bounds(inputs: int, widths: list[int], expected: tuple[int, ...]) -> None:
    names = (bounds.two_to_the_units, bounds.layerwise, bounds.montufar_2017, bounds.serra_2018)
    assert (*(f(inputs, widths) for f in names), bounds.shallow_maximum(sum(widths), inputs)) == expected


def test_the_dossiers_other_upper_bounds() -> None:
    assert bounds.serra_2018(16, [8, 8]) == 39203
    assert bounds.serra_2018(2, [4, 4, 4]) == 1331
    assert bounds.serra_2018(3, [4, 4]) == 161
    assert bounds.serra_2018(1, [16]) == 17
    assert f"{bounds.serra_2018(2, [16, 16]):.1e} {bounds.serra_2018(2, [8] * 4):.1e}" == "1.9e+04 1.9e+06"
    assert f"{bounds.serra_2018(1, [32] * 4):.1e} {bounds.serra_2018(1, [32] * 8):.1e}" == "1.2e+06 1.4e+12"


def test_shallow_beats_deep_when_inputs_are_many() -> None:
    counts = [bounds.serra_2018(60, [60 // k] * k) for k in (1, 2, 3, 4, 6)]
    assert [f"{count:.1e}" for count in counts[1:]] == ["6.4e+17", "3.6e+17", "2.1e+17", "7.8e+16"]
    assert counts[0] == 2**60 == bounds.shallow_maximum(60, 60)


@pytest.mark.parametrize(
    ("inputs", "widths", "montufar"),
    [
        *((2, [4, 4], 44), (2, [4, 3], 28), (2, [6, 4], 99), (2, [4, 4, 3], 112), (2, [6, 6], 198), (2, [6, 6, 6], 1782)),
        *((2, [2, 8], 37), (2, [8, 2, 8], 592), (1, [3, 3], 12), (1, [4, 4, 4], 80), (1, [6, 6, 6], 252), (3, [6, 6], 336)),
    ],
)
def test_montufars_construction_count(inputs: int, widths: list[int], montufar: int) -> None:
    assert bounds.montufar_2014(inputs, widths) == montufar


def test_the_maximum_on_a_line() -> None:
    counts = {(3, 3): 16, (5, 4): 30, (4, 5, 3): 120, (3,) * 4: 256, (6,) * 3: 343, (4,) * 5: 3125, (8,) * 3: 729}
    for widths, count in counts.items():
        assert bounds.one_dimensional_maximum(widths) == count == bounds.serra_2018(1, widths)
    with pytest.raises(ValueError, match="got 2"):
        bounds.one_dimensional_maximum([3, 2])
    # The best of many random nets with width 2 stay below the product.
    for widths, best in (([2, 2], 7), ([2, 2, 2], 12), ([2, 1], 5), ([2, 3], 9)):
        assert best < bounds.layerwise(1, widths)


def breaks_of_a_chain(layers: list[list[tuple[int, int]]]) -> set[Fraction]:
    """Where a chain of maxout units of width 1 changes piece: kinks of each unit, pulled back through those before it."""

    def value(lines: list[tuple[int, int]], x: Fraction) -> Fraction:
        return max(a * x + b for a, b in lines)

    def solutions(lines: list[tuple[int, int]], y: Fraction) -> set[Fraction]:
        return {x for a, b in lines if a for x in [(y - b) / a] if value(lines, x) == y}

    found: set[Fraction] = set()
    for depth, lines in enumerate(layers):
        kinks = {Fraction(d - b, a - c) for a, b in lines for c, d in lines if a != c}
        kinks = {x for x in kinks if sum(a * x + b == value(lines, x) for a, b in lines) > 1}
        for before in reversed(layers[:depth]):
            kinks = {x for y in kinks for x in solutions(before, y)}
        found |= kinks
    return found


def test_a_maxout_chain_of_width_one_falls_short_of_the_theorem() -> None:
    generator = np.random.default_rng(0)
    most = 0
    for _ in range(3000):
        slopes, offsets = generator.integers(-9, 10, (2, 3)), generator.integers(-20, 21, (2, 3))
        layers = [[(int(a), int(b)) for a, b in zip(*pair, strict=True)] for pair in zip(slopes, offsets, strict=True)]
        most = max(most, 1 + len(breaks_of_a_chain(layers)))
    assert most == 1 + (3 - 1) * (2**2 - 1) < 3**2


def test_maxout() -> None:
    assert (bounds.maxout_line([4, 4], 3), bounds.maxout_serra(1, [4, 4], 3)) == (81, 169)
    assert bounds.maxout_line([5, 2], 2) == bounds.layerwise(1, [5, 2])
    assert bounds.maxout_montufar_2014(2, 3, 3) == 81 <= bounds.maxout_serra(2, [2, 2, 2], 3)


def test_depth_pays_late_or_never() -> None:
    assert [bounds.pascanu_2013(2, [4] * k) for k in range(2, 7)] == [22, 44, 88, 176, 352]
    assert [bounds.shallow_maximum(4 * k, 2) for k in range(2, 7)] == [37, 79, 137, 211, 301]
    assert bounds.depth_where_deep_pays(2, 4, bounds.pascanu_2013) == 6
    assert bounds.depth_where_deep_pays(2, 4, bounds.montufar_2014) == 2
    assert bounds.montufar_2014(2, [4] * 3) == 176
    assert bounds.depth_where_deep_pays(3, 6, bounds.pascanu_2013, limit=7) is None
    assert [bounds.pascanu_2013(3, [6] * k) for k in (2, 7)] == [84, 2688]
    assert [bounds.shallow_maximum(6 * k, 3) for k in (2, 7)] == [299, 12384]
    assert bounds.depth_where_deep_pays(3, 6, bounds.montufar_2014) == 2
    assert bounds.depth_where_deep_pays(3, 5, bounds.montufar_2014) is None
    assert bounds.depth_where_deep_pays(1, 3, bounds.montufar_2014) == 2 and bounds.shallow_maximum(6, 1) == 7


def test_arora() -> None:
    assert bounds.arora_2018(2, 3, 5, 3) == 2 * cells(2, 1) * 36
    assert bounds.arora_2018(2, 3, 5, 1) == 6


@pytest.mark.parametrize(
    "call",
    [
        lambda: bounds.serra_2018(0, [3]),
        lambda: bounds.serra_2018(2, []),
        lambda: bounds.serra_2018(2, [3, 0]),
        lambda: bounds.serra_2018(2, [3, 3], [3]),
        lambda: bounds.serra_2018(2, [3], [4]),
        lambda: bounds.montufar_2014(3, [2, 3]),
        lambda: bounds.serra_2018_lower(2, [5]),
        lambda: bounds.maxout_line([3], 1),
        lambda: bounds.arora_2018(2, 0, 3, 2),
        lambda: bounds.maxout_montufar_2014(1, 2, 3),
    ],
)
def test_bad_arguments(call) -> None:
    with pytest.raises(ValueError):
        call()
