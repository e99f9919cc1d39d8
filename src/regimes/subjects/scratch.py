"""Scratch memory that the passes of one thread use one after another.

Pages fresh from the system cost as much as the weights drawn in them, and malloc gives blocks of this size back at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

LARGEST_KEPT = 1 << 24  # floats: more than an engine's block on a CPU
_own = threading.local()


@contextmanager
def scratch(floats: int, device: torch.device, dtype: torch.dtype) -> Iterator[Tensor]:
    """Uninitialised memory of at least so many floats, shape (floats,), inside; nothing may refer to it after."""
    held = getattr(_own, "memory", None)
    # A pass within a pass finds nothing here, and gets memory of its own.
    _own.memory = None
    if held is None or held.numel() < floats or held.dtype != dtype or held.device != device:
        held = None
        held = torch.empty(floats, device=device, dtype=dtype)
    try:
        yield held[:floats]
    finally:
        # CUDA's allocator keeps memory itself.
        if held.numel() <= LARGEST_KEPT and held.device.type == "cpu":
            _own.memory = held
