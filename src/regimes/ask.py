"""Asking a claim file's functions at a case, with what they raise put into one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from regimes.case import Case
from regimes.errors import ClaimError, RegimesError


def ask(what: str, function: Callable[[Case], Any], case: Case, read: Callable[[Any], Any] = bool) -> Any:
    """What a function of a claim file says at a case; an OverflowError is the caller's to read, as infinity.

    Arguments:
        what: what the function is, as in `the premise`.
        function: the claim file's function.
        case: where it is asked.
        read: what the answer is read as, `bool` or `float`.

    Raises:
        ClaimError: the function raised, or its answer cannot be read; the sentence has its file, its line and the case.
    """
    try:
        return read(function(case))
    except (RegimesError, OverflowError):
        raise
    except Exception as raised:
        code = getattr(function, "__code__", None)
        written = "" if code is None else f" of {Path(code.co_filename).name}, line {code.co_firstlineno},"
        raise ClaimError(f"{what}{written} raised {type(raised).__name__} ({raised}) at {case.key}") from raised
