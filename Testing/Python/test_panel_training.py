"""The part of the panel "X-Ray AI" in which models of all tasks are trained, measured and put to use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image as Picture

import detection_cases
from learning_cases import make_project
from panel_cases import MODULE, errors, open_copy
from XRayAILib.dicom.child import library_environment
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.objects import Box, ImageLabel, Landmark, Mask
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.advanced import changes_of
from XRayAILib.workflow.evaluation.run import page_path
from XRayAILib.workflow.expected import expected_text
from XRayAILib.workflow.job import CANCEL, EVENTS, Job
from XRayAILib.workflow.question import Question, ReadinessQuestion
from XRayAILib.workflow.start_choice import start_choices
from XRayAILib.workflow.training import Training, curve_title

MODEL = Author.model("everything", "0" * 64)
TITLES = ["Segmentation", "Detection", "Classification", "Landmarks"]


@pytest.fixture(scope="module")
def collection(tmp_path_factory) -> Path:
    """A project whose images have labels of every kind."""
    folder = tmp_path_factory.mktemp("collection")
    phantoms = make_phantoms(folder / "phantoms", 12, seed=3, size=(128, 112))
    with Project.create(folder / "project") as project:
        take_in(project, [phantoms[0].path.parent])
        for phantom in phantoms:
            project.save(phantom.findings)
    return folder / "project"


@pytest.fixture
def panel(desktop, collection, tmp_path):
    return open_copy(desktop, collection, tmp_path / "project", "training")


def choose(panel, title: str) -> None:
    panel.ui.taskComboBox.setCurrentIndex(panel.ui.taskComboBox.findText(title))


def wait_for_prospect(desktop, panel) -> str:
    desktop.process_events(until=lambda: not panel.training.readiness.asking, timeout=120)
    desktop.process_events(until=lambda: "Looking" not in panel.ui.readinessLabel.text, timeout=30)
    return panel.ui.readinessLabel.text


def test_every_task_offers_its_labels_with_counts_and_what_its_preset_says(desktop, panel):
    ui = panel.ui
    assert [ui.taskComboBox.itemText(n) for n in range(ui.taskComboBox.count)] == TITLES
    assert ui.taskComboBox.currentText == "Segmentation" and ui.advancedGroupBox.collapsed
    offered = {}
    for title in TITLES:
        choose(panel, title)
        items = [ui.labelsListWidget.item(n).text() for n in range(ui.labelsListWidget.count)]
        offered[title] = {text.rpartition("   ")[0]: text.rpartition("   ")[2] for text in items}
    assert offered["Segmentation"]["Heart"] == "12 images" and offered["Segmentation"]["Opacity"] == "0 images"
    assert set(offered["Detection"]) == {"Nodule"} and set(offered["Classification"]) >= {"View", "Catheter"}
    assert offered["Landmarks"]["Carina"] == "12 images"
    assert ui.imageSizeSpinBox.value == 384 and ui.networkComboBox.findText("DynUNet") >= 0
    ui.presetComboBox.setCurrentIndex(2)
    assert ui.imageSizeSpinBox.value == 1024 and ui.networkComboBox.currentText == "DynUNet"
    assert ui.minutesSpinBox.value == 0 and ui.minutesSpinBox.text == "no limit"


def test_the_choices_become_a_configuration(desktop, panel):
    ui = panel.ui
    choose(panel, "Detection")
    ui.imageSizeSpinBox.value, ui.epochsSpinBox.value, ui.modelNameLineEdit.text = 320, 7, "nodules"
    ui.missingComboBox.setCurrentIndex(0)
    config = panel.training._configuration()
    assert (config.task, config.labels, config.size, config.epochs) == ("detection", ("nodule",), 320, 7)
    assert (config.name, config.missing, config.preset, config.network) == (
        "nodules",
        "unknown",
        "quick",
        "RetinaNet-ResNet10",
    )
    assert config.start == "" and config.minutes == 20.0
    # Another network does not get the arguments of the preset's.
    assert changes_of("segmentation", "best", {"network": "UNet"}) == {"network": "UNet", "network_arguments": {}}


def test_what_would_be_learnt_from_and_every_warning_is_read_before_it_starts(desktop, panel):
    told = wait_for_prospect(desktop, panel)
    assert told.startswith("Training part ") and "validation" in told.partition("\n")[0]
    assert "never compared with the others" in told and "Few images to learn from" in told
    choose(panel, "Classification")
    assert panel.training.readiness.asking and "Looking" in panel.ui.readinessLabel.text
    assert "no image of the training part says LL" in wait_for_prospect(desktop, panel)
    assert errors(desktop) == []


def test_everything_in_the_way_is_said_at_once_and_nothing_starts(desktop, tmp_path):
    with make_project(tmp_path / "one", patients=1, images_each=2) as project:
        for image in project.images():
            Path(image.header.path).unlink()
        folder = project.folder
    panel = open_copy(desktop, folder, tmp_path / "project", "training")
    panel.ui.modelNameLineEdit.text = "a b"
    panel.ui.modelNameLineEdit.editingFinished.emit()
    assert "'a b' is no model name" in panel.ui.readinessLabel.text
    panel.ui.modelNameLineEdit.text = ""
    panel.ui.modelNameLineEdit.editingFinished.emit()
    panel.ui.trainButton.click()
    assert not panel.ui.trainButton.enabled and "Looking" in panel.ui.trainingLabel.text
    desktop.process_events(until=lambda: errors(desktop), timeout=120)
    assert "patient" in errors(desktop)[-1] and "gone" in errors(desktop)[-1]
    assert errors(desktop)[-1].count("\n\n") >= 2 and "\u2717" in panel.ui.readinessLabel.text
    assert panel.ui.trainButton.enabled and not panel.training.running and panel.ui.trainingLabel.text == ""
    assert not panel.ui.trainedReportButton.visible


def test_a_project_with_boxes_alone_begins_with_detection(desktop, tmp_path):
    with detection_cases.make_project(tmp_path / "boxes", patients=3) as project:
        folder = project.folder
    panel = open_copy(desktop, folder, tmp_path / "project", "training")
    assert panel.ui.taskComboBox.currentText == "Detection"
    choose(panel, "Landmarks")
    assert "No image has landmarks to learn from" in panel.ui.readinessLabel.text


def test_looking_at_the_labels_loads_no_pytorch(collection):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from XRayAILib.learning.config import TrainingConfig\n"
        "from XRayAILib.learning.readiness import check_training\n"
        "from XRayAILib.project.project import Project\n"
        "from XRayAILib.workflow.expected import expected_text\n"
        "from XRayAILib.workflow.learnable import learnable_tasks\n"
        "from XRayAILib.workflow.prediction import find_models\n"
        "with Project.open(Path(sys.argv[1])) as project:\n"
        "    for task in learnable_tasks():\n"
        "        config = TrainingConfig.from_preset('quick', task.name)\n"
        "        check_training(project, config, deep=False)\n"
        "        expected_text(project, config)\n"
        "    find_models(project.models_folder)\n"
        "print(sorted({'torch', 'monai', 'torchvision', 'sklearn'} & set(sys.modules)))\n"
    )
    command = [sys.executable, "-c", code, str(collection)]
    run = subprocess.run(command, env=library_environment(), capture_output=True, text=True, check=False)
    assert run.stdout.strip() == "[]", run.stderr


def test_a_child_that_says_nothing_is_no_reason_not_to_start(collection):
    with Project.open(collection) as project:
        config = Training().config(project, ["heart"], "quick", "cpu")
        question = ReadinessQuestion(sys.executable)
        question._command = [sys.executable, "-c", "raise SystemExit(1)"]
        question.ask(project.folder, config)
        question._process.wait(60)
        answer = question.answer(project.folder, config)
    assert answer.errors == () and "could not be looked at" in answer.warnings[0]


def test_a_question_ends_with_all_that_it_started(desktop):
    # In Slicer the process is a launcher, and what it launched would go on alone.
    launched = "import threading; threading.Event().wait(60)"
    launcher = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {launched!r}])"
    question = Question(sys.executable, ["-c", launcher])
    question.put("")
    parent = psutil.Process(question._process.pid)
    desktop.process_events(until=parent.children, timeout=60)
    family = parent.children(recursive=True)
    question.close()
    assert not question.asking and not psutil.wait_procs(family, timeout=30)[1]


class Played:
    """A job whose events a test writes; its process waits until it is told to end."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        self.job = Job(folder, self.process)

    def say(self, **event: object) -> None:
        with (self.folder / EVENTS).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(event) + "\n")

    def end(self) -> None:
        self.process.communicate(b"\n")


