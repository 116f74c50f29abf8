"""Lines and texts that follow while a person draws: values with honest units, outlines, skeletons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from XRayAILib.findings.schema import LabelSchema
from XRayAILib.scene import boxes, layers, markups, shapes, skeletons
from XRayAILib.scene.host import Host
from XRayAILib.scene.layers import FindingsNodes


def follow(host: Host, shape: Any, volume_node: Any, schema: LabelSchema) -> list[int]:
    """Bring what is drawn beside a shape up to date with every move of the mouse, as long as it is in the scene.

    A box that a person places becomes flat. Returns the tags of the observers.
    """

    def drawn() -> None:
        if shape.IsA(markups.ROI):
            boxes.flatten(shape)
        shapes.draw(host, shape, volume_node, schema)

    events = [shape.PointModifiedEvent, shape.PointPositionDefinedEvent]
    if shape.IsA(markups.ROI):
        events.append("ModifiedEvent")  # of its size, which is no point
    return [shape.AddObserver(event, _once(shape, drawn)) for event in events]


class Live:
    """Follows the shapes and landmarks of one layer.

    Parameters
    ----------
    nodes
        The layer; shapes that are added later are followed from :meth:`watch` on.
    """

    def __init__(self, host: Host, nodes: FindingsNodes, schema: LabelSchema) -> None:
        self._host, self._nodes, self._volume, self._schema = host, nodes, nodes.volume, schema
        self._watched: dict[str, tuple[Any, list[int]]] = {}
        points, scene = nodes.landmarks, host.scene
        events = (points.PointModifiedEvent, points.PointRemovedEvent, points.PointPositionUndefinedEvent)
        drawn = _once(points, lambda: skeletons.draw_skeletons(host, points, nodes.volume, schema))
        self._watched[points.GetID()] = points, [points.AddObserver(event, drawn) for event in events]
        self._watched[""] = scene, [scene.AddObserver(scene.NodeRemovedEvent, self._on_removed)]
        for shape in nodes.shapes:
            self.watch(shape)

    def watch(self, shape: Any) -> None:
        """Follow a shape, too; it may have been placed already."""
        if shape.GetID() not in self._watched:
            self._watched[shape.GetID()] = shape, follow(self._host, shape, self._volume, self._schema)
            shape.InvokeEvent(shape.PointModifiedEvent)

    def stop(self) -> None:
        """Follow nothing any more."""
        for node, tags in self._watched.values():
            for tag in tags:
                node.RemoveObserver(tag)
        self._watched.clear()

    def _on_removed(self, _scene: Any, _event: str) -> None:
        if not self._host.scene.IsClosing() and self._nodes.root.GetScene() is not None:
            layers.tidy(self._host, self._nodes)


def _once(node: Any, call: Callable[[], None]) -> Callable[[Any, str], None]:
    """An observer that is not called by what it does itself, nor for a node that has left the scene."""
    busy: list[bool] = []

    def observer(_caller: Any, _event: str) -> None:
        if busy or node.GetScene() is None:
            return
        busy.append(True)
        try:
            call()
        finally:
            busy.clear()

    return observer
