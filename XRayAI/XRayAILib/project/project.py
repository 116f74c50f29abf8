"""Project: a folder with everything that belongs to one piece of research.

::

    with Project.create(folder) as project:
        take_in(project, [pictures])
        for image in project.images(text="PA"):
            radiograph = project.radiograph(image.uid)
            project.save(findings)
"""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from sqlalchemy import URL

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.radiograph import Decoder, Radiograph, read_radiograph
from XRayAILib.findings.author import Author, AuthorKind
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import FindingObject, now
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.project.adjudications import Adjudications
from XRayAILib.project.arrivals import Arrivals
from XRayAILib.project.assignments import Assignments
from XRayAILib.project.calibration import Calibration, Calibrations
from XRayAILib.project.collection import Collection, Page
from XRayAILib.project.comments import Comments
from XRayAILib.project.controls import Controls
from XRayAILib.project.database import Database, audit, database_in
from XRayAILib.project.digests import track_digests
from XRayAILib.project.duplicates import Duplicates
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.history import History
from XRayAILib.project.hygiene import Hygiene
from XRayAILib.project.image import Image, ImageStatus
from XRayAILib.project.kin import Kin
from XRayAILib.project.looks import Looks
from XRayAILib.project.marks import Marks
from XRayAILib.project.own_status import own_statuses
from XRayAILib.project.parts import Parts
from XRayAILib.project.past import Past, Revision
from XRayAILib.project.query import Query
from XRayAILib.project.readers import Readers
from XRayAILib.project.reviews import Reviews
from XRayAILib.project.rounds import Rounds
from XRayAILib.project.schemas import Schemas, Use
from XRayAILib.project.set_aside import SetAside
from XRayAILib.project.snapshots import Snapshots
from XRayAILib.project.time_spent import TimeSpent
from XRayAILib.project.upgrade import bring_up_to_date

FORMAT = 1


