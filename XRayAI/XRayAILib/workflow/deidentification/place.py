"""Where a de-identification keeps what must not go out: a folder beside the output, for its owner only.

::

    clean/                       the output
    clean.private/
        pseudonyms.key           the secret key, unless another file is named
        progress.jsonl           which files are made, so that another run goes on from there
        held-back.csv            which files were held back or left out, and why
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from XRayAILib.dicom.pseudonyms import KEY_FILE, Pseudonyms
from XRayAILib.dicom.search import FoundFile
from XRayAILib.exchange.table.cells import cell, text_of
from XRayAILib.project.lock import lock
from XRayAILib.workflow.deidentification.deidentification import DeidentificationRefused, HeldBack, Settings

CROSSWALK = (
    *("patient", "pseudonym", "days", "study", "new study", "series", "new series"),
    *("instance", "new instance", "output"),
)
REPORT, PROGRESS, HELD_BACK, LOCK = "report.json", "progress.jsonl", "held-back.csv", "lock"


class Place:
    """The output of a de-identification and the private folder beside it.

    Raises
    ------
    DeidentificationRefused
        Input, output, key and crosswalk are not where they can be apart from each other.
    """

    def __init__(self, sources: Sequence[Path], output: Path, settings: Settings) -> None:
        self.output = output.resolve()
        self.private = self.output.with_name(f"{self.output.name}.private")
        self.key = settings.key.resolve() if settings.key else self.private / KEY_FILE
        self._check([source.resolve() for source in sources], settings)
        self.private.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.output.mkdir(parents=True, exist_ok=True)
        self.pseudonyms = Pseudonyms.read(self.key)
        self._orders = hashlib.sha256(
            json.dumps([settings.options.document(), self.pseudonyms.name("key", "")], sort_keys=True).encode()
        ).hexdigest()

    def _check(self, sources: Sequence[Path], settings: Settings) -> None:
        out = self.output
        for source in sources:
            if not source.exists():
                raise DeidentificationRefused(f"{source}: there is no such file or folder.")
            if _within(source, out) or _within(out, source):
                raise DeidentificationRefused(
                    f"{source} and the output {out} lie within each other, so the output would be taken for input. "
                    "Choose an output folder outside of it."
                )
        for what, path in (
            ("key", self.key),
            ("crosswalk", settings.crosswalk),
            ("regions file", settings.regions_file),
        ):
            if path is not None and _within(path.resolve(), out):
                raise DeidentificationRefused(
                    f"The {what} {path} lies in the output {out}, and would go out with it. Keep it elsewhere."
                )
        if settings.crosswalk is not None:
            known_crosswalk(settings.crosswalk)
        if out.exists() and not out.is_dir():
            raise DeidentificationRefused(f"{out} is a file; the output is a folder.")
        if out.is_dir() and not self.private.is_dir() and any(out.iterdir()):
            raise DeidentificationRefused(
                f"{out} is not empty, and what is in it was not made by this command. Choose a new folder."
            )

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from writing to the same output meanwhile."""
        with lock(self.private / LOCK) as taken:
            if not taken:
                raise DeidentificationRefused(f"Another de-identification is writing to {self.output}: wait for it.")
            yield

    def tidy(self) -> None:
        """Remove what a run that was killed left half-written."""
        for part in list(self.output.rglob(".*.part")):
            if part.is_dir():
                shutil.rmtree(part)
            else:
                part.unlink(missing_ok=True)

    def digest(self, file: FoundFile) -> str:
        """What stands for a file of the input in its present state."""
        return self.pseudonyms.name("source", f"{file.path}|{file.size}|{file.modified}")

    def made_before(self) -> dict[str, str]:
        """Digest -> path in the output, of files that an earlier run made and verified and that are still there.

        Raises
        ------
        DeidentificationRefused
            That run was made with other options or another key.
        """
        path = self.private / PROGRESS
        if not path.exists():
            return {}
        lines = path.read_text("utf-8").splitlines()
        if lines and _line(lines[0]) != {"orders": self._orders}:
            raise DeidentificationRefused(
                f"{self.output} was made with other options or another key: two patients could become one, or one two. "
                f"Choose a new folder, or delete {self.output} and {self.private}."
            )
        made = {}
        for line in map(_line, lines[1:]):
            output = self.output / str(line.get("output"))
            if "source" in line and output.is_file() and output.stat().st_size == line["size"]:
                made[str(line["source"])] = str(line["output"])
        return made

    @contextmanager
    def progress(self) -> Iterator[IO[str]]:
        """The list of what is made, to append to."""
        path = self.private / PROGRESS
        whole = not path.exists() or path.read_bytes()[-1:] in (b"", b"\n")
        with path.open("a", encoding="utf-8") as stream:
            if path.stat().st_size == 0:
                stream.write(json.dumps({"orders": self._orders}) + "\n")
            elif not whole:  # a line that a killed run did not finish
                stream.write("\n")
            stream.flush()
            yield stream

    def write_held_back(self, held: Iterable[HeldBack], left_out: Iterable[tuple[str, str]]) -> Path:
        """The list of files of the input that have no counterpart in the output."""
        rows = [("file", "what", "reason")]
        rows += [(str(one.path), "to be confirmed" if one.unconfirmed else "held back", one.reason) for one in held]
        rows += [(path, "left out", reason) for path, reason in left_out]
        return write_private_table(self.private / HELD_BACK, rows)

    def write_report(self, document: dict[str, object]) -> Path:
        """The summary that goes out with the files; it holds no identity."""
        path = self.output / REPORT
        temporary = path.with_name(f".{REPORT}.{secrets.token_hex(4)}.part")
        temporary.write_text(json.dumps(document, indent=1) + "\n", "utf-8")
        temporary.replace(path)
        return path


def known_crosswalk(path: Path) -> list[list[str]]:
    """The rows of a crosswalk that there is already, without its heading; new ones are added to them.

    Raises
    ------
    DeidentificationRefused
        The file is something else.
    """
    if not path.exists():
        return []
    rows = list(csv.reader(io.StringIO(path.read_text("utf-8", "replace"))))
    if rows and rows[0] != list(CROSSWALK):
        raise DeidentificationRefused(f"{path} is no crosswalk, and would be overwritten: choose another file for it.")
    return [[text_of(value) for value in row] for row in rows[1:]]


def write_private_table(path: Path, rows: Iterable[Sequence[object]]) -> Path:
    """A CSV file that only its owner can read, whole or not at all."""
    memory = io.StringIO()
    # A patient's name may be anything.
    csv.writer(memory).writerows([cell(value) if isinstance(value, str) else value for value in row] for row in rows)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(memory.getvalue().encode("utf-8", "surrogateescape"))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _line(line: str) -> dict[str, object]:
    try:
        found = json.loads(line)
    except ValueError:  # cut off when a run was killed: that file is made again
        return {}
    return found if isinstance(found, dict) else {}


def _within(path: Path, folder: Path) -> bool:
    return path == folder or folder in path.parents
