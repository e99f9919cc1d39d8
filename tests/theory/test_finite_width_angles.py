from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from regimes.theory import finite_width_angles as angles


@pytest.mark.parametrize(("cosine", "constant"), [(0.0, 10.65), (0.5, 8.37), (0.9, 4.09), (-0.5, 11.74)])
def test_the_floor_constant(cosine: float, constant: float) -> None:
    assert angles.floor_constant(1 - cosine) == pytest.approx(constant, rel=0.005)


def test_the_variance_of_the_log_ratio_by_simulation() -> None:
    assert angles.log_ratio_variance(np.pi / 2) == pytest.approx(10)
    assert angles.log_ratio_variance(0.0) == pytest.approx(0, abs=1e-12)
    generator = np.random.default_rng(0)
    theta, width = 0.8, 1000
    y = generator.standard_normal((4000, width, 2))
    second = np.cos(theta) * y[:, :, 0] + np.sin(theta) * y[:, :, 1]
    q = [(np.maximum(one, 0) ** 2).sum(1) for one in (y[:, :, 0], second)]
    assert width * np.log(q[0] / q[1]).var() == pytest.approx(float(angles.log_ratio_variance(theta)), rel=0.08)


@pytest.mark.parametrize("width", [8, 64, 1024])
def test_the_fourth_moment_is_bounded_at_every_angle(width: int) -> None:
    generator = np.random.default_rng(2)
    y = generator.standard_normal((2_000_000 // width, width, 2))
    for theta in (0.3, np.pi / 2, 2.5):
        second = np.cos(theta) * y[:, :, 0] + np.sin(theta) * y[:, :, 1]
        q = [(np.maximum(one, 0) ** 2).sum(1) for one in (y[:, :, 0], second)]
        alive = (q[0] > 0) & (q[1] > 0)
        measured = (np.log(q[0][alive] / q[1][alive]) ** 4).mean()
        assert measured < angles.fourth_moment_bound(width)
    # The bound is of the right order: 16 times 3 (5/n)^2 for wide layers.
    assert angles.fourth_moment_bound(4096) == pytest.approx(16 * 75 / 4096**2, rel=0.05)


@pytest.mark.parametrize("width", [2, 3, 16, 200])
def test_the_law_at_small_angles(width: int) -> None:
    generator = np.random.default_rng(1)
    theta = 1e-7
    y = generator.standard_normal((4000, width, 2))
    one, two = y[:, :, 0], np.cos(theta) * y[:, :, 0] + np.sin(theta) * y[:, :, 1]
    h, g = np.maximum(one, 0), np.maximum(two, 0)
    alive = ((h > 0).sum(1) >= 2) & ((g > 0).sum(1) >= 2)
    h, g = h[alive], g[alive]
    # The part of g across h, from their difference: the angle is far below what a cosine could tell.
    d = g - h
    across = d - h * ((d * h).sum(1) / (h * h).sum(1))[:, None]
    ratio = (across**2).sum(1) / (g**2).sum(1) / np.sin(theta) ** 2
    assert stats.kstest(angles.small_angle_cdf(ratio, width), "uniform").pvalue > 1e-4
    if width >= 16:
        assert np.log(ratio).mean() == pytest.approx(-angles.mean_log_shrinkage(width), abs=4 * np.sqrt(12 / width / len(ratio)))


def test_the_mean_of_the_law_is_its_closed_form() -> None:
    width = 20
    mean = quad(lambda t: angles.small_angle_cdf(np.array(np.exp(-t)), width), 0, 60)[0]
    rest = quad(lambda t: 1 - angles.small_angle_cdf(np.array(np.exp(t)), width), 0, 60)[0]
    assert rest - mean == pytest.approx(-angles.mean_log_shrinkage(width), abs=1e-6)
    assert angles.mean_log_shrinkage(4000) * 4000 == pytest.approx(2, rel=0.01)


def test_departures_grow_to_the_floor() -> None:
    found = [angles.departure(1.0, layers, 256) for layers in (0, 5, 50, 5000)]
    assert found[0] == 0
    assert np.all(np.diff(found) > 0)
    assert found[-1] * 256 == pytest.approx(angles.floor_constant(1.0), rel=0.01)


@pytest.mark.parametrize("call", [lambda: angles.small_angle_cdf(np.ones(1), 1), lambda: angles.mean_log_shrinkage(1)])
def test_one_unit_has_no_angle(call) -> None:
    with pytest.raises(ValueError, match="needs two units; got width 1"):
        call()
