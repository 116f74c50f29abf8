"""The section De-identify of the panel, driven by clicks: find text, confirm it, de-identify, look at what came out."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest

from panel_cases import errors, open_copy
from text_overlays import burn_in
from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.exchange.text.text_regions import TextRegions
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.text_confirmation import FOLDER
from XRayAILib.workflow.text_finding import find_text


@pytest.fixture(scope="module")
def named(tmp_path_factory) -> tuple[Path, np.ndarray]:
    """A project of two computed chests, one with a name burned into its stored pixels; and where the letters are."""
    folder = tmp_path_factory.mktemp("named")
    phantoms = make_phantoms(folder, 2, seed=3, size=(560, 460))
    path = phantoms[0].path
    radiograph, dataset = read_radiograph(path), pydicom.dcmread(path)
    burned, overlay = burn_in(radiograph.display(), "upright", np.random.default_rng(7))
    stored = np.array(radiograph.stored)
    low, high = int(stored.min()), int(stored.max())
    letters = np.zeros(stored.shape, bool)
    letters[tuple(overlay.ink.T)] = True
    bright = burned[letters].mean() > radiograph.display()[letters].mean()
    stored[letters] = low if bright == radiograph.grayscale.inverted else high
    dataset.PixelData = stored.astype(f"<u{dataset.BitsAllocated // 8}").tobytes()
    dataset.save_as(path)
    with Project.create(folder / "project") as project:
        take_in(project, [folder / "images"])
    return folder / "project", letters


@pytest.fixture(scope="module")
def looked_at(named) -> Path:
    """The same project after a search for text."""
    folder = named[0].with_name("searched")
    shutil.copytree(named[0], folder)
    find_text([folder], folder / FOLDER, processes=1)
    return folder


def opened(desktop, folder: Path, place: Path):
    return open_copy(desktop, folder, place, "deidentification")


def searched(desktop, panel):
    section = panel.deidentification
    section.own.findTextButton.click()
    assert not section.own.findTextButton.enabled
    desktop.process_events(until=lambda: not section.waiting, timeout=120)
    assert errors(desktop) == []
    return section


def movable(host) -> int:
    """How many boxes can be moved."""
    boxes = [host.scene.GetNthNodeByClass(n, "vtkMRMLMarkupsROINode") for n in range(host.scene.GetNumberOfNodes())]
    return sum(box.GetDisplayNode().GetHandlesInteractive() for box in boxes if box is not None)


def cells(section, row: int) -> list[str]:
    return [section.own.regionsTable.item(row, column).text() for column in range(3)]


def test_text_is_found_confirmed_blanked_and_gone(desktop, named, tmp_path):
    panel = opened(desktop, named[0], tmp_path / "project")
    section = searched(desktop, panel)
    own = section.own
    assert own.findTextLabel.text == "2 images looked at, 1 to confirm"
    own.nextTextButton.click()
    assert "text" in [cells(section, row)[0] for row in range(own.regionsTable.rowCount)]
    own.confirmTextButton.click()
    assert section.text.waiting == 0 and own.findTextLabel.text == "2 images looked at, 0 to confirm"
    assert own.imageTextLabel.text == "This image is confirmed."

    assert not own.deidentifyButton.enabled
    own.outputPathLineEdit.currentPath = str(tmp_path / "clean")
    own.deidentifyButton.click()
    desktop.process_events(until=lambda: not section.waiting, timeout=120)
    assert errors(desktop) == [] and own.deidentifyLabel.text.startswith("2 files de-identified and verified")
    images = [read_radiograph(path) for path in (tmp_path / "clean").rglob("*.dcm")]
    assert len(images) == 2
    blanked = [i for i in images if "DERIVED" in pydicom.dcmread(i.header.path).ImageType]
    assert len(blanked) == 1 and len(np.unique(blanked[0].stored[named[1]])) == 1
    assert pydicom.dcmread(blanked[0].header.path).BurnedInAnnotation == "NO"


def test_an_image_with_unconfirmed_text_is_held_back_and_named(desktop, looked_at, tmp_path):
    panel = opened(desktop, looked_at, tmp_path / "project")
    section = panel.deidentification
    section.own.outputPathLineEdit.currentPath = str(tmp_path / "clean")
    section.own.deidentifyButton.click()
    desktop.process_events(until=lambda: not section.waiting, timeout=120)
    assert "1 held back" in section.own.deidentifyLabel.text
    assert "nobody has confirmed" in section.own.deidentifyLabel.text
    assert len(list((tmp_path / "clean").rglob("*.dcm"))) == 1


def test_regions_are_kept_added_moved_and_removed_before_they_are_confirmed(desktop, looked_at, tmp_path):
    panel = opened(desktop, looked_at, tmp_path / "project")
    section = panel.deidentification
    own, host = section.own, panel.desk.viewer.host
    own.nextTextButton.click()
    count = own.regionsTable.rowCount
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode") == count
    assert movable(host) == 0, "handles would hide what a small box points at"
    own.regionsTable.selectRow(0)
    assert movable(host) == 1
    own.keepRegionButton.click()
    assert cells(section, 0)[2] == "kept"
    own.addRegionButton.click()
    assert own.regionsTable.rowCount == count + 1 and cells(section, count)[2] == "blank"
    last = host.scene.GetNthNodeByClass(count, "vtkMRMLMarkupsROINode")
    old = section.text.regions[count]
    x, y, z = last.GetCenterWorld()
    i_spacing = panel.desk.viewer.volume_node.GetSpacing()[0]
    last.SetCenterWorld(x - 10 * i_spacing, y, z)
    own.confirmTextButton.click()
    stored = TextRegions.read(section.text.file)
    (image,) = [image for image in stored.images.values() if image.confirmed]
    assert image.regions[0].action == "keep"
    moved = image.regions[count]
    assert moved.right - moved.left == old.right - old.left and abs(moved.left - old.left) == 10
    own.regionsTable.selectRow(count)
    own.removeRegionButton.click()
    own.confirmTextButton.click()
    assert len(TextRegions.read(section.text.file).images[image.digest].regions) == count
    assert errors(desktop) == []


def test_boxes_go_with_the_image_that_they_belong_to(desktop, looked_at, tmp_path):
    panel = opened(desktop, looked_at, tmp_path / "project")
    section = panel.deidentification
    section.own.nextTextButton.click()
    here = panel.desk.browse.current.uid
    other = next(row.uid for row in panel.desk.browse.rows if row.uid != here)
    panel.desk.browse.select(other)
    nodes = panel.desk.viewer.host.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsROINode")
    assert nodes == len(section.text.regions) == section.own.regionsTable.rowCount
    assert not section.text.image.undecided


def test_boxes_are_seen_only_while_the_section_is_worked_with(desktop, named, tmp_path):
    panel = opened(desktop, named[0], tmp_path / "project")
    section = searched(desktop, panel)
    section.own.nextTextButton.click()
    scene, button = panel.desk.viewer.host.scene, panel.ui.deidentificationCollapsibleButton

    def seen() -> bool:
        return bool(scene.GetFirstNodeByClass("vtkMRMLMarkupsROINode").GetDisplayNode().GetVisibility())

    assert seen()
    button.collapsed = True
    assert not seen()
    button.collapsed = False
    panel.parent.exit()
    assert not seen()
    panel.parent.enter()
    assert seen() and errors(desktop) == []


def test_a_damaged_regions_file_is_said_and_nothing_goes_out(desktop, looked_at, tmp_path):
    panel = opened(desktop, looked_at, tmp_path / "project")
    section = panel.deidentification
    section.text.file.write_text("{}", "utf-8")
    section.own.outputPathLineEdit.currentPath = str(tmp_path / "clean")
    section.own.deidentifyButton.click()
    desktop.process_events(until=lambda: not section.waiting, timeout=120)
    assert "no regions file" in errors(desktop)[-1]
    assert not list(tmp_path.rglob("clean/**/*.dcm"))


def test_the_section_fits_the_panel(desktop, looked_at, tmp_path):
    panel = opened(desktop, looked_at, tmp_path / "project")
    section = panel.deidentification
    for name in ("training", "review", "export", "enhance", "servers", "calibration", "check", "display"):
        button = getattr(panel.ui, f"{name}CollapsibleButton", None)
        if button is not None:
            button.collapsed = True
    section.own.nextTextButton.click()
    picture = desktop.screenshot(panel, tmp_path / "deidentify.png", (450, 1500))
    assert picture.stat().st_size > 10_000 and section.own.regionsTable.width <= 450


def test_a_search_asks_for_the_packages_that_a_slicer_lacks(desktop, named, tmp_path, monkeypatch):
    import slicer.packaging

    panel = opened(desktop, named[0], tmp_path / "project")
    asked: list[str] = []
    monkeypatch.setattr(slicer.packaging, "pip_ensure", lambda wanted, **_: asked.extend(map(str, wanted)))
    searched(desktop, panel)
    assert {"jinja2", "pytesseract", "PyYAML"} <= set(asked)
