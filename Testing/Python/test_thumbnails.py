"""Thumbnails: what a table shows of radiographs, made in the background and kept."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from XRayAILib.apps.jobs import thumbnails as thumbnails_job
from XRayAILib.dicom.radiograph import read_header
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.project import Project
from XRayAILib.project.thumbnails import SIZE, Thumbnails
from XRayAILib.workflow.pictures import Pictures

SHAPE = (320, 240)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms")
    make_phantoms(folder, 6, seed=3, size=SHAPE[::-1])
    return folder


@pytest.fixture
def project(tmp_path: Path, phantoms: Path):  # type: ignore[no-untyped-def]
    """Six computed radiographs in files of their own, so that a test may change them."""
    shutil.copytree(phantoms, tmp_path / "radiographs")
    with Project.create(tmp_path / "project") as project:
        take_in(project, [tmp_path / "radiographs"])
        yield project


def take_in(project: Project, places: list[Path]) -> None:
    """As a scan does it, without its processes."""
    files = [file for place in places for file in ([place] if place.is_file() else sorted(place.rglob("*.dcm")))]
    project.add(header for file in files for header in read_header(file))


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture, float)


def inverted(path: Path) -> None:
    """Make a file a MONOCHROME1 one that shows the same: high values are dark."""
    import pydicom

    dataset = pydicom.dcmread(path)
    low, high = dataset.pixel_array.min(), dataset.pixel_array.max()
    dataset.PixelData = (high + low - dataset.pixel_array).astype(dataset.pixel_array.dtype).tobytes()
    dataset.PhotometricInterpretation = "MONOCHROME1"
    dataset.WindowCenter = float(high) + float(low) - float(dataset.WindowCenter) + 1
    dataset.save_as(path)


def test_a_thumbnail_shows_what_the_viewer_shows(project: Project) -> None:
    thumbnails = Thumbnails(project)
    uid = project.images()[0].uid
    assert thumbnails.find(uid) is None and thumbnails.make(uid)
    found = thumbnails.find(uid)
    assert found is not None and not found.reason
    small = pixels(found.path)
    assert small.shape == (SIZE, SIZE * SHAPE[1] // SHAPE[0])
    large = project.radiograph(uid).display().reshape(SIZE, 2, small.shape[1], 2).mean((1, 3)) * 255
    assert abs(small - large).mean() < 5


def test_monochrome1_is_not_shown_as_a_negative(project: Project) -> None:
    thumbnails = Thumbnails(project)
    image = project.images()[0]
    thumbnails.make(image.uid)
    before = pixels(thumbnails._place(image.uid, ".jpg"))
    inverted(Path(image.header.path))
    take_in(project, [Path(image.header.path)])
    assert project.header(image.uid).photometric == "MONOCHROME1"
    assert thumbnails.make(image.uid)
    assert abs(pixels(thumbnails._place(image.uid, ".jpg")) - before).mean() < 5


def test_a_colour_picture_has_a_colour_thumbnail(project: Project, tmp_path: Path) -> None:
    colours = np.zeros((300, 400, 3), np.uint8)
    colours[:, :200, 0] = 255
    Image.fromarray(colours).save(tmp_path / "red.png")
    take_in(project, [tmp_path / "red.png"])
    uid = next(image.uid for image in project.images("red.png"))
    radiograph = project.radiograph(uid)
    made = Thumbnails(project)
    made.make(uid)
    shown = pixels(made._place(uid, ".jpg"))
    assert shown.ndim == (3 if radiograph.colour is not None else 2)


def test_it_is_made_once_and_again_when_its_file_changes(project: Project) -> None:
    thumbnails = Thumbnails(project)
    image = project.images()[0]
    assert thumbnails.make(image.uid) and not thumbnails.make(image.uid)
    before = pixels(thumbnails._place(image.uid, ".jpg"))
    path = Path(image.header.path)
    content = bytearray(path.read_bytes())
    content[-5000:] = bytes(5000)
    path.write_bytes(content)
    assert thumbnails.make(image.uid) and not thumbnails.make(image.uid)
    assert (pixels(thumbnails._place(image.uid, ".jpg")) != before).any()


def test_a_damaged_thumbnail_is_made_again(project: Project) -> None:
    thumbnails = Thumbnails(project)
    uid = project.images()[0].uid
    thumbnails.make(uid)
    place = thumbnails._place(uid, ".jpg")
    place.write_bytes(b"half of it")
    assert thumbnails.make(uid) and pixels(place).shape[0] == SIZE


def test_what_cannot_be_read_says_why_until_it_can(project: Project, tmp_path: Path) -> None:
    thumbnails = Thumbnails(project)
    image = project.images()[0]
    path = Path(image.header.path)
    whole = path.read_bytes()
    path.rename(tmp_path / "away")
    assert thumbnails.make(image.uid)
    found = thumbnails.find(image.uid)
    assert found is not None and path.name in found.reason
    path.write_bytes(whole[:3000])
    assert thumbnails.make(image.uid) and not thumbnails.make(image.uid)
    found = thumbnails.find(image.uid)
    assert found is not None and found.reason and path.name in found.reason
    path.write_bytes(whole)
    assert thumbnails.make(image.uid)
    found = thumbnails.find(image.uid)
    assert found is not None and not found.reason and not thumbnails._place(image.uid, ".txt").exists()


def test_the_oldest_go_when_there_are_too_many(project: Project) -> None:
    thumbnails = Thumbnails(project)
    uids = [image.uid for image in project.images()]
    for place, uid in enumerate(uids):
        thumbnails.make(uid)
        os.utime(thumbnails._place(uid, ".jpg"), (place, place))
    sizes = [thumbnails._place(uid, ".jpg").stat().st_size for uid in uids]
    assert thumbnails.prune(sum(sizes)) == 0
    assert thumbnails.prune(sum(sizes[2:])) == 2
    assert [thumbnails.find(uid) is not None for uid in uids] == [False, False, True, True, True, True]
    thumbnails.clear()
    assert thumbnails.find(uids[-1]) is None and thumbnails.make(uids[-1])


def wait(pictures: Pictures, seconds: float = 60.0) -> list[str]:
    """As a panel's timer does it."""
    fresh: list[str] = []
    end = time.monotonic() + seconds
    while pictures.waiting and time.monotonic() < end:
        fresh += pictures.poll()
    assert not pictures.waiting, "the thumbnails did not come"
    return fresh


