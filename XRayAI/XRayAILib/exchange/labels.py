"""Labels made elsewhere into the project: a COCO file, folders of masks, or a CSV table of pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from XRayAILib.dicom.pseudonyms import KEY_FILE, Pseudonyms
from XRayAILib.exchange.coco_read import CocoFile
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.file_names import FileNames
from XRayAILib.exchange.import_report import ImportReport, Skipped
from XRayAILib.exchange.label_names import extended
from XRayAILib.exchange.masks import MaskFolders
from XRayAILib.exchange.picture_labels import import_table
from XRayAILib.exchange.sides import Sides
from XRayAILib.findings.author import Author
from XRayAILib.project.project import Project


def open_labels(path: Path) -> CocoFile | MaskFolders:
    """Find out by content what ``path`` holds: a COCO file, a folder with one, or a folder of mask folders.

    Raises
    ------
    LabelFileError
        There is nothing of it, or more than one thing.
    """
    if path.is_file():
        return CocoFile.open(path)
    if not path.is_dir():
        raise LabelFileError(f"{path}: there is no such file or folder of labels.")
    try:
        masks = MaskFolders.find(path)
        files = [file for file in sorted(path.glob("*.json")) if CocoFile.is_coco(file)]
    except OSError as error:
        raise LabelFileError(f"{path}: the folder cannot be read ({error.strerror or error}).") from error
    if len(files) + (masks is not None and (masks.root != path or not files)) > 1:
        found = ", ".join([*(file.name for file in files), *([f"{masks.root.name}/"] if masks else [])])
        raise LabelFileError(f"{path}: it holds labels more than once ({found}); name the file or folder to import.")
    if files:
        return CocoFile.open(files[0])
    if masks is None:
        raise LabelFileError(
            f"{path}: no labels here. What can be imported is a COCO file (.json), or a folder with one subfolder per "
            "label that holds black-and-white PNG masks named like the images."
        )
    return masks


def import_labels(
    project: Project,
    path: Path,
    *,
    name: str = "",
    extend_schema: bool = False,
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> ImportReport:
    """Save what a COCO file, mask folders or a table of pictures say of the project's radiographs.

    The labels of an image are taken whole or not at all. Importing the same labels again changes nothing.

    Parameters
    ----------
    name
        Of the author, ``import:<name>``; the name of the file or folder where it is left out.
    extend_schema
        Add labels that the project's schema does not have. Without it they are an error that names them.
    progress
        Called with the images done, the images in all and what is being done.

    Raises
    ------
    LabelFileError
        Nothing was imported, and why.
    """
    path = Path(path)
    if path.suffix.lower() == ".csv":
        return import_table(project, path, extend_schema, name, progress)
    source = open_labels(path)
    if extend_schema:
        schema = extended(project.schema, source.wanted())
        if schema != project.schema:
            project.set_schema(schema)
    author = Author.imported(name or path.resolve().stem)
    total = source.images() if isinstance(source, MaskFolders) else len(source.images)
    sides = Sides(project.schema)
    images = objects = 0
    skipped: list[Skipped] = []
    notes: list[str] = []
    taken: dict[str, str] = {}
    silent = 0
    for done, image in enumerate(source.read(_file_names(project), project.schema, author), start=1):
        if image.findings is None:
            skipped.append(Skipped(image.file, image.problems))
        elif not image.findings.objects:
            silent += 1
        elif image.findings.radiograph_uid in taken:
            other = taken[image.findings.radiograph_uid]
            skipped.append(
                Skipped(image.file, (f"{image.file}: the same radiograph as {other}; labels of that were taken.",))
            )
        else:
            taken[image.findings.radiograph_uid] = image.file
            project.save(image.findings)
            sides.look_at(image.findings)
            images, objects = images + 1, objects + len(image.findings)
        notes += image.notes
        progress(done, max(done, total), "importing labels")
    if silent:
        notes.append(f"{silent} images of {path.name} carry no labels; nothing was recorded for them.")
    notes += sides.notes()
    project.audit("import labels", f"{path}: {objects} objects of {images} images, {len(skipped)} left out")
    return ImportReport(path, images, objects, tuple(skipped), tuple(notes))


def _file_names(project: Project) -> FileNames:
    headers = [image.header for image in project.images()]
    aliases = {}
    if (project.folder / KEY_FILE).exists():  # an export of this project comes back
        pseudonyms = Pseudonyms.of(project.folder)
        aliases = {header.uid: pseudonyms.image(header.uid) for header in headers}
    return FileNames(headers, aliases)
