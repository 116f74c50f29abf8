"""The panel "X-Ray AI", driven by clicks, from a new project to an export."""

from __future__ import annotations

from pathlib import Path

import pytest

from panel_cases import errors
from XRayAILib.findings.author import Author, Status
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

MODULE = Path(__file__).resolve().parents[2] / "XRayAI" / "XRayAI.py"
SIZE = (128, 112)
MODEL = Author.model("lungs", "0" * 64)


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory):
    return make_phantoms(tmp_path_factory.mktemp("phantoms"), 12, seed=3, size=SIZE)


@pytest.fixture
def panel(desktop):
    return desktop.open_module(MODULE)


@pytest.fixture
def filled(desktop, panel, phantoms, tmp_path):
    """The panel with an open project of labelled radiographs; the first three have predictions too."""
    with Project.create(tmp_path / "project") as project:
        take_in(project, [phantoms[0].path.parent])
        for phantom in phantoms:
            project.save(phantom.findings)
        for phantom in phantoms[:3]:
            prediction = phantom.findings.each(lambda o: o.derived(MODEL, score=0.9))
            project.save(type(prediction)(phantom.uid, prediction.shape, MODEL, prediction.objects))
    desktop.answer(path=tmp_path / "project")
    panel.ui.openProjectButton.click()
    return panel


def row_of(panel, uid: str) -> int:
    return [row.uid for row in panel.desk.browse.rows].index(uid)


def cell(panel, row: int, column: int) -> str:
    return panel.ui.collectionTable.item(row, column).text()


def shown_volume(host):
    return host.scene.GetNodeByID(host.slice_logic.GetSliceCompositeNode().GetBackgroundVolumeID() or "")


def test_before_a_project_is_open_only_a_project_can_be_had(panel):
    ui = panel.ui
    assert ui.newProjectButton.enabled and ui.openProjectButton.enabled
    for button in (
        ui.addFolderButton,
        ui.nextButton,
        ui.trainButton,
        ui.predictAllButton,
        ui.acceptButton,
        panel.export.own.exportButton,
    ):
        assert not button.enabled


SECTIONS = ("project", "collection", "display", "servers", "check", "enhance", "calibration")
SECTIONS += ("training", "review", "agreement", "import", "snapshots", "export", "deidentification")


def test_the_tab_key_goes_through_the_sections_from_top_to_bottom(desktop, panel, tmp_path):
    import qt

    buttons = [getattr(panel.ui, f"{section}CollapsibleButton") for section in SECTIONS]
    for button in buttons:
        button.collapsed = False
    desktop.screenshot(panel, tmp_path / "panel.png", (450, 900))
    tops = [button.geometry.top() for button in buttons]
    assert tops == sorted(tops)
    reached, place = [], buttons[0]
    while not reached or place is not buttons[0]:
        if place.focusPolicy != qt.Qt.NoFocus:
            reached += [n for n, button in enumerate(buttons) if place is button or button.isAncestorOf(place)]
        place = place.nextInFocusChain()
    assert reached == sorted(reached) and set(reached) == set(range(len(buttons)))


def test_all_sections_fit_a_narrow_panel(desktop, panel, tmp_path):
    for section in SECTIONS:
        getattr(panel.ui, f"{section}CollapsibleButton").collapsed = False
    desktop.screenshot(panel, tmp_path / "panel.png", (380, 900))
    assert panel.ui.XRayAI.minimumSizeHint.width() <= 350, "a panel of 380 pixels has a frame and a scroll bar"


def test_a_new_project_takes_a_folder_in(desktop, panel, phantoms, tmp_path):
    desktop.answer(path=tmp_path / "new")
    panel.ui.newProjectButton.click()
    assert "new" in panel.ui.projectLabel.text and panel.ui.countLabel.text == "no radiographs yet"
    (tmp_path / "heap").mkdir()
    for phantom in phantoms[:3]:
        (tmp_path / "heap" / phantom.path.name).write_bytes(phantom.path.read_bytes())
    (tmp_path / "heap" / "letter.dcm").write_text("Dear colleague")
    desktop.answer(path=tmp_path / "heap")
    panel.ui.addFolderButton.click()
    assert not panel.ui.addFolderButton.enabled and not panel.ui.scanProgressBar.isHidden()
    desktop.process_events(until=lambda: not panel.timer.active, timeout=60)
    assert panel.ui.collectionTable.rowCount == 3 and panel.ui.scanProgressBar.isHidden()
    assert panel.ui.scanLabel.text == "3 added, 1 file is no radiograph"
    panel.ui.leftOutButton.click()
    assert "letter.dcm" in desktop.messages[-1].detail
    assert errors(desktop) == []


