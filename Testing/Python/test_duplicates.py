"""Radiographs with the same pixels under other UIDs: found by a pass over the pixels, as a command and as a job."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scan_cases import changed
from XRayAILib.dicom.child import library_environment
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.project.rules import Action, write_actions
from XRayAILib.workflow.job import Job


@pytest.fixture
def project(tmp_path: Path, real_crs: list[Path]) -> Iterator[Project]:
    """One radiograph, the same with another UID and patient, one more, and one whose pixels nobody can decode."""
    folder = tmp_path / "files"
    folder.mkdir()
    shutil.copy(real_crs[0], folder / "a.dcm")
    shutil.copy(real_crs[1], folder / "c.dcm")

    def renamed(dataset) -> None:  # type: ignore[no-untyped-def]
        dataset.SOPInstanceUID, dataset.PatientID = "1.2.3.4", "somebody else"

    def undecodable(dataset) -> None:  # type: ignore[no-untyped-def]
        dataset.SOPInstanceUID, dataset.BitsStored, dataset.BitsAllocated = "1.2.3.5", 13, 7

    changed(real_crs[0], folder / "b.dcm", renamed)
    changed(real_crs[2], folder / "d.dcm", undecodable)
    with Project.create(tmp_path / "project") as project:
        take_in(project, [folder])
        yield project


def names(project: Project) -> list[list[str]]:
    return [[Path(image.header.path).name for image in group] for group in project.duplicates.groups()]


def test_the_pass_reads_what_it_has_not_read(project: Project, tmp_path: Path, real_crs: list[Path]) -> None:
    assert project.duplicates.pending() == project.count() == 4
    said = []
    asked = iter([False, True])
    stopped = project.duplicates.read_pixels(lambda *state: said.append(state), lambda: next(asked))
    assert stopped.cancelled and stopped.read == 2 and [done for done, *_ in said] == [1, 2]
    rest = project.duplicates.read_pixels()
    assert rest.read == 2 and [Path(path).name for path, _ in rest.failed] == ["d.dcm"]
    assert names(project) == [["a.dcm", "b.dcm"]]
    assert project.duplicates.read_pixels().read == 0
    changed(real_crs[0], tmp_path / "files" / "b.dcm", lambda dataset: setattr(dataset, "SOPInstanceUID", "1.2.3.4"))
    assert take_in(project, [tmp_path / "files"]).refreshed == 1
    assert project.duplicates.pending() == 1, "a file that changed is read again"


def test_an_image_whose_file_is_another_ones_now_has_no_pixels_to_compare(
    project: Project, tmp_path: Path, real_crs: list[Path]
) -> None:
    shutil.copy(real_crs[1], tmp_path / "files" / "e.dcm")
    changed(real_crs[1], tmp_path / "files" / "a.dcm", lambda dataset: setattr(dataset, "SOPInstanceUID", "1.2.3.6"))
    take_in(project, [tmp_path / "files"])
    project.duplicates.read_pixels()
    assert names(project) == [["c.dcm", "a.dcm"]]


def test_a_check_reads_the_pixels_too_and_tells_the_same_from_the_alike(project: Project) -> None:
    write_actions(project.folder, {"text": Action.IGNORE, "orientation": Action.IGNORE})
    project.hygiene.check(project.schema)
    assert names(project) == [["a.dcm", "b.dcm"]] and project.duplicates.pending() == 1, "one cannot be read"
    found = {Path(path).name: detail for path, detail in project.marks.marked("near-duplicate")}
    assert set(found) == {"a.dcm", "b.dcm"}
    assert found["a.dcm"] == f"has the pixels of {project.images(text='b.dcm')[0].header.path}"


def test_as_a_job(project: Project) -> None:
    job = Job.start(project.folder, "duplicates", {})
    assert job.wait(60) == "done", job.error
    assert job.result is not None and job.result["read"] == 4
    assert [sorted(group) for group in job.result["groups"]] == [
        sorted(["1.2.3.4", project.images(text="a.dcm")[0].uid])
    ]


def test_as_a_command(project: Project) -> None:
    command = [sys.executable, "-m", "XRayAILib.apps.cli", "duplicates", "-p", str(project.folder)]
    said = subprocess.run(command, env=library_environment(), capture_output=True, text=True, check=True).stdout
    assert "1 have the pixels of another one" in said and "a.dcm" in said and "b.dcm" in said and "d.dcm" in said
