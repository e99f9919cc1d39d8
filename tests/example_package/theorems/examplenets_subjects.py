"""What regimes tests of this package, where an object needs an adapter."""

from examplenets.flow import CouplingFlow

from regimes.flows.adapters import foreign

coupling_flow = foreign(
    "examplenets CouplingFlow",
    make=CouplingFlow,
    transform=lambda flow, x: flow(x),
    back=lambda flow, z: flow.inverse(z),
)
