"""The grid of a claim's map: its cells, `--grid` and `--shard` texts, and the boundaries drawn on it."""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from regimes.ask import ask
from regimes.axes import Axis
from regimes.case import Case, Value
from regimes.claim import Claim
from regimes.errors import RegimesError
from regimes.premise import Premise

Overrides = Mapping[str, tuple[Value, ...]]


class GridError(RegimesError, ValueError):
    """A grid or shard that makes no sense; the message is one sentence that says what would."""


def map_axes(claim: Claim) -> tuple[str, str | None]:
    """The x and y axes of a claim's map: its grid's, else its first two (y is None if it has one axis)."""
    if claim.grid is not None:
        return claim.grid.x, claim.grid.y
    names = [axis.name for axis in claim.axes]
    return names[0], names[1] if len(names) > 1 else None


def cells(claim: Claim, overrides: Overrides | None = None) -> list[Case]:
    """The cells of a claim's map, row by row.

    Arguments:
        claim: the claim; without a grid its first two axes are drawn, and the others sit at their first value.
        overrides: coordinates by axis in place of the grid's; several on a fixed axis give several maps.

    Raises:
        GridError: an axis that the claim does not have, or a value off its axis.
    """
    given = dict(overrides or {})
    for name in given:
        _axis(claim, name)
    x, y = map_axes(claim)
    columns: dict[str, tuple[Value, ...]] = {}
    for axis in claim.axes:
        if axis.name in given:
            columns[axis.name] = tuple(given[axis.name])
        elif claim.grid is not None and axis.name in claim.grid.values:
            columns[axis.name] = claim.grid.values[axis.name]
        elif axis.name in (x, y):
            columns[axis.name] = axis.grid()
        elif claim.grid is not None:
            columns[axis.name] = (claim.grid.fixed[axis.name],)
        else:
            columns[axis.name] = axis.grid()[:1]
    # x runs fastest and y next, so that neighbours in the list are neighbours on the map.
    order = [name for name in columns if name not in (x, y)] + ([y] if y is not None else []) + [x]
    try:
        found = [
            claim.case(dict(zip(order, values, strict=True)))
            for values in itertools.product(*(columns[name] for name in order))
        ]
    except ValueError as wrong:
        raise GridError(f"the grid of {claim.id} cannot be drawn: {wrong}") from None
    return list(dict.fromkeys(found))


def parse_grid(claim: Claim, texts: Iterable[str]) -> dict[str, tuple[Value, ...]]:
    """`--grid` texts as overrides for one claim.

    Arguments:
        claim: the claim.
        texts: `width=4:4096` (powers of two on a logarithmic axis of integers, else seven points),
            `epsilon=0.1:0.9:5` (five points), or `width=4,8,16` (these).

    Raises:
        GridError: an unknown axis, an empty or reversed range, a value off its axis.
    """
    overrides: dict[str, tuple[Value, ...]] = {}
    for text in texts:
        name, spelled = _split(text)
        overrides[name] = _values(_axis(claim, name), spelled, text)
    return overrides


def parse_grids(claims: Sequence[Claim], texts: Iterable[str]) -> dict[str, dict[str, tuple[Value, ...]]]:
    """`--grid` texts as overrides by claim id; a claim without an axis keeps its own grid, GridError if all lack it."""
    texts = list(texts)
    overrides: dict[str, dict[str, tuple[Value, ...]]] = {}
    for text in texts:
        name, _ = _split(text)
        if claims and not any(axis.name == name for claim in claims for axis in claim.axes):
            known = sorted({axis.name for claim in claims for axis in claim.axes})
            raise GridError(f"--grid {text} names the axis {name!r}, which no claim here has; "
                            f"their axes are {', '.join(known)}")  # fmt: skip
    for claim in claims:
        names = {axis.name for axis in claim.axes}
        overrides[claim.id] = parse_grid(claim, [text for text in texts if _split(text)[0] in names])
    return overrides


def _axis(claim: Claim, name: str) -> Axis:
    try:
        return claim.axis(name)
    except ValueError as wrong:
        raise GridError(str(wrong)) from None


def _split(text: str) -> tuple[str, str]:
    name, equals, spelled = text.partition("=")
    if not equals or not name.strip() or not spelled.strip():
        raise GridError(f"--grid takes AXIS=RANGE, as in width=4:4096, width=4,8,16 or epsilon=0.1:0.9:5; got {text!r}")
    return name.strip(), spelled.strip()


