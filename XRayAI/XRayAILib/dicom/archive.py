"""Archive: a server of radiographs, however it is spoken to; what is asked of it, and what it answers.

::

    with open_server(Servers()["clinic"]) as archive:
        archive.echo()
        for study in archive.find(Query(patient_name="DOE", date_from="2024-01-01")).studies:
            retrieve(archive, study.uid, folder)
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

from XRayAILib.dicom.servers import Server

if TYPE_CHECKING:
    from XRayAILib.dicom.inbox import Inbox

MAX_STUDIES = 1000
"""An answer to a search is cut here: nobody reads more, and a server must not decide how much memory we need."""
MAX_INSTANCES = 20_000
"""Of one study; a study of radiographs has a handful."""
MAX_TEXT = 200
CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 120.0


class ServerError(RuntimeError):
    """A server that does not answer as it should: which, what happened, what to do."""

    def __init__(self, server: Server, reason: str) -> None:
        super().__init__(f"Server '{server.name}' ({server.address}): {reason}")
        self.reason = reason


class QueryError(ValueError):
    """A search that cannot be asked, with the reason."""


@dataclass(frozen=True)
class Query:
    """What is searched for; an empty field does not matter. ``*`` and ``?`` stand for any text (PS3.4 C.2.2.2.4).

    Attributes
    ----------
    patient_name
        Begins so, where it has no ``*``: ``DOE`` finds ``DOE^JANE``.
    date_from, date_to
        Study dates, ``yyyy-mm-dd``, both included.
    description
        Occurs in the study's description, where it has no ``*``.
    body_part
        Of one of the study's series.
    """

    patient_id: str = ""
    patient_name: str = ""
    date_from: str = ""
    date_to: str = ""
    modality: str = ""
    accession: str = ""
    body_part: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value.isprintable() or "\\" in value or len(value) > 64:
                raise QueryError(f"'{value}' cannot be searched for as {name}: up to 64 characters, no backslash.")
        for value in (self.date_from, self.date_to):
            if value:
                _date(value)
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise QueryError(f"The search ends ({self.date_to}) before it begins ({self.date_from}).")

    def keys(self) -> dict[str, str]:
        """Attribute -> matching value, on the level of studies (PS3.4 C.6.2.1.2)."""
        name, description = self.patient_name, self.description
        keys = {
            "PatientID": self.patient_id,
            "PatientName": name if not name or _wild(name) else f"{name}*",
            "StudyDate": self._dates(),
            "ModalitiesInStudy": self.modality.upper(),
            "AccessionNumber": self.accession,
            "StudyDescription": description if not description or _wild(description) else f"*{description}*",
        }
        return {keyword: value for keyword, value in keys.items() if value}

    def fits(self, study: Study, wider: Collection[str] = ()) -> bool:
        """Whether a study fits what a server may ignore (PS3.4 C.6.2.1.2), and what it was asked for in wider terms."""
        wanted = self.keys()
        modality, description = wanted.get("ModalitiesInStudy"), wanted.get("StudyDescription")
        if modality and study.modalities and not any(_like(found, modality) for found in study.modalities):
            return False
        told = {
            "PatientID": [study.patient_id],
            # A name may be told in three ways of writing (PS3.5 6.2.1).
            "PatientName": study.patient_name.split("="),
            "AccessionNumber": [study.accession],
        }
        for keyword in wider:
            if keyword in told and any(told[keyword]) and not any(_like(v, wanted[keyword]) for v in told[keyword]):
                return False
        return not description or _like(study.description, description)

    def fits_series(self, series: Sequence[Series]) -> bool:
        """Whether one of a study's series has the body part; matching that is optional too."""
        return not self.body_part or any(_like(one.body_part, self.body_part) for one in series)

    def _dates(self) -> str:
        if not self.date_from and not self.date_to:
            return ""
        first, last = (value.replace("-", "") for value in (self.date_from, self.date_to))
        return first if first == last else f"{first}-{last}"


