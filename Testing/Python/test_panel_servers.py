"""The section Servers of the panel, driven by clicks, against a real Orthanc."""

from __future__ import annotations

from pathlib import Path

import keyring
import keyring.backends.fail
import pytest

import orthanc
from pacs_content import LARGE_COUNT
from panel_cases import errors
from XRayAILib.dicom.servers import Servers
from XRayAILib.project.project import Project

MODULE = Path(__file__).resolve().parents[2] / "XRayAI" / "XRayAI.py"


@pytest.fixture
def panel(desktop, tmp_path, monkeypatch):
    """The panel with an open project, its section Servers unfolded, and a list of servers of this test alone."""
    monkeypatch.setenv("XRAYAI_CONFIG", str(tmp_path / "config"))
    panel = desktop.open_module(MODULE)
    Project.create(tmp_path / "project").close()
    desktop.answer(path=tmp_path / "project")
    panel.ui.openProjectButton.click()
    panel.ui.serversCollapsibleButton.collapsed = False
    return panel


@pytest.fixture
def widgets(panel):
    return panel.servers.own


@pytest.fixture
def added(panel, widgets, pacs):
    """The panel with the PACS of the tests, added by hand."""
    widgets.addServerButton.click()
    widgets.nameLineEdit.text = "test-web"
    widgets.urlLineEdit.text = pacs.web.url
    widgets.loginComboBox.setCurrentIndex(1)
    widgets.userLineEdit.text = orthanc.USER
    widgets.saveServerButton.click()
    assert not panel.servers.form.is_open
    return panel


def shown(widget) -> bool:
    return not widget.isHidden()


def wait(desktop, panel) -> None:
    desktop.process_events(until=lambda: not panel.timer.active, timeout=60)


def test_without_a_server_only_one_can_be_added(panel, widgets):
    assert widgets.addServerButton.enabled and "add one" in widgets.serverComboBox.currentText
    for button in (
        widgets.editServerButton,
        widgets.removeServerButton,
        widgets.checkServerButton,
        widgets.passwordButton,
        widgets.searchButton,
        widgets.retrieveButton,
    ):
        assert not button.enabled


def test_the_form_shows_what_belongs_to_the_kind_and_names_what_is_wrong(desktop, panel, widgets, tmp_path):
    widgets.addServerButton.click()
    assert panel.servers.form.is_open
    assert shown(widgets.urlLineEdit) and not shown(widgets.hostLineEdit) and not shown(widgets.calledTitleLabel)
    widgets.saveServerButton.click()
    assert "Name: 1 to 32" in widgets.problemsLabel.text and "URL: http" in widgets.problemsLabel.text
    widgets.nameLineEdit.text = "peer"
    widgets.kindComboBox.setCurrentIndex(1)
    assert shown(widgets.hostLineEdit) and not shown(widgets.urlLineEdit)
    widgets.hostLineEdit.text, widgets.calledLineEdit.text = "pacs.example.org", "PACS"
    widgets.tlsCheckBox.checked = True
    widgets.saveServerButton.click()
    assert errors(desktop) == [] and not panel.servers.form.is_open
    (server,) = Servers(tmp_path / "config")
    assert (server.address, server.own_ae) == ("PACS@pacs.example.org:104 (TLS)", "XRAYAI")
    widgets.editServerButton.click()
    assert widgets.nameLineEdit.text == "peer" and not widgets.nameLineEdit.enabled
    widgets.portSpinBox.value = 11112
    widgets.saveServerButton.click()
    assert Servers(tmp_path / "config")["peer"].port == 11112
    desktop.answer(yes=True)
    widgets.removeServerButton.click()
    assert len(Servers(tmp_path / "config")) == 0 and "add one" in widgets.serverComboBox.currentText


def test_check_search_and_retrieve(desktop, added, widgets):
    widgets.checkServerButton.click()
    assert not widgets.searchButton.enabled and shown(widgets.askingProgressBar)
    wait(desktop, added)
    assert widgets.askingLabel.text.startswith("It answers (QIDO-RS)") and errors(desktop) == []
    widgets.patientNameSearchEdit.text, widgets.dateFromSearchEdit.text = "large", "2024-01-01"
    widgets.patientNameSearchEdit.returnPressed.emit()
    wait(desktop, added)
    assert widgets.askingLabel.text == "1 study found."
    cells = [widgets.studiesTable.item(0, column).text() for column in range(5)]
    assert cells == ["Large Study", "2024-02-03", "CR", str(LARGE_COUNT), "Chest and hand"]
    assert not widgets.retrieveButton.enabled
    widgets.studiesTable.selectRow(0)
    widgets.retrieveButton.click()
    assert shown(widgets.retrieveProgressBar) and shown(widgets.retrieveStopButton)
    wait(desktop, added)
    assert widgets.retrieveLabel.text.startswith(f"{LARGE_COUNT} retrieved") and errors(desktop) == []
    assert added.ui.collectionTable.rowCount == LARGE_COUNT and not shown(widgets.notRetrievedButton)
    widgets.studiesTable.selectRow(0)
    widgets.retrieveButton.click()
    wait(desktop, added)
    assert widgets.retrieveLabel.text.startswith(f"0 retrieved, {LARGE_COUNT} there already")


def test_what_goes_wrong_is_said(desktop, added, widgets, monkeypatch):
    monkeypatch.setenv("XRAYAI_TEST_WEB_PASSWORD", "wrong")
    widgets.checkServerButton.click()
    wait(desktop, added)
    assert "refuses the login (401)" in errors(desktop)[-1]
    assert widgets.askingLabel.text.startswith("Failed: ") and "401" in widgets.askingLabel.text
    widgets.dateFromSearchEdit.text = "yesterday"
    widgets.searchButton.click()
    assert "is no date" in errors(desktop)[-1] and widgets.searchButton.enabled


def test_a_password_is_asked_for_unseen_and_goes_to_the_keyring(desktop, added, widgets):
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    try:
        desktop.answer(text="")
        widgets.passwordButton.click()
        assert errors(desktop) == [], "nothing entered, nothing done"
        desktop.answer(text="entered here")
        widgets.passwordButton.click()
    finally:
        keyring.set_keyring(before)
    assert "XRAYAI_TEST_WEB_PASSWORD" in errors(desktop)[-1], "a machine without a keyring"
    assert all("entered here" not in message.text + message.detail for message in desktop.messages)


def test_a_search_can_be_stopped(desktop, added, widgets):
    widgets.searchButton.click()
    widgets.askingStopButton.click()
    widgets.askingStopButton.click()
    wait(desktop, added)
    assert widgets.askingLabel.text in ("Stopped.", "3 studies found.") and widgets.searchButton.enabled


def test_the_section_is_as_wide_as_the_others(desktop, added, widgets, tmp_path):
    widgets.searchButton.click()
    wait(desktop, added)
    for other in ("project", "collection", "review"):
        getattr(added.ui, f"{other}CollapsibleButton").collapsed = True
    narrow = added.ui.serversCollapsibleButton.minimumSizeHint().width()
    assert narrow <= 440, f"it needs {narrow} pixels"
    desktop.screenshot(added, tmp_path / "servers.png", (450, 800))
    widgets.editServerButton.click()
    desktop.screenshot(added, tmp_path / "form.png", (450, 1000))
