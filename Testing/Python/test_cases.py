"""The cases of a reader: a list that can be narrowed, walked back, and says how far the reader is; looks and time."""

from __future__ import annotations

import dataclasses

import pytest

from sheet import Sheet, pictures
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.project.query import Query, QueryError
from XRayAILib.project.readers import Role
from XRayAILib.project.rounds import Round
from XRayAILib.workflow.annotate import AnnotationSession
from XRayAILib.workflow.cases import Cases
from XRayAILib.workflow.look import Look, view_key
from XRayAILib.workflow.stopwatch import PAUSE, Stopwatch

ANNA, BEN = Author.person("anna"), Author.person("ben")
SHAPE = (40, 50)


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [pictures(tmp_path / "pictures", 6)])
        yield project


def box(author=ANNA, **values) -> Box:
    return Box(label="nodule", author=author, x0=1, y0=1, x1=9, y1=9, **values)


def says(project, uid, author, *objects):
    return project.save(Findings(uid, SHAPE, author, objects))


def own(values, reader=ANNA, **more) -> Query:
    return Query(filters={"own": values, **more}, reader=reader.key)


def test_the_own_status_is_that_of_the_reader_and_nobody_elses(project):
    uids = project.uids(Query())
    says(project, uids[0], ANNA, box())
    says(project, uids[1], ANNA)
    says(project, uids[2], ANNA, box(status=Status.APPROVED), box(status=Status.REJECTED))
    says(project, uids[3], BEN, box(BEN))
    says(project, uids[4], ANNA, box(status=Status.REJECTED))
    project.readers.add("anna", [Role.READER])
    project.reviews.submit(uids[1], ANNA)
    expected = ["draft", "submitted", "approved", "unlabelled", "rejected", "unlabelled"]
    assert project.own_statuses(ANNA.key, uids) == dict(zip(uids, expected, strict=True))
    for status in set(expected):
        assert project.uids(own([status])) == [
            uid for uid, found in zip(uids, expected, strict=True) if found == status
        ]
    assert project.uids(own(["unlabelled", "draft"])) == [uids[0], uids[3], uids[5]]
    counts = dict(project.values("own", Query(reader=ANNA.key)))
    assert counts == {status: expected.count(status) for status in expected}
    assert dict(project.values("own", Query(reader=BEN.key))) == {"unlabelled": 5, "draft": 1}


def test_a_filter_of_a_reader_needs_a_reader():
    with pytest.raises(QueryError, match="Name a reader"):
        Query(filters={"own": ("draft",)})
    with pytest.raises(QueryError, match="'sleepy' does not occur"):
        Query(filters={"own": ("sleepy",)}, reader=ANNA.key)
    query = own(["draft"])
    assert Query.from_document(query.document()) == query


def test_what_is_assigned_can_be_asked_for(project):
    uids = project.uids(Query())
    project.readers.add("anna", [Role.READER])
    project.assignments.assign(Round("first"), ["anna"], uids[1:3])
    mine = project.uids(Query(filters={"assigned": ("yes",)}, reader=ANNA.key))
    assert mine == uids[1:3]
    assert project.uids(Query(filters={"assigned": ("no",)}, reader=ANNA.key)) == [uids[0], *uids[3:]]
    assert project.uids(Query(filters={"assigned": ("yes", "no")}, reader=ANNA.key)) == uids


def test_a_list_given_keeps_its_order_and_can_be_narrowed(project):
    uids = project.uids(Query())
    says(project, uids[4], ANNA, box())
    cases = Cases(project, ANNA, [uids[5], uids[4], uids[0]])
    assert [cases[place] for place in range(len(cases))] == [uids[5], uids[4], uids[0]]
    version = cases.version
    cases.ask(Query(filters={"own": ("unlabelled",)}, reader=ANNA.key))
    assert [case.uid for case in cases.page(0)] == [uids[5], uids[0]] and cases.version != version
    assert cases.place(uids[0]) == 1 and cases.place(uids[4]) is None
    assert cases.status_counts() == {"unlabelled": 2, "draft": 1}
    cases.take(None)
    assert len(cases) == 6


def test_excluded_images_come_where_they_are_asked_for(project):
    uid = project.uids(Query())[2]
    project.exclude(uid, "not a chest")
    cases = Cases(project, ANNA)
    assert uid not in cases
    cases.ask(Query(filters={"excluded": ("yes",)}))
    assert len(cases) == 1 and uid in cases


