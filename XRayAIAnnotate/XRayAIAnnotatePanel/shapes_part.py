"""What is done to single kinds of objects: landmarks that are not seen, masks that become polygons and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from XRayAIAnnotatePanel import placing
from XRayAIAnnotatePanel.part import Part
from XRayAIPanel.installation import need_assistance
from XRayAIPanel.telling import telling

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.part import AnnotatePanel
    from XRayAILib.findings.objects import FindingObject
    from XRayAILib.scene.landmarks import State

AREAS = frozenset({"polygon", "box", "rotated box", "ellipse"})


class ShapesPart(Part):
    """The row under the tool, and the one that turns masks and outlines into each other."""

    def __init__(self, panel: AnnotatePanel) -> None:
        super().__init__(panel)
        buttons = {
            self.ui.notVisibleButton: self.on_not_visible,
            self.ui.outsideButton: self.on_outside,
            self.ui.skipButton: self.on_skip,
            self.ui.toMaskButton: self.on_to_mask,
            self.ui.toPolygonButton: self.on_to_polygon,
        }
        for button, call in buttons.items():
            button.clicked.connect(call)
        self.ui.convertLabel.visible = False
        self._told: Any = None

    def keys(self) -> dict[str, Callable[[], None]]:
        return {"Ctrl+J": self.on_not_visible, "Ctrl+K": self.on_outside, "Ctrl+L": self.on_skip}

    def key_texts(self) -> dict[str, str]:
        return {
            "Ctrl+J": _("The landmark is not visible: its place is guessed"),
            "Ctrl+K": _("The landmark is outside the image"),
            "Ctrl+L": _("Leave the next landmark for later"),
        }

    def tick(self) -> None:
        sitting = self.sitting
        chosen = self.panel.objects.chosen if sitting is not None else ()
        label = self.panel.labels.label
        kinds = {item.kind for item in chosen if not item.locked}
        setting = sitting is not None and self._points() is not None
        shown = (label is not None and label.tool.value == "landmark") or "landmark" in kinds
        wanted = {
            self.ui.notVisibleButton: setting or "landmark" in kinds,
            self.ui.outsideButton: setting or "landmark" in kinds,
            self.ui.skipButton: setting,
            self.ui.toMaskButton: bool(kinds & AREAS),
            self.ui.toPolygonButton: "mask" in kinds,
            self.ui.toleranceSpinBox: "mask" in kinds,
        }
        for widget, enabled in wanted.items():
            if widget.enabled != enabled:
                widget.enabled = enabled
        if self.ui.landmarkFrame.visible != shown:
            self.ui.landmarkFrame.visible = shown
        # What was told of a conversion is true as long as nothing else was drawn.
        if self._told is not None and (sitting is None or sitting.drawn.findings is not self._told):
            self._tell("")

    # Landmarks ------------------------------------------------------------------------------------------------------

    def on_not_visible(self, _checked: bool = False) -> None:
        from XRayAILib.scene.landmarks import State

        self._say(State.NOT_VISIBLE)

    def on_outside(self, _checked: bool = False) -> None:
        from XRayAILib.scene.landmarks import State

        self._say(State.OUTSIDE)

    def on_skip(self, _checked: bool = False) -> None:
        from XRayAILib.scene import landmarks

        points = self._points()
        if points is not None:
            with telling(_("The landmark cannot be left out.")):
                landmarks.skip(points)
            self.panel.showState()

    def _points(self) -> Any:
        """The point list, where the next click sets a landmark."""
        sitting = self.sitting
        nodes = sitting.nodes if sitting is not None else None
        active = placing.active_node(sitting.canvas.host) if sitting is not None and nodes is not None else None
        return active if active is not None and nodes and active.GetID() == nodes.landmarks.GetID() else None

    def _say(self, state: State) -> None:
        sitting, points = self.sitting, self._points()
        if sitting is None:
            return
        with telling(_("This cannot be said of the landmark.")):
            if points is not None:
                placing.say_of_next(sitting.canvas.host, points, sitting.canvas.volume_node, state)
                self.panel.onDrawn()
            else:
                self._say_of_chosen(state)
        self.panel.showState()

    def _say_of_chosen(self, state: State) -> None:
        from XRayAILib.findings.objects import Landmark
        from XRayAILib.scene.landmarks import State

        marks = [item for item in self._chosen() if isinstance(item, Landmark)]
        if not marks:
            return
        said = {"visible": False, "outside": state is State.OUTSIDE}
        if all((mark.visible, mark.outside) == (False, said["outside"]) for mark in marks):
            said = {"visible": True, "outside": False}
        self._replace([mark.changed(**said) for mark in marks])

    # Masks and polygons ---------------------------------------------------------------------------------------------

    def on_to_mask(self, _checked: bool = False) -> None:
        from XRayAILib.findings.forms import as_mask

        sitting = self.sitting
        if sitting is None or sitting.drawn.findings is None:
            return
        findings = sitting.drawn.findings
        with telling(_("There is no mask of this.")):
            areas = [item for item in self._chosen() if item.kind in AREAS]
            masks = [as_mask(item, findings.shape, findings.author) for item in areas]
            self._replace(masks, [item.id for item in areas])
            self._tell(_("{pixels} pixels.").format(pixels=f"{sum(mask.area for mask in masks):,}"))
        self.panel.showState()

    def on_to_polygon(self, _checked: bool = False) -> None:
        from XRayAILib.findings.forms import as_polygons
        from XRayAILib.findings.objects import Mask

        sitting = self.sitting
        if sitting is None or sitting.drawn.findings is None:
            return
        author, tolerance = sitting.drawn.findings.author, self.ui.toleranceSpinBox.value
        with telling(_("There is no polygon of this."), waitCursor=True):
            if tolerance:
                need_assistance()  # to leave out corners
            masks = [item for item in self._chosen() if isinstance(item, Mask)]
            polygons = [polygon for mask in masks for polygon in as_polygons(mask, author, tolerance)]
            self._replace(polygons, [mask.id for mask in masks])
            corners = sum(len(polygon.points) for polygon in polygons)
            text = _("{polygons} polygon(s) with {corners} corners, within {tolerance} px of the border.")
            self._tell(text.format(polygons=len(polygons), corners=f"{corners:,}", tolerance=f"{tolerance:g}"))
        self.panel.showState()

    def _chosen(self) -> list[FindingObject]:
        """The objects chosen in the table that are not locked, as they are drawn now."""
        sitting = self.sitting
        if sitting is None:
            return []
        sitting.drawn.look(at_once=True)
        free = {item.id for item in self.panel.objects.chosen if not item.locked}
        return [item for item in sitting.drawn.findings or () if item.id in free]

    def _replace(self, items: list[Any], gone: list[str] | None = None) -> None:
        sitting = self.sitting
        assert sitting is not None and sitting.drawn.findings is not None
        sitting.drawn.replace(sitting.drawn.findings.without(gone or ()).with_objects(items))
        self.panel.showState()
        self.panel.objects.choose([item.id for item in items])

    def _tell(self, text: str) -> None:
        self.ui.convertLabel.text = text
        self.ui.convertLabel.visible = bool(text)
        self._told = self.sitting.drawn.findings if text and self.sitting is not None else None
