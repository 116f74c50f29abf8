"""Decoding of foreign files in a child process.

Decoders are C code; a malformed stream can crash or hang them. The child takes the blow: the caller gets an
:class:`UnreadableError` and the next file a fresh child. Plain ``subprocess`` and pipes, because ``multiprocessing``
hangs inside Slicer (Slicer#7445).
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.dicom.child import end_child, forget_child, start_child
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.shared_pixels import Head, Inbox

TIME_LIMIT = 60.0
"""Seconds for one frame; the slowest decoder needs 0.3 s for 4 million pixels."""


_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(128 << 20),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""Lets the child keep the memory of one image for the next, on Linux: to get it anew costs more than some decoders."""


class ChildDecoder:
    """A child process that decodes frames, one at a time; it starts with the first frame and again after a crash.

    Parameters
    ----------
    interpreter
        Path of the Python to run; the host knows it (``sys.executable`` in Slicer is a launcher that works too).
    """

    def __init__(self, interpreter: str = sys.executable, time_limit: float = TIME_LIMIT) -> None:
        self._interpreter = interpreter
        self._time_limit = time_limit
        self._child: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._inbox = Inbox()
        self._shared = True

    def decode(self, path: Path, offset: int, syntax: str, options: dict[str, Any], frame: int = 0) -> np.ndarray:
        """What :func:`XRayAILib.dicom.pixel_data.decode` gives for a file.

        Raises
        ------
        UnreadableError
            With the reason why there are no pixels.
        """
        request = {"path": str(path), "offset": offset, "syntax": syntax, "options": options, "frame": frame}
        with self._lock:
            child = self._running()
            expired = threading.Event()

            def stop() -> None:
                expired.set()
                end_child(child)

            timer = threading.Timer(self._time_limit, stop)
            timer.start()
            try:
                return self._ask(child, request)
            except (OSError, EOFError, ValueError) as error:
                if isinstance(error, UnreadableError):
                    raise
                self._end()
                reason = (
                    f"decoding it took longer than {self._time_limit:.0f} s and was stopped"
                    if expired.is_set()
                    else "decoding it crashed the decoder: the pixel data is damaged"
                )
                raise UnreadableError(str(path), reason) from error
            finally:
                timer.cancel()

    def close(self) -> None:
        """End the child."""
        with self._lock:
            self._end()

    def _ask(self, child: subprocess.Popen[bytes], request: dict[str, Any]) -> np.ndarray:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(json.dumps({**request, "shared": self._shared}).encode() + b"\n")
        child.stdin.flush()
        head: Head = json.loads(_exactly(child.stdout, None))
        if "reason" in head:
            raise UnreadableError(request["path"], head["reason"])
        if "memory" not in head:
            pixels = _exactly(child.stdout, int(head["bytes"]))
            return np.frombuffer(pixels, head["dtype"]).reshape(head["shape"])
        try:
            return self._inbox.take(head)
        except OSError:
            # A sandbox may keep processes from each other's memory: then all goes through the pipe.
            if child.poll() is not None:
                raise
            self._shared = False
            return self._ask(child, request)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._end()
            self._child = start_child("XRayAILib.dicom.decoder_child", self._interpreter, _MEMORY)
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        self._inbox.close()
        if child is not None:
            forget_child(child)


def _exactly(stream: Any, count: int | None) -> bytes:
    data: bytes = stream.readline() if count is None else stream.read(count)
    if (count is None and not data.endswith(b"\n")) or (count is not None and len(data) != count):
        raise EOFError("the decoder ended early")
    return data


_shared: ChildDecoder | None = None


def shared_decoder() -> ChildDecoder:
    """The one decoder of this process, ended with it."""
    global _shared
    if _shared is None:
        _shared = ChildDecoder()
        atexit.register(_shared.close)
    return _shared
