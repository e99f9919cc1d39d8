"""Ratios of speed: both sides are timed in one run, and printed at its end."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


def fastest(action: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of the fastest of some rounds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return min(times)


@pytest.fixture
def against(benchmark) -> Callable[..., None]:
    """Time what a user would write beside the benchmark that has run, and keep the ratio."""

    def compare(what: str, other: Callable[[], object], rounds: int = 3, work: float = 1.0) -> None:
        """The ratio of times, `work` being how many times the other's work the benchmark has done."""
        if benchmark.stats is None:
            return
        benchmark.extra_info[what] = round(work * fastest(other, rounds) / benchmark.stats.stats.min, 2)

    return compare


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    session = getattr(terminalreporter.config, "_benchmarksession", None)
    found = [(one.name, one.extra_info) for one in getattr(session, "benchmarks", []) if one.extra_info]
    if found:
        terminalreporter.section("ratios")
        for test, ratios in found:
            words = ", ".join(f"{what}: {value:.4g}" if isinstance(value, float) else f"{what}: {value}" for what, value in ratios.items())
            terminalreporter.write_line(f"{test}: {words}")
