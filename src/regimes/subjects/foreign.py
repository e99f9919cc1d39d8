"""Adapters for other people's code: in-place initialisers, modules and batched builders as subjects.

Code that nobody here wrote is called once per matrix or module, under `regimes.subjects.guarded`. The evidence says
`modules, batched` where its weights then run as one batch of ours, and `modules, vmap` or `modules, loop` where the modules
run themselves.
"""

from __future__ import annotations

import importlib
import inspect
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.architecture import architecture
from regimes.subjects.dense_networks import DenseNetworks
from regimes.subjects.guarded import call, finite, global_generator
from regimes.subjects.module_networks import ModuleNetworks
from regimes.subjects.subject import Subject, SubjectError


def initialiser(name: str, fill: Callable[..., Any], description: str = "") -> Subject:
    """A subject from an in-place initialiser `fill(weight)`, as in torch.nn.init; weights of shape (fan_out, fan_in).

    Raises:
        SubjectError: when sampled, if the initialiser raises, changes the shape, fills nothing, or leaves NaN or infinity.
    """

    def draw(layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> Tensor:
        # NaN until it is filled: what memory held before must never be taken for weights.
        weights = torch.full((replicates, rows, columns), math.nan, dtype=randomness.dtype)
        with global_generator(randomness.seed(f"weights {layer}")):
            for matrix in weights:
                returned = call(name, fill, matrix)
                if isinstance(returned, Tensor) and returned.shape != matrix.shape:
                    raise SubjectError(
                        f"subject {name} returned shape {tuple(returned.shape)} for a weight of shape "
                        f"{tuple(matrix.shape)}; an initialiser fills its argument in place"
                    )
        untouched = weights.isnan().flatten(1).all(1)
        if untouched.any():
            raise SubjectError(
                f"subject {name} left a weight of shape ({rows}, {columns}) unfilled, or filled it with NaN; an initialiser "
                "fills its argument in place, as torch.nn.init.xavier_normal_ does"
            )
        return finite(name, weights).to(randomness.device)

    return _modules(name, draw, description)


def linear_layer(name: str, make: Callable[..., nn.Module], description: str = "") -> Subject:
    """A subject from a layer class `make(fan_in, fan_out)` with `weight` and perhaps `bias`, such as torch.nn.Linear."""

    def pair(layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> tuple[Tensor, Tensor]:
        weights = torch.empty(replicates, rows, columns, dtype=randomness.dtype)
        biases = torch.zeros(replicates, rows, dtype=randomness.dtype)
        with global_generator(randomness.seed(f"weights {layer}")), torch.no_grad():
            for replicate in range(replicates):
                module = call(name, make, columns, rows)
                weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
                if not isinstance(weight, Tensor) or weight.shape != (rows, columns):
                    raise SubjectError(
                        f"subject {name} has no weight of shape ({rows}, {columns}); a layer of it is made as "
                        f"{name}(fan_in, fan_out)"
                    )
                weights[replicate] = weight
                if bias is not None:
                    biases[replicate] = bias
        return finite(name, weights).to(randomness.device), finite(name, biases).to(randomness.device)

    def draw(*arguments: Any) -> Tensor:
        return pair(*arguments)[0]

    def biases(*arguments: Any) -> Tensor:
        return pair(*arguments)[1]

    return _modules(name, draw, description, biases)


def _modules(name: str, draw: Any, description: str, biases: Any = None) -> Subject:
    def build(case: Case, replicates: int, randomness: Randomness) -> DenseNetworks:
        return DenseNetworks(
            architecture(case), replicates, randomness, draw, biases=biases, sampler="modules, batched",
        )  # fmt: skip

    # A loop over matrices: blocks a few dozen networks long waste little when a control dies early.
    return Subject(name, build, description, footprint=lambda case: 16 * float(architecture(case).weights) + 2**16)


def subject_from(given: Any, name: str) -> Subject:
    """A subject from an object of somebody's code.

    Taken as it is: a `Subject`. A class of modules: a layer, made as `class(fan_in, fan_out)`. A callable whose first
    parameter is called `case`: with more required parameters a batched builder `(case, replicates, randomness)`, alone
    one network `case -> torch.nn.Module`. Any other callable: an in-place initialiser `f(weight)`.

    Raises:
        SubjectError: the object is none of these.
    """
    if isinstance(given, Subject):
        return given
    if inspect.isclass(given) and issubclass(given, nn.Module):
        return linear_layer(name, given, f"{name} as it ships")
    if isinstance(given, nn.Module):
        raise SubjectError(
            f"subject {name} is one {type(given).__name__} and not a law of networks; give a callable case -> torch.nn.Module "
            "that makes a fresh one each time"
        )
    if not callable(given):
        raise SubjectError(
            f"subject {name} is {type(given).__name__}; give an initialiser f(weight), a callable case -> torch.nn.Module, "
            "a layer class or a builder (case, replicates, randomness)"
        )
    try:
        parameters = list(inspect.signature(given).parameters.values())
    except (TypeError, ValueError):
        parameters = []
    if parameters and parameters[0].name == "case":
        if sum(p.default is inspect.Parameter.empty for p in parameters) >= 3:
            return Subject(name, given)

        def build(case: Case, replicates: int, randomness: Randomness) -> ModuleNetworks:
            make: Any = given
            return ModuleNetworks(name, make, case, architecture(case), replicates, randomness)

        return Subject(name, build, "", footprint=lambda case: 16 * float(architecture(case).weights) + 2**16)
    return initialiser(name, given, f"{name} as it ships")


def load_subject(text: str) -> Subject:
    """The subject that `package.module:object` names.

    Raises:
        SubjectError: the text has no colon, the module does not import, or has no such object.
    """
    module_name, colon, path = text.partition(":")
    if not colon or not module_name or not path:
        raise SubjectError(f"a subject is named package.module:object, as in torch.nn.init:xavier_normal_; got {text!r}")
    try:
        found: Any = importlib.import_module(module_name)
    except (Exception, SystemExit) as raised:  # a script without a main guard exits when it is imported
        raise SubjectError(f"subject {text} does not import: {type(raised).__name__}: {raised}") from raised
    for part in path.split("."):
        if not hasattr(found, part):
            raise SubjectError(f"subject {text} does not exist: {module_name} has no {path!r}")
        found = getattr(found, part)
    return subject_from(found, text)


kaiming_fan_out = initialiser(
    "torch kaiming_normal_, fan_out",
    partial(nn.init.kaiming_normal_, mode="fan_out", nonlinearity="relu"),
    "torch.nn.init.kaiming_normal_(mode='fan_out') as it ships",
)
kaiming_fan_in = initialiser(
    "torch kaiming_normal_, fan_in",
    partial(nn.init.kaiming_normal_, mode="fan_in", nonlinearity="relu"),
    "torch.nn.init.kaiming_normal_(mode='fan_in') as it ships",
)
xavier_normal = initialiser("torch xavier_normal_", nn.init.xavier_normal_, "torch.nn.init.xavier_normal_ as it ships")
torch_linear = linear_layer("torch.nn.Linear", nn.Linear, "torch.nn.Linear's default weights and biases as they ship")
