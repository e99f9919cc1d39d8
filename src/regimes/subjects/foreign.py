"""Adapters for other people's code: in-place initialisers, modules and batched builders as subjects.

Code that nobody here wrote draws from torch's global generator. It runs under a lock, inside
`torch.random.fork_rng` with a keyed seed, so that its replicates are reproducible and the caller's generator is
left as it was. It is called once per matrix or module; the evidence then says `modules`.
"""

from __future__ import annotations

import importlib
import inspect
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from regimes.case import Case
from regimes.randomness import Randomness
from regimes.subjects.architecture import Architecture, architecture
from regimes.subjects.dense_networks import DenseNetworks, layer_ratios, log_square_norm
from regimes.subjects.subject import Subject, SubjectError

LOCK = threading.Lock()
ACTIVATIONS = (
    nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.GELU, nn.ELU, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.PReLU, nn.ReLU6,
)  # fmt: skip


@contextmanager
def global_generator(seed: int) -> Iterator[None]:
    """Torch's global CPU generator seeded inside, and restored after."""
    with LOCK, torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def initialiser(name: str, fill: Callable[..., Any], description: str = "") -> Subject:
    """A subject from an in-place initialiser `fill(weight)`, as in torch.nn.init; weights of shape (fan_out, fan_in).

    Raises:
        SubjectError: when sampled, if the initialiser raises, changes the shape, or leaves NaN or infinity.
    """

    def draw(layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> Tensor:
        weights = torch.empty(replicates, rows, columns, dtype=randomness.dtype)
        with global_generator(randomness.seed(f"weights {layer}")):
            for matrix in weights:
                returned = _call(name, fill, matrix)
                if isinstance(returned, Tensor) and returned.shape != matrix.shape:
                    raise SubjectError(
                        f"subject {name} returned shape {tuple(returned.shape)} for a weight of shape "
                        f"{tuple(matrix.shape)}; an initialiser fills its argument in place"
                    )
        return _finite(name, weights).to(randomness.device)

    return _modules(name, draw, description)


def linear_layer(name: str, make: Callable[..., nn.Module], description: str = "") -> Subject:
    """A subject from a layer class `make(fan_in, fan_out)` with `weight` and perhaps `bias`, such as torch.nn.Linear."""

    def pair(layer: int, replicates: int, rows: int, columns: int, randomness: Randomness) -> tuple[Tensor, Tensor]:
        weights = torch.empty(replicates, rows, columns, dtype=randomness.dtype)
        biases = torch.zeros(replicates, rows, dtype=randomness.dtype)
        with global_generator(randomness.seed(f"weights {layer}")), torch.no_grad():
            for replicate in range(replicates):
                module = _call(name, make, columns, rows)
                weight, bias = getattr(module, "weight", None), getattr(module, "bias", None)
                if not isinstance(weight, Tensor) or weight.shape != (rows, columns):
                    raise SubjectError(
                        f"subject {name} has no weight of shape ({rows}, {columns}); a layer of it is made as "
                        f"{name}(fan_in, fan_out)"
                    )
                weights[replicate] = weight
                if bias is not None:
                    biases[replicate] = bias
        return _finite(name, weights).to(randomness.device), _finite(name, biases).to(randomness.device)

    def draw(*arguments: Any) -> Tensor:
        return pair(*arguments)[0]

    def biases(*arguments: Any) -> Tensor:
        return pair(*arguments)[1]

    return _modules(name, draw, description, biases)


def _modules(name: str, draw: Any, description: str, biases: Any = None) -> Subject:
    def build(case: Case, replicates: int, randomness: Randomness) -> DenseNetworks:
        return DenseNetworks(
            architecture(case), replicates, randomness, draw, biases=biases, sampler="modules",
        )  # fmt: skip

    # A loop over matrices: blocks a few dozen networks long waste little when a control dies early.
    return Subject(name, build, description, footprint=lambda case: 16 * float(architecture(case).weights) + 2**16)


class ModuleNetworks:
    """Networks made one by one as torch modules; hidden layers are what their activation modules return.

    Arguments:
        name: the subject's name.
        make: `case -> torch.nn.Module`, mapping (N, n_0) to anything.
        case: the case.
        shape: its architecture, for the inputs.
        replicates: number of networks.
        randomness: keyed streams.
    """

    sampler = "modules"

    def __init__(
        self, name: str, make: Callable[[Case], nn.Module], case: Case, shape: Architecture, replicates: int,
        randomness: Randomness,
    ) -> None:  # fmt: skip
        self.replicates, self.randomness, self.shape, self.name = replicates, randomness, shape, name
        with global_generator(randomness.seed("modules")):
            self.modules = [_call(name, make, case) for _ in range(replicates)]
        if not isinstance(self.modules[0], nn.Module):
            raise SubjectError(
                f"subject {name} returned {type(self.modules[0]).__name__}; called with a case it returns a torch.nn.Module"
            )

    def log_norms(self) -> Tensor:
        """log|h^l(x_i)|^2 for l = 0..L, shape (R, L + 1, N), float64."""
        inputs = self.shape.draw_inputs(self.replicates, self.randomness).to(self.randomness.dtype)
        rows = []
        for module, x in zip(self.modules, inputs, strict=True):
            hidden = self._hidden(module, x)
            if len(hidden) != len(self.shape.hidden):
                raise SubjectError(
                    f"subject {self.name} has {len(hidden)} activations where the case has {len(self.shape.hidden)} hidden "
                    "layers; use one activation module per hidden layer"
                )
            for h in hidden:
                _finite(self.name, h)
            rows.append(torch.stack([log_square_norm(h.T[None])[0] for h in (x, *hidden)]))
        return torch.stack(rows)

    def _hidden(self, module: nn.Module, x: Tensor) -> list[Tensor]:
        """What the activation modules return on the inputs x, in the order in which they run."""
        hidden: list[Tensor] = []

        def collect(_module: nn.Module, _inputs: object, output: Tensor) -> None:
            hidden.append(output.detach())

        parts = [part for part in module.modules() if isinstance(part, ACTIVATIONS)]
        handles = [part.register_forward_hook(collect) for part in parts]
        try:
            _call(self.name, module.to(self.randomness.device, self.randomness.dtype), x)
        finally:
            for handle in handles:
                handle.remove()
        return hidden

    def layer_ratios(self) -> Tensor:
        """r_l of the first input, shape (R, L); 0 where layer l dies, NaN after that."""
        return layer_ratios(self.log_norms())

    def gradients(self, error: float | str) -> Any:
        """Not to be had from a module: SubjectError says what to give instead."""
        raise SubjectError(
            f"subject {self.name} is a module, whose weights this claim cannot address; give an initialiser f(weight)"
        )


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
    except Exception as raised:
        raise SubjectError(f"subject {text} does not import: {type(raised).__name__}: {raised}") from raised
    for part in path.split("."):
        if not hasattr(found, part):
            raise SubjectError(f"subject {text} does not exist: {module_name} has no {path!r}")
        found = getattr(found, part)
    return subject_from(found, text)


def _call(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except SubjectError:
        raise
    except Exception as raised:
        shapes = ", ".join(f"shape {tuple(a.shape)}" if isinstance(a, Tensor) else str(a) for a in arguments)
        message = str(raised).strip().splitlines()
        raise SubjectError(
            f"subject {name} raised {type(raised).__name__} ({message[0] if message else 'no message'}) on {shapes}"
        ) from raised


def _finite(name: str, values: Tensor) -> Tensor:
    if not torch.isfinite(values).all():
        word = "NaN" if values.isnan().any() else "infinity"
        raise SubjectError(f"subject {name} gave {word}; its weights and outputs must be finite")
    return values


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
