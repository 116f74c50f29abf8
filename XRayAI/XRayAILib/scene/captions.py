"""Names of boxes and ellipses at their upper corner: Slicer writes them into the middle, over what they point at.

All captions of a layer are the points of one list, which nobody can take hold of; each has the id of its object.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from XRayAILib.findings.measures import outline
from XRayAILib.findings.objects import FindingObject
from XRayAILib.scene.host import Host
from XRayAILib.scene.markups import POINTS, TEXT_PERCENT, object_id
from XRayAILib.scene.record import PREFIX
from XRayAILib.scene.volume import pixels_to_ras

_LIST = PREFIX + "captions"
_COLOR = (0.96, 0.94, 0.86)
LONGEST = 36
"""Letters of a name over the image: a longer one would cover what is looked at."""


def short(name: str) -> str:
    """A name as it is written over the image, cut off where it is too long."""
    return name if len(name) <= LONGEST else name[: LONGEST - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"


def new_captions(host: Host, name: str) -> Any:
    """An empty list of captions."""
    node = host.scene.AddNewNodeByClass(POINTS, name)
    node.CreateDefaultDisplayNodes()
    node.SetLocked(True)
    node.SetSelectable(False)
    node.SetHideFromEditors(True)
    display = node.GetDisplayNode()
    display.SetGlyphTypeFromString("Vertex2D")
    display.SetGlyphScale(0.1)
    display.SetTextScale(TEXT_PERCENT)
    display.SetColor(*_COLOR)
    display.SetSelectedColor(*_COLOR)
    display.SetPropertiesLabelVisibility(False)
    display.SetPointLabelsVisibility(True)
    return node


def use(shape: Any, captions: Any) -> None:
    """Let a shape have its caption in this list, where there is one."""
    shape.SetNodeReferenceID(_LIST, captions.GetID() if captions is not None else None)


def write(shape: Any, volume_node: Any, item: FindingObject, text: str) -> None:
    """Write a text at the uppermost corner of an object, where its shape uses a list."""
    captions = shape.GetNodeReference(_LIST)
    if captions is None:
        return
    corner = np.array([min(outline(item), key=lambda point: (point[1], point[0]))])
    place = tuple(float(v) for v in pixels_to_ras(volume_node, corner)[0])
    index = _index(captions, item.id)
    if index is None:
        index = captions.AddControlPointWorld(*place)
        captions.SetNthControlPointDescription(index, item.id)
    else:
        captions.SetNthControlPointPositionWorld(index, *place)
    if captions.GetNthControlPointLabel(index) != text:
        captions.SetNthControlPointLabel(index, text)


def set_visible(shape: Any, visible: bool) -> None:
    """Show or hide the caption of a shape."""
    captions = shape.GetNodeReference(_LIST)
    index = _index(captions, object_id(shape)) if captions is not None else None
    if index is not None:
        captions.SetNthControlPointVisibility(index, visible)


def keep(captions: Any, ids: Iterable[str]) -> None:
    """Take away the captions of all other objects."""
    kept = set(ids)
    for index in reversed(range(captions.GetNumberOfControlPoints())):
        if captions.GetNthControlPointDescription(index) not in kept:
            captions.RemoveNthControlPoint(index)


def _index(captions: Any, identity: str) -> int | None:
    count = range(captions.GetNumberOfControlPoints())
    return next((index for index in count if captions.GetNthControlPointDescription(index) == identity), None)
