"""Fixtures shared by the tests: the toy paper as a claim file."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import hypothesis
import pytest

# pytester forgets modules that an in-process run imports, and NumPy and torch cannot be imported twice.
import regimes.subjects.foreign
import regimes.verify  # noqa: F401
from toy_paper import TOY

pytest_plugins = ["pytester"]

# A shell that starts the tests in the background ignores SIGINT for them, and processes that they start inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A shared machine may stall for longer than any deadline; no test is about time. The same examples are drawn every time, so
# that a change is to blame for what fails; REGIMES_TESTS=search draws fresh ones.
hypothesis.settings.register_profile("tests", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("search" if os.environ.get("REGIMES_TESTS") == "search" else "tests")


@pytest.fixture
def claim_folder(tmp_path: Path) -> Path:
    """A folder `claims` with the toy paper in it."""
    folder = tmp_path / "claims"
    folder.mkdir()
    (folder / "doe2020coins.py").write_text(TOY)
    return folder


@pytest.fixture(autouse=True)
def no_cache_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index of claims goes into the test's own folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
