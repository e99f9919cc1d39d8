"""The toy paper's claims, and an empty store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from regimes.catalogue import load_claims
from regimes.claim import Claim
from regimes.sweep.store import Store


@pytest.fixture
def claims(claim_folder: Path) -> list[Claim]:
    return load_claims(claim_folder)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "maps.sqlite", create=True) as opened:
        yield opened
