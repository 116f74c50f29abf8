"""DICOM SEG and SR as formats of an export: one file an image, with patient and study of the image.

::

    seg/image-1.dcm
    sr/image-1.dcm      refers to the segments in seg/ for masks
    images/image-1.dcm  where the images go too

Where the export is de-identified so are the results, with the same new UIDs as the de-identified images.
"""

from __future__ import annotations

import math
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.header import PICTURE, Header
from XRayAILib.dicom.spacing import Spacing
from XRayAILib.exchange.area_join import AREAS
from XRayAILib.exchange.dicom_results.codes import CodedLabels
from XRayAILib.exchange.dicom_results.seg import save, write_seg
from XRayAILib.exchange.dicom_results.seg_read import read_seg
from XRayAILib.exchange.dicom_results.source import SourceImage, read_source
from XRayAILib.exchange.dicom_results.sr import write_sr
from XRayAILib.exchange.dicom_results.sr_groups import read_sr
from XRayAILib.exchange.dicom_results.sr_read import sr_images
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.format import EVERYTHING, Format, LabelledImage, Plan
from XRayAILib.exchange.image_forms import deidentifier_of
from XRayAILib.exchange.said import Said, digest, said
from XRayAILib.findings.author import Author
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.measures import extent
from XRayAILib.findings.objects import FindingObject, Landmark, Mask
from XRayAILib.findings.shapes import Ellipse
from XRayAILib.project.image import Image

if TYPE_CHECKING:
    from pydicom import Dataset

SEG, SR = "seg", "sr"
ASKED = 40
"""Files that dciodvfy is asked about; what is wrong is wrong in all of a kind, and each takes it a moment."""


