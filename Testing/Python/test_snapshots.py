"""Snapshots: the labelled data set by the hash of what it holds, given back exactly whatever is saved later."""

from __future__ import annotations

import json
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from format_cases import ANNA, made_project
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, Mask
from XRayAILib.findings.schema import Label, Tool
from XRayAILib.project.pinned import PinnedProject
from XRayAILib.project.project import Project
from XRayAILib.project.readers import Role
from XRayAILib.project.snapshot import SnapshotError

BEN = Author.person("ben")


@pytest.fixture
def project(tmp_path: Path):
    with made_project(tmp_path) as project:
        yield project


def _uid(project: Project, number: int = 0) -> str:
    return project.images()[number].uid


def _box(project: Project, uid: str, x0: float = 1.0, author: Author = ANNA) -> Findings:
    box = Box(label="nodule", author=author, x0=x0, y0=1, x1=30, y1=30)
    return Findings(uid, project.header(uid).shape, author, (box,))


def test_later_edits_do_not_change_what_a_snapshot_gives(project: Project) -> None:
    before = {image.uid: project.reference(image.uid) for image in project.images()}
    snapshot = project.snapshots.create("first round")
    for image in project.images():
        project.save(_box(project, image.uid))
        project.save(_box(project, image.uid, 2.0, BEN))
    project.set_schema(replace(project.schema, labels=project.schema.labels[:6], rules=(), skeletons=()))
    again = project.snapshots.find("first round")
    assert dict(project.snapshots.findings_of(again)) == before
    assert again.digest == snapshot.digest
    assert len(again.schema.labels) > 6
    assert project.snapshots.verify(again) == []


def test_the_same_state_has_the_same_hash_in_whatever_order_it_came_to_be(tmp_path: Path, project: Project) -> None:
    snapshot = project.snapshots.create()
    uid = _uid(project)
    first = project.reference(uid)
    assert first is not None
    project.save(_box(project, uid))
    assert project.snapshots.now().digest != snapshot.digest
    project.save(first)
    assert project.snapshots.create().digest == snapshot.digest
    assert len(project.snapshots.all()) == 1

    other = Project.create(tmp_path / "other", project.schema)
    with other:
        other.add(image.header for image in reversed(project.images()))
        for image in reversed(project.images()):
            other.save(_box(other, image.uid))
            other.save(everything_of(project, image.uid))
        assert other.snapshots.create().digest == snapshot.digest


def everything_of(project: Project, uid: str) -> Findings:
    found = project.findings(uid, ANNA.key)
    assert found is not None
    return found


def test_what_belongs_to_the_data_set_is_in_the_hash(project: Project) -> None:
    def changed() -> bool:
        nonlocal last
        before, last = last, project.snapshots.now().digest
        return before != last

    last = project.snapshots.now().digest
    assert not changed()
    uid = _uid(project)
    project.assign_split({uid: "test"})
    assert changed()
    project.readers.add("anna", [Role.READER])
    assert changed()
    label = Label("rib", "Rib", Tool.POLYGON, "#123456")
    project.set_schema(replace(project.schema, labels=(*project.schema.labels, label)))
    assert changed()
    project.exclude(uid, "blurred")
    assert changed()
    # What a model says is no label.
    project.save(_box(project, _uid(project, 1), author=Author.model("lungs", "0" * 64)))
    assert not changed()


def test_what_is_different_is_named(project: Project) -> None:
    first = project.snapshots.create("one")
    uids = [image.uid for image in project.images()]
    project.save(_box(project, uids[0]))
    project.save(_box(project, uids[1], author=BEN))
    project.exclude(uids[2], "blurred")
    project.assign_split({uids[0]: "train"})
    found = project.snapshots.diff(first, project.snapshots.create("two"))
    assert found.removed == (uids[2],) and found.added == ()
    assert set(found.tracks) == {(uids[0], ANNA.key), (uids[1], BEN.key)}
    assert found.splits == (uids[0],)
    assert not found.schema and not found.none
    assert project.snapshots.diff(first, project.snapshots.find("one")).none


