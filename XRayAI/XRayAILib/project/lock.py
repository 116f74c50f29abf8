"""A lock between processes, which the system gives back whatever becomes of its holder."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_NOT_SUPPORTED = (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


@contextmanager
def lock(path: Path) -> Iterator[bool]:
    """Hold the lock that the file ``path`` stands for while the body runs.

    The file stays: removing it would let two hold it at once. On a drive that knows no locks (some network drives) it
    is always held.

    Yields
    ------
    bool
        False where another process holds it.
    """
    with path.open("a+b") as stream:
        yield _taken(stream)


if sys.platform == "win32":
    import msvcrt

    def _taken(stream: IO[bytes]) -> bool:
        stream.seek(0)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            return error.errno in _NOT_SUPPORTED
        return True

else:
    import fcntl

    def _taken(stream: IO[bytes]) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            if error.errno in _NOT_SUPPORTED:
                return True
            raise
        return True
