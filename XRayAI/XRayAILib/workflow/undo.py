"""Undo and redo of everything that is drawn and said of an image: one history over all tools.

Findings are immutable, and two of them share the objects that did not change: a stack of them is a history that cannot
miss anything, whatever tool, button or module made the change, and costs no more than what was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject
from XRayAILib.workflow.alike import alike

MOST_STEPS = 100
"""A mask keeps the pixels of its bounding box, one byte each: a lung at 3000 x 3000 has about 2.5 MB a stroke."""


@dataclass(frozen=True)
class Change:
    """What one step did, as far as a person is told.

    Attributes
    ----------
    verb
        ``add``, ``delete``, ``relabel`` or ``change``; ``several`` where more than one object is concerned.
    label
        Name of the object's label; empty where there are several.
    count
        How many objects.
    """

    verb: str
    label: str = ""
    count: int = 1


class Undo:
    """The history of one image, from the moment at which it was shown.

    ::

        undo = Undo(session.drawn())
        undo.note(session.drawn())     # after every finished change
        before = undo.back()           # undo: what is to be shown again
        after = undo.forth()           # redo

    Parameters
    ----------
    start
        What the image began with.
    """

    def __init__(self, start: Findings) -> None:
        self._states = [start]
        self._place = 0

    @property
    def present(self) -> Findings:
        """What was last noted or gone to."""
        return self._states[self._place]

    @property
    def can_go_back(self) -> bool:
        return self._place > 0

    @property
    def can_go_forth(self) -> bool:
        return self._place + 1 < len(self._states)

    def note(self, drawn: Findings) -> bool:
        """Something may have been drawn: ``True`` where it differs from the present, which is a step then.

        What was undone before is gone then.

        Raises
        ------
        ValueError
            The findings are of another image: that has a history of its own.
        """
        if drawn.radiograph_uid != self.present.radiograph_uid:
            raise ValueError(f"This is the history of {self.present.radiograph_uid}, not of {drawn.radiograph_uid}.")
        if alike(drawn, self.present):
            return False
        self._states[self._place + 1 :] = [_sharing(drawn, self.present)]
        del self._states[: max(0, len(self._states) - 1 - MOST_STEPS)]
        self._place = len(self._states) - 1
        return True

    def amend(self, drawn: Findings) -> None:
        """The last step was this: what a program added to what a person did is undone with it."""
        self._states[self._place] = drawn

    def back(self) -> Findings:
        """Go one step back; the present where there is none."""
        self._place = max(0, self._place - 1)
        return self.present

    def forth(self) -> Findings:
        """Go forth again; the present where nothing was undone."""
        self._place = min(len(self._states) - 1, self._place + 1)
        return self.present

    @property
    def last(self) -> Change | None:
        """What :meth:`back` would take away; ``None`` where there is nothing."""
        return change_between(self._states[self._place - 1], self.present) if self.can_go_back else None

    @property
    def next(self) -> Change | None:
        """What :meth:`forth` would bring back; ``None`` where there is nothing."""
        return change_between(self.present, self._states[self._place + 1]) if self.can_go_forth else None


def change_between(before: Findings, after: Findings) -> Change:
    """What was done to get from one state to the next."""
    old, new = {item.id: item for item in before}, {item.id: item for item in after}
    added = [item for key, item in new.items() if key not in old]
    gone = [item for key, item in old.items() if key not in new]
    changed = [item for key, item in new.items() if key in old and item is not old[key] and item != old[key]]
    concerned = [*added, *gone, *changed]
    if len(concerned) != 1:
        return Change("several", count=len(concerned))
    (item,) = concerned
    if added:
        return Change("add", item.label)
    if gone:
        return Change("delete", item.label)
    return Change("relabel" if old[item.id].label != item.label else "change", item.label)


def _sharing(drawn: Findings, present: Findings) -> Findings:
    """``drawn``, with the very objects of ``present`` where they are equal, so that pixels are kept once."""
    there: dict[str, FindingObject] = {item.id: item for item in present}

    def shared(item: FindingObject) -> FindingObject:
        known = there.get(item.id)
        return known if known is not None and known == item else item

    return drawn.each(shared)
