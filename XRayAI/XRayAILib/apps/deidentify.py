"""The command ``xrayai deidentify``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.table import Table

from XRayAILib.apps.console import Step, console, plain, running
from XRayAILib.dicom.confidentiality import Options
from XRayAILib.dicom.pseudonyms import KEY_FILE
from XRayAILib.dicom.verification import LEFT_IN
from XRayAILib.workflow.deidentification.deidentification import Settings
from XRayAILib.workflow.deidentification.run import Outcome, deidentify
from XRayAILib.workflow.filling import counted

SHOWN = 20
"""Rows of a list on the terminal; the file has them all."""


KEEP, CLEAN = ("uids", "device", "institution", "patient"), ("descriptors", "graphics")


class WrongWishError(ValueError):
    """A word on the command line that means nothing here."""


@dataclass(frozen=True)
class Wishes:
    """The options of the profile as words of the command line."""

    dates: str
    keep: Sequence[str]
    clean: Sequence[str]
    remove: Sequence[str]

    def options(self) -> Options:
        """As the library takes them; :class:`WrongWishError` for a word that it does not know."""
        for what, words, known in (("--keep", self.keep, KEEP), ("--clean", self.clean, CLEAN)):
            for word in words:
                if word not in known:
                    raise WrongWishError(f"{what} takes {', '.join(known)}, not '{word}'.")
        chosen = {f"keep_{word}": True for word in self.keep} | {f"clean_{word}": True for word in self.clean}
        try:
            return Options(dates=self.dates, remove=tuple(self.remove), **chosen)
        except ValueError as error:
            raise WrongWishError(str(error)) from error


def deidentify_folders(
    paths: Sequence[Path],
    project: Path | None,
    wishes: Wishes,
    files: tuple[Path | None, Path | None, Path | None],
    text: bool,
    pictures: bool,
    dicomdir: bool,
    processes: int,
) -> bool:
    """De-identify and say what became of each file that did not go out; whether all did.

    Parameters
    ----------
    paths
        Sources, and last the output.
    files
        Key, crosswalk and regions file.
    """
    sources, output = _sources(paths, project)
    key, crosswalk, regions = files
    if key is None and project is not None:
        key = project / KEY_FILE  # so that names are those of the project's exports
    settings = Settings(wishes.options(), key, text, regions, pictures, dicomdir, crosswalk, processes)
    step = Step(1, "De-identify")
    with running(step) as bar:
        outcome = deidentify(sources, output, settings, lambda state: bar.show(state.done, state.total, state.text))
        there = counted(outcome.written + outcome.before, "file", "files")
        step.result = f"{there} in {outcome.output}, each read again and verified"
    _tell(outcome)
    return not outcome.held


def find_burned_in_text(paths: Sequence[Path], project: Path | None, folder: Path, processes: int) -> None:
    """Look for text burned into what is to be de-identified, and say how a person confirms it."""
    from XRayAILib.exchange.text.text_regions import PAGE
    from XRayAILib.pixels import ocr
    from XRayAILib.workflow.text_finding import find_text

    sources, output = _sources(paths, project)
    step = Step(1, "Find text")
    with running(step) as bar:
        found = find_text(sources, folder, processes=processes, progress=bar.show)
        step.result = found.summary
        step.notes = [ocr.missing()] if ocr.missing() else []
        step.notes += [f"{path}: {reason}" for path, reason in found.unreadable[:SHOWN]]
    console.print(
        f"Look through {plain(str(folder / PAGE))}, confirm and save it as {plain(str(found.file))}, then: "
        f"xrayai deidentify ... {plain(str(output))} --regions {plain(str(found.file))}",
        soft_wrap=True,
    )
    console.print("They show what is burned in, such as patients' names: they are for you only.")


def _sources(paths: Sequence[Path], project: Path | None) -> tuple[list[Path], Path]:
    *sources, output = paths
    sources += [project] if project is not None else []
    if not sources:
        raise WrongWishError(f"What is to be de-identified into {output}? Name files or folders, then the output.")
    return sources, output


def _tell(outcome: Outcome) -> None:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 1))
    unconfirmed = sum(held.unconfirmed for held in outcome.held)
    for count, what in (
        (outcome.written, "made and verified"),
        (outcome.before, "were made by an earlier run"),
        (outcome.copies, "are the same image as another file"),
        (unconfirmed, "held back until a person has confirmed the text in them"),
        (len(outcome.held) - unconfirmed, "held back for the reasons below"),
        (len(outcome.left_out), "left out: no DICOM file, or not readable"),
        (outcome.passed_over, "other files passed over"),
    ):
        if count:
            table.add_row(f"{count:>9,}", what)
    console.print(table)
    rows = [(held.path, held.reason, "held back") for held in outcome.held]
    rows += [(Path(path), reason, "left out") for path, reason in outcome.left_out]
    for path, reason, what in rows[:SHOWN]:
        console.print(f"  [yellow]{what}[/] {plain(str(path))}: {plain(reason)}", soft_wrap=True)
    if len(rows) > SHOWN:
        console.print(f"  ... and {len(rows) - SHOWN} more.")
    if rows:
        console.print(f"All of them, with names of files: {plain(str(outcome.list))}", soft_wrap=True)
    if any(LEFT_IN in held.reason for held in outcome.held):
        console.print(
            "An attribute that still says who it is can be taken out of all files: --remove KEYWORD", soft_wrap=True
        )
    written = (
        ("Report", outcome.report),
        ("DICOMDIR", outcome.directory),
        ("Crosswalk, keep it apart", outcome.crosswalk),
    )
    for what, file in written:
        if file is not None:
            console.print(f"{what}: {plain(str(file))}", soft_wrap=True)
