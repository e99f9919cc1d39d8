"""Keyed random numbers: every stream is a function of (run seed, claim, case, subject, block) and a name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch


@dataclass(frozen=True)
class Randomness:
    """The random streams of one block of replicates.

    Equal keys give equal streams on one device type, in any process, in any order; no stream ever touches
    a global generator.

    Attributes:
        key: text that names the block: run seed, claim id, case, subject and block index.
        device: the torch device on which tensors are drawn.
        dtype: the floating dtype of the networks.
    """

    key: str
    device: torch.device
    dtype: torch.dtype

    def seed(self, stream: str) -> int:
        """The 63-bit seed of a stream, from SHA-256 of the key and the stream's name."""
        digest = hashlib.sha256(f"{self.key}\x1f{stream}".encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    def generator(self, stream: str) -> torch.Generator:
        """A fresh `torch.Generator` on the device, seeded for the stream."""
        import torch

        return torch.Generator(device=self.device).manual_seed(self.seed(stream))

    def numpy(self, stream: str) -> np.random.Generator:
        """A fresh NumPy generator (SFC64, the fastest) seeded for the stream."""
        import numpy as np

        return np.random.Generator(np.random.SFC64(self.seed(stream)))