def _values(axis: Axis, spelled: str, text: str) -> tuple[Value, ...]:
    """The coordinates that the right side of a `--grid` text names."""
    try:
        named = _named(axis, spelled.split(","))
        if named is not None:
            return tuple(dict.fromkeys(named))
        if ":" not in spelled:
            return tuple(dict.fromkeys(axis.parse(part.strip()) for part in spelled.split(",")))
        parts = [part.strip() for part in spelled.split(":")]
        if len(parts) > 3:
            raise ValueError("a range is LOW:HIGH or LOW:HIGH:POINTS")
        points = None
        if len(parts) == 3:
            if not re.fullmatch(r"\d{1,6}", parts[2]) or int(parts[2]) < 1:
                raise ValueError(f"the number of points is a whole number from 1; got {parts[2]!r}")
            points = int(parts[2])
        if axis.choices:
            return _between(axis, parts[0], parts[1], points)
        low, high = (float(axis.parse(part)) for part in parts[:2])
        if low > high:
            raise ValueError(f"the range is reversed; write {axis.name}={parts[1]}:{parts[0]}")
        return axis.grid(low, high, points)
    except ValueError as wrong:
        raise GridError(f"--grid {text} cannot be read: {wrong}") from None


def _named(axis: Axis, parts: list[str]) -> list[Value] | None:
    """The choices that parts of a text name, one or more parts each, since a choice may hold a comma; None if they do not."""
    if not parts:
        return []
    for length in range(len(parts) if axis.choices else 0, 0, -1):
        rest = _named(axis, parts[length:]) if axis.contains(",".join(parts[:length]).strip()) else None
        if rest is not None:
            return [axis.parse(",".join(parts[:length]).strip()), *rest]
    return None


def _between(axis: Axis, low: str, high: str, points: int | None) -> tuple[Value, ...]:
    """The choices of a numeric axis between two ends."""
    try:
        first, last = float(low), float(high)
        numbers = [(float(choice), choice) for choice in axis.choices]
    except ValueError:
        raise ValueError(f"a range needs numbers; {axis.name} takes {axis.describe()}, name some of them") from None
    if points is not None:
        raise ValueError(f"{axis.name} takes only {axis.describe()}; leave out the number of points")
    if first > last:
        raise ValueError(f"the range is reversed; write {axis.name}={high}:{low}")
    kept = tuple(choice for number, choice in numbers if first <= number <= last)
    if not kept:
        raise ValueError(f"the range is empty; {axis.name} takes {axis.describe()}")
    return kept


def boundaries(claim: Claim, case: Case) -> tuple[float | None, float | None]:
    """Where along the map's x axis the promise of the premise and the truth begin, None where there is no such line."""
    x, _ = map_axes(claim)
    return boundary(claim.premise, x, case), boundary(claim.exact, x, case) if claim.exact is not None else None


def beside(claim: Claim, case: Case) -> dict[str, Any]:
    """The claim's curves at a case, None where they are not finite, and whether its bound is vacuous there."""
    found: dict[str, Any] = {}
    if claim.curves:
        found["curves"] = {name: _finite(curve, case) for name, curve in claim.curves.items()}
    if claim.vacuous is not None:
        found["vacuous"] = ask("the test for a vacuous bound", claim.vacuous, case)
    return found


def _finite(curve: Callable[[Case], float], case: Case) -> float | None:
    try:
        value = ask("a curve", curve, case, float)
    except OverflowError:
        return None
    return value if math.isfinite(value) else None


def boundary(premise: Premise, axis: str, case: Case) -> float | None:
    """The tightest threshold of a premise on an axis; infinite where it is too large for a float."""
    bounds: dict[str, list[float]] = {"least": [], "most": []}
    for threshold in premise.thresholds:
        if threshold.axis == axis:
            bounds[threshold.side].append(threshold.at(case))
    if bounds["least"]:
        return max(bounds["least"])
    return min(bounds["most"]) if bounds["most"] else None


def parse_shard(text: str) -> tuple[int, int]:
    """`k/n` as two numbers with 1 <= k <= n; GridError otherwise."""
    match = re.fullmatch(r"(\d+)/(\d+)", text.strip())
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise GridError(f"--shard takes K/N with K from 1 to N, as in 1/4; got {text!r}")
    return int(match[1]), int(match[2])


def in_shard(claim_id: str, case: Case, shard: tuple[int, int]) -> bool:
    """Whether a cell belongs to the k-th of n shards: by a hash, the same on every machine and for every grid."""
    k, n = shard
    digest = hashlib.sha256(f"{claim_id}|{case.key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % n == k - 1


def cost(case: Case) -> float:
    """A guess at a case's cost for ordering, cheapest first: the product of its numeric coordinates above 1."""
    return math.prod(float(value) for value in case.values() if not isinstance(value, (str, bool)) and value > 1)
