"""The choice of a sampler: the cheapest that is exact in law for the claim, the case and the subject, or the plain one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from regimes.errors import SubjectError
from regimes.kinds import Identity

if TYPE_CHECKING:
    from regimes.case import Case
    from regimes.claim import Claim
    from regimes.randomness import Randomness

SAMPLERS = ("auto", "direct")
PROBE = 2  # replicates: enough for an observable to ask for all that it will ever ask


def resolve_sampler(name: str) -> str:
    """A `--sampler` value as it is; ValueError if it is unknown."""
    if name not in SAMPLERS:
        raise ValueError(f"sampler {name!r} is unknown; use auto or direct")
    return name


def choose(claim: Claim, case: Case, subject: Any, randomness: Randomness, sampler: str) -> Any:
    """The subject that draws the networks: one of `subject.in_law`, or `subject` itself.

    A sampler must be exact at the case, cheaper than the plain one, and must offer all that the claim observes, which is
    found out on two replicates. An identity is about the arithmetic of weights and a claim may be about a sampler's own
    law: both are drawn directly. The choice depends on claim, case and subject alone, so that no two blocks differ in it.

    Arguments:
        claim: the claim.
        case: the case.
        subject: the subject under test.
        randomness: streams for the two replicates, used for nothing else.
        sampler: one of `SAMPLERS`.
    """
    if "direct" in (sampler, claim.sampler) or isinstance(claim.kind, Identity):
        return subject
    exact = [one.subject for one in getattr(subject, "in_law", ()) if one.exact(case)]
    for one in sorted(exact, key=lambda found: found.work(case)):
        if one.work(case) < subject.work(case) and _offers(one, claim, case, randomness):
            return one
    return subject


def _offers(sampler: Any, claim: Claim, case: Case, randomness: Randomness) -> bool:
    """Whether the claim's observable finds all that it asks for."""
    import torch

    try:
        with torch.no_grad():
            claim.observable(sampler(case, PROBE, randomness), case)
    except (AttributeError, SubjectError):
        return False
    except Exception:
        return True  # no question of what is offered: the engine meets it again, and says at which case and seed
    return True
