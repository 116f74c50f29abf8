"""The case bar, the list of cases, history and comments of the annotation panel, driven as a person does."""

from __future__ import annotations

import pytest

from annotate_clicks import ANNA, click_cell, click_label, errors
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box
from XRayAILib.project.project import Project

pytest_plugins = ["annotate_desk"]


def draw_box(panel, mouse, *corners):
    click_label(panel, "Nodule")
    mouse.click(*(corners or ((60, 40), (100, 80))))
    panel.onTick()


def texts(table, column=0):
    return [table.item(row, column).text() for row in range(table.rowCount)]


def choose(box, text):
    """What a person does who picks an entry: the box has it, with its count behind."""
    index = next(n for n in range(box.count) if box.itemText(n).startswith(text))
    box.setCurrentIndex(index)


@pytest.fixture
def cases(panel):
    """The widgets of the list of cases, unfolded."""
    panel.ui.casesCollapsibleButton.collapsed = False
    return next(part.own for part in panel.parts if hasattr(part.own, "casesTable"))


@pytest.fixture
def history(panel):
    """The widgets of the history, unfolded."""
    panel.ui.historyCollapsibleButton.collapsed = False
    return next(part.own for part in panel.parts if hasattr(part.own, "historyTable"))


def test_save_and_next_next_unlabelled_and_back(slicer_with_modules, panel, mouse):
    ui = panel.ui
    assert not ui.backButton.enabled
    ui.saveNextButton.click()
    assert ui.caseLabel.text == "Image 2 of 3" and ui.backButton.enabled
    draw_box(panel, mouse)
    ui.unlabelledButton.click()
    assert ui.caseLabel.text == "Image 3 of 3"
    ui.saveNextButton.click()
    assert ui.caseLabel.text == "Image 3 of 3" and "last image" in ui.messageLabel.text
    ui.unlabelledButton.click()
    assert "every image" in ui.messageLabel.text
    ui.backButton.click()
    assert ui.caseLabel.text == "Image 2 of 3" and ui.objectsTable.rowCount == 1
    ui.backButton.click()
    assert ui.caseLabel.text == "Image 1 of 3" and not ui.backButton.enabled
    assert errors(slicer_with_modules) == []


def test_the_list_shows_how_far_the_reader_is_and_goes_where_one_clicks(slicer_with_modules, panel, mouse, cases):
    table = cases.casesTable
    assert texts(table, 3) == ["unlabelled"] * 3 and table.currentRow() == 0
    draw_box(panel, mouse)
    panel.ui.saveButton.click()
    assert texts(table, 3) == ["draft", "unlabelled", "unlabelled"]
    click_cell(table, 2)
    assert panel.ui.caseLabel.text == "Image 3 of 3" and table.currentRow() == 2
    assert errors(slicer_with_modules) == []


def test_filters_narrow_the_list_and_the_way_through_it(panel, mouse, cases):
    draw_box(panel, mouse)
    panel.ui.nextButton.click()
    second = panel.sitting.session.uid
    cases.casesSearchLineEdit.text = "no such thing"
    assert cases.casesTable.rowCount == 0 and cases.casesCountLabel.text == "0 cases"
    assert panel.ui.caseLabel.text == "Not among the 0 images of the list" and not panel.ui.nextButton.enabled
    cases.casesSearchLineEdit.text = ""
    choose(cases.ownStatusComboBox, "draft")
    assert cases.casesTable.rowCount == 1 and panel.sitting.session.uid == second
    cases.casesSearchLineEdit.returnPressed.emit()
    assert panel.ui.caseLabel.text == "Image 1 of 1" and panel.ui.objectsTable.rowCount == 1
    panel.ui.backButton.click()
    assert panel.sitting.session.uid == second
    choose(cases.ownStatusComboBox, "All")
    assert cases.casesTable.rowCount == 3 and panel.ui.caseLabel.text == "Image 2 of 3"


def test_two_programs_at_one_image_the_second_is_asked(slicer_with_modules, panel, mouse):
    session, ui = panel.sitting.session, panel.ui
    uid = session.uid
    with Project.open(session.project.folder) as elsewhere:
        theirs = Box(label="nodule", author=ANNA, x0=1, y0=1, x1=9, y1=9)
        elsewhere.save(Findings(uid, session.findings.shape, ANNA, (theirs,)))
    draw_box(panel, mouse)
    assert ui.conflictFrame.isHidden()
    ui.nextButton.click()
    assert "Another program saved" in errors(slicer_with_modules)[0]
    assert ui.caseLabel.text == "Image 1 of 3" and ui.stateLabel.text.endswith("two versions")
    assert not ui.conflictFrame.isHidden()
    ui.mergeButton.click()
    assert ui.conflictFrame.isHidden() and ui.objectsTable.rowCount == 2
    assert {box.id for box in session.project.findings(uid, ANNA.key).of(Box)} >= {theirs.id}
    ui.nextButton.click()
    assert ui.caseLabel.text == "Image 2 of 3"


