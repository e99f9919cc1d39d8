"""Many random flows at once against zuko's modules one by one, and RAD's density against a loop over points.

The couplings are timed behind a comparison with NumPy, coupling by coupling; autoregressive inverses behind equality with D
passes; RAD's density behind equality with the loop's.
"""

from __future__ import annotations

import pytest
import torch

from regimes.case import Case
from regimes.flows.anchors import against_realnvp
from regimes.flows.autoregressive import Autoregressive
from regimes.flows.subjects import rad
from regimes.randomness import Randomness

FLOWS, POINTS = 16, 64


def randomness(dtype: torch.dtype = torch.float32) -> Randomness:
    return Randomness("bench", torch.device("cpu"), dtype)


def test_couplings_against_zuko(race) -> None:
    what = f"{FLOWS} random RealNVPs, batch {POINTS}, 64 hidden units: forward, log-det, inverse, against zuko one by one"
    try:
        import zuko
    except ImportError:
        race.skip("G10", what, "zuko is not installed; pip install 'regimes[subjects]'")
    draws = rad("RealNVP", family="none", hidden=64)(Case({"input_dim": 8, "depth": 4}), FLOWS, randomness())
    assert float(abs(against_realnvp(draws)).max()) <= 1
    flow, x, batches = draws.flow, torch.randn(FLOWS, POINTS, 8), 8

    def ours() -> object:
        with torch.no_grad():
            for _ in range(batches):
                z, branches, _ = flow.forward(x)
                found = flow.inverse(z, branches)
            return found

    theirs = [zuko.flows.RealNVP(8, transforms=4, hidden_features=(64,)) for _ in range(FLOWS)]

    def other() -> None:
        with torch.no_grad():
            for module, points in zip(theirs, x, strict=True):
                transform = module().transform
                z, _ = transform.call_and_ladj(points)
                transform.inv(z)

    back, _ = race("G10", what, ours, other, wanted=10, work=batches, rounds=15)
    assert float((back - x).abs().max()) < 1e-3


@pytest.mark.parametrize(("flows", "points"), [(1, 2048), (8, 256)])
def test_autoregressive_inverse(race, flows: int, points: int) -> None:
    what = f"inverse of {flows} autoregressive flow(s), D = 64, 256 hidden units, batch {points}, against zuko's MAF"
    try:
        import zuko
    except ImportError:
        race.skip("G10", what, "zuko is not installed; pip install 'regimes[subjects]'")
    flow = rad("MAF", family="none", hidden=256, coupling=Autoregressive)(Case({"input_dim": 64, "depth": 1}), flows, randomness()).flow
    x = torch.randn(flows, points, 64)
    (layer,) = flow.parts()
    with torch.no_grad():
        z = layer(x).z
        passes = z
        for _ in range(64):
            log_s, shift = layer.scale_and_shift(passes)
            passes = (z - shift) / log_s.exp()
    torch.testing.assert_close(layer.inverse(z)[0], passes, rtol=0, atol=1e-4)
    theirs = [zuko.flows.MAF(64, transforms=1, hidden_features=(256,)) for _ in range(flows)]

    def other() -> None:
        with torch.no_grad():
            for module, latents in zip(theirs, z, strict=True):
                module().transform.inv.call_and_ladj(latents)

    race("G10", what, lambda: layer.inverse(z), other, wanted=20)


@pytest.mark.parametrize("points", [4096, 32768])
def test_rad_density_against_a_loop_over_points(race, points: int) -> None:
    draws = rad("RAD", family="interval", pieces=4)(Case({"input_dim": 8, "depth": 8}), 1, randomness())
    flow, x = draws.flow, torch.rand(1, points, 8)
    few, batches = 32, 8

    def loop() -> torch.Tensor:
        with torch.no_grad():
            return torch.cat([flow.log_density(x[:, k : k + 1]) for k in range(few)], 1)

    def ours() -> torch.Tensor:
        with torch.no_grad():
            for _ in range(batches):
                found = flow.log_density(x)
            return found

    torch.testing.assert_close(loop(), ours()[:, :few], rtol=1e-4, atol=1e-4)
    what = f"RAD log-density, D = 8, 8 folds of 4 pieces, {points} points, against one by one"
    race("G11", what, ours, loop, wanted=500, work=batches * points / few)
    row, each = race.rows[-1], 1e6 / (batches * points)
    what = f"microseconds a point of the same {points}; {each * row.other / points:.2g} are torch's dispatch, the time of one point over {points}"
    race.row(type(row)("G11", what, each * row.ours, 0.4, True, row.ours, dtypes="float32"))
