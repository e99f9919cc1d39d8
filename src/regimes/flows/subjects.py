"""Subjects of claims about flows: batches of random RAD flows, right and wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from regimes.case import Case
from regimes.flows.build import Recipe, build
from regimes.flows.protocol import Flow
from regimes.flows.rad import Rad
from regimes.flows.training import train
from regimes.randomness import Randomness
from regimes.subjects.subject import Subject

DTYPES = {"float32": torch.float32, "float64": torch.float64}
BLOCK = 64  # flows in a block: one tensor program, and little wasted when a control dies at once


@dataclass
class Draw:
    """A batch of flows and where its random numbers come from.

    Attributes:
        flow: R flows, anything with the methods of `regimes.flows.protocol.Flow`.
        randomness: keyed streams.
        case: the case.
    """

    flow: Any
    randomness: Randomness
    case: Case
    sampler: str = "flows"

    @property
    def replicates(self) -> int:
        """R."""
        return self.flow.replicates

    @property
    def device(self) -> torch.device:
        """Where the flow is."""
        return self.randomness.device

    def generator(self, stream: str) -> torch.Generator:
        """A fresh generator of a stream."""
        return self.randomness.generator(stream)

    def sampled(self, count: int) -> tuple[Tensor, Tensor, Tensor]:
        """Points (R, count, D) of the flows, their latents and indices."""
        return self.flow.sample_paths(count, self.generator("points"))

    def points(self, count: int) -> Tensor:
        """`count` points of each flow and as many from N(0, 2²), uniform on a cube: in the support, likely or not."""
        flow: Rad = self.flow
        x = self.sampled(count)[0]
        generator = self.generator("other points")
        others = torch.empty_like(x)
        others = (
            others.uniform_(generator=generator) if "interval" in flow.source else others.normal_(0, 2, generator=generator)
        )  # fmt: skip
        return torch.cat((x, others), dim=1)


def recipe_of(case: Case) -> Recipe:
    """The recipe that a case's axes name; axes that it lacks keep their defaults."""
    named = {"input_dim": "dimension", "depth": "depth", "family": "family", "gain": "gain", "pieces": "pieces"}
    return Recipe(**{field: case[axis] for axis, field in named.items() if axis in case})  # type: ignore[arg-type]


def dtype_of(case: Case, randomness: Randomness) -> torch.dtype:
    """The dtype that the case names, else the run's."""
    return DTYPES[str(case["dtype"])] if "dtype" in case else randomness.dtype


def rad(
    name: str, description: str = "", *, replicates: int = BLOCK, change: Callable[[Rad], Flow] | None = None, **parts: Any
) -> Subject:
    """A subject of random RAD flows.

    Arguments:
        name: how keys and reports call it.
        description: what it is.
        replicates: flows in a block on a CPU.
        change: applied to the flows after they are drawn.
        parts: fields of `Recipe` that differ: a mutant replaces a class.
    """

    def draw(case: Case, count: int, randomness: Randomness) -> Draw:
        recipe = replace(recipe_of(case), **parts)
        flow: Any = build(recipe, count, randomness.generator("parameters"), dtype_of(case, randomness))
        flow.requires_grad_(False)
        return Draw(change(flow) if change else flow, randomness, case)

    return Subject(name, draw, description, footprint=lambda case: 2.0**22 / replicates)


flows = rad("RAD", "random folds, gates and couplings")


@dataclass
class Trained(Draw):
    """Flows after training.

    Attributes:
        gain: how much -log p fell on held-out points, (R,), in nats.
    """

    gain: Any = None


def trained(name: str, description: str = "", *, steps: int = 60, replicates: int = BLOCK, **parts: Any) -> Subject:
    """A subject of RAD flows trained on two moons (on their first coordinate where D = 1)."""
    untrained = rad(name, **parts)

    def draw(case: Case, count: int, randomness: Randomness) -> Trained:
        flow = untrained(case, count, randomness).flow
        before, after = train(flow, steps, randomness.generator("training"))
        return Trained(flow, randomness, case, gain=before - after)

    return Subject(name, draw, description, footprint=lambda case: 2.0**22 / replicates)
