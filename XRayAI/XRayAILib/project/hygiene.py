"""Hygiene: which images of a project are fit for research, and why others are not.

Each image is examined by itself in a child process; what it says is stored with a key of the file's state, so an
unchanged file is not examined again. Then the images are compared with each other from what is stored, and marks and
exclusions are made as ``hygiene.yaml`` says. ::

    checked = project.hygiene.check(project.schema)
    for row in project.marks.table():
        print(row.rule.title, row.count, row.action.value)
"""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select, update

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header import header_from_json
from XRayAILib.dicom.header_reader import ask_several
from XRayAILib.dicom.source import stamp
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.project.arrivals import has_its_file
from XRayAILib.project.database import Database, checked, current, images
from XRayAILib.project.examination import VERSION, Examination
from XRayAILib.project.marks import Marks, rows_of
from XRayAILib.project.relations import Member, Patients, Said, copies, label_problems, said_in
from XRayAILib.project.rules import RULES, Action

CHILD = "XRayAILib.project.examiner_child"
IMAGE_SECONDS = 120.0
"""For one image; the largest takes a few seconds."""
TEXT_RULES = ("text", "orientation")
"""Only for these is burned-in text looked for, which takes most of the time."""
_STORE_SECONDS = 1.0

Progress = Callable[[int, int, str, "float | None"], None]
"""Called with the images done, the images in all, how it goes in words, and the seconds left."""


@dataclass
class Checked:
    """What a check did.

    Attributes
    ----------
    examined, unchanged
        Images looked at, and ones whose files are as an earlier check saw them.
    failed
        (path, reason) of files that could not be reached; what an earlier check said of them stays.
    """

    examined: int = 0
    unchanged: int = 0
    cancelled: bool = False
    failed: list[tuple[str, str]] = field(default_factory=list)