def test_rejected_objects_are_kept_but_do_not_count(project: Project) -> None:
    uid = _uid(project)
    box = _box(project, uid).objects[0]
    findings = Findings(uid, project.header(uid).shape, ANNA, (box, box.derived(ANNA, status=Status.REJECTED)))
    project.save(findings)
    snapshot = project.snapshots.create()
    counted = project.snapshots.findings(snapshot, uid)
    assert counted is not None and counted.objects == (box,)
    assert project.snapshots.findings(snapshot, uid, ANNA.key) == findings


def test_a_name_is_of_one_state_and_a_hash_is_found_by_its_beginning(project: Project) -> None:
    snapshot = project.snapshots.create("round")
    with pytest.raises(SnapshotError, match=f"called 'round': it is not called 'other' now.*{snapshot.short}"):
        project.snapshots.create("other")
    with pytest.raises(SnapshotError, match="one line of at most 100 letters"):
        project.snapshots.create("round\ntwo")
    assert project.snapshots.create().name == project.snapshots.create("round").name == "round"
    project.save(_box(project, _uid(project)))
    with pytest.raises(SnapshotError, match="There is a snapshot 'round' already"):
        project.snapshots.create("round")
    assert project.snapshots.find(snapshot.digest[:8]).digest == snapshot.digest
    with pytest.raises(SnapshotError, match=r"There is no snapshot 'other'.*there are: round"):
        project.snapshots.find("other")


def test_an_empty_project_has_nothing_to_keep(tmp_path: Path) -> None:
    with (
        Project.create(tmp_path / "empty") as project,
        pytest.raises(SnapshotError, match="no image has labels yet"),
    ):
        project.snapshots.create()


