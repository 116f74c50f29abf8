"""Marks: what the rules of hygiene found, what follows from it, and what a person says against it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, select, update

from XRayAILib.dicom.spacing import SpacingSource
from XRayAILib.findings.objects import now
from XRayAILib.project.database import Database, audit, checked, images, marks, overruled
from XRayAILib.project.image import Mark
from XRayAILib.project.relations import FAMILY
from XRayAILib.project.rules import RULES, Action, Rule, read_actions, write_actions

EXCLUDED_BY = "check, "
"""Begins the reason of an exclusion that a rule made, and that ends with it."""
COPY = "near-duplicate"
_PORTION = 2000


@dataclass(frozen=True)
class RuleCount:
    """One row of the table of a project: a rule, what follows from it, and the number of its images.

    Attributes
    ----------
    kept
        Images among them of which a person said that they stay.
    """

    rule: Rule
    action: Action
    count: int
    kept: int


class Marks:
    """The tables ``marks`` and ``overruled``, and the file ``hygiene.yaml``."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    def actions(self) -> dict[str, Action]:
        """What follows from each rule; see :func:`XRayAILib.project.rules.read_actions`."""
        return read_actions(self._folder, write=not self._database.read_only)

    def set_action(self, rule: str, action: Action | str, who: str) -> None:
        """Decide what follows from a rule, store it in ``hygiene.yaml``, and do it."""
        actions = self.actions()
        before, actions[rule] = actions[rule], Action(action)
        write_actions(self._folder, actions)
        self._apply(actions, (who, "hygiene", f"{rule}: {before.value} -> {actions[rule].value}"))

    def apply(self) -> None:
        """Make marks and exclusions anew from what is stored, as ``hygiene.yaml`` says now."""
        self._apply(self.actions(), None)

    def _apply(self, actions: dict[str, Action], entry: tuple[str, str, str] | None) -> None:
        kept: dict[str, set[str]] = {}
        columns = (images.c.id, images.c.uid, images.c.excluded, images.c.spacing_source)
        query = select(*columns, checked.c.facts, checked.c.related).join(checked, checked.c.uid == images.c.uid)
        with self._database.writing() as connection:
            for uid, rule in connection.execute(select(overruled.c.uid, overruled.c.rule)):
                kept.setdefault(uid, set()).add(rule)
            connection.execute(delete(marks))
            last, families = 0, set[str]()
            while rows := connection.execute(
                query.where(images.c.id > last).order_by(images.c.id).limit(_PORTION)
            ).all():
                last = rows[-1].id
                made = []
                for row in rows:
                    found = _marks_of(row, actions)
                    made += [
                        {"uid": row.uid, "rule": rule, "severity": RULES[rule].severity.value, "detail": detail}
                        for rule, detail in found.items()
                    ]
                    self._exclude(connection, row, found, actions, kept.get(row.uid, set()), families)
                if made:
                    connection.execute(marks.insert(), made)
            if entry is not None:
                _note(connection, *entry)

    @staticmethod
    def _exclude(
        connection: Connection,
        row: Any,
        found: dict[str, str],
        actions: dict[str, Action],
        kept: set[str],
        families: set[str],
    ) -> None:
        # What a person or a scan excluded is not the check's to change.
        if row.excluded and not row.excluded.startswith(EXCLUDED_BY):
            return
        against = [rule for rule in found if actions[rule] is Action.EXCLUDE and rule not in kept]
        family = json.loads(row.related).get(FAMILY) if row.related else None
        if family is not None and set(against) <= {COPY} and family not in families:
            # Of several copies one stays: the first that nothing else speaks against.
            families.add(family)
            against = []
        reason = EXCLUDED_BY + "; ".join(f"{rule}: {found[rule]}" for rule in against) if against else ""
        if row.excluded != reason:
            connection.execute(update(images).where(images.c.id == row.id).values(excluded=reason))

    def keep(self, uid: str, who: str) -> list[str]:
        """Keep an image whatever its marks say; gives the rules that are overruled now. The marks stay."""
        actions = self.actions()
        with self._database.writing() as connection:
            rules = [
                rule
                for rule in connection.scalars(select(marks.c.rule).where(marks.c.uid == uid))
                if actions[rule] is Action.EXCLUDE
            ]
            there = set(connection.scalars(select(overruled.c.rule).where(overruled.c.uid == uid)))
            fresh = [rule for rule in rules if rule not in there]
            if fresh:
                rows = [{"uid": uid, "rule": rule, "who": who, "time": now()} for rule in fresh]
                connection.execute(overruled.insert(), rows)
                _note(connection, who, "keep", f"{uid} in spite of {', '.join(fresh)}")
            begins = images.c.excluded.startswith(EXCLUDED_BY)
            connection.execute(update(images).where(images.c.uid == uid, begins).values(excluded=""))
        return fresh

    def keep_no_more(self, uid: str, who: str) -> None:
        """Take :meth:`keep` back."""
        with self._database.writing() as connection:
            connection.execute(delete(overruled).where(overruled.c.uid == uid))
            _note(connection, who, "keep no more", uid)
        self.apply()

    def of_image(self, uid: str) -> list[Mark]:
        """The marks of an image, the worst first."""
        with self._database.reading() as connection:
            found = {row.rule: row for row in connection.execute(select(marks).where(marks.c.uid == uid))}
        return [Mark(name, found[name].severity, found[name].detail) for name in RULES if name in found]

    def kept(self, uid: str) -> dict[str, tuple[str, str]]:
        """Rule -> (who, when) of each mark of an image that a person overruled."""
        with self._database.reading() as connection:
            rows = connection.execute(select(overruled).where(overruled.c.uid == uid))
            return {row.rule: (row.who, row.time) for row in rows}

    def marked(self, rule: str) -> Iterator[tuple[str, str]]:
        """(path, what) of every image with a mark of this rule."""
        query = select(images.c.id, images.c.path, marks.c.detail).join(marks, marks.c.uid == images.c.uid)
        for row in rows_of(self._database, query.where(marks.c.rule == rule)):
            yield row.path, row.detail

    def table(self) -> list[RuleCount]:
        """All rules with their numbers, the worst first."""
        actions = self.actions()
        both = (overruled.c.uid == marks.c.uid) & (overruled.c.rule == marks.c.rule)
        query = select(marks.c.rule, func.count(), func.count(overruled.c.uid)).outerjoin(overruled, both)
        with self._database.reading() as connection:
            counts = {rule: (count, kept) for rule, count, kept in connection.execute(query.group_by(marks.c.rule))}
        return [RuleCount(rule, actions[name], *counts.get(name, (0, 0))) for name, rule in RULES.items()]

    def count_checked(self) -> int:
        """The images that have been examined."""
        with self._database.reading() as connection:
            return int(connection.scalar(select(func.count()).select_from(checked)) or 0)

    def exclusions(self) -> dict[str, int]:
        """Rule -> number of images that it excludes; other reasons together, for they may name a file or a person."""
        found: Counter[str] = Counter()
        for row in rows_of(self._database, select(images.c.id, images.c.excluded).where(images.c.excluded != "")):
            found[rule_of(row.excluded)] += 1
        return dict(found.most_common())


