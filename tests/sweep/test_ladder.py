from __future__ import annotations

import pytest
from test_grid import DEPTH, WIDTH, declare

from regimes import axes
from regimes.claim import Grid, at_least, at_most, where
from regimes.sweep.grid import GridError
from regimes.sweep.ladder import known_side, ladder, others, rows

EPSILON, DELTA = axes.epsilon(0.1, 0.9), axes.delta()
MAPPED = declare(axes.width(2, 1 << 22), DEPTH, EPSILON, DELTA, axes.choice("law", ("normal", "uniform")),
                 grid=Grid(x="width", y="depth", values={"width": (4, 64, 1024)},
                           fixed={"epsilon": 0.5, "delta": 0.1, "law": "normal"}))  # fmt: skip


def test_neighbours_differ_by_the_ratio_and_both_ends_are_there() -> None:
    found = ladder(MAPPED, "width")
    assert (found.coordinates[0], found.coordinates[-1], found.step) == (4, 1024, "ratio 1.005")
    assert all(isinstance(value, int) for value in found.coordinates)
    pairs = list(zip(found.coordinates, found.coordinates[1:], strict=False))
    assert all(low < high <= max(low + 1, low * 1.006 + 1) for low, high in pairs)
    assert found.key == f"4 to 1024, ratio 1.005, {len(pairs) + 1} coordinates"
    assert ladder(MAPPED, "width", resolution="2").coordinates == [4, 8, 16, 32, 64, 128, 256, 512, 1024]


def test_the_map_s_own_coordinates_and_every_integer() -> None:
    assert ladder(MAPPED, "width", resolution="grid").coordinates == [4, 64, 1024]
    assert ladder(MAPPED, "width", resolution="1.0001").coordinates == range(4, 1025)
    assert ladder(MAPPED, "width", {"width": (8, 16)}, "1.01").coordinates == range(8, 17)
    assert ladder(MAPPED, "delta").coordinates == [0.05, 0.1, 0.2, 0.3]


def test_an_axis_that_the_map_fixes_is_searched_over_its_whole_range() -> None:
    found = ladder(MAPPED, "epsilon")
    assert (found.coordinates[0], found.coordinates[-1], len(found.coordinates)) == (0.1, 0.9, 501)
    assert ladder(MAPPED, "epsilon", resolution="0.2").coordinates == [0.1, 0.3, 0.5, 0.7, 0.9]
    assert {case.width for case in rows(MAPPED, "epsilon")} == {4, 64, 1024}


@pytest.mark.parametrize(
    ("axis", "resolution", "says"),
    [
        ("inputs", None, "has no axis 'inputs'"),
        ("law", None, "words have no threshold"),
        ("width", "1", "a ratio above 1, as 1.01, or grid for the map's own coordinates; got '1'"),
        ("width", "fine", "got 'fine'"),
        ("width", "nan", "got 'nan'"),
        ("epsilon", "0", "a distance above 0"),
        ("epsilon", "1e-9", "take a coarser one"),
    ],
)
def test_what_makes_no_sense(axis: str, resolution: str | None, says: str) -> None:
    with pytest.raises(GridError) as raised:
        ladder(MAPPED, axis, resolution=resolution)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_range_of_one_coordinate_has_no_threshold() -> None:
    with pytest.raises(GridError, match="give one with --grid width=LOW:HIGH"):
        ladder(MAPPED, "width", {"width": (8,)})


def test_rows_are_the_combinations_of_the_other_coordinates() -> None:
    found = rows(MAPPED, "width", {"width": (8, 16), "epsilon": (0.2, 0.4)})
    assert [(case.epsilon, case.depth) for case in found] == [(e, d) for e in (0.2, 0.4) for d in (1, 2, 4)]
    assert others(found[0], "width") == {"depth": 1, "epsilon": 0.2, "delta": 0.1, "law": "normal"}


def test_the_side_is_that_of_the_premise_or_else_of_the_exact_boundary() -> None:
    least, most = at_least("width", lambda case: 4, ""), at_most("width", lambda case: 4, "")
    free = where(lambda case: True, "anything")
    assert known_side(declare(WIDTH, DEPTH, premise=least), "width") == "least"
    assert known_side(declare(WIDTH, DEPTH, premise=most, exact=least), "width") == "most"
    assert known_side(declare(WIDTH, DEPTH, premise=free, exact=most), "width") == "most"
    assert known_side(declare(WIDTH, DEPTH, premise=least & most), "width") is None
    assert known_side(declare(WIDTH, DEPTH, premise=least), "depth") is None
