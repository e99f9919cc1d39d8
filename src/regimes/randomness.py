"""Keyed random numbers: every stream is a function of (run seed, claim, case, subject, block) and a name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
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

    def stream(self, name: str) -> Stream:
        """The stream, for code that chooses between torch's generator and NumPy's."""
        return Stream(self, name)

    def numpy(self, stream: str) -> np.random.Generator:
        """A fresh NumPy generator (SFC64, the fastest) seeded for the stream."""
        import numpy as np

        return np.random.Generator(np.random.SFC64(self.seed(stream)))


@dataclass(frozen=True)
class Stream:
    """One stream, to be drawn by torch or, where that is faster, from NumPy's bits.

    Attributes:
        randomness: where it belongs.
        name: its name.
    """

    randomness: Randomness
    name: str

    @cached_property
    def generator(self) -> torch.Generator:
        """Torch's generator on the device."""
        return self.randomness.generator(self.name)

    @cached_property
    def bits(self) -> np.random.SFC64:
        """NumPy's fastest source of bits."""
        import numpy as np

        return np.random.SFC64(self.randomness.seed(self.name))
