"""Decoding the images that probably come next while the reader still looks at this one.

The work is done by a child process, as all decoding is; what it decoded waits in files of a folder of its own until it
is asked for. So nothing has to be looked after in the meantime: no thread, which a Slicer that waits for its user
would not let run, and no pipe that fills up.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.dicom.child import end_child, forget_child, start_child
from XRayAILib.dicom.decoding import TIME_LIMIT, shared_decoder
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.source import stamp

Source = tuple[str, int]
"""Path and frame."""

_Key = tuple[str, int, int, int]

MOST = 4
"""Images that are kept decoded: some 20 MB each."""
_LOOK_EVERY = 0.005


class DecodingAhead:
    """Frames that were decoded before they were asked for; every other one is decoded when it is.

    Parameters
    ----------
    interpreter
        Path of the Python to run; the host knows it.
    """

    def __init__(self, interpreter: str = sys.executable) -> None:
        self._interpreter = interpreter
        self._child: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._asked: dict[_Key, Path] = {}
        self._number = 0
        self._end = lambda: None

    def want(self, sources: Sequence[Source]) -> None:
        """These frames probably come next, the most probable one first; what was decoded of others is dropped.

        A file that is gone or cannot be decoded is passed over: whoever asks for it is told why.
        """
        wanted = {}
        for path, frame in sources[:MOST]:
            try:
                wanted[_key(Path(path), frame)] = (path, frame)
            except UnreadableError:
                continue
        for key in [key for key in self._asked if key not in wanted]:
            self._asked.pop(key).unlink(missing_ok=True)
        for key, (path, frame) in wanted.items():
            if key not in self._asked:
                self._ask(key, path, frame)

    def decode(self, path: Path, offset: int, syntax: str, options: dict[str, Any], frame: int = 0) -> np.ndarray:
        """What :meth:`ChildDecoder.decode` gives; at once where it was decoded ahead."""
        place = self._asked.get(_key(path, frame))
        if place is not None and self._is_there(place):
            try:
                return np.load(place, allow_pickle=False)
            except (OSError, ValueError, EOFError):
                # Somebody emptied the folder for temporary files: decode it again.
                place.unlink(missing_ok=True)
        return shared_decoder().decode(path, offset, syntax, options, frame)

    def close(self) -> None:
        """End the child and drop what it decoded."""
        self._end()
        self._child, self._folder = None, None
        self._asked = {}

    def _ask(self, key: _Key, path: str, frame: int) -> None:
        child, folder = self._running()
        self._number += 1
        place = folder / f"{self._number}.npy"
        assert child.stdin is not None
        try:
            child.stdin.write(json.dumps({"path": path, "frame": frame, "place": str(place)}).encode() + b"\n")
            child.stdin.flush()
        except OSError:
            # It crashed over a damaged image, and a new one starts with the next wish.
            return
        self._asked[key] = place

    def _is_there(self, place: Path) -> bool:
        """Whether a frame is decoded, or will be in a moment."""
        until = time.monotonic() + TIME_LIMIT
        failed = place.with_suffix(".failed")
        while not place.exists():
            if failed.exists() or self._child is None or self._child.poll() is not None or time.monotonic() > until:
                return False
            time.sleep(_LOOK_EVERY)
        return True

    def _running(self) -> tuple[subprocess.Popen[bytes], Path]:
        if self._child is None or self._child.poll() is not None or self._folder is None:
            self.close()
            self._folder = Path(tempfile.mkdtemp(prefix="xrayai-ahead-"))
            self._child = start_child("XRayAILib.dicom.decoding_ahead_child", self._interpreter)
            self._end = weakref.finalize(self, _forget, self._child, self._folder)
        return self._child, self._folder


def _key(path: Path, frame: int) -> _Key:
    """What tells a frame from every other one, and from itself before its file was written anew."""
    size, modified = stamp(path)
    return str(path), frame, size, modified


def _forget(child: subprocess.Popen[bytes], folder: Path) -> None:
    end_child(child)
    forget_child(child)
    shutil.rmtree(folder, ignore_errors=True)
