"""The C library's allocator, told to keep what is freed.

By default glibc gives arrays of 128 KiB or more back to the system and asks for them anew, page by page; filling a fresh
page with zeros and mapping it takes longer than most passes over it.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of <malloc.h>
KEPT = 1 << 28  # bytes of freed memory that stay with the process
LARGEST = 1 << 25  # bytes of the largest array that is not mapped by itself: as many as glibc allows


@lru_cache(maxsize=1)
def keep_freed_memory() -> None:
    """Let the process keep freed arrays of up to 32 MiB, 256 MiB in all; with another C library nothing happens."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(M_MMAP_THRESHOLD, LARGEST)
    mallopt(M_TRIM_THRESHOLD, KEPT)
