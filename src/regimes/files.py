"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

from regimes.errors import RegimesError


class FileError(RegimesError):
    """A file that cannot be read or written; the message is one sentence with the file and the mend."""


def write_whole(path: Path, content: str | bytes, what: str) -> None:
    """Write a file beside its place and move it there, so that a reader or a full disk never sees half of it.

    Arguments:
        path: the file; one that is there is replaced.
        content: text (UTF-8) or bytes.
        what: what the file is, for the sentence.

    Raises:
        FileError: the folder is missing or cannot be written, or the disk is full; what was there is as it was.
    """
    if path.is_dir():
        raise FileError(f"{path} is a folder; name a file in it for the {what}")
    draft = path.parent / f".{path.name}.{uuid.uuid4().hex[:8]}"
    data = content.encode() if isinstance(content, str) else content
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as raised:
        reason = raised.strerror or str(raised)
        raise FileError(f"the {what} {path} cannot be written ({reason}); name a file in a folder that can be") from None
    finally:
        try:
            draft.unlink(missing_ok=True)
        except OSError:
            pass
