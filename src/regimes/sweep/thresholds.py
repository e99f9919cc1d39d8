"""Thresholds into a store: one search for each row of a claim's map, stored as soon as it is done and never done again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from regimes.case import Case
from regimes.catalogue import file_of
from regimes.claim import Claim
from regimes.decide import Budget
from regimes.decide.evidence import Evidence
from regimes.document import document, fingerprint
from regimes.engine import Settings, decide, name_of
from regimes.sweep.grid import GridError, Overrides, boundary, cost, in_shard
from regimes.sweep.ladder import Ladder, Side, known_side, ladder, others, rows
from regimes.sweep.pool import run_tasks
from regimes.sweep.run import Outcome, here, recorded, setting_of
from regimes.sweep.schedule import ALONE, Schedule, Step
from regimes.sweep.store import Store, ThresholdKey, plain
from regimes.sweep.threshold import SCOUT_ERROR, Bracket, search
from regimes.sweep.work import FoundRow, foreign, load

# A scout stops far earlier than a judge, so that a row spends its replicates on verdicts that count.
SCOUT_SHARE = 4
# A brief judge stops where scouts become cheaper.
BRIEF = 2048


@dataclass(frozen=True)
class RowTask:
    """A row to search.

    Attributes:
        path: the claim's file.
        key: where the result goes, with the claim's id and its fingerprint when the search began.
        case: the row, with any coordinate on the axis.
        ladder: the coordinates.
        error: the row's error budget.
        settings: the run's settings.
        subject: `module:object` in place of the claim's subject, None for the claim's own.
    """

    path: str
    key: ThresholdKey
    case: Case
    ladder: Ladder
    error: float
    settings: Settings
    subject: str | None = None


@dataclass
class Searched(Outcome):
    """What a search did: `verdicts` counts `found`, `one end` and `wide` brackets; see `regimes.sweep.run.Outcome`.

    Attributes:
        skipped: one sentence for each claim without a threshold on the axis.
        rows: the rows of this run's claims, settings and coordinates, found now or before.
    """

    skipped: list[str] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)


def run_thresholds(
    claims: Sequence[Claim],
    axis: str,
    store: Store,
    settings: Settings,
    overrides: Mapping[str, Overrides] | None = None,
    resolution: str | None = None,
    subject: str | None = None,
    schedule: Schedule = ALONE,
) -> Searched:
    """Search the threshold on an axis in every row that the store does not have, cheapest first, each stored at once.

    A claim's share of the run's alpha is split over its rows, and a row's over its judges: with probability 1 - alpha every
    end of every bracket is right, see `regimes.sweep.threshold`.

    Arguments:
        claims: the claims; their files are loaded again by worker processes.
        axis: the axis; claims that lack it are skipped with a sentence.
        store: where thresholds go.
        settings: seed, device, dtype and budgets.
        overrides: coordinates by claim id and axis, as `parse_grids` gives them; those of the axis give its ends.
        resolution: see `regimes.sweep.ladder.ladder`.
        subject: `module:object` in place of the claims' subjects.
        schedule: how it is run; a row is retried in which a coordinate was undecided.

    Raises:
        GridError: no claim has such an axis, or the resolution makes no sense.
        StoreError: the store fails; what was finished is kept.
        SweepError: workers were killed again and again.
        KeyboardInterrupt: what was finished is kept.
    """
    budget = Budget(settings.alpha)
    budget.admit(len(claims))
    outcome = Searched()
    wanted: list[ThresholdKey] = []
    tasks: list[RowTask] = []
    planned = _planned(claims, axis, overrides or {}, resolution, outcome)
    settings = here(settings)
    setting = setting_of(settings)
    own = None if subject is None else name_of(foreign(subject))
    for claim, rungs in planned:
        found = rows(claim, axis, (overrides or {}).get(claim.id))
        # A shard's rows get the budget of all rows: joined shards equal a search made in one go.
        error = budget.cell(len(found))
        mine = [case for case in found if schedule.shard is None or in_shard(claim.id, case, schedule.shard)]
        mark, name = fingerprint(claim), own or name_of(claim.subject)
        store.put_claim(document(claim, picture=True))
        for case in mine:
            key = ThresholdKey(claim.id, mark, name, axis, Case(others(case, axis)).key, rungs.key, settings.seed, setting)
            wanted.append(key)
            known = store.threshold(key)
            if known is None or (schedule.retry and known["undecided"]):
                tasks.append(RowTask(str(file_of(claim)), key, case, rungs, error, settings, subject))
    outcome.present = len(wanted) - len(tasks)
    tasks.sort(key=lambda task: cost(task.case))
    by_id = {claim.id: claim for claim, _ in planned}
    up = schedule.clock()

    def in_this_process(task: RowTask) -> FoundRow:
        return _safely(task, lambda: by_id[task.key.claim])

    def finished(task: RowTask, result: FoundRow) -> None:
        if result.result is None:
            outcome.errors.append(result.problem)
        else:
            outcome.computed += store.put_threshold(task.key, result.result, seconds=result.seconds, run=run)
        done = outcome.computed + len(outcome.errors)
        if schedule.progress is not None:
            verdict = word(result.result) if result.result else ""
            schedule.progress(Step(task.key.claim, task.key.row, verdict, result.seconds, done, len(tasks)))

    if tasks:
        with recorded(store, settings) as run:
            left = run_tasks(
                tasks, in_this_process if schedule.here(tasks) else run_row, finished,
                workers=schedule.workers, start=schedule.start, stop=up,
                describe=lambda task: f"{task.key.claim} in row {task.key.row}",
            )  # fmt: skip
            outcome.left = len(left)
    outcome.rows = [row for key in wanted if (row := store.threshold(key)) is not None]
    for one in outcome.rows:
        outcome.verdicts[word(one)] = outcome.verdicts.get(word(one), 0) + 1
    return outcome


def _planned(
    claims: Sequence[Claim], axis: str, overrides: Mapping[str, Overrides], resolution: str | None, outcome: Searched
) -> list[tuple[Claim, Ladder]]:
    """The claims that have a threshold on the axis, with its coordinates; the others are skipped with a sentence."""
    found: list[tuple[Claim, Ladder]] = []
    for claim in claims:
        try:
            _ = claim.axis(axis)
        except ValueError as wrong:
            outcome.skipped.append(f"skipped: {wrong}")
            continue
        try:
            found.append((claim, ladder(claim, axis, overrides.get(claim.id), resolution)))
        except GridError as wrong:
            if len(claims) == 1 or "--resolution" in str(wrong):
                raise
            outcome.skipped.append(f"skipped: {wrong}")
    if not found:
        known = sorted({one.name for claim in claims for one in claim.axes if not one.choices})
        raise GridError(f"--threshold {axis} names an axis on which no claim here has a threshold; "
                        f"their axes of numbers are {', '.join(known) or 'none'}")  # fmt: skip
    return found


def word(row: Mapping[str, Any]) -> str:
    """`found` for a bracket between neighbours, `one end` where the range ends before it turns, `wide` if undecided inside."""
    if row["undecided"]:
        return "wide"
    return "found" if row["refuted"] is not None and row["holds"] is not None else "one end"


def run_row(task: RowTask) -> FoundRow:
    """Load the task's claim by file and id and search its row; never raises but for an interrupt."""
    return _safely(task, lambda: load(task.path, task.key.claim, task.key.fingerprint))


