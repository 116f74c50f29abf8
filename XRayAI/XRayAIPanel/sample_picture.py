"""The newest sample picture of a training, as wide as the panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
from slicer.i18n import tr as _

MARGIN = 4


class SamplePicture:
    """Shows a picture file in a ``QLabel``; a file that is not there yet, or not whole, is tried again."""

    def __init__(self, label: Any) -> None:
        self._label = label
        self._path: Path | None = None
        self._picture: Any = None
        self._width = 0
        self.clear()

    def clear(self) -> None:
        """Show nothing."""
        self._path = self._picture = None
        self._label.clear()
        self._label.visible = False

    def show(self, path: Path | None, epoch: int) -> None:
        """Show this file; called again and again while a training runs, so what is shown already costs nothing."""
        if path is None:
            return
        if path != self._path:
            picture = qt.QPixmap(str(path))
            if picture.isNull():
                return
            self._path, self._picture, self._width = path, picture, 0
            told = _("After epoch {n}: what the network finds in images of the validation part.").format(n=epoch)
            self._label.toolTip = told if epoch else _("Images of the first step, changed as they are learnt from.")
            self._label.visible = True
        width = self._label.parentWidget().width - 2 * MARGIN
        if self._picture is not None and width != self._width and width > 0:
            self._width = width
            wide = min(width, self._picture.width())
            self._label.setPixmap(self._picture.scaledToWidth(wide, qt.Qt.SmoothTransformation))
