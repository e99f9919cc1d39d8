"""What a user would write: forward and gradient norms of random ReLU networks by a loop over modules, vmap, and JAX."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import nn


def loop(width: int, depth: int, inputs: int, networks: int, law: str = "normal") -> Callable[[], object]:
    """One module at a time, norms of all activations and weight gradients by autograd, float32."""
    fill = {"normal": nn.init.kaiming_normal_, "uniform": nn.init.kaiming_uniform_}[law]

    def run() -> list[torch.Tensor]:
        found = []
        for _ in range(networks):
            layers = [nn.Linear(width, width, bias=False) for _ in range(depth)]
            for layer in layers:
                fill(layer.weight, nonlinearity="relu")
            h, norms = torch.randn(inputs, width), []
            for layer in layers:
                h = torch.relu(layer(h))
                norms.append(h.detach().square().sum(1).log())
            (h * torch.randn(width)).sum().backward()
            norms += [layer.weight.grad.square().sum().log().expand(inputs) for layer in layers]
            found.append(torch.stack(norms))
        return found

    return run


class Chain(nn.Module):
    """Linear layers and ReLUs that also returns the norms of its activations."""

    def __init__(self, width: int, depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width, bias=False, device="meta") for _ in range(depth))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        norms = []
        for layer in self.layers:
            x = torch.relu(layer(x))
            norms.append(x.square().sum())
        return x, torch.stack(norms)


def vmapped(width: int, depth: int, networks: int) -> Callable[[], object]:
    """All networks at once by `torch.func.vmap` over `functional_call` and `grad`, float32."""
    module = Chain(width, depth)

    def loss(weights: dict[str, torch.Tensor], x: torch.Tensor, readout: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        h, norms = torch.func.functional_call(module, weights, (x,))
        return (h * readout).sum(), norms

    def one(weights: dict[str, torch.Tensor], x: torch.Tensor, readout: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gradients, norms = torch.func.grad(loss, has_aux=True)(weights, x, readout)
        return norms, torch.stack([g.square().sum() for g in gradients.values()])

    def run() -> object:
        weights = {name: torch.randn(networks, width, width).mul_((2 / width) ** 0.5) for name, _ in module.named_parameters()}
        return torch.func.vmap(one)(weights, torch.randn(networks, width), torch.randn(networks, width))

    return run


def jitted(width: int, depth: int, networks: int) -> Callable[[], object]:
    """The same by JAX `vmap` and `jit` on one CPU thread, float32; the first call compiles. ImportError without JAX."""
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import jax.numpy as jnp

    def loss(weights, x, readout):
        norms = []
        for w in weights:
            x = jax.nn.relu(w @ x)
            norms.append((x * x).sum())
        return (x * readout).sum(), jnp.stack(norms)

    def one(key):
        keys = jax.random.split(key, depth + 2)
        weights = [jax.random.normal(k, (width, width)) * (2 / width) ** 0.5 for k in keys[:depth]]
        gradients, norms = jax.grad(loss, has_aux=True)(
            weights, jax.random.normal(keys[-1], (width,)), jax.random.normal(keys[-2], (width,))
        )
        return norms, jnp.stack([(g * g).sum() for g in gradients])

    compiled = jax.jit(jax.vmap(one))
    keys = jax.random.split(jax.random.key(0), networks)
    return lambda: jax.block_until_ready(compiled(keys))


def generator_floor(width: int, depth: int, networks: int, law: str = "normal_") -> Callable[[], object]:
    """As many float32 numbers of a law as the networks have weights, by torch, in a buffer that stays in cache."""
    buffer, count = torch.empty(1 << 16), width * width * depth * networks
    generator = torch.Generator().manual_seed(0)

    def run() -> object:
        for _ in range(count >> 16):
            getattr(buffer, law)(generator=generator)
        return getattr(buffer[: count & 0xFFFF], law)(generator=generator)

    return run
