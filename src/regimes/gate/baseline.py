"""The baseline: the verdicts that a gate holds a store against, as a compact JSON file under version control.

Schema 1: `schema`, `kind` ("regimes baseline"), `versions` (of the newest run), `claims`: per claim `id`, `reference`,
`citation`, `fingerprint`, `x`, and `cells`, `controls` and, where there are some, `thresholds`, which are lists of groups:
what all rows of a group share (`SHARED`) and its `rows`, with the fields of `regimes.gate.snapshot` but for the reason and
what is None. One row on a line, in a fixed order and without dates: the same store gives the same bytes, and a diff under
version control shows what changed.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from regimes.files import FileError, write_whole
from regimes.gate.snapshot import CONTROL_KEYS, EVIDENCE, JUDGED, KEYS, THRESHOLD_KEYS, ClaimRecord, Snapshot, of_store
from regimes.sweep.store import Store
from regimes.sweep.store_file import MAGIC

SCHEMA = 1
KIND = "regimes baseline"
ABOUT = ("id", "reference", "citation", "fingerprint", "x")
SHARED = {
    "cells": ("subject", "seed", "settings"),
    "controls": ("seed", "settings"),
    "thresholds": ("subject", "axis", "coordinates", "side", "seed", "settings"),
}
NEEDED = {
    "cells": ("case", "verdict", "inside", "error"),
    "controls": ("control", "verdict"),
    "thresholds": ("row", "undecided", "error", "judged"),
}
FIELDS = {"cells": (*KEYS, *EVIDENCE), "controls": (*CONTROL_KEYS, *EVIDENCE), "thresholds": (*THRESHOLD_KEYS, "judged")}
VERDICTS = {
    "cells": ("holds", "refuted", "undecided"),
    "controls": ("killed", "survived", "undecided"),
    "thresholds": ("holds", "refuted", "undecided"),
}


def load(path: Path) -> Snapshot:
    """The verdicts of a baseline, or of a store.

    Raises:
        FileError: the file is missing, no baseline, damaged, or of a newer schema.
        StoreError: it is a store that cannot be used.
    """
    try:
        with path.open("rb") as file:
            head = file.read(len(MAGIC))
            if head == MAGIC:
                with Store.open(path, read_only=True) as store:
                    return of_store(store)
            content = head + file.read()
    except FileNotFoundError:
        raise FileError(f"there is no baseline or store {path}; `regimes gate --store STORE --baseline {path} "
                        "--update` makes a baseline") from None  # fmt: skip
    except OSError as raised:
        raise FileError(f"{path} cannot be read ({raised.strerror}); name a baseline or a store") from None
    return _parsed(path, content)


def write(snapshot: Snapshot, path: Path) -> None:
    """Write a baseline; it replaces a former one whole or not at all.

    Raises:
        FileError: the place holds something else than a baseline, or cannot be written; it is left as it is.
    """
    if path.exists():
        with_kind = f'"kind": "{KIND}"'.encode()
        try:
            head = b"" if path.is_dir() else path.open("rb").read(200)
        except OSError as raised:
            raise FileError(f"the baseline {path} cannot be read ({raised.strerror}); name another file") from None
        if head.strip() and with_kind not in head:
            raise FileError(f"{path} is not a baseline and is left as it is; name another file for --update")
    write_whole(path, text(snapshot), "baseline")


def text(snapshot: Snapshot) -> str:
    """The baseline's JSON: one line per cell, control and threshold."""
    blocks = []
    for claim in sorted(snapshot.claims.values(), key=lambda one: one.id):
        head = ",\n".join(f'  "{name}": {_line(getattr(claim, name))}' for name in ABOUT)
        # Without thresholds the bytes are those of a baseline from before there were any.
        kinds = [name for name in SHARED if name != "thresholds" or claim.thresholds]
        lists = ",\n".join(f'  "{name}": [{_groups(name, getattr(claim, name))}]' for name in kinds)
        blocks.append(f"\n {{\n{head},\n{lists}\n }}")
    versions = _line(dict(sorted(snapshot.versions.items())))
    return f'{{\n"schema": {SCHEMA}, "kind": "{KIND}",\n"versions": {versions},\n"claims": [{",".join(blocks)}\n]\n}}\n'


def _groups(kind: str, rows: list[dict[str, Any]]) -> str:
    """Rows in order, grouped by what they share."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        shared = _line({name: row[name] for name in SHARED[kind]})
        own = {name: value for name, value in _said(row).items() if name not in SHARED[kind]}
        own |= {"judged": [_said(one) for one in row["judged"]]} if kind == "thresholds" else {}
        groups.setdefault(shared, []).append(_line({name: _finite(value) for name, value in own.items()}))
    ordered = ((shared[:-1], ",\n    ".join(sorted(found))) for shared, found in sorted(groups.items()))
    return ",".join(f'\n   {shared}, "rows": [\n    {found}]}}' for shared, found in ordered)


def _said(row: dict[str, Any]) -> dict[str, Any]:
    """What a row says, but for its sentence."""
    return {name: value for name, value in row.items() if value is not None and name != "reason"}


def _finite(value: Any) -> Any:
    """Infinity as text, which JSON lacks."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=isinstance(value, dict))


def _parsed(path: Path, content: bytes) -> Snapshot:
    mend = "restore it from version control, or delete it and write it again with --update"
    try:
        data = json.loads(content)
    except ValueError as wrong:
        raise FileError(f"{path} is neither a store nor a baseline ({' '.join(str(wrong).split())}); {mend}") from None
    if not isinstance(data, dict) or data.get("kind") != KIND:
        raise FileError(f"{path} is neither a store nor a baseline; name another file")
    if data.get("schema") != SCHEMA:
        raise FileError(f"baseline {path} was written by schema {data.get('schema')!r}; this regimes reads schema {SCHEMA}: "
                        "upgrade regimes, or write it again with --update")  # fmt: skip
    try:
        claims = [_claim(one) for one in data["claims"]]
        return Snapshot(str(path), dict(data["versions"]), {one.id: one for one in claims})
    except (AttributeError, KeyError, TypeError, ValueError) as wrong:
        found = f"it lacks {wrong}" if isinstance(wrong, KeyError) else str(wrong)
        raise FileError(f"baseline {path} is damaged ({found}); {mend}") from None


def _claim(one: dict[str, Any]) -> ClaimRecord:
    about = (str(one[name]) for name in ABOUT)
    cells, controls = _rows("cells", one["cells"]), _rows("controls", one["controls"])
    return ClaimRecord(*about, cells=cells, controls=controls, thresholds=_rows("thresholds", one.get("thresholds", [])))


def _rows(kind: str, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of the file's groups, each with all fields, None for what the file leaves out."""
    return [
        _row(kind, {name: group[name] for name in SHARED[kind]} | {name: row[name] for name in NEEDED[kind]} | row)
        for group in groups
        for row in group["rows"]
    ]


def _row(kind: str, row: dict[str, Any]) -> dict[str, Any]:
    judged = row["judged"] if kind == "thresholds" else [row]
    for one in judged:
        if one["verdict"] not in VERDICTS[kind]:
            raise ValueError(f"it has the verdict {one['verdict']!r}")
    full: dict[str, Any] = {name: row.get(name) for name in FIELDS[kind]}
    if kind == "thresholds":
        told = ("at", "inside")
        full["judged"] = [{name: one[name] for name in told} | {name: one.get(name) for name in JUDGED} for one in judged]
    boundary = full.get("premise_boundary")
    if boundary is not None:
        full["premise_boundary"] = float(boundary)
    return full
