from __future__ import annotations

import math

import pytest

from regimes import axes
from regimes.case import Case
from regimes.claim import Claim, Grid, Paper, always, at_least, at_most, claim
from regimes.kinds import Probability
from regimes.sweep.grid import (
    GridError,
    boundaries,
    boundary,
    cells,
    cost,
    in_shard,
    map_axes,
    parse_grid,
    parse_grids,
    parse_shard,
)

paper = Paper(key="doe2020coins", title="Coins", authors=("J. Doe",), year=2020, arxiv="2001.00001")
WIDTH, DEPTH = axes.width(2, 64), axes.depth(1, 4)


def declare(*given: axes.Axis, grid: Grid | None = None, premise=None, exact=None) -> Claim:
    def observable(networks, case):
        """What was seen."""
        return networks

    def subject(case, replicates, randomness):
        return None

    return claim(
        paper, "Theorem 1", id="heads", kind=Probability(at_least=0.9, margin=0.05), statement="p", axes=given,
        premise=premise or always("all"), subject=subject, controls={"one": subject, "two": subject}, grid=grid,
        exact=exact,
    )(observable)  # fmt: skip


def test_the_grid_of_a_claim_is_drawn_row_by_row() -> None:
    one = declare(WIDTH, DEPTH, axes.epsilon(0.1, 0.9),
                  grid=Grid(x="width", y="depth", values={"width": (2, 4)}, fixed={"epsilon": 0.5}))  # fmt: skip
    drawn = cells(one)
    assert [(case.depth, case.width) for case in drawn] == [(d, w) for d in (1, 2, 4) for w in (2, 4)]
    assert {case.epsilon for case in drawn} == {0.5}
    assert all(isinstance(case.width, int) for case in drawn)


def test_without_a_grid_the_first_two_axes_are_drawn() -> None:
    one = declare(WIDTH, DEPTH, axes.choice("nonlinearity", ("relu", "tanh")))
    assert map_axes(one) == ("width", "depth")
    assert len(cells(one)) == 6 * 3
    assert {case.nonlinearity for case in cells(one)} == {"relu"}
    assert map_axes(declare(WIDTH)) == ("width", None)
    assert [case.width for case in cells(declare(WIDTH))] == [2, 4, 8, 16, 32, 64]


def test_overrides_replace_columns_and_may_open_a_fixed_axis() -> None:
    one = declare(WIDTH, DEPTH, axes.epsilon(0.1, 0.9), grid=Grid(x="width", y="depth", fixed={"epsilon": 0.5}))
    drawn = cells(one, {"width": (8,), "depth": (1, 3), "epsilon": (0.2, 0.4)})
    assert [(case.epsilon, case.depth) for case in drawn] == [(0.2, 1), (0.2, 3), (0.4, 1), (0.4, 3)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("width=4:64", (4, 8, 16, 32, 64)),
        ("width=3:20", (3, 6, 12)),
        ("width=4, 8,16", (4, 8, 16)),
        ("width=8,8", (8,)),
        ("width=5:5", (5,)),
        ("width=4:64:3", (4, 16, 64)),
        ("epsilon=0.1:0.9:5", (0.1, 0.3, 0.5, 0.7, 0.9)),
        ("delta=0.1:0.25", (0.2, 0.1)),
        ("delta=0.05", (0.05,)),
        ("nonlinearity=tanh", ("tanh",)),
    ],
)
def test_grid_texts(text: str, values: tuple) -> None:
    one = declare(WIDTH, axes.epsilon(0.1, 0.9), axes.delta(), axes.choice("nonlinearity", ("relu", "tanh")))
    assert parse_grid(one, [text]) == {text.partition("=")[0]: values}


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("law=He, N(0, 1) biases", ("He, N(0, 1) biases",)),
        ("law=He,He, N(0, 1) biases , x: 2", ("He", "He, N(0, 1) biases", "x: 2")),
        ("law=He, He", ("He",)),
    ],
)
def test_choices_with_commas_and_colons_can_be_named(text: str, values: tuple) -> None:
    one = declare(WIDTH, axes.choice("law", ("He", "He, N(0, 1) biases", "x: 2")))
    assert parse_grid(one, [text]) == {"law": values}
    with pytest.raises(GridError, match="it takes one of 'He', 'He, N\\(0, 1\\) biases', 'x: 2'"):
        parse_grid(one, ["law=He, N(0, 1)"])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("heigth=4:8", "has no axis 'heigth'; its axes are width, epsilon, delta, nonlinearity"),
        ("width", "--grid takes AXIS=RANGE"),
        ("width=", "--grid takes AXIS=RANGE"),
        ("width=64:4", "the range is reversed; write width=4:64"),
        ("width=4:", "'' is off the axis width: it takes integers from 2 to 64"),
        ("width=4:100", "'100' is off the axis width: it takes integers from 2 to 64"),
        ("width=4,,8", "off the axis width"),
        ("width=4.5", "off the axis width"),
        ("width=nan:8", "off the axis width"),
        ("width=4:64:0", "the number of points is a whole number from 1; got '0'"),
        ("width=4:8:2:2", "a range is LOW:HIGH or LOW:HIGH:POINTS"),
        ("delta=0.06:0.09", "the range is empty; delta takes one of 0.3, 0.2, 0.1, 0.05"),
        ("delta=0.3:0.1", "the range is reversed"),
        ("nonlinearity=a:b", "a range needs numbers"),
    ],
)
def test_grid_texts_that_make_no_sense(text: str, says: str) -> None:
    one = declare(WIDTH, axes.epsilon(0.1, 0.9), axes.delta(), axes.choice("nonlinearity", ("relu", "tanh")))
    with pytest.raises(GridError) as raised:
        parse_grid(one, [text])
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
    assert isinstance(raised.value, ValueError)


