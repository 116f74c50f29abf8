"""Help with drawing: what a computer can begin and a person corrects. Nothing here needs a download.

Each answer is a new object of the reader, as a draft, that remembers what it was made from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Mask, Polygon
from XRayAILib.findings.schema import LabelSchema, Tool
from XRayAILib.pixels.grow import grow
from XRayAILib.pixels.live_wire import LiveWire
from XRayAILib.pixels.midline import mirror_of
from XRayAILib.pixels.registration import RegistrationError, register
from XRayAILib.pixels.snap import snap
from XRayAILib.pixels.trace import outlines, signed_area
from XRayAILib.workflow.blinding import visible_prediction, visible_reference

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph
    from XRayAILib.pixels.similarity import Similarity
    from XRayAILib.project.project import Project


SMOOTH = 0.8
"""Pixels by which the outline of a grown polygon may lie beside the steps of its pixels."""


class AssistError(RuntimeError):
    """Help that cannot be given, and why."""


@dataclass(frozen=True)
class Copied:
    """Objects taken from an earlier image, and where they come from."""

    objects: tuple[FindingObject, ...]
    source: str


class Assist:
    """Help on one radiograph for one reader.

    Parameters
    ----------
    radiograph
        That is drawn on.
    reader
        Whose the objects become.
    """

    def __init__(self, radiograph: Radiograph, reader: Author, schema: LabelSchema) -> None:
        self.radiograph, self.reader, self.schema = radiograph, reader, schema
        self._display: np.ndarray | None = None
        self._wire: LiveWire | None = None
        self._mirror: Similarity | None = None

    @property
    def display(self) -> np.ndarray:
        """Display values (rows, columns), computed once."""
        if self._display is None:
            self._display = self.radiograph.display()
        return self._display

    @property
    def shape(self) -> tuple[int, int]:
        return self.radiograph.header.rows, self.radiograph.header.columns

    def path(self, start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
        """Corners along the edge between two points; see :meth:`LiveWire.path`."""
        if self._wire is None:
            self._wire = LiveWire(self.display)
        return self._wire.path(start, end)

    def grown(
        self, label: str, seed: tuple[float, float], tolerance: float, present: Findings
    ) -> tuple[FindingObject, ...]:
        """The area around ``seed`` (see :func:`grow`): added to the mask of its label, or as polygons."""
        try:
            pixels = grow(self.display, seed, tolerance)
        except ValueError as error:
            raise AssistError(str(error)) from error
        if self.schema[label].tool is Tool.POLYGON:
            rings = [ring for ring in outlines(pixels) if signed_area(ring) > 0]
            return tuple(self._polygon(label, ring) for ring in rings)
        there = present.of(Mask, label)
        if there:
            return (there[-1].with_array(there[-1].array() | pixels),)
        return (Mask.from_array(pixels, label=label, author=self.reader),)

    def snapped(self, box: Box) -> Box:
        """The same box, tightly around what it was drawn around."""
        try:
            edges = snap(self.display, (box.x0, box.y0, box.x1, box.y1))
        except ValueError as error:
            raise AssistError(str(error)) from error
        if edges is None:
            raise AssistError(
                f"Nothing in the box '{self._title(box.label)}' stands out clearly from its surroundings, so the box "
                "stays as it is."
            )
        x0, y0, x1, y1 = edges
        return box.changed(x0=x0, y0=y0, x1=x1, y1=y1)

    def mirrored(self, objects: Iterable[FindingObject], present: Findings) -> list[FindingObject]:
        """Copies on the other side of the body, under the labels of that side.

        Left out is what is there already: a label of which there is one on the other side.

        Raises
        ------
        AssistError
            None of them can be mirrored.
        """
        from XRayAILib.findings.moving import moved

        if self._mirror is None:
            self._mirror = mirror_of(self.display)
        labels = {item.label for item in present}
        made: list[FindingObject] = []
        reasons: list[str] = []
        for item in objects:
            if isinstance(item, ImageLabel):
                continue
            other = (self.schema[item.label].mirror if item.label in self.schema else "") or item.label
            if other != item.label and other in labels:
                reasons.append(f"'{self._title(other)}' is there already")
                continue
            copy = moved(item, self._mirror, self.shape).derived(self.reader, label=other, **_draft())
            if isinstance(copy, Mask) and not copy.area:
                reasons.append(f"'{self._title(other)}' would lie outside the image")
                continue
            made.append(copy)
        if not made:
            raise AssistError(f"Nothing was mirrored: {'; '.join(dict.fromkeys(reasons)) or 'nothing is chosen'}.")
        return made

    def from_prior(self, project: Project, present: Findings) -> Copied:
        """What was said of the patient's latest earlier image, if possible of the same view, laid over this one.

        Labels that are on this image already are left out, and so is what was said of the whole image.

        Raises
        ------
        AssistError
            There is no earlier image with labels, or the two cannot be laid over each other.
        """
        from XRayAILib.dicom.errors import UnreadableError
        from XRayAILib.findings.moving import moved

        header = self.radiograph.header
        labels = {item.label for item in present}
        # Of one view first, the latest first; a frontal image can lie over one that was taken the other way round.
        priors = sorted(project.priors(header.uid), key=lambda image: image.header.view != header.view)
        problem = "The earlier images of this patient have no labels that are missing here."
        for image in priors:
            said = visible_reference(project, self.reader, image.uid)
            wanted = [o for o in said or () if not isinstance(o, ImageLabel) and o.label not in labels]
            if said is None or not wanted:
                continue
            try:
                prior = project.radiograph(image.uid)
                over = register(self.display, prior.display(), _scale(self.radiograph, prior))
            except (UnreadableError, RegistrationError, OSError) as error:
                problem = f"The labels of {image.header.study_date} cannot be copied. {error}"
                continue
            copies = [
                moved(item, over, self.shape).derived(self.reader, **_draft(), attributes=self.schema.asked(item))
                for item in wanted
            ]
            kept = tuple(copy for copy in copies if not (isinstance(copy, Mask) and not copy.area))
            return Copied(kept, f"{image.header.study_date} ({said.author.name})")
        raise AssistError(problem if priors else "This patient has no earlier image in the project.")

    def from_model(self, project: Project, present: Findings) -> Copied:
        """What the newest model predicted here, but for labels that are on the image already.

        Raises
        ------
        AssistError
            There is no prediction, or nothing new in it.
        """
        prediction = visible_prediction(project, self.reader, self.radiograph.header.uid)
        if prediction is None:
            raise AssistError("No model has read this image yet, or you may not see what it says: predict first.")
        labels = {item.label for item in present}
        kept = [o for o in prediction if o.label not in labels and o.status is not Status.REJECTED]
        if not kept:
            raise AssistError(f"{prediction.author.name} predicts nothing here that is not on the image already.")
        # How sure the model was is no saying of the reader who takes it over.
        copies = [item.derived(self.reader, **_draft(), attributes=self.schema.asked(item)) for item in kept]
        return Copied(tuple(copies), prediction.author.name)

    def along_edges(self, polygon: Polygon) -> Polygon:
        """The same polygon with sides that follow the edges between its corners."""
        if self._wire is None:
            self._wire = LiveWire(self.display)
        return polygon.changed(points=tuple(self._wire.outline(list(polygon.points))))

    def was_read_by_a_model(self, project: Project) -> bool:
        """Whether there is a prediction that the reader may see."""
        return visible_prediction(project, self.reader, self.radiograph.header.uid) is not None

    def _polygon(self, label: str, ring: np.ndarray) -> Polygon:
        from skimage.measure import approximate_polygon

        closed = np.vstack([ring, ring[:1]])
        corners = approximate_polygon(closed, SMOOTH)[:-1]
        kept = corners if len(corners) >= 3 else ring
        return Polygon(label=label, author=self.reader, points=tuple((float(x), float(y)) for x, y in kept))

    def _title(self, label: str) -> str:
        return self.schema[label].title if label in self.schema else label


def _draft() -> dict[str, object]:
    return {"status": Status.DRAFT, "score": None}


def _scale(present: Radiograph, prior: Radiograph) -> float:
    """Pixels of the present image by pixels of the prior."""
    here, there = present.header.spacing, prior.header.spacing
    if here.known and there.known:
        return there.column / here.column
    return max(present.header.rows, present.header.columns) / max(prior.header.rows, prior.header.columns)
