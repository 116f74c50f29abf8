"""Damages real files in a thousand seeded ways and reads them; run by test_fuzz in a process of its own.

Standard output gets one JSON document: how many cases there were, how they ended, and the memory that it took.
"""

import json
import resource
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom import dcmread

from XRayAILib.dicom import decoding
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.radiograph import read_header, read_radiograph

TIME_LIMIT = 10.0
LENGTHS = (0, 1, 7, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)


def flip(data: bytearray, rng: np.random.Generator, fields: list[tuple[int, int]]) -> None:
    """Other bytes, in the header or anywhere."""
    end = len(data) if rng.random() < 0.3 else min(len(data), fields[-1][0] + 64)
    for place in rng.integers(128, end, int(rng.integers(1, 20))):
        data[place] = int(rng.integers(256))


def truncate(data: bytearray, rng: np.random.Generator, fields: list[tuple[int, int]]) -> None:
    """An end too early."""
    end = len(data) if rng.random() < 0.7 else min(len(data), fields[-1][0] + 64)
    del data[int(rng.integers(0, end)) :]


def edit_length(data: bytearray, rng: np.random.Generator, fields: list[tuple[int, int]]) -> None:
    """An element that says that it is of another length."""
    place, size = fields[int(rng.integers(len(fields)))]
    length = int(rng.choice(LENGTHS)) if rng.random() < 0.6 else int(rng.integers(2**32))
    data[place : place + size] = (length % 256**size).to_bytes(size, "little")


def cut_out(data: bytearray, rng: np.random.Generator, _fields: list[tuple[int, int]]) -> None:
    """A piece that is missing."""
    place = int(rng.integers(128, len(data)))
    del data[place : place + int(rng.integers(1, 5000))]


WAYS: tuple[Callable[..., None], ...] = (flip, flip, truncate, edit_length, edit_length, cut_out)


def length_fields(path: Path) -> list[tuple[int, int]]:
    """(offset, bytes) of the length of each element at the top level, in the order of the file."""
    data = dcmread(path)
    explicit = not data.original_encoding[0]
    fields = []
    for element in [*data.file_meta, *data]:
        long = element.VR in ("OB", "OW", "OF", "SQ", "UT", "UN", "UC", "UR") or not explicit
        if element.file_tell:
            fields.append((element.file_tell - (4 if long else 2), 4 if long else 2))
    return sorted(fields)


def outcome(path: Path) -> str:
    """How reading a file ended; anything but pixels or a reason is for the caller to see."""
    try:
        read_header(path)
    except UnreadableError:
        first = "refused by its header"
    else:
        first = ""
    try:
        radiograph = read_radiograph(path)
    except UnreadableError as error:
        return first or ("stopped" if "longer than" in error.reason else "refused by its pixels")
    shown = radiograph.display()
    assert shown.shape == radiograph.shape and np.isfinite(shown).all() and 0 <= shown.min() <= shown.max() <= 1
    return "read"


def main(cases: int, paths: list[Path]) -> None:
    decoding._shared = decoding.ChildDecoder(time_limit=TIME_LIMIT)
    outcomes: Counter[str] = Counter()
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "damaged.dcm")
        known = {path: (path.read_bytes(), length_fields(path)) for path in paths}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for case in range(cases):
            path = paths[case % len(paths)]
            rng = np.random.default_rng(case)
            whole, fields = known[path]
            data = bytearray(whole)
            way = WAYS[int(rng.integers(len(WAYS)))]
            way(data, rng, fields)
            target.write_bytes(data)
            try:
                outcomes[outcome(target)] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what we look for
                wrong.append(f"case {case}, {path.name}, {way.__name__}: {type(error).__name__}: {error}")
    decoding._shared.close()
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"cases": cases, "outcomes": outcomes, "wrong": wrong, "grown": (after - before) / 1024}))


if __name__ == "__main__":
    main(int(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
