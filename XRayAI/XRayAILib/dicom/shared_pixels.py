"""Pixels from the decoder's process to the one that asked: by shared memory where the system has it, else by the pipe.

No ``multiprocessing.shared_memory``: it starts a process of its own to look after the memory, and does so with
``sys.executable``, which inside Slicer is a launcher (Slicer#7445).
"""

from __future__ import annotations

import mmap
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

Head = dict[str, Any]
"""What goes through the pipe before the pixels: their shape and type, and where the memory is."""


class Outbox:
    """The decoder's end: one block of memory, used for every image and made larger where one needs it."""

    def __init__(self) -> None:
        self._memory: mmap.mmap | None = None
        self._file = -1
        self._blocks = 0

    def room(self, shape: tuple[int, ...], dtype: str) -> np.ndarray | None:
        """An array in the memory, to be filled by a decoder; ``None`` where this system has no such memory."""
        kind = np.dtype(dtype)
        count = int(np.prod(shape, dtype=np.int64))
        if not self._block(count * kind.itemsize):
            return None
        assert self._memory is not None
        return np.frombuffer(self._memory, kind, count).reshape(shape)

    def put(self, array: np.ndarray) -> Head | None:
        """Copy an array into the memory, unless it is there; ``None`` where this system has no such memory."""
        name = self._block(array.nbytes)
        if not name:
            return None
        assert self._memory is not None
        block = np.frombuffer(self._memory, np.uint8, array.nbytes)
        if array.ctypes.data != block.ctypes.data:
            block[:] = array.reshape(-1).view(np.uint8)
        return {**head_of(array), "memory": name, "size": len(self._memory)}

    def _block(self, size: int) -> str:
        size = max(size, mmap.PAGESIZE)
        if sys.platform == "win32":
            return self._windows_block(size)
        return self._linux_block(size) if hasattr(os, "memfd_create") else ""

    def _linux_block(self, size: int) -> str:
        if self._memory is None or len(self._memory) < size:
            if self._file < 0:
                # Without a name in any folder: it is gone with the last process that has it open.
                self._file = os.memfd_create("xrayai-pixels")
            os.ftruncate(self._file, size)
            self._memory = mmap.mmap(self._file, size)
        return f"/proc/{os.getpid()}/fd/{self._file}"

    def _windows_block(self, size: int) -> str:
        if self._memory is None or len(self._memory) < size:
            self._blocks += 1
            self._memory = mmap.mmap(-1, size, tagname=self._windows_name())  # type: ignore[call-arg,unused-ignore]
        return self._windows_name()

    def _windows_name(self) -> str:
        return f"xrayai-pixels-{os.getpid()}-{self._blocks}"


class Inbox:
    """The other end."""

    def __init__(self) -> None:
        self._key: tuple[str, int] = ("", 0)
        self._memory: mmap.mmap | None = None

    def take(self, head: Head) -> np.ndarray:
        """A copy of the array that ``head`` announces; :class:`OSError` where its memory cannot be reached."""
        key = (str(head["memory"]), int(head["size"]))
        if self._memory is None or self._key != key:
            self.close()
            self._memory, self._key = _opened(*key), key
        dtype, shape = np.dtype(head["dtype"]), tuple(head["shape"])
        array = np.frombuffer(self._memory, dtype, int(np.prod(shape, dtype=np.int64))).reshape(shape).copy()
        return array

    def close(self) -> None:
        """Let the memory go."""
        if self._memory is not None:
            self._memory.close()
        self._memory = None


def head_of(array: np.ndarray) -> Head:
    """What is said of an array before its bytes come."""
    return {"shape": array.shape, "dtype": array.dtype.str, "bytes": array.nbytes}


def _opened(name: str, size: int) -> mmap.mmap:
    if sys.platform == "win32":
        return mmap.mmap(-1, size, tagname=name)
    with Path(name).open("rb") as stream:
        return mmap.mmap(stream.fileno(), size, prot=mmap.PROT_READ)
