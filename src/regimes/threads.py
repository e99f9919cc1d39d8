"""One thread for arithmetic: sums are then added in one order, whatever the machine's cores.

Processes and blocks of replicates run side by side already. A library's second thread would wait in a loop for work that
products of this size seldom bring, and take the core of another worker.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch, and of the libraries that NumPy and SciPy multiply with, inside."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with _pools("scipy.linalg" in sys.modules).limit(limits=1):
            yield
    finally:
        torch.set_num_threads(before)


@lru_cache(maxsize=2)
def _pools(with_scipy: bool) -> ThreadpoolController:
    """The thread pools of the libraries that are loaded, looked for once; SciPy brings a BLAS of its own."""
    import numpy  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
