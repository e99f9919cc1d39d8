"""Claims that are shipped judge what they state, and their controls are wrong for the reason that they name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from regimes.case import Case
from regimes.catalogue import claims_in, load_module
from regimes.claim import Claim
from regimes.kinds import Expectation, value_at
from regimes.randomness import Randomness
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


def test_the_posts_recursion_differs_from_the_exact_mean_by_its_map_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = shipped("luther2019variance", "sample-mean-exact-layer12")
    at = {"width": 64, "depth": 1, "spread": 0.0, "input_dim": 16}
    control = claim.controls["as printed"]
    case = Case({**at, **control.at})
    assert isinstance(control.kind, Expectation)
    assert isinstance(claim.kind, Expectation)
    wrong, right = control.kind.equals, claim.kind.equals
    assert wrong is not None
    assert right is not None
    assert abs(value_at(wrong, case) - value_at(right, case)) > 1.5 * value_at(control.kind.margin, case)
    monkeypatch.setattr(load_module(CLAIMS / "luther2019variance.py").cosine_map, "cosine_map_as_printed", cosine_map.cosine_map)
    for inputs in (2, 4, 8):
        case = case.replace(inputs=inputs)
        assert value_at(wrong, case) == pytest.approx(value_at(right, case), rel=1e-12)


def test_narrow_layers_never_pay_beyond_the_first() -> None:
    claim = shipped("pascanu2013regions", "deep-pays")
    for width in (3, 4, 5):
        case = Case({"width": width, **claim.controls["any width"].at})
        assert (claim.observable(np.arange(4), case) > 0.1).all()


def test_the_wrong_maxout_bound_has_the_exponent_that_it_names() -> None:
    claim = shipped("montufar2014regions", "montufar-maxout")
    control = claim.controls["k^n0 for every layer"]
    case = Case(control.at)
    networks = claim.subject(case, 2, Randomness("maxout", torch.device("cpu"), torch.float64))
    cells = np.array([found.cells for found in networks.counts()])
    assert control.observable is not None
    assert control.observable(networks, case) + cells == pytest.approx([3.0 ** (2 * 2)] * 2)
    assert cells.max() < 3 ** (2 * 2)


def test_squared_noise_is_not_half_the_noise() -> None:
    controls = shipped("pretorius2018dae", "dae-gd-order").controls
    noise = controls["ε² for ε"].at["noise"]
    assert isinstance(noise, float)
    assert noise**2 != pytest.approx(noise / 2, rel=0.1)


def test_noise_on_the_target_ends_elsewhere_and_does_not_diverge() -> None:
    claim = shipped("pretorius2018dae", "dae-fixed-point")
    control = claim.controls["noise on the target"]
    case = Case({"initial": 0.001, "training": 60.0, **control.at})
    assert control.subject is not None
    batch = control.subject(case, 256, Randomness("target", torch.device("cpu"), torch.float64))
    assert batch.products(1)[:, -1].numpy() == pytest.approx(np.ones(256), abs=1e-9)
    assert (claim.observable(batch, case) > 1e3).all()
