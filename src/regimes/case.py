"""A case: one point on all axes of a claim, and the cell of its map."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

Value = int | float | str | bool


class MissingAxis(KeyError, AttributeError):
    """A coordinate that the case does not have; the message names it and the axes there are."""

    def __str__(self) -> str:
        return str(self.args[0])


class Case(Mapping[str, Value]):
    """One point on all axes: immutable, hashable, JSON-able; its axes are also attributes.

    Arguments:
        values: the coordinate on every axis, by axis name.

    Example:
        >>> case = Case({"width": 64, "depth": 10})
        >>> case.width, case.key
        (64, '{"depth":10,"width":64}')
    """

    __slots__ = ("_values",)
    _values: dict[str, Value]

    def __init__(self, values: Mapping[str, Value]) -> None:
        object.__setattr__(self, "_values", {name: _plain(value) for name, value in values.items()})

    def __getitem__(self, name: str) -> Value:
        try:
            return self._values[name]
        except KeyError:
            raise self._missing(name) from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def _missing(self, name: str) -> MissingAxis:
        return MissingAxis(f"the case has no axis {name!r}; its axes are {', '.join(self._values)}")

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"a case is immutable: use case.replace({name}=...) for another case")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Case) and self.key == other.key

    def __repr__(self) -> str:
        return "Case(" + ", ".join(f"{name}={value!r}" for name, value in self._values.items()) + ")"

    def __reduce__(self) -> tuple[type[Case], tuple[dict[str, Value]]]:
        return (Case, (dict(self._values),))

    @property
    def key(self) -> str:
        """Canonical JSON: sorted axes, no blanks; equal cases have equal keys."""
        return json.dumps(self._values, sort_keys=True, separators=(",", ":"))

    def replace(self, **changes: Value) -> Case:
        """The case with some coordinates changed."""
        return Case({**self._values, **changes})

    def arguments(self) -> str:
        """The case as `--case` arguments of the command line."""
        return " ".join(f"--case {name}={value}" for name, value in self._values.items())


def _plain(value: Any) -> Value:
    """NumPy and torch scalars as Python numbers, so that keys and JSON do not depend on who made them."""
    if isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a coordinate of a case is a number or a string; got {value!r}")
