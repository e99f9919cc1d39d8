from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from regimes import axes
from regimes.case import Case
from regimes.claim import Control, Paper, always, claim
from regimes.decide.evidence import Evidence
from regimes.engine import Settings
from regimes.kinds import Inequality
from regimes.profiles import PROFILES
from regimes.verify import Decided, check_property, refute_control, reproduce, tightness

PAPER = Paper(key="doe2020bounds", title="Bounds", authors=("J. Doe",), year=2020, arxiv="2001.00001")
SETTINGS = Settings(device="cpu", replicates=4000)


def spread(case, replicates, randomness):
    """Numbers that come the nearer to 1 the nearer the coordinate is to 700."""
    return np.full(replicates, 1 - abs(case.place - 700) / 1000)


@claim(
    PAPER, "Theorem 1", id="never-above-one", kind=Inequality(at_most=1.0, share=0.5), statement="x \\le 1",
    axes=(axes.Axis("place", 0, 1000, integer=True),), premise=always("everywhere"), subject=spread,
    controls={"twice": lambda case, replicates, randomness: 2 * spread(case, replicates, randomness),
              "bound 0.999": Control(kind=Inequality(at_most=0.999, share=0.5))},
)  # fmt: skip
def never_above_one(networks, case):
    """The numbers as they are."""
    return networks


def evidence(estimate: float | None, target: float | None) -> Evidence:
    return Evidence(
        verdict="holds", replicates=1, discarded=0, estimate=estimate, interval=None, target=target, error=1e-9, margin=None,
        detectable=None, reason="", details={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("estimate", "target", "expected"), [(0.5, 1.0, -0.5), (-1.0, 0.0, -1.0), (3.0, 2.0, 0.5), (None, 1.0, -1e9), (1.0, None, -1e9)]
)
def test_tightness(estimate: float | None, target: float | None, expected: float) -> None:
    assert tightness(Decided(Case({}), evidence(estimate, target), 0.0)) == expected
    assert tightness(None) == -1e9


def test_an_inequality_is_searched_for_its_tightest_case() -> None:
    profile = replace(PROFILES["quick"], examples=120, item_seconds=60.0)
    result = check_property(never_above_one, SETTINGS, profile)
    assert result.verdict == "holds"
    best = max(one.evidence.estimate for one in result.decided)
    assert best > 0.99
    # Climbing finds a peak that few of as many independent draws would.
    assert sum(one.evidence.estimate > 0.97 for one in result.decided) > 0.1 * len(result.decided)


@pytest.mark.parametrize("name", ["twice", "bound 0.999"])
def test_controls_that_only_the_tightest_cases_refute(name: str) -> None:
    profile = replace(PROFILES["quick"], examples=2000, item_seconds=60.0)
    result = refute_control(never_above_one, name, SETTINGS, profile)
    assert (result.killed, result.verdict) == (True, "killed")
    assert abs(result.case.place - 700) < (1 if name == "bound 0.999" else 501)


def test_the_command_that_reproduces_a_case() -> None:
    case = Case({"place": 700})
    command = reproduce(never_above_one, case, evidence(1.0, 1.0), SETTINGS, control="bound 0.999")
    assert command == (
        "regimes check doe2020bounds/never-above-one --case place=700 --control 'bound 0.999' --seed 0 --dtype float32 --error 1e-09"
    )
    forced = reproduce(never_above_one, case, evidence(1.0, 1.0), replace(SETTINGS, sampler="direct"))
    assert forced.endswith("--dtype float32 --sampler direct --error 1e-09")
