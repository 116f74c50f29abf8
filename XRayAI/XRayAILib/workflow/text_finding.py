"""Looking for burned-in text in what is to be de-identified."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from XRayAILib.exchange.text.text_search import ProgressCall, TextSearch, find_text_in
from XRayAILib.workflow.deidentification.sources import Sources


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

    files = [Path(file.path) for file in Sources(sources, closed) if not file.reason]
    return find_text_in(files, folder, processes=processes, progress=progress, cancelled=cancelled)
