"""3D Slicer's own files as a format: ``.seg.nrrd`` for areas, ``.mrk.json`` for shapes and points.

::

    images/image-1.nrrd
    segmentations/image-1.seg.nrrd
    markups/image-1.mrk.json
    spacing.json                     millimetres of a pixel by image, which the markups are in
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.exchange.contents import Contents
from XRayAILib.exchange.format import EVERYTHING, Format, LabelledImage, Plan
from XRayAILib.exchange.said import Said, said
from XRayAILib.exchange.slicer.markups import markups_document, objects_in
from XRayAILib.exchange.slicer.segmentation import identity_of, segments_in, write_segmentation
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.objects import FindingObject, ImageLabel, Mask
from XRayAILib.findings.shapes import Ellipse, RotatedBox

SEGMENTATIONS, MARKUPS, SPACING = "segmentations", "markups", "spacing.json"


class SlicerFiles(Format):
    """Segmentation and markups files of 3D Slicer."""

    name = "slicer"
    title = "3D Slicer (.seg.nrrd, .mrk.json)"
    becomes = {kind: kind for kind in KINDS if kind != ImageLabel.kind}
    carries = EVERYTHING
    forms = ("nrrd", "dicom", "none")
    reader = "SimpleITK"
    tolerance = 1e-6
    inside = False

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        """As of every format, and what Slicer shows of what its files cannot say."""
        found = super().losses(contents, plan)
        if contents.kinds["polygon"] or contents.kinds["polyline"]:
            found.append(
                "A markups file does not say that a curve has straight edges: Slicer draws splines until the curve "
                "type is set to linear. The points are exact."
            )
        if contents.kinds[Ellipse.kind]:
            found.append("Slicer shows an ellipse as the box around it; X-Ray AI reads it as the ellipse.")
        return found

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        """As it is, turned by more than -180 and up to 180 degrees: axes do not say how often."""
        if isinstance(item, ImageLabel):
            return []
        if isinstance(item, (RotatedBox, Ellipse)):
            return [item.changed(angle=_once(item.angle))]
        return [item]

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        """Two files an image."""
        (folder / SEGMENTATIONS).mkdir()
        (folder / MARKUPS).mkdir()
        spacings: dict[str, Any] = {}
        for image in images:
            spacing = image.image.header.spacing
            spacings[image.name] = [spacing.row, spacing.column, spacing.source.value]
            masks = image.findings.of(Mask)
            if masks:
                path = folder / SEGMENTATIONS / f"{image.name}.seg.nrrd"
                write_segmentation(masks, spacing, plan.schema, path)
            if len(masks) < len(image.findings):
                document = markups_document(image.findings, spacing, plan.schema)
                path = folder / MARKUPS / f"{image.name}.mrk.json"
                path.write_text(json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False), "utf-8")
        (folder / SPACING).write_text(json.dumps(spacings, indent=1), "utf-8")

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        """Masks by SimpleITK, markups as JSON."""
        import SimpleITK as sitk

        for name, spacing in spacings_in(folder).items():
            objects: list[FindingObject] = []
            path = folder / SEGMENTATIONS / f"{name}.seg.nrrd"
            if path.exists():
                picture = sitk.ReadImage(str(path))
                header = {key: picture.GetMetaData(key) for key in picture.GetMetaDataKeys()}
                values = sitk.GetArrayFromImage(picture)[0]
                layers = np.moveaxis(values, -1, 0) if values.ndim == 3 else values[None]
                for segment in segments_in(header, layers):
                    objects.append(Mask.from_array(segment.pixels, **identity_of(segment.record)))
            path = folder / MARKUPS / f"{name}.mrk.json"
            if path.exists():
                objects += objects_in(json.loads(path.read_text("utf-8")), spacing)
            yield name, [said(item, self.carries) for item in objects]


def spacings_in(folder: Path) -> dict[str, Spacing]:
    """The spacing of each image of an export, by its name."""
    values = json.loads((folder / SPACING).read_text("utf-8"))
    return {name: Spacing(row, column, SpacingSource(source)) for name, (row, column, source) in values.items()}


def _once(angle: float) -> float:
    """An angle above -180 and up to 180 degrees."""
    turned = (angle + 180.0) % 360.0 - 180.0
    return 180.0 if turned == -180.0 else turned
