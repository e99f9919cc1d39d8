"""Claims that are shipped judge what they state, and their controls are wrong for the reason that they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from regimes.case import Case
from regimes.catalogue import claims_in
from regimes.claim import Claim
from regimes.kinds import Expectation, value_at
from regimes.theory import cosine_map

CLAIMS = Path(__file__).parents[1] / "claims"


def shipped(file: str, slug: str) -> Claim:
    (found,) = (claim for claim in claims_in(CLAIMS / f"{file}.py") if claim.slug == slug)
    return found


@pytest.mark.parametrize("depth", [2, 5, 16])
def test_layer_norm_is_held_to_the_decay_of_the_layer_before(depth: int) -> None:
    kind = shipped("luther2019variance", "layernorm-does-not").kind
    assert isinstance(kind, Expectation)
    case = Case({"width": 1024, "depth": depth, "inputs": 2, "cosine": 0.0, "spread": 0.3, "input_dim": 2})
    assert kind.at_most is not None
    assert value_at(kind.at_most, case) == pytest.approx(1.5 * cosine_map.gap(1.0, depth - 1) / 2)
