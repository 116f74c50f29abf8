"""Label maps of other programs: nnU-Net's raw data sets, and our own label maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.exchange.errors import AnnotationError, LabelFileError
from XRayAILib.exchange.foreign_objects import ForeignObjects
from XRayAILib.exchange.grey_picture import read_values
from XRayAILib.exchange.label_file import ForeignImage, LabelFile
from XRayAILib.exchange.masks.format import LEGEND, MAPS, masks_in_map
from XRayAILib.exchange.masks.nnunet import DESCRIPTION, legend_of
from XRayAILib.exchange.text_file import Files, load_json
from XRayAILib.findings.objects import FindingObject
from XRayAILib.findings.schema import Tool

PICTURES = (".png", ".bmp", ".tif", ".tiff")


class LabelMapFolder(LabelFile):
    """Pictures whose numbers stand for labels.

    Attributes
    ----------
    legend
        Number, as text -> the labels that it stands for.
    files
        The label maps; each is named like its image.
    """

    title = "label maps"

    def __init__(self, path: Path, legend: Mapping[str, list[str]], files: list[Path]) -> None:
        self.path = path
        self.legend = legend
        self.files = files

    @property
    def count(self) -> int:
        """How many label maps there are."""
        return len(self.files)

    def wanted(self) -> dict[str, Tool]:
        """The labels of the legend."""
        return dict.fromkeys((label for labels in self.legend.values() for label in labels), Tool.MASK)

    def images(self) -> Iterable[ForeignImage]:
        """One for each label map."""
        for file in self.files:
            where = f"{file.parent.name}/{file.name}"
            yield ForeignImage(file.name, where, annotations=[(where, file)])

    def objects(self, annotation: Any, makes: ForeignObjects) -> list[FindingObject]:
        """A mask for each label that the map has pixels of."""
        values = picture_of(annotation, makes.shape)
        strange = [int(value) for value in np.unique(values) if value and str(int(value)) not in self.legend]
        if strange:
            known = ", ".join(f"{value} ({' and '.join(names)})" for value, names in self.legend.items())
            raise AnnotationError(f"its number {strange[0]} stands for no label; there are {known}")
        return [
            makes.mask(makes.label(name), pixels, makes.fresh(makes.label(name).name))
            for name, pixels in masks_in_map(values, dict(self.legend)).items()
        ]


def picture_of(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """The numbers of a label map (rows, columns); :class:`AnnotationError` where it is damaged or of another size."""
    from PIL import Image as Picture

    if path.suffix.lower() not in PICTURES:
        raise AnnotationError(f"label maps of the kind {path.suffix} are not read; save it as PNG")
    try:
        with Picture.open(path) as picture:
            columns, rows = picture.size  # before any pixel is decoded: a picture may claim any size
        if (rows, columns) != shape:
            raise AnnotationError(f"it has {columns} x {rows} pixels, the radiograph has {shape[1]} x {shape[0]}")
        values = read_values(path)
    except (OSError, SyntaxError, ValueError, Picture.DecompressionBombError) as error:
        if isinstance(error, AnnotationError):
            raise
        raise AnnotationError(f"the picture cannot be read ({error})") from error
    if values.ndim != 2:
        raise AnnotationError("it has colours; a label map is grey, and each grey value is the number of a label")
    return values


def find_nnunet(files: Files) -> list[LabelMapFolder]:
    """nnU-Net's raw data set that a folder is, or the only one in it."""
    if not files.path.is_dir():
        return []
    folders = [files.path, *sorted(p for p in files.path.iterdir() if p.name.startswith("Dataset") and p.is_dir())]
    found = [folder for folder in folders if (folder / DESCRIPTION).is_file() and (folder / "labelsTr").is_dir()]
    sources = []
    for folder in found:
        document = load_json(folder / DESCRIPTION)
        if not isinstance(document, dict) or not isinstance(document.get("labels"), dict):
            raise LabelFileError(f"{folder / DESCRIPTION}: nnU-Net's description has no 'labels'.")
        try:
            legend = legend_of(document)
        except (TypeError, ValueError) as error:
            raise LabelFileError(f"{folder / DESCRIPTION}: a label is no number and no list of numbers.") from error
        maps = sorted(p for end in ("Tr", "Ts") for p in (folder / f"labels{end}").glob("*.*"))
        sources.append(LabelMapFolder(folder, legend, [p for p in maps if not p.name.startswith(".")]))
    return sources


def find_maps(files: Files) -> list[LabelMapFolder]:
    """Our label maps in a folder."""
    if not files.path.is_dir() or not (files.path / LEGEND).is_file() or not (files.path / MAPS).is_dir():
        return []
    document = load_json(files.path / LEGEND)
    values = document.get("values") if isinstance(document, dict) else None
    if not isinstance(values, dict) or not all(isinstance(names, list) for names in values.values()):
        raise LabelFileError(f"{files.path / LEGEND}: it does not say what the numbers of the label maps stand for.")
    legend = {str(value): [str(name) for name in names] for value, names in values.items()}
    return [LabelMapFolder(files.path, legend, sorted((files.path / MAPS).glob("*.png")))]