class Project:
    """An open project. Use :meth:`create` or :meth:`open`, and close it, or use it in a ``with``.

    Attributes
    ----------
    schema_notice
        What in ``schema.yaml`` names labels that are not in it any more, and is left out; usually empty.
    """

    def __init__(self, folder: Path, name: str, url: str | URL) -> None:
        self.folder = folder
        self.name = name
        self._database = Database(url, folder)
        self.schemas = Schemas(self._database, folder / "schema.yaml")
        self.schema, self.schema_notice = self.schemas.read()
        bring_up_to_date(self._database)
        self.schemas.note(self.schema, user())
        self._collection = Collection(self._database)
        self.arrivals = Arrivals(self._database)
        self.duplicates = Duplicates(self._database)
        self._history = History(self._database)
        self._past = Past(self._database)
        self.set_aside = SetAside(self._database)
        self.comments = Comments(self._database)
        self.times = TimeSpent(self._database)
        self.looks = Looks(self._database)
        self.parts = Parts(self._database)
        self.kin = Kin(self._database)
        self.readers = Readers(self._database)
        self.rounds = Rounds(self._database)
        self.assignments = Assignments(self._database)
        self.controls = Controls(self._database)
        self.reviews = Reviews(self._database, self._history)
        self.adjudications = Adjudications(self._database, self._history)
        self.snapshots = Snapshots(self, self._database)
        self.calibrations = Calibrations(self._database)
        self.marks = Marks(self._database, folder)
        self.hygiene = Hygiene(self._database, self.marks)
        if not self.read_only:
            for place in (self.models_folder, self.exports_folder, self.cache_folder, self.jobs_folder):
                place.mkdir(exist_ok=True)

    @classmethod
    def create(cls, folder: Path, schema: LabelSchema | None = None, name: str = "") -> Project:
        """Make a project in ``folder``, which may exist but must hold no project.

        Raises
        ------
        ProjectError
            The folder holds a project already, or cannot be written.
        """
        folder = Path(folder).resolve()
        if (folder / "project.toml").exists():
            raise ProjectError(f"{folder} holds a project already: open it, or choose another folder.")
        try:
            str(folder).encode("utf-8")
        except UnicodeEncodeError as error:
            raise ProjectError(f"{folder}: this name is not valid UTF-8, so no project can be made there.") from error
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (schema or chest_schema()).write(folder / "schema.yaml")
            database = Database(database_in(folder), folder)
            bring_up_to_date(database)
            database.close()
            text = f'format = {FORMAT}\nname = {json.dumps(name or folder.name)}\ncreated = "{now()}"\n'
            temporary = folder / "project.toml.part"
            temporary.write_text(text, "utf-8")
            # The last step: a folder with this file is a whole project.
            temporary.replace(folder / "project.toml")
        except OSError as error:
            raise ProjectError(f"No project can be made in {folder}: {error.strerror or error}.") from error
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Project:
        """Open the project in ``folder``; :class:`ProjectError` says what is wrong with it."""
        folder = Path(folder).resolve()
        settings = _read_settings(folder)
        version = settings.get("format")
        if not isinstance(version, int) or version > FORMAT:
            raise ProjectError(f"{folder} was made by a newer version of X-Ray AI (format {version}): update X-Ray AI.")
        url = str(settings["database"]) if settings.get("database") else database_in(folder)
        if not settings.get("database") and not (folder / "project.db").is_file():
            # A new one in its place would look like a project in which nothing was ever done.
            raise ProjectError(
                f"{folder}: its database project.db is missing. Put it back from where the project was copied, or from "
                "a backup; for a new project choose another folder."
            )
        return cls(folder, str(settings.get("name") or folder.name), url)

    @classmethod
    def open_or_create(cls, folder: Path, schema: LabelSchema | None = None, name: str = "") -> Project:
        if (Path(folder) / "project.toml").exists():
            return cls.open(folder)
        return cls.create(folder, schema, name)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def read_only(self) -> bool:
        """Whether it can only be looked at: nothing can be written to its folder."""
        return self._database.read_only

    @property
    def models_folder(self) -> Path:
        return self.folder / "models"

    @property
    def exports_folder(self) -> Path:
        return self.folder / "exports"

    @property
    def cache_folder(self) -> Path:
        """What can be computed again; it may be deleted at any time."""
        return self.folder / "cache"

    @property
    def jobs_folder(self) -> Path:
        """A folder per job: its log, its progress and its checkpoint."""
        return self.folder / "jobs"

    @property
    def scenes_folder(self) -> Path:
        return self.folder / "scenes"

    def set_schema(self, schema: LabelSchema, who: str = "") -> None:
        """Replace the label schema, on disk and here. The one before is kept, see :class:`Schemas`."""
        self.schemas.replace(schema, who or user())
        self.schema, self.schema_notice = schema, ""

    def reread_schema(self) -> None:
        """Take over what somebody else changed in ``schema.yaml`` since; ``SchemaError`` where it cannot be used."""
        found, notice = self.schemas.read()
        if found != self.schema or notice != self.schema_notice:
            self.schema, self.schema_notice = found, notice
            self.schemas.note(found, user())

    def vanished_labels(self) -> list[Use]:
        """See :meth:`Schemas.vanished`."""
        return self.schemas.vanished(self.schema)

    def put_label_back(self, name: str, who: str = "") -> None:
        """See :meth:`Schemas.put_back`."""
        self.schemas.put_back(name, who or user())
        self.schema, self.schema_notice = self.schemas.read()

    def rename_label(self, old: str, new: str, who: str = "") -> int:
        """See :meth:`Schemas.rename`."""
        count = self.schemas.rename(old, new, who or user())
        self.schema, self.schema_notice = self.schemas.read()
        self.audit("rename label", f"{old} -> {new}, {count} objects", who)
        return count

    # Images -----------------------------------------------------------------------------------------------------

    def add(self, headers: Iterable[Header]) -> int:
        """See :meth:`Collection.add`."""
        return self._collection.add(headers)

    def images(
        self, text: str = "", status: ImageStatus | str | None = None, limit: int | None = None, offset: int = 0
    ) -> list[Image]:
        """See :meth:`Collection.images`."""
        return self._collection.images(text, status, limit, offset)

    def image(self, uid: str) -> Image:
        return self._collection.image(uid)

    def header(self, uid: str) -> Header:
        return self.image(uid).header

    def images_of(self, uids: Sequence[str]) -> list[Image]:
        """See :meth:`Collection.images_of`."""
        return self._collection.images_of(uids)

    def page(self, query: Query) -> Page:
        """See :meth:`Collection.page`."""
        return self._collection.page(query)

    def stream(self, query: Query) -> Iterator[Image]:
        """See :meth:`Collection.stream`."""
        return self._collection.stream(query)

    def uids(self, query: Query) -> list[str]:
        """See :meth:`Collection.uids`."""
        return self._collection.uids(query)

    def values(self, column: str, query: Query | None = None) -> list[tuple[str, int]]:
        """See :meth:`Collection.values`."""
        return self._collection.values(column, query)

    def count(self, text: str | Query = "", status: ImageStatus | str | None = None) -> int:
        """See :meth:`Collection.count`."""
        return self._collection.count(text, status)

    def priors(self, uid: str) -> list[Image]:
        """See :meth:`Collection.priors`."""
        return self._collection.priors(uid)

    def exclude(self, uid: str, reason: str) -> None:
        """Keep an image out of training and export, and say why."""
        self._collection.exclude(uid, reason)

    def include(self, uid: str) -> None:
        self._collection.exclude(uid, "")

    def assign_split(self, parts: Mapping[str, str]) -> None:
        """See :meth:`Collection.assign_split`."""
        self._collection.assign_split(parts)

    def known_files(self) -> dict[str, tuple[int, int]]:
        """See :meth:`Collection.known_files`."""
        return self._collection.known_files()

    def note_files(self, seen: Mapping[str, tuple[int, int, str]]) -> None:
        """See :meth:`Collection.note_files`."""
        self._collection.note_files(seen)

    def note_unreadable(self, path: Path | str, reason: str) -> None:
        """Remember one file that is no radiograph, and why."""
        self._collection.note_files({str(path): (0, 0, reason)})

    def unreadable(self) -> list[tuple[str, str]]:
        """(path, reason) of every file that is no radiograph."""
        return self._collection.unreadable()

    def presentation_states(self, uid: str) -> list[Path]:
        """The files of the presentation states of an image, as scans found them."""
        return self._collection.presentation_states(self.header(uid).uid_in_file.partition("#")[0])

    def radiograph(self, uid: str, decoder: Decoder | None = None) -> Radiograph:
        """Read an image of the project, with the patient's data as the project has them."""
        header = self.header(uid)
        read = read_radiograph(header.path, header.frame, decoder)
        if read.uid != header.uid_in_file:
            raise UnreadableError(header.path, "the file holds another radiograph than when it was scanned: scan again")
        return replace(read, header=header)

    def calibrate(
        self,
        uid: str,
        start: tuple[float, float],
        end: tuple[float, float],
        millimetres: float,
        what: str = "",
        who: str = "",
    ) -> Calibration:
        """Set an image's spacing by a line of known length on it; see :class:`Calibrations`."""
        return self.calibrations.add(uid, start, end, millimetres, what, who or user())

    def take_calibration_back(self, uid: str, who: str = "") -> None:
        """Let the file's own spacing count again."""
        self.calibrations.take_back(uid, who or user())

    # Findings ---------------------------------------------------------------------------------------------------

    def save(self, findings: Findings, by: Author | None = None, base: int | None = None, note: str = "") -> int:
        """See :meth:`History.save`."""
        return self._history.save(findings, by, base, note)

    def save_many(self, many: Iterable[Findings]) -> int:
        """See :meth:`History.save_many`."""
        return self._history.save_many(many)

    def findings(self, uid: str, author_key: str) -> Findings | None:
        return self._history.findings(uid, author_key)

    def latest(self, uid: str, author_key: str) -> tuple[Findings | None, int]:
        """See :meth:`History.latest`."""
        return self._history.latest(uid, author_key)

    def tracks(self, uid: str) -> list[Findings]:
        """See :meth:`History.tracks`."""
        return self._history.tracks(uid)

    def reference(self, uid: str) -> Findings | None:
        """See :meth:`History.reference`."""
        return self._history.reference(uid)

    def references(self, uids: Sequence[str], track: str = "", pixels: bool = True) -> Iterator[Findings | None]:
        """See :meth:`History.references`."""
        return self._history.references(uids, track, pixels)

    def prediction(self, uid: str, digest: str | None = None) -> Findings | None:
        """See :meth:`History.prediction`."""
        return self._history.prediction(uid, digest)

    def labelled(self, kinds: tuple[AuthorKind, ...] = (AuthorKind.PERSON, AuthorKind.IMPORT)) -> list[str]:
        """See :meth:`History.labelled`."""
        return self._history.labelled(kinds)

    def author_keys(self) -> list[str]:
        """See :meth:`History.author_keys`."""
        return self._history.author_keys()

    def worked_on(self, author_key: str) -> set[str]:
        """See :meth:`History.worked_on`."""
        return self._history.worked_on(author_key)

    def own_statuses(self, author_key: str, uids: Sequence[str]) -> dict[str, str]:
        """See :func:`XRayAILib.project.own_status.own_statuses`."""
        with self._database.reading() as connection:
            return own_statuses(connection, author_key, uids)

    def label_counts(self, *objects: type[FindingObject]) -> dict[str, int]:
        """See :meth:`History.label_counts`."""
        return self._history.label_counts(*objects)

    def revisions(self, uid: str, author_key: str = "") -> list[Revision]:
        """See :meth:`Past.revisions`."""
        return self._past.revisions(uid, author_key)

    def track_digests(self) -> dict[str, dict[str, str]]:
        """See :func:`XRayAILib.project.digests.track_digests`."""
        return track_digests(self._database)

    def last_revision(self) -> int:
        """See :meth:`History.last_revision`."""
        return self._history.last_revision()

    def findings_at(self, uid: str, author_key: str, revision: int) -> Findings:
        """See :meth:`Past.at`."""
        return self._past.at(uid, author_key, revision)

    # Audit ------------------------------------------------------------------------------------------------------

    def audit(self, action: str, detail: str = "", who: str = "") -> None:
        """Append a line to the audit trail: who did what, when."""
        with self._database.writing() as connection:
            connection.execute(audit.insert().values(time=now(), who=who or user(), action=action, detail=detail))

    def audit_trail(self) -> list[tuple[str, str, str, str]]:
        """(time, who, action, detail), the oldest first."""
        with self._database.reading() as connection:
            rows = connection.execute(audit.select().order_by(audit.c.id))
            return [(row.time, row.who, row.action, row.detail) for row in rows]


def user() -> str:
    """Who is at work, as the system knows them."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # in a container, a user can have a number and no name
        return "unknown"


def _read_settings(folder: Path) -> dict[str, object]:
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10
        import tomli as tomllib

    path = folder / "project.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ProjectError(
            f"{folder} is no project: it has no project.toml. Create one there, or choose another."
        ) from error
    except NotADirectoryError as error:
        raise ProjectError(f"{folder} is a file; a project is a folder. Choose another.") from error
    except OSError as error:
        raise ProjectError(f"{path} cannot be read ({error.strerror}).") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ProjectError(f"{path} cannot be read ({error}).") from error