def test_slicers_dicom_database_is_taken_in_without_its_cts(desktop, filled, real_crs):
    import pydicom.data

    before = filled.ui.collectionTable.rowCount
    desktop.add_dicom(*real_crs, pydicom.data.get_testdata_file("CT_small.dcm"))
    filled.ui.addDatabaseButton.click()
    desktop.process_events(until=lambda: not filled.timer.active, timeout=60)
    assert filled.ui.collectionTable.rowCount == before + 3
    assert errors(desktop) == []


def test_a_click_on_a_row_shows_the_radiograph_upright_and_alone(desktop, filled, phantoms):
    import slicer

    filled.ui.collectionTable.setCurrentCell(row_of(filled, phantoms[4].uid), 0)
    node = shown_volume(desktop.host)
    assert node is not None and node.GetImageData().GetDimensions()[:2] == phantoms[4].findings.shape[::-1]
    assert desktop.host.layout_node.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
    to_ras = desktop.host.slice_node.GetSliceToRAS()
    # The view's x goes to the patient's left, its y up: column 0 is on the viewer's left, row 0 on top.
    assert to_ras.GetElement(0, 0) < 0 and to_ras.GetElement(1, 1) > 0
    filled.ui.nextButton.click()
    filled.ui.previousButton.click()
    filled.ui.nextButton.click()
    assert desktop.host.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    assert filled.ui.countLabel.text == f"{row_of(filled, filled.desk.browse.current.uid) + 1} of 12 radiographs"
    assert filled.ui.collectionTable.currentRow() == row_of(filled, filled.desk.browse.current.uid)


def test_the_filter_leaves_matching_rows(desktop, filled):
    patient = cell(filled, 0, 0)
    filled.ui.filterSearchBox.text = patient
    rows = filled.ui.collectionTable.rowCount
    assert 0 < rows < 12 and {cell(filled, n, 0) for n in range(rows)} == {patient}
    filled.ui.filterSearchBox.text = "nonsense"
    assert filled.ui.collectionTable.rowCount == 0 and not filled.ui.nextButton.enabled
    filled.refresh()
    # Training, prediction and export take the whole collection, whatever is filtered away.
    assert filled.ui.trainButton.enabled and filled.export.own.exportButton.enabled
    assert filled.ui.countLabel.text == "no radiograph matches"


def test_a_tall_panel_shows_more_rows(desktop, filled, tmp_path):
    table = filled.ui.collectionTable
    desktop.screenshot(filled, tmp_path / "short.png", (450, 900))
    before = table.height
    desktop.screenshot(filled, tmp_path / "tall.png", (450, 1200))
    assert table.height >= before + 250


def test_next_tells_which_file_it_passed_over(desktop, filled, tmp_path):
    browse = filled.desk.browse
    gone = Path(browse.project.header(browse.rows[1].uid).path)
    filled.ui.collectionTable.setCurrentCell(0, 0)
    gone.rename(tmp_path / "elsewhere")
    try:
        filled.ui.nextButton.click()
        assert filled.ui.countLabel.text == "3 of 12 radiographs" and gone.name in filled.ui.scanLabel.text
        filled.ui.nextButton.click()
        assert filled.ui.scanLabel.text == ""
    finally:
        (tmp_path / "elsewhere").rename(gone)
    assert errors(desktop) == []


def test_coming_back_to_an_image_that_is_gone_is_told_and_the_panel_goes_on(desktop, filled, tmp_path):
    filled.ui.collectionTable.setCurrentCell(0, 0)
    gone = Path(filled.desk.browse.current.header.path)
    filled.parent.exit()
    gone.rename(tmp_path / "elsewhere")
    try:
        filled.parent.enter()
    finally:
        (tmp_path / "elsewhere").rename(gone)
    assert len(errors(desktop)) == 1 and gone.name in errors(desktop)[0]
    filled.ui.nextButton.click()
    assert filled.ui.countLabel.text == "2 of 12 radiographs" and len(errors(desktop)) == 1


def test_an_empty_dicom_database_is_said_to_be_one(desktop, filled):
    filled.ui.addDatabaseButton.click()
    assert "holds no radiographs" in errors(desktop)[-1]


