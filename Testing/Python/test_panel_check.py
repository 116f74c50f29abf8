"""The section Check of the panel, driven by clicks: check, choose a rule, decide what follows, keep an image."""

from __future__ import annotations

import shutil
from pathlib import Path

import pydicom
import pytest

from panel_cases import errors, open_copy
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.project.rules import Action, write_actions

SWAPPED = {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1", "IDENTITY": "INVERSE", "INVERSE": "IDENTITY"}


@pytest.fixture(scope="module")
def unchecked(tmp_path_factory) -> Path:
    """A project of three computed chests, one relabelled as a negative."""
    folder = tmp_path_factory.mktemp("check")
    phantoms = make_phantoms(folder, 3, seed=3, size=(160, 136))
    dataset = pydicom.dcmread(phantoms[0].path)
    dataset.PhotometricInterpretation = SWAPPED[dataset.PhotometricInterpretation]
    dataset.PresentationLUTShape = SWAPPED[dataset.PresentationLUTShape]
    dataset.save_as(phantoms[0].path)
    with Project.create(folder / "project") as project:
        take_in(project, [folder / "images"])
        # Text would be looked for longest.
        write_actions(project.folder, {"text": Action.IGNORE, "orientation": Action.IGNORE})
    return folder / "project"


@pytest.fixture(scope="module")
def checked_once(unchecked) -> Path:
    folder = unchecked.with_name("checked")
    shutil.copytree(unchecked, folder)
    with Project.open(folder) as project:
        project.hygiene.check(project.schema)
    return folder


def opened(desktop, folder: Path, place: Path):
    return open_copy(desktop, folder, place, "check")


def row_of(panel, rule: str) -> int:
    return panel.check._rules.index(rule)


def cells(panel, rule: str) -> list[str]:
    return [panel.check.own.rulesTable.item(row_of(panel, rule), column).text() for column in range(3)]


def test_the_images_are_checked_with_progress_and_the_table_shows_what_was_found(desktop, unchecked, tmp_path):
    panel = opened(desktop, unchecked, tmp_path / "project")
    own = panel.check.own
    assert own.checkLabel.text == "Not checked yet." and cells(panel, "polarity")[1:] == ["", "exclude"]
    own.checkButton.click()
    assert not own.checkButton.enabled and not own.checkProgressBar.isHidden()
    desktop.process_events(until=lambda: not panel.check.running, timeout=120)
    assert own.checkLabel.text == "3 images examined, 1 kept out by rules" and own.checkButton.enabled
    assert cells(panel, "polarity")[1:] == ["1", "exclude"] and errors(desktop) == []


def test_a_check_can_be_stopped(desktop, unchecked, tmp_path):
    panel = opened(desktop, unchecked, tmp_path / "project")
    panel.check.own.checkButton.click()
    panel.check.own.checkStopButton.click()
    desktop.process_events(until=lambda: not panel.check.running, timeout=120)
    assert panel.check.own.checkLabel.text == "Stopped." and errors(desktop) == []


def test_a_click_on_a_rule_shows_its_images_and_their_marks(desktop, checked_once, tmp_path):
    panel = opened(desktop, checked_once, tmp_path / "project")
    own, browse = panel.check.own, panel.desk.browse
    assert own.marksLabel.isHidden() and not own.actionComboBox.enabled and not own.allImagesButton.enabled
    own.rulesTable.selectRow(row_of(panel, "polarity"))
    assert panel.ui.collectionTable.rowCount == 1 and own.actionComboBox.currentText == "keeps its images out"
    panel.ui.collectionTable.setCurrentCell(0, 0)
    assert "lungs brighter than the mediastinum" in own.marksLabel.text and "C.7.6.3.1.2" in own.marksLabel.text
    own.allImagesButton.click()
    assert browse.total == 3 and own.rulesTable.selectedItems() == [] and errors(desktop) == []


def test_what_follows_from_a_rule_is_chosen_and_done_at_once(desktop, checked_once, tmp_path):
    panel = opened(desktop, checked_once, tmp_path / "project")
    own, browse = panel.check.own, panel.desk.browse
    own.rulesTable.selectRow(row_of(panel, "polarity"))
    assert browse.rows[0].excluded
    own.actionComboBox.setCurrentIndex(own.actionComboBox.findData("warn"))
    own.actionComboBox.activated.emit(own.actionComboBox.currentIndex)
    assert cells(panel, "polarity") == ["Shown as a negative, by its content", "1", "warn"]
    assert not browse.rows[0].excluded and browse.project.marks.actions()["polarity"] is Action.WARN
    assert errors(desktop) == []


def test_an_image_is_kept_in_spite_of_its_mark_and_given_back_to_the_rules(desktop, checked_once, tmp_path):
    panel = opened(desktop, checked_once, tmp_path / "project")
    own, browse = panel.check.own, panel.desk.browse
    own.rulesTable.selectRow(row_of(panel, "polarity"))
    assert own.keepButton.isHidden()
    panel.ui.collectionTable.setCurrentCell(0, 0)
    assert not own.keepButton.isHidden() and own.keepButton.text == "Keep this image"
    own.keepButton.click()
    assert not browse.current.excluded and "Kept all the same by" in own.marksLabel.text
    own.keepButton.click()
    assert browse.current.excluded and own.keepButton.text == "Keep this image" and errors(desktop) == []


def test_settings_that_are_wrong_are_said(desktop, checked_once, tmp_path):
    panel = opened(desktop, checked_once, tmp_path / "project")
    (panel.desk.browse.project.folder / "hygiene.yaml").write_text("polarity: perhaps\n", "utf-8")
    panel.check.own.checkButton.click()
    assert "'perhaps' is none of warn, exclude, ignore" in errors(desktop)[-1] and not panel.check.running


def test_the_section_fits_the_panel(desktop, checked_once, tmp_path):
    panel = opened(desktop, checked_once, tmp_path / "project")
    for name in ("training", "review", "export", "enhance", "servers", "calibration", "deidentification"):
        button = getattr(panel.ui, f"{name}CollapsibleButton", None)
        if button is not None:
            button.collapsed = True
    panel.check.own.rulesTable.selectRow(row_of(panel, "polarity"))
    panel.ui.collectionTable.setCurrentCell(0, 0)
    picture = desktop.screenshot(panel, tmp_path / "check.png", (450, 1300))
    assert picture.stat().st_size > 10_000 and panel.check.own.rulesTable.width <= 450