def _safely(task: RowTask, claim: Callable[[], Claim]) -> FoundRow:
    started = time.monotonic()
    try:
        result = search_row(claim(), task.case, task.ladder, task.error, task.settings, task.subject)
        return FoundRow(result, time.monotonic() - started)
    except Exception as raised:
        text = " ".join(str(raised).split()) or type(raised).__name__
        axis = task.ladder.axis
        mend = f"give --grid {axis}=LOW:HIGH if the claim cannot be decided at the ends of its {axis}"
        return FoundRow(None, time.monotonic() - started, f"{task.key.claim} in row {task.key.row}: {text}; {mend}")


def search_row(
    claim: Claim, case: Case, rungs: Ladder, error: float, settings: Settings, subject: str | None = None
) -> dict[str, Any]:
    """The bracket of one row as plain data, the columns of `Store.put_threshold`.

    Arguments:
        claim: the claim.
        case: the row, with any coordinate on the axis.
        rungs: the coordinates.
        error: the row's error budget.
        settings: the run's settings; a judge spends at most its replicates and seconds, a scout a quarter of the replicates.
        subject: `module:object` in place of the claim's subject.
    """
    tested = claim.subject if subject is None else foreign(subject)
    # One thread: rows run side by side already. Scouts have a seed of their own: judges must not see their replicates.
    judging = replace(settings, workers=1)
    briefly = replace(judging, replicates=min(BRIEF, settings.replicates))
    digest = hashlib.sha256(f"{settings.seed}|scouts".encode()).digest()
    scouting = replace(judging, seed=int.from_bytes(digest[:8], "big") >> 1,
                       replicates=max(1, settings.replicates // SCOUT_SHARE))  # fmt: skip

    def decided(coordinates: Sequence[int | float], index: int, at: float, by: Settings) -> Evidence:
        there = claim.case({**case, rungs.axis: coordinates[index]})
        return decide(claim, there, error=at, settings=by, subject=tested)

    side, looked = known_side(claim, rungs.axis), ()
    if side is None:
        looked = tuple(decided(rungs.coordinates, end, SCOUT_ERROR, scouting) for end in (0, len(rungs.coordinates) - 1))
        side = "most" if [one.verdict for one in looked] == ["holds", "refuted"] else "least"
    towards = rungs.coordinates if side == "least" else rungs.coordinates[::-1]
    found = search(
        len(towards),
        lambda index: decided(towards, index, SCOUT_ERROR, scouting),
        lambda index, share, brief: decided(towards, index, share, briefly if brief else judging),
        error,
    )
    found.replicates += sum(one.replicates for one in looked)
    return _as_row(claim, case, rungs.axis, towards, side, found, error)


def _as_row(
    claim: Claim, case: Case, axis: str, towards: Sequence[int | float], side: Side, found: Bracket, error: float
) -> dict[str, Any]:
    def at(index: int | None) -> int | float | None:
        return None if index is None else towards[index]

    def inside(index: int) -> bool:
        return claim.premise.holds(claim.case({**case, axis: towards[index]}))

    ordered = sorted(found.judged, reverse=side == "most")
    judged = [
        {"at": towards[index], "inside": inside(index), "evidence": plain(found.judged[index].as_dict())} for index in ordered
    ]
    return {
        "side": side,
        "refuted": at(found.refuted),
        "holds": at(found.holds),
        "undecided": len(found.undecided),
        "premise_boundary": boundary(claim.premise, axis, case),
        "exact_boundary": None if claim.exact is None else boundary(claim.exact, axis, case),
        "evidence": {"judged": judged, "against": [towards[index] for index in found.against], "scouts": found.scouts},
        "replicates": found.replicates,
        "error": error,
    }
