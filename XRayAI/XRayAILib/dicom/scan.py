"""Reading the headers of many files, in several processes and in their order."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import quick_headers
from XRayAILib.dicom.header import Header, header_from_values
from XRayAILib.dicom.header_reader import FILE_SECONDS, HeaderReader
from XRayAILib.dicom.search import FoundFile

BATCH = 64
"""Files a question; more of them waits longer for nothing where one hangs, fewer wakes processes more often."""
FEW = 200
"""So few files are read sooner than processes have started."""
MOST_PROCESSES = 8
"""More of them read faster than one writer stores."""


@dataclass(frozen=True)
class Scanned:
    """What a scan found in one file: headers, or the reason why there are none.

    Attributes
    ----------
    mask
        It is a picture with two values that has the name of another picture.
    """

    file: FoundFile
    headers: tuple[Header, ...] = ()
    reason: str = ""
    mask: bool = False


def scan(
    files: Sequence[FoundFile],
    namesakes: Sequence[bool] = (),
    processes: int = 0,
    time_limit: float = FILE_SECONDS,
    interpreter: str = sys.executable,
) -> Generator[Scanned, None, None]:
    """Read the header of each file, in the order given; one that is no radiograph gives the reason.

    Parameters
    ----------
    namesakes
        For each file whether another one has its name, so that it may be a mask.
    processes
        How many read; 0 for as many as there are cores.
    time_limit
        Seconds for one file.
    """
    flags = namesakes or [False] * len(files)
    if len(files) <= FEW:
        yield from _few(files, flags, HeaderReader(interpreter, time_limit))
        return
    readers: list[HeaderReader] = []
    own = threading.local()

    def enter() -> None:
        own.reader = HeaderReader(interpreter, time_limit)
        readers.append(own.reader)

    def read(start: int) -> list[Scanned]:
        part = files[start : start + BATCH]
        asked = [(file.path, flag) for file, flag in zip(part, flags[start : start + BATCH], strict=True)]
        answers = own.reader.ask("headers", asked)
        return [_scanned(file, answer) for file, answer in zip(part, answers, strict=True)]

    count = processes or min(usable_cores(), MOST_PROCESSES)
    pool = ThreadPoolExecutor(count, "headers", enter)
    try:
        waiting: deque[Future[list[Scanned]]] = deque()
        for start in range(0, len(files), BATCH):
            waiting.append(pool.submit(read, start))
            if len(waiting) > 3 * count:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:
        for reader in readers:
            reader.close()
        pool.shutdown(wait=True, cancel_futures=True)


def usable_cores() -> int:
    """The cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def _few(files: Sequence[FoundFile], flags: Sequence[bool], reader: HeaderReader) -> Generator[Scanned, None, None]:
    """Ordinary files here and now, and the others, which a parser has to look at, in one child process."""
    try:
        for file, flag in zip(files, flags, strict=True):
            headers = None
            try:
                if not flag:
                    headers = quick_headers(Path(file.path))
            except UnreadableError as error:
                yield Scanned(file, reason=error.reason)
                continue
            if headers is not None:
                yield Scanned(file, tuple(headers))
            else:
                (answer,) = reader.ask("headers", [(file.path, flag)])
                yield _scanned(file, answer)
    finally:
        reader.close()


def _scanned(file: FoundFile, answer: dict[str, Any]) -> Scanned:
    headers = tuple(header_from_values(values) for values in answer.get("headers", ()))
    return Scanned(file, headers, answer.get("reason", ""), answer.get("mask", False))
