"""The child of :mod:`XRayAILib.dicom.header_reader`: requests on standard input, an answer a line on standard output.

Little is imported here, because there may be one such process per core: pydicom and Pillow come with the first file
that needs them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from XRayAILib.dicom.child import limit_memory
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.file_header import read_header
from XRayAILib.dicom.header import PICTURE, header_to_json
from XRayAILib.dicom.header_reader import READY

MEMORY_LIMIT = 3 << 30
"""Bytes of address space; a header that asks for more is hostile."""
FLUSH_SECONDS = 0.05
"""The answers of a batch go out together, but the starter hears often enough to tell on which file the child hangs."""


def main() -> None:
    """Answer requests until standard input ends."""
    serve(lambda task: partial(_answer, TASKS[task]), MEMORY_LIMIT)


def serve(worker: Callable[[str], Callable[[Any], str]], memory_limit: int) -> None:
    """The loop of a child: answer requests ``{"task", "items"}``, a line of JSON for each item.

    Parameters
    ----------
    worker
        What answers the items of a task; it never raises.
    memory_limit
        Bytes of address space.
    """
    limit_memory(memory_limit)
    answers = sys.stdout.buffer
    # A library that prints must not disturb the protocol.
    sys.stdout = sys.stderr
    answers.write(READY)
    answers.flush()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        answer, told = worker(request["task"]), time.monotonic()
        for item in request["items"]:
            answers.write(answer(item).encode("utf-8") + b"\n")
            if time.monotonic() - told > FLUSH_SECONDS:
                answers.flush()
                told = time.monotonic()
        answers.flush()


def _answer(task: Callable[[Any], str], item: Any) -> str:
    try:
        return task(item)
    except UnreadableError as error:
        reason = error.reason
    except MemoryError:
        reason = "it asks for more memory than there is"
    except OSError as error:
        reason = f"cannot be read ({error.strerror or error})"
    except Exception as error:  # noqa: BLE001 - a hostile file can raise anything; it is told, and the next one is read
        reason = f"damaged ({type(error).__name__}: {error})"
    return json.dumps({"reason": reason})


def _headers(item: tuple[str, bool]) -> str:
    path, may_be_mask = item
    headers = read_header(path)
    if may_be_mask and headers[0].modality == PICTURE:
        from XRayAILib.dicom.picture import is_two_valued

        if is_two_valued(Path(path)):
            return json.dumps({"mask": True})
    return f'{{"headers":[{",".join(map(header_to_json, headers))}]}}'


def _members(item: str) -> str:
    from XRayAILib.dicom.zip_archive import contents

    found = contents(Path(item))
    members = [(name, info.file_size) for name, info in found.members.items()]
    return json.dumps({"members": members, "refused": found.refused})


def _referenced(item: str) -> str:
    from XRayAILib.dicom.dicomdir import referenced_files

    return json.dumps({"files": referenced_files(Path(item))})


def _pixel_hash(item: tuple[str, int]) -> str:
    from XRayAILib.dicom.radiograph import read_radiograph

    path, frame = item
    return json.dumps({"hash": read_radiograph(path, frame).pixel_hash()})


TASKS: dict[str, Callable[[Any], str]] = {
    "headers": _headers,
    "members": _members,
    "referenced": _referenced,
    "pixel hash": _pixel_hash,
}

if __name__ == "__main__":
    main()
