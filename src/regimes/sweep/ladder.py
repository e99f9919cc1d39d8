"""The rows of a threshold search: which axis, which coordinates along it, towards which side, and what else is fixed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from regimes.axes import Axis
from regimes.case import Case, Value
from regimes.claim import Claim
from regimes.sweep.grid import GridError, Overrides, cells
from regimes.sweep.slack import is_number

Side = Literal["least", "most"]
RATIO, STEPS = 1.005, 500
LARGEST = 1 << 22


@dataclass(frozen=True)
class Ladder:
    """The coordinates that a threshold is searched among.

    Attributes:
        axis: the axis.
        coordinates: numbers in ascending order.
        step: what neighbours differ by, for people and for the store's key: `ratio 1.005`, `step 1` or `grid`.
    """

    axis: str
    coordinates: Sequence[int | float]
    step: str

    @property
    def key(self) -> str:
        """Ends, step and number of coordinates: searches that agree in it are the same search."""
        return f"{self.coordinates[0]} to {self.coordinates[-1]}, {self.step}, {len(self.coordinates)} coordinates"


def ladder(claim: Claim, name: str, overrides: Overrides | None = None, resolution: str | None = None) -> Ladder:
    """The coordinates along an axis between the ends of the claim's map.

    Arguments:
        claim: the claim.
        name: the axis.
        overrides: coordinates by axis in place of the map's; those of the axis give the ends.
        resolution: the ratio of neighbours on a logarithmic axis, their distance on another, or `grid` for the map's own
            coordinates; by default 1.005, or a 500th of the range. Integers are rounded and never repeated.

    Raises:
        GridError: the claim lacks the axis, the axis has no numbers in order, or the resolution makes no sense.
    """
    axis = _numeric(claim, name)
    given = (overrides or {}).get(name) or (claim.grid.values.get(name) if claim.grid is not None else None) or axis.grid()
    values = sorted({value for value in given if isinstance(value, (int, float)) and not isinstance(value, bool)})
    if len(values) < 2:
        raise GridError(f"--threshold {name} of {claim.id} needs a range; it has {values or 'no number'}: "
                        f"give one with --grid {name}=LOW:HIGH")  # fmt: skip
    if axis.choices or resolution == "grid":
        return Ladder(name, values, "grid")
    low, high = float(values[0]), float(values[-1])
    step = _step(axis, high - low, resolution)
    if axis.integer and step <= (1 + 1 / high if axis.logarithmic else 1):
        return Ladder(name, range(round(low), round(high) + 1), "step 1")
    count = 1 + (math.log(high / low) / math.log(step) if axis.logarithmic else (high - low) / step)
    if count > LARGEST:
        raise GridError(f"--resolution {resolution} puts {count:.3g} coordinates on {name}, more than {LARGEST}: "
                        "take a coarser one")  # fmt: skip
    points = [low * step**k if axis.logarithmic else low + step * k for k in range(math.ceil(count - 1e-9))]
    points = [point for point in points if point < high] + [high]
    found = [round(point) if axis.integer else float(f"{point:.9g}") for point in points]
    return Ladder(name, list(dict.fromkeys(found)), f"{'ratio' if axis.logarithmic else 'step'} {step:g}")


def _numeric(claim: Claim, name: str) -> Axis:
    try:
        axis = claim.axis(name)
    except ValueError as wrong:
        raise GridError(str(wrong)) from None
    if axis.choices and not all(is_number(choice) for choice in axis.choices):
        raise GridError(f"the axis {name} of {claim.id} takes {axis.describe()}: words have no threshold")
    return axis


def _step(axis: Axis, spread: float, resolution: str | None) -> float:
    if resolution is None:
        return RATIO if axis.logarithmic else max(spread / STEPS, 1.0 if axis.integer else 0.0)
    what = "a ratio above 1, as 1.01" if axis.logarithmic else "a distance above 0"
    try:
        step = float(resolution)
    except ValueError:
        step = math.nan
    if not (math.isfinite(step) and step > (1 if axis.logarithmic else 0)):
        raise GridError(f"--resolution on the axis {axis.name} is {what}, or grid for the map's own coordinates; "
                        f"got {resolution!r}")  # fmt: skip
    return max(step, 1.0) if axis.integer and not axis.logarithmic else step


def rows(claim: Claim, name: str, overrides: Overrides | None = None) -> list[Case]:
    """One case for each combination of the map's other coordinates, the axis itself at its first."""
    first = _numeric(claim, name).grid()[0]
    return cells(claim, {**(overrides or {}), name: (first,)})


def others(case: Case, name: str) -> dict[str, Value]:
    """The case's coordinates but for the axis."""
    return {axis: value for axis, value in case.items() if axis != name}


def known_side(claim: Claim, name: str) -> Side | None:
    """On which side of its threshold the claim is to hold, by its premise or else its exact boundary; None if neither says."""
    for premise in (claim.premise, claim.exact):
        sides: set[Side] = set() if premise is None else {one.side for one in premise.thresholds if one.axis == name}
        if len(sides) == 1:
            return sides.pop()
    return None
