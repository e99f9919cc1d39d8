"""Goals of speed as ratios: both sides take turns in one run, and one table of all goals is printed at its end."""

from __future__ import annotations

import pytest
from race import Race, Row

from regimes.allocator import keep_freed_memory
from regimes.threads import one_thread

ROWS = pytest.StashKey[list[Row]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


@pytest.fixture
def race(benchmark, request: pytest.FixtureRequest) -> Race:
    return Race(benchmark, request.config.stash[ROWS])


@pytest.fixture(autouse=True)
def as_in_the_engine():
    keep_freed_memory()
    with one_thread():
        yield


def shown(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = terminalreporter.config.stash[ROWS]
    if not rows:
        return
    terminalreporter.section("ratios: both sides timed in turn, medians, CPU seconds of one thread unless said")
    lines = [("goal", "what", "measured", "wanted", "ours", "other", "dtypes", "")]
    for row in sorted(rows, key=lambda row: (row.goal == "-", int(row.goal[1:] or 0), row.what)):
        bound = "" if row.wanted is None else f"{'<=' if row.at_most else '>='} {row.wanted:,g}"
        lines.append((row.goal, row.what, shown(row.ratio), bound, shown(row.ours), shown(row.other), row.dtypes, row.verdict))
    widths = [max(len(line[column]) for line in lines) for column in range(7)]
    for line in lines:
        terminalreporter.write_line("  ".join(part.ljust(width) for part, width in zip(line, [*widths, 0], strict=True)).rstrip())
