"""A strip that shows one kind of work: progress bar, a line of text, and a button that stops it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from XRayAILib.workflow.work import Work


class WorkStrip:
    """Shows a :class:`Work` while it runs, and what came of it.

    Parameters
    ----------
    bar, label, stop
        ``QProgressBar``, ``QLabel`` and a button.
    ended
        Called when the work has ended; gives the line that is to be shown where it went well.
    """

    def __init__(self, work: Work, bar: Any, label: Any, stop: Any, ended: Callable[[], str]) -> None:
        self.work = work
        self._bar, self._label, self._stop, self._ended = bar, label, stop, ended
        bar.setRange(0, 1000)
        stop.clicked.connect(self._on_stop)
        self.say("")
        self.show()

    def poll(self) -> bool:
        """Bring the strip up to date; ``True`` when the work has just ended."""
        ended = self.work.poll()
        self.show()
        if ended:
            self._finish()
        return ended

    def show(self) -> None:
        """Show the present state."""
        running = self.work.running
        self._bar.visible = running
        self._stop.visible = running
        if running:
            self._bar.value = round(1000 * self.work.fraction)
            self._stop.text = _("End now") if self.work.stopping else _("Stop")
            self.say(self.work.text)

    def say(self, text: str) -> None:
        """Show a line beneath the bar; an empty one takes no room."""
        self._label.text = self._label.toolTip = text  # a long path is cut in a narrow panel
        self._label.visible = bool(text)

    def _finish(self) -> None:
        import slicer

        said = self._ended()
        if self.work.state == "failed":
            self.say(_("Failed: {reason}").format(reason=self.work.error.partition("\n")[0]))
            slicer.util.errorDisplay(self.work.error, detailedText=self._log())
        else:
            self.say(_("Stopped.") if self.work.state == "cancelled" else said)

    def _log(self) -> str:
        job = self.work.job
        return job.log.read_text("utf-8", errors="replace")[-20000:] if job and job.log.exists() else ""

    def _on_stop(self, _checked: bool = False) -> None:
        self.work.stop()
        self.show()
        if not self.work.running:  # it was ended at once, so the next look will find nothing that ends
            self._finish()
