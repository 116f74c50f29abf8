"""DIMSE: C-ECHO, C-FIND in the Study Root model, C-GET and C-MOVE (PS3.4 Annex C)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING

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
from XRayAILib.dicom.association import CLASSES_AT_ONCE, STORAGE_CLASSES, Guard, associate, stopping, storage_contexts
from XRayAILib.dicom.credentials import Credentials
from XRayAILib.dicom.inbox import Inbox
from XRayAILib.dicom.sender import GET, MOVE, Sender, few, identifier, status_text
from XRayAILib.dicom.servers import Server

if TYPE_CHECKING:
    from pydicom import Dataset
    from pynetdicom.association import Association


FIND = "1.2.840.10008.5.1.4.1.2.2.1"
"""Study Root Query/Retrieve, of which this is C-FIND (PS3.4 C.6.2)."""
VERIFICATION = "1.2.840.10008.1.1"
MAX_ANSWER_BYTES, TAKEN_BYTES = 1 << 26, 1 << 14
"""64 MB of answers may wait to be looked at; one has at most 16 kB."""

_STUDY = (
    *("StudyInstanceUID", "PatientID", "PatientName", "StudyDate", "StudyDescription", "ModalitiesInStudy"),
    *("AccessionNumber", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances"),
)
_SERIES = ("SeriesInstanceUID", "Modality", "SeriesDescription", "BodyPartExamined", "NumberOfSeriesRelatedInstances")
_IMAGE = ("SOPInstanceUID", "SOPClassUID")


class Dimse:
    """A DIMSE server as an :class:`XRayAILib.dicom.archive.Archive`; one association serves all searches."""

    def __init__(self, server: Server, credentials: Credentials) -> None:
        self.server = server
        self._credentials = credentials
        self._open = ExitStack()
        self._searching: Association | None = None
        self._guard = Guard()

    def echo(self) -> str:
        from pynetdicom import build_context

        with associate(self.server, self._credentials, [build_context(VERIFICATION)]) as association:
            status = association.send_c_echo()
            if "Status" not in status or status.Status != 0:
                raise ServerError(self.server, "it lets us connect, but does not answer C-ECHO")
        return "It answers (C-ECHO)." + weakness(self.server, "TLS")

    def find(self, query: Query, cancelled: Callable[[], bool] = lambda: False) -> Found:
        keys = dict.fromkeys(_STUDY, "") | query.keys()
        answers = self._find("STUDY", keys, MAX_STUDIES, cancelled)
        found = [study for study in map(_study, answers) if query.fits(study)]
        if query.body_part:
            found = [study for study in found if not cancelled() and query.fits_series(self.series(study.uid))]
        return Found(tuple(found[:MAX_STUDIES]), cut=len(answers) > MAX_STUDIES)

    def series(self, study_uid: str) -> list[Series]:
        self._refuse_no_uid(study_uid)
        keys = dict.fromkeys(_SERIES, "") | {"StudyInstanceUID": study_uid}
        return [_series(answer, study_uid) for answer in self._find("SERIES", keys, MAX_INSTANCES)]

    def instances(self, study_uid: str, series_uid: str) -> list[Instance]:
        self._refuse_no_uid(study_uid, series_uid)
        keys = dict.fromkeys(_IMAGE, "") | {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
        answers = self._find("IMAGE", keys, MAX_INSTANCES)
        return [
            Instance(_text(one, "SOPInstanceUID"), series_uid, study_uid, _text(one, "SOPClassUID")) for one in answers
        ]

    def fetch(self, instances: Sequence[Instance], inbox: Inbox, cancelled: Callable[[], bool]) -> None:
        if self.server.move_port:
            self._move(instances, inbox, cancelled)
        else:
            self._get(instances, inbox, cancelled)

    def close(self) -> None:
        self._searching = None
        self._open.close()

    def __enter__(self) -> Dimse:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Searching --------------------------------------------------------------------------------------------------

    def _find(
        self, level: str, keys: dict[str, str], limit: int, cancelled: Callable[[], bool] = lambda: False
    ) -> list[Dataset]:
        """The answers to a C-FIND, at most one more than ``limit``."""
        found: list[Dataset] = []
        association = self._finder()

        def cancel() -> None:
            association.send_c_cancel(1, query_model=FIND)

        with stopping(association, cancelled, cancel):
            for status, answer in association.send_c_find(identifier(level, keys), FIND, msg_id=1):
                if "Status" not in status:
                    if cancelled():
                        break
                    hint = f"it hung up instead of answering: may '{self.server.own_ae}' search there?"
                    raise ServerError(self.server, self._guard.reason or hint)
                self._guard.taken(association, TAKEN_BYTES)
                if status.Status in (0xFF00, 0xFF01):
                    if answer is None:
                        raise ServerError(self.server, "its answer to the search cannot be read")
                    if len(found) == limit:
                        cancel()
                    # What it sends until it has heard of that is read, and dropped.
                    found += [answer] if len(found) <= limit else []
                elif status.Status not in (0x0000, 0xFE00):
                    raise ServerError(self.server, f"it refuses the search ({status_text(status)})")
        return found

    def _finder(self) -> Association:
        """The association for searches; a new one where the last one is gone."""
        from pynetdicom import build_context

        if self._searching is None or not self._searching.is_established:
            self.close()
            self._guard = Guard(MAX_ANSWER_BYTES)
            way = associate(self.server, self._credentials, [build_context(FIND)], guard=self._guard)
            self._searching = self._open.enter_context(way)
        return self._searching

    # Retrieving -------------------------------------------------------------------------------------------------

    def _get(self, instances: Sequence[Instance], inbox: Inbox, cancelled: Callable[[], bool]) -> None:
        from pynetdicom import build_context, build_role, evt

        from XRayAILib.dicom.storage_scp import Receiver

        known = all(one.sop_class for one in instances)
        classes = sorted({one.sop_class for one in instances}) if known else list(STORAGE_CLASSES)
        refused = ""
        for some in few(classes, CLASSES_AT_ONCE):
            wanted = [one for one in instances if not known or one.sop_class in some]
            guard = Guard(inbox.max_object_bytes)
            receiver = Receiver(inbox, guard)
            roles = [build_role(sop_class, scp_role=True) for sop_class in some]
            contexts = [build_context(GET), *storage_contexts(some)]
            handlers = [(evt.EVT_C_STORE, receiver)]
            with associate(self.server, self._credentials, contexts, roles, handlers, guard) as association:
                sender = Sender(self.server, association, GET, guard)
                refused = sender.collect(wanted, inbox, receiver, cancelled) or refused
        # Where it told no classes, what it refuses in one association may be what the next one has.
        if refused and inbox.missing:
            raise ServerError(self.server, refused)

    def _move(self, instances: Sequence[Instance], inbox: Inbox, cancelled: Callable[[], bool]) -> None:
        from pynetdicom import build_context

        from XRayAILib.dicom.storage_scp import receiving

        guard = Guard()
        with (
            receiving(self.server, inbox) as receiver,
            associate(self.server, self._credentials, [build_context(MOVE)], guard=guard) as association,
        ):
            refused = Sender(self.server, association, MOVE, guard).collect(instances, inbox, receiver, cancelled)
        if refused:
            raise ServerError(self.server, refused)

    def _refuse_no_uid(self, *uids: str) -> None:
        for uid in uids:
            if not valid_uid(uid):
                raise ServerError(self.server, f"'{plain_text(uid)}' is no UID: digits and dots")


def _study(answer: Dataset) -> Study:
    modalities = answer.get("ModalitiesInStudy") or ()
    return Study(
        uid=_text(answer, "StudyInstanceUID"),
        patient_id=_text(answer, "PatientID"),
        patient_name=_text(answer, "PatientName"),
        date=plain_date(_text(answer, "StudyDate")),
        description=_text(answer, "StudyDescription"),
        modalities=tuple(map(plain_text, [modalities] if isinstance(modalities, str) else list(modalities)[:20])),
        accession=_text(answer, "AccessionNumber"),
        series=plain_number(_text(answer, "NumberOfStudyRelatedSeries")),
        instances=plain_number(_text(answer, "NumberOfStudyRelatedInstances")),
    )


def _series(answer: Dataset, study_uid: str) -> Series:
    return Series(
        uid=_text(answer, "SeriesInstanceUID"),
        study_uid=study_uid,
        modality=_text(answer, "Modality"),
        description=_text(answer, "SeriesDescription"),
        body_part=_text(answer, "BodyPartExamined"),
        instances=plain_number(_text(answer, "NumberOfSeriesRelatedInstances")),
    )


def _text(answer: Dataset, keyword: str) -> str:
    try:
        return plain_text(answer.get(keyword))
    except Exception:  # noqa: BLE001 - one value that cannot be converted must not cost the row
        return ""
