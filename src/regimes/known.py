"""Known failures: a TOML file of claims whose verdict is expected to differ, each with a reason and a link."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from regimes.errors import RegimesError

VERDICTS = ("holds", "refuted", "undecided")


class KnownError(RegimesError, ValueError):
    """A known-failures file that cannot be used; one sentence."""


@dataclass(frozen=True)
class Known:
    """One expected deviation.

    Attributes:
        id: the claim's id.
        verdict: the verdict that is expected.
        reason: why.
        link: where it is discussed.
    """

    id: str
    verdict: str
    reason: str
    link: str


def read_known(path: Path) -> dict[str, Known]:
    """The entries of a known-failures file by claim id.

    The file holds tables `[[known]]`, each with `id`, `verdict`, `reason` and `link`.

    Raises:
        KnownError: the file is missing, no TOML, or an entry lacks a field or repeats an id.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as raised:
        raise KnownError(f"known-failures file {path} cannot be read: {raised.strerror}") from raised
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as raised:
        raise KnownError(f"known-failures file {path} is no TOML: {raised}") from raised
    entries: dict[str, Known] = {}
    for position, table in enumerate(content.get("known", ()), start=1):
        missing = [name for name in ("id", "verdict", "reason", "link") if not str(table.get(name, "")).strip()]
        if missing:
            raise KnownError(f"entry {position} of {path} lacks {', '.join(missing)}")
        if table["verdict"] not in VERDICTS:
            raise KnownError(f"entry {position} of {path} expects {table['verdict']!r}; use {', '.join(VERDICTS)}")
        if table["id"] in entries:
            raise KnownError(f"{path} lists {table['id']} twice")
        entries[table["id"]] = Known(**{name: str(table[name]) for name in ("id", "verdict", "reason", "link")})
    return entries


def unmatched(entries: Iterable[str], collected: Iterable[str]) -> list[str]:
    """The ids that match no collected claim."""
    present = set(collected)
    return [identifier for identifier in entries if identifier not in present]
