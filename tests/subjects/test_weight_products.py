from __future__ import annotations

import math

import pytest
import torch

from regimes.randomness import Randomness
from regimes.subjects import independent_weights
from regimes.subjects import initialisers as init
from regimes.subjects import weight_products as module
from regimes.subjects.independent_weights import normal, scaled, tiles
from regimes.subjects.weight_products import IndependentProducts, WeightProducts, weight_products

LAW = scaled(normal, lambda rows, columns: math.sqrt(2 / rows))
SHAPES = [(5, (6, 4, 7)), (3, (300, 256, 200)), (2, (37, 2000, 41, 513)), (40, (48, 50, 9))]


def random(dtype: torch.dtype = torch.float64) -> Randomness:
    return Randomness("products", torch.device("cpu"), dtype)


def exact(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.einsum("rij,rjn->rin", a.double(), b.double())


@pytest.mark.parametrize("draw", [LAW, init.haar_orthogonal], ids=["independent", "orthogonal"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("replicates", "widths"), SHAPES)
def test_products_are_those_of_the_weights_drawn_alone(draw, replicates: int, widths: tuple[int, ...], dtype: torch.dtype) -> None:
    randomness, tolerance = random(dtype), 1e-12 if dtype == torch.float64 else 1e-4
    generator = torch.Generator().manual_seed(1)
    for inputs in (1, 3):
        with weight_products(draw, widths, replicates, randomness, kept=inputs == 1) as products:
            assert isinstance(products, IndependentProducts if draw is LAW else WeightProducts)
            layers = range(1, len(widths))
            for layer in layers:
                weights = draw(layer, replicates, widths[layer], widths[layer - 1], randomness)
                h = torch.randn(replicates, widths[layer - 1], inputs, generator=generator, dtype=dtype)
                torch.testing.assert_close(products.forward(layer, h).double(), exact(weights, h), rtol=0, atol=40 * tolerance)
            for layer in reversed(layers[1:]) if inputs == 1 else ():
                weights = draw(layer, replicates, widths[layer], widths[layer - 1], randomness)
                delta = torch.randn(replicates, widths[layer], 1, generator=generator, dtype=dtype)
                torch.testing.assert_close(products.backward(layer, delta).double(), exact(weights.mT, delta), rtol=0, atol=40 * tolerance)


def test_tiles_are_all_weights_in_order_and_the_first_is_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    for tile in (1, 64, 1 << 16):
        monkeypatch.setattr(independent_weights, "TILE", tile)
        for shape in ((1, 1, 1), (7, 3, 5), (2, 40, 33), (100, 8, 8), (3, 300, 256)):
            places = torch.arange(math.prod(shape)).view(shape)
            parts = [places[networks, units].flatten() for networks, units in tiles(*shape)]
            assert torch.equal(torch.cat(parts), places.flatten())
            assert max(map(len, parts)) == len(parts[0]) <= max(tile, 16 * shape[1] * shape[2])


def test_tiles_of_float64_are_what_a_tensor_drawn_at_once_is() -> None:
    for shape in ((9, 96, 112), (3, 300, 256), (40, 50, 48)):
        whole = torch.empty(shape, dtype=torch.float64).normal_(generator=random().generator("weights 2")) * LAW.deviation(*shape[1:])
        assert torch.equal(LAW(2, *shape, random()), whole)


def test_large_matrices_are_left_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    matrices, vectors = torch.randn(2, 20, 30), torch.randn(2, 30, 1)
    monkeypatch.setattr(module.np, "matmul", lambda *_: pytest.fail("NumPy"))
    monkeypatch.setattr(module, "LARGEST", 599)
    torch.testing.assert_close(module.product(matrices, vectors), torch.bmm(matrices, vectors))
