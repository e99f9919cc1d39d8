from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regimes.decide import Budget


@given(st.floats(1e-12, 0.5), st.integers(1, 600), st.integers(1, 50), st.integers(1, 400))
def test_everything_a_claim_may_spend_fits_its_place(alpha: float, claims: int, controls: int, examples: int) -> None:
    budget = Budget(alpha, claims)
    examples_sum = sum(budget.example(i) for i in range(1, examples + 1))
    controls_sum = sum(
        budget.control(j, controls) * budget.series(i) for j in range(1, controls + 1) for i in range(1, examples + 1)
    )
    assert examples_sum + controls_sum <= alpha / claims * (1 + 1e-12)


@given(st.integers(1, 10_000))
def test_cells_share_a_place(cells: int) -> None:
    assert Budget(1e-6).cell(cells) * cells == pytest.approx(1e-6 / 512)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="alpha lies in"):
        Budget(1.0)
    with pytest.raises(ValueError, match="places for 2 claims; 3 were collected"):
        Budget(0.1, 2).admit(3)
    with pytest.raises(ValueError, match="counted from 1"):
        Budget(0.1).example(0)
    with pytest.raises(ValueError, match="counted from 1 to 2"):
        Budget(0.1).control(3, 2)
    with pytest.raises(ValueError, match="at least one cell"):
        Budget(0.1).cell(0)
