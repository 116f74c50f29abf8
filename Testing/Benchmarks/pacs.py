"""Retrieving from one Orthanc by QIDO/WADO, C-GET and C-MOVE, beside DCMTK's getscu and movescu.

    python Testing/Benchmarks/pacs.py [--images 60] [--size 1760x2140] [--runs 5]

Orthanc (Debian packages orthanc, orthanc-dicomweb) and DCMTK (package dcmtk) must be installed. The images are made
here: the header of a real CR that pydicom brings, with 12-bit noise of the size asked for. All ways fetch the same
study from the same server on this machine, in turn within each run; the time is from the command to the last file, for
ours without the start of the interpreter, for DCMTK's with that of the program (some milliseconds). What ours do on
top: list the study first, check each file after writing it, and give it its name only then.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import pydicom

HOME = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOME / "XRayAI"), str(HOME / "Testing" / "Python")]

import orthanc  # noqa: E402 - beside the tests, which share it
from XRayAILib.dicom.archive import open_server  # noqa: E402
from XRayAILib.dicom.retrieval import retrieve  # noqa: E402
from XRayAILib.dicom.servers import Server  # noqa: E402

STUDY = "2.25.2001"


def make_images(count: int, columns: int, rows: int) -> Iterator[bytes]:
    """The study, image by image."""
    tests = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests" / "77654033" / "CR1"
    dataset = pydicom.dcmread(next(tests.iterdir()))
    noise = np.random.default_rng(1).integers(0, 4096, (rows, columns), np.uint16)
    dataset.Rows, dataset.Columns, dataset.PixelData = rows, columns, noise.tobytes()
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, f"{STUDY}.1"
    for number in range(count):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{STUDY}.1.{number}"
        stream = BytesIO()
        dataset.save_as(stream, enforce_file_format=True)
        yield stream.getvalue()


def ours(server: Server) -> Callable[[Path], None]:
    def fetch(folder: Path) -> None:
        with open_server(server) as archive:
            result = retrieve(archive, STUDY, folder)
        if result.error or result.failed:
            raise RuntimeError(result.error or str(result.failed[0]))

    return fetch


def dcmtk(program: str, server: Server, port: int = 0) -> Callable[[Path], None]:
    def fetch(folder: Path) -> None:
        command = [program, "-S", "-aet", server.own_ae, "-aec", server.called_ae, "-k", "QueryRetrieveLevel=STUDY"]
        command += ["-k", f"StudyInstanceUID={STUDY}"]
        command += ["-aem", server.own_ae, "--port", str(port)] if port else []
        command += ["-od", str(folder), server.host, str(server.port)]
        subprocess.run(command, check=True, capture_output=True)

    return fetch


@contextmanager
def filled_server(folder: Path, count: int, columns: int, rows: int) -> Iterator[orthanc.Orthanc]:
    server = orthanc.Orthanc(folder / "orthanc")
    try:
        server.store(make_images(count, columns, rows))
        yield server
    finally:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--size", default="1760x2140")
    parser.add_argument("--runs", type=int, default=5)
    wishes = parser.parse_args()
    columns, rows = map(int, wishes.size.split("x"))
    if orthanc.why_not() or shutil.which("getscu") is None:
        sys.exit(orthanc.why_not() or "DCMTK is not installed (Debian package dcmtk)")
    os.environ["XRAYAI_TEST_WEB_PASSWORD"] = orthanc.PASSWORD
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with filled_server(folder, wishes.images, columns, rows) as server:
            get, move = server.dimse(), server.dimse(move=True)
            ways = {
                "WADO-RS, X-Ray AI": ours(server.web),
                "C-GET, X-Ray AI": ours(get),
                "C-GET, DCMTK getscu": dcmtk("getscu", get),
                "C-MOVE, X-Ray AI": ours(move),
                "C-MOVE, DCMTK movescu": dcmtk("movescu", get, server.move_port),
            }
            seconds: dict[str, list[float]] = {name: [] for name in ways}
            for run in range(wishes.runs + 1):
                for name, fetch in ways.items():
                    target = folder / "target"
                    target.mkdir()
                    begun = time.perf_counter()
                    fetch(target)
                    taken = time.perf_counter() - begun
                    files = [path for path in target.rglob("*") if path.is_file()]
                    if len(files) != wishes.images:
                        raise RuntimeError(f"{name} brought {len(files)} of {wishes.images} images")
                    size = sum(path.stat().st_size for path in files)
                    shutil.rmtree(target)
                    if run:  # the first one warms up
                        seconds[name].append(taken)
    print(f"{wishes.images} images of {columns} x {rows} ({size / wishes.images / 1e6:.1f} MB), {wishes.runs} runs\n")
    print(f"{'':24}{'images/s':>10}{'least':>8}{'most':>8}{'MB/s':>8}")
    for name, times in seconds.items():
        rates = sorted(wishes.images / taken for taken in times)
        median = statistics.median(rates)
        megabytes = median * size / wishes.images / 1e6
        print(f"{name:24}{median:10.1f}{rates[0]:8.1f}{rates[-1]:8.1f}{megabytes:8.1f}")


if __name__ == "__main__":
    main()
