"""The section Enhance of the panel "X-Ray AI", driven by clicks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from panel_cases import errors
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.pixels.enhance import Enhancement
from XRayAILib.pixels.steps import STEPS
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.scene import derived

MODULE = Path(__file__).resolve().parents[2] / "XRayAI" / "XRayAI.py"


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return make_phantoms(tmp_path_factory.mktemp("phantoms"), 4, seed=3, size=(128, 112))


@pytest.fixture
def yellow(desktop):
    """The second slice view, which the double's layouts do not make."""
    import slicer

    host = desktop.host
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLApplicationLogic(host.application_logic)
    host.application_logic.GetSliceLogics().AddItem(logic)
    logic.SetMRMLScene(host.scene)
    logic.AddSliceNode("Yellow")
    yield logic
    host.application_logic.GetSliceLogics().RemoveItem(logic)
    logic.SetMRMLScene(None)


@pytest.fixture
def panel(desktop, yellow, phantoms, tmp_path):
    """The panel with a project, looking at its first radiograph; the section is open."""
    panel = desktop.open_module(MODULE)
    with Project.create(tmp_path / "project") as project:
        take_in(project, [phantoms[0].path.parent])
        for phantom in phantoms:
            project.save(phantom.findings)
    desktop.answer(path=tmp_path / "project")
    panel.ui.openProjectButton.click()
    panel.ui.enhanceCollapsibleButton.collapsed = False
    panel.ui.nextButton.click()
    return panel


def voxels(node) -> np.ndarray:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    columns, rows, _ = node.GetImageData().GetDimensions()
    return vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).reshape(rows, columns)


def enhanced(desktop, panel):
    return derived.find_derived(desktop.host, panel.desk.viewer.volume_node)


def choose(panel, name: str) -> None:
    box = panel.enhance.own.enhancementComboBox
    box.setCurrentIndex(box.findText(name))


def test_a_live_preview_stands_beside_and_the_radiograph_stays_as_it_was(desktop, panel, yellow):
    import slicer

    own, volume = panel.enhance.own, panel.desk.viewer.volume_node
    before = voxels(volume).tobytes()
    choose(panel, "chest")
    assert enhanced(desktop, panel) is None
    own.liveCheckBox.click()
    desktop.process_events(until=lambda: not panel.enhance.waiting)
    node = enhanced(desktop, panel)
    project, uid = panel.desk.browse.project, panel.desk.browse.current.uid
    radiograph = project.radiograph(uid)
    wanted = panel.enhance.enhance.enhancement.apply(radiograph.display())
    np.testing.assert_array_equal(voxels(node), wanted)
    assert voxels(volume).tobytes() == before
    assert yellow.GetSliceCompositeNode().GetBackgroundVolumeID() == node.GetID()
    assert yellow.GetSliceCompositeNode().GetLinkedControl()
    assert desktop.host.layout_node.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView
    record = derived.derived_record(node)
    assert record["derivedFrom"] == uid and record["enhancedBy"] and record["enhancedAt"]
    assert Enhancement.from_document(json.loads(record["enhancement"])) == panel.enhance.enhance.enhancement
    own.liveCheckBox.click()
    assert enhanced(desktop, panel) is None
    assert desktop.host.layout_node.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
    assert errors(desktop) == []


def test_sliders_change_the_picture_at_once(desktop, panel):
    own = panel.enhance.own
    own.liveCheckBox.click()
    assert enhanced(desktop, panel) is None
    own.edgesCheckBox.click()
    soft = voxels(enhanced(desktop, panel)).copy()
    own.edgesAmountSlider.value = 3.0
    sharp = voxels(enhanced(desktop, panel)).copy()
    assert np.abs(np.diff(sharp)).mean() > 1.2 * np.abs(np.diff(soft)).mean()
    own.invertCheckBox.click()
    np.testing.assert_allclose(voxels(enhanced(desktop, panel)), 1 - sharp, atol=1e-6)
    assert own.claheLimitSlider.isHidden() and not own.edgesAmountSlider.isHidden()
    # There is no reference to match yet.
    assert not own.histogramCheckBox.enabled
    assert errors(desktop) == []


def test_over_the_radiograph_it_can_be_blended(desktop, panel):
    own, composite = panel.enhance.own, desktop.host.slice_logic.GetSliceCompositeNode()
    own.placeComboBox.setCurrentIndex(1)
    choose(panel, "bone")
    own.liveCheckBox.click()
    assert composite.GetForegroundVolumeID() == enhanced(desktop, panel).GetID()
    assert composite.GetForegroundOpacity() == 1.0
    own.blendSlider.value = 0.25
    assert composite.GetForegroundOpacity() == 0.25
    own.placeComboBox.setCurrentIndex(0)
    assert composite.GetForegroundVolumeID() is None and panel.enhance.view.is_beside
    panel.ui.curveCheckBox.click()
    assert not panel.enhance.view.is_beside and own.placeComboBox.currentIndex == 1
    assert composite.GetForegroundVolumeID() == enhanced(desktop, panel).GetID()
    panel.ui.curveCheckBox.click()


