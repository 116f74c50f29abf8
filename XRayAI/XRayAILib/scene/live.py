"""Lines and texts that follow while a person draws: values with honest units, outlines, skeletons."""

from __future__ import annotations

from typing import Any

from XRayAILib.findings.schema import LabelSchema
from XRayAILib.scene import boxes, markups, outlines, shapes, skeletons
from XRayAILib.scene.host import Host
from XRayAILib.scene.layers import FindingsNodes


class Live:
    """Watches the nodes of one layer and brings what is drawn beside them up to date with every move of the mouse.

    Parameters
    ----------
    nodes
        The layer; shapes that are added later are watched from :meth:`watch` on.
    """

    def __init__(self, host: Host, nodes: FindingsNodes, schema: LabelSchema) -> None:
        self._host, self._volume, self._schema = host, nodes.volume, schema
        self._watched: dict[str, list[tuple[Any, int]]] = {}
        self._busy = False
        points = nodes.landmarks
        events = (points.PointModifiedEvent, points.PointRemovedEvent, points.PointPositionUndefinedEvent)
        self._watched[points.GetID()] = [(points, points.AddObserver(event, self._on_landmark)) for event in events]
        removed = host.scene.AddObserver(host.scene.NodeRemovedEvent, self._on_removed)
        self._watched[""] = [(host.scene, removed)]
        for shape in nodes.shapes:
            self.watch(shape)

    def watch(self, shape: Any) -> None:
        """Follow a shape, too."""
        if shape.GetID() not in self._watched:
            events = [shape.PointModifiedEvent, shape.PointPositionDefinedEvent]
            if shape.IsA(markups.ROI):
                events.append("ModifiedEvent")  # of its size, which is no point
            self._watched[shape.GetID()] = [(shape, shape.AddObserver(event, self._on_shape)) for event in events]

    def stop(self) -> None:
        """Follow nothing any more."""
        for observed in self._watched.values():
            for node, tag in observed:
                node.RemoveObserver(tag)
        self._watched.clear()

    def _on_shape(self, shape: Any, _event: str) -> None:
        if self._busy or shape.GetScene() is None:
            return
        self._busy = True
        try:
            if shape.IsA(markups.ROI) and markups.is_complete(shape):
                boxes.flatten(shape)
            shapes.draw(self._host, shape, self._volume, self._schema)
        finally:
            self._busy = False

    def _on_landmark(self, points: Any, _event: str) -> None:
        if self._busy or points.GetScene() is None:
            return
        self._busy = True
        try:
            skeletons.draw_skeletons(self._host, points, self._volume, self._schema)
        finally:
            self._busy = False

    def _on_removed(self, _scene: Any, _event: str) -> None:
        if not self._host.scene.IsClosing():
            outlines.remove_orphans(self._host)
