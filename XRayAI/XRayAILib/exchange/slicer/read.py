"""3D Slicer's segmentations and markups in, ours and others', by the name of the image that they are of.

::

    chest1.seg.nrrd          the segments and markups of chest1.dcm; labels are the names of segments and markups
    chest1.mrk.json
    chest2/Opacity.mrk.json  or a folder per image: Slicer names a file of markups after its node
    chest2/Segmentation.seg.nrrd
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing
from XRayAILib.exchange.errors import AnnotationError, LabelFileError
from XRayAILib.exchange.file_names import FileNames, UnmatchedError
from XRayAILib.exchange.foreign_objects import ForeignObjects
from XRayAILib.exchange.import_report import ImportedImage
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.slicer.format import MARKUPS, SEGMENTATIONS, SPACING, spacings_in
from XRayAILib.exchange.slicer.markups import OWN, TYPES, foreign_objects, in_lps, objects_in
from XRayAILib.exchange.slicer.segmentation import Segment, identity_of, read_segmentation
from XRayAILib.exchange.text_file import Files, load_json
from XRayAILib.findings.author import Author
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.objects import FindingError, FindingObject, Landmark
from XRayAILib.findings.schema import LabelSchema, Tool

SEG_ENDING, MARKUP_ENDING = ".seg.nrrd", ".mrk.json"
_DAMAGED = (ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError)
"""What an entry of another type than it should be, or a number that cannot be, comes to."""
NEW_TOOLS = {"ROI": Tool.BOX, "Fiducial": Tool.LANDMARK, "Line": Tool.LINE, "Angle": Tool.ANGLE}


class SlicerFolder(LabelFile):
    """Segmentations and markups, each named like its image or in a folder that is.

    Markups are in millimetres: those of our export by the spacing that it says, others by the radiograph's.
    """

    title = "3D Slicer"

    def __init__(self, path: Path, files: list[Path]) -> None:
        self.path = path
        self.files: dict[str, list[Path]] = {}
        for file in files:
            self.files.setdefault(_image_of(file, path), []).append(file)
        self._spacings = _spacings(path) if path.is_dir() and (path / SPACING).is_file() else {}
        self._headers: dict[str, Header] = {}

    @property
    def count(self) -> int:
        """How many images there are files of."""
        return len(self.files)

    def wanted(self) -> dict[str, Tool]:
        """The labels that segments and markups have, or their names."""
        found: dict[str, Tool] = {}
        for image in self.images():
            for _, (_, part) in image.annotations:
                if isinstance(part, Segment):
                    found.setdefault(part.record.get("label") or part.name, Tool.MASK)
                    continue
                try:
                    found = {**dict(_wanted(part)), **found}
                except _DAMAGED:
                    continue  # told where it is read
        return found

    def read(self, names: FileNames, schema: LabelSchema, author: Author) -> Iterator[ImportedImage]:
        """As of every file of labels, with the spacing of each radiograph at hand."""
        for name in self.files:
            try:
                self._headers[name] = names.find(name)
            except UnmatchedError:
                continue  # told where its labels are read
        yield from super().read(names, schema, author)

    def images(self) -> Iterable[ForeignImage]:
        """One for each name, with a segment or markup for each annotation."""
        for name, files in self.files.items():
            image = ForeignImage(name, name)
            for file in files:
                where = f"{file.parent.name}/{file.name}"
                if file.name.endswith(SEG_ENDING):
                    for number, segment in enumerate(read_segmentation(file)):
                        image.annotations.append((f"{where}, segment '{segment.name}'", (f"{name}/{number}", segment)))
                else:
                    for number, markup in enumerate(_markups(file)):
                        title = f"{where}, markup '{markup.get('name', number + 1)}'"
                        image.annotations.append((title, (f"{name}/m{number}", {**markup, "image": name})))
            yield image

    def objects(self, annotation: Any, makes: ForeignObjects) -> list[FindingObject]:
        """The objects of a segment or markup."""
        identity, part = annotation
        try:
            if isinstance(part, Segment):
                return [_mask(part, identity, makes)]
            spacing = self._spacings.get(part["image"]) or self._headers[part["image"]].spacing
            if OWN in part:
                return [_known(item, makes) for item in objects_in({"markups": [part]}, spacing)]
            return list(_foreign(part, identity, spacing, makes))
        except _DAMAGED as error:
            if isinstance(error, (AnnotationError, FindingError)):
                raise
            raise AnnotationError(f"it cannot be read ({error})") from error


def find(files: Files) -> list[SlicerFolder]:
    """The Slicer files that a path is, or that lie in a folder."""
    path = files.path
    if path.is_file():
        found = [path] if path.name.endswith((SEG_ENDING, MARKUP_ENDING)) else []
    else:
        folders = (path, *sorted(path.iterdir()))
        found = sorted(
            file
            for folder in folders
            if folder.is_dir()
            for file in folder.iterdir()
            if file.name.endswith((SEG_ENDING, MARKUP_ENDING)) and not file.name.startswith(".")
        )
    return [SlicerFolder(path, found)] if found else []


def _spacings(folder: Path) -> dict[str, Spacing]:
    try:
        found = spacings_in(folder)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LabelFileError(
            f"{folder / SPACING}: it does not say the pixel spacing of each image ({error})."
        ) from error
    for name, spacing in found.items():
        if not all(
            isinstance(size, (int, float)) and 0 < size < float("inf") for size in (spacing.row, spacing.column)
        ):
            raise LabelFileError(f"{folder / SPACING}: the pixel spacing of '{name}' is no size above 0.")
    return found


def _stem(path: Path) -> str:
    return path.name.removesuffix(SEG_ENDING).removesuffix(MARKUP_ENDING)


def _image_of(file: Path, root: Path) -> str:
    """The name of the image that a file is of."""
    folder = file.parent
    return _stem(file) if file == root or folder == root or folder.name in (SEGMENTATIONS, MARKUPS) else folder.name


def _markups(path: Path) -> list[dict[str, Any]]:
    document = load_json(path)
    markups = document.get("markups") if isinstance(document, dict) else None
    found = [in_lps(markup) for markup in markups if isinstance(markup, dict)] if isinstance(markups, list) else []
    # Slicer writes no name: a node is called as its file.
    return [{"name": _stem(path), **markup} for markup in found]


def _wanted(markup: dict[str, Any]) -> Iterator[tuple[str, Tool]]:
    kind = str(markup.get("type", ""))
    if OWN in markup:
        own = markup[OWN]
        tools = {made.kind: tool for tool, made in BY_TOOL.items()}
        for entry in own.get("objects", [own]):
            yield str(entry.get("label", "")), tools.get(str(own.get("kind")), Tool.POLYGON)
    elif kind == "Fiducial":
        for point in markup.get("controlPoints", ()):
            yield str(point.get("label") or markup["name"]), Tool.LANDMARK
    else:
        drawn = {name: made for made, name in TYPES.items()}.get(kind)
        tool = next((tool for tool, made in BY_TOOL.items() if made is drawn), Tool.POLYGON)
        yield str(markup.get("name", "")), NEW_TOOLS.get(kind, tool)


def _mask(segment: Segment, identity: str, makes: ForeignObjects) -> FindingObject:
    label = makes.label(segment.record.get("label") or segment.name)
    common = identity_of(segment.record) if segment.record.get("id") else makes.fresh(identity)
    return makes.mask(label, segment.pixels, {k: v for k, v in common.items() if k != "label"})


def _known(item: FindingObject, makes: ForeignObjects) -> FindingObject:
    return item.changed(label=makes.label(item.label).name)


def _foreign(markup: dict[str, Any], identity: str, spacing: Spacing, makes: ForeignObjects) -> Iterator[FindingObject]:
    if markup.get("type") != "Fiducial":
        label = makes.label(markup.get("name", ""))
        common = {"label": label.name, **makes.fresh(identity)}
        yield foreign_objects(markup, spacing, BY_TOOL[label.tool], common)
        return
    for number, point in enumerate(markup.get("controlPoints", ())):
        if point.get("positionStatus", "defined") == "defined":
            label = makes.label(point.get("label") or markup["name"])
            x, y = float(point["position"][0]) / spacing.column, float(point["position"][1]) / spacing.row
            yield Landmark(label=label.name, x=x, y=y, **makes.fresh(f"{identity}/{number}"))
