from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes.case import Case

values = st.dictionaries(
    st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True),
    st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.text(max_size=5),
    max_size=5,
)


@given(values)
def test_a_case_survives_json_and_pickle(coordinates: dict) -> None:
    case = Case(coordinates)
    assert Case(json.loads(case.key)) == case
    assert pickle.loads(pickle.dumps(case)) == case
    assert hash(Case(coordinates)) == hash(case)


@given(values)
def test_order_of_axes_does_not_change_the_key(coordinates: dict) -> None:
    assert Case(dict(reversed(coordinates.items()))).key == Case(coordinates).key


def test_a_case_is_immutable_and_says_how_to_change_it() -> None:
    with pytest.raises(AttributeError, match=r"case\.replace\(width=\.\.\.\)"):
        Case({"width": 1}).width = 2
    assert Case({"width": 1}).replace(width=2).width == 2


def test_an_unknown_axis_names_the_known_ones() -> None:
    with pytest.raises(AttributeError, match="no axis 'dept'; its axes are width, depth"):
        _ = Case({"width": 1, "depth": 2}).dept


def test_a_coordinate_is_plain() -> None:
    import numpy as np

    assert Case({"width": np.int64(3)}).key == '{"width":3}'
    with pytest.raises(TypeError, match="a number or a string"):
        Case({"width": [1]})