def test_while_it_runs_figures_and_the_newest_sample_are_seen(desktop, panel, tmp_path):
    ui, work = panel.ui, panel.training.training.work
    played = Played(tmp_path / "job")
    work.job = played.job
    try:
        panel.watch()
        played.say(event="plan", message="140 epochs of 10 steps: about 12 min")
        for epoch, loss, error in ((1, 0.9, 40.0), (2, 0.5, 12.5), (3, 0.4, 14.0)):
            played.say(event="metric", name="loss/train", step=epoch, value=loss)
            played.say(event="metric", name="mre/validation", step=epoch, value=error)
            played.say(event="metric", name="mre/validation/carina", step=epoch, value=error)
        played.say(event="picture", path="pictures/epoch-00003.png", kind="validation", epoch=3)
        desktop.process_events(until=lambda: "Loss" in ui.figuresLabel.text)
        assert ui.expectedLabel.text.startswith("140 epochs") and not ui.samplePictureLabel.visible
        assert ui.figuresLabel.text.startswith("Loss 0.4; Mean radial error 14.00")
        assert ui.figuresLabel.text.endswith("on the validation part, the best 12.50 (epoch 2).")
        chart = panel.training.curve.chart_node
        names = [chart.GetNthPlotSeriesNode(n).GetName() for n in range(chart.GetNumberOfPlotSeriesNodes())]
        assert names[0] == "Loss, train" and names[1].startswith("Mean radial error") and len(names) == 2
        assert chart.GetYAxisLogScale(), "losses below 1 would lie flat beneath an error of 40 pixels"
        # The picture was told of before it was there.
        (tmp_path / "job" / "pictures").mkdir()
        Picture.fromarray(np.zeros((90, 900), np.uint8)).save(tmp_path / "job" / "pictures" / "epoch-00003.png")
        panel.parent.resize(420, 900)
        panel.parent.show()
        desktop.process_events(until=lambda: not ui.samplePictureLabel.isHidden())
        desktop.process_events(until=lambda: 200 < ui.samplePictureLabel.pixmap.width() < 420)
        assert "After epoch 3" in ui.samplePictureLabel.toolTip
    finally:
        played.end()
    desktop.process_events(until=lambda: not panel.training.running)
    assert curve_title("auroc/validation") == "AUROC, validation" and curve_title("loss/train") == "Loss, train"


