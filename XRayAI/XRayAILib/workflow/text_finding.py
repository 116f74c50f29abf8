"""Looking for burned-in text in what is to be de-identified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from XRayAILib.dicom.search import Search
from XRayAILib.exchange.text_search import ProgressCall, TextSearch, find_text_in
from XRayAILib.workflow.deidentification_run import images_of, is_project


def find_text(
    sources: Sequence[Path],
    folder: Path,
    *,
    processes: int = 0,
    progress: ProgressCall = lambda *_: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> TextSearch:
    """Write the regions file of all images below ``sources`` into ``folder``.

    Parameters
    ----------
    sources
        As for :func:`XRayAILib.workflow.deidentification_run.deidentify`.
    """

    def closed(place: Path) -> str:
        return "holds the pictures of this search" if place.resolve() == folder.resolve() else ""

    files = [Path(path) for source in filter(is_project, sources) for path in images_of(source)]
    search = Search([source for source in sources if not is_project(source)], closed=closed)
    files += [Path(file.path) for file in search if not file.reason]
    return find_text_in(files, folder, processes=processes, progress=progress, cancelled=cancelled)
