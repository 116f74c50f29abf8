"""The effect "Landmarks"."""

import qt
import slicer
from slicer.i18n import tr as _

from XRayAIAnnotateEffects.shape_effect import ShapeEffect


class SegmentEditorLandmarksEffect(ShapeEffect):
    """Sets the landmarks of the schema one after another: the points of one list."""

    name = "Landmarks"
    source = __file__
    tools = ("landmark",)

    def helpText(self) -> str:
        return "<html>" + _(
            """Set named points, one after another, from the chosen one on.
<p><ul style="margin: 0">
<li><b>Left-click:</b> set the next point that is not there yet.
<li><b>Drag a point:</b> move it.
<li><b>Not visible:</b> the next point lies behind something: click where it would be.
<li><b>Outside:</b> the next point lies beyond the image: it needs no click.
<li><b>Skip:</b> leave the next point for later.
<li><b>Right-click:</b> stop.
</ul><p>"""
        )

    def place(self, host, volume, schema, label):
        from XRayAIAnnotatePanel import placing

        return placing.place(host, volume, schema, label, in_order=True)

    def setupOptionsFrame(self) -> None:
        ShapeEffect.setupOptionsFrame(self)
        self.stateButtons = []
        for name, title, call in (
            ("LandmarksNotVisible", _("Not visible"), self.onNotVisible),
            ("LandmarksOutside", _("Outside"), self.onOutside),
            ("LandmarksSkip", _("Skip"), self.onSkip),
        ):
            button = qt.QPushButton(title)
            button.objectName = name
            button.clicked.connect(call)
            self.scriptedEffect.addOptionsWidget(button)
            self.stateButtons.append((button, call))

    def cleanup(self) -> None:
        ShapeEffect.cleanup(self)
        for button, call in getattr(self, "stateButtons", ()):
            button.clicked.disconnect(call)

    def onNotVisible(self, checked=False) -> None:
        from XRayAILib.scene.landmarks import State

        self._say(State.NOT_VISIBLE)

    def onOutside(self, checked=False) -> None:
        from XRayAILib.scene.landmarks import State

        self._say(State.OUTSIDE)

    def onSkip(self, checked=False) -> None:
        from XRayAIAnnotatePanel import placing
        from XRayAILib.scene import landmarks

        with slicer.util.tryWithErrorDisplay(_("The landmark cannot be left out.")):
            points = placing.active_node(self.host())
            if points is not None:
                landmarks.skip(points)

    def _say(self, state) -> None:
        from XRayAIAnnotatePanel import placing

        with slicer.util.tryWithErrorDisplay(_("This cannot be said of the landmark.")):
            points = placing.active_node(self.host())
            if points is not None:
                placing.say_of_next(self.host(), points, self.volume(), state)
