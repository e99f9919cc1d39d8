"""Joining the stores of shards into one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from regimes.sweep.store import Store, StoreError


def merge(out: Path, files: Sequence[Path]) -> int:
    """Join stores into one; the order in which they are named changes nothing.

    Arguments:
        out: the joined store; made if missing, else what it holds is kept.
        files: the stores of shards; they are only read.

    Returns:
        The number of cells and thresholds that `out` did not have.

    Raises:
        StoreError: a file cannot be used, or two hold different versions of a claim; `out` is then as it was.
    """
    sources = list({path.resolve(): path for path in files}.values())
    with ExitStack() as stack:
        parts = []
        for path in sources:
            if out.exists() and path.exists() and out.samefile(path):
                raise StoreError(f"{out} is to be written and to be read; leave it out of the stores to be joined")
            parts.append(stack.enter_context(Store.open(path, read_only=True)))
        # Versions are compared before anything is written: a refused merge leaves no half of itself.
        seen: dict[str, tuple[str, Path]] = {}
        for part in ([stack.enter_context(Store.open(out, read_only=True))] if out.exists() else []) + parts:
            for claim in part.claims():
                mark, first = seen.setdefault(claim["id"], (claim["fingerprint"], part.path))
                if mark != claim["fingerprint"]:
                    raise StoreError(f"{first} and {part.path} were mapped with different versions of {claim['id']}; "
                                     "map one of them again with the present one")  # fmt: skip
        parts.sort(key=lambda part: sorted((run["started"], run["id"]) for run in part.runs()))
        with Store.open(out, create=True) as joined:
            return joined.absorb(parts)
