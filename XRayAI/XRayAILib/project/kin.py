"""Kin: images that must lie on one side of every split, because one of them tells what is in the other.

These are all images of a patient, the priors among them; copies, whichever patient id they have; and the images of a
patient who has several ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from sqlalchemy import select

from XRayAILib.project.database import Database, checked, images
from XRayAILib.project.image import Image
from XRayAILib.project.relations import FAMILY, MOST_IDS, Patients


class Kin:
    """Puts images together by patient, by the pixels, and by what the last check found to be copies."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def persons(self, collection: Iterable[Image]) -> dict[str, str]:
        """The person behind each image, by its uid.

        Parameters
        ----------
        collection
            All images of the project: two of them can be kin through a third.

        Returns
        -------
        dict
            Uid -> the patient key that is first in the alphabet among those of one person.
        """
        patient_of = {image.uid: image.header.patient_key for image in collection}
        joined = _Joined()
        for together in self._copies(patient_of):
            joined.join(patient_of[uid] for uid in together)
        for ids in _namesakes(collection):
            joined.join(ids)
        return {uid: joined.first(patient) for uid, patient in patient_of.items()}

    def never_compared(self, uids: Iterable[str]) -> list[str]:
        """The images among these whose pixels nobody has compared with those of others yet."""
        with self._database.reading() as connection:
            hashed = set(connection.scalars(select(images.c.uid).where(images.c.pixel_hash.is_not(None))))
        return [uid for uid in uids if uid not in hashed]

    def _copies(self, known: Mapping[str, str]) -> Iterable[list[str]]:
        """Uids of images with the same pixels, or of one family of copies."""
        same: dict[tuple[str, str], list[str]] = {}
        query = select(images.c.uid, images.c.pixel_hash, checked.c.related)
        query = query.outerjoin(checked, checked.c.uid == images.c.uid)
        with self._database.reading() as connection:
            for uid, pixel_hash, related in connection.execute(query):
                if uid not in known:
                    continue
                if pixel_hash:
                    same.setdefault(("pixels", pixel_hash), []).append(uid)
                family = json.loads(related).get(FAMILY) if related else None
                if family:
                    same.setdefault((FAMILY, family), []).append(uid)
        return [uids for uids in same.values() if len(uids) > 1]


def _namesakes(collection: Iterable[Image]) -> Iterable[set[str]]:
    """Patient ids that share a name and a date of birth, as the rule ``two-identities`` finds them."""
    patients = Patients()
    for image in collection:
        patients.note(image.header)
    return [ids for ids in patients.of_name.values() if 1 < len(ids) <= MOST_IDS]


class _Joined:
    """Patients who are one person, over however many steps (disjoint sets)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def first(self, patient: str) -> str:
        while patient in self._above:
            patient = self._above[patient]
        return patient

    def join(self, patients: Iterable[str]) -> None:
        roots = sorted({self.first(patient) for patient in patients})
        for root in roots[1:]:
            self._above[root] = roots[0]
