"""Images from elsewhere: of other sites or devices, to be tested on and never learnt from.

::

    outside:
      manufacturer: [ACME, "OTHER*"]    # one of the groups of images; * and ? stand for letters
      folder: [hospital-b]              # a folder on the way to the file
      ward: [intensive]                 # an image label of the schema
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePath

from XRayAILib.findings.objects import ImageLabel
from XRayAILib.findings.schema import LabelSchema, Tool
from XRayAILib.project.groups import GROUPS, UNKNOWN, groups_of
from XRayAILib.project.image import Image
from XRayAILib.project.project import Project

FOLDER = "folder"
ATTRIBUTES = tuple(name for name in GROUPS if name != "split")


def problems_of(outside: Mapping[str, object], schema: LabelSchema) -> list[str]:
    """A sentence for every attribute that there is not, and every list of values that is none."""
    tags = [label.name for label in schema.of(Tool.IMAGE)]
    known = (*ATTRIBUTES, FOLDER, *tags)
    found = []
    for name, values in outside.items():
        if name not in known:
            found.append(f"outside.{name}: there is no such attribute; there are {', '.join(dict.fromkeys(known))}.")
        if not _values(values):
            found.append(f"outside.{name}: {values!r} is no list of values, such as [ACME].")
    return found


def outside_of(project: Project, collection: Iterable[Image], outside: Mapping[str, object]) -> set[str]:
    """The uids of images that every attribute of ``outside`` fits with one of its values; none where it is empty."""
    if not outside:
        return set()
    images = list(collection)
    for name, given in outside.items():
        values = _values(given)
        if name == FOLDER:
            images = [image for image in images if _any(PurePath(image.header.path).parent.parts, values)]
        elif name in ATTRIBUTES:
            images = [image for image in images if _any([groups_of(image)[name]], values)]
        else:
            said = _answers(project, [image.uid for image in images], name)
            images = [image for image in images if _any(said[image.uid], values)]
    return {image.uid for image in images}


def text_of(outside: Mapping[str, object]) -> str:
    """``manufacturer = ACME or OTHER, folder = hospital-b``, for a person."""
    return ", ".join(f"{name} = {' or '.join(_values(values))}" for name, values in outside.items())


def _values(given: object) -> list[str]:
    if isinstance(given, (str, int, float)) and not isinstance(given, bool):
        return [str(given)]
    return [str(value) for value in given] if isinstance(given, (list, tuple)) else []


def _any(found: Iterable[str], wanted: Sequence[str]) -> bool:
    """Whether one of these texts is one of the wanted ones, in capitals or not; an empty one fits what has nothing."""
    texts = [text.casefold() for text in found] or [UNKNOWN]
    patterns = [value.casefold() or UNKNOWN for value in wanted]
    return any(fnmatchcase(text, pattern) for text in texts for pattern in patterns)


def _answers(project: Project, uids: Sequence[str], label: str) -> dict[str, list[str]]:
    """What counts as true of an image label, by the uid of the image."""
    found: dict[str, list[str]] = {uid: [] for uid in uids}
    for uid in uids:
        reference = project.reference(uid)
        if reference is not None:
            found[uid] = [item.value for item in reference if isinstance(item, ImageLabel) and item.label == label]
    return found
