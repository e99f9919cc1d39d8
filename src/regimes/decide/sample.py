"""A growing array: observations are appended in amortised constant time and read as one array."""

from __future__ import annotations

import numpy as np


class Sample:
    """Rows kept in order of arrival.

    Arguments:
        columns: shape of one row; () for plain numbers.
    """

    def __init__(self, columns: tuple[int, ...] = ()) -> None:
        self._store = np.empty((64, *columns))
        self.size = 0

    def append(self, rows: np.ndarray) -> None:
        """Append rows; the store doubles when it is full, so that many small blocks cost no more than one large one."""
        needed = self.size + len(rows)
        if needed > len(self._store):
            grown = np.empty((max(needed, 2 * len(self._store)), *self._store.shape[1:]))
            grown[: self.size] = self.values
            self._store = grown
        self._store[self.size : needed] = rows
        self.size = needed

    @property
    def values(self) -> np.ndarray:
        """All rows so far, as a view."""
        return self._store[: self.size]
