"""Spectra of second moments: synthetic ones, and that of scikit-learn's handwritten digits."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

import torch

from regimes.errors import MissingPackage, SubjectError

__all__ = ["SPECTRA", "digits_second_moment", "spectrum"]

SPECTRA = ("linear", "power law", "exponential", "flat")


def spectrum(name: str, size: int, device: torch.device | str = "cpu") -> torch.Tensor:
    """Eigenvalues λ₁ = 1 >= ... >= λ_D > 0, shape (D,): 1 - (i-1)/(2D), 1/i, 2^{-(i-1)/2} or 1.

    Raises:
        SubjectError: a name that is none of `SPECTRA`.
    """
    index = torch.arange(size, dtype=torch.float64, device=device)
    if name == "linear":
        return 1 - index / (2 * size)
    if name == "power law":
        return 1 / (1 + index)
    if name == "exponential":
        return 2.0 ** (-index / 2)
    if name == "flat":
        return torch.ones_like(index)
    raise SubjectError(f"the spectrum {name!r} is unknown; use one of {', '.join(SPECTRA)}")


@lru_cache(maxsize=1)
def _digits() -> torch.Tensor:
    try:
        load_digits = import_module("sklearn.datasets").load_digits
    except ImportError as missing:
        raise MissingPackage(
            f"the digits come with scikit-learn, which cannot be imported ({missing}); pip install scikit-learn"
        ) from missing
    images = torch.from_numpy(load_digits().data).to(torch.float64) / 16
    return images.T @ images / len(images)


def digits_second_moment(device: torch.device | str = "cpu") -> torch.Tensor:
    """Σ = (1/N) Σ x xᵀ of the digits, pixels in [0, 1], not centred, shape (64, 64).

    Raises:
        MissingPackage: scikit-learn is not installed.
    """
    return _digits().to(device)
