"""What is to be de-identified: files, folders, archives, and the images of projects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.search import FoundFile, Search
from XRayAILib.dicom.source import stamp


class Sources:
    """The files below some places, where the folder of a project stands for its images.

    Attributes
    ----------
    search
        What went through the folders; it knows what was passed over, and which folders could not be read.
    """

    def __init__(self, places: Sequence[Path], closed: Callable[[Path], str] = lambda _: "") -> None:
        self._projects = [place for place in places if (place / "project.toml").is_file()]
        self.search = Search([place for place in places if place not in self._projects], closed=closed)

    def __iter__(self) -> Iterator[FoundFile]:
        for project in self._projects:
            yield from map(_found, _images_of(project))
        yield from self.search


def _images_of(folder: Path) -> list[str]:
    """The files of a project's images, without those that are excluded."""
    from XRayAILib.project.project import Project

    with Project.open(folder) as project:
        return sorted({image.header.path for image in project.images() if not image.excluded})


def _found(path: str) -> FoundFile:
    try:
        return FoundFile(path, *stamp(Path(path)))
    except UnreadableError as error:
        return FoundFile(path, reason=error.reason)
