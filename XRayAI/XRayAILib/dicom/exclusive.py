"""A file takes its place only where there is none yet, whoever else is at it."""

from __future__ import annotations

import os
from pathlib import Path


def put_new(temporary: Path, path: Path) -> None:
    """Give the file ``temporary`` the name ``path``; :class:`FileExistsError` where there is such a file already.

    ``temporary`` is gone afterwards, unless there was an error.
    """
    if os.name != "posix":
        temporary.rename(path)  # which never replaces on Windows
        return
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError as error:
        if path.exists():
            raise FileExistsError(error.errno, os.strerror(error.errno or 0), str(path)) from error
        temporary.replace(path)  # a drive that knows no links
    else:
        temporary.unlink()