def test_history_in_words_the_difference_over_the_image_and_back(
    slicer_with_modules, desktop_host, panel, mouse, history
):
    from XRayAILib.scene import layers

    draw_box(panel, mouse)
    panel.ui.saveButton.click()
    (box,) = panel.sitting.session.findings.of(Box)
    panel.sitting.session.show_drawn(panel.sitting.session.drawn().with_objects([box.changed(x1=150.0)]), 1.0)
    panel.ui.saveButton.click()
    table = history.historyTable
    assert texts(table) == ["Nodule moved", "Nodule added", "Heart added"]
    assert texts(table, 1) == ["anna", "anna", "lungs"]
    click_cell(table, 0)
    history.differenceButton.click()
    shown = layers.find_layer(desktop_host, panel.sitting.nodes.volume, "Difference")
    assert len(shown.shapes) == 2 and "Nodule moved" in history.differenceLabel.text
    click_cell(table, 1)
    choose(history.compareComboBox, "with what is drawn now")
    assert "Nodule moved" in history.differenceLabel.text
    history.restoreButton.click()
    assert layers.find_layer(desktop_host, panel.sitting.nodes.volume, "Difference") is None
    assert panel.sitting.session.findings.of(Box) == [box]
    assert texts(table)[0].startswith("restored revision") and table.rowCount == 4
    click_cell(table, 1)
    history.restoreButton.click()
    assert panel.sitting.session.findings.of(Box)[0].x1 == 150.0
    assert errors(slicer_with_modules) == []


def test_comments_on_the_image_and_on_an_object(slicer_with_modules, panel, mouse, history):
    draw_box(panel, mouse)
    panel.ui.saveButton.click()
    click_cell(panel.ui.objectsTable, 0)
    panel.onTick()
    assert history.commentButton.text == "Comment on Nodule" and not history.commentButton.enabled
    history.commentLineEdit.text = "A nipple shadow?"
    history.commentButton.click()
    assert history.commentLineEdit.text == ""
    table = history.commentsTable
    assert [table.item(0, column).text() for column in range(3)] == ["A nipple shadow?", "Nodule", "open"]
    session = panel.sitting.session
    session.project.comments.reply(
        session.project.comments.threads()[0].id, "No, look at the prior", Author.person("ben")
    )
    panel.showState()
    click_cell(table, 0)
    assert history.talkLabel.text.splitlines()[1].endswith("No, look at the prior")
    history.resolveButton.click()
    assert table.item(0, 2).text() == "resolved" and history.resolveButton.text == "Open again"
    assert errors(slicer_with_modules) == []


def test_window_and_zoom_come_back_with_the_image_and_for_its_view(panel, desktop_host):
    display = panel.sitting.canvas.volume_node.GetDisplayNode()
    own = (display.GetWindow(), display.GetLevel())
    whole = desktop_host.slice_node.GetFieldOfView()[0]
    display.SetWindowLevel(own[0] / 2, own[1])
    desktop_host.slice_node.SetFieldOfView(whole / 2, whole / 2, 1.0)
    panel.ui.nextButton.click()
    panel.ui.previousButton.click()
    display = panel.sitting.canvas.volume_node.GetDisplayNode()
    assert display.GetWindow() == pytest.approx(own[0] / 2, rel=0.01)
    assert desktop_host.slice_node.GetFieldOfView()[0] == pytest.approx(whole / 2, rel=0.01)
    panel.ui.lookButton.click()
    assert (display.GetWindow(), display.GetLevel()) == pytest.approx(own)
    assert desktop_host.slice_node.GetFieldOfView()[0] == pytest.approx(whole, rel=0.01)


def test_the_parts_fit_into_the_panel(slicer_with_modules, panel, mouse, cases, history, tmp_path):
    draw_box(panel, mouse)
    panel.ui.saveButton.click()
    slicer_with_modules.process_events()
    assert slicer_with_modules.screenshot(panel, tmp_path / "cases.png", (460, 1800)).stat().st_size > 10_000


def test_the_cases_that_a_model_wants_labelled_next_come_first(slicer_with_modules, panel, cases):
    from XRayAILib.project.wanted import Wanted, WantedImage

    session = panel.sitting.session
    uids = [session.cases[place] for place in range(len(session.cases))]
    assert cases.wantedCheckBox.isHidden()
    Wanted((WantedImage(uids[2], "uncertainty 0.40", 0.4),)).write(session.project.folder)
    panel.ui.casesCollapsibleButton.collapsed = True
    panel.ui.casesCollapsibleButton.collapsed = False
    assert not cases.wantedCheckBox.isHidden()
    cases.wantedCheckBox.setChecked(True)
    assert [session.cases[place] for place in range(3)] == [uids[2], *uids[:2]]
    click_cell(cases.casesTable, 0)
    assert session.image.uid == uids[2] and panel.ui.caseLabel.text == "Image 1 of 3"
    cases.wantedCheckBox.setChecked(False)
    assert panel.ui.caseLabel.text == "Image 3 of 3"
    (session.project.folder / "next.json").write_text("{")
    cases.wantedCheckBox.setChecked(True)
    assert "cannot be read" in errors(slicer_with_modules)[-1] and not cases.wantedCheckBox.checked
    assert [session.cases[place] for place in range(3)] == uids
