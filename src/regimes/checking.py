"""What `regimes check` does: decide one case, or random ones, of a claim or of one of its controls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from regimes.case import Case, Value
from regimes.claim import Claim
from regimes.decide import Budget
from regimes.decide.evidence import Evidence
from regimes.engine import Settings, decide
from regimes.kinds import OF_A_SHARE
from regimes.profiles import Profile
from regimes.verify import check_property, refute_control


@dataclass(frozen=True)
class Check:
    """The outcome of checking a claim or a control.

    Attributes:
        label: what was checked.
        status: exit status.
        verdict: the word for it.
        kind: the claim's kind.
        cases: every case decided, with its evidence and whether the claim promises anything there.
    """

    label: str
    status: int
    verdict: str
    kind: str
    cases: tuple[tuple[Case, Evidence, bool], ...]

    def as_dict(self) -> dict[str, Any]:
        """The outcome as JSON-able data."""
        cases = [{"case": dict(case), "inside": inside, "evidence": e.as_dict()} for case, e, inside in self.cases]
        return {"checked": self.label, "status": self.status, "verdict": self.verdict, "cases": cases}

    def text(self) -> str:
        """The outcome for a person."""
        lines = [f"{self.label}: {self.verdict}"]
        for case, evidence, inside in self.cases:
            where = "" if inside else " (outside the premise: nothing is promised)"
            lines.append(f"  {', '.join(f'{name}={value}' for name, value in case.items())}: {evidence.verdict}{where}")
            lines += evidence_lines(evidence, self.kind)
        return "\n".join(lines)


STATUS = {"holds": 0, "refuted": 1, "undecided": 3}


def check_claim(
    claim: Claim, at: Mapping[str, Value], error: float | None, settings: Settings, profile: Profile, subject: Any
) -> Check:
    """Decide one case if every axis is given, else random cases with the given coordinates fixed."""
    name = "" if subject is None else f" on {getattr(subject, 'name', subject)}"
    if set(at) == {axis.name for axis in claim.axes}:
        case = claim.case(at)
        budget = Budget(settings.alpha).example(1) if error is None else error
        evidence = decide(claim, case, error=budget, settings=settings, subject=subject)
        inside = claim.premise.holds(case)
        status = STATUS[evidence.verdict] if inside or evidence.verdict == "undecided" else 0
        return Check(f"{claim.id}{name}", status, evidence.verdict, claim.kind.name, ((case, evidence, inside),))
    result = check_property(claim, settings, profile, subject=subject, at=dict(at))
    shown = [result.refuted] if result.refuted is not None else result.decided
    cases = tuple((one.case, one.evidence, True) for one in shown)
    return Check(f"{claim.id}{name}", STATUS[result.verdict], result.verdict, claim.kind.name, cases)


def check_control(
    claim: Claim, control: str, at: Mapping[str, Value], error: float | None, settings: Settings, profile: Profile
) -> Check:
    """Decide a control; being refuted is what is promised of it.

    Raises:
        ValueError: the claim has no control of that name.
    """
    wrong = claim.under(control)
    label = f"{claim.id} [control: {control}]"
    if at and set(at) == {axis.name for axis in claim.axes}:
        case = claim.case(at)
        budget = Budget(settings.alpha).control(1, len(claim.controls)) if error is None else error
        evidence = decide(wrong, case, error=budget, settings=settings)
        status = {"refuted": 0, "holds": 1, "undecided": 3}[evidence.verdict]
        verdict = {"refuted": "killed", "holds": "survived"}.get(evidence.verdict, "undecided")
        return Check(label, status, verdict, wrong.kind.name, ((case, evidence, wrong.premise.holds(case)),))
    pinned = replace(claim.controls[control], at={**claim.controls[control].at, **at})
    result = refute_control(replace(claim, controls={**claim.controls, control: pinned}), control, settings, profile)
    status = {"killed": 0, "survived": 1, "undecided": 3}[result.verdict]
    cases = () if result.case is None or result.evidence is None else ((result.case, result.evidence, True),)
    return Check(label, status, result.verdict, wrong.kind.name, cases)


def evidence_lines(evidence: Evidence, kind: str) -> list[str]:
    """Evidence as indented lines for a person; the claim's kind says what its margin is of."""
    interval = "-" if evidence.interval is None else f"[{evidence.interval[0]:.6g}, {evidence.interval[1]:.6g}]"
    estimate = "-" if evidence.estimate is None else f"{evidence.estimate:.6g}"
    target = "" if evidence.target is None else f" against {evidence.target:.6g}"
    margin, departure = ("share", "violations in a share") if kind in OF_A_SHARE else ("margin", "a departure")
    detectable = "" if evidence.detectable is None else f", would have seen {departure} of {evidence.detectable:.3g}"
    drawn = f" (sampler {evidence.details['sampler']})" if "sampler" in evidence.details else ""
    return [
        f"    {evidence.reason}",
        f"    estimate {estimate}{target}, interval {interval}",
        f"    {evidence.replicates} replicates{drawn}, error budget {evidence.error:.2g}, "
        f"{margin} {evidence.margin:.3g}{detectable}",
    ]
