"""A project: folders taken in, findings saved with their history, faults told."""

import os
import shutil
import sqlite3
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingError, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.image import ImageStatus
from XRayAILib.project.intake import left_out, take_in
from XRayAILib.project.project import Project

ANNA = Author.person("anna")
MODEL = Author.model("lungs", "ab" * 32)
ROOT = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def project(tmp_path: Path):  # type: ignore[no-untyped-def]
    with Project.create(tmp_path / "project") as project:
        yield project


def header(uid: str, patient: str = "P1", date: str = "2020-01-01") -> Header:
    return Header(
        uid,
        f"/nowhere/{uid}.dcm",
        40,
        50,
        Spacing(0.1, 0.2, SpacingSource.DETECTOR),
        patient_id=patient,
        study_date=date,
    )


def everything(uid: str, author: Author = ANNA) -> Findings:
    mask = np.zeros((40, 50), bool)
    mask[5:20, 7:30] = np.random.default_rng(0).random((15, 23)) > 0.3
    return Findings(
        uid,
        (40, 50),
        author,
        (
            Mask.from_array(mask, label="heart", author=author),
            Mask.from_array(np.zeros((40, 50)), label="left_lung", author=author),
            Box(label="nodule", author=author, x0=-0.5, y0=1.25, x1=3, y1=4.1, attributes=(("margin", "sharp"),)),
            Polygon(label="opacity", author=author, points=((1, 2), (3.5, 4), (5, 0.1))),
            Landmark(label="carina", author=author, x=20.123456789, y=3, visible=False),
            ImageLabel(label="view", author=author, value="PA"),
        ),
    )


def test_the_main_way(project: Project, real_crs: list[Path]) -> None:
    intake = take_in(project, [path.parent for path in real_crs])
    assert intake.added == 3 and not intake.unreadable
    image = project.images(text="LL")[0]
    assert image.status is ImageStatus.UNLABELLED
    radiograph = project.radiograph(image.uid)
    mask = Mask.from_array(radiograph.display() > 0.5, label="heart", author=ANNA)
    project.save(Findings(image.uid, radiograph.shape, ANNA, (mask,)))
    assert project.image(image.uid).status is ImageStatus.DRAFT


def test_what_is_saved_is_what_is_read(project: Project) -> None:
    project.add([header("1.2")])
    findings = everything("1.2")
    project.save(findings)
    assert project.findings("1.2", ANNA.key) == findings
    reopened = Project.open(project.folder)
    assert reopened.findings("1.2", ANNA.key) == findings
    reopened.close()


def test_every_revision_stays(project: Project) -> None:
    project.add([header("1.2")])
    first = everything("1.2")
    second = first.without([first.objects[2].id]).with_objects([first.objects[4].changed(x=21.0)])
    numbers = [project.save(first), project.save(first), project.save(second)]
    assert numbers[0] == numbers[1] != numbers[2]  # nothing changed, nothing written
    assert project.findings_at("1.2", ANNA.key, numbers[0]) == first
    assert project.findings_at("1.2", ANNA.key, numbers[2]) == second == project.findings("1.2", ANNA.key)
    last = project.revisions("1.2")[-1]
    assert (last.put, last.dropped) == (1, 1)  # only what changed


def test_authors_do_not_disturb_each_other(project: Project) -> None:
    project.add([header("1.2")])
    project.save(everything("1.2", MODEL))
    assert project.image("1.2").status is ImageStatus.PREDICTED
    assert project.reference("1.2") is None
    project.save(everything("1.2", Author.imported("truth")))
    project.save(everything("1.2", ANNA))
    assert {f.author for f in project.tracks("1.2")} == {ANNA, MODEL, Author.imported("truth")}
    reference = project.reference("1.2")
    assert reference is not None and reference.author == ANNA  # a person outweighs an import
    prediction = project.prediction("1.2")
    assert prediction is not None and prediction.author == MODEL


def test_the_status_follows_the_review(project: Project) -> None:
    project.add([header("1.2")])
    prediction = everything("1.2", MODEL)
    project.save(prediction)
    project.save(prediction.each(lambda o: o.changed(status=Status.REJECTED)), by=ANNA)
    assert project.image("1.2").status is ImageStatus.REJECTED
    mine = replace(everything("1.2", ANNA))
    project.save(mine.each(lambda o: o.changed(status=Status.SUBMITTED)))
    assert project.image("1.2").status is ImageStatus.SUBMITTED
    project.save(mine.each(lambda o: o.changed(status=Status.APPROVED)))
    assert project.image("1.2").status is ImageStatus.APPROVED


def test_findings_that_do_not_fit_are_refused(project: Project) -> None:
    project.add([header("1.2")])
    other_size = Mask.from_array(np.ones((8, 8)), label="heart", author=ANNA)
    with pytest.raises(FindingError, match="8 x 8"):
        Findings("1.2", (40, 50), ANNA, (other_size,))
    with pytest.raises(ProjectError, match="scan"):
        project.save(everything("9.9"))
    with pytest.raises(FindingError, match="no area"):
        Box(label="nodule", author=ANNA, x0=3, y0=1, x1=3, y1=4)


