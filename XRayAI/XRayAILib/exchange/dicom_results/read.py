"""DICOM SEG and SR in: of one image everything together, whichever files it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from XRayAILib.dicom.header import Header
from XRayAILib.exchange.dicom_results.format import SEG, SR
from XRayAILib.exchange.dicom_results.seg_read import SEGMENTATION, Place, SegFile, read_seg, seg_images
from XRayAILib.exchange.dicom_results.sr_groups import REPORTS, SrFile, read_sr
from XRayAILib.exchange.dicom_results.sr_read import sr_images
from XRayAILib.exchange.file_names import FileNames, UnmatchedError
from XRayAILib.exchange.import_report import ImportedImage
from XRayAILib.exchange.text_file import Files
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.schema import LabelSchema, Tool


class DicomResults:
    """Segmentations and reports, matched to the radiographs by SOP Instance UID."""

    title = "DICOM SEG and SR"

    def __init__(self, path: Path, segmentations: list[Path], reports: list[Path]) -> None:
        self.path = path
        self._seg_paths, self._sr_paths = segmentations, reports

    @cached_property
    def segmentations(self) -> dict[str, SegFile]:
        """By SOP Instance UID."""
        return {file.uid: file for file in map(read_seg, self._seg_paths)}

    @cached_property
    def reports(self) -> list[SrFile]:
        """The structured reports."""
        return [read_sr(path) for path in self._sr_paths]

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self._seg_paths) + len(self._sr_paths)

    def wanted(self) -> dict[str, Tool]:
        """What segments and findings are called."""
        found: dict[str, Tool] = {}
        for report in self.reports:
            for group in report.groups:
                if group.own or group.regions or group.lines or group.segments:
                    found.setdefault(group.name, group.tool())
        for file in self._alone():
            for number in file.segments:
                name, code = file.label_of(number)
                found.setdefault(name or (code.meaning if code else ""), Tool.MASK)
        return found

    def read(self, names: FileNames, schema: LabelSchema, author: Author) -> Iterator[ImportedImage]:
        """All that is said, image by image."""
        find = _finder(names)
        found: dict[str, ImportedImage] = {}
        parts = [sr_images(report, find, self.segmentations, schema, author) for report in self.reports]
        parts += [seg_images(file, find, schema, author) for file in self._alone()]
        for image in (image for part in parts for image in part):
            if image.findings is None:
                yield image
                continue
            uid = image.findings.radiograph_uid
            found[uid] = _together(found[uid], image) if uid in found else image
        yield from found.values()

    def _alone(self) -> list[SegFile]:
        """The segmentations that no report refers to."""
        told = {segment[0] for report in self.reports for group in report.groups for segment in group.segments}
        return [file for uid, file in self.segmentations.items() if uid not in told]


def find(files: Files) -> list[DicomResults]:
    """The SEG and SR files that a path is, or that lie in a folder."""
    path = files.path
    if path.is_file():
        candidates = [path]
    else:
        folders = [folder for folder in (path, path / SEG, path / SR) if folder.is_dir()]
        candidates = sorted(file for folder in folders for file in folder.iterdir() if file.is_file())
    kinds = {file: _sop_class(file) for file in candidates}
    segmentations = [file for file, kind in kinds.items() if kind in SEGMENTATION]
    reports = [file for file, kind in kinds.items() if kind in REPORTS]
    return [DicomResults(path, segmentations, reports)] if segmentations or reports else []


def _sop_class(path: Path) -> str:
    """What a DICOM file holds, by its File Meta Information; empty for another file."""
    with path.open("rb") as stream:
        if stream.read(132)[128:] != b"DICM":
            return ""
    from pydicom.errors import BytesLengthException, InvalidDicomError
    from pydicom.filereader import read_file_meta_info

    try:
        return str(read_file_meta_info(path).get("MediaStorageSOPClassUID", ""))
    except (InvalidDicomError, BytesLengthException, NotImplementedError, ValueError, EOFError, OSError):
        return ""  # damaged, so it cannot be told what it was


def _finder(names: FileNames) -> Callable[[Place], Header | None]:
    def find(place: Place) -> Header | None:
        try:
            return names.instance(*place)
        except UnmatchedError:
            return None

    return find


def _together(one: ImportedImage, other: ImportedImage) -> ImportedImage:
    """What two files say of one image; an object that both have counts once."""
    assert one.findings is not None and other.findings is not None
    here: Findings = one.findings
    there = {item.id for item in here}
    added = here.with_objects(item for item in other.findings if item.id not in there)
    return ImportedImage(f"{one.file}, {other.file}", added, notes=(*one.notes, *other.notes))
