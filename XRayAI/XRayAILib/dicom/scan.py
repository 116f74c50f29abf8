"""Reading the headers of many files, in several processes and in their order."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import quick_headers
from XRayAILib.dicom.header import Header, header_from_values
from XRayAILib.dicom.header_reader import FILE_SECONDS, HeaderReader, ask_several
from XRayAILib.dicom.search import FoundFile

FEW = 200
"""So few files are read sooner than processes have started."""


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
    asked = [(file.path, flag) for file, flag in zip(files, flags, strict=True)]
    with closing(ask_several("headers", asked, processes, time_limit=time_limit, interpreter=interpreter)) as answers:
        for file, answer in zip(files, answers, strict=True):
            yield _scanned(file, answer)


def _few(files: Sequence[FoundFile], flags: Sequence[bool], reader: HeaderReader) -> Iterator[Scanned]:
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
