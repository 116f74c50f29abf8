"""Masks as pictures: a folder per label, in it a black-and-white picture per image, of the same name and size.

::

    masks/right_lung/a.png      right and left are the patient's
    masks/left_lung/a.png
    masks/heart/b.png
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.file_names import FileNames, UnmatchedError
from XRayAILib.exchange.import_report import ImportedImage
from XRayAILib.exchange.label_names import LabelNames
from XRayAILib.exchange.text_file import Files
from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.findings.schema import LabelSchema, Tool

ENDINGS = (".png", ".bmp", ".tif", ".tiff")
LOSSY = (".jpg", ".jpeg")


@dataclass(frozen=True)
class MaskFolders:
    """The mask pictures below a folder.

    Attributes
    ----------
    root
        The folder whose subfolders are named by labels.
    files
        By label folder the pictures in it.
    """

    root: Path
    files: dict[str, tuple[Path, ...]]

    @classmethod
    def find(cls, folder: Path) -> MaskFolders | None:
        """The masks in ``folder`` or in its subfolder ``masks``; ``None`` where there are no such folders."""
        for root in (folder / "masks", folder):
            if root.is_dir():
                files = {
                    sub.name: tuple(sorted(p for p in sub.iterdir() if p.suffix.lower() in ENDINGS + LOSSY))
                    for sub in sorted(root.iterdir())
                    if sub.is_dir() and not sub.name.startswith(".")
                }
                files = {label: found for label, found in files.items() if found}
                if files:
                    return cls(root, files)
        return None

    def wanted(self) -> dict[str, Tool]:
        """The names of the label folders, with the tool that a new label of that name would get."""
        return dict.fromkeys(self.files, Tool.MASK)

    title = "masks"

    @property
    def path(self) -> Path:
        return self.root

    @property
    def count(self) -> int:
        """How many images have masks."""
        return len(self._by_image())

    def read(self, names: FileNames, schema: LabelSchema, author: Author) -> Iterator[ImportedImage]:
        """The masks image by image.

        Raises
        ------
        LabelFileError
            A label folder has a name that is not in the schema, or two folders mean the same label.
        """
        labels = LabelNames(schema)
        labels.require(str(self.root), self.files)
        meant: dict[str, str] = {}
        for folder in self.files:
            label = labels.get(folder)
            assert label is not None
            if label.name in meant.values():
                raise LabelFileError(f"{self.root}: two folders are named like the label '{label.name}': join them.")
            meant[folder] = label.name
        for stem, masks in self._by_image().items():
            yield self._image(stem, [(meant[folder], path) for folder, path in masks], names, author)

    def _by_image(self) -> dict[str, list[tuple[str, Path]]]:
        images: dict[str, list[tuple[str, Path]]] = {}
        for folder, paths in self.files.items():
            for path in paths:
                images.setdefault(path.stem.lower(), []).append((folder, path))
        return images

    def _image(self, stem: str, masks: list[tuple[str, Path]], names: FileNames, author: Author) -> ImportedImage:
        file = masks[0][1].name
        try:
            header = names.find(file)
        except UnmatchedError as error:
            return ImportedImage(file, problems=(f"{file}: {error}.",), unmatched=True)
        objects: list[Mask] = []
        problems: list[str] = []
        for label, path in masks:
            where = f"{path.parent.name}/{path.name}"
            try:
                array = read_mask(path, header.shape)
            except LabelFileError as error:
                problems.append(f"{where}: {error}")
                continue
            if any(item.label == label for item in objects):
                problems.append(f"{where}: a second mask of this label for the same image; keep one of them.")
                continue
            # The same file gives the same id and time, so importing it again changes nothing.
            identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{author.key}/{header.uid}/{label}")
            created = datetime.fromtimestamp(int(path.stat().st_mtime), timezone.utc).isoformat()
            objects.append(
                Mask.from_array(
                    array, label=label, author=author, id=str(identity), created=created, status=Status.APPROVED
                )
            )
        if problems:
            return ImportedImage(file, problems=tuple(problems))
        return ImportedImage(file, Findings(header.uid, header.shape, author, tuple(objects)))


def find(files: Files) -> list[MaskFolders]:
    """The mask folders in a folder; not where its folders are those of the pictures of other labels."""
    masks = MaskFolders.find(files.path) if files.path.is_dir() else None
    return [masks] if masks else []


def read_mask(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """A mask picture as a boolean array (rows, columns).

    Raises
    ------
    LabelFileError
        The picture is damaged, lossy, not of this ``shape``, or has more than two grey values.
    """
    from PIL import Image

    if path.suffix.lower() in LOSSY:
        raise LabelFileError("JPEG blurs the border of a mask; save it as PNG.")
    try:
        with Image.open(path) as picture:
            columns, rows = picture.size
            # Before any pixel is decoded: a picture may claim any size.
            if (rows, columns) != shape:
                raise LabelFileError(
                    f"the mask has {columns} x {rows} pixels, its image has {shape[1]} x {shape[0]}; "
                    "export the mask at the size of the image."
                )
            plain = picture.mode in ("1", "L", "I", "F") or picture.mode.startswith("I;16")
            array = np.asarray(picture if plain else picture.convert("L"))
    except LabelFileError:
        raise
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise LabelFileError(f"the picture cannot be read ({error}).") from error
    on = array != 0
    if not np.array_equal(on, array == array.max()) and on.any():
        values = np.unique(array)
        raise LabelFileError(
            f"the picture has {len(values)} grey values from {values[0]} to {values[-1]}; a mask is black (0) outside "
            "and one other value inside. Save every label as a picture of its own, without smoothing."
        )
    return on
