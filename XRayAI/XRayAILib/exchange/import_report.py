"""What became of a file or folder of labels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from XRayAILib.exchange.contents import counted
from XRayAILib.findings.findings import Findings


@dataclass(frozen=True)
class ImportedImage:
    """The labels of one image: findings, or the reasons why there are none. An image is taken whole or not at all.

    Attributes
    ----------
    file
        What the labels are of, as the source names it.
    findings
        ``None`` where there are problems.
    problems, notes
        Sentences that name file and object; notes do not keep the image out.
    unmatched
        The problem is only that the project does not have this image.
    """

    file: str
    findings: Findings | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    unmatched: bool = False


@dataclass(frozen=True)
class Skipped:
    """An image whose labels were left out, and why; ``unmatched`` where only the project does not have it."""

    file: str
    reasons: tuple[str, ...]
    unmatched: bool = False


@dataclass(frozen=True)
class ImportReport:
    """The result of an import.

    Attributes
    ----------
    source
        File or folder.
    images, objects
        How many were taken; where nothing was imported, because of a fault or on demand, how many are in order.
    skipped
        Images that were left out.
    unchanged
        Of how many images the project had just this already, from this file.
    refused
        Nothing was imported, because some images are faulty.
    dry_run
        Nothing was imported, because only a report was wanted.
    notes
        What is odd, although it was taken.
    findings
        What was read, where the caller asked for it to be kept (:func:`XRayAILib.exchange.coco_read.read_coco`).
    """

    source: Path
    images: int
    objects: int
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()
    findings: tuple[Findings, ...] = ()
    refused: bool = False
    dry_run: bool = False
    unchanged: int = 0

    @property
    def nothing_fits(self) -> bool:
        """Whether nothing was taken because the project has none of the images: most likely the wrong labels."""
        return not self.images and bool(self.unmatched) and not self.faulty

    @property
    def faulty(self) -> tuple[Skipped, ...]:
        """Those of the left out that have a fault, not only no radiograph in the project."""
        return tuple(skipped for skipped in self.skipped if not skipped.unmatched)

    @property
    def unmatched(self) -> tuple[Skipped, ...]:
        """Those of the left out that the project does not have."""
        return tuple(skipped for skipped in self.skipped if skipped.unmatched)

    @property
    def summary(self) -> str:
        """One line, such as ``120 objects of 60 images, 2 images left out``."""
        if self.nothing_fits:
            several = "the image" if len(self.skipped) == 1 else f"any of the {len(self.skipped)} images"
            return f"nothing imported: the project does not have {several} that {self.source.name} is of"
        text = f"{counted(self.objects, 'object')} of {counted(self.images, 'image')}"
        if self.refused:
            count = len(self.faulty)
            faulty = "1 image is faulty" if count == 1 else f"{count} images are faulty"
            return f"nothing imported, because {faulty}; {text} are in order"
        if self.skipped:
            text = f"{text}, {counted(len(self.skipped), 'image')} left out"
        if self.unchanged and self.unchanged == self.images:
            return f"unchanged, an earlier import brought the same: {text}"
        if self.unchanged:
            text = f"{text}, {counted(self.unchanged, 'image')} unchanged"
        return f"would import {text}" if self.dry_run else text

    @property
    def line(self) -> str:
        """One line among those of other sources, which says why where nothing was taken."""
        named = "/".join(self.source.parts[-2:])  # every folder may have its labels.csv
        if self.images or not self.notes:
            return f"{named}: {self.summary}"
        return f"{named}: no labels taken; {'; '.join(self.notes)}"

    @classmethod
    def collect(cls, source: Path, images: Iterable[ImportedImage]) -> ImportReport:
        """The report of all images, with their findings."""
        images = list(images)
        findings = tuple(image.findings for image in images if image.findings is not None)
        return cls(
            source=source,
            images=len(findings),
            objects=sum(len(f) for f in findings),
            skipped=tuple(
                Skipped(image.file, image.problems, image.unmatched) for image in images if image.findings is None
            ),
            notes=tuple(note for image in images for note in image.notes),
            findings=findings,
        )
