"""What is said of a whole image: the answers to the questions of the schema, of which some allow several."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from XRayAILib.findings.objects import FindingError, ImageLabel
from XRayAILib.findings.schema import Tool

if TYPE_CHECKING:
    from XRayAILib.findings.author import Author
    from XRayAILib.findings.schema import LabelSchema


class Answers:
    """The image labels of one image, while a reader works on it.

    Parameters
    ----------
    reader
        Who answers.

    Attributes
    ----------
    objects
        The answers as objects of findings, each with an ``id`` that stays while its answer is changed.
    """

    def __init__(self, reader: Author, objects: Iterable[ImageLabel] = ()) -> None:
        self._reader = reader
        self.objects = tuple(objects)

    def of(self, label: str) -> tuple[str, ...]:
        """The values that are said of a label, in the order in which they were said."""
        return tuple(said.value for said in self.objects if said.label == label)

    def set(self, schema: LabelSchema, label: str, values: Sequence[str]) -> bool:
        """Say these of a label and nothing else; none takes the answer back. Whether anything changed.

        Raises
        ------
        FindingError
            The label is no question, does not offer a value, or allows one value only.
        """
        wanted = tuple(dict.fromkeys(values))
        self._check(schema, label, wanted)
        if set(wanted) == set(self.of(label)):
            return False
        question = schema[label]
        there = [said for said in self.objects if said.label == label]
        if question.multiple:
            kept = [said for said in there if said.value in wanted]
            fresh = [self._new(label, value) for value in wanted if value not in {said.value for said in kept}]
        else:
            # Another value is another revision of the same object, so that its history can be read.
            kept = [there[0].changed(value=wanted[0])] if there and wanted else []
            fresh = [self._new(label, wanted[0])] if wanted and not there else []
        self.objects = (*(said for said in self.objects if said.label != label), *kept, *fresh)
        return True

    def _new(self, label: str, value: str) -> ImageLabel:
        return ImageLabel(label=label, author=self._reader, value=value)

    def _check(self, schema: LabelSchema, label: str, values: tuple[str, ...]) -> None:
        question = schema[label]
        odd = [value for value in values if question.options and value not in question.options]
        if question.tool is not Tool.IMAGE or odd:
            allowed = ", ".join(question.options) or "none: it is drawn"
            said = ", ".join(odd or values)
            raise FindingError(f"'{said}' cannot be said of '{question.title}' (values: {allowed}).")
        if len(values) > 1 and not question.multiple:
            raise FindingError(f"'{question.title}' has one answer only; {', '.join(values)} were given.")
