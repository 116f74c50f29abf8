"""What a scan finds in archives, on media with a DICOMDIR and beside pictures, and which file is which radiograph."""

import os
import shutil
import zipfile
from pathlib import Path

import pydicom
import pytest

from scan_cases import changed, reasons
from XRayAILib.project.intake import left_out, take_in
from XRayAILib.project.project import Project


def test_archives_are_looked_into(folder: Path, project: Project, real_crs: list[Path]) -> None:
    with zipfile.ZipFile(folder / "cd.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for number, path in enumerate(real_crs):
            archive.write(path, f"patient/{number}/IM0001")
        archive.writestr("patient/notes.txt", "passed over")
        archive.writestr("__MACOSX/._IM0001", "passed over")
        archive.writestr("../../up", "x")
        archive.writestr("letter", "no image")
    before = sorted(folder.rglob("*"))
    intake = take_in(project, [folder])
    assert intake.added == 3 and intake.passed_over == 2
    assert "out of the archive" in reasons(project, intake)["up"] and "DICM" in reasons(project, intake)["letter"]
    image = project.images()[0]
    assert f"cd.zip{os.sep}patient" in image.header.path
    assert project.radiograph(image.uid).stored.shape == image.header.shape
    again = take_in(project, [folder])
    assert again.added == 0 and again.unchanged >= 4, "an archive that is the same is not even opened"
    assert sorted(folder.rglob("*")) == before and not (folder.parent / "up").exists()
    assert take_in(project, [folder / "cd.zip"]).added == 0


def test_an_archive_and_its_contents_beside_it_are_the_same_radiographs(
    folder: Path, project: Project, real_crs: list[Path]
) -> None:
    with zipfile.ZipFile(folder / "cd.zip", "w") as archive:
        archive.write(real_crs[0], "IM0001")
    shutil.copy(real_crs[0], folder / "IM0001")
    intake = take_in(project, [folder])
    assert intake.added == 1 and [Path(path).name for path, _ in intake.duplicates] == ["IM0001"]


def test_a_damaged_archive_is_a_row(folder: Path, project: Project) -> None:
    (folder / "a.zip").write_bytes(b"PK\x03\x04 and no more")
    with zipfile.ZipFile(folder / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(200 << 20))
    shutil.copy(folder / "b.zip", folder / "nameless")
    found = reasons(project, take_in(project, [folder]))
    assert "table of contents is missing" in found["a.zip"] and "bomb" in found["b.zip"]
    assert ".zip" in found["nameless"]


def dicomdir(folder: Path, *names: list[str]) -> Path:
    """A DICOMDIR that names these files."""
    dataset = pydicom.Dataset()
    dataset.DirectoryRecordSequence = []
    for parts in names:
        record = pydicom.Dataset()
        record.DirectoryRecordType, record.ReferencedFileID = "IMAGE", parts
        dataset.DirectoryRecordSequence.append(record)
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = pydicom.uid.MediaStorageDirectoryStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.save_as(folder / "DICOMDIR", enforce_file_format=True)
    return folder / "DICOMDIR"


@pytest.mark.filterwarnings("ignore:.*VR CS")
def test_a_dicomdir_is_a_hint(folder: Path, project: Project, real_crs: list[Path], tmp_path: Path) -> None:
    (folder / "IMAGES").mkdir()
    shutil.copy(real_crs[0], folder / "IMAGES" / "IM1")
    shutil.copy(real_crs[1], folder / "IMAGES" / "IM2.log")  # its ending says that it is no image, the DICOMDIR knows
    shutil.copy(real_crs[2], tmp_path / "secret.dcm")
    (folder / "IMAGES" / "LINK.log").symlink_to(tmp_path / "secret.dcm")
    table = dicomdir(
        folder,
        ["IMAGES", "IM1"],
        ["IMAGES", "IM2.log"],
        ["IMAGES", "IM3"],
        ["..", "secret.dcm"],
        [str(tmp_path / "secret.dcm")],
        ["IMAGES", "LINK.log"],
    )
    intake = take_in(project, [folder])
    assert intake.added == 2
    found = [reason for _, reason in left_out(project, intake)]
    assert sum("not there" in reason for reason in found) == 1 and sum("outside" in reason for reason in found) == 3
    assert not any("secret" in image.header.path for image in project.images())
    again = take_in(project, [folder])
    assert again.unchanged == 1 and len(left_out(project, again)) == len(found)
    with Project.create(tmp_path / "other") as other:
        assert take_in(other, [table]).added == 2, "one that is named stands for the files that it names"


def test_the_dicomdirs_that_pydicom_brings(project: Project, real_crs: list[Path]) -> None:
    table = real_crs[0].parents[2] / "DICOMDIR"
    intake = take_in(project, [table])
    assert intake.added == 3 and all("not a radiograph" in reason for _, reason in intake.unreadable)


def test_two_files_of_one_uid_and_different_content_are_both_taken(
    test_data: Path, project: Project, tmp_path: Path
) -> None:
    for _ in range(2):
        intake = take_in(project, [test_data / "dicom" / name for name in ("Fake_MONOHR1.dcm", "rsna_cxr.dcm")])
        assert project.count() == 2 and not intake.duplicates
    first, second = sorted(project.images(), key=lambda image: image.header.path)
    assert second.uid.startswith(f"{first.uid}~") and second.header.sop_instance_uid == first.uid
    (note,) = [note for note in second.header.notes if "same SOP Instance UID" in note]
    assert "PhotometricInterpretation MONOCHROME2 here, MONOCHROME1 there" in note
    assert (project.radiograph(first.uid).stored == project.radiograph(second.uid).stored).all()
    shutil.copy(test_data / "dicom" / "rsna_cxr.dcm", tmp_path / "copy.dcm")
    again = take_in(project, [tmp_path / "copy.dcm"])
    assert project.count() == 2 and [Path(other).name for _, other in again.duplicates] == ["rsna_cxr.dcm"]


def test_a_namesake_keeps_its_uid_when_the_other_file_is_gone(
    folder: Path, project: Project, real_crs: list[Path]
) -> None:
    shutil.copy(real_crs[0], folder / "a.dcm")
    changed(real_crs[0], folder / "b.dcm", lambda dataset: setattr(dataset, "PatientID", "another"))
    intake = take_in(project, [folder])
    assert intake.added == 2 and "PatientID another here" in intake.namesakes[0][1]
    uid = next(image.uid for image in project.images() if "~" in image.uid)
    (folder / "a.dcm").unlink()
    os.utime(folder / "b.dcm")
    take_in(project, [folder])
    assert next(image for image in project.images() if image.header.path.endswith("b.dcm")).uid == uid
    assert not project.image(uid).excluded


def test_the_same_pixels_under_other_uids_are_found_later(test_data: Path, project: Project) -> None:
    names = ["RG2_RLE.dcm", "RG2_JPLL.dcm", "RG3_RLE.dcm", "RG2_JPLY.dcm"]
    take_in(project, [test_data / "dicom" / name for name in names])
    assert project.duplicates.pending() == 4 and not project.duplicates.groups()
    asked = iter([True])
    stopped = project.duplicates.read_pixels(cancelled=lambda: next(asked))
    assert stopped.cancelled and stopped.read == 1 and project.duplicates.pending() == 3
    rest = project.duplicates.read_pixels()
    assert (rest.read, rest.failed, project.duplicates.pending()) == (3, [], 0)
    (group,) = project.duplicates.groups()
    assert {Path(image.header.path).name for image in group} == {"RG2_RLE.dcm", "RG2_JPLL.dcm"}


def test_masks_below_a_scanned_folder_are_left_out(test_data: Path, project: Project) -> None:
    intake = take_in(project, [test_data / "chest-segmentation"])
    assert intake.added == 60 and len(intake.unreadable) == 180
    assert all("looks like a mask of" in reason and "images" in reason for _, reason in intake.unreadable)
