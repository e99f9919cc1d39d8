"""The catalogue: claim files found on disk and loaded, one module per paper."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from regimes.claim import Claim, ClaimError


def claim_folder(given: str | Path | None = None) -> Path:
    """The folder of claim files: the given one, `$REGIMES_CLAIMS`, `./claims`, else the claims shipped with regimes."""
    named = given or os.environ.get("REGIMES_CLAIMS")
    if named:
        folder = Path(named)
        if not folder.exists():
            raise ClaimError(f"there is no claim folder or file {str(folder)!r}; give --claims a folder of claim files")
        return folder
    if Path("claims").is_dir():
        return Path("claims")
    packaged = Path(__file__).parent / "shipped_claims"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "claims"


def claim_files(folder: Path) -> list[Path]:
    """The claim files of a folder in order of name, or the file itself."""
    if folder.is_file():
        return [folder]
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith(("_", "test_", "conftest")))


def load_module(path: Path) -> ModuleType:
    """Import a claim file by path, once per content; ClaimError is one sentence if that fails."""
    resolved = path.resolve()
    try:
        content = resolved.read_bytes()
    except OSError as raised:
        raise ClaimError(f"claim file {path} cannot be read: {raised.strerror}") from raised
    name = f"regimes_claims_{resolved.stem}_{hashlib.sha256(str(resolved).encode() + content).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None:
        raise ClaimError(f"claim file {path} is not a Python file; a claim file ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except ClaimError:
        del sys.modules[name]
        raise
    except SyntaxError as raised:
        del sys.modules[name]
        raise ClaimError(f"claim file {path} has a syntax error on line {raised.lineno}: {raised.msg}") from raised
    except Exception as raised:
        del sys.modules[name]
        raise ClaimError(f"claim file {path} does not import: {type(raised).__name__}: {raised}") from raised
    return module


def claims_in(path: Path) -> list[Claim]:
    """The claims of a file in the order they are written; ClaimError for two of one id."""
    found: list[Claim] = []
    for value in vars(load_module(path)).values():
        if isinstance(value, Claim) and not any(value is other for other in found):
            if any(value.id == other.id for other in found):
                raise ClaimError(f"claim file {path} declares {value.id} twice; give one of them another id")
            found.append(value)
    return found


def load_claims(folder: str | Path | None = None) -> list[Claim]:
    """Every claim of a folder; ClaimError for two of one id or a file that does not load."""
    found: dict[str, Claim] = {}
    for path in claim_files(claim_folder(folder)):
        for one in claims_in(path):
            if one.id in found:
                raise ClaimError(f"{path} declares {one.id}, which another claim file declares already")
            found[one.id] = one
    return list(found.values())


def select(claims: Iterable[Claim], identifiers: Iterable[str]) -> list[Claim]:
    """The claims of these ids (a paper's key selects all of its claims), in the given order.

    Raises:
        ClaimError: an id that no claim has; the sentence names the nearest ones.
    """
    import difflib

    known = {one.id: one for one in claims}
    chosen: dict[str, Claim] = {}
    for identifier in identifiers:
        matching = [one for one in known.values() if identifier in (one.id, one.paper.key, one.slug)]
        if not matching:
            near = difflib.get_close_matches(identifier, [*known, *(one.slug for one in known.values())], 3, 0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else "`regimes list` shows them all"
            raise ClaimError(f"there is no claim {identifier!r}; {hint}")
        chosen |= {one.id: one for one in matching}
    return list(chosen.values()) if identifiers else list(known.values())


def file_of(claim: Claim) -> Path:
    """The claim file in which a claim is written."""
    return Path(sys.modules[claim.observable.__module__].__file__ or "")