@pytest.mark.parametrize("name", ["manifest.jsonl", "readers.json", "schema.yaml", "snapshot.json"])
def test_a_changed_file_of_a_snapshot_is_found(project: Project, name: str) -> None:
    snapshot = project.snapshots.create()
    path = snapshot.folder / name
    text = path.read_text("utf-8")
    path.write_text(text.replace("chest", "breast").replace("[]", '[{"name": "eve"}]').replace("right_", "left_"))
    if name == "manifest.jsonl":
        path.write_text("\n".join(text.splitlines()[1:]) + "\n", "utf-8")
    elif name == "snapshot.json":
        path.write_text(text[: len(text) // 2], "utf-8")
    assert project.snapshots.all() == []
    (reason,) = project.snapshots.damaged()
    assert str(snapshot.folder) in reason and ("damaged" in reason or "was changed after it was made" in reason)
    with pytest.raises(SnapshotError):
        project.snapshots.find(snapshot.digest)


def test_a_database_that_was_tampered_with_is_found(project: Project) -> None:
    snapshot = project.snapshots.create()
    uid = _uid(project)
    with sqlite3.connect(project.folder / "project.db") as database:
        ((number, change),) = database.execute("SELECT id, change FROM revisions WHERE uid = ?", (uid,)).fetchall()
        document = json.loads(change)
        document["put"][-1]["label"] = "something_else"
        database.execute("UPDATE revisions SET change = ? WHERE id = ?", (json.dumps(document), number))
    (problem,) = project.snapshots.verify(snapshot)
    assert uid in problem and "not in the project any more" in problem
    with pytest.raises(SnapshotError, match=r"Restore project\.db from a backup"):
        dict(project.snapshots.findings_of(snapshot))


def test_damaged_pixels_of_a_mask_are_found(project: Project) -> None:
    snapshot = project.snapshots.create()
    mask = everything_of(project, _uid(project)).of(Mask, "heart")[0]
    with sqlite3.connect(project.folder / "project.db") as database:
        names = [name for (name,) in database.execute("SELECT name FROM blobs")]
        assert mask.area and names
        for name in names:
            database.execute("UPDATE blobs SET data = zeroblob(length(data)) WHERE name = ?", (name,))
    assert project.snapshots.verify(snapshot)


def test_an_image_file_that_changed_is_found_and_nothing_is_trained_on_it(project: Project) -> None:
    snapshot = project.snapshots.create("sound")
    path = Path(project.header(_uid(project)).path)
    shutil.copy(project.header(_uid(project, 1)).path, path)
    (problem,) = project.snapshots.verify(snapshot)
    assert str(path) in problem
    with pytest.raises(SnapshotError, match="Put the files back"):
        PinnedProject.at(project.folder, "sound")


def test_a_pinned_project_is_as_the_snapshot_has_it(project: Project) -> None:
    uids = [image.uid for image in project.images()]
    project.assign_split({uids[0]: "train", uids[1]: "validation", uids[2]: "test"})
    before = {uid: project.reference(uid) for uid in uids}
    snapshot = project.snapshots.create()
    project.assign_split({})
    project.exclude(uids[0], "blurred")
    project.save(_box(project, uids[1]))
    with PinnedProject.at(project.folder, snapshot.short) as pinned:
        assert {image.uid: image.split for image in pinned.images()} == dict(
            zip(uids, ("train", "validation", "test"), strict=True)
        )
        assert {uid: pinned.reference(uid) for uid in uids} == before
        pinned.assign_split(dict.fromkeys(uids, "train"))
    assert all(image.split == "" for image in project.images())


def test_from_the_terminal(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    from typer.testing import CliRunner

    from XRayAILib.apps.cli import app

    def ran(*arguments: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["snapshot", *arguments, "-p", str(project.folder)])
        return result.exit_code, capsys.readouterr().out + result.output

    code, text = ran("create", "--name", "first")
    (snapshot,) = project.snapshots.all()
    assert code == 0 and snapshot.digest in text
    assert "this state had one already" in ran("create")[1]
    assert snapshot.short in ran("list")[1]
    code, text = ran("show", "first")
    assert f"{ANNA.key}: 3" in text and "right_lung" in text
    assert ran("diff", "first")[0] == 0
    project.save(_box(project, _uid(project)))
    code, text = ran("diff", "first")
    assert code == 3 and "1 tracks say something else" in text
    assert ran("verify")[0] == 0
    (snapshot.folder / "manifest.jsonl").unlink()
    code, text = ran("verify")
    assert code == 3 and "damaged" in text


def test_a_training_names_its_snapshot_and_can_start_from_an_earlier_one(tmp_path: Path) -> None:
    """The second training begins after everything was redrawn, and still makes the very same model."""
    import learning_cases
    from XRayAILib.learning.model import Model
    from XRayAILib.learning.worker import run_training

    with learning_cases.make_project(tmp_path, patients=6) as project:
        trained = run_training(project.folder, learning_cases.tiny(epochs=1), tmp_path / "1", lambda event: None)
        model = Model.load(Path(trained["model"]))
        (snapshot,) = project.snapshots.all()
        assert model.manifest["training"]["snapshot"] == snapshot.digest
        assert snapshot.digest in (model.folder / "docs" / "README.md").read_text("utf-8")
        assert {image.split for image in snapshot.images} == {"train", "validation", "test"}

        for image in project.images():
            everywhere = Mask.from_array(
                np.ones(image.header.shape, bool), label="heart", author=learning_cases.TEACHER
            )
            project.save(Findings(image.uid, image.header.shape, learning_cases.TEACHER, (everywhere,)))
        project.assign_split({})
        config = learning_cases.tiny(epochs=1, snapshot=snapshot.digest)
        again = run_training(project.folder, config, tmp_path / "2", lambda event: None)
        assert again["digest"] == trained["digest"]
        assert Model.load(Path(again["model"])).manifest["training"]["snapshot"] == snapshot.digest
        assert all(image.split == "" for image in project.images())


def test_what_is_drawn_while_a_training_runs_does_not_reach_it(tmp_path: Path) -> None:
    import learning_cases
    from XRayAILib.learning.worker import run_training

    with learning_cases.make_project(tmp_path, patients=6) as project:
        whole = run_training(project.folder, learning_cases.tiny(epochs=1), tmp_path / "1", lambda event: None)
        drawn: list[str] = []

        def draw(event: dict[str, object]) -> None:
            """As soon as it says what it learns from, and before it has read the first mask."""
            if event["event"] == "split" and not drawn:
                for image in project.images():
                    mask = Mask.from_array(np.eye(*image.header.shape), label="heart", author=learning_cases.TEACHER)
                    project.save(Findings(image.uid, image.header.shape, learning_cases.TEACHER, (mask,)))
                    drawn.append(image.uid)

        again = run_training(project.folder, learning_cases.tiny(epochs=1), tmp_path / "2", draw)
    assert drawn and again["digest"] == whole["digest"]
