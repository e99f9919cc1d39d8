"""Networks made by somebody's code as torch modules: made one by one, run as one batch where `torch.func.vmap` can."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from regimes.case import Case
from regimes.errors import SubjectError
from regimes.randomness import Randomness
from regimes.subjects.architecture import Architecture
from regimes.subjects.guarded import call, finite, global_generator
from regimes.subjects.signal_norms import layer_ratios, log_square_norm

ACTIVATIONS = (
    nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.GELU, nn.ELU, nn.SELU, nn.SiLU, nn.Sigmoid, nn.Softplus, nn.PReLU, nn.ReLU6,
)  # fmt: skip
LARGEST_BATCHED = 1 << 16  # parameters of a module: beyond, the copy into one batch costs more than the loop it saves
OF_EVERY_MODULE = frozenset(vars(nn.Module()))


class ModuleNetworks:
    """Networks made one by one as torch modules; hidden layers are what their activation modules return.

    Arguments:
        name: the subject's name.
        make: `case -> torch.nn.Module`, mapping (N, n_0) to anything.
        case: the case.
        shape: its architecture, for the inputs.
        replicates: number of networks.
        randomness: keyed streams.
        batched: whether modules of one build may run as one batch.

    Attributes:
        sampler: `modules, vmap` once they have run as one batch, `modules, loop` once they have not.
    """

    def __init__(
        self, name: str, make: Callable[[Case], nn.Module], case: Case, shape: Architecture, replicates: int,
        randomness: Randomness, batched: bool = True,
    ) -> None:  # fmt: skip
        self.replicates, self.randomness, self.architecture, self.name = replicates, randomness, shape, name
        with global_generator(randomness.seed("modules")):
            self.modules = [call(name, make, case) for _ in range(replicates)]
        first = self.modules[0]
        if not isinstance(first, nn.Module):
            raise SubjectError(
                f"subject {name} returned {type(first).__name__}; called with a case it returns a torch.nn.Module"
            )
        small = sum(parameter.numel() for parameter in first.parameters()) <= LARGEST_BATCHED
        self.batched, self.sampler = batched and small, "modules"

    def log_norms(self) -> Tensor:
        """log|h^l(x_i)|^2 for l = 0..L, shape (R, L + 1, N), float64."""
        inputs = self.architecture.draw_inputs(self.replicates, self.randomness).to(self.randomness.dtype)
        hidden = self._at_once(inputs) if self.batched else None
        self.sampler = "modules, loop" if hidden is None else "modules, vmap"
        if hidden is None:
            each = [self._hidden(module, x) for module, x in zip(self.modules, inputs, strict=True)]
            hidden = [torch.stack(layer) for layer in zip(*each, strict=True)]
        return torch.stack([log_square_norm(h.transpose(1, 2)) for h in (inputs, *hidden)], 1)

    def _at_once(self, inputs: Tensor) -> list[Tensor] | None:
        """Hidden layers (R, N, n_l) of all modules in one batch, None where they differ in build or vmap cannot."""
        base = self.modules[0]
        build = _build(base)
        if any(_build(module) != build for module in self.modules[1:]):
            return None

        def one(parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> tuple[Tensor, ...]:
            with _collected(base) as hidden:
                functional_call(base, (parameters, buffers), (x,))
            return tuple(hidden)

        try:
            # Modules that draw numbers as they run, or branch on what they see, are refused here.
            parameters, buffers = stack_module_state(self.modules)
            hidden = torch.vmap(one)(self._converted(parameters), self._converted(buffers), inputs)
        except Exception:
            return None  # what the modules themselves raise, the loop meets again and names
        self._counted(hidden)
        return [finite(self.name, h.detach()) for h in hidden]

    def _converted(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors on the run's device, and in its dtype where they are of a floating one, as `Module.to` has it."""
        device, dtype = self.randomness.device, self.randomness.dtype
        return {key: t.to(device, dtype if t.is_floating_point() else t.dtype) for key, t in tensors.items()}

    def _hidden(self, module: nn.Module, x: Tensor) -> list[Tensor]:
        """What one module's activation modules return on the inputs x, in the order in which they run."""
        with _collected(module) as hidden:
            call(self.name, module.to(self.randomness.device, self.randomness.dtype), x)
        self._counted(hidden)
        return [finite(self.name, h) for h in hidden]

    def _counted(self, hidden: Any) -> None:
        if len(hidden) != len(self.architecture.hidden):
            raise SubjectError(
                f"subject {self.name} has {len(hidden)} activations where the case has {len(self.architecture.hidden)} "
                "hidden layers; use one activation module per hidden layer"
            )

    def layer_ratios(self) -> Tensor:
        """r_l of the first input, shape (R, L); 0 where layer l dies, NaN after that."""
        return layer_ratios(self.log_norms())

    def gradients(self, error: float | str) -> Any:
        """Not to be had from a module: SubjectError says what to give instead."""
        raise SubjectError(
            f"subject {self.name} is a module, whose weights this claim cannot address; give an initialiser f(weight)"
        )


@contextmanager
def _collected(module: nn.Module) -> Iterator[list[Tensor]]:
    """What the activation modules return inside."""
    hidden: list[Tensor] = []

    def collect(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        hidden.append(output.detach())

    handles = [part.register_forward_hook(collect) for part in module.modules() if isinstance(part, ACTIVATIONS)]
    try:
        yield hidden
    finally:
        for handle in handles:
            handle.remove()


def _build(module: nn.Module) -> list[Any]:
    """What makes modules of one build: names, classes, modes and all attributes that are neither parameters nor buffers.

    A tensor or a list among the attributes equals no other: modules that keep one are not of one build.
    """
    found = []
    for name, part in module.named_modules():
        own = {key: _comparable(value) for key, value in vars(part).items() if key not in OF_EVERY_MODULE}
        found.append((name, type(part), part.training, own))
    return found


def _comparable(value: Any) -> Any:
    plain = isinstance(value, (bool, int, float, str, type(None))) or inspect.isroutine(value)
    return value if plain or (isinstance(value, tuple) and all(map(_is_number, value))) else object()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))
