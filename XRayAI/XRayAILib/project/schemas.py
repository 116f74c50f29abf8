"""The versions of a project's label schema, and what becomes of objects whose label is no longer in it.

``schema.yaml`` is edited by hand, by the panel and by other programs. Each text that is met there is kept, so a label
that somebody took out while objects use it can be put back as it was; the objects stay in the project meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Integer, String, Table, Text, or_, select, update

from XRayAILib.findings.author import Author, AuthorKind, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.kinds import BY_TOOL
from XRayAILib.findings.objects import now
from XRayAILib.findings.schema import Label, LabelSchema, SchemaError, Tool
from XRayAILib.findings.schema_draft import SchemaDraft
from XRayAILib.findings.schema_file import DEFAULT_COLOR, draft, read_text, require_whole
from XRayAILib.findings.schema_problems import NAME, as_text
from XRayAILib.project import json_text
from XRayAILib.project.database import Database, current, metadata, revisions
from XRayAILib.project.written import Entry, change_document, read_entries, track_document

schemas = Table(
    "schemas",  # append-only
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", String(32), nullable=False),
    Column("who", String(300), nullable=False),
    Column("text", Text, nullable=False),  # YAML, as it stood in the file
    Column("labels", Text, nullable=False),  # JSON: the names of its labels
)
FROM_FINDINGS = "found in the findings"
"""Who wrote the first version of a project that was made before versions were kept."""
BY_HAND = "found in the file"
"""Who wrote a text that nobody had opened the project with."""
TOOLS = {kind.kind: tool for tool, kind in BY_TOOL.items()}
ALIKE = ({Tool.MASK, Tool.POLYGON},)
"""Tools whose objects may have each other's labels: a polygon is made of a mask, and the other way round."""


@dataclass(frozen=True)
class SchemaVersion:
    """One text of the schema: since when, and who wrote it, as far as that is known."""

    id: int
    time: str
    who: str
    text: str
    labels: tuple[str, ...]


@dataclass
class Use:
    """How often a label is used.

    Attributes
    ----------
    objects, images
        Objects of it that are not rejected, and images that have any.
    kinds
        Of objects, such as ``box``.
    """

    label: str
    objects: int = 0
    images: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)


