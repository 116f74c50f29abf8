"""Jobs: long work in a process of its own."""

import shutil
from pathlib import Path

import pytest

from XRayAILib.apps.job import LOCK
from XRayAILib.project.lock import lock
from XRayAILib.project.project import Project
from XRayAILib.workflow.job import Job


@pytest.fixture
def project_folder(tmp_path: Path) -> Path:
    with Project.create(tmp_path / "project") as project:
        return project.folder


def test_a_scan_job(project_folder: Path, real_crs: list[Path]) -> None:
    job = Job.start(project_folder, "scan", {"folders": [str(path.parent) for path in real_crs]})
    assert job.wait(60) == "done", job.error
    assert job.result is not None and job.result["added"] == 3
    assert job.progress.done == job.progress.total == 3
    with Project.open(project_folder) as project:
        assert project.count() == 3


def test_a_failed_job_says_why(project_folder: Path) -> None:
    shutil.rmtree(project_folder)
    project_folder.mkdir()
    job = Job.start(project_folder, "scan", {"folders": []})
    assert job.wait(60) == "failed"
    assert "project.toml" in job.error


def test_a_job_of_no_kind(project_folder: Path) -> None:
    job = Job.start(project_folder, "dance", {})
    assert job.wait(60) == "failed"
    assert "dance" in job.error and "train" in job.error


def test_a_job_that_is_cancelled_ends_by_itself(project_folder: Path, real_crs: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(3000):
        shutil.copy(real_crs[0], folder / f"{number}.dcm")
    job = Job.start(project_folder, "scan", {"folders": [str(folder)]})
    job.cancel()
    assert job.wait(60) == "cancelled"


def test_two_starts_of_one_job_work_one_after_the_other(project_folder: Path, real_crs: list[Path]) -> None:
    """The worker of a program that was killed goes on for some seconds; the same training may be started meanwhile."""
    folder = project_folder / "jobs" / "again"
    folder.mkdir()
    with lock(folder / LOCK) as mine:
        assert mine
        job = Job.start(project_folder, "scan", {"folders": [str(real_crs[0])]}, folder=folder)
        while job.running and "Waiting" not in job.progress.message:
            job.poll()
        assert job.running, job.error
    assert job.wait(60) == "done", job.error


def test_a_killed_job_leaves_a_project_that_opens(project_folder: Path, real_crs: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(500):
        shutil.copy(real_crs[number % 3], folder / f"{number}.dcm")
    job = Job.start(project_folder, "scan", {"folders": [str(folder)]})
    while job.running and not job.poll():
        pass
    job.kill()
    assert job.state in ("cancelled", "done")
    with Project.open(project_folder) as project:
        assert project.count() <= 3
