"""Export: findings of a project written in a format, and checked before they count as exported.

::

    export = export_project(project, "yolo-segment", Choice(only_approved=True, images="png8"))
    export.folder
"""

from __future__ import annotations

import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.pseudonyms import Pseudonyms
from XRayAILib.exchange import gate, image_forms, splits
from XRayAILib.exchange.border import within
from XRayAILib.exchange.bulk import rare_collection
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.contents import Contents
from XRayAILib.exchange.dicom_results.source import newest
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.format import Format, LabelledImage, Plan
from XRayAILib.exchange.formats import format_named
from XRayAILib.exchange.said import Said, said
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject
from XRayAILib.project.image import Image
from XRayAILib.project.project import Project
from XRayAILib.project.unfinished import ENDING, remove_unfinished

ProgressCall = Callable[[int, int, str], None]
"""Called with the steps done, the steps in all and what is being done; it ends the export by raising."""


@dataclass(frozen=True)
class Export:
    """What was exported.

    Attributes
    ----------
    images, objects
        How many were written and found again.
    without_labels
        Images of the project of which nobody says anything, or that are excluded; they were left out.
    warnings
        Sentences about what could not be exported as it is.
    """

    folder: Path
    images: int
    objects: int
    without_labels: int
    warnings: tuple[str, ...]


def losses(project: Project, format_name: str, choice: Choice = Choice()) -> list[str]:  # noqa: B008 - it is frozen
    """What an export would not hold of what is chosen, in sentences for before it starts."""
    form = format_named(format_name)
    chosen = (findings for _, findings in choice.pairs(project, pixels=False) if findings is not None)
    return form.losses(Contents.of(chosen), _plan(project, form, choice))


def export_project(
    project: Project,
    format_name: str,
    choice: Choice = Choice(),  # noqa: B008 - it is frozen
    *,
    name: str = "",
    progress: ProgressCall = lambda *_: None,
) -> Export:
    """Export what is chosen of a project.

    The folder takes its place in ``project.exports_folder`` only after another program has read it again and every
    object has come back as it was.

    Parameters
    ----------
    name
        Of the folder, the format's where it is empty; a number is added where there is one already.

    Raises
    ------
    ExportError
        Nothing was exported; the message names the object or the file that is the reason.
    """
    form = format_named(format_name)
    name = name or form.name
    if not re.fullmatch(r"\w[\w .-]*", name):
        raise ExportError(
            f"'{name}' cannot be the name of an export: it becomes a folder in {project.exports_folder}. Take letters, "
            "digits, spaces, dots, '-' and '_'."
        )
    plan = _plan(project, form, choice)
    remove_unfinished(project.exports_folder)
    temporary = project.exports_folder / f".{name}-{uuid.uuid4().hex[:8]}{ENDING}"
    try:
        temporary.mkdir(parents=True)
        run = _Run(project, form, plan, temporary, progress)
        with rare_collection():
            form.write(temporary, run.images(), plan)
            if not run.expected:
                raise ExportError(_nothing(form, choice, plan.warnings, run.without_place))
            gate.check(form, temporary, plan, run.expected, run.checking)
        folder = _free_folder(project.exports_folder, name)
        temporary.rename(folder)
    except OSError as error:
        raise ExportError(
            f"The export to {project.exports_folder} failed: {error.strerror or error}. "
            "Nothing was exported; see that the disk has room and that the folder can be written."
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)  # still there only after an error
    objects = sum(map(len, run.expected.values()))
    project.audit("export", f"{form.title}, {len(run.expected)} images, {objects} objects: {folder}")
    return Export(folder, len(run.expected), objects, run.left_out, tuple(plan.warnings))


