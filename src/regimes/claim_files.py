"""Where claim files are, and which ids an argument names: nothing here imports a claim."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from regimes.errors import ClaimError


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


def read_claim_file(path: Path) -> bytes:
    """A claim file's content; ClaimError is one sentence if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as raised:
        raise ClaimError(f"claim file {path} cannot be read: {raised.strerror}") from raised


def named_ids(known: Sequence[str], identifiers: Iterable[str]) -> list[str]:
    """The ids `<paper>/<slug>` that identifiers name, by id, paper or slug, in the given order; all without identifiers.

    Raises:
        ClaimError: an identifier that names none; the sentence has the nearest ones.
    """
    import difflib

    chosen: dict[str, None] = {}
    wanted = list(identifiers)
    for identifier in wanted:
        matching = [one for one in known if identifier in (one, *one.split("/", 1))]
        if not matching:
            slugs = [one.split("/", 1)[1] for one in known]
            near = difflib.get_close_matches(identifier, [*known, *slugs], 3, 0.4)
            hint = f"did you mean {' or '.join(near)}?" if near else "`regimes list` shows them all"
            raise ClaimError(f"there is no claim {identifier!r}; {hint}")
        chosen |= dict.fromkeys(matching)
    return list(chosen) if wanted else list(known)
