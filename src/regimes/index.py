"""The index of claims: their documents, kept between runs, so that `list` and `show` need not import torch.

The index of a folder is a JSON file in `$XDG_CACHE_HOME/regimes` (or `~/.cache/regimes`). It is used only while it carries
the key of what it was made from: the content of every claim file, and the state of the installed package.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from regimes import __version__
from regimes.claim_files import claim_files, claim_folder, read_claim_file
from regimes.files import FileError, write_whole

FORMAT = 1


def documents(folder: str | Path | None = None) -> list[dict[str, Any]]:
    """The documents of all claims of a folder, without pictures; from the index while it is current.

    Raises:
        ClaimError: a claim file that does not load, two claims of one id, no such folder.
    """
    place = claim_folder(folder)
    key, path = _key(place), _path(place)
    kept = _read(path, key)
    if kept is not None:
        return kept
    from regimes.catalogue import load_claims
    from regimes.document import document

    found = [document(claim) for claim in load_claims(place)]
    _write(path, {"format": FORMAT, "key": key, "documents": found})
    # Through JSON and back, so that a first answer and a later one are the same.
    return json.loads(json.dumps(found))


def _key(folder: Path) -> str:
    """What an index is made from: names and contents of the claim files, version and files of the package."""
    digest = hashlib.sha256(f"{FORMAT} {__version__}".encode())
    for path in claim_files(folder):
        digest.update(f"\0{path.name}\0".encode())
        digest.update(read_claim_file(path))
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        state = path.stat()
        digest.update(f"\0{path.relative_to(root)} {state.st_mtime_ns} {state.st_size}".encode())
    return digest.hexdigest()


def _path(folder: Path) -> Path:
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "regimes" / f"index-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]}.json"


def _read(path: Path, key: str) -> list[dict[str, Any]] | None:
    """The documents of an index of this key; None for any other file, whatever it holds."""
    try:
        kept = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(kept, dict) or kept.get("key") != key or not isinstance(kept.get("documents"), list):
        return None
    return kept["documents"]


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace the index in one step; a folder that cannot be written costs time and nothing else."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(content), "index")
    except (OSError, FileError):
        return
