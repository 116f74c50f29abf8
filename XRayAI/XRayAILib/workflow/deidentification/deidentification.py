"""De-identification of radiographs, as a person starts it and follows it.

::

    deidentification = Deidentification()
    deidentification.regions_file = folder / "regions.json"
    deidentification.start(project.folder, [project.folder], Path("clean"))
    while deidentification.work.running:
        deidentification.work.poll()
    print(deidentification.outcome(), deidentification.held)

What is done to a file stands in :mod:`XRayAILib.dicom.deidentify`.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from XRayAILib.dicom.confidentiality import Options
from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.work import Work


class DeidentificationRefused(RuntimeError):
    """A de-identification that cannot start, and what to do."""


@dataclass(frozen=True)
class Screening:
    """What the check for burned-in text has to say of the image in one file.

    Attributes
    ----------
    held
        Why the image cannot go out yet: text that nobody has confirmed or denied. Empty where it can.
    regions
        (left, top, right, bottom) of what is to be blanked in the stored pixels of every frame; outer edges, in
        whole pixels.
    checked
        Whether the image was looked at, so that it may be said that nothing is burned in any more.
    """

    held: str = ""
    regions: tuple[tuple[int, int, int, int], ...] = ()
    checked: bool = False


Screen = Callable[[Path], Screening]
"""Asked once for each file that holds pixels."""


@dataclass(frozen=True)
class HeldBack:
    """A file of the input that has no counterpart in the output, and why.

    ``unconfirmed`` tells those that wait for a person's word on burned-in text from all others.
    """

    path: Path
    reason: str
    unconfirmed: bool = False


@dataclass(frozen=True)
class Settings:
    """How a folder is de-identified.

    Attributes
    ----------
    options
        Those of the confidentiality profile.
    key
        File of the secret key; beside the output, in a folder of its own, where it is ``None``.
    screen
        Whether images are checked for burned-in text. Without it only those pass that do not say YES themselves.
    regions_file
        The regions that a person confirmed; see :mod:`XRayAILib.exchange.text.text_regions`.
    pictures
        Also PNG, JPEG and TIFF files, written anew without anything but their pixels.
    dicomdir
        Write a new DICOMDIR.
    crosswalk
        Where to write the table of old and new identities.
    processes
        How many work at it; 0 for one per processor.
    """

    options: Options = field(default_factory=Options)
    key: Path | None = None
    screen: bool = True
    regions_file: Path | None = None
    pictures: bool = False
    dicomdir: bool = False
    crosswalk: Path | None = None
    processes: int = 0

    def document(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {k: str(v) if isinstance(v, Path) else v for k, v in asdict(self).items()}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Settings:
        """The opposite of :meth:`document`."""
        values = dict(document)
        for name in ("key", "regions_file", "crosswalk"):
            values[name] = Path(values[name]) if values.get(name) else None
        values["options"] = Options.from_document(values.get("options") or {})
        return cls(**values)


class Deidentification:
    """De-identifications started from one panel, one at a time.

    Attributes
    ----------
    options, regions_file
        What the next one goes by; see :class:`Settings`.
    """

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("deidentify", interpreter)
        self.options = Options()
        self.regions_file: Path | None = None

    def start(self, project_folder: Path, sources: Sequence[Path], output: Path, **settings: Any) -> None:
        """Begin.

        Parameters
        ----------
        project_folder
            The project in whose folder the job's log lies.
        sources
            Files, folders, zip archives; a project's folder stands for its radiographs.
        output
            Where the de-identified files go.
        settings
            More fields of :class:`Settings`.
        """
        chosen = Settings(options=self.options, regions_file=self.regions_file, **settings)
        request = {"sources": [str(s) for s in sources], "output": str(output), "settings": chosen.document()}
        self.work.begin(project_folder, request)

    @property
    def held(self) -> list[HeldBack]:
        """What the last one held back."""
        rows = (self.work.result or {}).get("held", [])
        return [HeldBack(Path(path), reason, unconfirmed) for path, reason, unconfirmed in rows]

    @property
    def output(self) -> Path | None:
        """Where the last one wrote to."""
        result = self.work.result
        return Path(str(result["output"])) if result and result.get("output") else None

    def outcome(self) -> str:
        """What the last one did, in a sentence."""
        result = self.work.result or {}
        text = f"{counted(result.get('written', 0), 'file', 'files')} de-identified and verified in "
        text += str(result.get("output", ""))
        for number, said in (
            (result.get("before", 0), "made before"),
            (len(self.held), "held back"),
            (len(result.get("left_out", ())), "left out"),
        ):
            text += f", {number} {said}" if number else ""
        return text

    def left_out(self) -> list[str]:
        """Why files were left out, a line for each reason, the most frequent first."""
        reasons = Counter(reason for _path, reason in (self.work.result or {}).get("left_out", ()))
        return [f"{number} left out: {reason}" for reason, number in reasons.most_common()]
