"""Other people's flows behind the protocol: zuko, nflows and normflows, as subjects of the claims that need no insight.

R flows are R modules, asked one by one. Their parameters are drawn by the library under a keyed global generator, then
multiplied, so that they are far from the identity that some libraries start at. All import lazily.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from regimes.case import Case
from regimes.flows.protocol import FlowError, check_points
from regimes.flows.subjects import Draw
from regimes.randomness import Randomness
from regimes.subjects.guarded import global_generator
from regimes.subjects.subject import Subject

Make = Callable[[int, int], nn.Module]
STRETCH = 2.0  # times the case's gain: the factor on the library's own initial parameters


def library(name: str) -> Any:
    """The module of that name; FlowError, in a sentence, if it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError as raised:
        mend = "install the extra that brings it: pip install 'regimes[subjects]'"
        raise FlowError(f"{name} is not installed; {mend}") from raised


class Foreign(nn.Module):
    """R foreign flows in D dimensions: `transform(module, x) -> (z, log_det)` and `back(module, z) -> (x, log_det)`.

    Arguments:
        flows: one module per replicate.
        dimension: D.
        transform, back: how a module is asked.
    """

    def __init__(self, flows: list[nn.Module], dimension: int, transform: Callable[..., Any], back: Callable[..., Any]) -> None:
        super().__init__()
        self.flows = nn.ModuleList(flows)
        self.dimension, self.replicates = dimension, len(flows)
        self.transform, self.back = transform, back

    def _each(self, ask: Callable[..., Any], points: Tensor) -> tuple[Tensor, Tensor]:
        pairs = [ask(flow, at) for flow, at in zip(self.flows, points, strict=True)]
        return torch.stack([pair[0] for pair in pairs]), torch.stack([pair[1] for pair in pairs])

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Z (R, N, D), no indices (R, N, 0), and log|det| (R, N)."""
        check_points(x, self.replicates, self.dimension)
        z, log_det = self._each(self.transform, x)
        return z, torch.empty(*x.shape[:2], 0, dtype=torch.int64, device=x.device), log_det

    def inverse(self, z: Tensor, branches: Tensor) -> tuple[Tensor, Tensor]:
        """X (R, N, D) and log|det dx/dz|."""
        return self._each(self.back, z)

    def log_density(self, x: Tensor) -> Tensor:
        """Log N(z; 0, I) + log|det|, (R, N); -inf where x is infinite."""
        inside = torch.isfinite(x).all(-1)
        z, _, log_det = self.forward(torch.where(inside[..., None], x, 0.0))
        log = -0.5 * z.square().sum(-1) - 0.5 * self.dimension * math.log(2 * math.pi) + log_det
        return torch.where(inside, log, -torch.inf)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Images of standard normal latents, (R, count, D)."""
        dtype = next(self.parameters()).dtype
        shape = (self.replicates, count, self.dimension)
        z = torch.randn(shape, generator=generator, dtype=dtype, device=generator.device)
        return self.inverse(z, torch.empty(0))[0]


def foreign(name: str, make: Make, transform: Callable[..., Any], back: Callable[..., Any]) -> Subject:
    """A subject of somebody's flows.

    Arguments:
        name: how keys and reports call it.
        make: `(dimension, depth) -> module`.
        transform: `(module, x) -> (z, log|det dz/dx|)` for data x of shape (N, D).
        back: `(module, z) -> (x, log|det dx/dz|)` for latents z of shape (N, D).
    """

    def draw(case: Case, count: int, randomness: Randomness) -> Draw:
        dimension = int(case["input_dim"])
        with global_generator(randomness.seed("modules")):
            flows = [make(dimension, int(case["depth"])) for _ in range(count)]
        stretch = STRETCH * float(case["gain"]) if "gain" in case else STRETCH
        for flow in flows:
            flow.eval().requires_grad_(False)
            for weight in flow.parameters():
                weight.mul_(stretch)
        return Draw(Foreign(flows, dimension, transform, back).to(randomness.device, randomness.dtype), randomness, case)

    about = f"{name} as it ships, its initial parameters times {STRETCH:g} gain"
    return Subject(name, draw, about, footprint=lambda case: 2.0**22 / 16)


