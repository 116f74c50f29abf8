"""Millimetres of the image looked at: what they are worth, and setting them by a known length.

::

    calibrating = Calibrating(browse, reader)
    calibrating.spacing_text()
    calibrating.calibrate((412.0, 300.5), (530.2, 301.0), 25.0, "25 mm ball")
"""

from __future__ import annotations

from collections.abc import Callable

from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author
from XRayAILib.project.errors import ProjectError
from XRayAILib.workflow.browse import Browse


class Calibrating:
    """Calibrates the image that a :class:`Browse` looks at.

    Parameters
    ----------
    reader
        Gives the person at the screen.
    """

    def __init__(self, browse: Browse, reader: Callable[[], Author]) -> None:
        self._browse = browse
        self._reader = reader

    @property
    def spacing(self) -> Spacing | None:
        """That of the image looked at; ``None`` where there is none."""
        return self._browse.current.header.spacing if self._browse.current else None

    @property
    def is_calibrated_here(self) -> bool:
        """Whether a person's calibration counts now."""
        entries = self._entries()
        return bool(entries and entries[0].millimetres)

    def spacing_text(self) -> str:
        """What a millimetre on the image is worth, in words."""
        spacing = self.spacing
        if spacing is None:
            return ""
        if not spacing.known:
            return "Unknown: lengths are in pixels."
        size = f"{spacing.column:.4g} mm"
        if spacing.row != spacing.column:
            size += f" across, {spacing.row:.4g} mm down"
        if spacing.source is SpacingSource.CALIBRATED:
            return f"Calibrated: {size} per pixel."
        text = f"In the detector plane: {size} per pixel."
        if spacing.magnification:
            text += f" What lies in the patient is {spacing.magnification:.3g} times smaller, says the file."
        return text

    def history(self) -> list[str]:
        """What was done to the image, a line each, the newest first."""
        return [str(entry) for entry in self._entries()]

    def calibrate(self, start: tuple[float, float], end: tuple[float, float], millimetres: float, what: str) -> None:
        """Set the spacing by a line (x, y in pixels) of known length, and show the image with it.

        Raises
        ------
        ProjectError
            No image is looked at, or the line or its length cannot be right.
        """
        project, uid = self._browse.project, self._uid()
        project.calibrate(uid, start, end, millimetres, what, self._reader().name)
        self._browse.look_again()

    def take_back(self) -> None:
        """Let the file's own spacing count again."""
        project, uid = self._browse.project, self._uid()
        project.take_calibration_back(uid, self._reader().name)
        self._browse.look_again()

    def _uid(self) -> str:
        if self._browse.current is None:
            raise ProjectError("No radiograph is shown: choose one in the collection first.")
        return self._browse.current.uid

    def _entries(self):  # type: ignore[no-untyped-def]  # list[Calibration], whose module is imported late
        return self._browse.project.calibrations.of(self._uid()) if self._browse.current else []
