"""Labels of other programs, how far readers agree, and snapshots, in the panel "X-Ray AI"."""

from __future__ import annotations

import json

import pytest

from panel_cases import errors, open_copy
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.export import export_project
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

ANNA, BEN = Author.person("anna"), Author.person("ben")


@pytest.fixture(scope="module")
def read_by_two(tmp_path_factory):
    """The folder of a project that two people read."""
    folder = tmp_path_factory.mktemp("read")
    phantoms = make_phantoms(folder / "heap", 4, seed=5, size=(128, 112))
    with Project.create(folder / "project") as project:
        take_in(project, [folder / "heap"])
        for phantom in phantoms:
            for person in (ANNA, BEN):
                objects = phantom.findings.each(lambda item, person=person: item.derived(person)).objects
                project.save(Findings(phantom.uid, phantom.findings.shape, person, objects))
    return folder / "project"


@pytest.fixture
def exported(read_by_two, tmp_path):
    """A COCO file of what Anna drew."""
    with Project.open(read_by_two) as project:
        choice = Choice(reader=ANNA.key, images="none", own_names=True)
        folder = export_project(project, "coco", choice, name=tmp_path.name).folder
    return folder / "annotations.json"


def objects(panel) -> int:
    project = panel.desk.browse.project
    return sum(len(track) for row in panel.desk.browse.rows for track in project.tracks(row.uid))


def ended(desktop, panel, section) -> str:
    desktop.process_events(until=lambda: not panel.timer.active, timeout=60)
    return section.strip._label.text


def test_labels_come_in_by_a_file(desktop, read_by_two, exported, tmp_path):
    panel = open_copy(desktop, read_by_two, tmp_path / "copy", "import")
    before, own = objects(panel), panel.importing.own
    desktop.answer(path=exported)
    own.onlyLookCheckBox.click()
    own.importFileButton.click()
    assert ended(desktop, panel, panel.importing).startswith("Would import ") and objects(panel) == before
    own.onlyLookCheckBox.click()
    own.importFileButton.click()
    assert not own.importFileButton.enabled and not own.importProgressBar.isHidden()
    said = ended(desktop, panel, panel.importing)
    # The two drew the same, so as many came in as one of them drew.
    assert said == f"{before // 2} objects of 4 images" and objects(panel) == before * 3 // 2
    assert errors(desktop) == []


def test_faults_are_told_and_nothing_is_imported_unless_it_is_wanted(desktop, read_by_two, exported, tmp_path):
    document = json.loads(exported.read_text("utf-8"))
    document["annotations"][0]["bbox"][2] = float("nan")
    document["annotations"][0]["segmentation"] = [[1.0, 2.0, float("nan")]]
    (tmp_path / "faulty.json").write_text(json.dumps(document), "utf-8")
    panel = open_copy(desktop, read_by_two, tmp_path / "copy", "import")
    before, own = objects(panel), panel.importing.own
    assert own.importReportButton.isHidden()
    desktop.answer(path=tmp_path / "faulty.json")
    own.importFileButton.click()
    said = ended(desktop, panel, panel.importing)
    assert said.startswith("Nothing imported, because 1 image is faulty") and objects(panel) == before
    own.importReportButton.click()
    assert desktop.messages[-1].detail.startswith("Faults:\nfaulty.json, annotation ")
    own.leaveOutCheckBox.click()
    own.importFileButton.click()
    assert "of 3 images, 1 image left out" in ended(desktop, panel, panel.importing) and objects(panel) > before


def test_labels_that_the_project_lacks_are_named_or_added(desktop, read_by_two, exported, tmp_path):
    document = json.loads(exported.read_text("utf-8"))
    document["categories"][0]["name"] = "stent"
    (tmp_path / "new.json").write_text(json.dumps(document), "utf-8")
    panel = open_copy(desktop, read_by_two, tmp_path / "copy", "import")
    desktop.answer(path=tmp_path / "new.json")
    panel.importing.own.importFileButton.click()
    ended(desktop, panel, panel.importing)
    assert "stent" in errors(desktop)[-1] and "stent" not in panel.desk.browse.project.schema
    panel.importing.own.extendCheckBox.click()
    panel.importing.own.importFileButton.click()
    ended(desktop, panel, panel.importing)
    assert "stent" in panel.desk.browse.project.schema and len(errors(desktop)) == 1


def test_readers_are_compared_and_their_consensus_is_kept(desktop, read_by_two, tmp_path):
    panel = open_copy(desktop, read_by_two, tmp_path / "copy", "agreement")
    own, project = panel.agreement.own, panel.desk.browse.project
    assert not own.agreementReportButton.enabled
    own.groupsComboBox.setCurrentIndex(own.groupsComboBox.findData("view"))
    own.consensusComboBox.setCurrentIndex(own.consensusComboBox.findData("majority"))
    own.compareButton.click()
    said = ended(desktop, panel, panel.agreement)
    assert said.startswith("Compared on 4 images: ") and "Consensus of 4 images" in said
    assert any(track.author.key == "consensus:majority" for track in project.tracks(panel.desk.browse.rows[0].uid))
    own.agreementReportButton.click()
    assert desktop.messages[-1].kind == "url" and panel.agreement.agreement.page.exists() and errors(desktop) == []


def test_who_still_reads_blinded_does_not_see_the_report(desktop, read_by_two, tmp_path):
    import qt

    from XRayAIPanel.desk import READER

    panel = open_copy(desktop, read_by_two, tmp_path / "copy", "agreement")
    project = panel.desk.browse.project
    project.readers.add("anna")
    qt.QSettings().setValue(READER, "anna")
    panel.agreement.own.compareButton.click()
    assert "still may not see" in errors(desktop)[-1] and not panel.agreement.running
    project.readers.set_roles("anna", ["reader", "adjudicator"])
    panel.agreement.own.compareButton.click()
    assert panel.agreement.running
    ended(desktop, panel, panel.agreement)


def test_a_snapshot_is_kept_and_listed(desktop, read_by_two, tmp_path):
    panel = open_copy(desktop, read_by_two, tmp_path / "copy", "snapshots")
    own, project = panel.snapshots.own, panel.desk.browse.project
    assert own.snapshotsLabel.isHidden()
    own.snapshotNameLineEdit.text = "before round 2"
    own.snapshotButton.click()
    said = ended(desktop, panel, panel.snapshots)
    (kept,) = project.snapshots.all()
    assert said == f"Kept as {kept.short}: 4 labelled images." and kept.name == "before round 2"
    assert own.snapshotsLabel.text.startswith(f"{kept.short}  ·  before round 2  ·  ")
    own.snapshotButton.click()
    assert ended(desktop, panel, panel.snapshots).startswith("This state was kept already") and errors(desktop) == []