def rule_of(excluded: str) -> str:
    """The rule that made an exclusion, such as ``rule polarity``, or that it has another reason."""
    if not excluded.startswith(EXCLUDED_BY):
        return "other reasons"
    return f"rule {excluded.removeprefix(EXCLUDED_BY).partition(':')[0]}"


def rows_of(database: Database, query: Any, several: bool = False) -> Iterator[Any]:
    """The rows of a query that selects ``images.id``, a portion in memory at a time.

    Parameters
    ----------
    several
        An image may have more than one row.
    """
    last = 0
    while True:
        part = query.where(images.c.id > last).order_by(images.c.id).limit(_PORTION)
        with database.reading() as connection:
            rows = connection.execute(part).all()
            if several and len(rows) == _PORTION:
                # The last image may go on in the next portion: take it whole.
                end = query.where(images.c.id == rows[-1].id)
                rows = [row for row in rows if row.id != rows[-1].id] + list(connection.execute(end))
        if not rows:
            return
        yield from rows
        last = rows[-1].id


def _marks_of(row: Any, actions: dict[str, Action]) -> dict[str, str]:
    """Rule -> what, the worst first, of the rules that are not ignored."""
    found: dict[str, str] = dict(json.loads(row.facts)["marks"])
    for rule, detail in (json.loads(row.related) if row.related else {}).items():
        found[rule] = "; ".join(text for text in (found.get(rule), detail) if text)
    if row.spacing_source != SpacingSource.UNKNOWN.value:
        found.pop("spacing", None)  # calibrated by a person since
    return {rule: found[rule] for rule in RULES if rule in found and actions[rule] is not Action.IGNORE}


def _note(connection: Connection, who: str, action: str, detail: str) -> None:
    connection.execute(audit.insert().values(time=now(), who=who, action=action, detail=detail))