def test_a_prior_stands_beside(desktop, filled):
    import slicer

    browse = filled.desk.browse
    host = desktop.host
    yellow = slicer.vtkMRMLSliceLogic()
    yellow.SetMRMLApplicationLogic(host.application_logic)
    host.application_logic.GetSliceLogics().AddItem(yellow)
    yellow.SetMRMLScene(host.scene)
    yellow.AddSliceNode("Yellow")
    try:
        later = next(row for row in browse.rows if browse.project.priors(row.uid))
        filled.ui.collectionTable.setCurrentCell(row_of(filled, later.uid), 0)
        assert filled.ui.priorComboBox.enabled
        filled.ui.priorComboBox.setCurrentIndex(1)
        assert browse.prior.header.patient_id == later.patient
        shown = host.scene.GetNodeByID(yellow.GetSliceCompositeNode().GetBackgroundVolumeID())
        assert shown.GetName().startswith("Prior")
        # The layout gives the view its shape only afterwards; nothing of the image may lie outside then.
        yellow.ResizeSliceNode(50, 400)
        desktop.process_events()
        bounds = [0.0] * 6
        shown.GetRASBounds(bounds)
        assert yellow.GetSliceNode().GetFieldOfView()[0] >= bounds[1] - bounds[0]
        filled.ui.priorComboBox.setCurrentIndex(0)
        assert browse.prior is None
        assert host.layout_node.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView
    finally:
        host.application_logic.GetSliceLogics().RemoveItem(yellow)
        yellow.SetMRMLScene(None)


def test_overlays_follow_the_check_box_and_the_slider(desktop, filled, phantoms):
    from XRayAILib.scene import layers

    filled.ui.collectionTable.setCurrentCell(row_of(filled, phantoms[0].uid), 0)
    prediction = layers.find_layer(desktop.host, shown_volume(desktop.host), "Prediction")
    display = prediction.segmentation.GetDisplayNode()
    filled.ui.opacitySlider.value = 0.8
    assert display.GetOpacity2DFill() == pytest.approx(0.8)
    filled.ui.overlaysCheckBox.click()
    assert not display.GetVisibility()
    filled.ui.nextButton.click()
    filled.ui.overlaysCheckBox.click()
    assert filled.parameters.overlaysVisible


def test_accept_and_reject(desktop, filled, phantoms):
    ui, project = filled.ui, filled.desk.browse.project
    ui.collectionTable.setCurrentCell(row_of(filled, phantoms[0].uid), 0)
    ui.acceptButton.click()
    assert cell(filled, row_of(filled, phantoms[0].uid), 3) == "approved" and not ui.acceptButton.enabled
    assert ui.predictionLabel.text.startswith("Accepted ")
    ui.collectionTable.setCurrentCell(row_of(filled, phantoms[1].uid), 0)
    ui.rejectButton.click()
    assert {o.status for o in project.prediction(phantoms[1].uid)} == {Status.REJECTED}
    assert not ui.rejectButton.enabled and errors(desktop) == []


def test_a_training_says_what_it_will_do_shows_its_progress_and_can_be_stopped(desktop, filled):
    import slicer

    ui, layout = filled.ui, desktop.host.layout_node
    ui.trainingCollapsibleButton.collapsed = False
    labels = [ui.labelsListWidget.item(n).text() for n in range(ui.labelsListWidget.count)]
    assert any(text.startswith("Heart   12 images") for text in labels)
    desktop.process_events(until=lambda: "looking" not in ui.expectedLabel.text, timeout=120)
    assert "at most 20 min" in ui.expectedLabel.text
    ui.deviceComboBox.setCurrentIndex(1)
    assert filled.parameters.device.value == "cpu"
    ui.trainButton.click()
    assert not ui.trainButton.enabled
    desktop.process_events(until=lambda: filled.training.running or errors(desktop), timeout=120)
    assert not ui.trainButton.enabled and ui.curveCheckBox.checked
    assert layout.IsLayoutDescription(layout.GetViewArrangement())
    desktop.process_events(until=lambda: "Epoch" in ui.trainingLabel.text or errors(desktop), timeout=240)
    assert "left" in ui.trainingLabel.text and "about" in ui.expectedLabel.text
    ui.trainingStopButton.click()
    desktop.process_events(until=lambda: not filled.training.running, timeout=120)
    assert ui.trainingLabel.text == "Stopped." and ui.trainButton.enabled and errors(desktop) == []
    desktop.process_events(until=lambda: "looking" not in ui.expectedLabel.text, timeout=120)
    stopped = filled.training.training.stopped(filled.desk.browse.project)
    assert stopped is not None and stopped.folder == filled.training.training.work.job.folder
    ui.curveCheckBox.click()
    assert layout.GetViewArrangement() == slicer.vtkMRMLLayoutNode.SlicerLayoutOneUpRedSliceView


