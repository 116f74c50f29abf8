"""Comments on an image or an object: they only grow, can be settled, and travel with the project."""

from __future__ import annotations

import json
import shutil

import pytest
from typer.testing import CliRunner

from sheet import Sheet, pictures
from XRayAILib.findings.author import Author
from XRayAILib.findings.objects import Box
from XRayAILib.project.comments import Said
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.annotate import AnnotationError, AnnotationSession
from XRayAILib.workflow.conversation import Conversation

ANNA, BEN = Author.person("anna"), Author.person("ben")


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as project:
        take_in(project, [pictures(tmp_path / "pictures", 2)])
        yield project


@pytest.fixture
def session(project):
    session = AnnotationSession(project, ANNA, Sheet())
    session.open(session.cases[0])
    return session


def test_a_comment_with_replies_is_a_thread_that_can_be_settled_and_opened_again(project):
    first, second = (image.uid for image in project.images())
    thread = project.comments.add(first, "  Is this a nipple?  ", ANNA)
    project.comments.reply(thread, "Yes", BEN)
    project.comments.add(second, "Too dark", BEN)
    (found,) = project.comments.threads(first)
    assert [(entry.name, entry.text) for entry in found.entries] == [("anna", "Is this a nipple?"), ("ben", "Yes")]
    assert project.comments.open_counts([first, second]) == {first: 1, second: 1}
    project.comments.resolve(thread, BEN)
    assert project.comments.threads(first)[0].resolved and project.comments.open_counts([first]) == {}
    project.comments.reopen(thread, ANNA)
    (found,) = project.comments.threads(first)
    assert not found.resolved and [entry.what for entry in found.entries][-2:] == [Said.RESOLVED, Said.REOPENED]
    assert len(project.comments.threads()) == 2


def test_what_cannot_be_said_is_refused_with_the_reason(project, session):
    uid = project.images()[0].uid
    with pytest.raises(ProjectError, match="empty"):
        project.comments.add(uid, " \n", ANNA)
    with pytest.raises(ProjectError, match=r"10,001 letters; at most 10,000"):
        project.comments.add(uid, "x" * 10_001, ANNA)
    with pytest.raises(ProjectError, match="not in the project"):
        project.comments.add("1.2.3", "hello", ANNA)
    with pytest.raises(AnnotationError, match="no comment number 77"):
        Conversation(session).reply(77, "hello")
    assert project.comments.threads() == []


def test_a_comment_on_an_object_has_its_name_also_after_it_is_gone(session):
    box = Box(label="nodule", author=ANNA, x0=1, y0=1, x1=9, y1=9)
    session.canvas.draw(box)
    session.save()
    conversation = Conversation(session)
    conversation.comment("Too small to call", box.id)
    conversation.comment("Rotated patient")
    assert [(talk.about, talk.last) for talk in conversation.talks()] == [
        ("image", "Rotated patient"),
        ("Nodule", "Too small to call"),
    ]
    session.canvas.update(session.canvas.drawn().without([box.id]))
    session.save()
    about = conversation.talks()[1]
    assert about.about == "Nodule (not in yours)" and about.object_id == box.id
    conversation.settle(conversation.talks()[0].thread, resolved=True)
    assert [talk.resolved for talk in conversation.talks()] == [False, True]


def test_the_list_of_cases_counts_what_is_open(session):
    Conversation(session).comment("Look again")
    assert [case.comments for case in session.cases.page(0)] == [1, 0]


def test_comments_travel_with_the_project(project, session, tmp_path):
    Conversation(session).comment("Look again")
    project.close()
    shutil.copytree(project.folder, tmp_path / "copy")
    with Project.open(tmp_path / "copy") as copy:
        assert copy.comments.threads()[0].entries[0].text == "Look again"


def test_who_reads_an_image_blinded_sees_the_own_comments_only(project, session):
    from XRayAILib.project.readers import Role
    from XRayAILib.project.rounds import Round

    for name in ("anna", "ben"):
        project.readers.add(name, [Role.READER])
    uid = session.uid
    project.assignments.assign(Round("first", per_image=2), ["anna", "ben"], [uid])
    project.comments.add(uid, "I see nothing", BEN)
    conversation = Conversation(session)
    conversation.comment("A nodule")
    assert [talk.last for talk in conversation.talks()] == ["A nodule"]


def test_the_command_lists_them(project):
    from XRayAILib.apps.cli import app

    uid = project.images()[0].uid
    settled = project.comments.add(uid, "Too dark", ANNA)
    project.comments.add(uid, "[bold]Who read this?", BEN)
    project.comments.resolve(settled, ANNA)
    everything = CliRunner().invoke(app, ["comments", "-p", str(project.folder)])
    assert everything.exit_code == 0 and "[bold]Who read this?" in everything.output and "Too dark" in everything.output
    some = CliRunner().invoke(app, ["comments", "-p", str(project.folder), uid, "--open", "--json"])
    assert [thread["entries"][0]["text"] for thread in json.loads(some.output)] == ["[bold]Who read this?"]
