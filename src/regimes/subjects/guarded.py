"""Calls of code that nobody here wrote: seeded, and with faults put into one sentence.

Such code draws from torch's global generator. It runs under a lock, inside `torch.random.fork_rng` with a keyed seed, so
that its replicates are reproducible and the caller's generator is left as it was.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from regimes.errors import SubjectError

LOCK = threading.Lock()


@contextmanager
def global_generator(seed: int) -> Iterator[None]:
    """Torch's global CPU generator seeded inside, and restored after."""
    with LOCK, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def call(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of subject `name` returns; what it raises as SubjectError, with the shapes of its arguments."""
    try:
        return function(*arguments)
    except SubjectError:
        raise
    except (Exception, SystemExit) as raised:  # code that exits must not end the run as if nothing were wrong
        shapes = ", ".join(f"shape {tuple(a.shape)}" if isinstance(a, Tensor) else str(a) for a in arguments)
        message = str(raised).strip().splitlines()
        raise SubjectError(
            f"subject {name} raised {type(raised).__name__} ({message[0] if message else 'no message'}) on {shapes}"
        ) from raised


def finite(name: str, values: Tensor) -> Tensor:
    """The values as they are; SubjectError for NaN or infinity."""
    if not torch.isfinite(values).all():
        word = "NaN" if values.isnan().any() else "infinity"
        raise SubjectError(f"subject {name} gave {word}; its weights and outputs must be finite")
    return values
