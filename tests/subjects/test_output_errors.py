from __future__ import annotations

import pytest
import torch
from torch import nn

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.initialisers import he_normal
from regimes.subjects.orthonormal import standard_normal, stream
from regimes.subjects.output_errors import CLASSES, LOSSES, output_error

RANDOM = Randomness("errors", torch.device("cpu"), torch.float64)


def cosine(error: float | str, width: int, depth: int, replicates: int) -> torch.Tensor:
    found = he_normal(Case({"width": width, "depth": depth}), replicates, RANDOM).gradients(error)
    return (found.log_kappa - found.log_hidden[:, -1] - found.log_delta[:, -1]).exp()


@pytest.mark.parametrize(("error", "expected"), [("independent", 2 / 200), ("softmax", 0.02), ("scalar", 2 / 200)])
def test_losses_are_nearly_orthogonal_to_the_last_layer(error: str, expected: float) -> None:
    """c2 of the dossier's table at n = 200: .010, .019, .009."""
    assert cosine(error, 200, 3, 300).mean().item() == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize("error", LOSSES)
def test_a_loss_masks_dead_units(error: str) -> None:
    hidden = torch.tensor([[[1.0], [0.0], [2.0]], [[0.0], [3.0], [0.0]]], dtype=torch.float64)
    delta = output_error(error, hidden, (hidden > 0).double(), torch.zeros(2), RANDOM)
    assert delta.shape == hidden.shape
    assert (delta[hidden == 0] == 0).all()
    assert (delta[hidden > 0] != 0).all()


def test_softmax_is_the_gradient_of_cross_entropy() -> None:
    hidden = torch.rand(3, 6, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ones = torch.ones_like(hidden)
    shift = torch.tensor([0.0, 2.0, -1.0])
    delta = output_error("softmax", hidden, ones, shift, RANDOM)
    readout = standard_normal((3, CLASSES, 6), stream(RANDOM, "error"))
    labels = torch.randint(CLASSES, (3,), generator=RANDOM.generator("label"))
    with torch.enable_grad():
        h = (hidden * torch.exp2(shift)[:, None, None].double()).requires_grad_()
        nn.functional.cross_entropy(torch.bmm(readout, h)[:, :, 0], labels, reduction="sum").backward()
    torch.testing.assert_close(delta, h.grad, rtol=1e-10, atol=1e-12)


def test_scalar_loss_is_invariant_to_the_scale_taken_out() -> None:
    one = cosine("scalar", 16, 40, 20)
    assert torch.isfinite(one).all()


def test_unknown_errors_are_refused() -> None:
    hidden = torch.ones(1, 3, 1)
    with pytest.raises(ValueError, match="use a squared cosine or one of independent, softmax, scalar"):
        output_error("hinge", hidden, hidden, torch.zeros(1), RANDOM)
    with pytest.raises(ValueError, match=r"\[0, 1\]; got 1.2"):
        output_error(1.2, hidden, hidden, torch.zeros(1), RANDOM)
