"""Folds: piecewise affine maps against a plain loop, and what does not cover the space."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from regimes.flows.folds import Abs, Interval, Zigzag
from regimes.flows.protocol import FlowError

G = torch.Generator


def families():
    seeded = torch.Generator().manual_seed(3)
    return [
        Abs(5, seeded), Abs(5, seeded, "half"), Zigzag(5, seeded), Interval(5, 4, seeded),
    ]  # fmt: skip


@pytest.mark.parametrize("family", families(), ids=["abs", "abs of half-line", "zigzag", "interval"])
def test_pieces_agree_with_a_loop_and_invert(family):
    pieces = family.double()()
    pieces.check()
    x = torch.rand(5, 50, generator=G().manual_seed(1), dtype=torch.float64)
    x = x if pieces.source != "line" else 6 * x - 3
    k = pieces.locate(x)
    z = pieces.apply(x, k)
    for r in range(5):
        breaks = pieces.breaks[r].numpy()
        for n in range(50):
            branch = sum(x[r, n].item() > b for b in breaks)
            assert branch == k[r, n]
            slope = pieces.signs[r, branch] * pieces.log_slopes[r, branch].exp()
            by_hand = pieces.values[r, branch] + slope * (x[r, n] - pieces.anchors[r, branch])
            assert z[r, n] == pytest.approx(by_hand.item(), abs=1e-12)
            assert pieces.low[r, branch] - 1e-12 <= z[r, n] <= pieces.high[r, branch] + 1e-12
    np.testing.assert_allclose(pieces.invert(z, k), x, atol=1e-13)


def test_a_zigzag_is_continuous_and_folds_to_its_values():
    pieces = Zigzag(4, G().manual_seed(0)).double()()
    for side in (0, 1):
        b = pieces.breaks[:, side : side + 1]
        left, right = (pieces.apply(b, torch.full((4, 1), k)) for k in (side, side + 1))
        np.testing.assert_allclose(left, right, rtol=1e-15)
        np.testing.assert_array_equal(left, pieces.folds[:, 1 - side : 2 - side])


def test_phi_is_closed_above_in_both_precisions():
    for dtype in (torch.float32, torch.float64):
        pieces = Zigzag(4, G().manual_seed(0)).to(dtype)()
        assert (pieces.locate(pieces.breaks) == torch.arange(2)).all()
        above = torch.nextafter(pieces.breaks, torch.full_like(pieces.breaks, torch.inf))
        assert (pieces.locate(above) == torch.arange(1, 3)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: {"breaks": p.breaks.flip(1)}, "does not cover its space once"),
        (lambda p: {"breaks": p.breaks * torch.nan}, "breaks are not finite"),
        (lambda p: {"log_slopes": p.log_slopes + torch.inf}, "log slopes are not finite"),
        (lambda p: {"low": torch.full_like(p.low, 3.0), "high": torch.full_like(p.high, 4.0)}, "leave a gap"),
    ],
)
def test_what_does_not_cover_is_refused(change, message):
    pieces = Zigzag(2, G().manual_seed(0))()
    with pytest.raises(FlowError, match=message):
        replace(pieces, **change(pieces)).check()


def test_a_break_outside_the_interval_is_refused():
    pieces = Interval(2, 3, G().manual_seed(0))()
    with pytest.raises(FlowError, match=r"breaks .* in \[0, 1\]"):
        replace(pieces, breaks=pieces.breaks + 0.9).check()
