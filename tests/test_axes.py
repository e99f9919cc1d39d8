from __future__ import annotations

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

from regimes import axes
from regimes.axes import Axis


@given(st.data(), st.integers(1, 300), st.integers(0, 5000))
def test_draws_stay_on_a_logarithmic_axis(data: st.DataObject, low: int, extra: int) -> None:
    axis = Axis("width", low, low + extra, integer=True, logarithmic=True)
    value = data.draw(axis.strategy("thorough"))
    assert isinstance(value, int)
    assert low <= value <= low + extra


@given(st.data(), st.floats(0.01, 10), st.floats(0, 10))
def test_draws_stay_on_a_real_axis(data: st.DataObject, low: float, extra: float) -> None:
    axis = axes.real("x", low, low + extra)
    assert low <= data.draw(axis.strategy()) <= low + extra


@given(st.data(), st.integers(4, 4096))
def test_a_premise_may_push_past_the_profile_cap_but_not_past_the_axis(data: st.DataObject, least: int) -> None:
    value = data.draw(axes.width(4, 4096, quick=64).strategy("quick", at_least=least))
    assert least <= value <= max(64, 1.25 * least)


def test_both_ends_are_drawn() -> None:
    axis = axes.width(4, 100, default=100)
    assert find(axis.strategy(), lambda width: width == 4) == 4
    assert find(axis.strategy(), lambda width: width == 100) == 100


def test_an_empty_remainder_draws_nothing() -> None:
    assert axes.width(4, 64).strategy(at_least=65).is_empty


def test_grids() -> None:
    assert axes.width(4, 64).grid() == (4, 8, 16, 32, 64)
    assert axes.width(4, 64).grid(low=8, high=30) == (8, 16)
    assert axes.real("x", 0, 1).grid(points=3) == (0.0, 0.5, 1.0)
    assert axes.choice("profile", ["constant", "widening"]).grid() == ("constant", "widening")
    assert axes.width(4, 4096).grid(points=3) == (4, 128, 4096)


@pytest.mark.parametrize("text", ["3", "65", "8.5", "wide", "nan", "inf", ""])
def test_a_value_off_the_axis_says_what_it_takes(text: str) -> None:
    with pytest.raises(ValueError, match="off the axis width: it takes integers from 4 to 64"):
        axes.width(4, 64).parse(text)


def test_choices_parse_to_their_own_type() -> None:
    assert axes.delta(0.1, 0.05).parse("0.05") == 0.05
    assert axes.choice("profile", ["constant"]).parse("constant") == "constant"
    with pytest.raises(ValueError, match="one of"):
        axes.delta(0.1).parse("0.2")


def test_an_empty_axis_does_not_load() -> None:
    with pytest.raises(ValueError, match="is empty"):
        axes.width(10, 5)
    with pytest.raises(ValueError, match="starts above 0"):
        Axis("x", 0, 1, logarithmic=True)
    with pytest.raises(ValueError, match="at least one value"):
        axes.choice("x", [])
