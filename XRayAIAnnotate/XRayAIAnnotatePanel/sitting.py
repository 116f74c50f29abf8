"""A sitting: one reader at the desk, from entering the panel until it is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from XRayAIAnnotatePanel import layer
from XRayAIAnnotatePanel.canvas import SceneCanvas
from XRayAIAnnotatePanel.drawn import Drawn
from XRayAIAnnotatePanel.tools import Tools
from XRayAILib.dicom.decoding_ahead import DecodingAhead
from XRayAILib.workflow.annotate import AnnotationSession, Start
from XRayAILib.workflow.blinding import worklist

if TYPE_CHECKING:
    from XRayAILib.findings.author import Author
    from XRayAILib.scene.layers import FindingsNodes
    from XRayAIPanel.desk import Desk


class Sitting:
    """Brings together the annotation session, the canvas in the scene and the tools, over the project on the desk.

    While it lasts, the desk's image is the session's; whoever wants to show another one has it saved first.

    Parameters
    ----------
    editor
        ``qMRMLSegmentEditorWidget`` of the panel.
    start
        What a new image begins with.
    listener
        Called after every change of image or state.
    drawn
        Called when somebody draws something.
    author
        Whose findings are drawn on, where they are not the reader's own.
    """

    def __init__(
        self,
        desk: Desk,
        editor: Any,
        start: Start,
        listener: Callable[[], None],
        drawn: Callable[[], None],
        author: Author | None = None,
    ) -> None:
        from XRayAIPanel.desk import reader
        from XRayAIPanel.installation import interpreter

        self.desk = desk
        browse = desk.browse
        project = browse.project
        layer.offer_labels(project.schema)
        self.canvas = SceneCanvas(desk.viewer, project.schema, drawn)
        self.tools = Tools(self.canvas, editor)
        self.ahead = DecodingAhead(interpreter())
        # Who has been given images to read reads those, in that order, whatever the collection shows.
        uids = worklist(project, reader()) or browse.uids() or None
        self.session = AnnotationSession(project, reader(), self.canvas, uids, start, listener, self.ahead, author)
        self.drawn = Drawn(self.session, self.canvas)
        self._last = ""
        browse.hide_prior()
        browse.leaving.append(self.leave)

    @property
    def nodes(self) -> FindingsNodes | None:
        """The layer that is drawn on; ``None`` where there is none at the moment."""
        return self.canvas.nodes

    @property
    def is_drawing_possible(self) -> bool:
        return self.session.is_open and self.nodes is not None

    def belongs_to(self, desk: Desk) -> bool:
        """Whether the project that was sat down to is still the one on the desk."""
        return self.desk is desk and self.session.project is desk.project

    def open(self) -> None:
        """Show the image that the desk looked at, or the first one that the reader has not worked on."""
        current = self.desk.browse.current
        offered = current is not None and self.session.offers(current.uid)
        self.step(lambda: self.session.open(current.uid if offered and current is not None else None))

    def remember(self) -> None:
        """The scene is about to be closed: keep in mind which image it showed."""
        image = self.session.image
        self._last = image.uid if image is not None else self._last

    def open_again(self) -> None:
        """Show the image again that the scene showed before it was closed."""
        if self._last:
            self.step(lambda: self.session.open(self._last))
        else:
            self.open()

    def step(self, step: Callable[[], object]) -> None:
        """Go to another image by ``step``, with every tool put away before and ready after."""
        self.tools.stop()
        try:
            step()
        finally:
            self.tools.attach()
            if self.session.image is not None:
                self.desk.browse.current = self.session.image

    def leave(self) -> None:
        """Save, and take the layer away. Raises where it cannot be saved; then everything stays."""
        self.tools.stop()
        self.session.close()
        self.ahead.close()
        if self.leave in self.desk.browse.leaving:
            self.desk.browse.leaving.remove(self.leave)
        self.canvas.clear()
        layer.offer_labels(None)

    def end(self) -> None:
        """:meth:`leave`, and hand the image back to be looked at."""
        image, browse = self.session.image, self.desk.browse
        self.leave()
        if image is not None and browse.is_open:
            browse.refresh()
            browse.current = browse.project.image(image.uid)
            browse.show_findings()