@dataclass(frozen=True)
class Study:
    """A study as a server describes it; ``date`` is ``yyyy-mm-dd`` or empty, counts are 0 where it does not say."""

    uid: str
    patient_id: str = ""
    patient_name: str = ""
    date: str = ""
    description: str = ""
    modalities: tuple[str, ...] = ()
    accession: str = ""
    series: int = 0
    instances: int = 0

    def cells(self) -> tuple[str, ...]:
        """Patient, date, kind, number of images and description, as they stand in a table."""
        name = self.patient_name.partition("=")[0].replace("^", " ").strip()
        images = str(self.instances) if self.instances else "?"
        return name or self.patient_id, self.date, " ".join(self.modalities), images, self.description

    def details(self) -> str:
        """All that is known of it, over several lines."""
        facts = {"Patient": self.patient_name, "ID": self.patient_id, "Accession": self.accession, "Study": self.uid}
        return "\n".join(f"{name}: {value}" for name, value in facts.items() if value)


@dataclass(frozen=True)
class Series:
    """A series as a server describes it."""

    uid: str
    study_uid: str
    modality: str = ""
    description: str = ""
    body_part: str = ""
    instances: int = 0


@dataclass(frozen=True)
class Instance:
    """An instance as a server describes it; ``sop_class`` is empty where it does not say."""

    uid: str
    series_uid: str
    study_uid: str
    sop_class: str = ""


@dataclass(frozen=True)
class Found:
    """The studies that a search found; ``cut`` where there are more than :data:`MAX_STUDIES`."""

    studies: tuple[Study, ...]
    cut: bool = False


class Archive(Protocol):
    """A connection to a server; every method raises :class:`ServerError`."""

    server: Server

    def echo(self) -> str:
        """Ask whether it is there and lets us in; the answer in words."""

    def find(self, query: Query, cancelled: Callable[[], bool] = lambda: False) -> Found:
        """Search for studies."""

    def series(self, study_uid: str) -> list[Series]:
        """The series of a study."""

    def instances(self, study_uid: str, series_uid: str) -> list[Instance]:
        """The instances of a series."""

    def fetch(self, instances: Sequence[Instance], inbox: Inbox, cancelled: Callable[[], bool]) -> None:
        """Bring instances into the inbox, which says of each what became of it."""

    def close(self) -> None:
        """End the connection."""

    def __enter__(self) -> Archive: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def open_server(server: Server) -> Archive:
    """The connection that fits the kind of the server; nothing is sent yet.

    Raises
    ------
    CredentialsError
        Its password or token is not known.
    ServerError
        Its certificates cannot be read.
    """
    from XRayAILib.dicom.credentials import credentials_of

    credentials = credentials_of(server)
    if server.kind == "dicomweb":
        from XRayAILib.dicom.dicomweb import DicomWeb

        return DicomWeb(server, credentials)
    from XRayAILib.dicom.dimse import Dimse

    return Dimse(server, credentials)


def weakness(server: Server, way_out: str) -> str:
    """What a person ought to know of the way to a server that answers; empty where nothing."""
    if not server.encrypted:
        what = "The login and everything else go" if server.login != "none" else "Everything goes"
        return f" {what} over the network unencrypted: use {way_out} where you can."
    return "" if server.verify else " Its certificate is not looked at, so it may be another one than it says."


def valid_uid(uid: str) -> bool:
    """Whether a UID can be one (PS3.5 9.1, leading zeros pardoned): it may become the name of a file then."""
    return len(uid) <= 64 and re.fullmatch(r"[0-9]+(\.[0-9]+)+", uid, re.ASCII) is not None


def plain_text(value: object) -> str:
    """A value from a server as a short text."""
    return "" if value is None else str(value).replace("\x00", "").strip()[:MAX_TEXT]


def plain_date(value: object) -> str:
    """A date (DA) as ``yyyy-mm-dd``; empty where it is none."""
    text = plain_text(value)
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if re.fullmatch(r"\d{8}", text, re.ASCII) else ""


def plain_number(value: object) -> int:
    """A count (IS); 0 where it is none."""
    text = plain_text(value)
    return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else 0


def _date(value: str) -> None:
    try:
        valid = len(value) == 10 and date.fromisoformat(value).isoformat() == value
    except ValueError:
        valid = False
    if not valid:
        raise QueryError(f"'{value}' is no date: write it as 2024-03-31.")


def _wild(value: str) -> bool:
    return "*" in value or "?" in value


def _like(value: str, pattern: str) -> bool:
    # Square brackets mean nothing in DICOM's wildcards.
    return fnmatch.fnmatchcase(value.upper(), pattern.upper().replace("[", "[[]"))
