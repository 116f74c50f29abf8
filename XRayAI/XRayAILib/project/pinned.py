"""A project as a snapshot has it, for whoever only reads: a training from a snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from XRayAILib.findings.findings import Findings
from XRayAILib.project.image import Image, ImageStatus
from XRayAILib.project.project import Project
from XRayAILib.project.snapshot import Snapshot, SnapshotError


class PinnedProject(Project):
    """A project whose images, parts, labels and findings are those of a snapshot, whatever was saved since.

    Attributes
    ----------
    pinned
        The snapshot.
    """

    pinned: Snapshot

    @classmethod
    def at(cls, folder: Path, snapshot: str) -> PinnedProject:
        """Open the project in ``folder`` as the snapshot of this hash or name has it.

        Raises
        ------
        ProjectError
            The project cannot be opened, or the snapshot is not there, damaged, or of images that have changed.
        """
        project = cls.open(folder)
        assert isinstance(project, PinnedProject)
        try:
            project.pinned = project.snapshots.find(snapshot)
            problems = project.snapshots.changed_files(project.pinned)
            if problems:
                more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
                raise SnapshotError(f"{problems[0]}{more} Put the files back that the snapshot was made with.")
        except SnapshotError:
            project.close()
            raise
        project.schema = project.pinned.schema
        return project

    def images(
        self, text: str = "", status: ImageStatus | str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Image]:
        """The images of the snapshot, with their parts then; those that had none have the part that they have now."""
        parts = {image.uid: image.split for image in self.pinned.images}
        found = [image for image in super().images(text, status) if image.uid in parts]
        pinned = [replace(image, split=parts[image.uid] or image.split, excluded="") for image in found]
        return pinned[offset : None if limit is None else offset + limit]

    def reference(self, uid: str) -> Findings | None:
        """What counted as true then."""
        return self.snapshots.findings(self.pinned, uid)

    def assign_split(self, parts: Mapping[str, str]) -> None:
        """Nothing is stored: the project has parts of its own by now, and these are dealt alike every time."""
