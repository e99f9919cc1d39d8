"""A subject: the code under test, with its name and its footprint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.architecture import architecture

__all__ = ["Subject", "SubjectError", "weights_of_case"]


def weights_of_case(case: Case) -> float:
    """Weights of one network of the case, the default footprint."""
    return float(architecture(case).weights)


@dataclass(frozen=True)
class Subject:
    """Builds a batch of networks for a case.

    Attributes:
        name: how keys and reports call it.
        build: `(case, replicates, randomness) -> networks`.
        description: what it is, in a few words.
        footprint: floats held per replicate, by which the engine sizes its blocks.
    """

    name: str
    build: Callable[[Case, int, Randomness], Any]
    description: str = ""
    footprint: Callable[[Case], float] = weights_of_case

    def __call__(self, case: Case, replicates: int, randomness: Randomness) -> Any:
        """A batch of independent networks."""
        return self.build(case, replicates, randomness)
