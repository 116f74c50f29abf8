"""The history of the image that is annotated: who changed what when, two states side by side, and back to one of them.

::

    history = ImageHistory(session)
    for line in history.lines(): ...        # the newest first
    history.show_difference(line)           # what this revision changed, over the image
    history.restore(line)                   # one more revision: nothing is overwritten, and it can be undone alike
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.objects import FindingObject, ImageLabel, new_id
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.workflow.blinding import may_see
from XRayAILib.workflow.own_track import AnnotationError

if TYPE_CHECKING:
    from XRayAILib.workflow.annotate import AnnotationSession

LAYER = "Difference"
"""Name of the layer over the image."""

COLORS = {"added": "#43a047", "removed": "#e53935", "before": "#fb8c00", "after": "#1e88e5"}
"""Of what is new, what is gone, and what was changed as it was before and as it is after."""


@dataclass(frozen=True)
class Line:
    """One revision of one author.

    Attributes
    ----------
    who
        Whose findings they are; behind a dash who saved them, where that was somebody else.
    words
        What became of which objects.
    own
        It is the reader's own track, and can be restored.
    aside
        It is no revision: it was set aside when two programs saved at once, and ``id`` is its number there.
    """

    id: int
    track: str
    who: str
    when: str
    words: str
    own: bool
    aside: bool = False


@dataclass(frozen=True)
class Difference:
    """What became of the objects between two states.

    Attributes
    ----------
    words
        As a sentence; empty where nothing is different.
    findings, schema
        What is different, as objects that can be shown over the image, each under a label that says what became of it.
    """

    words: str
    findings: Findings
    schema: LabelSchema


class ImageHistory:
    """The revisions of the image that a session shows, of all whom its reader may see."""

    def __init__(self, session: AnnotationSession) -> None:
        self._session = session

    def lines(self) -> list[Line]:
        """The newest first."""
        session, project = self._session, self._session.project
        uid = session.uid
        if not uid:
            return []
        from XRayAILib.project.changes import in_words
        from XRayAILib.project.history import clock

        own, found = session.reader.key, []
        seen: dict[str, bool] = {}
        for revision in project.revisions(uid):
            track = revision.track
            if not seen.setdefault(track, may_see(project, session.reader, uid, track)):
                continue
            who = _name(track) + (f" - {_name(revision.saved_by)}" if revision.saved_by != track else "")
            # "submitted" says it already: each of the objects is so now.
            told = [change for change in revision.changes if not (revision.note and change.is_status)]
            words = "; ".join(filter(None, (revision.note, in_words(told, session.title_of))))
            found.append((revision.time, Line(revision.id, track, who, clock(revision.time), words, track == own)))
        for kept in project.set_aside.of(uid):
            if kept.findings.author.key == own:
                words = {"": "waits for your choice", "theirs": "not chosen"}.get(kept.outcome, "chosen")
                words = f"set aside when two programs saved at once: {words}"
                line = Line(kept.id, own, _name(own), clock(kept.time), words, True, aside=True)
                found.append((kept.time, line))
        found.sort(key=lambda pair: pair[0], reverse=True)
        # Of one second, the one saved last comes first.
        return _newest_first([line for _time, line in found])

    def at(self, line: Line) -> Findings:
        """How a track stood after a revision, or what was set aside."""
        if line.aside:
            kept = self._session.project.set_aside.of(self._session.uid)
            return next(one.findings for one in kept if one.id == line.id)
        return self._session.project.findings_at(self._session.uid, line.track, line.id)

    def before(self, line: Line) -> Findings:
        """How the track stood before a revision; empty before the first."""
        after = self.at(line)
        earlier = [one for one in self.lines() if one.track == line.track and not one.aside and one.id < line.id]
        if line.aside or not earlier:
            return Findings(after.radiograph_uid, after.shape, after.author)
        return self.at(max(earlier, key=lambda one: one.id))

    def difference(self, one: Findings, other: Findings) -> Difference:
        """What has to be done to ``one`` to get ``other``."""
        return difference(one, other, self._session.project.schema)

    def show_difference(self, line: Line, other: Line | None = None, with_now: bool = False) -> Difference:
        """Show over the image what a revision changed, or what is different from it in another one, or now."""
        if with_now:
            found = self.difference(self.at(line), self._session.drawn())
        elif other is not None:
            found = self.difference(self.at(line), self.at(other))
        else:
            found = self.difference(self.before(line), self.at(line))
        self._session.canvas.show_over(found.findings, found.schema, LAYER)
        return found

    def hide_difference(self) -> None:
        self._session.canvas.clear_over(LAYER)

    def restore(self, line: Line) -> None:
        """Make the image what it was; raises as :meth:`AnnotationSession.put_back`, and for somebody else's line."""
        if not line.own:
            raise AnnotationError(f"This is what {line.who} said. Only your own findings can be restored.")
        note = f"restored what was set aside at {line.when}" if line.aside else f"restored revision {line.id}"
        self._session.put_back(self.at(line), note)


def difference(one: Findings, other: Findings, schema: LabelSchema) -> Difference:
    """What has to be done to ``one`` to get ``other``; ``schema`` gives names and tools."""
    from XRayAILib.findings.document import to_document
    from XRayAILib.project.changes import How, changes_of, in_words

    def documents(findings: Findings) -> dict[str, dict[str, object]]:
        return {item.id: to_document(item, lambda _name, _data: None) for item in findings}

    before, after = {item.id: item for item in one}, {item.id: item for item in other}
    changes = changes_of(documents(one), documents(other))
    labels: dict[tuple[str, str, str], Label] = {}
    objects: list[FindingObject] = []
    for change in changes:
        shown = []
        if change.how is How.CHANGED:
            # Two objects of one id cannot be shown at once.
            shown = [("before", before[change.id].changed(id=new_id())), ("after", after[change.id])]
        elif change.how is How.ADDED:
            shown = [("added", after[change.id])]
        else:
            shown = [("removed", before[change.id])]
        for what, item in shown:
            if not isinstance(item, ImageLabel):
                key = (what, item.kind, item.label)
                # A label that the schema has lost may have any name.
                label = labels.setdefault(key, _label(item, what, f"{what}_{len(labels)}", schema))
                objects.append(item.changed(label=label.name))
    words = in_words(changes, lambda name: schema[name].title if name in schema else name)
    return Difference(
        words,
        Findings(other.radiograph_uid, other.shape, other.author, tuple(objects)),
        LabelSchema("difference", tuple(labels.values())),
    )


def _label(item: FindingObject, what: str, name: str, schema: LabelSchema) -> Label:
    title = schema[item.label].title if item.label in schema else item.label
    tool = next((tool for tool, kind in BY_TOOL.items() if type(item) is kind), Tool.MASK)
    return Label(name, f"{title}: {what}", tool, COLORS[what])


def _newest_first(lines: list[Line]) -> list[Line]:
    revisions = iter(sorted((line for line in lines if not line.aside), key=lambda line: -line.id))
    return [line if line.aside else next(revisions) for line in lines]


def _name(key: str) -> str:
    return key.partition(":")[2].partition("@")[0]
