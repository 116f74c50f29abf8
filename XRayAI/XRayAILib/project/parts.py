"""Parts: which images are for training, for choosing and for testing, and which fold each patient lies in.

What was assigned once stays until somebody resets it, so that a test part stays untouched while images are added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Column, Integer, String, Table, delete, func, select, update

from XRayAILib.findings.objects import now
from XRayAILib.project.collection import parts as portions
from XRayAILib.project.database import Database, audit, images, metadata

folds = Table(
    "folds",
    metadata,
    Column("total", Integer, primary_key=True),  # in how many folds the project was dealt
    Column("patient", String(300), primary_key=True),  # Header.patient_key
    Column("fold", Integer, nullable=False),  # from 0
)


class Parts:
    """The column ``split`` of the images, and the table ``folds``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, parts: Mapping[str, str], who: str, how: str) -> bool:
        """Give images without a part one: uid -> ``train``, ``validation`` or ``test``.

        Parameters
        ----------
        how
            For the audit trail: in which way they were dealt.

        Returns
        -------
        bool
            False, and nothing is stored, where one of them has got a part since it was looked at: deal again.
        """
        with self._database.writing() as connection:
            for some in portions(list(parts)):
                query = select(func.count()).where(images.c.uid.in_(some), images.c.split != "")
                if connection.scalar(query):
                    return False
            for uid, part in parts.items():
                connection.execute(update(images).where(images.c.uid == uid).values(split=part))
            if parts:
                connection.execute(audit.insert().values(time=now(), who=who, action="split", detail=how))
        return True

    def reset(self, who: str) -> int:
        """Take the part of every image back; gives the number of images that had one."""
        with self._database.writing() as connection:
            count = connection.execute(update(images).where(images.c.split != "").values(split="")).rowcount
            detail = f"{count} images have no part any more"
            connection.execute(audit.insert().values(time=now(), who=who, action="reset split", detail=detail))
        return int(count)

    def fold_counts(self) -> list[int]:
        """In how many folds the project was dealt; several where that was done with different numbers."""
        with self._database.reading() as connection:
            return list(connection.scalars(select(folds.c.total).distinct().order_by(folds.c.total)))

    def folds(self, count: int) -> dict[str, int]:
        """The fold, from 0, of each patient that was dealt to ``count`` of them, by patient key."""
        with self._database.reading() as connection:
            rows = connection.execute(select(folds.c.patient, folds.c.fold).where(folds.c.total == count))
            return {row.patient: row.fold for row in rows}

    def add_folds(self, count: int, fresh: Mapping[str, int], who: str, how: str) -> bool:
        """Put patients into folds; False, and nothing is stored, where one of them has got a fold since."""
        with self._database.writing() as connection:
            there = set(connection.scalars(select(folds.c.patient).where(folds.c.total == count)))
            if there & set(fresh):
                return False
            if fresh:
                rows = [{"total": count, "patient": patient, "fold": fold} for patient, fold in fresh.items()]
                connection.execute(folds.insert(), rows)
                connection.execute(audit.insert().values(time=now(), who=who, action="folds", detail=how))
        return True

    def reset_folds(self, counts: Sequence[int], who: str) -> int:
        """Forget these dealings into folds; gives the number of patients that had one."""
        with self._database.writing() as connection:
            done = connection.execute(delete(folds).where(folds.c.total.in_(list(counts)))).rowcount
            numbers = ", ".join(map(str, counts)) or "none"
            detail = f"{done} patients of dealings into {numbers} folds have none any more"
            connection.execute(audit.insert().values(time=now(), who=who, action="reset folds", detail=detail))
        return int(done)
