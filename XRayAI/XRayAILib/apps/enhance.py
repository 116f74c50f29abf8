"""``xrayai enhance`` and ``xrayai histogram``: enhanced images as files, and one look for several devices."""

from __future__ import annotations

import getpass
from pathlib import Path

from XRayAILib.apps.console import Step, console, plain, running
from XRayAILib.exchange.enhanced import export_enhanced, write_enhanced
from XRayAILib.pixels.enhance import Enhancement
from XRayAILib.project.enhancements import (
    enhancement_names,
    find_enhancement,
    reference_histogram,
    save_enhancement,
)
from XRayAILib.project.project import Project


class EnhanceError(ValueError):
    """An order that cannot be carried out, and what to say instead."""


def enhance_file(source: Path, preset: str, out: Path | None, project_folder: Path | None) -> None:
    """Write one file, enhanced."""
    from XRayAILib.dicom.radiograph import read_radiograph

    if out is None:
        raise EnhanceError("Say where the image goes: --out picture.png")
    if project_folder is None:
        enhancement = find_enhancement(None, preset)
    else:
        with Project.open(project_folder) as project:
            enhancement = find_enhancement(project, preset)
    path = write_enhanced(read_radiograph(source), enhancement, out, getpass.getuser())
    console.print(f"{plain(str(path))}\n{plain(str(path.with_suffix('.json')))}", soft_wrap=True)


def enhance_project(project_folder: Path, preset: str, uids: list[str], out: Path | None) -> None:
    """Write images of a project, enhanced: all that are not excluded, or those named."""
    with Project.open(project_folder) as project:
        enhancement = find_enhancement(project, preset)
        wanted = uids or [image.uid for image in project.images() if not image.excluded]
        step = Step(1, "Enhance")
        with running(step) as bar:
            written = export_enhanced(project, enhancement, wanted, out, getpass.getuser(), bar.show)
            step.result = f"{len(written.files)} images with '{enhancement.name}': {written.folder}"
            step.notes = [reason for _, reason in written.failed]


def keep_histogram(project_folder: Path, name: str, manufacturer: str, base: str) -> None:
    """Make an enhancement that gives every image the mean histogram of a project, or of one device in it."""
    with Project.open(project_folder) as project:
        before: Enhancement = find_enhancement(project, base)
        step = Step(1, "Histogram")
        with running(step) as bar:
            reference = reference_histogram(project, manufacturer, before, bar.show)
            path = save_enhancement(project, before.with_step(reference).renamed(name), getpass.getuser())
            step.result = f"of {reference.source}: {path}"


def list_enhancements(project_folder: Path | None) -> None:
    """Print the names and the steps of all enhancements."""
    if project_folder is None:
        _tell(None)
    else:
        with Project.open(project_folder) as project:
            _tell(project)


def _tell(project: Project | None) -> None:
    for name in enhancement_names(project):
        steps = find_enhancement(project, name).steps
        console.print(f"{plain(name):16} {', '.join(step.kind for step in steps) or '[dim]nothing[/]'}")
