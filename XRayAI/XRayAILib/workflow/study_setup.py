"""Setting a study up: who takes part, and who reads what."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from XRayAILib.findings.author import AuthorKind
from XRayAILib.project.query import Query
from XRayAILib.workflow.filling import counted

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

FIRST_ROUND = "Round 1"
LOOKED_AT = 50
"""Images in which tracks with a truth are looked for: an import says something of most."""


class StudySetup:
    """What the person who leads a study does; ``by`` stands in the audit trail."""

    def __init__(self, project: Project, by: str) -> None:
        self.project = project
        self.by = by

    def people(self) -> list[tuple[str, str]]:
        """(name, roles) of all who take part."""
        return [(one.name, one.roles_text) for one in self.project.readers.all() if one.active]

    def add(self, name: str, roles: str) -> None:
        """Register a person with roles, such as ``reader, reviewer``, or give other ones."""
        self.project.readers.add(name, roles.split(","), self.by)

    def remove(self, name: str) -> None:
        """Let a person take part no longer."""
        self.project.readers.remove(name, self.by)

    def round_name(self) -> str:
        """The newest round, or what the first one is called."""
        rounds = self.project.rounds.all()
        return rounds[-1].name if rounds else FIRST_ROUND

    def truths(self) -> list[str]:
        """The tracks that can be the truth of controls: what was imported."""
        uids = self.project.labelled((AuthorKind.IMPORT,))[:LOOKED_AT]
        keys = {found.author.key for uid in uids for found in self.project.tracks(uid)}
        return sorted(key for key in keys if key.startswith(AuthorKind.IMPORT.value))

    def assign(self, name: str, per_image: int, prelabels: bool, truth: str, query: Query) -> str:
        """Share the images of a query out among all readers, blinded; what was assigned before stays.

        Parameters
        ----------
        name
            Of the round; a new one gets these conditions, and one that there is must have them.
        truth
            The track whose images become controls, given to every reader; empty for none.

        Returns
        -------
        str
            What was done, in a sentence.

        Raises
        ------
        ProjectError
            See :meth:`XRayAILib.project.assignments.Assignments.assign`.
        """
        from XRayAILib.project.errors import ProjectError
        from XRayAILib.project.readers import Role
        from XRayAILib.project.rounds import Round

        project = self.project
        names = [reader.name for reader in project.readers.all() if reader.is_a(Role.READER)]
        there = project.rounds.get(name)
        wanted = replace(there or Round(name), per_image=per_image, prelabels=prelabels)
        controls = project.controls.with_track(truth) if truth else []
        narrowed = replace(query, filters={**query.filters, "excluded": ("no",)}, limit=None, offset=0)
        hidden = {*controls, *project.controls.all()}
        uids = [uid for uid in project.uids(narrowed) if uid not in hidden]
        if not uids:
            raise ProjectError("No image is left to assign: the collection shows none that is not excluded.")
        if controls:
            project.controls.add(controls, truth, self.by)
        done = project.assignments.assign(wanted, names, uids, controls, self.by)
        new = sum(done.images.values())
        said = f"{name}: {counted(new, 'reading', 'readings')} assigned to {counted(len(names), 'reader', 'readers')}."
        if done.short:
            said += f" {counted(len(done.short), 'image lacks', 'images lack')} readers."
        return said

    def close(self, name: str) -> None:
        """End a round: its readings stay as they are, and may be seen by its readers."""
        self.project.rounds.close(name, self.by)
