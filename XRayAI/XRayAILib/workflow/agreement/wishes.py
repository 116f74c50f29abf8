"""What is to be compared, and whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from XRayAILib.findings.agreement.detection import IOU
from XRayAILib.findings.author import AuthorKind
from XRayAILib.project.query import Query
from XRayAILib.workflow.agreement.groups import GROUPS

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

_DERIVED = (AuthorKind.CONSENSUS.value, AuthorKind.ADJUDICATION.value)


class AgreementError(ValueError):
    """A comparison that cannot be made, and why."""


@dataclass(frozen=True)
class Wishes:
    """What is to be compared.

    Attributes
    ----------
    readers
        Names (``anna``) or keys (``model:chest@1a2b...``) of authors. Without any: everybody but a consensus and an
        adjudication, which were made of what the others say.
    reference
        One author, whom all others are compared with; without, everybody is compared with everybody.
    labels
        Only these.
    query
        Only these images; those excluded from the project only where it names ``excluded``.
    by
        Columns of :data:`GROUPS`: the figures of each value, too.
    ordered
        Questions whose answers are in the order of the schema, such as grades: weighted kappa, ordinal alpha.
    iou
        From which on two objects are the same.
    """

    readers: tuple[str, ...] = ()
    reference: str = ""
    labels: tuple[str, ...] = ()
    query: Query = field(default_factory=Query)
    by: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    iou: float = IOU
    seed: int = 0

    @property
    def with_excluded(self) -> bool:
        """Whether the query itself says which of the excluded images it wants."""
        return "excluded" in self.query.filters

    def document(self) -> dict[str, Any]:
        """As plain JSON, for a job."""
        lists = {name: list(value) for name, value in vars(self).items() if isinstance(value, tuple)}
        return {**vars(self), **lists, "query": self.query.document()}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Wishes:
        """What :meth:`document` gave."""
        values: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in document.items()}
        values["query"] = Query.from_document(document.get("query", {}))
        return cls(**values)


def check(project: Project, wishes: Wishes) -> None:
    """Raise :class:`AgreementError` where a label or a column is unknown."""
    for label in (*wishes.labels, *wishes.ordered):
        if label not in project.schema:
            known = ", ".join(entry.name for entry in project.schema)
            raise AgreementError(f"The schema has no label '{label}'; it has {known}.")
    for column in wishes.by:
        if column not in GROUPS:
            raise AgreementError(f"Figures cannot be told apart by '{column}', but by {', '.join(GROUPS)}.")
    if not 0 < wishes.iou <= 1:
        raise AgreementError(f"An IoU of {wishes.iou:g} is not between 0 and 1.")


def excluded_images(count: int) -> str:
    """A sentence on images that take no part because they are excluded, with a space behind it; empty for none."""
    if not count:
        return ""
    many = "1 image is" if count == 1 else f"{count} images are"
    return f"{many} excluded from the project and left out (--where excluded=yes compares such images). "


def chosen(digests: Iterable[Mapping[str, str]], wishes: Wishes) -> tuple[dict[str, str], str]:
    """Key -> name of the readers, sorted, and the key of the reference or ''."""
    keys = sorted({key for said in digests for key in said})
    wanted = [_key(name, keys) for name in wishes.readers]
    reference = _key(wishes.reference, keys) if wishes.reference else ""
    if not wanted:
        wanted = [key for key in keys if not key.startswith(_DERIVED)]
    wanted = list(dict.fromkeys([*wanted, *([reference] if reference else [])]))
    if len(wanted) == 1:
        raise AgreementError(f"There is only one reader, {wanted[0]}: agreement takes two.")
    names = [key.partition(":")[2].partition("@")[0] for key in wanted]
    # Where a person and a model have one name, the whole key tells them apart.
    return {key: name if names.count(name) == 1 else key for key, name in zip(wanted, names, strict=True)}, reference


def _key(name: str, keys: list[str]) -> str:
    found = [key for key in keys if name in (key, key.partition("@")[0], key.partition(":")[2].partition("@")[0])]
    if len(found) == 1:
        return found[0]
    known = ", ".join(found or keys) or "nobody"
    why = "is the name of several" if found else "has read none of these images; who has"
    raise AgreementError(f"'{name}' {why}: {known}.")