def test_nothing_is_looked_at_any_more_when_training_is_folded_before_its_device_is_known(desktop, filled):
    filled.ui.trainingCollapsibleButton.collapsed = False
    assert filled.training.question.asking and filled.timer.active
    filled.ui.trainingCollapsibleButton.collapsed = True
    desktop.process_events(until=lambda: not filled.timer.active, timeout=60)
    assert not filled.training.question.asking


def test_the_learning_curve_grows_in_a_chart(desktop, panel):
    curve = panel.training.curve
    curve.update({"loss/train": [(1, 0.9)]})
    curve.update({"loss/train": [(1, 0.9), (2, 0.5)], "dice/validation": [(2, 0.7)]})
    series = [curve.chart_node.GetNthPlotSeriesNode(n) for n in range(curve.chart_node.GetNumberOfPlotSeriesNodes())]
    assert [node.GetName() for node in series] == ["Loss, train", "Dice, validation"]
    loss = series[0].GetTableNode().GetTable()
    assert [loss.GetValueByName(n, "Value").ToDouble() for n in range(loss.GetNumberOfRows())] == [0.9, 0.5]
    curve.clear()
    for kind in ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTableNode"):
        assert desktop.host.scene.GetNumberOfNodesByClass(kind) == 0


def test_without_a_ticked_label_no_training_starts(desktop, filled):
    import qt

    filled.ui.trainingCollapsibleButton.collapsed = False
    for n in range(filled.ui.labelsListWidget.count):
        filled.ui.labelsListWidget.item(n).setCheckState(qt.Qt.Unchecked)
    filled.ui.trainButton.click()
    assert "tick at least one" in errors(desktop)[-1] and not filled.training.running


def test_an_export_says_where_it_lies(desktop, filled):
    filled.export.own.exportButton.click()
    desktop.process_events(until=lambda: not filled.timer.active, timeout=120)
    assert filled.export.own.exportLabel.text.startswith("Exported 12 images with ")
    assert (filled.export.export.folder / "annotations.json").exists()
    filled.export.own.exportFolderButton.click()
    assert desktop.messages[-1].kind == "url" and errors(desktop) == []


def test_an_export_says_what_is_lost_before_it_starts(desktop, filled):
    own, section = filled.export.own, filled.export
    own.exportFormatComboBox.setCurrentIndex([form.name for form in section.formats].index("yolo-detect"))
    assert [own.exportImagesComboBox.itemText(i) for i in range(3)][2] == "no pictures"
    desktop.answer(yes=False)
    own.exportButton.click()
    question = desktop.messages[-1].text
    assert "masks become boxes" in question and "Export all the same?" in question
    assert not section.running and section.export.folder is None

    own.exportImagesComboBox.setCurrentIndex(2)
    own.exportReaderComboBox.setCurrentIndex(own.exportReaderComboBox.findData(MODEL.key))
    desktop.answer(yes=True)
    own.exportButton.click()
    desktop.process_events(until=lambda: not filled.timer.active, timeout=120)
    assert own.exportLabel.text.startswith("Exported 3 images with "), errors(desktop)
    assert len(list((section.export.folder / "labels").rglob("*.txt"))) == 3
    assert not (section.export.folder / "images").exists()


def test_a_folder_that_is_no_project_is_named(desktop, panel, tmp_path):
    desktop.answer(path=tmp_path)
    panel.ui.openProjectButton.click()
    assert str(tmp_path) in errors(desktop)[-1] and "Create one there" in errors(desktop)[-1]


def test_leaving_the_module_restores_what_it_changed_and_coming_back_shows_the_image_again(desktop, filled, phantoms):
    import slicer

    annotations = slicer.modules.DataProbeInstance.infoWidget.sliceAnnotations
    assert not annotations.sliceViewAnnotationsEnabled
    filled.ui.collectionTable.setCurrentCell(3, 0)
    node = shown_volume(desktop.host)
    filled.parent.exit()
    assert annotations.sliceViewAnnotationsEnabled and filled.parameters is None
    desktop.host.slice_logic.GetSliceCompositeNode().SetBackgroundVolumeID(None)
    filled.parent.enter()
    assert shown_volume(desktop.host) is node and filled.parameters is not None


