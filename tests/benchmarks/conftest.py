"""Ratios of speed: both sides are timed in one run, and printed at its end."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

RATIOS = pytest.StashKey[list[tuple[str, str, float]]]()


def fastest(action: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of the fastest of some rounds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return min(times)


@pytest.fixture
def against(benchmark, request: pytest.FixtureRequest) -> Callable[..., None]:
    """Time what a user would write beside the benchmark that has run, and keep the ratio."""

    def compare(what: str, other: Callable[[], object], rounds: int = 3) -> None:
        if benchmark.stats is None:
            return
        ratio = fastest(other, rounds) / benchmark.stats.stats.min
        benchmark.extra_info[what] = round(ratio, 2)
        request.config.stash.setdefault(RATIOS, []).append((request.node.name, what, ratio))

    return compare


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = terminalreporter.config.stash.get(RATIOS, [])
    if found:
        terminalreporter.section("ratios")
        for test, what, ratio in found:
            terminalreporter.write_line(f"{ratio:8.1f}x  {what}  ({test})")
