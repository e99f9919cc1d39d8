from __future__ import annotations

import math

import pytest

from regimes.case import Case
from regimes.errors import ClaimError
from regimes.premise import at_least, where

CASE = Case({"width": 4, "depth": 2})


def no_bound(case):
    """Forgot to return it."""


@pytest.mark.parametrize(
    ("premise", "sentence"),
    [
        (where(lambda case: case.widht > 3, "wide"), r"the premise of test_premise.py, line \d+, raised MissingAxis \(the case has no axis 'widht'; its axes are width, depth\)"),
        (where(len, "no predicate"), None),
        (at_least("width", lambda case: 1 / (case.depth - 2)), r"the bound on width of test_premise.py, line \d+, raised ZeroDivisionError"),
        (at_least("width", no_bound), r"the bound on width of test_premise.py, line \d+, raised TypeError .*NoneType"),
        (at_least("width", math.sqrt), r"the bound on width raised TypeError"),
    ],
)  # fmt: skip
def test_a_premise_that_raises_is_one_sentence_with_its_line_and_the_case(premise, sentence: str | None) -> None:
    if sentence is None:
        assert premise.holds(CASE)
        return
    with pytest.raises(ClaimError, match=sentence) as failure:
        premise.holds(CASE)
    assert str(failure.value).endswith('at {"depth":2,"width":4}')


def test_a_bound_that_no_float_can_hold_is_infinite() -> None:
    premise = at_least("width", lambda case: 10**400)
    assert premise.boundary("width", CASE) == math.inf
    assert not premise.holds(CASE)
