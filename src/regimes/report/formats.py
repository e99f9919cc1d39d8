"""Numbers, coordinates and cases as text for people: the same everywhere in a report."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

THIN = "\u202f"
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def number(value: Any, digits: int = 4) -> str:
    """A number with a few significant digits, words as they are, and a dash for nothing.

    Arguments:
        value: a number, text, truth value or None.
        digits: significant digits of a float.
    """
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, (int, float)):
        return str(value)
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if isinstance(value, int) or (value == int(value) and size < 1e6):
        return _grouped(int(value)) if size < 1e9 else _scientific(float(value), digits)
    if size >= 1e6 or size < 1e-3:
        return _scientific(value, digits)
    if size >= 10 ** (digits - 1):
        return _grouped(round(value))
    return f"{value:.{digits}g}".replace("-", "−")


def printable(words: str) -> str:
    """Text with a replacement character for each one that neither HTML nor XML may hold."""
    return UNPRINTABLE.sub("\ufffd", words)


def _grouped(value: int) -> str:
    text = str(abs(value)) if abs(value) < 10_000 else f"{abs(value):,}".replace(",", THIN)
    return f"−{text}" if value < 0 else text


def _scientific(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    power = f"10{str(int(exponent)).translate(SUPERSCRIPTS)}"
    if mantissa in ("1", "-1"):
        return power if mantissa == "1" else f"−{power}"
    return f"{mantissa.replace('-', '−')}\u2009×\u2009{power}"


def about(value: float) -> str:
    """A number with two significant digits: where a line lies off a map."""
    if not math.isfinite(value):
        return number(value)
    if value < 1000:
        return number(float(f"{value:.2g}"))
    return _scientific(value, 2) if value >= 1e5 else _grouped(int(float(f"{value:.2g}")))


def tick(value: Any) -> str:
    """A coordinate below its column: powers of two above 4096 as 2¹³, so that labels stay short."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 4096 and value & (value - 1) == 0:
        return "2" + str(value.bit_length() - 1).translate(SUPERSCRIPTS)
    return number(value, 3)


def interval(ends: Any) -> str:
    """An interval in brackets, empty if there is none."""
    return "" if not ends else f"[{number(ends[0])}, {number(ends[1])}]"


def case(values: Mapping[str, Any] | None) -> str:
    """A case as `name = value, …`."""
    return ", ".join(f"{name} = {number(value)}" for name, value in (values or {}).items())


def seconds(value: float) -> str:
    """A duration."""
    return "under 0.01 s" if value < 0.01 else f"{value:.3g} s"


def factor(value: float | None) -> str:
    """A ratio as `×3.5`, a dash for none."""
    return "–" if value is None else f"×{number(value, 3)}"


def ratio_range(values: list[float]) -> str:
    """Smallest and largest ratio, empty for none."""
    if not values:
        return ""
    low, high = number(min(values), 3), number(max(values), 3)
    return f"×{low}" if low == high else f"×{low} – ×{high}"
