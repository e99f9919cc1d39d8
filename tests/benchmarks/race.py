"""Two sides of a comparison in turn, and the row of the table that they make."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import NoReturn

import pytest


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        goal: its number, `-` for a comparison without one.
        what: what is compared.
        ratio: measured; None where it could not be.
        wanted: least ratio, or the largest where `at_most`; None for a comparison without a goal.
        at_most: whether `wanted` bounds from above.
        ours, other: medians of either side in seconds for the same work, or in the unit that `what` names.
        dtypes: of our side / of the other.
        why: why there is no measurement.
    """

    goal: str
    what: str
    ratio: float | None = None
    wanted: float | None = None
    at_most: bool = False
    ours: float | None = None
    other: float | None = None
    dtypes: str = ""
    why: str = ""

    @property
    def verdict(self) -> str:
        if self.ratio is None:
            return f"not measured: {self.why}"
        if self.wanted is None:
            return ""
        return "met" if (self.ratio <= self.wanted if self.at_most else self.ratio >= self.wanted) else "missed"


class Race:
    """Times two sides in turn, other, ours, other, ours, ..., and keeps the ratio of their medians as a row."""

    def __init__(self, benchmark, rows: list[Row]) -> None:
        self.benchmark, self.rows = benchmark, rows

    def __call__(
        self,
        goal: str,
        what: str,
        ours: Callable[[], object],
        other: Callable[[], object],
        *,
        wanted: float | None = None,
        work: float = 1.0,
        inverse: bool = False,
        dtypes: str = "float32 / float32",
        rounds: int = 5,
        clock: Callable[[], float] = time.process_time,
    ) -> object:
        """The ratio other/ours for the same work, ours/other for a floor, and what our side returned last.

        Arguments:
            work: how many times the other's work our side does.
            inverse: the other side is a floor: ours/other is kept, and `wanted` bounds it from above.
            clock: CPU seconds of this process, which other processes' load leaves nearly alone, or another clock.
        """
        times: tuple[list[float], list[float]] = ([], [])

        def timed(side: int, action: Callable[[], object]) -> object:
            started = clock()
            found = action()
            times[side].append(clock() - started)
            return found

        def before() -> None:
            timed(1, other)

        # The set-up of a round is the other side's turn.
        found = self.benchmark.pedantic(lambda: timed(0, ours), setup=before, rounds=rounds, warmup_rounds=1)
        a, b = statistics.median(times[0][1:] or times[0]), statistics.median(times[1][1:] or times[1]) * work
        self.row(Row(goal, what, a / b if inverse else b / a, wanted, inverse, a, b, dtypes))
        return found

    def row(self, row: Row) -> None:
        """Keep a row, in the table and in `--benchmark-json`."""
        self.rows.append(row)
        self.benchmark.extra_info.setdefault("rows", []).append({**asdict(row), "verdict": row.verdict})

    def skip(self, goal: str, what: str, why: str) -> NoReturn:
        """Keep the reason as a row and skip the benchmark."""
        self.rows.append(Row(goal, what, why=why))
        pytest.skip(why)
