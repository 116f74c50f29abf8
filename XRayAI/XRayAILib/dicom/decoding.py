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

TIME_LIMIT = 60.0
"""Seconds for one frame; the slowest decoder needs 0.3 s for 4 million pixels."""


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

    def decode(self, path: Path, frame: int = 0) -> np.ndarray:
        """Stored pixels (rows, columns) of a frame; :class:`UnreadableError` with the reason where there are none."""
        with self._lock:
            child = self._running()
            expired = threading.Event()

            def stop() -> None:
                expired.set()
                end_child(child)

            timer = threading.Timer(self._time_limit, stop)
            timer.start()
            try:
                return self._ask(child, path, frame)
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

    def _ask(self, child: subprocess.Popen[bytes], path: Path, frame: int) -> np.ndarray:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(json.dumps({"path": str(path), "frame": frame}).encode() + b"\n")
        child.stdin.flush()
        answer: dict[str, Any] = json.loads(_exactly(child.stdout, None))
        if "reason" in answer:
            raise UnreadableError(str(path), answer["reason"])
        pixels = _exactly(child.stdout, int(answer["bytes"]))
        return np.frombuffer(pixels, answer["dtype"]).reshape(answer["shape"])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self._child = start_child("XRayAILib.dicom.decoder_child", self._interpreter)
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
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
