from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shelf import shelf
from unfolding import unfolded

from regimes.report.model import views
from regimes.report.pages import evidence
from regimes.report.panel import folded

TEXTS = (
    ["a = 1, b = 2", "a = 1, b = 3", "a = 2, b = 2"], ["same"] * 5, ["", "x"], [None, "ab", None], [None, None],
    [f"width = {k}, depth = 3" for k in range(50)], ["one two", "one", "one two three"], ["aa", "aaa"], ["only"],
)  # fmt: skip


@pytest.mark.parametrize("texts", TEXTS)
def test_texts_come_back(texts: list[str | None]) -> None:
    assert unfolded(folded(texts), len(texts)) == texts


@given(st.lists(st.none() | st.text(alphabet="ab =", max_size=8), min_size=1, max_size=60))
def test_any_texts_come_back(texts: list[str | None]) -> None:
    assert unfolded(folded(texts), len(texts)) == texts


def test_what_texts_share_is_written_once() -> None:
    parts = folded([f"regimes check a/b --case width={w} --case depth={d} --error 1e-9" for w in (1, 2, 4) for d in (8, 9)])
    assert parts == [
        "regimes check a/b --case width=", {"of": ["1", "2", "4"], "at": "001122"}, " --case depth=",
        {"of": ["8", "9"], "at": "010101"}, " --error 1e-9",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "margin"),
    [
        ("probability", [("Margin", "0.02: a truth this close to the claimed value may end either way"),
                         ("Detectable", "0.1: a departure of this size would have been refuted with probability 0.95")]),
        ("inequality", [("Share", "0.02: violations in a smaller share of all networks may go unseen"),
                        ("Detectable", "0.1: violations in this share would have been seen with probability 0.95")]),
        ("empirical", [("Margin", "0.02 in probability: a median outside its range by less may end either way"),
                       ("Detectable", "0.1 in probability: a median this far outside would have been refuted with probability 0.95")]),
    ],
)  # fmt: skip
def test_a_margin_is_said_to_be_of_what_the_kind_says(kind: str, margin: list[tuple[str, str]]) -> None:
    one = views(shelf(), ["doe2019band/band"])[0].maps[0]
    assert set(margin) < set(evidence(one, next(iter(one.cells.values())), kind))
