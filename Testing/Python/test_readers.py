"""Readers: who takes part in a project, and in which roles."""

from __future__ import annotations

import pytest

from XRayAILib.project.errors import ProjectError
from XRayAILib.project.project import Project
from XRayAILib.project.readers import Role


def test_people_have_roles_and_one_may_have_several(project):
    assert not project.readers.any()
    project.readers.add("Anna Müller", by="lead")
    project.readers.add("ben", [Role.READER, "reviewer"])
    anna, ben = project.readers.all()
    assert (anna.name, anna.roles_text, ben.roles_text) == ("Anna Müller", "reader", "reader, reviewer")
    assert anna.author.key == "person:Anna Müller" and anna.is_a(Role.READER) and not anna.is_a(Role.REVIEWER)
    project.readers.set_roles("ben", ["adjudicator"])
    assert project.readers.get("ben").roles == {Role.ADJUDICATOR} and project.readers.get("cora") is None
    assert ("lead", "readers", "Anna Müller: reader") in [row[1:] for row in project.audit_trail()]


def test_who_leaves_stays_known_and_may_come_back(project):
    project.readers.add("anna")
    project.readers.remove("anna")
    gone = project.readers.get("anna")
    assert not gone.active and not gone.is_a(Role.READER) and project.readers.any()
    project.readers.add("anna", ["reviewer"])
    assert project.readers.get("anna").is_a(Role.REVIEWER) and len(project.readers.all()) == 1


def test_what_is_wrong_is_said(project):
    for name in ("", "  ", "a,b", "a\nb"):
        with pytest.raises(ProjectError, match="is no name for a reader"):
            project.readers.add(name)
    with pytest.raises(ProjectError, match="'boss' is no role; there are reader, reviewer, adjudicator"):
        project.readers.add("anna", ["boss"])
    with pytest.raises(ProjectError, match="at least one role"):
        project.readers.add("anna", [])
    project.readers.add("anna")
    with pytest.raises(ProjectError, match=r"'ana' is no reader of this project \(there are: anna\)"):
        project.readers.set_roles("ana", ["reader"])
    assert [reader.name for reader in project.readers.all()] == ["anna"]


def test_an_earlier_project_gets_the_tables(project):
    from XRayAILib.project.readers import readers

    with project._database.writing() as connection:
        readers.drop(connection)
    with Project.open(project.folder) as again:
        assert again.readers.all() == []
