"""All findings of a project against the guidelines of its schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.guidelines import Violation, check

if TYPE_CHECKING:
    from XRayAILib.project.image import Image
    from XRayAILib.project.project import Project


@dataclass(frozen=True)
class Checked:
    """What one author says of one image, and what it breaks."""

    image: Image
    findings: Findings
    violations: tuple[Violation, ...]


def check_image(project: Project, findings: Findings, image: Image | None = None) -> list[Violation]:
    """What findings of an image of the project break, by the project's schema and the image's spacing and side."""
    header = (image or project.image(findings.radiograph_uid)).header
    return check(findings, project.schema, header.spacing, header.laterality)


def check_project(
    project: Project, reader: str = "", progress: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[Checked]:
    """Every author's latest findings of every image that is not excluded.

    Parameters
    ----------
    reader
        Only of authors of this name.
    progress
        Called with how many images are done, of how many.
    """
    images = [image for image in project.images() if not image.excluded]
    for number, image in enumerate(images, 1):
        for findings in project.tracks(image.uid):
            if not reader or findings.author.name == reader:
                yield Checked(image, findings, tuple(check_image(project, findings, image)))
        progress(number, len(images))


def schema_notice(project: Project) -> str:
    """What a person must know of the schema: labels that vanished from it although objects use them; else empty."""
    words = [
        f"{use.label} ({use.objects} object{'s' * (use.objects != 1)} of {len(use.images)} "
        f"image{'s' * (len(use.images) != 1)})"
        for use in project.vanished_labels()
    ]
    if words:
        return (
            f"No longer in the schema, and still used: {', '.join(words)}. Nothing is lost. Put them back, or give the "
            "objects another label: 'Labels...' in X-Ray AI Annotate, or 'xrayai schema put-back' and 'rename'."
        )
    return project.schema_notice