def test_with_several_claims_an_axis_must_belong_to_one() -> None:
    deep, flat = declare(WIDTH, DEPTH), declare(WIDTH)
    object.__setattr__(flat, "slug", "flat")
    assert parse_grids([deep, flat], ["depth=1,2"]) == {deep.id: {"depth": (1, 2)}, flat.id: {}}
    with pytest.raises(GridError, match="which no claim here has"):
        parse_grids([deep, flat], ["inputs=1,2"])


def test_values_off_the_axis_and_unknown_axes_in_overrides() -> None:
    one = declare(WIDTH, DEPTH)
    with pytest.raises(GridError, match="has no axis 'inputs'"):
        cells(one, {"inputs": (1,)})
    with pytest.raises(GridError, match="128 is off the axis width"):
        cells(one, {"width": (128,)})


def test_boundaries_are_the_tightest_on_the_x_axis() -> None:
    both = at_least("width", lambda case: 4 * case.depth, "w") & at_least("width", lambda case: 10, "ten")
    one = declare(WIDTH, DEPTH, premise=both, exact=at_least("width", lambda case: 3, "three"))
    assert boundaries(one, Case({"width": 2, "depth": 1})) == (10, 3)
    assert boundaries(one, Case({"width": 2, "depth": 4})) == (16, 3)
    assert boundaries(declare(WIDTH, DEPTH), Case({"width": 2, "depth": 4})) == (None, None)
    low = at_most("width", lambda case: 9, "") & at_most("width", lambda case: 8, "")
    assert boundary(low, "width", Case({"width": 2})) == 8
    huge = at_least("width", lambda case: math.exp(1000 * case.depth), "")
    assert boundary(huge, "width", Case({"depth": 4})) == math.inf


def test_shards_part_the_cells() -> None:
    drawn = cells(declare(WIDTH, DEPTH))
    parts = [[case for case in drawn if in_shard("a/b", case, (k, 3))] for k in (1, 2, 3)]
    assert sorted(case.key for part in parts for case in part) == sorted(case.key for case in drawn)
    assert all(parts)
    fewer = [case for case in drawn if case.width > 4]
    assert [case for case in fewer if in_shard("a/b", case, (1, 3))] == [case for case in parts[0] if case.width > 4]
    assert parse_shard("2/3") == (2, 3)


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "-1/2", "1/0", ""])
def test_shards_that_make_no_sense(text: str) -> None:
    with pytest.raises(GridError, match="--shard takes K/N"):
        parse_shard(text)


def test_cost_is_the_product_of_sizes() -> None:
    assert cost(Case({"width": 8, "depth": 4, "epsilon": 0.1, "bias": True, "nonlinearity": "relu"})) == 32
