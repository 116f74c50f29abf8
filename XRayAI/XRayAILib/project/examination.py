"""Examination: what the rules of hygiene say of one image by itself."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header import PICTURE, Header
from XRayAILib.project.relations import shows_other_part

if TYPE_CHECKING:
    import numpy as np
    from pydicom import Dataset

    from XRayAILib.dicom.radiograph import Radiograph
    from XRayAILib.pixels.burned_in import TextRegion

VERSION = 1
"""To be raised with every change of a measure, so that images are examined again."""

LARGEST_DEVIATION = 3.0
"""Deviation Index, in either direction: twice or half of the target exposure, as 10 log10 of 2 is 3.01. It is chosen
here; a department may well have a narrower limit of its own."""

FRONTAL = ("PA", "AP")


@dataclass(frozen=True)
class Examination:
    """What was found in one image.

    Attributes
    ----------
    marks
        Rule -> what exactly, for a person.
    print
        The fingerprint of the pixels (:mod:`XRayAILib.pixels.likeness`), base 64; empty where there is none.
    chest
        How much it looks like an upright frontal chest, -1 to 1.
    hash
        Of the pixels; empty where they cannot be read.
    """

    marks: dict[str, str] = field(default_factory=dict)
    print: str = ""
    chest: float = 0.0
    hash: str = ""

    def document(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {"marks": self.marks, "print": self.print, "chest": round(self.chest, 3), "hash": self.hash}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Examination:
        print_, chest, digest = str(document["print"]), float(document["chest"]), str(document.get("hash", ""))
        return cls(dict(document["marks"]), print_, chest, digest)


def examine(path: Path, frame: int = 0, text: bool = True) -> Examination:
    """Examine one frame of a file.

    Parameters
    ----------
    text
        Look for burned-in text and side markers too, which takes longest.

    Raises
    ------
    UnreadableError
        The file is no radiograph or is gone. Damaged pixels are a mark.
    """
    from XRayAILib.dicom.attributes import texts
    from XRayAILib.dicom.file_header import read_dataset
    from XRayAILib.dicom.radiograph import read_header, read_radiograph

    headers = read_header(path)
    if frame >= len(headers):
        raise UnreadableError(str(path), f"frame {frame} was asked for; it has {len(headers)}")
    header = headers[frame]
    # A picture has no attributes.
    dataset = None if header.modality == PICTURE else read_dataset(path, pixels=False)
    marks = dict(_of_attributes(dataset, header))
    try:
        radiograph = read_radiograph(path, frame)
    except UnreadableError as error:
        return Examination({"unreadable": error.reason, **marks})
    orientation = () if dataset is None else texts(dataset, "PatientOrientation")
    return replace(_with_pixels(radiograph, marks, orientation, text), hash=radiograph.pixel_hash())


def _of_attributes(dataset: Dataset | None, header: Header) -> Iterator[tuple[str, str]]:
    from XRayAILib.dicom import conformity

    if not header.spacing.known:
        yield "spacing", "; ".join(note for note in header.notes if "spacing" in note.lower()) or "no spacing is given"
    if dataset is None:
        return
    for rule, found in (
        ("missing", list(conformity.missing(dataset))),
        ("contradiction", list(conformity.contradictions(dataset))),
    ):
        if found:
            yield rule, "; ".join(found)
    undeclared = conformity.lossy_undeclared(dataset)
    if undeclared:
        yield "lossy", undeclared
    deviation = conformity.deviation_index(dataset)
    if deviation is not None and abs(deviation[0]) > LARGEST_DEVIATION:
        index, source = deviation
        times = 10 ** (abs(index) / 10)
        more = f"{times:.1f} times the target exposure" if index > 0 else f"1/{times:.1f} of the target exposure"
        yield "exposure", f"deviation index {index:+.1f} ({source}): {more}"
    yield from _declared_text(dataset)


def _declared_text(dataset: Dataset) -> Iterator[tuple[str, str]]:
    from XRayAILib.dicom.attributes import text

    declared = text(dataset, "BurnedInAnnotation").upper()
    if declared == "YES":
        yield "text", "the file says so (BurnedInAnnotation YES)"
    elif declared != "NO":
        yield "text-unknown", f"BurnedInAnnotation is {declared or 'missing'}"


def _with_pixels(radiograph: Radiograph, marks: dict[str, str], orientation: Sequence[str], text: bool) -> Examination:
    from XRayAILib.pixels.exposure import LARGEST_SHARE, clipped_shares, is_constant
    from XRayAILib.pixels.likeness import fingerprint
    from XRayAILib.pixels.polarity import polarity

    header, stored = radiograph.header, radiograph.stored
    if is_constant(stored):
        return Examination({"empty": f"the stored value {stored.flat[0]} everywhere", **marks})
    shown = radiograph.display()
    judged = polarity(shown)
    shares = clipped_shares(stored, radiograph.grayscale.inverted != judged.negative)
    ends = [
        f"{share:.0%} of the middle at the {end} end"
        for share, end in zip(shares, ("dark", "bright"), strict=True)
        if share > LARGEST_SHARE
    ]
    if ends:
        marks["clipped"] = ", ".join(ends)
    if judged.negative:
        said = f"PhotometricInterpretation is {header.photometric}" if header.modality != PICTURE else "a picture"
        marks["polarity"] = f"{judged.reason}; {said}"
    # Everything else is judged as the image would be in its right polarity.
    right = 1.0 - shown if judged.negative else shown
    chest = -judged.chest if judged.negative else judged.chest
    marks.update(_of_place(header, right, chest, orientation, text))
    return Examination(marks, base64.b64encode(fingerprint(shown)).decode(), chest)


def _of_place(
    header: Header, display: np.ndarray, chest: float, orientation: Sequence[str], text: bool
) -> Iterator[tuple[str, str]]:
    """What depends on where things are in the image: text, its borders, its orientation and its view."""
    from XRayAILib.pixels.burned_in import find_text
    from XRayAILib.pixels.collimation import collimation_border
    from XRayAILib.pixels.frontal_chest import CHEST
    from XRayAILib.pixels.orientation import declared_turn, marker_problems, turned_chest

    elsewhere = shows_other_part(header)
    frontal_view = header.view.upper() in (*FRONTAL, "") and not elsewhere
    border = collimation_border(display)
    if border is not None:
        left, top, right, bottom = border
        share = 1.0 - (right - left) * (bottom - top) / display.size
        yield "collimation", f"{share:.0%} of the image lies outside {_place(left, top, right, bottom)}"
    problems = []
    turned = turned_chest(display) if frontal_view else ""
    if turned:
        problems.append(f"the chest is turned {turned}{declared_turn(turned, orientation)}")
    if text:
        regions = find_text(display)
        frontal = chest >= CHEST and frontal_view
        problems += marker_problems(regions, header.columns, orientation, frontal)
        words = [region for region in regions if region.kind == "text"]
        if words:
            yield "text", _listed(words)
    if problems:
        yield "orientation", "; ".join(problems)
    if not frontal_view and not elsewhere and chest >= CHEST:
        yield "view", f"the view is {header.view}, but it looks like a frontal chest"


def _listed(regions: Sequence[TextRegion]) -> str:
    """The words themselves stay out: a mark is no place for a patient's name."""
    count = len(regions)
    largest = max(regions, key=lambda region: (region.right - region.left) * (region.bottom - region.top))
    place = _place(largest.left, largest.top, largest.right, largest.bottom)
    return f"one region, {place}" if count == 1 else f"{count} regions, the largest {place}"


def _place(left: float, top: float, right: float, bottom: float) -> str:
    # Outer edges lie on half pixels: counted from the image's corner they are whole numbers.
    left, top, right, bottom = (round(edge + 0.5) for edge in (left, top, right, bottom))
    return f"x {left}..{right}, y {top}..{bottom}"
