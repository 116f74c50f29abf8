"""The child of :mod:`XRayAILib.dicom.decoding`: reads requests from standard input, answers on standard output."""

from __future__ import annotations

import json
import sys
from pathlib import Path

MEMORY_LIMIT = 8 << 30
"""Bytes of address space; a stream that asks for more is hostile."""


def main() -> None:
    """Answer requests ``{"path", "frame"}`` until standard input ends."""
    from XRayAILib.dicom.child import limit_memory
    from XRayAILib.dicom.errors import UnreadableError
    from XRayAILib.dicom.file_header import read_dataset, refuse_others
    from XRayAILib.dicom.pixel_data import stored_pixels

    limit_memory(MEMORY_LIMIT)
    answers = sys.stdout.buffer
    # A decoder that prints must not disturb the protocol.
    sys.stdout = sys.stderr
    for line in sys.stdin.buffer:
        request = json.loads(line)
        path = Path(request["path"])
        try:
            dataset = read_dataset(path, pixels=True)
            refuse_others(dataset, path)
            array = stored_pixels(dataset, path, request["frame"])
        except UnreadableError as error:
            answers.write(json.dumps({"reason": error.reason}).encode() + b"\n")
        except (OSError, MemoryError) as error:
            answers.write(json.dumps({"reason": f"cannot be read ({error})"}).encode() + b"\n")
        else:
            head = {"shape": array.shape, "dtype": array.dtype.str, "bytes": array.nbytes}
            answers.write(json.dumps(head).encode() + b"\n")
            answers.write(array.tobytes())
        answers.flush()


if __name__ == "__main__":
    main()
