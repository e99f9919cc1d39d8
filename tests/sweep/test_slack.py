from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes.sweep.slack import rows, side_of, summary

LETTER = {"h": "holds", "r": "refuted", "u": "undecided"}


def row(verdicts: str, premise: float | None = 8, exact: float | None = None, least: bool = True, **others) -> list:
    cells = []
    for index, letter in enumerate(verdicts):
        x = 2**index
        inside = premise is not None and (x >= premise if least else x <= premise)
        cells.append({
            "case": {"width": x, "depth": others.get("depth", 1)}, "subject": others.get("subject", "ours"), "seed": 0,
            "settings": {"dtype": "float32"}, "verdict": LETTER[letter], "inside": inside,
            "premise_boundary": premise, "exact_boundary": exact,
        })  # fmt: skip
    return cells


@pytest.mark.parametrize(
    ("verdicts", "threshold", "refuted"),
    [
        ("rrhhh", 4, 2),
        ("rhrhh", 8, 4),
        ("rruhh", 8, 2),
        ("hhhhh", 1, None),
        ("rrrrr", None, 16),
        ("hhhhr", None, 16),
        ("uuuuu", None, None),
    ],
)
def test_threshold_is_where_all_larger_cells_hold(verdicts: str, threshold, refuted) -> None:
    (found,) = rows(row(verdicts), "width")
    assert (found.threshold, found.refuted) == (threshold, refuted)
    assert found.slack == (None if threshold is None else 8 / threshold)
    assert found.open_ended == (threshold == 1)
    assert found.undecided == verdicts.count("u")


def test_slack_against_the_exact_boundary() -> None:
    (found,) = rows(row("rrhhh", premise=12, exact=3), "width")
    assert (found.slack, found.slack_exact) == (3, 4)
    (free,) = rows(row("rrhhh", premise=None, exact=3), "width")
    assert (free.slack, free.slack_exact, free.vacuous) == (None, None, True)


def test_a_bound_that_no_cell_meets_is_vacuous() -> None:
    found = rows(row("rrhhh", premise=1000) + row("rrhhh", premise=300, depth=2) + row("rrhhh", depth=3), "width")
    assert [one.vacuous for one in found] == [True, True, False]
    assert summary(found[:2]).vacuous
    whole = summary(found)
    assert not whole.vacuous
    assert (whole.vacuous_rows, whole.needed) == (2, 300)
    assert (whole.smallest, whole.median, whole.largest) == (2, 75, 250)
    (never,) = rows(row("rrhhh", premise=math.inf), "width")
    assert (never.vacuous, never.slack) == (True, math.inf)


def test_upper_bounds_read_the_other_way_round() -> None:
    cells = row("hhhrr", premise=2, exact=4, least=False)
    assert side_of(cells, "width") == "most"
    (found,) = rows(cells, "width")
    assert (found.side, found.threshold, found.refuted) == ("most", 4, 8)
    assert (found.slack, found.slack_exact) == (2, 2)


def test_subjects_and_other_axes_are_never_mixed_in_a_row() -> None:
    found = rows(row("rrhhh") + row("rrrhh", depth=2) + row("hhhhh", subject="theirs"), "width")
    assert [(one.fixed["depth"], one.subject, one.threshold) for one in found] == [
        (1, "ours", 4), (2, "ours", 8), (1, "theirs", 1),
    ]  # fmt: skip


def test_a_categorical_axis_has_no_threshold() -> None:
    cells = row("rh")
    for cell in cells:
        cell["case"]["width"] = "relu"
    assert rows(cells, "width") == []
    assert side_of(cells, "width") == "least"
    assert summary([]).median is None
    assert not summary([]).vacuous


@given(st.text(alphabet="hru", min_size=1, max_size=8), st.randoms())
def test_the_order_of_cells_does_not_matter(verdicts: str, random) -> None:
    cells = row(verdicts)
    shuffled = random.sample(cells, len(cells))
    assert rows(shuffled, "width") == rows(cells, "width")
