from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from regimes.randomness import Randomness
from regimes.subjects.independent_weights import FEW, normal, uniform
from regimes.subjects.single_noise import BLOCK, fill_normal, fill_uniform

FILLS = [fill_normal, fill_uniform]


class Words:
    """A source of given 64-bit words."""

    def __init__(self, *words: int) -> None:
        self.words = words

    def random_raw(self, size: int) -> np.ndarray:
        return np.resize(np.array(self.words, dtype=np.uint64), size)


def filled(fill, size: int, seed: int = 1) -> np.ndarray:
    out = np.full(size, np.nan, np.float32)
    fill(out, np.random.SFC64(seed))
    return out


@pytest.mark.parametrize(("fill", "law"), [(fill_normal, stats.norm()), (fill_uniform, stats.uniform(-1, 2))])
def test_variables_have_their_law_and_are_independent_of_their_neighbours(fill, law) -> None:
    drawn = filled(fill, 4 * BLOCK).astype(np.float64)
    assert stats.kstest(drawn, law.cdf).pvalue > 1e-6
    scaled = drawn / law.std()
    for moment in range(1, 7):
        error = np.sqrt((law.moment(2 * moment) - law.moment(moment) ** 2) / drawn.size)
        assert abs((drawn**moment).mean() - law.moment(moment)) < 5 * error
    # Partners of a pair lie half a block apart; bits of a word make neighbours.
    for lag in (1, 2, BLOCK // 2, BLOCK):
        for power in (1, 2):
            a, b = (part**power - (scaled**power).mean() for part in (scaled[lag:], scaled[:-lag]))
            assert abs((a * b).mean()) < 5 * a.var() / np.sqrt(len(a))


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("size", [0, 1, 2, 3, 17, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
def test_every_size_is_filled(fill, size: int) -> None:
    drawn = filled(fill, size)
    assert np.isfinite(drawn).all() and len(np.unique(drawn)) >= 0.99 * size
    np.testing.assert_array_equal(drawn, filled(fill, size))
    assert size < 17 or not np.array_equal(drawn, filled(fill, size, seed=2))


def test_extreme_bits_make_finite_variables() -> None:
    for word, largest in ((0, np.sqrt(66 * np.log(2))), (2**64 - 1, 0.0), (2**31 * (2**32 + 1), None)):
        out = np.empty(4, np.float32)
        fill_normal(out, Words(word))
        assert np.isfinite(out).all()
        if largest is not None:
            np.testing.assert_allclose(np.hypot(out[:2], out[2:]), largest, rtol=1e-6, atol=3e-4)
        fill_uniform(out, Words(word))
        assert (abs(out) <= 1).all()


@pytest.mark.parametrize("law", [normal, uniform])
def test_laws_of_weights_take_them_in_float32_alone_and_from_a_size_on(law) -> None:
    randomness = Randomness("single", torch.device("cpu"), torch.float32)

    def drawn(shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> torch.Tensor:
        return law(torch.empty(shape, dtype=dtype), randomness.stream("weights"))

    fill = {normal: fill_normal, uniform: fill_uniform}[law]
    assert torch.equal(drawn((2, FEW // 2)).flatten(), torch.from_numpy(filled(fill, FEW, randomness.seed("weights"))))
    plain = {normal: torch.Tensor.normal_, uniform: lambda out, generator: out.uniform_(-1, 1, generator=generator)}[law]
    for shape, dtype in (((FEW - 1,), torch.float32), ((2, FEW), torch.float64)):
        expected = plain(torch.empty(shape, dtype=dtype), generator=randomness.generator("weights"))
        assert torch.equal(drawn(shape, dtype), expected)
    strided = torch.empty(FEW, 2).T
    assert law(strided, randomness.stream("weights")) is strided and strided.std() > 0.5
