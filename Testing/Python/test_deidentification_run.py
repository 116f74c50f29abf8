"""De-identification of folders: what goes out, what is held back, and what a person finds afterwards."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image, PngImagePlugin

from XRayAILib.dicom.child import library_environment
from XRayAILib.dicom.confidentiality import Options
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.workflow.deidentification.deidentification import Deidentification, DeidentificationRefused, Settings
from XRayAILib.workflow.deidentification.place import CROSSWALK, known_crosswalk, write_private_table
from XRayAILib.workflow.deidentification.run import Outcome, deidentify

PLAIN = Settings(screen=False, processes=1)
NAMES = (b"Featherstone", b"MRN0081726", b"Springfield")


@pytest.fixture(scope="module")
def phantom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_phantoms(tmp_path_factory.mktemp("phantom"), 1, 7, (112, 96))[0].path


@pytest.fixture
def folder(phantom: Path, tmp_path: Path) -> Path:
    """Three studies of one patient and one of another, two images each, in folders with their names."""
    for patient, name in (("MRN0081726", "Featherstone^Ann"), ("MRN0099999", "Oakenshield^Thorin")):
        days = ("20200110", "20200120", "20210110") if name.startswith("F") else ("20190505",)
        for day in days:
            for number in (1, 2):
                dataset = pydicom.dcmread(phantom)
                dataset.PatientID, dataset.PatientName = patient, name
                dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = day
                dataset.StudyInstanceUID = f"1.2.826.0.1.{patient[3:].lstrip('0')}.{day}"
                dataset.SeriesInstanceUID = f"{dataset.StudyInstanceUID}.1"
                dataset.SOPInstanceUID = f"{dataset.StudyInstanceUID}.1.{number}"
                dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
                path = tmp_path / "in" / name / day / f"{patient}-{number}.dcm"
                path.parent.mkdir(parents=True, exist_ok=True)
                dataset.save_as(path)
    return tmp_path / "in"


def images(outcome: Outcome) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(outcome.output.rglob("*.dcm"))]


def everything_in(folder: Path) -> bytes:
    """All bytes below a folder and all names."""
    paths = sorted(folder.rglob("*"))
    data = b"".join(path.read_bytes() for path in paths if path.is_file())
    return data + "\n".join(path.relative_to(folder).as_posix() for path in paths).encode()


def test_a_patient_keeps_intervals_and_links(folder: Path, tmp_path: Path) -> None:
    outcome = deidentify([folder], tmp_path / "out", PLAIN)
    assert (outcome.written, outcome.held, outcome.left_out) == (8, [], [])
    patients: dict[str, dict[str, str]] = {}
    for image in images(outcome):
        patients.setdefault(image.PatientID, {})[image.StudyInstanceUID] = image.StudyDate
    one, other = sorted(patients.values(), key=len, reverse=True)
    assert len(one) == 3 and len(other) == 1
    first, second, third = (pydicom.valuerep.DA(day) for day in sorted(one.values()))
    assert (second - first).days == 10 and (third - first).days == 366
    assert not any(name in everything_in(outcome.output) for name in (*NAMES, b"Oakenshield"))


def test_the_same_key_gives_the_same_in_another_run(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "keys" / "study.key"
    key.parent.mkdir()
    one = deidentify([folder / "Featherstone^Ann" / "20200110"], tmp_path / "one", Settings(key=key, screen=False))
    two = deidentify([folder], tmp_path / "two", Settings(key=key, screen=False))
    names = {path.relative_to(two.output): path.read_bytes() for path in two.output.rglob("*.dcm")}
    for path in one.output.rglob("*.dcm"):
        assert names[path.relative_to(one.output)] == path.read_bytes()


def test_nothing_is_made_twice(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    stopped = deidentify([folder], out, PLAIN, cancelled=lambda: len(list(out.rglob("*.dcm"))) > 2)
    assert stopped.cancelled and 0 < stopped.written < 8 and stopped.report is None
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.dcm")}
    rest = deidentify([folder], out, PLAIN)
    assert rest.before + rest.written + rest.copies == 8 and rest.before >= stopped.written
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    again = deidentify([folder], out, PLAIN)
    assert (again.before, again.written) == (8, 0)
    lost = next(out.rglob("*.dcm"))
    lost.unlink()
    assert deidentify([folder], out, PLAIN).written == 1 and lost.exists()
    with pytest.raises(DeidentificationRefused, match="other options"):
        deidentify([folder], out, Settings(options=Options(keep_patient=True), screen=False))


def test_the_report_says_nothing_of_anybody_and_the_lists_are_private(folder: Path, tmp_path: Path) -> None:
    (folder / "Featherstone.txt").write_text("not an image")
    (folder / "Featherstone").write_text("not DICOM either")
    held = pydicom.dcmread(next(folder.rglob("*.dcm")))
    held.SOPInstanceUID, held.BurnedInAnnotation = "1.2.3.4", "YES"
    held.save_as(folder / "Featherstone-burned.dcm")
    settings = Settings(screen=False, crosswalk=tmp_path / "cross.csv", dicomdir=True)
    outcome = deidentify([folder], tmp_path / "out", settings)
    report = json.loads((tmp_path / "out" / "report.json").read_text("utf-8"))
    assert (report["files"], report["patients"], report["studies"], report["left out"]) == (8, 2, 4, 1)
    assert report["held back"] == {"not verified": 1}
    data = everything_in(tmp_path / "out")
    assert not any(name in data for name in (*NAMES, b"Oakenshield", str(tmp_path).encode()))
    assert outcome.list is not None and outcome.crosswalk is not None
    rows = list(csv.reader(outcome.list.read_text("utf-8").splitlines()))
    assert {(Path(row[0]).name, row[1]) for row in rows[1:]} == {
        *(("Featherstone-burned.dcm", "held back"), ("Featherstone", "left out"))
    }
    table = list(csv.DictReader(outcome.crosswalk.read_text("utf-8").splitlines()))
    assert len(table) == 8
    for row in table:
        written = pydicom.dcmread(tmp_path / "out" / row["output"])
        assert (written.PatientID, written.StudyInstanceUID) == (row["pseudonym"], row["new study"])
        assert written.SOPInstanceUID == row["new instance"]
    more = deidentify([folder], tmp_path / "out2", settings)  # with another key: a second row for each
    assert more.crosswalk is not None and len(more.crosswalk.read_text("utf-8").splitlines()) == 17
    if os.name == "posix":
        private = [outcome.list.parent, outcome.crosswalk, *outcome.list.parent.glob("*.key"), outcome.list]
        assert not [path for path in private if path.stat().st_mode & 0o077]


def test_a_new_dicomdir_leads_to_all_and_tells_nothing(folder: Path, tmp_path: Path) -> None:
    from pydicom.fileset import FileSet

    shutil.copy(Path(pydicom.__file__).parent / "data/test_files/dicomdirtests/DICOMDIR", folder / "DICOMDIR")
    outcome = deidentify([folder], tmp_path / "out", Settings(screen=False, dicomdir=True))
    written = [path for path in outcome.output.rglob("*") if path.name == "DICOMDIR"]
    assert written == [outcome.output / "fileset" / "DICOMDIR"]
    directory = FileSet(written[0])
    assert len(directory) == 8
    assert {instance.PatientID for instance in directory} == {image.PatientID for image in images(outcome)}
    assert not any(name in written[0].read_bytes() for name in (*NAMES, b"Oakenshield", b"77654033", b"Doe"))


def test_archives_duplicates_and_damaged_files(folder: Path, phantom: Path, tmp_path: Path) -> None:
    source = next(folder.rglob("*.dcm"))
    shutil.copy(source, folder / "copy.dcm")
    (folder / "cut.dcm").write_bytes(source.read_bytes()[:3000])
    (folder / "empty.dcm").write_bytes(b"")
    changed = pydicom.dcmread(source)
    changed.Manufacturer = "Another"
    changed.save_as(folder / "zz-same-uid.dcm")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.write(phantom, "inside/phantom.dcm")
        archive.writestr("../../evil.dcm", b"x")
    outcome = deidentify([folder], tmp_path / "out", PLAIN)
    assert (outcome.written, outcome.copies) == (9, 1)
    assert [(held.path.name, "same SOP Instance UID" in held.reason) for held in outcome.held] == [
        ("zz-same-uid.dcm", True)
    ] or [held.path.name for held in outcome.held] == [source.name]
    reasons = {Path(path).name: reason for path, reason in outcome.left_out}
    assert set(reasons) == {"cut.dcm", "empty.dcm", "evil.dcm"} and all(reasons.values())


def test_pictures_lose_everything_but_their_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (40, 30), np.uint8)
    secret = PngImagePlugin.PngInfo()
    secret.add_text("Patient", "Featherstone")
    (tmp_path / "in").mkdir()
    exif = Image.Exif()
    exif[0x010E] = "Featherstone"
    Image.fromarray(pixels).save(tmp_path / "in" / "Featherstone.png", pnginfo=secret)
    Image.fromarray(pixels).save(tmp_path / "in" / "Featherstone.jpg", exif=exif, comment=b"Featherstone")
    Image.fromarray(pixels.astype(np.uint16) * 100).save(tmp_path / "in" / "deep.tif", description="Featherstone")
    before = {path.name: np.asarray(Image.open(path)) for path in (tmp_path / "in").iterdir()}
    without = deidentify([tmp_path / "in"], tmp_path / "none", PLAIN)
    assert without.written == 0 and len(without.left_out) == 3
    outcome = deidentify([tmp_path / "in"], tmp_path / "out", Settings(screen=False, pictures=True))
    assert outcome.written == 3, outcome.left_out
    assert b"Featherstone" not in everything_in(outcome.output)
    written = [np.asarray(Image.open(path)) for path in outcome.output.rglob("*.png")]
    for array in before.values():
        assert any(np.array_equal(array, other) for other in written)


def test_places_that_would_let_something_out_are_refused(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / "mine.csv").write_text("a,b\n1,2\n")
    for sources, output, settings, reason in (
        ([folder], folder / "out", PLAIN, "within each other"),
        ([folder], tmp_path, PLAIN, "within each other"),
        ([folder], out, Settings(key=out / "a.key", screen=False), "key .* would go out with it"),
        ([folder], out, Settings(crosswalk=out / "a.csv", screen=False), "crosswalk .* would go out with it"),
        ([folder], out, Settings(crosswalk=tmp_path / "mine.csv", screen=False), "is no crosswalk"),
        ([tmp_path / "nowhere"], out, PLAIN, "no such file"),
    ):
        with pytest.raises(DeidentificationRefused, match=reason):
            deidentify(sources, output, settings)
    assert not out.exists()
    out.mkdir()
    (out / "notes.txt").write_text("somebody's")
    with pytest.raises(DeidentificationRefused, match="not empty"):
        deidentify([folder], out, PLAIN)


def test_two_at_once_do_not_get_in_each_others_way(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    seen = []

    def begin_another() -> bool:
        if not seen:
            with pytest.raises(DeidentificationRefused, match="Another de-identification"):
                deidentify([folder], out, PLAIN)
            seen.append(True)
        return False

    assert deidentify([folder], out, PLAIN, cancelled=begin_another).written == 8
    assert seen


RUN = """
import sys
from pathlib import Path
from XRayAILib.workflow.deidentification.deidentification import Settings
from XRayAILib.workflow.deidentification.run import deidentify
def tell(state):
    print(state.done, flush=True)