class _DicomFormat(Format):
    """What refers to DICOM images."""

    forms = ("dicom", "none")

    def refuses(self, image: Image) -> str:
        """A picture file has no SOP Instance UID to refer to."""
        if image.header.modality == PICTURE:
            return f"{image.header.path} is a picture: {self.title} refers to DICOM images."
        return ""

    def _ask_dciodvfy(self, files: Sequence[Path], plan: Plan) -> None:
        """Add what dciodvfy (dicom3tools), where it is installed, calls an error in some files to the warnings."""
        program = shutil.which("dciodvfy")
        every = max(1, len(files) // ASKED)
        for path in files[::every][:ASKED] if program else ():
            ran = subprocess.run([str(program), "-new", str(path)], capture_output=True, errors="replace", check=False)
            errors = [line for line in ran.stderr.splitlines() if line.startswith("Error")]
            if ran.returncode and errors:
                # Mostly a value of the image itself that breaks a rule, and is taken over as it is.
                plan.warnings.append(f"{path.parent.name}/{path.name}: dciodvfy says: {errors[0]}")


class DicomSeg(_DicomFormat):
    """DICOM Segmentation."""

    name = "dicom-seg"
    title = "DICOM SEG"
    becomes = AREAS
    carries = frozenset({"id"})
    reader = "highdicom"

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        """A Segmentation per image."""
        for image in images:
            _written_seg(_source(image, plan), image, folder, plan)

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        """By highdicom, which looks the pixels up by the image that they are of."""
        from highdicom.seg import segread

        labels = CodedLabels(plan.schema).names
        for path in sorted((folder / SEG).glob("*.dcm")):
            found = segread(str(path))
            (uid,) = [instance for _, _, instance in found.get_source_image_uids()]
            pixels = found.get_pixels_by_source_instance(
                [uid], ignore_spatial_locations=True, assert_missing_frames_are_empty=True
            )[0]
            objects = []
            for number in found.segment_numbers:
                item = found.get_segment_description(number)
                label = labels.get(item.segment_label)
                mask = digest(pixels[:, :, number - 1] != 0)
                name = label.name if label else item.segment_label
                objects.append(Said(Mask.kind, name, (), mask, {"id": item.tracking_id}, str(item.tracking_id)))
            yield path.stem, objects

    def check(self, folder: Path, plan: Plan) -> None:
        """By dciodvfy where it is installed."""
        self._ask_dciodvfy(sorted((folder / SEG).glob("*.dcm")), plan)


class DicomSr(_DicomFormat):
    """Structured report of TID 1500, with a Segmentation beside it for masks."""

    name = "dicom-sr"
    title = "DICOM SR"
    becomes = {kind: kind for kind in KINDS}
    carries = EVERYTHING
    reader = "highdicom"
    tolerance = 0.01
    inside = False

    def hold(self, item: FindingObject, shape: tuple[int, int]) -> list[FindingObject]:
        """As it is; an ellipse with its longer half axis first, since SCOORD names the axes by length, and a landmark
        outside the image on its border, since SCOORD has no place beyond it."""
        if isinstance(item, Ellipse):
            return [longer_first(item)]
        if isinstance(item, Landmark) and item.outside:
            x, y = (min(max(value, -0.5), limit - 0.5) for value, limit in ((item.x, shape[1]), (item.y, shape[0])))
            return [item.changed(x=x, y=y)]
        return [item]

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        """A report per image, and a Segmentation where it has masks."""
        (folder / SR).mkdir()
        for image in images:
            plan.warnings += _beyond(image)
            segments: dict[str, tuple[Dataset, int]] = {}
            masks = image.findings.of(Mask)
            source = _source(image, plan)
            if masks:
                result = _written_seg(source, image, folder, plan)
                segments = {mask.id: (result, number) for number, mask in enumerate(masks, start=1)}
            save(write_sr(source, image.findings, plan.schema, segments), folder / SR / f"{image.name}.dcm")

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        """By a walk through the content tree that knows nothing of the writer; highdicom must find as many groups."""
        from highdicom.sr import srread

        segmentations = {file.uid: file for file in map(read_seg, sorted((folder / SEG).glob("*.dcm")))}
        for path in sorted((folder / SR).glob("*.dcm")):
            report = read_sr(path)
            content: Any = srread(str(path)).content
            groups = content.get_planar_roi_measurement_groups() + content.get_image_measurement_groups()
            if len(groups) != len(report.groups):
                raise ExportError(f"{self.title}: highdicom finds {len(groups)} groups in {path.name}, not all.")
            places = {place for group in report.groups if (place := group.place)[0]}
            shapes = {place: file.shape for file in segmentations.values() for place in file.places()}
            find = {
                place: Header(place[0], str(path), *shapes.get(place, (1, 1)), Spacing.unknown(), frame=place[1])
                for place in places
            }
            author = Author.imported("")
            found = list(sr_images(report, find.get, segmentations, plan.schema, author))
            for image in found:
                if image.findings is None:
                    raise ExportError(f"{self.title}: {'; '.join(image.problems)}")
            objects = [item for image in found if image.findings for item in image.findings]
            yield path.stem, [said(item, self.carries) for item in objects]

    def check(self, folder: Path, plan: Plan) -> None:
        """By dciodvfy where it is installed."""
        self._ask_dciodvfy([*sorted((folder / SR).glob("*.dcm")), *sorted((folder / SEG).glob("*.dcm"))], plan)


def _beyond(image: LabelledImage) -> list[str]:
    """What reaches over the border, which PS3.3 C.18.6.1.2 does not foresee: it is written as it was drawn."""
    limit = np.array(image.shape[::-1]) - 0.5
    return [
        f"image {image.name}: the {item.kind} '{item.label}' reaches outside the image; other programs may refuse it."
        for item in image.findings
        if (place := extent(item)) is not None
        and (min(place[:2]) < -0.5 or (np.array(place[2:]) > limit).any())
        and not isinstance(item, Mask)
    ]


def longer_first(item: Ellipse) -> Ellipse:
    """The same ellipse with its longer half axis first and an angle above -90 and up to 90 degrees."""
    turn = item.angle if item.radius_x >= item.radius_y else item.angle + 90.0
    angle = math.remainder(turn, 180.0)
    long, short = max(item.radius_x, item.radius_y), min(item.radius_x, item.radius_y)
    return item.changed(radius_x=long, radius_y=short, angle=angle if angle > -90.0 else 90.0)


def _source(image: LabelledImage, plan: Plan) -> SourceImage:
    return read_source(image.image.header, deidentifier_of(plan.pseudonyms, plan.choice.own_names))


def _written_seg(source: SourceImage, image: LabelledImage, folder: Path, plan: Plan) -> Dataset:
    masks = replace(image.findings, objects=tuple(image.findings.of(Mask)))
    result = write_seg(source, masks, plan.schema)
    (folder / SEG).mkdir(exist_ok=True)
    save(result, folder / SEG / f"{image.name}.dcm")
    return result
