"""Axes: one coordinate of an architecture or problem; its Hypothesis strategy and its grid in one object."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from regimes.case import Value

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


@dataclass(frozen=True)
class Axis:
    """One coordinate of a case.

    Attributes:
        name: the axis's name, which is the case's attribute.
        low, high: ends of a numeric axis, both included.
        integer: whether coordinates are integers.
        logarithmic: whether grids and draws are spread evenly over octaves rather than over the interval.
        choices: the values of a categorical axis, or the only values a numeric axis takes.
        caps: for each profile a largest value drawn there, so that a quick run stays quick; maps and
            explicit cases reach `high` all the same.
        label: what the axis means, with its unit, for reports.
    """

    name: str
    low: float = 0
    high: float = 0
    integer: bool = False
    logarithmic: bool = False
    choices: tuple[Value, ...] = ()
    caps: dict[str, float] = field(default_factory=dict, hash=False)
    label: str = ""

    def __post_init__(self) -> None:
        if not self.choices and not self.low <= self.high:
            raise ValueError(f"axis {self.name!r} is empty: low {self.low} is above high {self.high}")
        if self.logarithmic and self.low <= 0:
            raise ValueError(f"a logarithmic axis starts above 0; axis {self.name!r} starts at {self.low}")

    def ceiling(self, profile: str) -> float:
        """The largest value that random cases of a profile take."""
        return min(self.high, self.caps.get(profile, self.high))

    def strategy(
        self, profile: str = "default", at_least: float | None = None, at_most: float | None = None
    ) -> SearchStrategy[Value]:
        """Hypothesis strategy of coordinates; shrinks towards the small end (the first choice).

        Arguments:
            profile: `quick`, `default` or `thorough`; caps the large end.
            at_least: further lower end, as a premise may give it; it may push past the cap, never past `high`.
            at_most: further upper end.
        """
        from hypothesis import strategies as st

        if self.choices:
            kept = [value for value in self.choices if _within(value, at_least, at_most)]
            return st.sampled_from(kept) if kept else st.nothing()
        low = self.low if at_least is None else max(self.low, at_least)
        high = self.high if at_most is None else min(self.high, at_most)
        if low > high:
            return st.nothing()
        # A premise beyond the profile's cap still leaves an octave's third to draw from.
        high = min(high, max(self.ceiling(profile), 1.25 * low if low > 0 else low))
        if self.integer:
            first, last = math.ceil(low), math.floor(high)
            if first > last:
                return st.nothing()
            if not self.logarithmic or last <= 2 * first:
                return st.integers(first, last)
            octaves = int(math.log2(last / first))
            # A uniform octave, then a uniform integer within it: small and large sizes are drawn alike.
            return st.integers(0, octaves).flatmap(
                lambda octave: st.integers(first << octave, max(first << octave, min(last, (first << octave + 1) - 1)))
            )
        return st.floats(low, high, allow_nan=False).map(lambda value: max(low, min(high, _short(value))))

    def grid(self, low: float | None = None, high: float | None = None, points: int | None = None) -> tuple[Value, ...]:
        """Grid of coordinates: powers of two on a logarithmic integer axis, else evenly spread points."""
        if self.choices:
            return self.choices
        first = self.low if low is None else low
        last = self.high if high is None else high
        if self.logarithmic and self.integer and points is None:
            count = math.floor(math.log2(last / first) + 1e-9) + 1
            return tuple(round(first * 2**k) for k in range(count))
        count = points or 7
        if count == 1 or first == last:
            return (self._cast(first),)
        if self.logarithmic:
            values = [first * (last / first) ** (k / (count - 1)) for k in range(count)]
        else:
            values = [first + (last - first) * k / (count - 1) for k in range(count)]
        return tuple(dict.fromkeys(self._cast(_short(value)) for value in values))

    def parse(self, text: str) -> Value:
        """The coordinate that a command-line text names; ValueError says what the axis takes."""
        if self.choices:
            for choice in self.choices:
                if text == str(choice) or (not isinstance(choice, str) and _number(text) == choice):
                    return choice
        else:
            value = _number(text)
            if value is not None and self.low <= value <= self.high and (value == int(value) or not self.integer):
                return self._cast(value)
        raise ValueError(f"{text!r} is off the axis {self.name}: it takes {self.describe()}")

    def contains(self, value: Value) -> bool:
        """Whether a coordinate lies on the axis."""
        try:
            self.parse(str(value))
        except ValueError:
            return False
        return True

    def describe(self) -> str:
        """The values that the axis takes, in words."""
        if self.choices:
            # Quoted where a comma would not say where one value ends and the next begins.
            quoted = any("," in str(choice) for choice in self.choices)
            return "one of " + ", ".join(repr(str(choice)) if quoted else str(choice) for choice in self.choices)
        kind = "integers" if self.integer else "numbers"
        return f"{kind} from {self.low:g} to {self.high:g}"

    def named(self, name: str, label: str = "") -> Axis:
        """The same axis under another name."""
        return replace(self, name=name, label=label or self.label)

    def _cast(self, value: float) -> Value:
        return round(value) if self.integer else float(value)


def _short(value: float) -> float:
    """Four significant digits: a case that a person can read and type loses nothing of the property."""
    return float(f"{value:.4g}") if value else 0.0


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _within(value: Value, low: float | None, high: float | None) -> bool:
    if isinstance(value, str):
        return True
    return (low is None or value >= low) and (high is None or value <= high)


def sizes(name: str, low: int, high: int, *, quick: int, default: int, thorough: int | None = None, label: str = "") -> Axis:
    """A logarithmic axis of positive integers; random cases stop at `quick`, `default` and `thorough` in those profiles."""
    caps = {"quick": float(quick), "default": float(default)}
    if thorough is not None:
        caps["thorough"] = float(thorough)
    return Axis(name, low, high, integer=True, logarithmic=True, caps=caps, label=label)


def width(low: int, high: int, *, quick: int = 128, default: int = 512, thorough: int | None = None) -> Axis:
    """Units in a hidden layer."""
    return sizes(
        "width", low, high, quick=quick, default=default, thorough=thorough, label="width (units per hidden layer)"
    )


def depth(low: int, high: int, *, quick: int = 16, default: int = 64, thorough: int | None = None) -> Axis:
    """Number of hidden layers."""
    return sizes("depth", low, high, quick=quick, default=default, thorough=thorough, label="depth (hidden layers)")


def inputs(low: int, high: int, *, quick: int = 8, default: int = 32) -> Axis:
    """Number of input vectors that a statement holds for at once."""
    return sizes("inputs", low, high, quick=quick, default=default, label="inputs (vectors)")


def input_dim(low: int, high: int, *, quick: int = 64, default: int = 512) -> Axis:
    """Dimension of the input."""
    return sizes("input_dim", low, high, quick=quick, default=default, label="input dimension")


def real(name: str, low: float, high: float, *, label: str = "", logarithmic: bool = False) -> Axis:
    """A numeric axis of floats between two ends."""
    return Axis(name, low, high, logarithmic=logarithmic, label=label or name)


def epsilon(low: float, high: float) -> Axis:
    """Relative tolerance of a statement."""
    return real("epsilon", low, high, label="tolerance ε")


def choice(name: str, values: Sequence[Value], *, label: str = "") -> Axis:
    """An axis that takes one of a few values; shrinks towards the first."""
    if not values:
        raise ValueError(f"axis {name!r} needs at least one value")
    return Axis(name, choices=tuple(values), label=label or name)


def delta(*values: float) -> Axis:
    """Failure probability of a statement, one of a few values, the cheapest to certify first."""
    return choice("delta", values or (0.3, 0.2, 0.1, 0.05), label="failure probability δ")
