"""The cases of a reader: the images that come one after another, and how far this reader is with each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.project.errors import ProjectError
from XRayAILib.project.query import Query
from XRayAILib.workflow.blinding import case_names

if TYPE_CHECKING:
    from XRayAILib.findings.author import Author
    from XRayAILib.project.project import Project

PAGE = 200
"""Cases shown at once."""


@dataclass(frozen=True)
class Case:
    """One line of the list.

    Attributes
    ----------
    patient
        The patient's id; the file's name where there is none. Of an image that is read blinded, its number on the list
        of the round.
    status
        How far this reader is: ``unlabelled``, ``draft``, ``submitted``, ``approved`` or ``rejected``.
    seconds
        Working time of this reader.
    comments
        Threads that are not resolved.
    """

    uid: str
    patient: str
    date: str
    view: str
    status: str
    seconds: float = 0.0
    comments: int = 0


class Cases:
    """The images of one reader in their order, narrowed by a query.

    Parameters
    ----------
    uids
        Only these, in this order; otherwise all that are not excluded, in the order of the query.

    Attributes
    ----------
    version
        Another number after each change of the list.
    """

    def __init__(
        self, project: Project, reader: Author, uids: Iterable[str] | None = None, query: Query | None = None
    ) -> None:
        self._project, self._reader = project, reader
        self._given = list(uids) if uids is not None else None
        self._wanted_first = False
        self.version = 0
        self._uids: list[str] = []
        self._places: dict[str, int] = {}
        self.ask(query or Query())

    @property
    def query(self) -> Query:
        """Which images were asked for."""
        return self._query

    def __len__(self) -> int:
        return len(self._uids)

    def __getitem__(self, place: int) -> str:
        return self._uids[place]

    def __contains__(self, uid: str) -> bool:
        return uid in self._places

    def place(self, uid: str) -> int | None:
        """Position of an image, from 0; ``None`` where it is not in the list."""
        return self._places.get(uid)

    def take(self, uids: Iterable[str] | None) -> None:
        """Another list of images, in its own order; ``None``: those of the project."""
        self._given = list(uids) if uids is not None else None
        self.ask(Query())

    @property
    def wanted_first(self) -> bool:
        """Whether the images that a model wants labelled next come first (``xrayai next``)."""
        return self._wanted_first

    @wanted_first.setter
    def wanted_first(self, wanted: bool) -> None:
        before, self._wanted_first = self._wanted_first, wanted
        try:
            self.ask(self._query)
        except ProjectError:
            self._wanted_first = before
            raise

    def ask(self, query: Query) -> None:
        """Narrow the list. It stays as it is found now, also while its images change their status."""
        excluded = {} if query.filters.get("excluded") else {"excluded": ("no",)}
        filters = {**query.filters, **excluded}
        self._query = replace(query, reader=self._reader.key, filters=filters, limit=None, offset=0)
        if self._given is None:
            uids = self._project.uids(self._query)
        elif not query.is_narrowed:
            uids = list(self._given)
        else:
            found = self._named(set(self._project.uids(self._query)))
            uids = [uid for uid in self._given if uid in found]
        if self._wanted_first:
            from XRayAILib.project.wanted import Wanted

            uids = Wanted.read(self._project.folder).first(uids)
        self._uids, self._places = uids, {uid: place for place, uid in enumerate(uids)}
        self.version += 1

    def _named(self, found: set[str]) -> set[str]:
        """Images that are read blinded are looked for by their number: the words of a path would tell where from."""
        names = case_names(self._project, self._reader) if self._query.text.strip() else {}
        if not names:
            return found
        words = self._query.text.casefold().split()
        others = set(self._project.uids(replace(self._query, text="")))
        hidden = {uid for uid in others & names.keys() if all(word in names[uid].casefold() for word in words)}
        return hidden | {uid for uid in found if uid not in names}

    @property
    def pages(self) -> int:
        """Number of pages; at least one."""
        return max(1, -(-len(self._uids) // PAGE))

    @staticmethod
    def page_of(place: int) -> int:
        """The page, from 0, on which a position is."""
        return place // PAGE

    @staticmethod
    def first_of(page: int) -> int:
        """The position with which a page begins."""
        return page * PAGE

    def page(self, number: int) -> list[Case]:
        """The cases of a page, from 0, as they stand now."""
        return self.of(self._uids[number * PAGE : (number + 1) * PAGE])

    def of(self, uids: Sequence[str]) -> list[Case]:
        """These cases as they stand now, in the list or not."""
        images = self._project.images_of(uids)
        own = self._project.own_statuses(self._reader.key, uids)
        times = self._project.times.of_reader(self._reader.key, uids)
        comments = self._project.comments.open_counts(uids)
        names = case_names(self._project, self._reader)
        return [
            Case(
                uid=image.uid,
                patient=names.get(image.uid) or image.header.patient_id or Path(image.header.path).name,
                date="" if image.uid in names else image.header.study_date,
                view=" ".join(word for word in (image.header.body_part, image.header.view) if word),
                status=own[image.uid],
                seconds=times.get(image.uid, 0.0),
                comments=comments.get(image.uid, 0),
            )
            for image in images
        ]

    def status_counts(self) -> dict[str, int]:
        """How far this reader is with the images that the other filters leave: status -> number of images."""
        others = replace(self._query, filters={k: v for k, v in self._query.filters.items() if k != "own"})
        if self._given is None:
            return dict(self._project.values("own", others))
        left = set(self._project.uids(others))
        return Counter(
            self._project.own_statuses(self._reader.key, [uid for uid in self._given if uid in left]).values()
        )

    def next_untouched(self, after: int) -> int | None:
        """Position of the first image behind a position on which this reader has said nothing; it goes round once."""
        done = self._project.worked_on(self._reader.key)
        order: Sequence[int] = [*range(after + 1, len(self._uids)), *range(min(after + 1, len(self._uids)))]
        return next((place for place in order if self._uids[place] not in done), None)