def test_nobody_waits_and_what_is_scrolled_away_is_dropped(project: Project) -> None:
    uids = [image.uid for image in project.images()]
    pictures = Pictures()
    pictures.open(project)
    try:
        pictures.want(uids[:2])
        assert pictures.waiting and pictures.of(uids[0]) is None  # want() has not made it, only asked
        assert wait(pictures) == uids[:2] and pictures.of(uids[0])
        first = pictures._job
        pictures.want(uids[4:])
        assert wait(pictures) == uids[4:] and pictures._job is first  # the same process
        assert pictures.of(uids[2]) is None
    finally:
        pictures.close()


def test_after_a_scan_changed_files_get_new_pictures(project: Project) -> None:
    images = project.images()
    uids = [image.uid for image in images]
    pictures = Pictures()
    pictures.open(project)
    try:
        pictures.want(uids)
        assert wait(pictures) == uids
        inverted(Path(images[2].header.path))
        pictures.open(project)
        pictures.want(uids)
        assert wait(pictures) == [uids[2]]
    finally:
        pictures.close()


def test_a_process_that_was_killed_is_followed_by_another(project: Project) -> None:
    uids = [image.uid for image in project.images()]
    pictures = Pictures()
    pictures.open(project)
    try:
        pictures.want(uids[:1])
        wait(pictures)
        assert pictures._job is not None
        pictures._job.kill()
        pictures.want(uids)
        assert sorted(wait(pictures)) == sorted(uids[1:])  # the first one lies there
        assert not list(pictures._folder.parent.glob("??/*.part"))  # type: ignore[union-attr]
    finally:
        pictures.close()


def test_the_job_ends_by_itself_when_nobody_wants_more(project: Project) -> None:
    events: list[dict[str, object]] = []
    folder = project.jobs_folder / "thumbnails"
    folder.mkdir()
    result = thumbnails_job.run(project.folder, {"idle_seconds": 0.0}, folder, events.append, lambda: False)
    assert result == {"made": 0} and events == []


def test_files_that_vanish_meanwhile_end_nothing(project: Project) -> None:
    gone, stays = project.images()[:2]
    project.add([replace(gone.header, path=gone.header.path + ".gone")])
    pictures = Pictures()
    pictures.open(project)
    try:
        pictures.want([gone.uid, stays.uid])
        assert set(wait(pictures)) == {gone.uid, stays.uid} and not pictures.problem
        reason, shown = pictures.of(gone.uid), pictures.of(stays.uid)
        assert reason is not None and ".gone" in reason.reason and shown is not None and not shown.reason
    finally:
        pictures.close()
