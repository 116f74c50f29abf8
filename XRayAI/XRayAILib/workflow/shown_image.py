"""The image on the canvas: shown with what the reader said of it, and read back with all that is not drawn."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from XRayAILib.findings.author import Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingError, FindingObject, ImageLabel
from XRayAILib.project.errors import ProjectError
from XRayAILib.workflow.answers import Answers
from XRayAILib.workflow.look import Look, view_key

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph
    from XRayAILib.findings.author import Author
    from XRayAILib.project.project import Project
    from XRayAILib.workflow.canvas import Canvas


class ShownImage:
    """One radiograph on the canvas of a reader.

    Attributes
    ----------
    answers
        What is said of the whole image.
    radiograph
        ``None`` where none is shown.
    """

    def __init__(self, project: Project, reader: Author, canvas: Canvas, author: Author) -> None:
        self._project, self._reader, self._canvas, self._author = project, reader, canvas, author
        self.answers = Answers(reader)
        self._aside: tuple[FindingObject, ...] = ()  # rejected objects: they stay in the track, and are not shown
        self.radiograph: Radiograph | None = None
        self._look = Look()

    def put(self, radiograph: Radiograph, findings: Findings, editable: bool) -> None:
        """Show a radiograph with findings, looked at as the reader did before."""
        self.forget()
        rejected = tuple(item for item in findings if item.status is Status.REJECTED)
        visible = findings.without(item.id for item in rejected)
        self._canvas.show(radiograph, visible, editable)
        self.answers, self._aside = Answers(self._reader, visible.of(ImageLabel)), rejected
        self.radiograph = radiograph
        self._recall_look(radiograph)

    def update(self, findings: Findings) -> None:
        """Make what is drawn and said these findings of the same image; what is set aside stays so."""
        visible = findings.without(item.id for item in self._aside)
        self._canvas.update(visible)
        self.answers = Answers(self._reader, visible.of(ImageLabel))

    def put_back(self, findings: Findings) -> None:
        """Make what is drawn and said these findings of the same image, rejected objects included."""
        self._aside = tuple(item for item in findings if item.status is Status.REJECTED)
        self.update(findings)

    def drawn(self, shown: Findings) -> Findings:
        """What is drawn and said now, given what was ``shown``.

        Raises
        ------
        FindingError
            Another image is in the view.
        """
        drawn = self._canvas.drawn()
        if drawn.radiograph_uid != shown.radiograph_uid or drawn.shape != shown.shape:
            raise FindingError(
                f"The image in the view is {drawn.radiograph_uid or 'not one of the project'}, not "
                f"{shown.radiograph_uid}: show the image again before you go on drawing."
            )
        objects = tuple(o for o in drawn if not isinstance(o, ImageLabel)) + self.answers.objects + self._aside
        return replace(drawn, author=self._author, objects=objects)

    def forget(self) -> None:
        """The canvas shows nothing of ours any more."""
        self.answers, self._aside, self.radiograph = Answers(self._reader), (), None

    # How it is looked at ------------------------------------------------------------------------------------------

    def remember_look(self) -> None:
        """Keep how the reader looks at the image now, where that was changed since it was shown."""
        radiograph = self.radiograph
        if radiograph is None or self._project.read_only:
            return
        look = self._canvas.look()
        if not look.is_like(self._look):
            self._project.looks.put(self._reader.key, radiograph.uid, _view(radiograph), look.document())
            self._look = look

    def reset_look(self) -> None:
        """Look at the whole image with the file's own window, now and from now on at others of its view."""
        radiograph = self.radiograph
        if radiograph is None:
            return
        if not self._project.read_only:
            self._project.looks.put(self._reader.key, radiograph.uid, _view(radiograph), None)
        self._canvas.set_look(Look())
        self._look = self._canvas.look()

    def _recall_look(self, radiograph: Radiograph) -> None:
        document = self._project.looks.get(self._reader.key, radiograph.uid, _view(radiograph))
        if document is not None:
            try:
                self._canvas.set_look(Look.from_document(document))
            except ValueError as error:
                raise ProjectError(f"{radiograph.uid}: {error} Reset the window of this view.") from error
        self._look = self._canvas.look()


def _view(radiograph: Radiograph) -> str:
    return view_key(radiograph.header.body_part, radiograph.header.view)