def _zuko_forward(flow: Any, x: Tensor) -> Any:
    return flow().transform.call_and_ladj(x)


def _zuko_back(flow: Any, z: Tensor) -> Any:
    return flow().transform.inv.call_and_ladj(z)


def _zuko(kind: str, **options: Any) -> Subject:
    def make(dimension: int, depth: int) -> nn.Module:
        return getattr(library("zuko").flows, kind)(dimension, transforms=depth, **options)

    return foreign(f"zuko {kind}", make, _zuko_forward, _zuko_back)


def _nflows_coupling(dimension: int, depth: int, kind: str, **options: Any) -> nn.Module:
    transforms = library("nflows.transforms")
    nets = library("nflows.nn.nets")

    def net(inputs: int, outputs: int) -> nn.Module:
        return nets.ResidualNet(inputs, outputs, hidden_features=16, num_blocks=1)

    layers = [
        getattr(transforms, kind)(mask=(torch.arange(dimension) + l) % 2, transform_net_create_fn=net, **options)
        for l in range(depth)
    ]
    return transforms.CompositeTransform(layers)


def _nflows(kind: str, **options: Any) -> Subject:
    def make(dimension: int, depth: int) -> nn.Module:
        return _nflows_coupling(dimension, depth, kind, **options)

    return foreign(f"nflows {kind}", make, lambda flow, x: flow(x), lambda flow, z: flow.inverse(z))


class _Chain(nn.Module):
    """normflows layers one after another, from latent to data."""

    def __init__(self, layers: list[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def walk(self, points: Tensor, inverse: bool) -> tuple[Tensor, Tensor]:
        total = torch.zeros(len(points), dtype=points.dtype, device=points.device)
        for layer in reversed(self.layers) if inverse else self.layers:
            ask: Any = layer.inverse if inverse else layer
            points, log_det = ask(points)
            total = total + log_det
        return points, total


def _normflows_realnvp(dimension: int, depth: int) -> nn.Module:
    normflows = library("normflows")
    masks = [((torch.arange(dimension) + l) % 2).float() for l in range(depth)]

    def net() -> nn.Module:
        return normflows.nets.MLP([dimension, 16, dimension])

    return _Chain([normflows.flows.MaskedAffineFlow(mask, net(), net()) for mask in masks])


def _normflows_spline(dimension: int, depth: int) -> nn.Module:
    normflows = library("normflows")
    return _Chain([
        normflows.flows.CoupledRationalQuadraticSpline(dimension, 1, 16, reverse_mask=bool(l % 2))
        for l in range(depth)
    ])  # fmt: skip


def _normflows(name: str, make: Make) -> Subject:
    return foreign(f"normflows {name}", make, lambda flow, x: flow.walk(x, True), lambda flow, z: flow.walk(z, False))


zuko_maf = _zuko("MAF", hidden_features=(16,))
zuko_nice = _zuko("NICE", hidden_features=(16,))
zuko_nsf = _zuko("NSF", hidden_features=(16,))
zuko_gf = _zuko("GF", hidden_features=(16,))
zuko_sospf = _zuko("SOSPF", hidden_features=(16,))
zuko_naf = _zuko("NAF", hidden_features=(16,))
zuko_unaf = _zuko("UNAF", hidden_features=(16,))
zuko_bpf = _zuko("BPF", hidden_features=(16,))
nflows_affine = _nflows("AffineCouplingTransform")
nflows_spline = _nflows("PiecewiseRationalQuadraticCouplingTransform", tails="linear", tail_bound=5.0)
normflows_realnvp = _normflows("RealNVP", _normflows_realnvp)
normflows_spline = _normflows("neural spline", _normflows_spline)
