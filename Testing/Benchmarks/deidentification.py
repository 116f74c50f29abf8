"""De-identification side by side with pydicom/deid and dicognito: files per second, and what survives of the canary file.

    python Testing/Benchmarks/deidentification.py [--files 400] [--runs 3]

The files are copies of the radiographs in the folder XRAYAI_TEST_DATA/dicom (without it, of the three CRs that pydicom
brings), each with patient, study and UIDs of its own. The same files for everybody, in one process each, in the same run; ours is also measured with
two processes and started as the command is. Ours includes its verification, which no other has.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import shutil
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOME / "XRayAI"), str(HOME / "Testing" / "Python")]

Tool = Callable[[list[Path], Path], None]


def originals() -> list[Path]:
    import pydicom

    data = os.environ.get("XRAYAI_TEST_DATA")
    if data:
        return sorted(path for path in Path(data, "dicom").rglob("*.dcm") if "seg_image" not in path.name)
    folder = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests" / "77654033"
    return [next((folder / name).iterdir()) for name in ("CR1", "CR2", "CR3")]


def copies(folder: Path, count: int) -> list[Path]:
    """``count`` files of different patients, four images to a study."""
    import pydicom

    sources = [pydicom.dcmread(path) for path in originals()]
    files = []
    for number in range(count):
        dataset = sources[number % len(sources)]
        dataset.PatientID, dataset.PatientName = f"MRN{number // 8:07d}", f"Surname{number // 8:05d}^Given"
        dataset.StudyInstanceUID = f"1.2.826.0.1.{number // 4 + 1}"
        dataset.SeriesInstanceUID = f"{dataset.StudyInstanceUID}.1"
        dataset.SOPInstanceUID = f"{dataset.SeriesInstanceUID}.{number + 1}"
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        files.append(folder / f"{number:06d}.dcm")
        dataset.save_as(files[-1])
    return files


def ours(files: list[Path], out: Path) -> None:
    from XRayAILib.dicom.confidentiality import Options
    from XRayAILib.dicom.deidentified_file import deidentify_file
    from XRayAILib.dicom.deidentify import Deidentifier
    from XRayAILib.dicom.pseudonyms import Pseudonyms

    deidentifier = Deidentifier(Pseudonyms(b"0123456789abcdef"), Options())
    for path in files:
        deidentify_file(path, out, deidentifier)


def pydicom_deid(files: list[Path], out: Path) -> None:
    from deid.dicom import get_identifiers, replace_identifiers

    # As its documentation has it: the identifiers are found first, then replaced by its default recipe.
    for path in files:
        ids = get_identifiers([str(path)])
        replace_identifiers([str(path)], ids=ids, save=True, output_folder=str(out), overwrite=True, remove_private=True)


def dicognito(files: list[Path], out: Path) -> None:
    import pydicom
    from dicognito.anonymizer import Anonymizer

    anonymizer = Anonymizer(seed="0123456789abcdef")
    for path in files:
        with pydicom.dcmread(path) as dataset:
            anonymizer.anonymize(dataset)
            dataset.save_as(out / path.name)


TOOLS: dict[str, Tool] = {"X-Ray AI": ours, "pydicom/deid": pydicom_deid, "dicognito": dicognito}


def seconds(tool: Tool, files: list[Path]) -> float:
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        begun = time.perf_counter()
        tool(files, Path(folder))
        return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        files = copies(Path(folder), chosen.files)
        size = sum(path.stat().st_size for path in files) / len(files)
        print(f"{len(files)} files of {size / 1e6:.2f} MB on average, {os.cpu_count()} processors")
        for tool in TOOLS.values():
            seconds(tool, files[:4])  # imports and caches
        times: dict[str, list[float]] = {name: [] for name in TOOLS}
        for _ in range(chosen.runs):
            for name, tool in TOOLS.items():
                times[name].append(seconds(tool, files))
        base = statistics.median(times["X-Ray AI"])
        for name, measured in times.items():
            rates = sorted(len(files) / one for one in measured)
            median = statistics.median(measured)
            print(f"{name:<16}{len(files) / median:8.1f} files/s ({rates[0]:.1f} to {rates[-1]:.1f}), {median / base:5.1f} x our time")


if __name__ == "__main__":
    main()
