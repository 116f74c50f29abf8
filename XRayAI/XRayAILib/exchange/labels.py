"""Labels made elsewhere into the project, all or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from XRayAILib.dicom.pseudonyms import KEY_FILE, Pseudonyms
from XRayAILib.exchange.bulk import rare_collection
from XRayAILib.exchange.errors import LabelFileError
from XRayAILib.exchange.file_names import FileNames
from XRayAILib.exchange.import_report import ImportedImage, ImportReport, Skipped
from XRayAILib.exchange.label_names import extended
from XRayAILib.exchange.sides import Sides
from XRayAILib.exchange.sources import open_labels
from XRayAILib.exchange.table.landmarks import is_landmark_table
from XRayAILib.exchange.table.metadata import OtherTableError
from XRayAILib.exchange.table.picture_labels import import_table
from XRayAILib.exchange.table.read import NEEDED, is_object_table
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.project.project import Project


def import_labels(
    project: Project,
    path: Path,
    *,
    name: str = "",
    format: str = "",
    extend_schema: bool = False,
    leave_out_faulty: bool = False,
    dry_run: bool = False,
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> ImportReport:
    """Save what a file or folder of labels says of the project's radiographs.

    Everything is read and looked at before anything is saved, and then it is saved in one transaction: where one
    annotation is faulty nothing is imported, and the report says what is wrong. Images that the project does not have
    are no fault. Importing the same labels again changes nothing.

    Parameters
    ----------
    name
        Of the author, ``import:<name>``; the name of the file or folder where it is left out.
    format
        One of :data:`XRayAILib.exchange.sources.SOURCES`, or ``table``; found out by the content where it is left out.
    extend_schema
        Add labels that the project's schema does not have. Without it they are an error that names them.
    leave_out_faulty
        Import the other images where some have faults. The labels of an image are taken whole or not at all.
    dry_run
        Change nothing; the report says what would be imported.
    progress
        Called with the images done, the images in all and what is being done; raising ends the import, nothing is
        saved then.

    Raises
    ------
    LabelFileError
        Nothing was imported, and why.
    """
    path = Path(path)
    is_table = path.suffix.lower() == ".csv" and not (is_object_table(path) or is_landmark_table(path))
    if format == "table" or (is_table and not format):
        try:
            return import_table(project, path, extend_schema, name, progress, dry_run=dry_run)
        except OtherTableError as error:
            raise LabelFileError(f"{error} {_TABLES}") from error
    with rare_collection():
        return _import(project, path, name, format, extend_schema, leave_out_faulty, dry_run, progress)


_TABLES = (
    "Tables that can be imported are of pictures (filename and label), of landmarks (filename, landmark, x, y), or of "
    f"objects as an export has them ({', '.join(NEEDED)})."
)


def _import(
    project: Project,
    path: Path,
    name: str,
    format: str,
    extend_schema: bool,
    leave_out_faulty: bool,
    dry_run: bool,
    progress: Callable[[int, int, str], None],
) -> ImportReport:
    source = open_labels(path, format)
    schema = extended(project.schema, source.wanted()) if extend_schema else project.schema
    author = Author.imported(name or path.resolve().stem)
    gathered = _Gathered(schema, source.count, progress)
    findings = gathered.take(source.read(_file_names(project), schema, author))
    if dry_run:
        for _ in findings:
            pass
        return replace(gathered.report(path), dry_run=True)

    def looked_at() -> Iterator[Findings]:
        yield from findings
        if gathered.faulty and not leave_out_faulty:
            raise _FaultyError
        # Before the findings: a schema with labels that nothing has yet is whole, findings without labels are not.
        if schema != project.schema:
            project.set_schema(schema)

    try:
        changed = project.save_many(looked_at())
    except _FaultyError:
        return replace(gathered.report(path), refused=True)
    report = gathered.report(path)
    report = replace(report, unchanged=report.images - changed)
    if not report.nothing_fits:
        project.audit("import labels", f"{path}: {report.summary}")
    return report


class _FaultyError(Exception):
    """Some images are faulty, so none is to be saved."""


class _Gathered:
    """What of the images is to be saved, and what is to be said of the others."""

    def __init__(self, schema: LabelSchema, count: int, progress: Callable[[int, int, str], None]) -> None:
        self._images = self._objects = 0
        self._sides = Sides(schema)
        self._count, self._progress = count, progress
        self._skipped: list[Skipped] = []
        self._notes: list[str] = []
        self._silent = 0

    def take(self, images: Iterable[ImportedImage]) -> Iterator[Findings]:
        """The findings of those that are in order."""
        taken: dict[tuple[str, str], str] = {}
        for done, image in enumerate(images, start=1):
            if image.findings is None:
                self._skipped.append(Skipped(image.file, image.problems, image.unmatched))
            elif not image.findings.objects:
                self._silent += 1
            elif (key := (image.findings.radiograph_uid, image.findings.author.key)) in taken:
                other = taken[key]
                reason = f"{image.file}: the same radiograph as {other}; labels of that were taken."
                self._skipped.append(Skipped(image.file, (reason,)))
            else:
                taken[key] = image.file
                self._images, self._objects = self._images + 1, self._objects + len(image.findings)
                self._sides.look_at(image.findings)
                yield image.findings
            self._notes += image.notes
            self._progress(done, max(done, self._count), "reading labels")

    @property
    def faulty(self) -> bool:
        """Whether there was a fault in any so far."""
        return any(not skipped.unmatched for skipped in self._skipped)

    def report(self, path: Path) -> ImportReport:
        notes = list(self._notes)
        if self._silent:
            carry = "1 image has" if self._silent == 1 else f"{self._silent} images have"
            notes.append(f"{path.name}: {carry} no labels there; nothing was recorded for them.")
        notes += self._sides.notes()
        return ImportReport(path, self._images, self._objects, tuple(self._skipped), tuple(notes))


def _file_names(project: Project) -> FileNames:
    headers = [image.header for image in project.images()]
    aliases, new_uid = {}, None
    if (project.folder / KEY_FILE).exists():  # an export of this project comes back
        pseudonyms = Pseudonyms.of(project.folder)
        aliases = {header.uid: pseudonyms.image(header.uid) for header in headers}
        new_uid = pseudonyms.uid
    return FileNames(headers, aliases, new_uid)
