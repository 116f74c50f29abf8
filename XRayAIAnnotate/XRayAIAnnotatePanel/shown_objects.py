"""The objects of the layer as a table shows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from XRayAILib.dicom.spacing import Spacing
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.objects import FindingObject
    from XRayAILib.findings.schema import LabelSchema
    from XRayAILib.scene.host import Host
    from XRayAILib.scene.layers import FindingsNodes


@dataclass(frozen=True)
class ShownObject:
    """One row.

    Attributes
    ----------
    id, label, title, color
        Of the object; the colour 0..1.
    kind
        The word for it, such as ``mask``.
    size
        What is measured of it, in honest units.
    unanswered
        Titles of its required attributes without an answer.
    visible, locked
        How it is in the scene.
    """

    id: str
    label: str
    title: str
    color: tuple[float, float, float]
    kind: str
    size: str
    unanswered: tuple[str, ...] = ()
    visible: bool = True
    locked: bool = False


def shown_objects(findings: Findings, schema: LabelSchema, spacing: Spacing) -> list[ShownObject]:
    """The objects that are drawn, by the order of the schema's labels, then as they were drawn."""
    from XRayAILib.findings.objects import ImageLabel
    from XRayAILib.findings.size import size_text
    from XRayAILib.scene.record import color_of, title_of

    place = {label.name: index for index, label in enumerate(schema)}
    drawn = [item for item in findings if not isinstance(item, ImageLabel)]
    drawn.sort(key=lambda item: place.get(item.label, len(place)))
    return [
        ShownObject(
            item.id,
            item.label,
            title_of(schema, item.label),
            color_of(schema, item.label),
            item.kind,
            size_text(item, spacing),
            unanswered(item, schema),
        )
        for item in drawn
    ]


def as_in_scene(host: Host, nodes: FindingsNodes, shown: list[ShownObject]) -> list[ShownObject]:
    """The same, hidden and locked as they are in the scene now."""
    from XRayAILib.scene import objects

    states = objects.states(host, nodes)
    usual = objects.State()
    return [
        replace(item, visible=states.get(item.id, usual).visible, locked=states.get(item.id, usual).locked)
        for item in shown
    ]


def unanswered(item: FindingObject, schema: LabelSchema) -> tuple[str, ...]:
    """Titles of the required attributes of an object that have no answer."""
    if item.label not in schema:
        return ()
    answered = {name for name, value in item.attributes if value}
    asked = schema[item.label].attributes
    return tuple(attribute.title for attribute in asked if attribute.required and attribute.name not in answered)
