"""The part "Help with drawing": what a computer begins and the reader corrects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slicer.i18n import tr as _

from XRayAIAnnotatePanel import placing
from XRayAIAnnotatePanel.edge_following import EdgeFollowing
from XRayAIAnnotatePanel.part import AnnotatePanel, Part
from XRayAIAnnotatePanel.seed import Seed, placed_now
from XRayAILib.workflow.prediction import NoModelError, Prediction
from XRayAIPanel.desk import reader
from XRayAIPanel.installation import interpreter, need_assistance, need_learning
from XRayAIPanel.telling import telling
from XRayAIPanel.work_strip import WorkStrip

if TYPE_CHECKING:
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.objects import FindingObject
    from XRayAILib.workflow.assist import Assist


@dataclass(frozen=True)
class Grown:
    """The last area that grew: from where, as what, and what was drawn before and after."""

    place: tuple[float, float]
    label: str
    before: Findings
    after: Findings


class AssistPart(Part):
    """Live wire, growing, snapping, mirroring, and copies from the prior and from the model."""

    def __init__(self, panel: AnnotatePanel) -> None:
        super().__init__(panel)
        own = self.load("Assist", self.ui.assistCollapsibleButton)
        self._assist: Assist | None = None
        self._following: EdgeFollowing | None = None
        self._seed: Seed | None = None
        self._grown: Grown | None = None
        self._predicts_for = ""
        self._prediction = Prediction(interpreter())
        self._strip = WorkStrip(
            self._prediction.work, own.predictProgressBar, own.predictLabel, own.predictStopButton, self._predicted
        )
        own.followEdgesButton.clicked.connect(self.on_follow_edges)
        own.growButton.clicked.connect(self.on_grow)
        own.toleranceSlider.valueChanged.connect(self.on_tolerance)
        own.snapButton.clicked.connect(self.on_snap)
        own.mirrorButton.clicked.connect(self.on_mirror)
        own.priorButton.clicked.connect(self.on_prior)
        own.modelButton.clicked.connect(self.on_model)

    # Keys and state -------------------------------------------------------------------------------------------------

    def keys(self) -> dict[str, Callable[[], None]]:
        return {
            "Ctrl+E": self.own.followEdgesCheckBox.toggle,
            "Ctrl+G": self._start_growing,
            "Ctrl+B": self.on_snap,
            "Ctrl+M": self.on_mirror,
        }

    def key_texts(self) -> dict[str, str]:
        return {
            "Ctrl+E": _("sides of polygons follow edges, or not"),
            "Ctrl+G": _("grow from a click"),
            "Ctrl+B": _("snap the chosen boxes to their content"),
            "Ctrl+M": _("mirror the chosen objects"),
        }

    def leave(self) -> None:
        self._stop_following()
        self._stop_growing()

    def show(self) -> None:
        sitting = self.sitting
        uid = sitting.session.image.uid if sitting is not None and sitting.session.image is not None else ""
        if self._assist is not None and self._assist.radiograph.uid != uid:
            self._assist = self._grown = None
            self._stop_following()
            self._stop_growing()
            self._strip.say("")
        self.tick()

    def tick(self) -> None:
        if self._strip.work.running:
            self._strip.poll()
        drawing = self.sitting is not None
        own = self.own
        for widget in (
            own.followEdgesButton, own.growButton, own.snapButton, own.mirrorButton, own.priorButton, own.modelButton
        ):  # fmt: skip
            wanted = drawing and not (widget == own.modelButton and self._strip.work.running)
            if widget.enabled != wanted:
                widget.enabled = wanted
        if drawing:
            self._follow()
            self._grow_where_clicked()
        if own.growButton.checked != (self._seed is not None):
            own.growButton.checked = self._seed is not None

    # Live wire ------------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Watch the polygon that is being placed, and let go of one that is finished."""
        from XRayAILib.findings.schema import Tool
        from XRayAILib.scene import shapes

        sitting = self.sitting
        assert sitting is not None
        host, nodes = sitting.canvas.host, sitting.nodes
        active = placed_now(host)
        if self._following is not None and active is not self._following.curve:
            self._stop_following()
        if self._following is not None or active is None or not self.own.followEdgesCheckBox.checked:
            return
        ours = nodes is not None and any(shape.GetID() == active.GetID() for shape in nodes.shapes)
        if ours and shapes.tool_of(active) is Tool.POLYGON and active.GetNumberOfDefinedControlPoints() == 0:
            self._following = EdgeFollowing(host, active, sitting.canvas.volume_node, self._path)

    def _path(self, start: tuple[float, float], end: tuple[float, float]) -> list[tuple[float, float]]:
        return self._help().path(start, end)

    def _stop_following(self) -> None:
        # Laying the last side is a drawing that is looked at: whoever asks again meanwhile must not lay it twice.
        following, self._following = self._following, None
        if following is not None:
            following.finish()

    def on_follow_edges(self, _checked: bool = False) -> None:
        from XRayAILib.findings.objects import Polygon

        with telling(_("The polygons were not changed."), waitCursor=True):
            polygons = self._chosen((Polygon,), _("Choose the polygons in the list of objects first."))
            self._put([self._help().along_edges(polygon) for polygon in polygons])

    # Growing --------------------------------------------------------------------------------------------------------

    def on_grow(self, _checked: bool = False) -> None:
        try:
            if self._seed is None:
                self._start_growing()
            else:
                self._stop_growing()
                placing.stop(self.sitting.canvas.host)
        finally:
            self.own.growButton.checked = self._seed is not None

    def _start_growing(self) -> None:
        with telling(_("Nothing can grow.")):
            if self.sitting is None:
                return
            self._label()
            self.sitting.tools.stop()
            self._stop_growing()
            self._seed = Seed(self.sitting.canvas.host, self.sitting.canvas.volume_node)
            self._strip.say(_("Click into the area that is to grow."))

    def _stop_growing(self) -> None:
        if self._seed is not None:
            self._seed.remove()
            self._seed = None
            self._strip.say("")

    def _grow_where_clicked(self) -> None:
        if self._seed is None or self._seed.is_waiting:
            return
        place = self._seed.place
        self._stop_growing()
        if place is not None:
            with telling(_("Nothing has grown.")):
                self._grow(place, self._label(), self.sitting.drawn.findings)

    def on_tolerance(self, _value: float) -> None:
        """Grow the last area again, as long as nothing was done since."""
        grown = self._grown
        if self.sitting is not None and grown is not None and self.sitting.drawn.findings == grown.after:
            with telling(_("Nothing has grown.")):
                self._grow(grown.place, grown.label, grown.before)

    def _grow(self, place: tuple[float, float], label: str, before: Findings) -> None:
        made = self._help().grown(label, place, self.own.toleranceSlider.value / 100, before)
        grown = before.with_objects(made)
        if before is self.sitting.drawn.findings:
            self._show(grown)
        else:  # once more with another tolerance: one growth is one step of undo
            self.sitting.drawn.amend(grown)
            self.panel.onDrawn()
        self._grown = Grown(place, label, before, self.sitting.drawn.findings)

    def _label(self) -> str:
        """The label chosen in the panel, if an area can have it."""
        from XRayAILib.findings.schema import Tool

        label = self.panel.labels.label
        if label is None or label.tool not in (Tool.MASK, Tool.POLYGON):
            raise RuntimeError(_("Choose a label for a mask or a polygon first."))
        return label.name

    # Snapping, mirroring, copying -----------------------------------------------------------------------------------

    def on_snap(self, _checked: bool = False) -> None:
        from XRayAILib.findings.objects import Box

        with telling(_("The box was not changed."), waitCursor=True):
            boxes = self._chosen((Box,), _("Choose the boxes in the list of objects first."))
            self._put([self._help().snapped(box) for box in boxes])

    def on_mirror(self, _checked: bool = False) -> None:
        with telling(_("Nothing was mirrored."), waitCursor=True):
            present = self.sitting.drawn.findings
            ids = {item.id for item in self.panel.objects.chosen}
            wanted = [item for item in present if not ids or item.id in ids]
            self._put(self._help().mirrored(wanted, present))

    def on_prior(self, _checked: bool = False) -> None:
        with telling(_("Nothing was copied."), waitCursor=True):
            session = self.sitting.session
            copied = self._help().from_prior(session.project, self.sitting.drawn.findings)
            self._put(copied.objects)
            self._say_copied(len(copied.objects), copied.source)

    def on_model(self, _checked: bool = False) -> None:
        with telling(_("Nothing was taken over."), waitCursor=True):
            session = self.sitting.session
            if self._help().was_read_by_a_model(session.project):
                self._take_over()
                return
            models = self._prediction.models(session.project)
            if not models:
                raise NoModelError(_("The project has no model yet: train one in X-Ray AI first."))
            need_learning()
            self._predicts_for = session.image.uid
            self._prediction.start(session.project, models[0].folder, [session.image.uid])
            self._strip.show()

    def _predicted(self) -> str:
        """The model has read an image: take it over where that image is still the one shown."""
        sitting = self.sitting
        image = sitting.session.image if sitting is not None else None
        if self._prediction.work.state == "done" and image is not None and image.uid == self._predicts_for:
            with telling(_("Nothing was taken over.")):
                return self._take_over()
        return self._prediction.outcome()

    def _take_over(self) -> str:
        session = self.sitting.session
        copied = self._help().from_model(session.project, self.sitting.drawn.findings)
        self._put(copied.objects)
        return self._say_copied(len(copied.objects), copied.source)

    def _say_copied(self, count: int, source: str) -> str:
        text = _("{count} objects from {source}: look at each, and correct it.").format(count=count, source=source)
        self._strip.say(text)
        return text

    # Within ---------------------------------------------------------------------------------------------------------

    def _help(self) -> Assist:
        """The help on the image shown."""
        from XRayAILib.workflow.assist import Assist

        session = self.sitting.session
        if self._assist is None:
            need_assistance()
            self._assist = Assist(session.radiograph, reader(), session.project.schema)
        return self._assist

    def _chosen(self, kinds: tuple[type, ...], otherwise: str) -> list[Any]:
        """The chosen objects of these kinds; the only one there is where none is chosen."""
        drawn = [item for item in self.sitting.drawn.findings if isinstance(item, kinds)]
        ids = {item.id for item in self.panel.objects.chosen}
        chosen = [item for item in drawn if item.id in ids] or (drawn if len(drawn) == 1 and not ids else [])
        if not chosen:
            raise RuntimeError(otherwise)
        return chosen

    def _put(self, objects: Sequence[FindingObject]) -> None:
        """Add these objects, or bring them up to date, as one step of undo."""
        self._show(self.sitting.drawn.findings.with_objects(objects))

    def _show(self, findings: Findings) -> None:
        self.sitting.drawn.replace(findings)
        self.panel.onDrawn()
