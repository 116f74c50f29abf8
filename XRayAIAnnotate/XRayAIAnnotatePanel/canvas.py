"""The canvas of an annotation session, fulfilled with Slicer's Red view."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from XRayAIAnnotatePanel import layer, placing

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.schema import LabelSchema
    from XRayAILib.scene.host import Host
    from XRayAILib.scene.layers import FindingsNodes
    from XRayAILib.scene.live import Live
    from XRayAILib.workflow.look import Look
    from XRayAIPanel.viewer import SlicerViewer


class SceneCanvas:
    """Shows the radiograph with the viewer of the desk, and the reader's findings over it in a layer to draw on.

    Fulfils :class:`XRayAILib.workflow.annotate.Canvas`.

    Parameters
    ----------
    viewer
        The desk's; its read-only layers are taken away while one is drawn on.
    changed
        Called when somebody draws something.

    Attributes
    ----------
    picked
        Called with the id of the object that somebody takes hold of in the view.
    """

    def __init__(self, viewer: SlicerViewer, schema: LabelSchema, changed: Callable[[], None]) -> None:
        self.schema = schema
        self._viewer = viewer
        self._changed = changed
        self.picked: Callable[[str], None] = lambda _object_id: None
        self._root: Any = None
        self._watched: list[tuple[Any, int]] = []
        self._times: dict[str, int] = {}
        self._live: Live | None = None
        self._busy = False
        self._own_window = (0.0, 1.0)

    @property
    def host(self) -> Host:
        return self._viewer.host

    @property
    def volume_node(self) -> Any:
        """The radiograph shown."""
        return self._viewer.volume_node

    @property
    def nodes(self) -> FindingsNodes | None:
        """The layer that is drawn on; ``None`` where nothing is shown, or the scene was closed."""
        return layer.find(self.host, self._viewer.volume_node)

    def show(self, radiograph: Radiograph, findings: Findings, editable: bool) -> None:
        from XRayAILib.scene import layers

        self.clear()
        self._viewer.show(radiograph)
        display = self.volume_node.GetDisplayNode()
        self._own_window = (display.GetWindowLevelMin(), display.GetWindowLevelMax())
        # A new segmentation for every image: the editor's Undo must not bring back what belongs to the last one.
        layers.show_findings(self.host, self.volume_node, findings, self.schema, layer.NAME, editable)
        self.watch()

    def drawn(self) -> Findings:
        from XRayAILib.findings.objects import FindingError
        from XRayAILib.scene import layers

        nodes = self.nodes
        if nodes is None:
            raise FindingError("The layer that was drawn on is no longer in the scene. Click Reload to get it back.")
        with self.quietly():  # reading writes ids into the scene
            return layers.read_findings(self.host, nodes, self.schema)

    def update(self, findings: Findings) -> None:
        from XRayAILib.scene import layers

        layers.show_findings(self.host, self.volume_node, findings, self.schema, layer.NAME)
        self.watch()

    def look(self) -> Look:
        from XRayAILib.scene.framing import framing
        from XRayAILib.workflow.look import Look

        shown, (low, high) = framing(self.host, self.volume_node), self._own_window
        display = self.volume_node.GetDisplayNode()
        width = high - low
        brightness = (display.GetLevel() - (low + high) / 2) / width
        return Look(display.GetWindow() / width, brightness, shown.zoom, shown.x, shown.y)

    def set_look(self, look: Look) -> None:
        import qt

        from XRayAILib.scene.framing import Framing, set_framing

        low, high = self._own_window
        display, width = self.volume_node.GetDisplayNode(), high - low
        display.SetWindowLevel(look.contrast * width, (low + high) / 2 + look.brightness * width)
        uid = self.volume_node.GetAttribute("XRayAI.uid")

        def frame() -> None:
            node = self.volume_node
            if node is not None and node.GetAttribute("XRayAI.uid") == uid:
                set_framing(self.host, node, Framing(look.zoom, look.x, look.y))

        frame()
        # A view that has just come into the layout gets its size in the event loop, and is fitted to the image then.
        qt.QTimer.singleShot(0, frame)

    def show_over(self, findings: Findings, schema: LabelSchema, name: str) -> None:
        from XRayAILib.scene import layers

        with self.quietly():
            layers.show_findings(self.host, self.volume_node, findings, schema, name, editable=False)

    def clear_over(self, name: str) -> None:
        from XRayAILib.scene import layers

        nodes = layers.find_layer(self.host, self.volume_node, name) if self.volume_node is not None else None
        if nodes is not None:
            with self.quietly():
                layers.remove(self.host, nodes)

    @contextmanager
    def quietly(self) -> Iterator[None]:
        """What happens in the scene meanwhile is no drawing."""
        before, self._busy = self._busy, True
        try:
            yield
        finally:
            self._busy = before

    def clear(self) -> None:
        """Take the layer away."""
        from XRayAILib.scene import layers

        self.unwatch()
        nodes = self.nodes
        if nodes is not None:
            layers.remove(self.host, nodes)

    def watch(self) -> None:
        """Notice what is drawn from now on, and let lines and texts follow it."""
        import slicer

        from XRayAILib.scene.live import Live

        self.unwatch()
        nodes = self.nodes
        if nodes is None:
            return
        # First, so that a box is flat before anybody hears of it.
        self._live = Live(self.host, nodes, self.schema)
        kind = slicer.vtkSegmentation
        drawn = (kind.SegmentAdded, kind.SegmentRemoved, kind.SegmentModified, kind.SourceRepresentationModified)
        self._observe(nodes.segmentation.GetSegmentation(), self._on_drawn, *drawn)
        self._observe(self.host.scene, self._on_drawn, self.host.scene.NodeRemovedEvent)
        self._watch_points(nodes.landmarks)
        for shape in nodes.shapes:
            self._watch_points(shape)

    def watch_new(self) -> None:
        """Notice the shapes too that were added since; cheap enough to be called by a timer."""
        nodes = self.nodes
        if nodes is None or self._live is None:
            return
        for shape in nodes.shapes:
            if shape.GetID() not in self._times:
                self._live.watch(shape)
                self._watch_points(shape)
                if placing.is_placed(shape):  # choosing a tool adds an empty one, which is no drawing yet
                    self._on_drawn(shape, "")

    def unwatch(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
        for node, tag in self._watched:
            node.RemoveObserver(tag)
        self._watched.clear()
        self._times.clear()

    def _watch_points(self, node: Any) -> None:
        self._times[node.GetID()] = node.GetMTime()
        self._observe(node, self._on_drawn, node.PointPositionDefinedEvent, node.PointPositionUndefinedEvent)
        self._observe(node, self._on_picked, node.PointStartInteractionEvent)
        self._observe(node, self._on_moved, node.PointModifiedEvent, node.PointRemovedEvent, "ModifiedEvent")

    def _observe(self, node: Any, call: Callable[[Any, str], None], *events: Any) -> None:
        self._watched += [(node, node.AddObserver(event, call)) for event in events]

    def _on_drawn(self, caller: Any, event: str) -> None:
        if not self._busy and not self.host.scene.IsClosing():
            self._changed()

    def _on_picked(self, caller: Any, _event: str) -> None:
        from XRayAILib.scene import landmarks, shapes

        object_id = shapes.object_id(caller)
        if not object_id:
            # The list of landmarks: Slicer notes on it which of its points is moved.
            index = caller.GetAttribute(caller.GetDisplayNode().GetMovingMarkupIndexAttributeName())
            object_id = landmarks.id_of(caller, int(index)) if index else ""
        self.picked(object_id)

    def _on_moved(self, caller: Any, event: str) -> None:
        # Slicer says "modified" also while the mouse hovers over a point, when the time of change stays the same, and
        # while it carries the next point of something that is being placed.
        key, time = caller.GetID(), caller.GetMTime()
        if self._times.get(key) != time and not placing.is_placing(self.host):
            self._times[key] = time
            self._on_drawn(caller, event)