def test_the_next_image_is_enhanced_too_and_leaving_ends_it_until_the_module_is_entered_again(desktop, panel):
    own = panel.enhance.own
    choose(panel, "portable")
    own.liveCheckBox.click()
    panel.ui.nextButton.click()
    assert derived.derived_record(enhanced(desktop, panel))["derivedFrom"] == panel.desk.browse.current.uid
    assert desktop.host.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 2
    panel.parent.exit()
    assert desktop.host.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    panel.parent.enter()
    assert own.liveCheckBox.checked and enhanced(desktop, panel) is not None, "what stood there is there again"
    assert errors(desktop) == []


@pytest.mark.parametrize("linked", [True, False])
def test_views_are_linked_afterwards_as_they_were(desktop, panel, yellow, linked):
    red = desktop.host.slice_logic.GetSliceCompositeNode()
    red.SetLinkedControl(linked)
    choose(panel, "portable")
    panel.enhance.own.liveCheckBox.click()
    desktop.process_events(until=lambda: not panel.enhance.waiting)
    assert red.GetLinkedControl()
    panel.enhance.own.liveCheckBox.click()
    assert bool(red.GetLinkedControl()) == bool(yellow.GetSliceCompositeNode().GetLinkedControl()) == linked
    red.SetLinkedControl(False)


def test_a_slider_that_counts_in_steps_gives_the_number_that_it_shows(desktop, panel):
    own = panel.enhance.own
    own.multiscaleCheckBox.checked = True
    own.multiscaleStrengthSlider.value = 0.85
    assert panel.enhance.enhance.enhancement.step("multiscale").strength == 0.85


def test_settings_are_kept_in_the_project_and_used_for_the_next_training(desktop, panel):
    own, project = panel.enhance.own, panel.desk.browse.project
    choose(panel, "chest")
    own.claheLimitSlider.value = 3.5
    assert not own.useForTrainingButton.enabled
    own.enhancementNameLineEdit.text = "chest"
    own.saveEnhancementButton.click()
    assert "take another name" in errors(desktop)[-1]
    own.enhancementNameLineEdit.text = "our chests"
    own.saveEnhancementButton.click()
    assert own.enhancementComboBox.currentText == "our chests" and own.useForTrainingButton.enabled
    assert Enhancement.read(project.folder / "enhancements" / "our chests.yaml").step("clahe").limit == 3.5
    assert project.audit_trail()[-1][2] == "enhancement"
    own.useForTrainingButton.click()
    assert panel.ui.trainingEnhancementComboBox.currentText == "our chests"
    config = panel.training.training.config(project, ["heart"], "quick", "cpu", "our chests")
    assert config.enhancement == panel.enhance.enhance.enhancement


def test_the_histogram_of_a_device_is_found_in_the_background_and_matched(desktop, panel):
    own, enhance = panel.enhance.own, panel.enhance.enhance
    devices = [own.referenceComboBox.itemText(n) for n in range(1, own.referenceComboBox.count)]
    assert devices == enhance.devices() and devices
    own.placeComboBox.setCurrentIndex(1)
    own.liveCheckBox.click()
    own.referenceComboBox.setCurrentIndex(1)
    own.referenceButton.click()
    assert not own.referenceButton.enabled and not own.referenceProgressBar.isHidden()
    desktop.process_events(until=lambda: not enhance.reference.running, timeout=120)
    assert own.referenceLabel.text.endswith(f"images of {devices[0]}.")
    assert own.histogramCheckBox.enabled and own.histogramCheckBox.checked
    reference = enhance.enhancement.step("histogram")
    shown = np.percentile(voxels(enhanced(desktop, panel)), (10, 50, 90))
    assert shown == pytest.approx([reference.quantiles[n] for n in (10, 50, 90)], abs=0.03)
    assert errors(desktop) == []


def test_all_images_are_written_in_the_background(desktop, panel):
    choose(panel, "chest")
    panel.enhance.own.writeEnhancedButton.click()
    desktop.process_events(until=lambda: not panel.enhance.running, timeout=120)
    assert panel.enhance.own.enhanceLabel.text.startswith("4 enhanced images written to ")
    assert errors(desktop) == []


def test_every_parameter_has_its_slider_with_its_range(panel):
    from dataclasses import fields

    for step in STEPS:
        for item in fields(step):
            if "low" in item.metadata:
                slider = getattr(panel.enhance.own, f"{step.kind}{item.name.capitalize()}Slider")
                assert (slider.minimum, slider.maximum) == (item.metadata["low"], item.metadata["high"])


def test_the_section_fits_a_narrow_panel(desktop, panel, tmp_path):
    choose(panel, "bone")
    assert desktop.screenshot(panel, tmp_path / "enhance.png", (460, 1400)).stat().st_size > 10_000
