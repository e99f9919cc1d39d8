"""Networks with explicit rational weights as subjects: constructions that reach bounds on the number of regions.

Each replicate is the construction in disguise, with units permuted within their layers and rescaled by powers of two:
its function and its regions are the same, its numbers are not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.regions.counts import Counts
from regimes.regions.exact import ExactNetwork, exact_line
from regimes.regions.exact_plane import exact_plane
from regimes.regions.network import Maxout, Relu
from regimes.subjects.architecture import hidden_widths
from regimes.subjects.subject import Subject

Layers = list[tuple[np.ndarray, np.ndarray]]
BLOCK = 8


class ExplicitNetworks:
    """R networks of at most two inputs whose regions are counted in rational arithmetic.

    Arguments:
        networks: the networks.
    """

    sampler = "explicit"

    def __init__(self, networks: Sequence[ExactNetwork]) -> None:
        self.networks, self.replicates = networks, len(networks)

    def counts(self, inside: bool = False) -> list[Counts]:
        """The four counts of each network, without any tolerance.

        Arguments:
            inside: within the open unit cube (0, 1)^n0, else on all of R^n0.
        """
        if self.networks[0].inputs == 1:
            return [exact_line(network, (0, 1) if inside else None).counts for network in self.networks]
        return [exact_plane(network, (0, 1, 0, 1) if inside else None) for network in self.networks]


def disguised(layers: Layers, generator: np.random.Generator) -> Layers:
    """The same function up to the order and scale of its outputs: units permuted and multiplied by powers of two.

    Arguments:
        layers: (W_l, b_l) with one row per unit; for maxout (n_l, k, n_(l-1)) and (n_l, k).
        generator: source of permutations and scales.
    """
    result, columns, undo = [], None, None
    for weight, bias in layers:
        units = len(weight)
        order = generator.permutation(units)
        scale = np.array([Fraction(2) ** int(power) for power in generator.integers(-3, 4, units)], dtype=object)
        w = weight if columns is None else weight[..., columns] * undo
        shape = (units,) + (1,) * (w.ndim - 1)
        result.append((w[order] * scale.reshape(shape), bias[order] * scale.reshape(shape[: bias.ndim])))
        columns, undo = order, np.array([1 / s for s in scale], dtype=object)
    return result


def constructed(
    name: str, make: Callable[[int, Sequence[int]], Layers], description: str = "", rank: Callable[[Case], int] | None = None
) -> Subject:
    """A subject of disguised constructions.

    Arguments:
        name: the subject's name.
        make: (n0, hidden widths) -> layers; for maxout (n0, (depth, rank)) is passed as (n0, [depth, rank]).
        description: what it is.
        rank: the maxout rank of a case, None for ReLU.
    """

    def build(case: Case, replicates: int, randomness: Randomness) -> ExplicitNetworks:
        inputs = int(case["input_dim"])
        generator = randomness.numpy("disguise")
        if rank is None:
            layers = make(inputs, hidden_widths("constant", int(case["width"]), int(case["depth"])))
            activation = Relu()
        else:
            layers = make(inputs, [int(case["depth"]), rank(case)])
            activation = Maxout(rank(case))
        found = []
        for _ in range(replicates):
            weights, biases = zip(*disguised(layers, generator), strict=True)
            if rank is not None:
                weights = tuple(w.reshape(-1, w.shape[-1]) for w in weights)
                biases = tuple(b.reshape(-1) for b in biases)
            found.append(ExactNetwork.from_layers([w.tolist() for w in weights], [b.tolist() for b in biases], activation))
        return ExplicitNetworks(found)

    # Rational counts are slow and every replicate has the same answer: blocks of eight.
    return Subject(name, build, description, footprint=lambda case: float(1 << 22) / BLOCK)
