from __future__ import annotations

import threading

import pytest
import torch

from regimes.subjects import scratch as module
from regimes.subjects.scratch import scratch

CPU = torch.device("cpu")


def address(floats: int, dtype: torch.dtype = torch.float32) -> int:
    with scratch(floats, CPU, dtype) as memory:
        assert memory.shape == (floats,) and memory.dtype == dtype
        return memory.data_ptr()


def test_memory_is_used_again_by_the_same_thread_and_grows() -> None:
    first = address(5000)
    assert address(5000) == first and address(10) == first
    with scratch(10, CPU, torch.float32) as one, scratch(10, CPU, torch.float32) as other:
        assert one.data_ptr() != other.data_ptr(), "a pass within a pass has memory of its own"
    address(70_000)
    with scratch(70_000, CPU, torch.float64) as memory:
        assert memory.dtype == torch.float64


def test_threads_do_not_share() -> None:
    found: list[int] = []
    with scratch(100, CPU, torch.float32) as mine:
        other = threading.Thread(target=lambda: found.append(address(100)))
        other.start()
        other.join()
        assert found[0] != mine.data_ptr()


def test_what_raises_gives_the_memory_back() -> None:
    with pytest.raises(ZeroDivisionError), scratch(3000, CPU, torch.float32) as memory:
        raise ZeroDivisionError
    assert address(3000) == memory.data_ptr()


def test_large_memory_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_KEPT", 100)
    with scratch(1 << 20, CPU, torch.float32):
        pass
    assert getattr(module._own, "memory", None) is None
