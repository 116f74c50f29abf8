"""``xrayai demo``: the main job from the command line, small but whole, and what becomes of bad input."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from XRayAILib.project.image import ImageStatus
from XRayAILib.project.lock import lock
from XRayAILib.project.project import Project

HOME = Path(__file__).resolve().parents[2]
SMALL = ("--phantoms", "12", "--epochs", "1")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "XRayAILib.apps.cli", *(str(a) for a in arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HOME / "XRayAI"), "COLUMNS": "200"}


def xrayai(*arguments: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command(*arguments), cwd=cwd, env=environment(), capture_output=True, text=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project folder of a small main job."""
    folder = tmp_path_factory.mktemp("demo")
    done = xrayai("demo", "--project", "project", *SMALL, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(folder / "project") in done.stdout
    return folder / "project"


def test_the_report_holds_everything_it_shows(finished: Path) -> None:
    page = (finished / "report.html").read_text("utf-8")
    assert not re.search(r"""(?:src|href)=["']?https?:""", page)
    assert "<script" not in page
    assert page.count("data:image/png;base64,") >= 3
    for said in ("Right lung", "Heart", "Seed", "torch", "test"):
        assert said in page


def test_the_model_read_what_it_was_not_trained_on(finished: Path) -> None:
    with Project.open(finished) as project:
        images = project.images()
        read = {image.uid for image in images if project.prediction(image.uid) is not None}
        assert read == {image.uid for image in images if image.split not in ("train", "validation")}
        assert {i.header.modality for i in images if i.uid in read} == {"DX", "CR"}  # the real CRs among them
        parts: dict[str, set[str]] = {}
        for image in images:
            if image.split:
                parts.setdefault(image.header.patient_key, set()).add(image.split)
        assert all(len(part) == 1 for part in parts.values())  # by patient


def test_the_scenes_are_slicer_scenes(finished: Path) -> None:
    scenes = sorted((finished / "scenes").glob("*.mrb"))
    assert scenes
    for scene in scenes:
        with zipfile.ZipFile(scene) as archive:
            assert archive.testzip() is None
            assert any(name.endswith(".mrml") for name in archive.namelist())


def test_the_pictures_show_something(finished: Path) -> None:
    from PIL import Image

    pictures = sorted((finished / "scenes").glob("*reference.png"))
    assert pictures
    for path in pictures:
        pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
        coloured = np.ptp(pixels, axis=2) > 30
        assert pixels.std() > 20 and coloured.mean() > 0.05, path


def test_the_export_is_read_by_pycocotools(finished: Path) -> None:
    from pycocotools.coco import COCO

    coco = COCO(str(finished / "exports" / "coco" / "annotations.json"))
    assert len(coco.imgs) == 12
    assert {c["name"] for c in coco.cats.values()} >= {"right_lung", "left_lung", "heart"}


def test_list_as_json_is_for_other_programs(finished: Path) -> None:
    listed = json.loads(xrayai("list", "--project", finished, "--json", cwd=finished).stdout)
    assert listed["total"] == len(listed["images"]) == 15
    assert {entry["status"] for entry in listed["images"]} <= {status.value for status in ImageStatus}


def test_a_second_start_goes_on(tmp_path: Path) -> None:
    """Kill the whole program in the middle, then say the same again."""
    for wait_for in ("project.toml", "jobs/*/events.jsonl"):
        with subprocess.Popen(
            command("demo", "--project", "project", *SMALL),
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as program:
            while program.poll() is None and not list((tmp_path / "project").glob(wait_for)):
                time.sleep(0.02)
            if os.name == "posix":
                os.killpg(program.pid, signal.SIGKILL)
            else:
                program.kill()
        with Project.open(tmp_path / "project") as project:
            for image in project.images():
                project.tracks(image.uid)  # whatever is there can be read
    again = xrayai("demo", "--project", "project", *SMALL, cwd=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert (tmp_path / "project" / "report.html").exists()


def test_two_runs_in_one_project_do_not_mix(tmp_path: Path) -> None:
    with Project.create(tmp_path / "project") as project, lock(project.folder / "main-job.lock"):
        done = xrayai("demo", "--project", "project", *SMALL, cwd=tmp_path)
    assert done.returncode == 1 and "another run" in done.stderr and "--project" in done.stderr


@pytest.mark.parametrize("wish", ["--seed", "--phantoms", "--epochs", "--minutes"])
def test_numbers_below_zero_are_refused(wish: str, tmp_path: Path) -> None:
    done = xrayai("demo", wish, "-1", cwd=tmp_path)
    assert done.returncode == 2 and wish in done.stderr and "Traceback" not in done.stderr


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    done = xrayai("demo", tmp_path / "nowhere", cwd=tmp_path)
    assert done.returncode == 1 and "nowhere" in done.stderr and "Traceback" not in done.stderr


def test_a_folder_without_radiographs(tmp_path: Path) -> None:
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "letter.dcm").write_text("Dear colleague")
    (folder / "letter.txt").write_text("Dear colleague")
    done = xrayai("demo", folder, *SMALL, cwd=tmp_path)
    assert done.returncode == 1 and "letters" in done.stderr and "no radiograph" in done.stderr
    assert "letter.dcm" in done.stdout


def test_labels_without_radiographs(tmp_path: Path) -> None:
    done = xrayai("demo", "--labels", tmp_path, cwd=tmp_path)
    assert done.returncode == 1 and "FOLDER" in done.stderr


def test_every_real_file_gets_a_word(test_data: Path, tmp_path: Path) -> None:
    """The folder of real DICOM files: what is a radiograph comes in, and every other one is listed with the reason."""
    done = xrayai("scan", test_data / "dicom", "--project", tmp_path / "project", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with Project.open(tmp_path / "project") as project:
        taken = {Path(image.header.path).name for image in project.images()}
        left = {Path(path).name for path, reason in project.unreadable() if reason}
    assert taken | left == {path.name for path in (test_data / "dicom").iterdir()}
    assert not taken & left
    assert left == {"seg_image_cr_binary.dcm"}  # a SEG


def test_launch_without_slicer_says_how_to_get_it(tmp_path: Path) -> None:
    done = subprocess.run(
        command("launch"),
        cwd=tmp_path,
        env={**environment(), "HOME": str(tmp_path), "PATH": str(tmp_path), "SLICER_HOME": ""},
        capture_output=True,
        text=True,
    )
    if done.returncode == 0:
        pytest.skip("a 3D Slicer is installed here")
    assert "download.slicer.org" in done.stderr


def test_labels_without_areas_come_through_all_the_same(real_crs: list[Path], tmp_path: Path) -> None:
    """Boxes teach a segmentation model nothing: that is said, and everything else is done."""
    labels = tmp_path / "boxes.json"
    document = {
        "images": [{"id": 1, "file_name": real_crs[0].name, "width": 16, "height": 16}],
        "categories": [{"id": 1, "name": "nodule"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [2, 3, 8, 9], "area": 72, "iscrowd": 0}],
    }
    labels.write_text(json.dumps(document))
    done = xrayai("demo", real_crs[0].parent, "--labels", labels, "--project", "project", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing was trained" in done.stdout
    assert "Nothing was trained" in (tmp_path / "project" / "report.html").read_text("utf-8")
    assert list((tmp_path / "project" / "scenes").glob("*.png"))
    assert (tmp_path / "project" / "exports" / "coco" / "annotations.json").exists()