class _Run:
    """The images of an export on their way to the writer."""

    def __init__(self, project: Project, form: Format, plan: Plan, folder: Path, progress: ProgressCall) -> None:
        self._project, self._form, self._plan, self._folder = project, form, plan, folder
        self._progress = progress
        self._names: dict[str, str] = {}
        self._total = project.count(plan.choice.query)
        self._parts = _parts(project, plan.choice)
        self._deidentifier = image_forms.deidentifier_of(plan.pseudonyms, plan.choice.own_names)
        self.expected: dict[str, list[Said]] = {}
        self.left_out = 0
        self.without_place = 0

    def images(self) -> Iterator[LabelledImage]:
        """Each image with its picture written, held back until the writer asks for it."""
        with_text = 0
        for done, (image, findings) in enumerate(self._plan.choice.pairs(self._project), start=1):
            labelled = self._labelled(image, findings) if findings is not None else None
            if labelled is None:
                self.left_out += 1
            else:
                self._plan.shapes[labelled.name] = labelled.shape
                self._plan.newest = max(self._plan.newest, newest(labelled.findings))
                yield labelled
                self.expected[labelled.name] = [said(item, self._form.carries) for item in labelled.findings]
                with_text += self._plan.form != "none" and any(mark.rule == "text" for mark in image.marks)
            self._progress(done, 2 * self._total, "writing images")
        if with_text:
            self._plan.warnings.append(
                f"{with_text} of the pictures have text burned in, as the last check says: see that it names nobody "
                "before you pass them on. They have the mark 'text' in the collection."
            )

    def checking(self, done: int, total: int, text: str) -> None:
        self._progress(self._total + done * self._total // max(total, 1), 2 * self._total, text)

    def _labelled(self, image: Image, findings: Findings) -> LabelledImage | None:
        plan = self._plan
        name = self._name(image)
        held: list[FindingObject] = []
        for item in findings:
            cut = within(item, findings.shape, f"image {name}", plan.warnings) if self._form.inside else item
            held += self._form.hold(cut, findings.shape)
        if not held and findings.objects:
            self.without_place += 1
            return None
        if reason := self._form.refuses(image):
            plan.warnings.append(f"{reason} It was left out of the export.")
            return None
        part = self._parts.get(image.uid, image.split)
        path = self._form.picture(name, image_forms.ending(plan.form), part)
        try:
            image_forms.write_picture(self._project, image, plan.form, self._folder / path, self._deidentifier)
        except UnreadableError as error:
            plan.warnings.append(f"{error} It was left out of the export.")
            return None
        patient = plan.pseudonyms.patient(image.header.patient_key)
        objects = tuple(self._form.join(held, plan.schema))
        # Findings are looked at when they are made, so those that nothing was changed of are not made again.
        kept = findings if objects == findings.objects else replace(findings, objects=objects)
        return LabelledImage(name, path, kept, part, patient, image)

    def _name(self, image: Image) -> str:
        if not self._plan.choice.own_names:
            return self._plan.pseudonyms.image(image.uid)
        name = Path(image.header.path).stem
        other = self._names.setdefault(name.lower(), image.header.path)
        if other != image.header.path:
            raise ExportError(
                f"{image.header.path} and {other} have the same name. Export with names that the project gives."
            )
        return name


def _parts(project: Project, choice: Choice) -> dict[str, str]:
    """The parts of the images that are exported, where some are to be dealt."""
    if not choice.split:
        return {}
    chosen = (image for image, findings in choice.pairs(project, pixels=False) if findings is not None)
    return splits.parts_of(chosen, choice.split)


def _plan(project: Project, form: Format, choice: Choice) -> Plan:
    wanted = choice.images or form.forms[0]
    if wanted not in form.forms:
        raise ExportError(f"{form.title} goes with pictures of these forms: {', '.join(form.forms)}, not '{wanted}'.")
    for option, value in choice.options.items():
        if value not in form.options.get(option, ()):
            raise ExportError(_no_option(form, option, value))
    return Plan(project.schema, choice, project.name, wanted, Pseudonyms.of(project.folder))


def _no_option(form: Format, option: str, value: str) -> str:
    if option in form.options:
        return f"{form.title}: the option {option} is {' or '.join(form.options[option])}, not '{value}'."
    known = ", ".join(f"{name}={'|'.join(values)}" for name, values in form.options.items())
    return f"{form.title} has no option '{option}'; it has {known or 'none'}."


def _nothing(form: Format, choice: Choice, warnings: list[str], without_place: int) -> str:
    if warnings:
        return f"Nothing was exported. {warnings[0]}" + (f" And {len(warnings) - 1} more." if warnings[1:] else "")
    if without_place:
        return f"Nothing was exported: {form.title} has no place for what was drawn. Take another format (--list)."
    if choice.only_approved or choice.reader or choice.query.is_narrowed:
        return "Nothing was exported: no image has labels of those that were chosen. Choose more."
    return "Nothing was exported: no image of the project has labels. Draw or import some, or accept predictions."


def _free_folder(exports: Path, name: str) -> Path:
    folder, number = exports / name, 2
    while folder.exists():
        folder, number = exports / f"{name}-{number}", number + 1
    return folder