class Hygiene:
    """The table ``checked``; what comes of it stands in :class:`Marks`."""

    def __init__(self, database: Database, marks: Marks) -> None:
        self._database = database
        self._marks = marks

    def check(
        self,
        schema: LabelSchema,
        progress: Progress = lambda *_: None,
        cancelled: Callable[[], bool] = lambda: False,
        processes: int = 0,
        interpreter: str = sys.executable,
    ) -> Checked:
        """Examine what is new or changed, compare the images, and make marks and exclusions.

        Parameters
        ----------
        cancelled
            Asked between images; what was examined so far stays, and the next check goes on from there.
        processes
            How many examine; 0 for as many as there are cores.

        Raises
        ------
        HygieneError
            ``hygiene.yaml`` has a field that is wrong.
        """
        actions = self._marks.actions()
        text = any(actions[name] is not Action.IGNORE for name in TEXT_RULES)
        result = Checked()
        pending = self._pending(result, text)
        begun, stored, facts = time.monotonic(), time.monotonic(), list[dict[str, str]]()
        items = [(path, frame, text) for _, _, path, frame in pending]
        with closing(ask_several("examine", items, processes, 1, IMAGE_SECONDS, interpreter, CHILD)) as answers:
            for (uid, key, _, _), answer in zip(pending, answers, strict=True):
                facts.append({"uid": uid, "key": key, "facts": _facts(answer)})
                result.examined += 1
                rate = result.examined / max(time.monotonic() - begun, 1e-3)
                left = (len(pending) - result.examined) / rate
                progress(result.examined, len(pending), f"{rate:.1f} images/s", left)
                result.cancelled = cancelled()
                if time.monotonic() - stored > _STORE_SECONDS or result.cancelled:
                    self._store(facts)
                    facts, stored = [], time.monotonic()
                if result.cancelled:
                    return result
        self._store(facts)
        progress(len(pending), len(pending), "comparing the images", None)
        self.compare(schema)
        self._marks.apply()
        return result

    def _pending(self, result: Checked, text: bool) -> list[tuple[str, str, str, int]]:
        """(uid, key, path, frame) of images to be examined."""
        found = []
        query = select(images.c.id, images.c.uid, images.c.path, images.c.header, checked.c.key)
        query = query.outerjoin(checked, checked.c.uid == images.c.uid).where(has_its_file())
        for row in rows_of(self._database, query):
            try:
                state = stamp(Path(row.path))
            except UnreadableError as error:
                result.failed.append((row.path, error.reason))
                continue
            frame = header_from_json(row.header).frame
            keys = {wanted: _key(row.path, state, frame, wanted) for wanted in (False, True)}
            # An examination with text says all that one without it says.
            if row.key == keys[True] or row.key == keys[text]:
                result.unchanged += 1
            else:
                found.append((row.uid, keys[text], row.path, frame))
        return found

    def _store(self, facts: list[dict[str, str]]) -> None:
        if not facts:
            return
        with self._database.writing() as connection:
            for row in facts:
                connection.execute(delete(checked).where(checked.c.uid == row["uid"]))
                digest = json.loads(row["facts"])["hash"]
                if digest:
                    connection.execute(update(images).where(images.c.uid == row["uid"]).values(pixel_hash=digest))
            connection.execute(checked.insert(), [{**row, "related": ""} for row in facts])

    def compare(self, schema: LabelSchema) -> None:
        """Find copies, patients under two identities, and labels against attributes, from what is stored."""
        members, patients = [], Patients()
        query = select(images.c.id, images.c.uid, images.c.path, images.c.patient_id, images.c.header, checked.c.facts)
        for row in rows_of(self._database, query.join(checked, checked.c.uid == images.c.uid)):
            patients.note(header_from_json(row.header))
            one = Examination.from_document(json.loads(row.facts))
            members.append(Member(row.uid, row.path, row.patient_id or "", base64.b64decode(one.print), one.hash))
        found, odd = copies(members), patients.problems()
        query = select(images.c.id, images.c.uid, images.c.patient_id, images.c.header, checked.c.related)
        changes, spoken = [], self._said()
        for row in rows_of(self._database, query.join(checked, checked.c.uid == images.c.uid)):
            related = dict(found.get(row.uid, {}))
            if row.patient_id in odd:
                related["two-identities"] = "; ".join(
                    text for text in (related.get("two-identities"), odd[row.patient_id]) if text
                )
            problems = label_problems(header_from_json(row.header), spoken.get(row.uid, Said()), schema)
            if problems:
                related["view"] = "; ".join(problems)
            text = json.dumps(related, sort_keys=True) if related else ""
            if text != row.related:
                changes.append((row.uid, text))
        with self._database.writing() as connection:
            for uid, text in changes:
                connection.execute(update(checked).where(checked.c.uid == uid).values(related=text))

    def _said(self) -> dict[str, Said]:
        """What is said of each labelled image; some names a label, so it fits in memory."""
        columns = (images.c.id, images.c.uid, current.c.kind, current.c.document)
        query = select(*columns).join(current, current.c.uid == images.c.uid)
        found: dict[str, Said] = {}
        for row in rows_of(self._database, query, several=True):
            found[row.uid] = found.get(row.uid, Said()) | said_in(row.kind, row.document)
        return found


def check_paths(
    paths: Sequence[Path], progress: Callable[[int, int], None] = lambda *_: None
) -> list[tuple[Path, dict[str, str]]]:
    """Examine files that belong to no project, and whether they are copies of each other.

    Returns
    -------
    (path, rule -> what) of each file, the worst rule first.
    """
    examinations = []
    items = [(str(path), 0, True) for path in paths]
    with closing(ask_several("examine", items, 0, 1, IMAGE_SECONDS, module=CHILD)) as answers:
        for done, answer in enumerate(answers, 1):
            examinations.append(Examination.from_document(json.loads(_facts(answer))))
            progress(done, len(paths))
    members = [
        Member(str(place), str(path), "", base64.b64decode(one.print), one.hash)
        for place, (path, one) in enumerate(zip(paths, examinations, strict=True))
    ]
    copied = copies(members)
    found = []
    for place, (path, one) in enumerate(zip(paths, examinations, strict=True)):
        marks = {**one.marks, **copied.get(str(place), {})}
        found.append((path, {rule: marks[rule] for rule in RULES if rule in marks}))
    return found


def _facts(answer: dict[str, Any]) -> str:
    # A file that ends its reader, or takes too long, is one whose pixels cannot be read.
    document = answer if "marks" in answer else Examination({"unreadable": answer["reason"]}).document()
    return json.dumps(document, ensure_ascii=False)


def _key(path: str, state: tuple[int, int], frame: int, text: bool) -> str:
    parts = json.dumps([VERSION, path, *state, frame, text])
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()
