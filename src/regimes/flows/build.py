"""Random RAD flows of a case: which folds and couplings they are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

from regimes.flows.base import Base
from regimes.flows.conditioner import Conditioner
from regimes.flows.folds import Abs, Family, Interval, Zigzag
from regimes.flows.gates import AbsGate, Gate, IntervalGate, ZigzagGate
from regimes.flows.layers import Coupling, Fold
from regimes.flows.pieces import Domain
from regimes.flows.protocol import FlowError
from regimes.flows.rad import Rad

FAMILIES = ("zigzag", "abs", "interval")


@dataclass(frozen=True)
class Recipe:
    """What a random flow is made of.

    Attributes:
        dimension: D.
        depth: layers of folds, each followed by a coupling where D > 1 and the domain is not a cube.
        family: `zigzag`, `abs`, `interval`, or `none` for couplings alone (RealNVP).
        hidden: units of each conditioner and gate.
        gain: size of their weights.
        pieces: K of an interval.
        spread: spread of an interval's logits.
        shape: a and b of the Beta base on a cube.
        stack, fold, coupling: the classes; a mutant replaces one.
        gates: gate class of each family; a mutant replaces one.
        families: family class of each family; a mutant replaces one.
    """

    dimension: int = 1
    depth: int = 1
    family: str = "zigzag"
    hidden: int = 8
    gain: float = 1.0
    pieces: int = 3
    spread: float = 0.5
    shape: tuple[int, int] = (2, 2)
    stack: type[Rad] = Rad
    fold: type[Fold] = Fold
    coupling: type[Coupling] = Coupling
    gates: dict[str, Callable[..., Gate]] = field(default_factory=dict)
    families: dict[str, Callable[..., Family]] = field(default_factory=dict)


def build(recipe: Recipe, replicates: int, generator: torch.Generator, dtype: torch.dtype) -> Rad:
    """`replicates` random flows; parameters are float32 numbers in either dtype, so that precisions can be compared.

    Raises:
        FlowError: the recipe names an unknown family, or a size below 1.
    """
    if recipe.family not in (*FAMILIES, "none"):
        raise FlowError(f"fold family {recipe.family!r} is unknown; use one of {', '.join(FAMILIES)}, or none")
    if min(recipe.dimension, recipe.depth, recipe.hidden, recipe.pieces, replicates) < 1:
        raise FlowError("a flow has at least one dimension, layer, hidden unit, piece and replicate")
    dimension, start = recipe.dimension, "interval" if recipe.family == "interval" else "line"
    domains: list[Domain] = [start] * dimension  # type: ignore[list-item]
    layers: list[Fold | Coupling] = []
    for l in range(recipe.depth):
        if recipe.family != "none":
            layers.append(_fold(recipe, l % dimension, domains, replicates, generator))
        if dimension > 1 and recipe.family != "interval":
            passive = torch.arange(dimension, device=generator.device) % 2 == l % 2
            shifted = torch.tensor([domain == "line" for domain in domains], device=generator.device)
            read = Conditioner(replicates, dimension, recipe.hidden, 2 * dimension, recipe.gain, generator)
            layers.append(recipe.coupling(passive, shifted, read))
    flow = recipe.stack(layers, Base(tuple(domains), recipe.shape), replicates)
    return flow.to(dtype)


def _fold(recipe: Recipe, j: int, domains: list[Domain], replicates: int, generator: torch.Generator) -> Fold:
    kinds: dict[str, Any] = {"zigzag": Zigzag, "abs": Abs, "interval": Interval, **recipe.families}
    gates: dict[str, Any] = {"zigzag": ZigzagGate, "abs": AbsGate, "interval": IntervalGate, **recipe.gates}
    if recipe.family == "abs":
        family = kinds["abs"](replicates, generator, domains[j])
        outputs = 1
    elif recipe.family == "interval":
        family = kinds["interval"](replicates, recipe.pieces, generator, recipe.spread)
        outputs = recipe.pieces
    else:
        family = kinds["zigzag"](replicates, generator)
        outputs = 3
    domains[j] = family.target
    read = Conditioner(replicates, recipe.dimension, recipe.hidden, outputs, recipe.gain, generator)
    return recipe.fold(j, family, gates[recipe.family](j, read))