def test_a_prediction_that_ends_in_another_module_is_not_laid_over_what_is_drawn_there(desktop, filled, phantoms):
    from XRayAILib.scene import layers

    filled.ui.collectionTable.setCurrentCell(row_of(filled, phantoms[0].uid), 0)
    filled.exit()
    for nodes in layers.layers(desktop.host):
        layers.remove(desktop.host, nodes)
    filled.review.ended()
    assert layers.layers(desktop.host) == []
    filled.enter()
    assert {nodes.name for nodes in layers.layers(desktop.host)} == {"Reference", "Prediction"}


def test_what_was_drawn_elsewhere_is_there_after_coming_back(desktop, filled, phantoms):
    from XRayAILib.scene import layers

    filled.ui.collectionTable.setCurrentCell(row_of(filled, phantoms[5].uid), 0)
    filled.parent.exit()
    # As the module X-Ray AI Annotate leaves the desk: another image is looked at, and somebody said something of it.
    browse = filled.desk.browse
    browse.current = browse.project.image(phantoms[7].uid)
    filled.parent.enter()
    assert layers.find_layer(desktop.host, shown_volume(desktop.host), "Reference") is not None
    assert filled.ui.collectionTable.currentRow() == row_of(filled, phantoms[7].uid)


def test_without_slicers_pytorch_extension_it_is_offered_and_a_no_is_respected(desktop, filled, monkeypatch):
    import slicer.packaging

    there = slicer.packaging.pip_check
    monkeypatch.setattr(slicer.packaging, "pip_check", lambda req: not str(req).startswith("torch>") and there(req))
    filled.ui.trainingCollapsibleButton.collapsed = False
    desktop.answer(yes=False)
    filled.ui.trainButton.click()
    assert any("PyTorch extension" in m.text for m in desktop.messages if m.kind in ("question", "info"))
    assert "The Extensions Manager has it" in errors(desktop)[-1] and not filled.training.running


def test_closing_the_scene_leaves_the_project_open(desktop, filled):
    filled.ui.collectionTable.setCurrentCell(3, 0)
    desktop.host.clear()
    assert filled.desk.browse.current is None and filled.desk.browse.is_open
    filled.ui.nextButton.click()
    assert shown_volume(desktop.host) is not None and errors(desktop) == []


def test_the_last_project_is_open_again(desktop, filled):
    name = filled.ui.projectLabel.text
    desktop.close(filled)
    again = desktop.open_module(MODULE)
    assert again.ui.projectLabel.text == name and again.ui.collectionTable.rowCount == 12


def test_the_panel_uses_only_names_that_slicer_has():
    import desktop_double

    sources = [MODULE, *sorted((MODULE.parent / "XRayAIPanel").glob("*.py"))]
    assert {path.name: desktop_double.check_names(path) for path in sources} == {path.name: [] for path in sources}


def test_no_key_of_a_panel_is_one_of_slicers_own():
    from xml.etree import ElementTree

    # Qt obeys neither of two shortcuts on one key. These change the module (qSlicerModuleSelectorToolBar: Ctrl, and
    # Qt's standard keys Back and Forward) or are in the menus of the main window.
    own = {
        "Ctrl+Left",
        "Ctrl+Right",
        "Alt+Left",
        "Alt+Right",
        "Back",
        "Forward",
        "Ctrl+F",
        "Ctrl+H",
        "Ctrl+O",
        "Ctrl+S",
    }
    own |= {"Ctrl+W", "Ctrl+X", "Ctrl+C", "Ctrl+V", "Ctrl+Z", "Ctrl+Y", "Alt+F", "Alt+E", "Alt+V", "Alt+H"}
    keys = {}
    for module in ("XRayAI", "XRayAIAnnotate"):
        root = ElementTree.parse(MODULE.parents[1] / module / "Resources" / "UI" / f"{module}.ui").getroot()
        keys[module] = {found.findtext("string") for found in root.iter("property") if found.get("name") == "shortcut"}
    assert keys["XRayAI"] == {"Alt+P", "Alt+N"} and keys["XRayAIAnnotate"] > {"Alt+P", "Alt+N", "Alt+S"}
    assert not own & (keys["XRayAI"] | keys["XRayAIAnnotate"])
