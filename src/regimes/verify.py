"""Verification of one claim: its property over random cases, and each of its controls until it is refuted."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from regimes.case import Case
from regimes.claim import Claim
from regimes.decide import Budget
from regimes.decide.evidence import Evidence, Verdict
from regimes.engine import Settings, decide
from regimes.errors import RegimesError
from regimes.kinds import Inequality
from regimes.profiles import Profile

PATIENCE = 3


@dataclass(frozen=True)
class Decided:
    """One decided case: the case, its evidence and the seconds it took."""

    case: Case
    evidence: Evidence
    seconds: float


@dataclass
class PropertyResult:
    """What the random cases of a claim showed.

    Attributes:
        decided: every case in the order it was drawn, shrinking included.
        refuted: the shrunk refuting case, None if there is none.
        discarded_cases: draws that came after the time for further cases had run out.
        seconds: seconds in all.
    """

    decided: list[Decided] = field(default_factory=list)
    refuted: Decided | None = None
    discarded_cases: int = 0
    seconds: float = 0.0

    @property
    def replicates(self) -> int:
        """Replicates used over all cases."""
        return sum(one.evidence.replicates for one in self.decided)

    @property
    def verdict(self) -> Verdict:
        """`refuted` if one case was, else `holds` if one case did, else `undecided`."""
        if self.refuted is not None:
            return "refuted"
        return "holds" if any(one.evidence.verdict == "holds" for one in self.decided) else "undecided"

    @property
    def undecided(self) -> int:
        """Cases whose budget ran out."""
        return sum(one.evidence.verdict == "undecided" for one in self.decided)


@dataclass(frozen=True)
class ControlResult:
    """What became of a control.

    Attributes:
        name: the control.
        killed: whether the claim was refuted on it.
        case: the witness, or the last case tried.
        evidence: evidence at that case.
        cases: cases tried.
        replicates: replicates used over all cases.
        seconds: seconds in all.
    """

    name: str
    killed: bool
    case: Case | None
    evidence: Evidence | None
    cases: int
    replicates: int
    seconds: float

    @property
    def verdict(self) -> str:
        """`killed`, `survived` (the claim was said to hold on it) or `undecided`."""
        if self.killed:
            return "killed"
        return "survived" if self.evidence is not None and self.evidence.verdict == "holds" else "undecided"


class NoCase(RegimesError, ValueError):
    """A claim whose premise holds nowhere that the profile's axes reach."""


class _Refuted(Exception):
    """Tells Hypothesis that a case falsifies the property."""


def check_property(
    claim: Claim,
    settings: Settings,
    profile: Profile,
    *,
    hypothesis_seed: int | None = None,
    subject: Any = None,
    at: dict[str, Any] | None = None,
    progress: Callable[[Decided], None] | None = None,
) -> PropertyResult:
    """Decide random cases inside the premise; a refuting case is shrunk by Hypothesis.

    Case number i (in the order drawn) may err with probability at most the i-th share of the claim's budget.
    A case that comes again has the same key, hence the same replicates: its evidence is remembered and
    spends nothing new.

    Arguments:
        claim: the claim.
        settings: seed, device, dtype and budgets.
        profile: number of cases and time limits.
        hypothesis_seed: seed of the draws of cases; by default derived from the run's seed and the claim.
        subject: another subject than the claim's.
        at: coordinates held fixed.
        progress: called after each decided case.
    """
    budget = Budget(settings.alpha)
    return _search(
        claim, settings, profile, lambda index: budget.example(index),
        at=at or {}, shrink=True, hypothesis_seed=hypothesis_seed, subject=subject, progress=progress,
    )  # fmt: skip


def refute_control(
    claim: Claim,
    name: str,
    settings: Settings,
    profile: Profile,
    *,
    hypothesis_seed: int | None = None,
) -> ControlResult:
    """Try to refute a claim on one of its controls: random cases at the control's pinned coordinates until one is refuted.

    A control has three times the time of a property: it stops at its death, and only one that survives uses it up.
    """
    settings = replace(settings, seconds=PATIENCE * settings.seconds)
    profile = replace(profile, item_seconds=PATIENCE * profile.item_seconds)
    budget = Budget(settings.alpha)
    share = budget.control(list(claim.controls).index(name) + 1, len(claim.controls))
    wrong = claim.under(name)
    result = _search(
        wrong, settings, profile, lambda index: share * budget.series(index),
        at=dict(claim.controls[name].at), shrink=False, hypothesis_seed=hypothesis_seed, subject=None, progress=None,
    )  # fmt: skip
    last = result.refuted or (result.decided[-1] if result.decided else None)
    return ControlResult(
        name=name,
        killed=result.refuted is not None,
        case=last.case if last else None,
        evidence=last.evidence if last else None,
        cases=len(result.decided),
        replicates=result.replicates,
        seconds=result.seconds,
    )


