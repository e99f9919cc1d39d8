"""Sweeps of claims into a store: the cells of their maps, and their controls; what is there is never done again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from regimes.case import Case
from regimes.catalogue import file_of
from regimes.claim import Claim
from regimes.decide import Budget
from regimes.document import document, fingerprint
from regimes.engine import Settings, name_of, provenance, resolve_device
from regimes.profiles import Profile
from regimes.sweep.grid import Overrides, beside, boundaries, cells, cost, in_shard
from regimes.sweep.pool import SweepError, run_tasks
from regimes.sweep.schedule import ALONE, Schedule, Step
from regimes.sweep.store import CellKey, Store, settings_key
from regimes.sweep.work import CellTask, ControlTask, Finished, describe, do, foreign, problem, run_task

__all__ = ["Outcome", "SweepError", "run_controls", "run_map"]


@dataclass
class Outcome:
    """What a sweep did.

    Attributes:
        computed: cells or controls decided in this run.
        present: those that the store had already.
        left: those not started when the time was up.
        verdicts: number by verdict, of this run and before; for maps of the cells inside the premise only.
        errors: one sentence, with case and seed, for each that failed; nothing is stored of those.
        survived: `claim: control` of the controls on which a claim holds.
    """

    computed: int = 0
    present: int = 0
    left: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    survived: list[str] = field(default_factory=list)


def run_map(
    claims: Sequence[Claim],
    store: Store,
    settings: Settings,
    overrides: Mapping[str, Overrides] | None = None,
    subject: str | None = None,
    schedule: Schedule = ALONE,
) -> Outcome:
    """Decide the cells of the claims' maps that the store does not have, cheapest first, each stored at once.

    Arguments:
        claims: the claims; their files are loaded again by worker processes.
        store: where cells go.
        settings: seed, device, dtype and budgets.
        overrides: coordinates by claim id and axis, as `parse_grids` gives them.
        subject: `module:object` in place of the claims' subjects.
        schedule: how it is run.

    Raises:
        GridError: overrides that do not fit a claim.
        StoreError: the store fails; what was finished is kept.
        SweepError: workers were killed again and again.
        KeyboardInterrupt: what was finished is kept.
    """
    budget = Budget(settings.alpha)
    budget.admit(len(claims))
    settings = here(settings)
    setting, outcome = setting_of(settings), Outcome()
    own = None if subject is None else name_of(foreign(subject))
    tasks: list[CellTask] = []
    maps: list[tuple[CellKey, set[str]]] = []
    for claim in claims:
        grid = cells(claim, (overrides or {}).get(claim.id))
        # A shard's cells get the budget of the whole map: joined shards equal a map made in one go.
        error = budget.cell(len(grid))
        mine = [case for case in grid if schedule.shard is None or in_shard(claim.id, case, schedule.shard)]
        key = CellKey(claim.id, fingerprint(claim), own or name_of(claim.subject), "", settings.seed, setting)
        store.put_claim(document(claim, picture=True))
        there = store.case_verdicts(key.claim, key.fingerprint, key.subject, key.seed, key.settings)
        present = {case for case, verdict in there.items() if not (schedule.retry and verdict == "undecided")}
        maps.append((key, {case.key for case in mine}))
        outcome.present += sum(case.key in present for case in mine)
        path = str(file_of(claim))
        tasks += [
            CellTask(path, claim.id, key.fingerprint, case, error, settings, subject)
            for case in mine
            if case.key not in present
        ]
    tasks.sort(key=lambda task: cost(task.case))
    names = {key.claim: key.subject for key, _ in maps}

    def keep(task: CellTask, claim: Claim, result: Finished, run: str) -> bool:
        assert result.evidence is not None
        premise, exact = boundaries(claim, task.case)
        details = {**(result.evidence.get("details") or {}), **beside(claim, task.case)}
        return store.put_cell(
            CellKey(task.claim, task.fingerprint, names[task.claim], task.case.key, settings.seed, setting),
            evidence={**result.evidence, "details": details},
            inside=claim.premise.holds(task.case),
            premise_boundary=premise,
            exact_boundary=exact,
            seconds=result.seconds,
            run=run,
        )

    _sweep(tasks, claims, store, settings, keep, outcome, schedule)
    for key, wanted in maps:
        for cell in store.cells(key.claim):
            same = (cell["subject"], cell["seed"], cell["settings"]) == (key.subject, key.seed, json.loads(setting))
            if same and cell["inside"] and Case(cell["case"]).key in wanted:
                outcome.verdicts[cell["verdict"]] = outcome.verdicts.get(cell["verdict"], 0) + 1
    return outcome


def run_controls(
    claims: Sequence[Claim],
    store: Store,
    settings: Settings,
    profile: Profile,
    schedule: Schedule = ALONE,
) -> Outcome:
    """Try to refute the claims' controls that the store does not have; errors as of `run_map`.

    Arguments:
        claims: the claims; their files are loaded again by worker processes.
        store: where verdicts and witnesses go.
        settings: seed, device, dtype and budgets.
        profile: how many random cases a control is tried on; see `regimes.verify.refute_control`.
        schedule: how it is run; controls have no shards.
    """
    Budget(settings.alpha).admit(len(claims))
    settings = here(settings)
    setting, outcome = setting_of(settings), Outcome()
    tasks: list[ControlTask] = []
    for claim in claims:
        store.put_claim(document(claim, picture=True))
        mark = fingerprint(claim)
        known = {
            name: verdict
            for name, verdict in _known_controls(store, claim.id, settings.seed, setting).items()
            if not (schedule.retry and verdict == "undecided")
        }
        outcome.present += len(known.keys() & claim.controls.keys())
        path = str(file_of(claim))
        tasks += [ControlTask(path, claim.id, mark, name, settings, profile) for name in claim.controls if name not in known]

    def keep(task: ControlTask, claim: Claim, result: Finished, run: str) -> bool:
        return store.put_control(
            claim=task.claim, fingerprint=task.fingerprint, control=task.control, seed=settings.seed, settings=setting,
            verdict=result.verdict, case=result.case, evidence=result.evidence, cases=result.cases,
            seconds=result.seconds, run=run,
        )  # fmt: skip

    _sweep(tasks, claims, store, settings, keep, outcome, schedule)
    for claim in claims:
        for name, verdict in _known_controls(store, claim.id, settings.seed, setting).items():
            outcome.verdicts[verdict] = outcome.verdicts.get(verdict, 0) + 1
            if verdict == "survived":
                outcome.survived.append(f"{claim.id}: {name}")
    return outcome


def _sweep(
    tasks: Sequence[Any],
    claims: Sequence[Claim],
    store: Store,
    settings: Settings,
    keep: Callable[[Any, Claim, Finished, str], bool],
    outcome: Outcome,
    schedule: Schedule,
) -> None:
    """Run the tasks and keep their results; counts and failures go into the outcome."""
    if not tasks:
        return
    by_id = {claim.id: claim for claim in claims}
    up, counted = schedule.clock(), 0

    def in_this_process(task: Any) -> Finished:
        try:
            return do(task, by_id[task.claim])
        except Exception as raised:
            return Finished("", None, 0.0, problem=problem(task, raised))

    with recorded(store, settings) as run:

        def finished(task: Any, result: Finished) -> None:
            nonlocal counted
            failed = result.problem
            if not failed:
                try:
                    outcome.computed += keep(task, by_id[task.claim], result, run)
                except (ArithmeticError, TypeError, ValueError, AttributeError, LookupError) as raised:
                    failed = problem(task, raised)  # the premise or a boundary raised at this case
            if failed:
                outcome.errors.append(failed)
            counted += 1
            if schedule.progress is not None:
                name = task.case.key if isinstance(task, CellTask) else task.control
                verdict = "" if failed else result.verdict
                schedule.progress(Step(task.claim, name, verdict, result.seconds, counted, len(tasks)))

        left = run_tasks(
            tasks,
            in_this_process if schedule.here(tasks) else run_task,
            finished,
            workers=schedule.workers,
            start=schedule.start,
            stop=up,
            describe=describe,
        )
        outcome.left = len(left)


@contextmanager
def recorded(store: Store, settings: Settings) -> Iterator[str]:
    """A run in the store; one that is interrupted or fails is recorded without an end."""
    run = store.start_run(provenance(settings))
    yield run
    store.finish_run(run)


def here(settings: Settings) -> Settings:
    """The settings with the device that `auto` means here: on another machine it may mean another, and other bits."""
    return replace(settings, device=str(resolve_device(settings.device)))


def setting_of(settings: Settings) -> str:
    """The settings as a store keeps them with a verdict."""
    return settings_key(settings.dtype, resolve_device(settings.device).type, settings.alpha, settings.sampler)


def _known_controls(store: Store, claim: str, seed: int, setting: str) -> dict[str, str]:
    """Verdicts of a claim's controls by name, for one seed and settings."""
    return {
        one["control"]: one["verdict"]
        for one in store.controls(claim)
        if one["seed"] == seed and one["settings"] == json.loads(setting)
    }
