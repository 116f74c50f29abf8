"""Who says something of a radiograph."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class AuthorKind(str, Enum):
    """A person drew it, a model predicted it, or it came with the data (a file of labels, a phantom's truth).

    ``CONSENSUS`` is computed from what several of them say. ``ADJUDICATION`` stands for the decision over what several
    people drew; its objects keep their own authors.
    """

    PERSON = "person"
    MODEL = "model"
    IMPORT = "import"
    CONSENSUS = "consensus"
    ADJUDICATION = "adjudication"


class Status(str, Enum):
    """How far an object is in the review."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Author:
    """A person, a model, an import or a consensus.

    Attributes
    ----------
    kind
        What kind of author it is.
    name
        The person's user name, the model's name, the name of the imported source or the rule of the consensus.
    digest
        For a model, the SHA-256 of its weights; otherwise empty. Two models of one name are two authors.
    """

    kind: AuthorKind
    name: str
    digest: str = ""

    @property
    def key(self) -> str:
        """A stable text that tells this author from every other, such as ``person:anna``."""
        tail = f"@{self.digest[:16]}" if self.digest else ""
        return f"{self.kind.value}:{self.name}{tail}"

    @classmethod
    def person(cls, name: str) -> Author:
        return cls(AuthorKind.PERSON, name)

    @classmethod
    def model(cls, name: str, digest: str) -> Author:
        return cls(AuthorKind.MODEL, name, digest)

    @classmethod
    def imported(cls, name: str) -> Author:
        return cls(AuthorKind.IMPORT, name)

    @classmethod
    def consensus(cls, rule: str) -> Author:
        return cls(AuthorKind.CONSENSUS, rule)


ADJUDICATED = Author(AuthorKind.ADJUDICATION, "adjudicated")
"""Whose findings the adjudicated ones of an image are, whoever of the adjudicators made them."""