def test_an_evaluation_ends_with_the_panel(desktop, panel, tmp_path):
    played = Played(tmp_path / "job")
    panel.review.evaluation.work.job = played.job
    try:
        assert panel.is_working
        desktop.close(panel)
        assert panel.review.evaluation.work.stopping and (played.folder / CANCEL).exists()
    finally:
        played.end()


def test_a_report_that_no_program_opens_is_told_of(desktop, panel, monkeypatch):
    import qt

    monkeypatch.setattr(qt.QDesktopServices, "openUrl", lambda _url: False)
    page = page_path(panel.desk.browse.project, Path("points"))
    page.parent.mkdir(parents=True)
    page.write_text("<html></html>")
    panel.review.report(Path("points"))
    assert "No program" in errors(desktop)[-1] and "points-test.html" in errors(desktop)[-1]


def test_a_model_is_trained_measured_put_to_use_and_started_from_by_clicks(desktop, panel):
    ui, project = panel.ui, panel.desk.browse.project
    choose(panel, "Landmarks")
    ui.deviceComboBox.setCurrentIndex(1)
    ui.epochsSpinBox.value, ui.imageSizeSpinBox.value, ui.modelNameLineEdit.text = 1, 64, "points"
    ui.trainButton.click()
    desktop.process_events(until=lambda: panel.training.running or errors(desktop), timeout=120)
    desktop.process_events(until=lambda: not panel.training.running, timeout=240)
    told = ui.trainingLabel.text
    assert told.startswith("Model points is ready: Mean radial error ") and "on the test part of 1 image" in told
    assert "intervals of so few say little" in told, "what is to be borne in mind stands beside the figure"
    assert ui.modelComboBox.currentText.startswith("points (Mean radial error ") and ui.modelComboBox.currentIndex == 0
    assert ui.trainedCardButton.isVisibleTo(panel.parent) and not ui.modelReportButton.enabled
    ui.trainedCardButton.click()
    assert desktop.messages[-1].text.endswith("models/points/docs/README.md")

    ui.trainedReportButton.click()
    assert not ui.reviewCollapsibleButton.collapsed and not ui.evaluationProgressBar.isHidden()
    desktop.process_events(until=lambda: not panel.review.running, timeout=240)
    assert errors(desktop) == [] and ui.evaluationLabel.text.startswith("Measured on 1 image, Mean radial error ")
    assert desktop.messages[-1].text.endswith("exports/evaluation/points-test.html")
    assert ui.modelReportButton.enabled and ui.evaluateButton.enabled

    uids = [row.uid for row in panel.desk.browse.rows]
    ui.collectionTable.setCurrentCell(3, 0)
    assert not ui.acceptButton.enabled
    ui.predictButton.click()
    assert not ui.predictAllButton.enabled and not ui.predictionProgressBar.isHidden()
    desktop.process_events(until=lambda: not panel.review.running, timeout=240)
    assert ui.predictionLabel.text == "Predicted on 1 image." and errors(desktop) == []
    assert project.prediction(uids[3]).author.name == "points" and project.prediction(uids[4]) is None
    ui.nextButton.click()
    assert ui.predictionLabel.text == ""

    assert [choice.start for choice in start_choices(project)] == ["model:points"]
    assert ui.startComboBox.itemText(1).startswith("points (Mean radial error ")
    ui.startComboBox.setCurrentIndex(1)
    config = panel.training._configuration()
    assert config.start == "model:points" and config.name == "model-1"
    assert "points took " in expected_text(project, config) and "measured when it starts" in ui.expectedLabel.text


