"""Fetching studies from a server into a project: into its folder ``retrieved``, and from there as by a scan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from XRayAILib.dicom.archive import Archive, ServerError, valid_uid
from XRayAILib.dicom.retrieval import Retrieved, Transfer, retrieve
from XRayAILib.project.intake import Intake, take_in
from XRayAILib.project.project import Project


@dataclass
class Fetched:
    """What came of fetching studies.

    Attributes
    ----------
    received, present, passed_over, size
        As of :class:`XRayAILib.dicom.retrieval.Retrieved`, over all studies.
    failed
        (path, reason) of each image that did not come.
    refused
        What was sent without being asked for.
    error
        Why it ended early; what came until then is in the project.
    intake
        What the project took in.
    """

    received: int = 0
    present: int = 0
    passed_over: int = 0
    size: int = 0
    seconds: float = 0.0
    cancelled: bool = False
    failed: list[tuple[str, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    error: str = ""
    intake: Intake = field(default_factory=Intake)

    @property
    def text(self) -> str:
        """In a sentence."""
        parts = [f"{self.received} retrieved"]
        for number, what in (
            (self.present, "there already"),
            (len(self.failed), "failed"),
            (self.passed_over, "no radiograph and passed over"),
        ):
            if number:
                parts.append(f"{number} {what}")
        if self.received and self.seconds > 0:
            parts.append(f"{self.received / self.seconds:.0f} images/s, {self.size / self.seconds / 1e6:.1f} MB/s")
        return ", ".join(parts)


def retrieved_folder(project: Project) -> Path:
    """Where images from servers lie: a folder per study."""
    return project.folder / "retrieved"


def fetch(
    project: Project,
    archive: Archive,
    study_uids: Sequence[str],
    series_uids: Sequence[str] = (),
    progress: Callable[[Transfer, str], None] = lambda _transfer, _study: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Fetched:
    """Fetch studies (of one study also single series) and take their radiographs into the project.

    Parameters
    ----------
    progress
        Called with the state of the study under way and with which of them it is, such as ``study 2 of 5``.

    Raises
    ------
    OSError
        The disk is full, or the folder cannot be written. What came before is taken in by the next run.
    """
    result = Fetched()
    folder = retrieved_folder(project)
    places: list[Path] = []
    for number, uid in enumerate(study_uids, 1):
        if cancelled():
            result.cancelled = True
            break
        which = f"study {number} of {len(study_uids)}" if len(study_uids) > 1 else ""
        try:
            one = retrieve(archive, uid, folder, series_uids, lambda t, w=which: progress(t, w), cancelled)  # type: ignore[misc]
        except ServerError as error:
            result.error = str(error)
            break
        places.append(folder / uid)
        _add(result, one, folder / uid)
        if one.error or one.cancelled:
            break
    if places:
        result.intake = take_in(project, [place for place in places if place.is_dir()])
        for path, reason in result.failed:
            project.note_unreadable(path, reason)
        project.audit("retrieve", f"{result.text} from server {archive.server.name}")
    return result


def _add(result: Fetched, one: Retrieved, place: Path) -> None:
    result.received += one.received
    result.present += one.present
    result.passed_over += one.passed_over
    result.size += one.size
    result.seconds += one.seconds
    result.cancelled, result.error = one.cancelled, one.error
    result.refused += one.refused
    # A UID that is none is no file name either: it is told with the folder.
    result.failed += [(str(place / f"{uid}.dcm" if valid_uid(uid) else place), reason) for uid, reason in one.failed]
