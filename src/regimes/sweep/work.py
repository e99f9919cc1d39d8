"""One unit of a sweep as a picklable task: a cell or a control, with the claim named by file and id."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from regimes.case import Case
from regimes.claim import Claim
from regimes.engine import Settings
from regimes.profiles import Profile
from regimes.sweep.store import plain


@dataclass(frozen=True)
class CellTask:
    """A cell to decide.

    Attributes:
        path: the claim's file.
        claim: the claim's id.
        fingerprint: the claim's fingerprint when the sweep began.
        case: the cell.
        error: its error budget.
        settings: the run's settings.
        subject: `module:object` in place of the claim's subject, None for the claim's own.
    """

    path: str
    claim: str
    fingerprint: str
    case: Case
    error: float
    settings: Settings
    subject: str | None = None


@dataclass(frozen=True)
class ControlTask:
    """A control to refute; attributes as of `CellTask`, with the control's name and the profile of random cases."""

    path: str
    claim: str
    fingerprint: str
    control: str
    settings: Settings
    profile: Profile


@dataclass(frozen=True)
class Finished:
    """What became of a task, as plain data.

    Attributes:
        verdict: the cell's or control's verdict, empty if it failed.
        evidence: evidence as data, None if there is none.
        seconds: time taken.
        case: a control's witness.
        cases: cases that a control was tried on.
        problem: one sentence if the task failed.
    """

    verdict: str
    evidence: dict[str, Any] | None
    seconds: float
    case: dict[str, Any] | None = None
    cases: int = 0
    problem: str = ""


@dataclass(frozen=True)
class FoundRow:
    """What became of a threshold search, as plain data; `result` is None and `problem` one sentence if it failed."""

    result: dict[str, Any] | None
    seconds: float
    problem: str = ""


def run_task(task: CellTask | ControlTask) -> Finished:
    """Load the task's claim by file and id and do the task; never raises but for an interrupt."""
    started = time.monotonic()
    try:
        return do(task, load(task.path, task.claim, task.fingerprint))
    except Exception as raised:
        return Finished("", None, time.monotonic() - started, problem=problem(task, raised))


def load(path: str, name: str, mark: str) -> Claim:
    """The claim of that id in a file; ValueError if the file no longer holds the one of this fingerprint, as a sweep began."""
    from regimes.catalogue import claims_in
    from regimes.document import fingerprint

    for claim in claims_in(Path(path)):
        if claim.id == name:
            if fingerprint(claim) != mark:
                raise ValueError(f"{name} was changed in {path} during the run; run again")
            return claim
    raise ValueError(f"{name} is no longer in {path}; run again")


def do(task: CellTask | ControlTask, claim: Claim) -> Finished:
    """Do a task with its claim at hand; the error is what `decide` raised."""
    started = time.monotonic()
    # One thread: a sweep is parallel over cells, and a worker's threads would only fight over the cores.
    settings = replace(task.settings, workers=1)
    if isinstance(task, CellTask):
        from regimes.engine import decide

        subject = claim.subject if task.subject is None else foreign(task.subject)
        evidence = decide(claim, task.case, error=task.error, settings=settings, subject=subject)
        return Finished(evidence.verdict, plain(evidence.as_dict()), time.monotonic() - started)
    from regimes.verify import refute_control

    result = refute_control(claim, task.control, settings, task.profile)
    evidence = None if result.evidence is None else plain(result.evidence.as_dict())
    verdict = "killed" if result.killed else "undecided"
    if not result.killed and evidence is not None and evidence["verdict"] == "holds":
        verdict = "survived"
    case = None if result.case is None else dict(result.case)
    return Finished(verdict, evidence, result.seconds, case=case, cases=result.cases)


def foreign(name: str) -> Any:
    """The subject that a `--subject module:object` names."""
    from regimes.subjects.foreign import load_subject

    return load_subject(name)


def describe(task: CellTask | ControlTask) -> str:
    """A task in a few words."""
    if isinstance(task, CellTask):
        return f"{task.claim} at {task.case.key} with seed {task.settings.seed}"
    return f"control {task.control!r} of {task.claim} with seed {task.settings.seed}"


def problem(task: CellTask | ControlTask, raised: Exception) -> str:
    """What a task raised, in one sentence with its case and seed."""
    text = " ".join(str(raised).split()) or "no message"
    if type(raised).__module__.startswith("regimes."):
        # The engine's sentences say at which case and seed already.
        said = isinstance(task, CellTask) and task.case.key in text
        return text if said and task.claim in text else f"{task.claim if said else describe(task)}: {text}"
    return f"{describe(task)}: {type(raised).__name__}: {text}"
