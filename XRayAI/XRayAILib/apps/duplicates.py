"""The command ``duplicates``: radiographs with the same pixels."""

from __future__ import annotations

from pathlib import Path

from XRayAILib.apps.console import Step, console, one_line, running
from XRayAILib.project.project import Project


def find_duplicates(project_folder: Path, limit: int = 50) -> None:
    """Read the pixels that have not been read yet, and list the images that have the same ones."""
    with Project.open(project_folder) as project:
        step = Step(1, "Pixels")
        with running(step) as bar:
            read = project.duplicates.read_pixels(lambda done, total, text, _: bar.show(done, total, text))
            groups = project.duplicates.groups()
            copies = sum(len(group) - 1 for group in groups)
            step.result = f"{read.read} images read; {copies} have the pixels of another one"
            step.notes = [f"not readable: {path}: {reason}" for path, reason in read.failed[:20]]
            if len(read.failed) > 20:
                step.notes.append(f"... and {len(read.failed) - 20} more")
        for group in groups[:limit]:
            console.print(f"  [yellow]same pixels[/] {one_line(group[0].header.path)}", soft_wrap=True)
            for image in group[1:]:
                said = f", excluded: {image.excluded}" if image.excluded else ""
                console.print(f"              {one_line(image.header.path + said)}", soft_wrap=True)
        if len(groups) > limit:
            console.print(f"  ... and {len(groups) - limit} groups more")
