"""The catalogue: claim files found on disk and loaded, one module per paper."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from regimes.claim import Claim
from regimes.claim_files import claim_files, claim_folder, named_ids, read_claim_file
from regimes.errors import ClaimError


def load_module(path: Path) -> ModuleType:
    """Import a claim file by path, once per content; ClaimError is one sentence if that fails."""
    resolved = path.resolve()
    content = read_claim_file(path)
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
    except (Exception, SystemExit) as raised:  # a file that exits must not end the run as if all were well
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
    """Every claim of a folder; ClaimError for none at all, two of one id or a file that does not load."""
    found: dict[str, Claim] = {}
    place = claim_folder(folder)
    for path in claim_files(place):
        for one in claims_in(path):
            if one.id in found:
                raise ClaimError(f"{path} declares {one.id}, which another claim file declares already")
            found[one.id] = one
    if not found:
        raise ClaimError(f"there is no claim in {str(place)!r}; give --claims a folder of claim files")
    return list(found.values())


def select(claims: Iterable[Claim], identifiers: Iterable[str]) -> list[Claim]:
    """The claims of these ids (a paper's key selects all of its claims), in the given order.

    Raises:
        ClaimError: an id that no claim has; the sentence names the nearest ones.
    """
    known = {one.id: one for one in claims}
    return [known[name] for name in named_ids(list(known), identifiers)]


def file_of(claim: Claim) -> Path:
    """The claim file in which a claim is written."""
    return Path(sys.modules[claim.observable.__module__].__file__ or "")
