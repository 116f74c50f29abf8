"""Calibration by a person on a known length: which line, how long, who and when."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select, update

from XRayAILib.dicom.header import header_from_json, spacing_to_json
from XRayAILib.dicom.spacing import Spacing
from XRayAILib.findings.objects import now
from XRayAILib.project.database import Database, calibrations, images
from XRayAILib.project.errors import ProjectError


@dataclass(frozen=True)
class Calibration:
    """A line of known length on one image.

    Attributes
    ----------
    start, end
        Its ends, x and y in pixels of the stored image, centres at integers.
    millimetres
        Its known length; 0 takes the calibration back, and the file's own spacing counts again.
    what
        The object of known length, such as ``25 mm ball``.
    who, time
        The person, and when (UTC, ISO 8601).
    """

    uid: str
    start: tuple[float, float]
    end: tuple[float, float]
    millimetres: float
    what: str
    who: str
    time: str

    def __str__(self) -> str:
        time = self.time[:16].replace("T", " ") + " UTC"
        if not self.millimetres:
            return f"taken back by {self.who}, {time}"
        on = f" on {self.what}" if self.what else ""
        return f"{self.millimetres:g} mm{on}, by {self.who}, {time}"


class Calibrations:
    """The table ``calibrations``: nothing in it is ever changed, and the newest row of an image counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, uid: str, start: tuple[float, float], end: tuple[float, float], millimetres: float, what: str, who: str
    ) -> Calibration:
        """Calibrate an image; :class:`ProjectError` where the line or its length cannot be right."""
        with self._database.writing() as connection:
            row = connection.execute(select(images.c.header).where(images.c.uid == uid)).first()
            if row is None:
                raise ProjectError(f"The radiograph {uid} is not in the project {self._database.place}.")
            header = header_from_json(row.header)
            inside = all(-0.5 <= x <= header.columns - 0.5 and -0.5 <= y <= header.rows - 0.5 for x, y in (start, end))
            if not inside:
                raise ProjectError(
                    f"The line leaves the image, which has {header.columns} x {header.rows} pixels: draw it inside."
                )
            try:
                spacing = header.spacing.calibrated(start, end, millimetres)
            except ValueError as error:
                raise ProjectError(str(error)) from error
            made = Calibration(uid, start, end, float(millimetres), what.strip(), who, now())
            self._store(connection, made, spacing)
        return made

    def take_back(self, uid: str, who: str) -> None:
        """Let the file's own spacing count again; the rows stay."""
        with self._database.writing() as connection:
            row = connection.execute(select(images.c.header).where(images.c.uid == uid)).first()
            if row is None:
                raise ProjectError(f"The radiograph {uid} is not in the project {self._database.place}.")
            taken_back = Calibration(uid, (0.0, 0.0), (0.0, 0.0), 0.0, "", who, now())
            self._store(connection, taken_back, header_from_json(row.header).spacing)

    def of(self, uid: str) -> list[Calibration]:
        """All that was done to an image, the newest first."""
        query = select(calibrations).where(calibrations.c.uid == uid).order_by(calibrations.c.id.desc())
        with self._database.reading() as connection:
            return [
                Calibration(
                    row.uid,
                    (row.start_x, row.start_y),
                    (row.end_x, row.end_y),
                    row.millimetres,
                    row.what,
                    row.who,
                    row.time,
                )
                for row in connection.execute(query)
            ]

    @staticmethod
    def _store(connection, made: Calibration, spacing: Spacing) -> None:  # type: ignore[no-untyped-def]
        connection.execute(
            calibrations.insert().values(
                uid=made.uid,
                start_x=made.start[0],
                start_y=made.start[1],
                end_x=made.end[0],
                end_y=made.end[1],
                millimetres=made.millimetres,
                what=made.what,
                who=made.who,
                time=made.time,
            )
        )
        text = spacing_to_json(spacing) if made.millimetres else None
        values = {"calibration": text, "spacing_source": spacing.source.value}
        connection.execute(update(images).where(images.c.uid == made.uid).values(values))
