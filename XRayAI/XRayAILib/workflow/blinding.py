"""Blinding: what a person may see of what others say of an image.

In a project where nobody is registered as a reader everybody sees everything. Otherwise, of one image,

======================================  ======  ==========  ==========  =========================
who                                     own     others'     model's     imports, truth of controls
======================================  ======  ==========  ==========  =========================
it is assigned to, and not submitted    yes     no          prelabels   no
it is assigned to, and submitted        yes     reveal      prelabels   no
a reader, where nobody reads it         yes     no          yes         yes
a reader, where others read it          yes     no          no          no
a reviewer or adjudicator               yes     yes         yes         yes
anybody it was assigned to, round over  yes     yes         yes         yes
======================================  ======  ==========  ==========  =========================

The first row counts before that of reviewers and adjudicators: who still has to read an image reads it like all others.
"prelabels" and "reveal" are the conditions of the round; what a reader sees after submitting by "reveal" includes the
model's. Somebody who is not registered, or no longer takes part, is treated as a reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.findings.author import Author, AuthorKind
from XRayAILib.findings.findings import Findings

if TYPE_CHECKING:
    # At run time this room must load before SQLAlchemy is installed: the panel shows a session's state from the start.
    from XRayAILib.project.project import Project


@dataclass(frozen=True)
class _Sight:
    """What may be seen beside one's own."""

    people: bool
    models: bool
    imports: bool


_ALL = _Sight(True, True, True)


def may_see(project: Project, reader: Author, uid: str, track: str) -> bool:
    """Whether a person may see what a track, such as ``person:ben``, says of an image now."""
    return track == reader.key or _shows(_sight(project, reader, uid), track)


def visible_tracks(project: Project, reader: Author, uid: str) -> list[Findings]:
    """The latest findings of every author that a person may see, the most recently saved first."""
    sight = _sight(project, reader, uid)
    tracks = project.tracks(uid)
    return [found for found in tracks if found.author.key == reader.key or _shows(sight, found.author.key)]


def visible_reference(project: Project, reader: Author, uid: str) -> Findings | None:
    """What counts as true among what a person may see; see ``project.reference``."""
    from XRayAILib.project.reference import reference_of

    return reference_of(visible_tracks(project, reader, uid), project.reviews.of_image(uid))


def visible_prediction(project: Project, reader: Author, uid: str) -> Findings | None:
    """The newest prediction, where a person may see it."""
    return project.prediction(uid) if _sight(project, reader, uid).models else None


def case_name(project: Project, reader: Author, uid: str) -> str:
    """What an image is called for a person who reads it blinded, such as ``Pilot 12``; empty for anybody else.

    Where it is not empty, nothing else may be shown that tells whose image it is or where it came from: patient, dates,
    path, or how far it is in the project. One that is there to test the readers must look like any other.
    """
    there = project.assignments.of(uid, reader.name)
    conditions = project.rounds.get(there.round) if there else None
    return f"{there.round} {there.position}" if there and conditions and not conditions.closed else ""


def case_names(project: Project, reader: Author) -> dict[str, str]:
    """uid -> :func:`case_name`, of all images that a person reads blinded."""
    closed = {conditions.name for conditions in project.rounds.all() if conditions.closed}
    found = project.assignments.of_reader(reader.name)
    return {one.uid: f"{one.round} {one.position}" for one in found if one.round not in closed}


def worklist(project: Project, reader: Author) -> list[str] | None:
    """The images that a person is to read, in order; ``None`` where nothing is assigned in a round that goes on."""
    return list(case_names(project, reader)) or None


def _sight(project: Project, reader: Author, uid: str) -> _Sight:
    from XRayAILib.project.readers import Role
    from XRayAILib.project.rounds import Reveal

    if not project.readers.any():
        return _ALL
    there = project.assignments.of(uid, reader.name)
    conditions = project.rounds.get(there.round) if there else None
    if conditions and conditions.closed:
        return _ALL
    blinded = _Sight(False, bool(conditions and conditions.prelabels), False)
    is_open = project.reviews.state(uid, reader.key).is_open
    if conditions and is_open:
        return blinded
    person = project.readers.get(reader.name)
    if person is not None and person.is_a(Role.REVIEWER, Role.ADJUDICATOR):
        return _ALL
    if conditions:
        return _Sight(True, True, False) if conditions.reveal is Reveal.SUBMITTED else blinded
    in_no_round = not project.assignments.of_image(uid)
    return _Sight(False, in_no_round, in_no_round)


def _shows(sight: _Sight, track: str) -> bool:
    kind = track.partition(":")[0]
    if kind == AuthorKind.MODEL.value:
        return sight.models
    return sight.imports if kind == AuthorKind.IMPORT.value else sight.people