def test_the_list_stays_while_its_images_change_their_status(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open()
    session.cases.ask(own(["unlabelled"]))
    session.canvas.draw(box())
    session.save()
    assert session.count == 6 and session.cases.page(0)[0].status == "draft"
    assert session.next() and session.index == 1
    session.cases.ask(session.cases.query)
    assert session.count == 5 and session.index == 0


def test_an_image_that_the_list_leaves_out_stays_and_next_goes_on_with_the_list(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open(session.cases[2])
    session.canvas.draw(box())
    session.cases.ask(own(["draft", "submitted"]))
    assert session.count == 0 and session.is_open and session.index is None and not session.has_next
    session.save()
    first = project.uids(Query())[0]
    session.cases.take([first])
    assert session.has_next and session.next() and session.uid == first


def test_back_is_the_way_that_was_gone(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open(session.cases[4])
    assert not session.has_back and not session.back()
    session.open(session.cases[1])
    session.next()
    session.reload()
    assert session.back() and session.index == 1
    # Also to an image that the list leaves out now.
    fourth = session.cases[4]
    session.cases.take([session.cases[0], session.cases[1]])
    assert session.back() and session.uid == fourth and session.index is None
    assert not session.has_back


def test_next_unlabelled_goes_round_once(project):
    session = AnnotationSession(project, ANNA, Sheet())
    for place in (0, 2, 3, 5):
        says(project, session.cases[place], ANNA)
    session.open(session.cases[3])
    assert session.next_unlabelled() and session.index == 4
    assert session.next_unlabelled() and session.index == 1
    session.save()
    assert session.next_unlabelled() and session.index == 4
    session.save()
    assert not session.next_unlabelled() and session.index == 4 and "every image" in session.notice


def test_save_and_next_says_that_there_is_nothing(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open(session.cases[4])
    assert session.save_and_next() and not session.save_and_next() and "last image" in session.notice
    assert project.worked_on(ANNA.key) == {session.cases[4], session.cases[5]}


def test_what_is_submitted_is_shown_to_be_looked_at_only(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open()
    session.canvas.draw(box())
    session.save()
    project.readers.add("anna", [Role.READER])
    project.reviews.submit(session.uid, ANNA)
    session.reload()
    assert not session.canvas.editable and "submitted by anna" in session.locked
    session.next()
    assert session.canvas.editable and session.locked == ""


# How it is looked at -------------------------------------------------------------------------------------------------


def test_a_look_is_remembered_for_the_image_and_for_others_of_its_view(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open(session.cases[0])
    session.canvas.looked = hard = Look(contrast=0.5, zoom=2.0, x=0.3)
    session.next()
    assert session.canvas.looked == hard
    session.canvas.looked = soft = Look(contrast=1.5)
    session.previous()
    assert session.canvas.looked == hard
    session.open(session.cases[3])
    assert session.canvas.looked == soft
    session.close()
    with Project.open(project.folder) as again:
        later = AnnotationSession(again, ANNA, Sheet())
        later.open(later.cases[0])
        assert later.canvas.looked == hard
        other = AnnotationSession(again, BEN, Sheet())
        other.open(other.cases[0])
        assert other.canvas.looked == Look()


def test_a_look_can_be_reset(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open(session.cases[0])
    session.canvas.looked = Look(contrast=0.5)
    session.next()
    session.reset_look()
    assert session.canvas.looked == Look()
    session.open(session.cases[4])
    assert session.canvas.looked == Look()
    session.open(session.cases[0])
    assert session.canvas.looked == Look(contrast=0.5)


def test_a_look_says_when_it_is_another_one():
    look = Look()
    assert look.is_like(dataclasses.replace(look, brightness=0.001, zoom=1.001))
    assert not look.is_like(dataclasses.replace(look, brightness=0.02))
    assert Look.from_document(look.document()) == look
    with pytest.raises(ValueError, match="no way to look"):
        Look.from_document({"zoom": 0})
    with pytest.raises(ValueError, match="no way to look"):
        Look.from_document({"angle": 3.0})
    assert (view_key("Chest", "PA"), view_key("", "LL"), view_key("", "")) == ("CHEST PA", "LL", "")


# Working time --------------------------------------------------------------------------------------------------------


def test_long_pauses_are_no_working_time():
    watch = Stopwatch()
    for now in (10.0, 20.0, 20.0 + PAUSE, 21.0 + 2 * PAUSE, 25.0 + 2 * PAUSE):
        watch.sign(now)
    assert watch.counted == 10.0 + PAUSE + 4.0
    assert watch.take() == 14.0 + PAUSE and watch.counted == 0.0
    watch.stop()
    watch.sign(500.0)
    assert watch.counted == 0.0


def test_working_time_is_stored_every_few_seconds_per_image_and_reader(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open(session.cases[0])
    first, second = session.cases[0], session.cases[1]
    for now in range(0, 13, 2):
        session.sign(float(now))
        session.tick(float(now))
    # A crash now would cost less than five seconds.
    assert project.times.of_image(first) == {ANNA.key: pytest.approx(12.0, abs=5.0)}
    session.next()
    assert project.times.of_image(first) == {ANNA.key: 12.0}
    session.sign(100.0)
    session.changed(104.0)
    session.close()
    assert project.times.of_reader(ANNA.key, [first, second]) == {first: 12.0, second: 4.0}
    project.times.add(first, BEN.key, 3.0)
    assert [(reader, seconds) for uid, reader, seconds in project.times.all() if uid == first] == [
        (ANNA.key, 12.0),
        (BEN.key, 3.0),
    ]
    assert [case.seconds for case in Cases(project, ANNA).page(0)][:3] == [12.0, 4.0, 0.0]
