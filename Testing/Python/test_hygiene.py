"""Hygiene of a project: checked in processes of its own, resumed, decided by rule, overruled by a person."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from XRayAILib.apps.check import CheckError
from XRayAILib.apps.cli import app
from XRayAILib.learning.card import counts_text
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.examples import gather
from XRayAILib.phantom.collection import make_phantoms, read_truth
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.intake import take_in
from XRayAILib.project.marks import EXCLUDED_BY
from XRayAILib.project.project import Project
from XRayAILib.project.rules import FILE, Action, write_actions
from XRayAILib.workflow.check import Check
from XRayAILib.workflow.job import Job

ANN = "Ann"


@pytest.fixture(scope="module")
def heap(tmp_path_factory) -> Path:
    """Six computed chests: one relabelled as a negative, one a turned copy of the next under another patient id, one
    without spacing.
    """
    folder = tmp_path_factory.mktemp("heap")
    phantoms = make_phantoms(folder, 6, seed=3, size=(288, 256))
    first, second, third = (pydicom.dcmread(phantom.path) for phantom in phantoms[:3])
    swapped = {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1"}
    first.PhotometricInterpretation = swapped[first.PhotometricInterpretation]
    first.PresentationLUTShape = {"IDENTITY": "INVERSE", "INVERSE": "IDENTITY"}[first.PresentationLUTShape]
    first.save_as(phantoms[0].path)
    stored = np.ascontiguousarray(np.rot90(third.pixel_array))
    second.Rows, second.Columns = stored.shape
    second.PixelData, second.PatientID = stored.tobytes(), "SOMEONE ELSE"
    second.PhotometricInterpretation, second.PresentationLUTShape = (
        third.PhotometricInterpretation,
        third.PresentationLUTShape,
    )
    second.WindowCenter, second.WindowWidth = third.WindowCenter, third.WindowWidth
    second.save_as(phantoms[1].path)
    last = pydicom.dcmread(phantoms[5].path)
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        last.pop(keyword, None)
    last.save_as(phantoms[5].path)
    return folder


@pytest.fixture(scope="module")
def checked_once(heap, tmp_path_factory) -> Path:
    """A checked project; text is not looked for, which would take longest."""
    folder = tmp_path_factory.mktemp("checked") / "project"
    with Project.create(folder) as project:
        write_actions(folder, {"text": Action.IGNORE, "orientation": Action.IGNORE})
        take_in(project, [heap / "images"])
        for uid, findings in read_truth(heap).items():
            if project.header(uid).shape == findings.shape:
                project.save(findings)
        done = project.hygiene.check(project.schema)
        assert (done.examined, done.unchanged, done.failed) == (6, 0, [])
    return folder


@pytest.fixture
def project(checked_once, tmp_path):
    """A copy of the checked project."""
    shutil.copytree(checked_once, tmp_path / "project")
    with Project.open(tmp_path / "project") as project:
        yield project


def named(project: Project, rule: str) -> set[str]:
    return {Path(path).name for path, _ in project.marks.marked(rule)}


def excluded(project: Project) -> dict[str, str]:
    return {Path(image.header.path).name: image.excluded for image in project.images() if image.excluded}


def negative(project: Project) -> str:
    """The UID of the image that is shown as a negative."""
    (path,) = (path for path, _ in project.marks.marked("polarity"))
    return next(image.uid for image in project.images() if image.header.path == path)


def test_what_is_wrong_is_marked_and_an_error_excludes(project):
    assert named(project, "polarity") == {"phantom-0001-1.dcm"}
    assert list(excluded(project)) == ["phantom-0001-1.dcm"]
    assert excluded(project)["phantom-0001-1.dcm"].startswith(EXCLUDED_BY + "polarity: lungs brighter")
    copies = dict(project.marks.marked("near-duplicate"))
    assert len(copies) == 2 and any("turned to the" in detail for detail in copies.values())
    two = dict(project.marks.marked("two-identities"))
    assert set(copies) <= set(two) and all("the same image as" in two[path] for path in copies)
    table = {row.rule.name: row for row in project.marks.table()}
    assert table["polarity"].count == 1 and table["polarity"].action is Action.EXCLUDE
    assert table["text"].action is Action.IGNORE and table["text"].count == 0


def test_marks_can_be_filtered_by(project):
    from XRayAILib.project.query import Query

    page = project.page(Query(filters={"mark": ("near-duplicate",)}))
    assert page.total == 2 and all("near-duplicate" in [mark.rule for mark in i.marks] for i in page.images)


def test_what_has_not_changed_is_not_examined_again(project):
    done = project.hygiene.check(project.schema)
    assert (done.examined, done.unchanged) == (0, 6) and len(excluded(project)) == 1


def test_a_changed_file_is_examined_again_and_its_exclusion_goes(project, heap, tmp_path):
    path = heap / "images" / "phantom-0001-1.dcm"
    before = path.read_bytes()
    dataset = pydicom.dcmread(path)
    swapped = {"MONOCHROME1": "MONOCHROME2", "MONOCHROME2": "MONOCHROME1"}
    dataset.PhotometricInterpretation = swapped[dataset.PhotometricInterpretation]
    dataset.PresentationLUTShape = {"IDENTITY": "INVERSE", "INVERSE": "IDENTITY"}[dataset.PresentationLUTShape]
    try:
        dataset.save_as(path)
        take_in(project, [heap / "images"])
        assert project.hygiene.check(project.schema).examined == 1
        assert excluded(project) == {} and named(project, "polarity") == set()
    finally:
        path.write_bytes(before)


def test_a_file_that_cannot_be_reached_keeps_its_marks(project, heap):
    path = heap / "images" / "phantom-0001-1.dcm"
    path.rename(path.with_suffix(".away"))
    try:
        done = project.hygiene.check(project.schema)
        assert [Path(place).name for place, _ in done.failed] == ["phantom-0001-1.dcm"] and "gone" in done.failed[0][1]
        assert named(project, "polarity") == {"phantom-0001-1.dcm"}
    finally:
        path.with_suffix(".away").rename(path)


def test_each_rule_can_warn_exclude_or_be_ignored(project):
    project.marks.set_action("near-duplicate", Action.EXCLUDE, ANN)
    assert len(excluded(project)) == 2, "of two copies one stays"
    project.marks.set_action("near-duplicate", "ignore", ANN)
    assert len(excluded(project)) == 1 and named(project, "near-duplicate") == set()
    project.marks.set_action("polarity", Action.WARN, ANN)
    assert excluded(project) == {} and len(named(project, "polarity")) == 1
    assert "polarity: warn" in (project.folder / FILE).read_text("utf-8")
    said = [(who, action, detail) for _, who, action, detail in project.audit_trail()]
    assert said[-1] == (ANN, "hygiene", "polarity: exclude -> warn")


def test_of_copies_the_first_stays_that_nothing_else_speaks_against(project):
    first, second = (image for image in project.images() if "near-duplicate" in [mark.rule for mark in image.marks])
    project.marks.set_action("near-duplicate", Action.EXCLUDE, ANN)
    (reason,) = (text for text in excluded(project).values() if "near-duplicate" in text)
    assert reason.startswith(EXCLUDED_BY + "near-duplicate: looks like a copy of")
    stays = next(image for image in (first, second) if not project.image(image.uid).excluded)
    other = second if stays.uid == first.uid else first
    marks = {uid: [mark.excludes for mark in Check().marks(project, uid)] for uid in (stays.uid, other.uid)}
    assert not any(marks[stays.uid]) and any(marks[other.uid])
    project.exclude(stays.uid, "a person says so")
    project.marks.apply()
    assert not project.image(other.uid).excluded, "the other one represents both now"


def test_what_a_person_excluded_stays_so(project):
    uid = negative(project)
    project.exclude(uid, "blurred")
    project.marks.set_action("polarity", Action.WARN, ANN)
    assert project.image(uid).excluded == "blurred"
    assert project.marks.exclusions() == {"other reasons": 1}


def test_a_person_can_keep_an_image_in_spite_of_a_mark(project):
    uid = negative(project)
    assert project.marks.keep(uid, ANN) == ["polarity"]
    assert project.image(uid).excluded == "" and project.marks.kept(uid)["polarity"][0] == ANN
    # Also after the next check, and the mark is still to be seen.
    project.hygiene.check(project.schema)
    project.marks.apply()
    assert project.image(uid).excluded == "" and project.marks.of_image(uid)[0].rule == "polarity"
    assert (ANN, "keep") in [(who, action) for _, who, action, _ in project.audit_trail()]
    project.marks.keep_no_more(uid, ANN)
    assert project.image(uid).excluded.startswith(EXCLUDED_BY)


def test_an_image_that_a_person_calibrated_has_a_spacing(project):
    ((path, detail),) = project.marks.marked("spacing")
    assert detail == "no spacing is given"
    uid = next(image.uid for image in project.images() if image.header.path == path)
    project.calibrate(uid, (10, 10), (110, 10), 50)
    project.hygiene.check(project.schema)
    assert named(project, "spacing") == set()


def test_labels_that_appear_later_are_compared_with_the_attributes(project, heap):
    image = next(image for image in project.images() if project.reference(image.uid))
    path = Path(image.header.path)
    before = path.read_bytes()
    dataset = pydicom.dcmread(path)
    dataset.BodyPartExamined = "HAND"
    try:
        dataset.save_as(path)
        take_in(project, [path])
        project.hygiene.check(project.schema)
        assert "the body part is HAND, but it is labelled" in dict(project.marks.marked("view"))[str(path)]
    finally:
        path.write_bytes(before)


def test_a_training_leaves_out_what_a_rule_excludes_and_says_so(project):
    uid = negative(project)
    config = TrainingConfig.from_preset("quick", labels=("heart",))
    assert uid not in {example.uid for example in gather(project, config)[1]}
    assert counts_text(project.marks.exclusions()) == "rule polarity (1 image)"
    project.marks.keep(uid, ANN)
    assert uid in {example.uid for example in gather(project, config)[1]}


def test_settings_that_are_wrong_stop_the_check_before_it_begins(project):
    (project.folder / FILE).write_text("polarity: perhaps\n", "utf-8")
    with pytest.raises(ProjectError, match="'perhaps' is none of warn, exclude, ignore"):
        Check().start(project)


def test_a_check_that_was_killed_goes_on_where_it_was(heap, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    for path in (heap / "images").glob("*.dcm"):
        dataset = pydicom.dcmread(path)
        for number in range(2):
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{dataset.SOPInstanceUID}.{number}"
            dataset.save_as(many / f"{path.stem}-{number}.dcm")
    with Project.create(tmp_path / "project") as project:
        write_actions(project.folder, {"text": Action.IGNORE, "orientation": Action.IGNORE})
        take_in(project, [many])
        job = Job.start(project.folder, "check", {})
        while job.running and not project.marks.count_checked():
            job.wait(0.1)
        job.kill()
        before = project.marks.count_checked()
        assert 0 < before <= 12 and project.marks.exclusions() == {}
        check = Check()
        check.start(project)
        assert check.work.job.wait(120) == "done"
        check.work.poll()
        assert check.work.result["unchanged"] == before and check.work.result["examined"] == 12 - before
        assert check.outcome() == f"{12 - before} images examined, {before} unchanged, 2 kept out by rules"


def test_a_check_can_be_cancelled_and_keeps_what_it_has(heap, tmp_path):
    with Project.create(tmp_path / "project") as project:
        write_actions(project.folder, {"text": Action.IGNORE, "orientation": Action.IGNORE})
        take_in(project, [heap / "images"])
        seen: list[int] = []
        done = project.hygiene.check(project.schema, lambda at, *_: seen.append(at), lambda: len(seen) == 2)
        assert done.cancelled and project.marks.count_checked() == 2
        again = project.hygiene.check(project.schema)
        assert (again.examined, again.unchanged) == (4, 2)


# The command line --------------------------------------------------------------------------------------------------


def test_the_command_prints_a_table_and_its_status_tells_of_exclusions(project):
    said = CliRunner().invoke(app, ["check", "--project", str(project.folder)])
    assert said.exit_code == 3 and "polarity" in said.stdout and "C.7.6.3.1.2" in said.stdout
    told = CliRunner().invoke(app, ["check", "-p", str(project.folder), "--json", "--rule", "spacing"])
    (row,) = json.loads(told.stdout)
    assert told.exit_code == 0 and (row["rule"], row["count"], row["action"]) == ("spacing", 1, "warn")


def test_the_command_lists_sets_and_keeps(project, heap):
    def run(*arguments: str):
        return CliRunner().invoke(app, ["check", "-p", str(project.folder), "--json", *arguments])

    (row,) = json.loads(run("--list", "polarity").stdout)
    assert Path(row["path"]).name == "phantom-0001-1.dcm"
    shown = json.loads(run("--image", row["path"]).stdout)
    assert shown["marks"][0]["rule"] == "polarity" and shown["excluded"].startswith(EXCLUDED_BY)
    assert run("--keep", row["path"]).exit_code == 0
    assert json.loads(run("--image", shown["uid"]).stdout)["kept"]["polarity"]["who"]
    assert run("--set", "near-duplicate=exclude").exit_code == 3
    for wrong in ("near-duplicate=maybe", "nonsense=warn"):
        assert isinstance(run("--set", wrong).exception, (ProjectError, CheckError))


def test_the_command_checks_files_without_a_project(heap):
    files = [str(heap / "images" / f"phantom-{name}.dcm") for name in ("0001-1", "0003-1")]
    said = CliRunner().invoke(app, ["check", "--json", *files])
    found = {Path(entry["path"]).stem: [mark["rule"] for mark in entry["marks"]] for entry in json.loads(said.stdout)}
    assert said.exit_code == 3 and "polarity" in found["phantom-0001-1"] and "polarity" not in found["phantom-0003-1"]


def test_the_relabelled_copy_is_excluded_and_its_original_is_not(test_data):
    files = [str(test_data / "dicom" / f"{name}.dcm") for name in ("rsna_cxr", "Fake_MONOHR1")]
    said = CliRunner().invoke(app, ["check", "--json", *files])
    right, fake = ({mark["rule"]: mark["detail"] for mark in entry["marks"]} for entry in json.loads(said.stdout))
    assert "polarity" in fake and "polarity" not in right and said.exit_code == 3
    assert right["near-duplicate"].startswith("has the pixels of")
    assert right["near-duplicate"].endswith("Fake_MONOHR1.dcm (inverted)")
