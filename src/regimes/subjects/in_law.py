"""The samplers of dense networks with independent Gaussian weights and no biases, none of which draws a weight.

Gaussian weights do not feel a rotation of their input: one input of unit norm is a chain of scalars, and N inputs are known
by their Gram matrices. Uniform, truncated, sparse or orthogonal weights feel it, and biases are not scaled with the signal.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.activations import ACTIVATIONS
from regimes.subjects.architecture import architecture
from regimes.subjects.gradient_chain import in_law
from regimes.subjects.gram_networks import ForwardNetworks
from regimes.subjects.subject import InLaw, Subject


def gaussian_samplers(
    name: str, variance: Callable[[int, int], float], activation: Callable[[Tensor], Tensor]
) -> tuple[InLaw, ...]:
    """What is equal in law to networks h^l = act(W^l h^(l-1)), W^l_ij ~ N(0, variance(rows, columns)).

    Arguments:
        name: the networks' name.
        variance: `(rows, columns) -> variance` of a layer's weights.
        activation: an entrywise function; one that is not in `ACTIVATIONS` has no sampler.
    """
    known = next((label for label, one in ACTIVATIONS.items() if one.function is activation), None)
    if known is None:
        return ()
    found = [InLaw(inputs_in_law(name, variance, known), lambda case: True)]
    slope = ACTIVATIONS[known].slope
    if slope is not None:
        chain = in_law(f"{name}, one input in law", variance, "norms from their exact law", slope)
        found.insert(0, InLaw(chain, lambda case: architecture(case).inputs == 1))
    return tuple(found)


def inputs_in_law(name: str, variance: Callable[[int, int], float], activation: str = "relu") -> Subject:
    """A subject of `ForwardNetworks`: any number of inputs on their way up.

    Arguments:
        name: the networks' name.
        variance: `(rows, columns) -> variance` of a layer's weights.
        activation: one of `ACTIVATIONS`.
    """

    def build(case: Case, replicates: int, randomness: Randomness) -> ForwardNetworks:
        return ForwardNetworks(architecture(case), replicates, randomness, activation=activation, variance=variance)

    return Subject(f"{name}, inputs in law", build, "pre-activations from their exact law", forward_footprint, forward_work)


def forward_footprint(case: Case) -> float:
    """Floats of a forward pass of `ForwardNetworks`: a layer's vectors, their basis, its noise and its pre-activations."""
    shape = architecture(case)
    return 22.0 * shape.inputs * max(shape.widths) + 4.0 * shape.inputs * len(shape.widths)


def forward_work(case: Case) -> float:
    """Time of a forward pass in units of one weight drawn: its noise, products with N x N matrices, and small operations."""
    shape = architecture(case)
    inputs = shape.inputs
    return inputs * (2.5 + 0.1 * inputs) * sum(shape.widths) + (100.0 + 40.0 * inputs) * len(shape.hidden)
