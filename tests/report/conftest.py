"""The synthetic stores as fixtures."""

from __future__ import annotations

import pytest
from shelf import Shelf, hostile, shelf


@pytest.fixture
def store() -> Shelf:
    return shelf()


@pytest.fixture
def hostile_store() -> Shelf:
    return hostile()
