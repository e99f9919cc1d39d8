"""A second device that is not there: tensors that say they are elsewhere, compute on the CPU, and refuse to be mixed.

Code that forgets `device=` works on a CPU and fails on a GPU. Here every tensor made on the device `meta` is a wrapper
around a CPU tensor. Whatever a GPU would refuse is refused: operations on tensors of both devices (scalars apart), `numpy()`
without `cpu()`, a generator of the other device. So one can test, on a machine without a GPU, that code would run on one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

ELSEWHERE = torch.device("meta")


class Elsewhere(torch.Tensor):
    """A tensor on the pretended device."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> Elsewhere:
        made = torch.Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype, device=ELSEWHERE
        )
        made.inner = inner
        return made

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return f"Elsewhere({self.inner!r})"

    def tolist(self) -> Any:
        return self.inner.tolist()

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatch(function, args, kwargs or {})


class GeneratorElsewhere(torch.Generator):
    """A generator of the pretended device."""

    device = ELSEWHERE  # type: ignore[assignment]


class MixedDevices(RuntimeError):
    """What a GPU would have said."""


def tensors(arguments: Iterable[Any]) -> list[torch.Tensor]:
    """The tensors in arguments, which are tensors, numbers, or lists of such."""
    found: list[torch.Tensor] = []
    for one in arguments:
        if isinstance(one, torch.Tensor):
            found.append(one)
        elif isinstance(one, (list, tuple)):
            found += tensors(one)
    return found


def unwrapped(one: Any) -> Any:
    if isinstance(one, Elsewhere):
        return one.inner
    return type(one)(map(unwrapped, one)) if isinstance(one, (list, tuple)) else one


def wrapped(one: Any) -> Any:
    if isinstance(one, torch.Tensor):
        return Elsewhere(one)
    return type(one)(map(wrapped, one)) if isinstance(one, (list, tuple)) else one


ACROSS = {"aten._to_copy.default", "aten.copy_.default"}
INDEXING = {"aten.index.Tensor", "aten.index_put_.default", "aten.index_put.default", "aten._index_put_impl_.default"}


def dispatch(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run an operation on the CPU, as if on the device of its tensors."""
    name, given = str(function), tensors((*args, *kwargs.values()))
    there = any(isinstance(one, Elsewhere) for one in given)
    device = kwargs.get("device")
    if name in INDEXING:
        given = [args[0]]  # CPU indices may index a GPU's tensor
    if there and name not in ACROSS and any(not isinstance(one, Elsewhere) and one.ndim > 0 for one in given):
        raise MixedDevices(f"{name} mixes devices: {[(type(one).__name__, tuple(one.shape)) for one in given]}")
    target = there if device is None else torch.device(device).type == ELSEWHERE.type
    generator = kwargs.get("generator") or next((a for a in args if isinstance(a, torch.Generator)), None)
    if generator is not None and target != (generator.initial_seed() in SEEDS):
        raise MixedDevices(f"{name}: a generator of one device fills a tensor of the other")
    if device is not None:
        kwargs = {**kwargs, "device": "cpu"}
    if kwargs.get("pin_memory"):
        kwargs = {**kwargs, "pin_memory": False}
    result = function(*map(unwrapped, args), **{key: unwrapped(value) for key, value in kwargs.items()})
    # In-place operations return their first argument itself.
    if there and function._schema.is_mutable and isinstance(args[0] if args else None, Elsewhere) and result is args[0].inner:
        return args[0]
    out = kwargs.get("out")
    if out is not None:
        return out
    return wrapped(result) if target else result


SEEDS: set[int] = set()  # of the generators that are elsewhere: dispatch hands over copies of the objects


class Factories(TorchDispatchMode):
    """Sends what is made on the pretended device through `dispatch`."""

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return dispatch(function, args, kwargs or {})


class Literals(TorchFunctionMode):
    """`torch.tensor` of Python numbers, which reaches no dispatcher."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function is torch.tensor and kwargs.get("device") is not None and torch.device(kwargs["device"]).type == ELSEWHERE.type:
            return Elsewhere(function(*args, **{**kwargs, "device": "cpu"}))
        return function(*args, **kwargs)


@contextmanager
def pretended(monkeypatch: Any) -> Iterator[torch.device]:
    """The pretended device, for code that takes its device and generators from a `Randomness`."""
    from regimes.randomness import Randomness

    def generator(self: Randomness, stream: str) -> torch.Generator:
        elsewhere = self.device.type == ELSEWHERE.type
        made = (GeneratorElsewhere if elsewhere else torch.Generator)()
        made.manual_seed(self.seed(stream))
        if elsewhere:
            SEEDS.add(made.initial_seed())
        return made

    monkeypatch.setattr(Randomness, "generator", generator)
    # Setting `.data` changes no wrapper: `module.to(dtype)` must swap parameters instead.
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        with Factories(), Literals():
            yield ELSEWHERE
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)
        SEEDS.clear()
