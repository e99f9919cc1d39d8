"""The networks of flows against NumPy: their activation in extended precision, their outputs, their Jacobian."""

import numpy as np
import pytest
import torch

from regimes.flows.conditioner import Conditioner, half_tanh


@pytest.mark.parametrize(("dtype", "unit"), [(torch.float32, 2.0**-24), (torch.float64, 2.0**-53)])
def test_half_tanh_is_right_to_three_roundings(dtype, unit):
    a = torch.cat((torch.linspace(-12, 12, 40_001, dtype=dtype), torch.tensor([0.0, 1e-30, -torch.inf, torch.inf], dtype=dtype)))
    exact = np.tanh(a.numpy().astype(np.longdouble)) / 2
    assert np.abs(half_tanh(2 * a).numpy() - exact).max() <= 3 * unit


def test_a_network_is_two_products_and_a_tanh():
    read = Conditioner(3, 4, 7, 5, 1.0, torch.Generator().manual_seed(0)).double().requires_grad_(False)
    x = torch.randn(3, 6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    w1, b1, w2, b2 = (getattr(read, name).numpy() for name in ("w1", "b1", "w2", "b2"))
    expected = np.tanh(x.numpy() @ w1 + b1) @ w2 + b2
    np.testing.assert_allclose(read(x).numpy(), expected, rtol=0, atol=1e-14)
    rows = [torch.func.jacrev(read)(x)[r, n, :, r, n] for r in range(3) for n in range(6)]
    torch.testing.assert_close(read.jacobian(x).reshape(18, 5, 4), torch.stack(rows), rtol=0, atol=1e-13)
