"""De-identification side by side with pydicom/deid and dicognito: files per second, and what survives of a canary file.

    python Testing/Benchmarks/deidentification.py [--files 200] [--runs 3]

The files are copies of the radiographs in the folder XRAYAI_TEST_DATA/dicom (without it, of the three CRs that pydicom
brings), each with patient, study and UIDs of its own; the same files for everybody, in the same run. A line "1 process"
is the library called in this process, as the others are; the lines "command" are the whole command with its children,
its lists and its report. Ours always includes its verification, which no other has.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
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

    out.mkdir(exist_ok=True)
    # As its documentation has it: the identifiers are found first, then replaced by its default recipe.
    for path in files:
        ids = get_identifiers([str(path)])
        replace_identifiers(
            [str(path)], ids=ids, save=True, output_folder=str(out), overwrite=True, remove_private=True
        )


def dicognito(files: list[Path], out: Path) -> None:
    import pydicom
    from dicognito.anonymizer import Anonymizer

    anonymizer = Anonymizer(seed="0123456789abcdef")
    out.mkdir(exist_ok=True)
    for path in files:
        with pydicom.dcmread(path) as dataset:
            anonymizer.anonymize(dataset)
            dataset.save_as(out / path.name)


def command(processes: int) -> Tool:
    def run(files: list[Path], out: Path) -> None:
        from XRayAILib.workflow.deidentification.deidentification import Settings
        from XRayAILib.workflow.deidentification.run import deidentify

        outcome = deidentify([files[0].parent], out / "out", Settings(screen=False, processes=processes))
        if outcome.written < len(files):
            raise SystemExit(f"{outcome.written} of {len(files)} files: {outcome.held[:2]} {outcome.left_out[:2]}")

    return run


OURS, DEID, DICOGNITO = "X-Ray AI, 1 process", "pydicom/deid", "dicognito"
TOOLS: dict[str, Tool] = {
    OURS: ours,
    "X-Ray AI, command, 1": command(1),
    "X-Ray AI, command, 2": command(2),
    DEID: pydicom_deid,
    DICOGNITO: dicognito,
}


def seconds(tool: Tool, files: list[Path]) -> tuple[float, float]:
    """By the clock, and of this process on a processor, which is the same on a busy machine."""
    with tempfile.TemporaryDirectory() as folder, quiet():
        if hasattr(os, "sync"):
            os.sync()  # what the one before has written is not to slow this one down
        begun, used = time.perf_counter(), time.process_time()
        tool(files, Path(folder))
        return time.perf_counter() - begun, time.process_time() - used


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing on the terminal: deid writes a line per file, past Python's own streams."""
    sys.stdout.flush()
    kept = [os.dup(1), os.dup(2)]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in (1, 2):
            os.dup2(nowhere, number)
        yield
    finally:
        sys.stdout.flush()
        for number, old in enumerate(kept, 1):
            os.dup2(old, number)
            os.close(old)
        os.close(nowhere)


def survivors() -> None:
    """What each tool leaves of a file with a value in every attribute of the table, at the top and in sequences."""
    import canary
    from XRayAILib.dicom.confidentiality import Options
    from XRayAILib.dicom.deidentified_file import deidentify_file
    from XRayAILib.dicom.deidentify import Deidentifier
    from XRayAILib.dicom.pseudonyms import Pseudonyms

    def basic(files: list[Path], out: Path) -> None:
        deidentify_file(files[0], out, Deidentifier(Pseudonyms(b"0123456789abcdef"), Options(dates="remove")))

    print(f"Values of the {len(canary.rows())} attributes, in three places each, that survive:")
    for name, tool in (("X-Ray AI", basic), (DEID, pydicom_deid), (DICOGNITO, dicognito)):
        with tempfile.TemporaryDirectory() as folder:
            path = canary.write(Path(folder) / "canary.dcm")
            try:
                with quiet():
                    tool([path], Path(folder, "out"))
                (made,) = Path(folder, "out").rglob("*.dcm")
                print(f"{name:<24}{len(canary.survivors(made)):6d}")
            except Exception as error:  # noqa: BLE001 - what another tool makes of this file is the finding
                print(f"{name:<24}  fails: {type(error).__name__}: {str(error)[:70]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        files = copies(Path(folder), chosen.files)
        size = sum(path.stat().st_size for path in files) / len(files)
        print(f"{len(files)} files of {size / 1e6:.2f} MB on average, {os.cpu_count()} processors, {chosen.runs} runs")
        for name in (OURS, DEID, DICOGNITO):
            seconds(TOOLS[name], files[:4])  # imports and caches
        times: dict[str, list[float]] = {name: [] for name in TOOLS}
        processor: dict[str, list[float]] = {name: [] for name in TOOLS}
        for _ in range(chosen.runs):
            for name, tool in TOOLS.items():
                clock, used = seconds(tool, files)
                times[name].append(clock)
                processor[name].append(used)
        median = {name: statistics.median(measured) for name, measured in times.items()}
        for name, measured in times.items():
            rates = sorted(len(files) / one for one in measured)
            line = f"{name:<24}{len(files) / median[name]:8.1f} files/s ({rates[0]:.1f} to {rates[-1]:.1f})"
            if name.startswith("X-Ray AI"):
                line += "".join(f", {median[peer] / median[name]:5.1f} x {peer}" for peer in (DEID, DICOGNITO))
            if name in (OURS, DEID, DICOGNITO):
                line += f", processor {1000 * statistics.median(processor[name]) / len(files):.2f} ms a file"
            print(line)
    survivors()


if __name__ == "__main__":
    main()
