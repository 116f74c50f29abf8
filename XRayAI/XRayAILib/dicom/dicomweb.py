"""DICOMweb: searching by QIDO-RS and retrieving by WADO-RS (PS3.18 10.4, 10.6)."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any

import requests

from XRayAILib.dicom.archive import (
    MAX_INSTANCES,
    MAX_STUDIES,
    Found,
    Instance,
    Query,
    Series,
    ServerError,
    Study,
    plain_date,
    plain_number,
    plain_text,
    valid_uid,
    weakness,
)
from XRayAILib.dicom.credentials import Credentials
from XRayAILib.dicom.inbox import MAX_OBJECT_BYTES, Inbox, RefusedError, too_large
from XRayAILib.dicom.multipart import MultipartError, boundary_of, parts
from XRayAILib.dicom.servers import Server
from XRayAILib.dicom.web_session import TIMEOUT, TooLargeError, in_words, make_session

PAGE = 200
"""Rows asked for at once; a server may give fewer."""
MAX_ANSWER_BYTES = 1 << 26
"""64 MB for a page of rows, which has some 100 kB."""
CHUNK_BYTES = 1 << 18
HEADERS = {
    "Accept": 'multipart/related; type="application/dicom"; transfer-syntax=*',
    "Accept-Encoding": "identity",
}
"""Instances as the server has them (PS3.18 8.7.3.5.2), and not packed for the way: Orthanc packs 7 MB/s."""


class DicomWeb:
    """A DICOMweb server as an :class:`XRayAILib.dicom.archive.Archive`."""

    def __init__(self, server: Server, credentials: Credentials) -> None:
        from dicomweb_client import DICOMwebClient

        self.server = server
        self._session = make_session(server, credentials, MAX_ANSWER_BYTES)
        self._client = DICOMwebClient(server.url.rstrip("/"), self._session, timeout=TIMEOUT)  # type: ignore[arg-type]
        # Its errors come with a traceback on the terminal otherwise; here they become a sentence.
        logging.getLogger("retrying").addHandler(logging.NullHandler())
        # It would try again whatever went wrong, a wrong certificate too.
        self._client.set_http_retry_params(retry=False)
        # The client parses an instance in memory and would write it anew; ours reach the disk as they are.
        self._stream = make_session(server, credentials, MAX_OBJECT_BYTES + CHUNK_BYTES)

    def echo(self) -> str:
        self._rows("studies", limit=1)
        return "It answers (QIDO-RS)." + weakness(self.server, "https")

    def find(self, query: Query, cancelled: Callable[[], bool] = lambda: False) -> Found:
        fields = ["StudyDescription", "ModalitiesInStudy"]
        found: list[Study] = []
        # What would have to be escaped in a URL is asked for by a wildcard, and looked at here: servers disagree on it.
        keys = query.keys()
        asked = {keyword: re.sub(r"[^A-Za-z0-9_.~*?-]+", "*", value) for keyword, value in keys.items()}
        wider = [keyword for keyword, value in asked.items() if value != keys[keyword]]
        for row in self._pages("studies", lambda: cancelled() or len(found) > MAX_STUDIES, fields, asked):
            study = _study(row)
            fits = query.fits(study, wider) and not cancelled()
            if fits and (not query.body_part or query.fits_series(self.series(study.uid))):
                found.append(study)
        return Found(tuple(found[:MAX_STUDIES]), cut=len(found) > MAX_STUDIES)

    def series(self, study_uid: str) -> list[Series]:
        self._refuse_no_uid(study_uid)
        fields = ["BodyPartExamined", "SeriesDescription"]
        rows = self._pages("series", lambda: False, fields, where={"study_instance_uid": study_uid})
        return [_series(row, study_uid) for row in rows]

    def instances(self, study_uid: str, series_uid: str) -> list[Instance]:
        self._refuse_no_uid(study_uid, series_uid)
        where = {"study_instance_uid": study_uid, "series_instance_uid": series_uid}
        rows = self._pages("instances", lambda: False, where=where)
        return [Instance(_text(row, "00080018"), series_uid, study_uid, _text(row, "00080016")) for row in rows]

    def fetch(self, instances: Sequence[Instance], inbox: Inbox, cancelled: Callable[[], bool]) -> None:
        for instance in instances:
            if cancelled():
                return
            try:
                self._fetch_one(instance, inbox, cancelled)
            except RefusedError:
                continue  # the inbox has the reason
            except TooLargeError:
                inbox.fail(instance.uid, too_large(MAX_OBJECT_BYTES))

    def close(self) -> None:
        self._session.close()
        self._stream.close()

    def __enter__(self) -> DicomWeb:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Retrieving -------------------------------------------------------------------------------------------------

    def _fetch_one(self, instance: Instance, inbox: Inbox, cancelled: Callable[[], bool]) -> None:
        place = f"studies/{instance.study_uid}/series/{instance.series_uid}/instances/{instance.uid}"
        try:
            with self._stream.get(
                f"{self._client.base_url}/{place}", headers=HEADERS, stream=True, timeout=TIMEOUT
            ) as response:
                if response.status_code in (404, 406, 410):
                    inbox.fail(instance.uid, f"the server does not give it ({response.status_code})")
                    return
                response.raise_for_status()
                self._take(response, instance, inbox, cancelled)
        except TooLargeError:
            raise
        except requests.RequestException as error:
            raise in_words(self.server, error) from error

    def _take(
        self, response: requests.Response, instance: Instance, inbox: Inbox, cancelled: Callable[[], bool]
    ) -> None:
        def coming() -> Iterator[bytes]:
            for chunk in response.iter_content(CHUNK_BYTES):
                if cancelled():
                    raise _CancelledError
                yield chunk

        content_type = response.headers.get("Content-Type", "")
        boundary = boundary_of(content_type)
        try:
            if boundary:
                taken = 0
                for part in parts(coming(), boundary):
                    inbox.take(instance.uid, part)
                    taken += 1
                if not taken:
                    inbox.fail(instance.uid, "the server sent an empty answer")
            elif content_type.lower().startswith("application/dicom"):
                # Not as the standard has it, but some servers do send a single instance bare.
                inbox.take(instance.uid, coming())
            else:
                raise self._no_dicomweb(content_type)
        except MultipartError as error:
            inbox.fail(instance.uid, f"what the server sent is cut short or damaged ({error})")
        except _CancelledError:
            return

    # Searching --------------------------------------------------------------------------------------------------

    def _pages(
        self,
        what: str,
        enough: Callable[[], bool],
        fields: Sequence[str] = (),
        keys: dict[str, str] | None = None,
        where: dict[str, str] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """All rows of an answer, page by page; each once, also from a server that knows no pages."""
        uid_of = {"studies": "0020000D", "series": "0020000E", "instances": "00080018"}[what]
        seen: set[str] = set()
        offset = 0
        while not enough() and len(seen) <= MAX_INSTANCES:
            options = {"fields": list(fields) or None, "search_filters": keys, **(where or {})}
            page = self._rows(what, limit=PAGE, offset=offset, **options)
            offset += len(page)
            fresh = [row for row in page if _text(row, uid_of) not in seen]
            seen.update(_text(row, uid_of) for row in fresh)
            yield from fresh
            # A server may give fewer rows at once than it was asked for: only an empty page is the last one.
            if not fresh:
                return

    def _rows(self, what: str, **options: Any) -> list[dict[str, Any]]:
        search = getattr(self._client, f"search_for_{what}")
        try:
            rows = search(fuzzymatching=False, **options)
        except requests.exceptions.JSONDecodeError as error:
            raise self._no_dicomweb("") from error
        except requests.RequestException as error:
            raise in_words(self.server, error) from error
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._no_dicomweb("")
        return rows

    def _no_dicomweb(self, content_type: str) -> ServerError:
        sent = f" It sent {content_type.partition(';')[0][:60]}." if content_type else ""
        reason = "something answers there, but not as DICOMweb: check the URL's path, or a login page is in the way."
        return ServerError(self.server, reason + sent)

    def _refuse_no_uid(self, *uids: str) -> None:
        for uid in uids:
            if not valid_uid(uid):
                raise ServerError(self.server, f"'{plain_text(uid)}' is no UID: digits and dots")


class _CancelledError(Exception):
    """The person does not want the rest."""


def _study(row: dict[str, Any]) -> Study:
    return Study(
        uid=_text(row, "0020000D"),
        patient_id=_text(row, "00100020"),
        patient_name=_text(row, "00100010"),
        date=plain_date(_text(row, "00080020")),
        description=_text(row, "00081030"),
        modalities=tuple(plain_text(value) for value in _values(row, "00080061")[:20]),
        accession=_text(row, "00080050"),
        series=plain_number(_text(row, "00201206")),
        instances=plain_number(_text(row, "00201208")),
    )


def _series(row: dict[str, Any], study_uid: str) -> Series:
    return Series(
        uid=_text(row, "0020000E"),
        study_uid=study_uid,
        modality=_text(row, "00080060"),
        description=_text(row, "0008103E"),
        body_part=_text(row, "00180015"),
        instances=plain_number(_text(row, "00201209")),
    )


def _values(row: dict[str, Any], tag: str) -> list[Any]:
    """The values of an attribute in the DICOM JSON model (PS3.18 F.2)."""
    element = row.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _text(row: dict[str, Any], tag: str) -> str:
    values = _values(row, tag)
    value = values[0] if values else None
    if isinstance(value, dict):  # a person's name
        groups = [plain_text(value.get(group)) for group in ("Alphabetic", "Ideographic", "Phonetic")]
        value = "=".join(groups).rstrip("=")
    return plain_text(value)