def test_priors_are_the_earlier_images_of_the_same_patient(project: Project) -> None:
    project.add([header("a", "P1", "2020-01-01"), header("b", "P1", "2021-01-01"), header("c", "P1", "2022-01-01")])
    project.add([header("d", "P2", "2019-01-01"), header("e", "", "2018-01-01")])
    assert [image.uid for image in project.priors("c")] == ["b", "a"]
    assert project.priors("a") == project.priors("e") == []


def test_the_text_filter_takes_words_in_any_column(project: Project) -> None:
    project.add([header("a", "P1", "2020-01-01"), header("b", "P2", "2021-01-01"), header("c_", "50%", "2021-05-05")])
    assert [i.uid for i in project.images(text="2021 p2")] == ["b"]
    assert [i.uid for i in project.images(text="50%")] == ["c_"]
    assert project.count(text="detector") == 3
    assert len(project.images(limit=2)) == 2 and len(project.images(limit=2, offset=2)) == 1


def test_a_second_scan_looks_only_at_what_changed(project: Project, real_crs: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, path in enumerate(real_crs[:2]):
        shutil.copy(path, folder / f"{number}.dcm")
    (folder / "letter.dcm").write_text("no image")
    (folder / "notes.txt").write_text("passed over by its name")
    first = take_in(project, [folder])
    assert (first.added, first.unchanged, first.passed_over, len(first.unreadable)) == (2, 0, 1, 1)
    assert "letter.dcm" in project.unreadable()[0][0] and "DICM" in project.unreadable()[0][1]
    shutil.copy(real_crs[2], folder / "2.dcm")
    second = take_in(project, [folder])
    assert (second.added, second.unchanged) == (1, 3)


def test_the_same_radiograph_twice_is_one_image(project: Project, real_crs: list[Path], tmp_path: Path) -> None:
    for name in ("one.dcm", "two.dcm"):
        shutil.copy(real_crs[0], tmp_path / name)
    intake = take_in(project, [tmp_path])
    assert intake.added == project.count() == 1
    assert [Path(p).name for p in intake.duplicates[0]] == ["two.dcm", "one.dcm"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
def test_what_is_no_plain_file_costs_nothing_but_a_line(project: Project, real_crs: list[Path], tmp_path: Path) -> None:
    """A pipe would be waited for, a name that is no text cannot be stored, and a link could lead in a circle."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    shutil.copy(real_crs[0], folder / "a.dcm")
    shutil.copy(real_crs[1], folder / os.fsdecode(b"r\xf6ntgen.dcm"))
    os.mkfifo(folder / "pipe.dcm")
    (folder / "up").symlink_to(tmp_path)
    intake = take_in(project, [folder])
    assert intake.added == project.count() == 1
    reasons = {Path(path).name: reason for path, reason in left_out(project, intake)}
    assert "pipe" in reasons["pipe.dcm"] and "UTF-8" in reasons["r\ufffdntgen.dcm"] and "link" in reasons["up"]


def test_a_project_among_the_pictures_is_not_searched(real_crs: list[Path], tmp_path: Path) -> None:
    """Or the second run of ``xrayai demo .`` would take the first one's pictures and exports for radiographs."""
    shutil.copy(real_crs[0], tmp_path / "a.dcm")
    for folder in (tmp_path / "project", tmp_path):
        with Project.create(folder) as project:
            exported = folder / "exports" / "coco" / "images"
            exported.mkdir(parents=True)
            shutil.copy(real_crs[1], exported / "b.dcm")
            assert take_in(project, [tmp_path]).added == 1
            assert any(path.startswith(str(folder)) for path, _ in left_out(project, take_in(project, [tmp_path])))
            assert take_in(project, [exported]).added == 1, "a folder that is named is searched"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no such names")
@pytest.mark.parametrize("name", ["why?", "50%20", "#1", "a?b=c&d"])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    with Project.create(tmp_path / name) as project:
        project.add([header("a")])
    assert (tmp_path / name / "project.db").is_file() and [path.name for path in tmp_path.iterdir()] == [name]
    with Project.open(tmp_path / name) as project:
        assert project.count() == 1


def test_a_radiograph_that_comes_back_takes_part_again(project: Project, real_crs: list[Path], tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    for real, out in ((0, 0), (1, 1), (0, 1)):
        shutil.copy(real_crs[real], path)
        take_in(project, [path])
        assert [image.header.path for image in project.images() if not image.excluded] == [str(path)]
        assert sum(bool(image.excluded) for image in project.images()) == out


def test_a_scan_can_be_stopped_and_goes_on(project: Project, real_crs: list[Path]) -> None:
    folders = [path.parent for path in real_crs]
    asked = iter([False, True])
    stopped = take_in(project, folders, cancelled=lambda: next(asked))
    assert stopped.cancelled and stopped.added == 2
    assert take_in(project, folders).added == 1


@pytest.mark.skipif(ROOT or sys.platform == "win32", reason="permissions do not bind this user")
def test_a_folder_without_permission_is_listed(project: Project, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o000)
    intake = take_in(project, [tmp_path])
    closed.chmod(0o700)
    assert any("closed" in path for path, _ in intake.unreadable)


def test_links_in_a_circle_end(project: Project, real_crs: list[Path], tmp_path: Path) -> None:
    folder = tmp_path / "loop"
    folder.mkdir()
    shutil.copy(real_crs[0], folder / "x.dcm")
    try:
        (folder / "again").symlink_to(folder, target_is_directory=True)
    except OSError:
        pytest.skip("this user may not make links")
    assert take_in(project, [folder]).added == 1


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"project\.toml"):
        Project.open(tmp_path)


def test_a_project_is_not_made_twice(project: Project) -> None:
    with pytest.raises(ProjectError, match="already"):
        Project.create(project.folder)


def test_a_damaged_database_is_named(project: Project) -> None:
    project.close()
    (project.folder / "project.db").write_bytes(b"this was a database once" * 400)
    with pytest.raises(ProjectError, match="damaged"):
        Project.open(project.folder)


def test_a_schema_that_cannot_be_read_is_named(project: Project) -> None:
    (project.folder / "schema.yaml").write_text("labels: [ {name: heart, color: red} ]")
    with pytest.raises(FindingError, match=r"schema\.yaml.*red"):
        Project.open(project.folder)


def test_a_full_disk_loses_nothing(project: Project) -> None:
    project.add([header("1.2")])
    before = everything("1.2")
    project.save(before)
    noise = np.random.default_rng(1).random((40, 50)) > 0.5
    with project._database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    # SQLite's own limit behaves like a full disk, for this connection pool.
    from sqlalchemy import event

    @event.listens_for(project._database.engine, "checkout")
    def small(connection, record, proxy) -> None:  # type: ignore[no-untyped-def]
        connection.execute(f"PRAGMA max_page_count = {pages}")

    big = before.with_objects(
        [Polygon(label="opacity", author=ANNA, points=tuple((float(i), 0.5) for i in range(40_000)))]
    )
    big = big.with_objects([Mask.from_array(noise, label="heart", author=ANNA)])
    with pytest.raises(ProjectError, match="disk is full"):
        project.save(big)
    assert project.findings("1.2", ANNA.key) == before


def test_two_programs_at_once(project: Project) -> None:
    project.add([header("1.2")])
    with Project.open(project.folder) as second:
        second.save(everything("1.2", Author.person("bert")))
        project.save(everything("1.2", ANNA))
        assert {f.author.name for f in second.tracks("1.2")} == {"anna", "bert"}
    database = sqlite3.connect(project.folder / "project.db")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()


def test_the_audit_trail_only_grows(project: Project) -> None:
    project.audit("export", "coco", who="anna")
    project.audit("train", "quick", who="bert")
    assert [(who, action) for _, who, action, _ in project.audit_trail()] == [("anna", "export"), ("bert", "train")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not let an open database be taken away")
def test_nothing_counts_as_saved_in_a_folder_that_is_gone(tmp_path: Path) -> None:
    with Project.create(tmp_path / "project") as project:
        shutil.copytree(project.folder, tmp_path / "copy")
        project.audit("before")
        shutil.rmtree(project.folder)
        with pytest.raises(ProjectError, match="folder is gone"):
            project.audit("lost")
        shutil.move(tmp_path / "copy", project.folder)
        project.audit("after")
        with Project.open(project.folder) as again:
            assert [action for _, _, action, _ in again.audit_trail()][-1] == "after"


def test_reading_does_not_wait_for_another_program_that_writes(project: Project) -> None:
    project.add([header("1.2.3")])
    other = sqlite3.connect(project.folder / "project.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("DELETE FROM images")
    with project._database.reading() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 1")
    assert project.count() == 1 and [image.uid for image in project.images()] == ["1.2.3"]
    other.rollback()
    other.close()


def test_a_missing_database_is_not_replaced_by_an_empty_one(project: Project) -> None:
    """It would look as if all work were lost; perhaps it was only not copied."""
    project.close()
    for file in project.folder.glob("project.db*"):
        file.unlink()
    for open_it in (Project.open, Project.open_or_create):
        with pytest.raises(ProjectError, match=r"project\.db is missing"):
            open_it(project.folder)
    assert not (project.folder / "project.db").exists()


def test_no_project_gets_a_name_that_no_file_can_hold(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="not valid UTF-8"):
        Project.create(tmp_path / "stud\udce9")
    assert not list(tmp_path.iterdir())


def test_a_creation_that_was_killed_before_its_last_step_is_done_again(tmp_path: Path) -> None:
    Project.create(tmp_path / "begun").close()
    (tmp_path / "begun" / "project.toml").unlink()
    with pytest.raises(ProjectError, match=r"no project\.toml"):
        Project.open(tmp_path / "begun")
    with Project.create(tmp_path / "begun") as project:
        assert project.count() == 0
