"""What can be seen beside the image that is annotated, and who may see it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from XRayAILib.findings.author import AuthorKind
from XRayAILib.workflow.blinding import visible_reference, visible_tracks

if TYPE_CHECKING:
    from XRayAILib.findings.author import Author
    from XRayAILib.findings.consensus import Agreed
    from XRayAILib.findings.findings import Findings
    from XRayAILib.project.image import Image
    from XRayAILib.project.project import Project


class Arrangement(str, Enum):
    """How images and findings are laid out."""

    SINGLE = "single"
    PRIOR = "prior"
    READERS = "readers"
    CONSENSUS = "consensus"


@dataclass(frozen=True)
class SideBySide:
    """What there is beside one image for one reader, as long as nothing new is saved.

    Attributes
    ----------
    priors
        Earlier images of the same patient, the latest first.
    others
        What other people say of the image, as far as the reader may see it; the most recently saved first.
    own
        What the reader says, as it was saved last; ``None`` where nothing was.
    """

    priors: tuple[Image, ...]
    others: tuple[Findings, ...]
    own: Findings | None

    @classmethod
    def of(cls, project: Project, reader: Author, uid: str) -> SideBySide:
        """Ask the project."""
        people = [track for track in visible_tracks(project, reader, uid) if track.author.kind is AuthorKind.PERSON]
        others = tuple(track for track in people if track.author.key != reader.key)
        own = next((track for track in people if track.author.key == reader.key), None)
        return cls(tuple(project.priors(uid)), others, own)

    def why_not(self, arrangement: Arrangement) -> str:
        """Why an arrangement cannot be shown; empty where it can."""
        if arrangement is Arrangement.PRIOR and not self.priors:
            return "The project has no earlier image of this patient."
        if arrangement is Arrangement.READERS and not self.others:
            return "Nobody else has said anything of this image that you may see now."
        if arrangement is Arrangement.CONSENSUS and len(self.others) + (self.own is not None) < 2:
            return "A consensus takes at least two readers whose findings you may see now."
        return ""

    def agreed(self, project: Project) -> Agreed:
        """What all of them together say, the reader's own findings included as they were saved.

        Raises
        ------
        FindingError
            There are fewer than two readers.
        """
        from XRayAILib.findings.consensus import consensus

        tracks = [*self.others, *([self.own] if self.own is not None else [])]
        return consensus(tracks, project.schema)


def said_of_prior(project: Project, reader: Author, uid: str) -> Findings | None:
    """What is shown of a prior: the reader's own findings, else what counts as true where the reader may see it."""
    own = next((track for track in visible_tracks(project, reader, uid) if track.author.key == reader.key), None)
    found = own if own is not None and own.objects else visible_reference(project, reader, uid)
    return found if found is not None and found.objects else None
