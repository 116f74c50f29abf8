"""De-identification of folders: several processes make files, one keeps the lists.

::

    outcome = deidentify([Path("radiographs")], Path("clean"), Settings(screen=False))

A run that was stopped goes on where it was; see :mod:`XRayAILib.workflow.deidentification.place`.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from XRayAILib import __version__
from XRayAILib.dicom.header_reader import ask_several
from XRayAILib.dicom.markers import method_codes
from XRayAILib.dicom.search import FoundFile
from XRayAILib.exchange.text.text_regions import TextRegions
from XRayAILib.workflow.deidentification.deidentification import DeidentificationRefused, HeldBack, Settings
from XRayAILib.workflow.deidentification.place import CROSSWALK, Place, known_crosswalk, write_private_table
from XRayAILib.workflow.deidentification.sources import Sources

CHILD = "XRayAILib.workflow.deidentification.child"
FILE_SECONDS = 300.0
"""For one file: looking for text in a large image with a slow reader takes some seconds."""
BATCH = 8
"""Files a question."""


@dataclass(frozen=True)
class Progress:
    """How far it is: files, files a second, and seconds left where they can be told."""

    done: int
    total: int
    rate: float = 0.0
    seconds_left: float | None = None

    @property
    def text(self) -> str:
        return f"{self.done:,} of {self.total:,} files" + (f", {self.rate:,.0f} files/s" if self.rate else "")


@dataclass
class Outcome:
    """What a de-identification did.

    Attributes
    ----------
    written
        Files made and verified now.
    before
        Files that an earlier run had made.
    copies
        Files of the input that are the same image as another one.
    held
        Files that must not go out as they are.
    left_out
        (path, reason) of what is no DICOM file, or cannot be read.
    passed_over
        Files whose names say that they are no images.
    report, directory, list, crosswalk
        What was written about it; report and DICOMDIR are in the output, and the others are not.
    """

    output: Path
    written: int = 0
    before: int = 0
    copies: int = 0
    passed_over: int = 0
    held: list[HeldBack] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    cancelled: bool = False
    seconds: float = 0.0
    report: Path | None = None
    directory: Path | None = None
    list: Path | None = None
    crosswalk: Path | None = None


def deidentify(
    sources: Sequence[Path],
    output: Path,
    settings: Settings,
    progress: Callable[[Progress], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
    interpreter: str = sys.executable,
) -> Outcome:
    """De-identify what is below ``sources`` into ``output``. What a run that was stopped has made is not made again.

    Parameters
    ----------
    sources
        Files, folders and zip archives; the folder of a project stands for its images.

    Raises
    ------
    DeidentificationRefused
        Nothing was done, and why.
    TextRegionsError
        The regions file cannot be used.
    KeyFileError
        The key cannot be used.
    OSError
        The disk is full, or the output cannot be written; what was made until then is whole.
    """
    if settings.screen and settings.regions_file is not None:
        TextRegions.read(settings.regions_file)  # what is wrong with it is told once, and before anything is written
    place = Place(sources, output, settings)
    with place.alone():
        return _Run(place, settings, progress, cancelled, interpreter).run(sources)


class _Run:
    def __init__(
        self,
        place: Place,
        settings: Settings,
        progress: Callable[[Progress], None],
        cancelled: Callable[[], bool],
        interpreter: str,
    ) -> None:
        self._place = place
        self._settings = settings
        self._progress = progress
        self._cancelled = cancelled
        self._interpreter = interpreter
        self._outcome = Outcome(place.output)
        self._crosswalk: set[tuple[str, ...]] = set()
        self._outputs: set[str] = set()
        self._begun = time.monotonic()

    def run(self, sources: Sequence[Path]) -> Outcome:
        place, outcome = self._place, self._outcome
        made = place.made_before()
        place.tidy()
        files = self._files(sources)
        # A table of identities has to have every file in it, so all are made again for it.
        there = {} if self._settings.crosswalk else made
        waiting = [file for file in files if place.digest(file) not in there]
        outcome.before = len(files) - len(waiting)
        self._outputs = set(there.values())
        try:
            self._make(waiting)
        finally:
            place.tidy()
            outcome.list = place.write_held_back(outcome.held, outcome.left_out)
        if not outcome.cancelled:
            self._finish()
        outcome.seconds = time.monotonic() - self._begun
        return outcome

    def _files(self, sources: Sequence[Path]) -> list[FoundFile]:
        outcome, files = self._outcome, []
        found = Sources(sources, closed=self._closed)
        for file in found:
            if file.reason:
                outcome.left_out.append((file.path, file.reason))
            else:
                files.append(file)
            if self._cancelled():
                outcome.cancelled = True
                return []
        outcome.left_out += found.search.problems
        outcome.passed_over = found.search.passed_over
        return files

    def _closed(self, folder: Path) -> str:
        return "holds what must stay private" if folder.resolve() == self._place.private else ""

    def _make(self, files: Sequence[FoundFile]) -> None:
        begun = time.monotonic()
        with self._place.progress() as made, closing(self._answers(files)) as answers:
            for done, (file, answer) in enumerate(zip(files, answers, strict=False), 1):
                if "fatal" in answer:
                    raise DeidentificationRefused(
                        f"Stopped, because the output cannot be written: {answer['fatal']}. What was made is whole; "
                        "make room, or see to the rights, and start again to go on."
                    )
                self._take(file, answer)
                if "output" in answer:
                    line = {"source": self._place.digest(file), "output": answer["output"], "size": answer["size"]}
                    made.write(json.dumps(line) + "\n")
                    made.flush()
                seconds = time.monotonic() - begun
                rate = done / seconds if seconds > 0 else 0.0
                left = (len(files) - done) / rate if rate and seconds > 1.0 else None
                self._progress(Progress(done, len(files), rate, left))
                if self._cancelled():
                    self._outcome.cancelled = done < len(files)
                    return

    def _answers(self, files: Sequence[FoundFile]) -> Generator[dict[str, Any], None, None]:
        orders = {
            "settings": self._settings.document(),
            "output": str(self._place.output),
            "key": self._place.pseudonyms.document(),
        }
        paths = [file.path for file in files]
        batch = min(BATCH, max(1, len(paths) // 8))
        return ask_several(
            json.dumps(orders), paths, self._settings.processes, batch, FILE_SECONDS, self._interpreter, CHILD
        )

    def _take(self, file: FoundFile, answer: dict[str, Any]) -> None:
        outcome = self._outcome
        if "held" in answer:
            outcome.held.append(HeldBack(Path(file.path), answer["held"], answer.get("unconfirmed", False)))
        elif "reason" in answer:
            outcome.left_out.append((file.path, answer["reason"]))
        elif answer["output"] in self._outputs:
            outcome.copies += 1
        else:  # also what a killed run had made and could not note any more: it was verified now
            outcome.written += 1
            self._outputs.add(answer["output"])
        if "crosswalk" in answer:
            self._crosswalk.add(tuple(map(str, (*answer["crosswalk"], answer["output"]))))

    def _finish(self) -> None:
        outcome, settings = self._outcome, self._settings
        if settings.crosswalk is not None:
            rows = {tuple(row) for row in known_crosswalk(settings.crosswalk)} | self._crosswalk
            outcome.crosswalk = write_private_table(settings.crosswalk, [CROSSWALK, *sorted(rows)])
        if settings.dicomdir:
            from XRayAILib.dicom.file_set import write_file_set

            outcome.directory = write_file_set(self._place.output)
        outcome.report = self._place.write_report(_report(outcome, settings))


def _report(outcome: Outcome, settings: Settings) -> dict[str, object]:
    """What may be known of it by everybody: counts, and by which rules."""
    folders = [path for path in outcome.output.iterdir() if path.name.startswith("patient-")]
    reasons = Counter("text to be confirmed" if held.unconfirmed else "not verified" for held in outcome.held)
    return {
        "program": f"X-Ray AI {__version__}",
        "profile": "DICOM PS3.15 Annex E, Basic Application Level Confidentiality Profile",
        "codes": [f"{value} {meaning}" for value, meaning in method_codes(settings.options, False)],
        "options": settings.options.document(),
        "burned-in text": "checked, what was found is confirmed by a person" if settings.screen else "not checked",
        "patients": len(folders),
        "studies": sum(1 for folder in folders for _ in folder.iterdir()),
        "files": sum(1 for folder in folders for _ in folder.rglob("*.dcm")),
        "held back": dict(reasons),
        "left out": len(outcome.left_out),
        "copies of the same image": outcome.copies,
        "verification": "every file was read again, and no identifying value of its source is in it outside the pixels",
    }
