from __future__ import annotations

import numpy  # noqa: F401
import pytest
import scipy.linalg  # noqa: F401
import threadpoolctl
import torch

from regimes.threads import one_thread


def counts() -> list[int]:
    return [torch.get_num_threads(), *(pool["num_threads"] for pool in threadpoolctl.threadpool_info())]


def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    with threadpoolctl.threadpool_limits(3):
        torch.set_num_threads(3)
        before = counts()
        # NumPy's, SciPy's and torch's.
        assert len(before) >= 4
        assert set(before) == {3}
        with one_thread():
            assert set(counts()) == {1}
            with one_thread():
                assert set(counts()) == {1}
            assert set(counts()) == {1}
        assert counts() == before
        with pytest.raises(ZeroDivisionError), one_thread():
            _ = 1 / 0
        assert counts() == before