def _search(
    claim: Claim,
    settings: Settings,
    profile: Profile,
    error: Callable[[int], float],
    *,
    at: dict[str, Any],
    shrink: bool,
    hypothesis_seed: int | None,
    subject: Any,
    progress: Callable[[Decided], None] | None,
) -> PropertyResult:
    import hypothesis
    from hypothesis import HealthCheck, Phase, errors, given

    result = PropertyResult()
    known: dict[str, Decided | None] = {}
    started = time.monotonic()
    first_refuted: list[float] = []
    aim = shrink and isinstance(claim.kind, Inequality)

    def examine(case: Case) -> None:
        if case.key not in known:
            now = time.monotonic()
            late = now - started > profile.item_seconds if not first_refuted else (
                now - first_refuted[0] > profile.shrink_seconds
            )  # fmt: skip
            if late and result.decided:
                # Out of time: remembered as not refuting, so that Hypothesis sees one consistent answer.
                known[case.key] = None
                result.discarded_cases += 1
                return
            evidence = decide(claim, case, error=error(len(result.decided) + 1), settings=settings, subject=subject)
            decided = Decided(case, evidence, time.monotonic() - now)
            known[case.key] = decided
            result.decided.append(decided)
            if progress is not None:
                progress(decided)
        decided = known[case.key]
        if aim:
            hypothesis.target(tightness(decided))
        if decided is not None and decided.evidence.verdict == "refuted":
            if not first_refuted:
                first_refuted.append(time.monotonic())
            result.refuted = decided
            raise _Refuted(case.key)

    seed = hypothesis_seed if hypothesis_seed is not None else _seed(settings.seed, claim.id)
    # An inequality is searched for its tightest case, by climbing from the cases drawn so far.
    phases = (Phase.generate, *((Phase.target,) if aim else ()), *((Phase.shrink,) if shrink else ()))
    law = given(claim.cases(profile.name, at))(_as_test(examine))
    law = hypothesis.settings(
        max_examples=profile.examples,
        deadline=None,
        database=None,
        phases=phases,
        report_multiple_bugs=False,
        print_blob=False,
        derandomize=False,
        verbosity=hypothesis.Verbosity.quiet,
        suppress_health_check=[*HealthCheck],  # type: ignore[arg-type]
    )(hypothesis.seed(seed)(law))
    try:
        law()
    except _Refuted:
        pass
    except errors.Unsatisfiable as none:
        raise NoCase(
            f"no case of {claim.id} inside its premise ({claim.premise.text}) was found on the axes of the "
            f"{profile.name} profile; widen an axis or give --case"
        ) from none
    result.seconds = time.monotonic() - started
    return result


def tightness(decided: Decided | None) -> float:
    """How near the largest observation comes to an inequality's bound, in units of the bound; the higher the tighter."""
    if decided is None or decided.evidence.estimate is None or decided.evidence.target is None:
        return -1e9
    gap = float(decided.evidence.estimate) - float(decided.evidence.target)
    return max(-1e9, gap / (abs(float(decided.evidence.target)) or 1.0))


def _as_test(examine: Callable[[Case], None]) -> Callable[[Case], None]:
    """A plain function with the argument name that `given` fills."""

    def regimes_property(case: Case) -> None:
        examine(case)

    return regimes_property


def _seed(seed: int, claim: str) -> int:
    """Seed of the draws of cases: another one for each claim, the same on every machine."""
    return int.from_bytes(hashlib.sha256(f"{seed}|{claim}|cases".encode()).digest()[:8], "big")


def reproduce(
    claim: Claim, case: Case, evidence: Evidence, settings: Settings, control: str = "", subject: str = ""
) -> str:
    """The one-line command that decides the same case with the same replicates and the same error budget."""
    import shlex

    words = ["regimes", "check", claim.id]
    for name, value in case.items():
        words += ["--case", f"{name}={value}"]
    if control:
        words += ["--control", control]
    if subject:
        words += ["--subject", subject]
    words += ["--seed", str(settings.seed), "--dtype", settings.dtype]
    if settings.sampler != "auto":
        words += ["--sampler", settings.sampler]
    words += ["--error", repr(evidence.error)]
    return shlex.join(words)
