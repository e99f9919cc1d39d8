"""Profiles: how much work a run does, from a quick look to a night."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """Budgets of one profile.

    Attributes:
        name: `quick`, `default` or `thorough`; axes cap their random sizes by it.
        examples: random cases per claim.
        replicates: replicates per case at most.
        seconds: seconds per case at most; a case that runs out is `undecided`, never wrong.
        item_seconds: seconds after which a claim draws no further random case.
        shrink_seconds: seconds spent on shrinking a refuting case.
    """

    name: str
    examples: int
    replicates: int
    seconds: float
    item_seconds: float
    shrink_seconds: float


PROFILES = {
    "quick": Profile("quick", 6, 200_000, 6.0, 5.0, 10.0),
    "default": Profile("default", 20, 1_000_000, 60.0, 120.0, 60.0),
    "thorough": Profile("thorough", 100, 10_000_000, 600.0, 3600.0, 600.0),
}


def profile_named(name: str) -> Profile:
    """The profile of that name; ValueError lists the names."""
    if name not in PROFILES:
        raise ValueError(f"there is no profile {name!r}; use one of {', '.join(PROFILES)}")
    return PROFILES[name]
