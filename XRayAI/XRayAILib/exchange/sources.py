"""What a file or folder of labels is, found out by its content."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.file_names import FileNames
from XRayAILib.exchange.import_report import ImportedImage
from XRayAILib.exchange.text_file import Files
from XRayAILib.findings.author import Author
from XRayAILib.findings.schema import LabelSchema, Tool


class Source(Protocol):
    """Labels that can be imported; see :class:`XRayAILib.exchange.label_file.LabelFile`."""

    title: str

    @property
    def path(self) -> Path:
        """The file or folder."""

    @property
    def count(self) -> int:
        """How many images have labels."""

    def wanted(self) -> dict[str, Tool]:
        """The names of the labels, with the tool that a new label of that name would get."""

    def read(self, names: FileNames, schema: LabelSchema, author: Author) -> Iterator[ImportedImage]:
        """The labels image by image; LabelFileError where a label is not in the schema."""


SOURCES = {
    "coco": "coco.read:find",
    "yolo": "yolo.read:find",
    "voc": "voc.read:find",
    "cvat": "cvat.read:find",
    "label-studio": "label_studio.read:find",
    "labelme": "labelme.read:find",
    "masks": "masks.read:find",
    "nnunet": "masks.label_map_read:find_nnunet",
    "labelmap": "masks.label_map_read:find_maps",
    "monai": "masks.monai_read:find",
    "csv": "table.read:find",
    "slicer": "slicer.read:find",
    "dicom": "dicom_results.read:find",
}
"""Name -> module of this room and function: ``find(files)`` gives the sources that a file is, or that lie in a folder.

A folder can hold several kinds; what a function does not know it leaves alone, so it gives an empty list.
"""


def open_labels(path: Path, name: str = "") -> Source:
    """The labels that ``path`` is or holds.

    Parameters
    ----------
    name
        One of :data:`SOURCES`; all are tried where it is empty.

    Raises
    ------
    LabelFileError
        There are none, there is more than one kind, or the file is damaged.
    """
    if name and name not in SOURCES:
        raise LabelFileError(f"There is no import '{name}'; there are {', '.join(SOURCES)}.")
    if not path.exists():
        raise LabelFileError(f"{path}: there is no such file or folder of labels.")
    found: list[Source] = []
    files = Files(path)
    try:
        for module, function in (SOURCES[n].split(":") for n in ([name] if name else SOURCES)):
            found += getattr(importlib.import_module(f"XRayAILib.exchange.{module}"), function)(files)
    except OSError as error:
        raise LabelFileError(f"{path}: the folder cannot be read ({error.strerror or error}).") from error
    # The folders of a data set, with pictures in them, look like folders of masks: what lies beside them counts.
    found = [source for source in found if len(found) == 1 or source.path != path or source.title != "masks"]
    if len(found) > 1:
        several = ", ".join(f"{source.title}: {source.path.name}" for source in found)
        raise LabelFileError(f"{path}: it holds labels more than once ({several}); name the file or folder to import.")
    if not found:
        raise LabelFileError(f"{path}: {_nothing(path)}")
    return found[0]


def _nothing(path: Path) -> str:
    known = (
        "a COCO file, Label Studio or LabelMe (.json), CVAT or Pascal VOC (.xml), a folder of YOLO with its data.yaml, "
        "nnU-Net's raw data set, a MONAI datalist (.json), a table of objects or landmarks (.csv), "
        "3D Slicer's .seg.nrrd and .mrk.json, DICOM SEG and SR, or a folder with one subfolder per label "
        "that holds black-and-white PNG masks named like the images"
    )
    what = "no labels that are known here" if path.is_file() else "no labels here"
    return f"{what}. What can be imported is {known}."
