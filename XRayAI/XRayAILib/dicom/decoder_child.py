"""The child of :mod:`XRayAILib.dicom.decoding`: reads requests from standard input, answers on standard output."""

from __future__ import annotations

import json
import sys
from pathlib import Path

MEMORY_LIMIT = 8 << 30
"""Bytes of address space; a stream that asks for more is hostile."""


def main() -> None:
    """Answer requests until standard input ends: ``{"path", "offset", "syntax", "options", "frame", "shared"}``."""
    from XRayAILib.dicom.child import limit_memory
    from XRayAILib.dicom.errors import UnreadableError
    from XRayAILib.dicom.pixel_data import decode
    from XRayAILib.dicom.shared_pixels import Outbox, head_of
    from XRayAILib.dicom.source import open_source

    limit_memory(MEMORY_LIMIT)
    answers, outbox = sys.stdout.buffer, Outbox()
    # A decoder that prints must not disturb the protocol.
    sys.stdout = sys.stderr
    for line in sys.stdin.buffer:
        request = json.loads(line)
        head, array = {}, None
        try:
            with open_source(Path(request["path"])) as stream:
                options = request["options"]
                if request["shared"] and options["samples_per_pixel"] == 1 and options["bits_allocated"] in (8, 16):
                    # Decoded to where the other process reads it, which spares a copy.
                    shape = options["rows"], options["columns"]
                    options["destination"] = outbox.room(shape, f"u{options['bits_allocated'] // 8}")
                array = decode(stream, request["offset"], request["syntax"], options, request["frame"])
            head = (outbox.put(array) if request["shared"] else None) or head_of(array)
        except UnreadableError as error:
            head = {"reason": error.reason}
        except MemoryError:
            head = {"reason": "it asks for more memory than there is"}
        except (OSError, ValueError) as error:
            head = {"reason": f"its pixels cannot be decoded ({error})"}
        answers.write(json.dumps(head).encode() + b"\n")
        if array is not None and "bytes" in head and "memory" not in head:
            answers.write(array.reshape(-1).view("u1").data)
        answers.flush()


if __name__ == "__main__":
    main()
