"""From a file to what is shown, against the fastest decoder alone that a project like this may use.

::

    XRAYAI_TEST_DATA=<folder> python Testing/Benchmarks/decoding.py [runs]

The same 1760 x 2140 CR of ten bits in every coding. "Decoder alone" is one call on the codestream in memory, in this
process; "ours" is read_radiograph(path).display(): file, header, decoding in the child process, P-values as float32.
They take turns, run by run, so that what else the machine does meets all. The pixels are compared too.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

FORMS = {
    "RLE": "RLE",
    "JPLL": "JPEG lossless",
    "JPLY": "JPEG 12 bits",
    "JLSL": "JPEG-LS lossless",
    "JLSN": "JPEG-LS near-lossless",
    "J2KR": "JPEG 2000 lossless",
    "J2KI": "JPEG 2000 lossy",
}
LIMIT_RATIO, LIMIT_MILLISECONDS = 1.3, 20.0


def decoders(form: str, shape: tuple[int, int]) -> dict[str, Callable[[bytes], np.ndarray]]:
    """What may decode a coding: permissive licences, and no process that a damaged file can end."""
    import imagecodecs
    import jpeg_ls
    import openjpeg
    from rle.rle import decode_frame

    def planes(data: bytes) -> np.ndarray:
        return np.frombuffer(decode_frame(data, shape[0] * shape[1], 16, "<"), "<u2").reshape(shape)

    threads = min(os.cpu_count() or 1, 4)
    if form == "RLE":
        return {"pylibjpeg-rle": planes}
    if form.startswith("JP"):
        return {"imagecodecs": imagecodecs.jpeg_decode}
    if form.startswith("JLS"):
        return {
            "imagecodecs": imagecodecs.jpegls_decode,
            "pyjpegls": lambda data: jpeg_ls.decode(np.frombuffer(data, np.uint8)),
        }
    return {
        f"imagecodecs, {threads} threads": lambda data: imagecodecs.jpeg2k_decode(data, numthreads=threads),
        "imagecodecs": imagecodecs.jpeg2k_decode,
        "pylibjpeg-openjpeg": openjpeg.decode,
    }


def measure(calls: dict[str, Callable[[], object]], runs: int) -> dict[str, list[float]]:
    """Milliseconds of each call, run by run in turn, after one that does not count."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for run in range(runs + 1):
        for name, call in calls.items():
            begun = time.perf_counter()
            call()
            if run:
                times[name].append((time.perf_counter() - begun) * 1000)
    return times


def spread(values: list[float]) -> str:
    low, high = min(values), np.percentile(values, 75)
    return f"{statistics.median(values):7.1f} ({low:.0f}-{high:.0f})"


def main(runs: int) -> int:
    from pydicom import dcmread
    from pydicom.encaps import get_frame
    from pydicom.uid import ExplicitVRLittleEndian

    from XRayAILib.dicom.radiograph import read_radiograph

    folder = Path(os.environ["XRAYAI_TEST_DATA"]) / "dicom"
    reference = read_radiograph(folder / "RG2_RLE.dcm").stored
    print(
        f"{reference.shape[1]} x {reference.shape[0]}, {runs} runs each, milliseconds: median (best, upper quartile)\n"
    )
    print(
        f"{'coding':22} {'fastest decoder alone':36} {'ours, to P-values':>20} {'ratio':>6} {'on top':>7}  same pixels"
    )
    failed = []
    with tempfile.TemporaryDirectory() as temporary:
        plain = Path(temporary, "plain.dcm")
        data = dcmread(folder / "RG2_RLE.dcm")
        data.decompress()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.save_as(plain)
        offset = dcmread(plain)["PixelData"].file_tell

        def bytes_alone() -> np.ndarray:
            return np.frombuffer(plain.read_bytes(), "<u2", reference.size, offset).reshape(reference.shape)

        cases: list[tuple[str, Path, dict[str, Callable[[], np.ndarray]]]] = [
            ("uncompressed", plain, {"read_bytes": bytes_alone})
        ]
        for form, name in FORMS.items():
            path = folder / f"RG2_{form}.dcm"
            frame = get_frame(dcmread(path).PixelData, 0, number_of_frames=1)
            peers = decoders(form, reference.shape)
            cases.append((name, path, {peer: (lambda f=call, d=frame: f(d)) for peer, call in peers.items()}))
        for name, path, peers in cases:
            times = measure({**peers, "ours": lambda p=path: read_radiograph(p).display()}, runs)
            fastest = min(peers, key=lambda peer: statistics.median(times[peer]))
            alone, ours = statistics.median(times[fastest]), statistics.median(times["ours"])
            # Turn by turn: what slowed one of a pair slowed the other.
            pairs = list(zip(times[fastest], times["ours"], strict=True))
            ratio, more = statistics.median(o / a for a, o in pairs), statistics.median(o - a for a, o in pairs)
            same = bool(np.array_equal(read_radiograph(path).stored, peers[fastest]()))
            short = f"{fastest} {spread(times[fastest])}"
            print(f"{name:22} {short:36} {spread(times['ours']):>20} {ratio:6.2f} {more:7.1f}  {same}")
            by_time = name in ("uncompressed", "RLE")
            within = ours - alone <= LIMIT_MILLISECONDS if by_time else ours / alone <= LIMIT_RATIO
            if not (within and same):
                failed.append(name)
    print(f"\nAsked for: at most {LIMIT_RATIO} x the decoder; for uncompressed and RLE at most", end=" ")
    print(f"{LIMIT_MILLISECONDS:.0f} ms on top.")
    print(f"Not reached: {', '.join(failed)}" if failed else "Reached by all.")
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