class Schemas:
    """The table ``schemas`` and the file ``schema.yaml`` of a project.

    Parameters
    ----------
    path
        Of ``schema.yaml``.
    """

    def __init__(self, database: Database, path: Path) -> None:
        self._database, self._path = database, path

    def note(self, schema: LabelSchema, who: str) -> None:
        """Keep the text that stands in the file now, where it is not the one kept last; ``schema`` is what it says."""
        if self._database.read_only:
            return
        text = self._path.read_text("utf-8")
        with self._database.reading() as connection:
            if self._last(connection) == text:
                return
        with self._database.writing() as connection:
            last = self._last(connection)
            if last is None and (used := _uses(connection, None)):
                labels = tuple(_plain_label(use) for use in used.values())
                self._append(connection, FROM_FINDINGS, list(used), SchemaDraft("findings", labels).text())
            if last != text:
                self._append(connection, who, [label.name for label in schema], text)

    def replace(self, schema: LabelSchema, who: str) -> None:
        """Make this the text of the file; what stood there, perhaps by somebody's hand just now, is kept."""
        with self._database.writing() as connection:
            self._write(connection, SchemaDraft.of(schema), who)

    def versions(self) -> list[SchemaVersion]:
        """Every text that the schema had, the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(schemas).order_by(schemas.c.id))
            return [SchemaVersion(row.id, row.time, row.who, row.text, tuple(json.loads(row.labels))) for row in rows]

    def uses(self, labels: Iterable[str]) -> list[Use]:
        """How often each of these labels is used now; those that are not used are left out."""
        wanted = sorted(labels)
        if not wanted:
            return []
        with self._database.reading() as connection:
            return list(_uses(connection, wanted).values())

    def vanished(self, schema: LabelSchema) -> list[Use]:
        """The labels that an earlier version had, ``schema`` has not, and objects still use."""
        known = {label.name for label in schema}
        gone = {name for version in self.versions() for name in version.labels} - known
        return self.uses(gone)

    def read(self) -> tuple[LabelSchema, str]:
        """The schema of the file, and what had to be left out of it; empty where that was nothing.

        Whoever takes a label out by hand often leaves a rule or a mirror behind that names it. That must not keep a
        project closed: it is left out until the file is mended, and told.

        Raises
        ------
        SchemaError
            The file has any other problem.
        """
        found, contradictions = read_text(self._path)
        forgiven = found.without_vanished()
        if contradictions and any(forgiven.problems()):
            require_whole(found, contradictions)
        return forgiven.schema(), as_text(str(self._path), contradictions) if contradictions else ""

    def put_back(self, name: str, who: str) -> None:
        """Add a label to the file again that vanished from it, as the last version that had it describes it.

        Raises
        ------
        SchemaError
            The label is there, or no version had it.
        """
        found = SchemaDraft.read(self._path)
        if any(label.name == name for label in found.labels):
            raise SchemaError(f"{self._path}: the label '{name}' is in the schema.")
        fresh = replace(found, labels=(*found.labels, self._as_it_was(name, found)))
        with self._database.writing() as connection:
            self._write(connection, fresh, who)

    def rename(self, old: str, new: str, who: str) -> int:
        """Give a label of the file, and every object of it, another name; all of it or nothing.

        The objects keep their ids, and the revisions before keep the old name. Where ``new`` is a label already, the
        objects of ``old`` become its own.

        Parameters
        ----------
        old
            A label of the schema, or one that vanished from it.

        Returns
        -------
        How many objects were changed.

        Raises
        ------
        SchemaError
            There is nothing of the old name, the new name cannot be one, or the two are drawn with different tools.
        """
        found = SchemaDraft.read(self._path)
        labels = {label.name: label for label in found.labels}
        with self._database.writing() as connection:
            use = _uses(connection, [old]).get(old)
            if old not in labels and use is None:
                raise SchemaError(f"There is no label '{old}' in the schema '{found.name}', and no object uses it.")
            if new == old:
                raise SchemaError(f"The label is called '{old}' already. Choose another name.")
            if new in labels:
                _require_alike(labels[new], use, labels.get(old))
            elif old not in labels:
                found = replace(found, labels=(*found.labels, self._as_it_was(old, found)))
            if not NAME.fullmatch(new):
                raise SchemaError(f"'{new}' is no name of a label: use letters a to z, digits, '_' and '-'.")
            count = _relabel(connection, old, new, who)
            found = found.renamed(old, new)
            self._write(connection, found, who)  # the last step that can fail: else the transaction is taken back
        return count

    def _as_it_was(self, name: str, present: SchemaDraft) -> Label:
        """A label of an earlier version; its key and its mirror only where they still fit."""
        for version in reversed(self.versions()):
            if name not in version.labels:
                continue
            old, _ = draft(version.text, f"{self._path}, version of {version.time}")
            label = next(label for label in old.labels if label.name == name)
            keys = {other.hotkey.upper() for other in present.labels}
            pairs = {other.name for other in present.labels if other.mirror == name}
            return replace(
                label,
                hotkey="" if label.hotkey.upper() in keys else label.hotkey,
                mirror=label.mirror if label.mirror in pairs else "",
            )
        raise SchemaError(f"{self._path}: no version of the schema had a label '{name}'.")

    def _write(self, connection: Connection, found: SchemaDraft, who: str) -> None:
        """Make this the text of the file, and keep it and what stood there."""
        there = self._path.read_text("utf-8")
        if there != self._last(connection):
            self._append(connection, BY_HAND, _names(there), there)
        self._append(connection, who, [label.name for label in found.labels], found.text())
        found.write(self._path)

    def _last(self, connection: Connection) -> str | None:
        return connection.scalar(select(schemas.c.text).order_by(schemas.c.id.desc()).limit(1))

    def _append(self, connection: Connection, who: str, names: list[str], text: str) -> None:
        connection.execute(schemas.insert().values(time=now(), who=who, text=text, labels=json.dumps(names)))


def _uses(connection: Connection, labels: list[str] | None) -> dict[str, Use]:
    """Uses of some labels, or of all; only documents that name one of them are looked into."""
    query = select(current.c.uid, current.c.document)
    if labels is not None:
        query = query.where(or_(*map(_with_label, labels)))
    found: dict[str, Use] = {}
    for uid, document in connection.execute(query):
        for entry in json.loads(document)["objects"]:
            name = entry["label"]
            if (labels is None or name in labels) and entry["status"] != Status.REJECTED.value:
                use = found.setdefault(name, Use(name))
                use.objects += 1
                use.images.add(uid)
                use.kinds.add(entry["kind"])
    return found


def _with_label(label: str) -> ColumnElement[bool]:
    """Whether a document of ``current`` has an object of this label; older ones have a space behind the colon."""
    return or_(*(current.c.document.contains(f'"label":{space}"{label}"') for space in ("", " ")))


def _relabel(connection: Connection, old: str, new: str, who: str) -> int:
    """Change the label of all objects, rejected ones too, with a revision for each track."""
    count = 0
    rows = connection.execute(select(current).where(_with_label(old))).all()
    for row in rows:
        shape, before = read_entries(row.document)
        after = tuple(_relabelled(entry, old, new) for entry in before)
        changed = sum(entry is not was for entry, was in zip(after, before, strict=True))
        if not changed:
            continue
        count += changed
        author = json.loads(row.document)["author"]
        author = Author(AuthorKind(author["kind"]), author["name"], author["digest"])
        findings = Findings(row.uid, shape, author)
        values: dict[str, Any] = {"uid": row.uid, "track": row.track, "saved_by": Author.person(who).key, "time": now()}
        note = f"label '{old}' renamed to '{new}'"
        change = change_document(findings, before, after)
        result = connection.execute(revisions.insert().values(**values, change=change, note=note))
        assert result.inserted_primary_key is not None
        where = (current.c.uid == row.uid, current.c.track == row.track)
        document = track_document(findings, after)
        fresh = {"revision": int(result.inserted_primary_key[0]), "document": document}
        connection.execute(update(current).where(*where).values(**fresh))
    return count


def _relabelled(entry: Entry, old: str, new: str) -> Entry:
    document = json.loads(entry.text)
    if document["label"] != old:
        return entry
    return replace(entry, text=json_text.dump({**document, "label": new}))


def _require_alike(label: Label, use: Use | None, old: Label | None) -> None:
    tools = {TOOLS[kind] for kind in use.kinds if kind in TOOLS} if use else set()
    tools |= {old.tool} if old else set()
    allowed = next((group for group in ALIKE if label.tool in group), {label.tool})
    if wrong := sorted(tool.value for tool in tools - allowed):
        raise SchemaError(
            f"The label '{label.name}' is drawn as {label.tool.value}, and there are objects drawn as "
            f"{', '.join(wrong)}. Choose a label of that tool, or a new name."
        )


def _plain_label(use: Use) -> Label:
    tool = TOOLS.get(sorted(use.kinds)[0], Tool.MASK)
    return Label(use.label, use.label.replace("_", " "), tool, DEFAULT_COLOR)


def _names(text: str) -> list[str]:
    """The names of the labels of a text; none of one that cannot be understood."""
    try:
        return [label.name for label in draft(text, "schema.yaml")[0].labels]
    except SchemaError:  # it is kept as it is, and whoever opens it is told
        return []
