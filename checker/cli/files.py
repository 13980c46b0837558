"""Writing files so that none is ever left half-written."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from checker.errors import UserError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file at once: it is there with all of ``content``, text as UTF-8, or as it was before.

    Raises:
        UserError: the folder cannot be made or written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        hint = "choose another folder, or make this one writable"
        raise UserError(f"cannot write here: {error.strerror}", where=str(path.parent), hint=hint) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            hint = "remove what stands there, or choose another folder"
            raise UserError(f"cannot write this file: {error.strerror}", where=str(path), hint=hint) from None
        raise