deidentify([Path(sys.argv[1])], Path(sys.argv[2]), Settings(screen=False, processes=1), tell)
"""


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
def test_a_killed_run_leaves_whole_files_and_is_gone_on_with(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, str(folder), str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=library_environment()) as program:
        assert program.stdout is not None
        program.stdout.readline()
        program.send_signal(signal.SIGKILL)
    for path in (tmp_path / "out").rglob("*.dcm"):
        assert pydicom.dcmread(path).PatientIdentityRemoved == "YES"
    notes = tmp_path / "out.private" / "progress.jsonl"
    lines = notes.read_text().splitlines()
    notes.write_text("\n".join(lines[:-1]) + "\n")  # killed between the file and its note
    outcome = deidentify([folder], tmp_path / "out", PLAIN)
    assert (outcome.before + outcome.written, outcome.copies) == (8, 0) and len(images(outcome)) == 8
    assert not list((tmp_path / "out").rglob("*.part"))


@pytest.mark.skipif(os.name != "posix", reason="limits of a process are POSIX")
def test_a_full_disk_ends_it_with_the_reason(folder: Path, tmp_path: Path) -> None:
    # A process that may write no file larger than this stands for a disk without room.
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n" + RUN
    command = [sys.executable, "-c", limited, str(folder), str(tmp_path / "out")]
    told = subprocess.run(command, capture_output=True, text=True, env=library_environment(), check=False)
    assert told.returncode != 0 and "the output cannot be written" in told.stderr
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == []
    assert deidentify([folder], tmp_path / "out", PLAIN).written == 8


def test_as_a_job_of_a_project(folder: Path, tmp_path: Path) -> None:
    from XRayAILib.project.intake import take_in
    from XRayAILib.project.project import Project

    with Project.open_or_create(tmp_path / "project") as project:
        take_in(project, [folder])
        deidentification = Deidentification()
        deidentification.start(project.folder, [project.folder], tmp_path / "out", screen=False)
        assert deidentification.work.job is not None
        assert deidentification.work.job.wait(60) == "done", deidentification.work.error
    assert deidentification.held == [] and deidentification.output == tmp_path / "out"
    assert deidentification.outcome().startswith("8 files de-identified")


def test_on_the_command_line(folder: Path, tmp_path: Path) -> None:
    def xrayai(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "XRayAILib.apps.cli", "deidentify", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=library_environment(), check=False)

    (folder / "notes").write_text("x")
    told = xrayai(str(folder), str(tmp_path / "out"), "--no-text", "--keep", "patient", "--dates", "remove")
    assert told.returncode == 0, told.stderr
    assert "8 files" in told.stdout and "left out" in told.stdout and "held-back.csv" in told.stdout
    named = pydicom.dcmread(next(folder.rglob("*.dcm")))
    named.SOPInstanceUID, named.BodyPartExamined = "1.2.3.4", str(named.PatientName).partition("^")[0].upper()
    named.save_as(folder / "named.dcm")
    told = xrayai(str(folder), str(tmp_path / "out3"), "--no-text", "--dicomdir")
    assert told.returncode == 3 and "is still in BodyPartExamined" in told.stdout and "--remove KEYWORD" in told.stdout
    assert f"DICOMDIR: {tmp_path / 'out3' / 'fileset' / 'DICOMDIR'}" in told.stdout
    assert xrayai(str(folder), str(tmp_path / "out4"), "--no-text", "--remove", "BodyPartExamined").returncode == 0
    wrong = xrayai(str(folder), str(tmp_path / "out2"), "--keep", "everything")
    assert wrong.returncode == 1 and "--keep takes uids, device, institution, patient" in wrong.stderr
    assert not (tmp_path / "out2").exists()


def test_a_name_like_a_formula_is_none_in_the_crosswalk_however_often_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "crosswalk.csv"
    row = ["=HYPERLINK(1)", "+a", "-12", "@b", "'=c", *["plain"] * (len(CROSSWALK) - 5)]
    for _ in range(3):
        write_private_table(path, [CROSSWALK, *(known_crosswalk(path) or [row])])
        assert path.read_text("utf-8").splitlines()[1].startswith("'=HYPERLINK(1),'+a,-12,'@b,''=c,plain")
    assert known_crosswalk(path) == [row]
