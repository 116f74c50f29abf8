"""Browse: open a project, fill it, find an image in it and look at it.

::

    browse = Browse(viewer)
    browse.open(folder)
    browse.filling.begin(browse.project, [pictures])
    ...
    browse.filter("draft")
    browse.choose("view", ["PA", "AP"])
    browse.sort_by("date")
    browse.step(+1)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.query import Query
from XRayAILib.workflow.blinding import visible_prediction, visible_reference
from XRayAILib.workflow.filling import Filling, counted
from XRayAILib.workflow.pictures import Pictures
from XRayAILib.workflow.review import open_prediction
from XRayAILib.workflow.table import Row, row_of
from XRayAILib.workflow.viewer import Layer, Viewer

if TYPE_CHECKING:
    from XRayAILib.dicom.radiograph import Radiograph
    from XRayAILib.findings.author import Author
    from XRayAILib.findings.schema import LabelSchema
    from XRayAILib.project.image import Image
    from XRayAILib.project.project import Project

PAGE = 200
"""Rows shown at once; the buttons of the table turn to the others, and Next goes on to them."""


class Browse:
    """The collection of one open project, and the image that is looked at.

    Parameters
    ----------
    viewer
        Shows the image.
    leaving
        Called before another image is shown or the project is closed, so that what was drawn can be saved. An exception
        keeps the image where it is.
    arrived
        Called after another image is shown.
    interpreter
        The Python that runs the scan.
    reader
        Gives the person at the screen, who is shown of others' findings only what may be seen; everything without it.

    Attributes
    ----------
    filling
        Takes folders into the project.
    pictures
        The thumbnails of what the table shows.
    query
        Which images the table has, in which order, whatever page of it is shown.
    rows
        The page that is shown.
    total
        Number of images that match the query.
    radiograph
        What is looked at, as its file wants it to be seen; see :class:`XRayAILib.workflow.display.Display`.
    notice
        Images that the last :meth:`step` had to pass over, and why; empty where there were none.
    """

    def __init__(
        self,
        viewer: Viewer,
        leaving: Callable[[], None] = lambda: None,
        arrived: Callable[[], None] = lambda: None,
        interpreter: str = sys.executable,
        reader: Callable[[], Author] | None = None,
    ) -> None:
        self.viewer = viewer
        self._reader = reader
        self.leaving: list[Callable[[], None]] = [leaving]
        self.arrived: list[Callable[[], None]] = [arrived]
        self.filling = Filling(interpreter)
        self.pictures = Pictures(interpreter)
        self.query = Query()
        self.rows: list[Row] = []
        self.total = 0
        self.notice = ""
        self.current: Image | None = None
        self.radiograph: Radiograph | None = None
        self.prior: Image | None = None
        self._offset = 0
        self._unreviewed = False
        self._project: Project | None = None

    # The project ------------------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return self._project is not None

    @property
    def project(self) -> Project:
        """The open project; :class:`ProjectError` asks for one where there is none."""
        if self._project is None:
            raise ProjectError("No project is open: open or create one first.")
        return self._project

    def open(self, folder: Path) -> None:
        """Open the project in ``folder``; the one that was open stays open where that fails."""
        from XRayAILib.project.project import Project

        self._take(Project.open(folder))

    def create(self, folder: Path, schema: LabelSchema | None = None) -> None:
        """Make a project in ``folder`` and open it."""
        from XRayAILib.project.project import Project

        self._take(Project.create(folder, schema))

    def close(self) -> None:
        """Save what is drawn, then close the project."""
        if self._project is None:
            return
        self._leave()
        self.filling.work.stop()
        self.pictures.close()
        self._project.close()
        self._project = None
        self.forget_image()
        self.query, self.rows, self.total, self._offset = Query(), [], 0, 0
        self.viewer.clear()

    def _take(self, project: Project) -> None:
        try:
            self.close()
        except Exception:
            project.close()
            raise
        self._project = project
        self.pictures.open(project)
        self.refresh()

    # The table --------------------------------------------------------------------------------------------------

    def ask(self, query: Query) -> None:
        """Show what another query finds, from its beginning; its limit and offset are the table's own."""
        self.query, self._offset = replace(query, limit=None, offset=0), 0
        self.refresh()

    def filter(self, text: str) -> None:
        """Show only images in which every word of ``text`` occurs."""
        self.ask(replace(self.query, text=text))

    def choose(self, column: str, values: Sequence[str]) -> None:
        """Show only images that have one of these values in a column; all where there is none."""
        self.ask(replace(self.query, filters={**self.query.filters, column: tuple(values)}))

    def clear_filters(self) -> None:
        """Show all images again, in the order that was chosen."""
        self.ask(Query(sort=self.query.sort))

    def sort_by(self, column: str) -> None:
        """Sort by a column, the second time downwards, the third time not."""
        now = self.query.sort[0] if self.query.sort else ""
        self.ask(
            replace(
                self.query, sort=(column,) if now.lstrip("-") != column else ("-" + column,) if now == column else ()
            )
        )

    def values(self, column: str) -> list[tuple[str, int]]:
        """(value, number of images) of a column, under the filters of the other columns."""
        return self.project.values(column, self.query)

    def uids(self) -> list[str]:
        """All images of the table, in its order, without those that take no part in training and export."""
        return self.project.uids(replace(self.query, filters={**self.query.filters, "excluded": ("no",)}))

    def refresh(self) -> None:
        """Read the table again."""
        if self._project is None:
            return
        page = self._project.page(replace(self.query, limit=PAGE, offset=self._offset))
        last = max(0, (page.total - 1) // PAGE * PAGE)
        if self._offset > last:
            self._offset = last
            page = self._project.page(replace(self.query, limit=PAGE, offset=last))
        self.total = page.total
        self.rows = [row_of(image) for image in page.images]
        if self.current is not None:
            self.current = self._project.image(self.current.uid)

    def turn_page(self, by: int) -> None:
        """Show the rows after these (``by`` = 1) or before (-1)."""
        if self.has_page(by):
            self._turn_to(self._offset + by * PAGE)

    def has_page(self, by: int) -> bool:
        """Whether :meth:`turn_page` would show other rows."""
        return 0 <= self._offset + by * PAGE < self.total

    def page_text(self) -> str:
        """Which rows are shown, such as ``201-400 of 1,240``; empty where they are all."""
        if self.total <= PAGE:
            return ""
        return f"{self._offset + 1:,}-{self._offset + len(self.rows):,} of {self.total:,}"

    def row_of_current(self) -> int:
        """Where the image looked at is in :attr:`rows`; -1 where a filter hides it."""
        uid = self.current.uid if self.current else ""
        return next((place for place, row in enumerate(self.rows) if row.uid == uid), -1)

    # The image --------------------------------------------------------------------------------------------------

    def select(self, uid: str) -> None:
        """Look at an image, with what people and models said of it over it.

        Raises
        ------
        UnreadableError
            Its file is gone or damaged; what was shown before stays.
        """
        self.notice = ""
        project = self.project
        image, radiograph = project.image(uid), project.radiograph(uid)
        self._leave()
        self.hide_prior()
        self.viewer.show(radiograph)
        self.current, self.radiograph = image, radiograph
        self.show_findings()
        for call in self.arrived:
            call()

    def look_again(self) -> None:
        """Show the image looked at once more: something else was shown in between, or it was drawn on elsewhere."""
        if self.current is None:
            return
        self.current = self.project.image(self.current.uid)
        self.radiograph = self.project.radiograph(self.current.uid)
        self.viewer.show(self.radiograph)
        self.show_findings()

    def show_findings(self) -> None:
        """Show what the project has of the image now; called again after findings changed elsewhere."""
        self._unreviewed = False
        if self.current is None:
            return
        uid, schema = self.current.uid, self.project.schema
        shown = {Layer.REFERENCE: self.project.reference(uid), Layer.PREDICTION: open_prediction(self.project, uid)}
        if self._reader is not None:
            reader = self._reader()
            shown[Layer.REFERENCE] = visible_reference(self.project, reader, uid)
            if visible_prediction(self.project, reader, uid) is None:
                shown[Layer.PREDICTION] = None
        for layer, findings in shown.items():
            if findings is None or not findings.objects:
                self.viewer.clear_layer(layer)
            else:
                self.viewer.show_findings(findings, schema, layer)
                self._unreviewed = self._unreviewed or layer is Layer.PREDICTION

    def forget_image(self) -> None:
        """Nothing is looked at any more: the viewer was emptied by somebody else."""
        self.current = self.prior = self.radiograph = None
        self._unreviewed = False

    def step(self, by: int) -> bool:
        """Look at the next image of the table (``by`` = 1) or the one before (-1); whether there was one.

        Images that cannot be read are passed over, and named in :attr:`notice`.

        Raises
        ------
        UnreadableError
            None of those that are left in this direction can be read; what was shown before stays.
        """
        self.notice = ""
        here = self.row_of_current()
        place = self._offset + here + by if here >= 0 else self._offset
        offset, passed, last = self._offset, [], None
        while 0 <= place < self.total:
            self._turn_to(place // PAGE * PAGE)
            try:
                self.select(self.rows[place - self._offset].uid)
            except UnreadableError as error:
                passed.append(str(error))
                last, place = error, place + by
                continue
            self.notice = f"Passed over: {'; '.join(passed)}" if passed else ""
            return True
        self._turn_to(offset)
        if last is not None:
            raise last
        return False

    def _turn_to(self, offset: int) -> None:
        if offset != self._offset:
            self._offset = offset
            self.refresh()

    def has_step(self, by: int) -> bool:
        """Whether :meth:`step` would find an image."""
        here = self.row_of_current()
        return self.total > 0 if here < 0 else 0 <= self._offset + here + by < self.total

    def position_text(self) -> str:
        """Where in the table we are, such as ``3 of 124``."""
        if not self.total:
            return (
                "" if not self.is_open else "no radiograph matches" if self.query.is_narrowed else "no radiographs yet"
            )
        here = self.row_of_current()
        count = counted(self.total, "radiograph", "radiographs")
        return count if here < 0 else f"{self._offset + here + 1:,} of {count}"

    @property
    def has_images(self) -> bool:
        """Whether the project has any image, filtered away or not."""
        return self.total > 0 or (self._project is not None and self._project.count() > 0)

    @property
    def has_prediction(self) -> bool:
        """Whether a model says something of the image looked at that nobody has reviewed."""
        return self._unreviewed

    # The prior --------------------------------------------------------------------------------------------------

    def priors(self) -> list[Row]:
        """Earlier images of the patient looked at, the latest first."""
        if self.current is None:
            return []
        return [row_of(image) for image in self.project.priors(self.current.uid)]

    def show_prior(self, uid: str) -> None:
        """Show an earlier image beside the one looked at."""
        self.viewer.show_prior(self.project.radiograph(uid))
        self.prior = self.project.image(uid)

    def hide_prior(self) -> None:
        if self.prior is not None:
            self.viewer.hide_prior()
            self.prior = None

    def _leave(self) -> None:
        if self.current is not None:
            for call in self.leaving:
                call()