def test_findings_of_every_kind_are_shown_accepted_and_rejected(desktop, panel):
    from XRayAILib.scene import layers

    ui, project = panel.ui, panel.desk.browse.project
    rows = [row.uid for row in panel.desk.browse.rows]
    for uid in rows[:2]:
        truth = project.reference(uid)
        kinds = [next(o for o in truth if isinstance(o, kind)) for kind in (Mask, Landmark)]
        kinds.append(next(o for o in truth if isinstance(o, ImageLabel) and o.label == "view"))
        box = Box(label="nodule", author=MODEL, score=0.7, x0=10.0, y0=12.0, x1=30.0, y1=28.0)
        objects = (*(item.derived(MODEL, score=0.9) for item in kinds), box)
        project.save(type(truth)(uid, truth.shape, MODEL, objects))
    for row, (button, status) in enumerate(((ui.acceptButton, "approved"), (ui.rejectButton, "rejected"))):
        ui.collectionTable.setCurrentCell(row, 0)
        volume = desktop.host.scene.GetNodeByID(
            desktop.host.slice_logic.GetSliceCompositeNode().GetBackgroundVolumeID()
        )
        layer = layers.find_layer(desktop.host, volume, "Prediction")
        shown = layers.read_findings(desktop.host, layer, project.schema)
        assert sorted(type(o).__name__ for o in shown) == ["Box", "ImageLabel", "Landmark", "Mask"]
        assert ui.predictedAnswersLabel.text.startswith("View: ") and "(0.90)" in ui.predictedAnswersLabel.text
        button.click()
        assert layers.find_layer(desktop.host, volume, "Prediction") is None
        assert ui.predictedAnswersLabel.text == "" and errors(desktop) == []
        if status == "approved":
            mine = next(t for t in project.tracks(rows[row]) if t.author.kind.value == "person")
            assert len([o for o in mine if o.author == MODEL]) == 4
            assert {o.status for o in mine if o.author == MODEL} == {Status.APPROVED}
        else:
            assert {o.status for o in project.prediction(rows[row])} == {Status.REJECTED}


def test_the_training_part_fits_a_narrow_panel_with_everything_unfolded(desktop, panel, tmp_path):
    panel.ui.advancedGroupBox.collapsed = panel.ui.reviewCollapsibleButton.collapsed = False
    wait_for_prospect(desktop, panel)
    assert desktop.screenshot(panel, tmp_path / "panel.png", (380, 1700)).stat().st_size > 10_000
    assert panel.ui.XRayAI.minimumSizeHint.width() <= 350
    for name in ("epochsSpinBox", "networkComboBox", "taskComboBox", "evaluateButton"):
        assert getattr(panel.ui, name).height >= 18, name


def test_the_panel_of_training_uses_only_names_that_slicer_has():
    import desktop_double

    names = ("training_section", "training_settings", "sample_picture", "choice_box", "review_section")
    assert all(not desktop_double.check_names(MODULE.parent / "XRayAIPanel" / f"{name}.py") for name in names)
