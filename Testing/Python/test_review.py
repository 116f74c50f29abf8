"""Submitting and reviewing: who may do what, what becomes of objects and images, and nothing is ever overwritten."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from sheet import Sheet
from study_cases import ANNA, BEN, CORA, MODEL, RUTH, TRUTH, carina, draw, nodule, study, uids_of
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.rule import Measure, Severity, Size, Unit
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.image import ImageStatus
from XRayAILib.project.project import Project
from XRayAILib.project.reviews import ReadingState
from XRayAILib.project.rounds import Round
from XRayAILib.workflow.annotate import AnnotationSession, SaveState
from XRayAILib.workflow.progress import progress
from XRayAILib.workflow.reader_study import ReaderStudy, SubmitError

PILOT = Round("Pilot", per_image=2, seed=1)


@pytest.fixture
def project(tmp_path):
    with study(tmp_path) as project:
        yield project


def statuses(project: Project, uid: str, person: Author) -> set[Status]:
    return {item.status for item in project.findings(uid, person.key)}


def status(project: Project, uid: str) -> ImageStatus:
    return project.image(uid).status


def test_a_reading_goes_from_draft_to_approved_and_its_objects_with_it(project):
    uid = uids_of(project)[0]
    drawn = draw(project, uid, ANNA, nodule(ANNA))
    assert project.reviews.state(uid, ANNA.key) is ReadingState.DRAFT and status(project, uid) is ImageStatus.DRAFT
    assert ReaderStudy(project, ANNA).submit(uid)
    assert statuses(project, uid, ANNA) == {Status.SUBMITTED} and status(project, uid) is ImageStatus.SUBMITTED
    ReaderStudy(project, RUTH).approve(uid, ANNA.key)
    assert statuses(project, uid, ANNA) == {Status.APPROVED} and status(project, uid) is ImageStatus.APPROVED
    assert project.findings(uid, ANNA.key).objects == (drawn.objects[0].changed(status=Status.APPROVED),)
    assert [(step.state.value, step.who) for step in project.reviews.log(uid)] == [
        ("submitted", ANNA.key),
        ("approved", RUTH.key),
    ]
    # Every step is a revision of its own, and one line of the audit trail.
    assert [one.saved_by for one in project.revisions(uid)] == [ANNA.key, ANNA.key, RUTH.key]
    assert [row[1:3] for row in project.audit_trail()[-2:]] == [
        (ANNA.key, "review: submitted"),
        (RUTH.key, "review: approved"),
    ]


def test_what_is_rejected_goes_back_with_the_reason_and_is_not_lost(project):
    uid = uids_of(project)[0]
    draw(project, uid, ANNA, nodule(ANNA))
    ReaderStudy(project, ANNA).submit(uid)
    with pytest.raises(ProjectError, match="Say why"):
        ReaderStudy(project, RUTH).reject(uid, ANNA.key, "  ")
    ReaderStudy(project, RUTH).reject(uid, ANNA.key, "the nodule is a vessel")
    last = project.reviews.last(uid, ANNA.key)
    assert (last.state, last.who, last.reason) == (ReadingState.REJECTED, RUTH.key, "the nodule is a vessel")
    # The reader finds the drawing as it was, to be corrected; until then it counts for nothing.
    assert statuses(project, uid, ANNA) == {Status.DRAFT} and status(project, uid) is ImageStatus.REJECTED
    assert project.reference(uid) is None and not project.reviews.why_locked(uid, ANNA.key)
    draw(project, uid, ANNA, carina(ANNA))
    ReaderStudy(project, ANNA).submit(uid)
    assert status(project, uid) is ImageStatus.SUBMITTED and project.reference(uid).labels() == ["carina"]


def test_what_is_submitted_stays_as_it_is_until_it_is_reopened(project):
    uid = uids_of(project)[0]
    draw(project, uid, ANNA, nodule(ANNA))
    ReaderStudy(project, ANNA).submit(uid)
    with pytest.raises(ProjectError, match=r"The reading was submitted by anna on .*: it must be reopened first"):
        draw(project, uid, ANNA, carina(ANNA))
    project.save(project.findings(uid, ANNA.key))  # nothing changed, nothing to refuse
    ReaderStudy(project, ANNA).reopen(uid, ANNA.key)
    draw(project, uid, ANNA, carina(ANNA))
    ReaderStudy(project, ANNA).submit(uid)
    ReaderStudy(project, RUTH).approve(uid, ANNA.key)
    with pytest.raises(ProjectError, match="'anna' is no active reviewer"):
        ReaderStudy(project, ANNA).reopen(uid, ANNA.key)
    ReaderStudy(project, RUTH).reopen(uid, ANNA.key, "a second look")
    assert project.reviews.state(uid, ANNA.key) is ReadingState.REOPENED and status(project, uid) is ImageStatus.DRAFT


def test_who_may_do_what(project):
    uid = uids_of(project)[0]
    project.readers.set_roles("ben", ["reader", "reviewer"])
    project.readers.set_roles("cora", ["reader", "reviewer"])
    draw(project, uid, BEN, nodule(BEN))
    why = project.reviews.why_not
    submitted, approved, rejected, reopened = (
        ReadingState(v) for v in ("submitted", "approved", "rejected", "reopened")
    )
    assert "Only ben submits" in why(submitted, uid, BEN.key, ANNA)
    assert "'dan' is no active reader" in why(submitted, uid, "person:dan", Author.person("dan"))
    assert "'ruth' is no active reader" in why(submitted, uid, RUTH.key, RUTH)
    assert "It is a draft: only what was submitted" in why(approved, uid, BEN.key, RUTH)
    assert "It is a draft: only what was submitted" in why(rejected, uid, BEN.key, RUTH)
    assert "open already" in why(reopened, uid, BEN.key, RUTH)
    assert why(submitted, uid, BEN.key, BEN) == ""
    ReaderStudy(project, BEN).submit(uid)
    assert "submitted already" in why(submitted, uid, BEN.key, BEN)
    assert "'anna' is no active reviewer" in why(approved, uid, BEN.key, ANNA)
    assert "Nobody reviews own work" in why(approved, uid, BEN.key, BEN)
    assert "Nobody reviews own work" in why(rejected, uid, BEN.key, BEN)
    assert not any(why(state, uid, BEN.key, CORA) for state in (approved, rejected, reopened))
    assert why(reopened, uid, BEN.key, BEN) == ""  # before the review, its reader may take it back
    project.readers.remove("ruth")
    assert "'ruth' is no active reviewer of this project (there are: ben, cora)" in why(approved, uid, BEN.key, RUTH)
    with pytest.raises(ProjectError, match="Nobody reviews own work"):
        project.reviews.approve(uid, BEN.key, BEN)
    assert len(project.reviews.log()) == 1


def test_in_a_round_only_those_submit_to_whom_it_is_assigned(project):
    uids = uids_of(project)
    project.assignments.assign(replace(PILOT, per_image=1), ["anna"], uids[:1])
    project.assignments.assign(Round("Other"), ["ben"], uids[1:2])
    why = project.reviews.why_not
    assert why(ReadingState.SUBMITTED, uids[0], ANNA.key, ANNA) == ""
    assert "not assigned to you" in why(ReadingState.SUBMITTED, uids[0], BEN.key, BEN)
    assert why(ReadingState.SUBMITTED, uids[2], BEN.key, BEN) == ""  # nobody was asked to read this one
    draw(project, uids[0], ANNA, nodule(ANNA))
    ReaderStudy(project, ANNA).submit(uids[0])
    project.rounds.close("Pilot")
    assert "'Pilot' is closed" in why(ReadingState.REOPENED, uids[0], ANNA.key, RUTH)
    assert why(ReadingState.APPROVED, uids[0], ANNA.key, RUTH) == ""
    project.rounds.close("Other")
    assert "'Other' is closed" in why(ReadingState.SUBMITTED, uids[1], BEN.key, BEN)
    with pytest.raises(ProjectError, match="'Other' is closed, so its readings stay as they are"):
        draw(project, uids[1], BEN, nodule(BEN))


def test_who_reads_an_image_does_not_review_others_before(project):
    uid = uids_of(project)[0]
    project.readers.set_roles("ben", ["reader", "reviewer"])
    project.assignments.assign(PILOT, ["anna", "ben"], [uid])
    draw(project, uid, ANNA, nodule(ANNA))
    ReaderStudy(project, ANNA).submit(uid)
    with pytest.raises(ProjectError, match="assigned to you as well: submit your own reading first"):
        ReaderStudy(project, BEN).approve(uid, ANNA.key)
    ReaderStudy(project, BEN).submit(uid)
    ReaderStudy(project, BEN).approve(uid, ANNA.key)


def test_one_who_works_alone_submits_and_opens_again(tmp_path):
    with Project.create(tmp_path / "alone") as alone:
        from sheet import pictures
        from XRayAILib.project.intake import take_in

        take_in(alone, [pictures(tmp_path / "own", 1)])
        (uid,) = uids_of(alone)
        draw(alone, uid, ANNA, nodule(ANNA))
        ReaderStudy(alone, ANNA).submit(uid)
        assert status(alone, uid) is ImageStatus.SUBMITTED
        with pytest.raises(ProjectError, match="Nobody is registered in this project"):
            ReaderStudy(alone, ANNA).approve(uid, ANNA.key)
        ReaderStudy(alone, ANNA).reopen(uid, ANNA.key)
        assert status(alone, uid) is ImageStatus.DRAFT


def test_what_is_submitted_elsewhere_is_told_to_whoever_still_draws_on_it(project):
    """Anna has the image open on two machines, and submits on the other one."""
    sheet, uid = Sheet(), uids_of(project)[0]
    session = AnnotationSession(project, ANNA, sheet)
    session.open(uid)
    sheet.draw(nodule(ANNA))
    session.save()
    with Project.open(project.folder) as other:
        ReaderStudy(other, ANNA).submit(uid)
    sheet.draw(carina(ANNA))
    session.changed(0.0)
    session.tick(10.0)
    assert session.state is SaveState.FAILED and "was submitted by anna" in session.problem
    session.reload()
    assert session.locked and session.state is SaveState.SAVED and sheet.drawn().labels() == ["nodule"]
    assert session.next()


def test_guidelines_refuse_or_ask(project):
    uid = uids_of(project)[0]

    def least(pixels: float, severity: Severity) -> Size:
        return Size(
            labels=("nodule",),
            measure=Measure.WIDTH,
            unit=Unit.PX,
            minimum=pixels,
            severity=severity,
            reason="smaller ones are vessels",
        )

    rules = (least(25, Severity.REFUSE), least(40, Severity.WARN))
    project.set_schema(replace(project.schema, rules=rules))
    anna = ReaderStudy(project, ANNA)
    draw(project, uid, ANNA, nodule(ANNA), nodule(ANNA, 1.0))
    assert len(anna.check(uid)) == 4
    with pytest.raises(SubmitError, match="smaller ones are vessels") as refused:
        anna.submit(uid, confirm=lambda warnings: True)
    assert len(refused.value.violations) == 2 and str(refused.value).count("\n- ") == 2
    draw(project, uid, ANNA, nodule(ANNA, x1=35.0))
    asked = []
    assert not anna.submit(uid, confirm=lambda warnings: asked.append(warnings))
    assert project.reviews.state(uid, ANNA.key) is ReadingState.DRAFT
    assert [violation.severity for violation in asked[0]] == [Severity.WARN]
    assert anna.submit(uid, confirm=lambda warnings: True)


def test_what_was_checked_is_what_is_submitted(project):
    uid = uids_of(project)[0]
    draw(project, uid, ANNA, nodule(ANNA))
    _, revision = project.latest(uid, ANNA.key)
    draw(project, uid, ANNA, carina(ANNA))  # meanwhile, from another program
    with pytest.raises(ProjectError, match="was changed while it was checked"):
        project.reviews.submit(uid, ANNA, revision)


def test_that_there_is_nothing_is_a_reading_too(project):
    uid = uids_of(project)[0]
    draw(project, uid, TRUTH, nodule(TRUTH))
    ReaderStudy(project, ANNA).submit(uid)
    assert project.findings(uid, ANNA.key).objects == () and status(project, uid) is ImageStatus.DRAFT
    ReaderStudy(project, RUTH).approve(uid, ANNA.key)
    # The approved reading counts, not the import.
    assert project.reference(uid) == Findings(uid, project.header(uid).shape, ANNA)


def test_what_counts_as_true(project):
    uid = uids_of(project)[0]
    draw(project, uid, MODEL, nodule(MODEL))
    assert project.reference(uid) is None
    draw(project, uid, TRUTH, nodule(TRUTH))
    assert project.reference(uid).author == TRUTH
    for person in (ANNA, BEN, CORA):
        draw(project, uid, person, nodule(person))
    assert project.reference(uid).author == CORA  # the newest draft
    ReaderStudy(project, BEN).submit(uid)
    ReaderStudy(project, ANNA).submit(uid)
    draw(project, uid, CORA, carina(CORA))
    assert project.reference(uid).author == ANNA  # the newest submitted one, though a draft is newer
    ReaderStudy(project, RUTH).approve(uid, BEN.key)
    assert project.reference(uid).author == BEN
    ReaderStudy(project, RUTH).approve(uid, ANNA.key)
    assert project.reference(uid).author == ANNA  # approved last
    ReaderStudy(project, RUTH).reject(uid, ANNA.key, "no")
    assert project.reference(uid).author == BEN
    ReaderStudy(project, RUTH).reopen(uid, BEN.key)
    ReaderStudy(project, CORA).submit(uid)
    assert project.reference(uid).author == CORA
    ReaderStudy(project, RUTH).reject(uid, CORA.key, "no")
    assert project.reference(uid).author == BEN  # a draft again, but not a rejected one


def test_next_assigned_and_progress(project):
    uids = uids_of(project)
    project.assignments.assign(PILOT, ["anna", "ben"], uids, by="lead")
    anna = ReaderStudy(project, ANNA)
    order = [one.uid for one in project.assignments.of_reader("anna")]
    assert anna.next_assigned() == order[0] and anna.next_assigned(order[0]) == order[1]
    anna.submit(order[1])
    assert anna.next_assigned(order[0]) == order[2] and anna.next_assigned(order[2]) == order[0]
    draw(project, order[0], ANNA, nodule(ANNA))
    mine, bens = progress(project, "Pilot")
    assert (mine.reader, mine.assigned, mine.begun, mine.submitted, mine.done) == ("anna", 3, 1, 1, 1)
    assert (bens.reader, bens.assigned, bens.done, bens.per_day) == ("ben", 3, 0, ())
    today = project.reviews.log()[0].time[:10]
    assert mine.per_day == ((today, 1),)
    ReaderStudy(project, RUTH).approve(order[1], ANNA.key)
    anna.submit(order[0])
    anna.submit(order[2])
    (mine,) = progress(project, reader="anna")
    assert (mine.approved, mine.submitted, mine.done) == (1, 2, 3) and sum(n for _, n in mine.per_day) == 3
    assert anna.next_assigned(order[2]) is None
    assert ReaderStudy(project, RUTH).next_to_review() == order[0]
    assert ReaderStudy(project, RUTH).next_to_review(order[0]) == order[2]


SUBMIT = """
import sys
from pathlib import Path
from XRayAILib.findings.author import Author
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.project import Project
from XRayAILib.workflow.reader_study import ReaderStudy

with Project.open(Path(sys.argv[1])) as project:
    done = 0
    for image in project.images():
        try:
            done += ReaderStudy(project, Author.person(sys.argv[2])).submit(image.uid)
        except ProjectError as error:
            assert "It is submitted already" in str(error) or "changed while it was checked" in str(error), error
    print(done)
"""


def test_two_processes_submit_at_once(project):
    """Ben twice, as from two machines, and Anna: each reading is submitted once, and nobody waits in vain."""
    for uid in uids_of(project):
        for person in (ANNA, BEN):
            draw(project, uid, person, nodule(person))
    command = [sys.executable, "-c", SUBMIT, str(project.folder)]
    running = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True) for name in ("ben", "ben", "anna")]
    ended = [(int(process.communicate()[0]), process.returncode) for process in running]
    assert [code for _, code in ended] == [0, 0, 0]
    assert ended[0][0] + ended[1][0] == 3 and ended[2][0] == 3
    log = project.reviews.log()
    assert len({(step.uid, step.track) for step in log}) == len(log) == 6
    assert {status(project, uid) for uid in uids_of(project)} == {ImageStatus.SUBMITTED}
