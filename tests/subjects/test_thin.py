from __future__ import annotations

import pytest
import torch

from regimes.subjects import thin


def gaussian(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64)


@pytest.mark.parametrize("limit", [0, thin.ONE_THREAD])
@pytest.mark.parametrize(("rows", "inner", "columns"), [(3, 50, 3), (3, 3, 50), (50, 3, 2), (1, 7, 1), (4, 1, 6)])
def test_products_are_torchs(rows: int, inner: int, columns: int, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thin, "ONE_THREAD", limit)
    a, b = gaussian(5, rows, inner), gaussian(5, inner, columns)
    torch.testing.assert_close(thin.product(a, b), a @ b, rtol=1e-13, atol=1e-13)
    transposed = a.mT.contiguous().mT
    torch.testing.assert_close(thin.product(transposed, b), a @ b, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("columns", [1, 2, 5])
@pytest.mark.parametrize("limit", [0, thin.ONE_THREAD])
def test_gram_matrices_are_torchs(columns: int, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thin, "ONE_THREAD", limit)
    for h in (gaussian(3, 40, columns), gaussian(3, columns, 40).mT):
        torch.testing.assert_close(thin.gram_matrix(h), h.mT @ h, rtol=1e-13, atol=1e-13)
