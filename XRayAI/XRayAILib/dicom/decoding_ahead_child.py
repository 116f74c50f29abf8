"""The child of :mod:`XRayAILib.dicom.decoding_ahead`: decodes what standard input asks for into files."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

MEMORY_LIMIT = 8 << 30
"""Bytes of address space; a stream that asks for more is hostile."""


def main() -> None:
    """Answer requests until standard input ends: ``{"path", "frame", "place"}``."""
    from XRayAILib.dicom.child import limit_memory

    limit_memory(MEMORY_LIMIT)
    sys.stdout = sys.stderr  # a decoder that prints must not disturb whoever started this
    folder = None
    for line in sys.stdin.buffer:
        request = json.loads(line)
        place = Path(request["place"])
        folder = place.parent
        try:
            _decode(Path(request["path"]), request["frame"], place)
        except (OSError, ValueError, MemoryError) as error:
            place.with_suffix(".failed").write_text(str(error), "utf-8")
    if folder is not None:
        # Whoever asked is gone, and may have had no time to clear up.
        shutil.rmtree(folder, ignore_errors=True)


def _decode(path: Path, frame: int, place: Path) -> None:
    import numpy as np

    from XRayAILib.dicom.file_header import parsed, reading
    from XRayAILib.dicom.pixel_data import decode
    from XRayAILib.dicom.pixel_element import decoder_options, find_pixels, transfer_syntax

    with reading(path) as stream:
        dataset: Any = parsed(stream, pixels=False)
        element = find_pixels(stream, dataset)
        options = decoder_options(dataset, element)
        array = decode(stream, element.offset, transfer_syntax(dataset), options, frame)
    part = place.with_suffix(".part")
    with part.open("wb") as stream:
        np.save(stream, array, allow_pickle=False)
    part.replace(place)


if __name__ == "__main__":
    main()
