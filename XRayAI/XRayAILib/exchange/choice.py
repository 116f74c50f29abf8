"""Choice: what of a project is exported, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.project.image import Image
from XRayAILib.project.query import Query

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

_TOGETHER = 500
"""Images whose findings are asked for at once; the objects are made, and masks read, as each image's turn comes."""


@dataclass(frozen=True)
class Choice:
    """What of a project is exported, and how.

    Attributes
    ----------
    reader
        Whose findings: the name of a person, or the key of an author such as ``model:lungs@0123456789abcdef``. What
        counts as true (:meth:`Project.reference`) where it is empty.
    only_approved
        Leave out objects that are not approved, and images that then have none.
    query
        Only the images of this query.
    images
        The form of the pictures, one of :data:`XRayAILib.exchange.image_forms.FORMS`; the format's own first one where
        it is empty.
    split
        How images without a part are dealt to train, validation and test, such as ``70/15/15``; they stay without one
        where it is empty.
    own_names
        Call the images as their files are called, instead of by names that do not tell who the patient is.
    options
        What only one format knows, such as ``polygons`` of COCO.
    """

    reader: str = ""
    only_approved: bool = False
    query: Query = field(default_factory=Query)
    images: str = ""
    split: str = ""
    own_names: bool = False
    options: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The choice as a plain document, for a process."""
        return {
            **{field.name: getattr(self, field.name) for field in fields(self)},
            "options": dict(self.options),
            "query": self.query.document(),
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Choice:
        """The opposite of :meth:`document`; what is not there is as usual."""
        return cls(**{**document, "query": Query.from_document(document.get("query", {}))})

    def pairs(self, project: Project, pixels: bool = True) -> Iterator[tuple[Image, Findings | None]]:
        """The images of the query, with what is exported of each.

        That can be that there is nothing; ``None`` where nothing is said of it, or it is excluded. Without ``pixels``
        masks have only as many as counting needs.
        """
        together: list[Image] = []
        for image in project.stream(self.query):
            together.append(image)
            if len(together) == _TOGETHER:
                yield from self._with_findings(project, together, pixels)
                together = []
        yield from self._with_findings(project, together, pixels)

    def _with_findings(
        self, project: Project, images: list[Image], pixels: bool
    ) -> Iterator[tuple[Image, Findings | None]]:
        key = self.reader
        if key and ":" not in key:
            key = Author(AuthorKind.PERSON, key).key
        taking_part = [image.uid for image in images if not image.excluded]
        found = project.references(taking_part, key, pixels)
        for image in images:
            yield image, None if image.excluded else self._kept(next(found))

    def _kept(self, found: Findings | None) -> Findings | None:
        if found is None:
            return None
        unwanted = [item.id for item in found if not self._wanted(item.status)]
        kept = found.without(unwanted) if unwanted else found
        # Without any object it counts only where somebody has decided that there is nothing, which is a reference.
        return kept if kept.objects or not (found.objects or self.reader) else None

    def _wanted(self, status: Status) -> bool:
        return status is Status.APPROVED if self.only_approved else status is not Status.REJECTED
