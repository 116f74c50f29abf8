"""Scanning a folder of DICOM files, beside a pydicom loop over the headers and Orthanc's REST upload.

    python Testing/Benchmarks/scan.py [--files 2000] [--runs 5] [--uploads 200] [--pixels full|small] [--folder FOLDER]

The files are made here: the header of a real CR that pydicom brings, with UIDs and patient of their own, four images a
series; ``full`` has 880 x 1056 pixels (1.86 MB), ``small`` 64 x 64, so that 100,000 files fit on a disk. All are read
from the cache. Peers run in turn within each run, in processes of their own; the start of the interpreter and its
imports are not counted, the start of our reading processes is. The targets: 1.4 x the pydicom loop on 2 cores, 15 x
Orthanc, 15,000 files/s where nothing changed, and a process tree below 600 MB.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
from tree_memory import tree_memory

HOME = Path(__file__).resolve().parents[2]

SCAN = """
import json, sys, time
from pathlib import Path
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
with Project.open_or_create(Path(sys.argv[2])) as project:
    begun, used = time.perf_counter(), time.process_time()
    intake = take_in(project, [Path(sys.argv[1])])
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    print(json.dumps({"seconds": seconds, "cpu": cpu, "files": intake.added + intake.unchanged, "in": project.count()}))
"""
LOOP = """
import json, os, sys, time, warnings
import pydicom
from XRayAILib.dicom.plain_header import ELEMENTS
warnings.simplefilter("ignore")
begun, files = time.perf_counter(), 0
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        dataset = pydicom.dcmread(os.path.join(folder, name), stop_before_pixels=True)
        values = [dataset.get(keyword) for keyword in ELEMENTS]
        files += 1
print(json.dumps({"seconds": time.perf_counter() - begun, "files": files}))
"""


def make_files(folder: Path, count: int, small: bool) -> int:
    """Write ``count`` radiographs; gives the bytes of one."""
    import pydicom

    samples = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests" / "77654033"
    dataset = pydicom.dcmread(next((samples / "CR1").iterdir()))
    dataset.Rows, dataset.Columns = (64, 64) if small else (880, 1056)
    length = dataset.Rows * dataset.Columns * 2
    dataset.PixelData = (dataset.PixelData * (length // len(dataset.PixelData) + 1))[:length]
    marks = {"SOPInstanceUID": "8", "SeriesInstanceUID": "7", "StudyInstanceUID": "6"}
    for keyword, digit in marks.items():
        setattr(dataset, keyword, f"1.2.826.0.1.3680043.9.7433.{digit * 12}")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.PatientID = "5" * 12
    buffer = BytesIO()
    dataset.save_as(buffer)
    template = buffer.getvalue()
    free = shutil.disk_usage(folder).free
    if count * len(template) > free * 0.8:
        needed = f"{count * len(template) / 2**30:.1f} GB"
        raise SystemExit(f"{folder}: {count} files take {needed}; {free / 2**30:.1f} GB are free. Use --pixels small.")
    for number in range(count):
        data = template
        for digit, value in (("8", number), ("7", number // 4), ("6", number // 8), ("5", number // 8)):
            data = data.replace(digit.encode() * 12, str(10**11 + value).encode())
        place = folder / f"{number // 4000:03}" / f"P{number // 8:06}" / f"S{number // 4:06}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"IM{number:06}").write_bytes(data)
    return len(template)


def run(code: str, *arguments: Path) -> dict[str, Any]:
    """Run a program; its result, and the most memory that it and its children held, in MB of RSS."""
    environment = {**os.environ, "PYTHONPATH": str(HOME / "XRayAI"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    peak = 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as program:
        tree = psutil.Process(program.pid)
        while program.poll() is None:
            peak = max(peak, tree_memory(tree))
            time.sleep(0.1)
        output = program.stdout.read() if program.stdout else ""
    if program.returncode:
        raise SystemExit("A program of the benchmark failed.")
    return {**json.loads(output), "peak": peak / 2**20}


class Orthanc:
    """A real Orthanc with an empty storage, for as long as the ``with`` lasts."""

    def __init__(self, folder: Path) -> None:
        self._program = shutil.which("Orthanc")
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def __enter__(self) -> Orthanc:
        if self._program is None:
            raise SystemExit("Orthanc is not installed (Debian package orthanc); --uploads 0 leaves it out.")
        self._folder.mkdir()
        settings = {
            "StorageDirectory": str(self._folder),
            "IndexDirectory": str(self._folder),
            "HttpPort": self.port,
            "DicomServerEnabled": False,
            "AuthenticationEnabled": False,
        }
        path = self._folder / "orthanc.json"
        path.write_text(json.dumps(settings), "utf-8")
        self._process = subprocess.Popen(
            [self._program, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port)
                connection.request("GET", "/system")
                connection.getresponse().read()
                return self
            except OSError:
                time.sleep(0.1)
        raise SystemExit("Orthanc did not start within a minute.")

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def upload(self, files: list[Path]) -> float:
        """Files a second."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        begun = time.perf_counter()
        for file in files:
            connection.request("POST", "/instances", file.read_bytes())
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise SystemExit(f"Orthanc refused {file}: {answer.status} {answer.reason}")
        return len(files) / (time.perf_counter() - begun)


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):10,.1f}   {min(values):10,.1f} .. {max(values):,.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--pixels", choices=("full", "small"), default="full")
    parser.add_argument("--folder", type=Path, help="Where to write the files; a temporary folder without it.")
    chosen = parser.parse_args()
    rows: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(dir=chosen.folder) as name:
        folder = Path(name)
        (folder / "files").mkdir()
        size = make_files(folder / "files", chosen.files, chosen.pixels == "small")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        total = f"{chosen.files:,} files of {size / 2**10:,.0f} KB"
        print(f"{total}, {cores} cores, load {os.getloadavg()[0]:.1f}, {chosen.runs} runs\n")
        subset = sorted(path for path in (folder / "files").rglob("IM*"))[: chosen.uploads]
        for number in range(chosen.runs):
            project = folder / f"project{number}"
            loop = run(LOOP, folder / "files")
            scan = run(SCAN, folder / "files", project)
            again = run(SCAN, folder / "files", project)
            assert scan["in"] == again["files"] == loop["files"] == chosen.files
            rates = {what: chosen.files / seen["seconds"] for what, seen in (("l", loop), ("s", scan), ("a", again))}
            found = {
                "pydicom header loop, files/s": rates["l"],
                "our scan, files/s": rates["s"],
                "our scan : pydicom loop": rates["s"] / rates["l"],
                "nothing changed, files/s": rates["a"],
                "... per second of CPU time": chosen.files / again["cpu"],
                "peak RSS of a scan, MB": scan["peak"],
                "peak RSS, nothing changed, MB": again["peak"],
            }
            if chosen.uploads:
                with Orthanc(folder / f"orthanc{number}") as orthanc:
                    found["Orthanc REST upload, files/s"] = orthanc.upload(subset)
                found["our scan : Orthanc"] = rates["s"] / found["Orthanc REST upload, files/s"]
            for what, value in found.items():
                rows.setdefault(what, []).append(value)
            shutil.rmtree(project)
    print(f"{'':32} {'median':>10}   {'least':>10} .. most")
    for what, values in rows.items():
        print(f"{what:32} {spread(values)}")


if __name__ == "__main__":
    main()
