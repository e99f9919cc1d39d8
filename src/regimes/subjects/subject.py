"""A subject: the code under test, with its name, its footprint, and the samplers that are equal to it in law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.architecture import architecture

__all__ = ["InLaw", "Subject", "SubjectError", "weights_of_case", "work_of_weights"]

LAYER_WORK = 60.0  # what a layer costs beside its weights: a few tensor operations shared by a block
PRODUCT_WORK = 0.01  # one weight times one input


def weights_of_case(case: Case) -> float:
    """Weights of one network of the case, the default footprint."""
    return float(architecture(case).weights)


def work_of_weights(case: Case) -> float:
    """Time to draw one network's weights and send the case's inputs through them, in units of one weight drawn."""
    shape = architecture(case)
    return shape.weights * (1 + PRODUCT_WORK * shape.inputs) + LAYER_WORK * len(shape.hidden)


@dataclass(frozen=True)
class Subject:
    """Builds a batch of networks for a case.

    Attributes:
        name: how keys and reports call it.
        build: `(case, replicates, randomness) -> networks`.
        description: what it is, in a few words.
        footprint: floats held per replicate, by which the engine sizes its blocks.
        work: time per replicate in units of one weight drawn, by which the engine chooses among samplers.
        in_law: samplers that may draw this subject's networks in its place.
    """

    name: str
    build: Callable[[Case, int, Randomness], Any]
    description: str = ""
    footprint: Callable[[Case], float] = weights_of_case
    work: Callable[[Case], float] = work_of_weights
    in_law: tuple[InLaw, ...] = ()

    def __call__(self, case: Case, replicates: int, randomness: Randomness) -> Any:
        """A batch of independent networks."""
        return self.build(case, replicates, randomness)


@dataclass(frozen=True)
class InLaw:
    """A sampler equal in law to a subject where a condition on the case holds.

    What it draws has a part of the subject's methods, with the same shapes; it raises AttributeError or SubjectError for
    the rest.

    Attributes:
        subject: the sampler.
        exact: the condition.
    """

    subject: Subject
    exact: Callable[[Case], bool]
