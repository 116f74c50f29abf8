"""Making a server send: C-GET and C-MOVE for a list of instances (PS3.4 C.4.2, C.4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from XRayAILib.dicom.archive import Instance, ServerError, plain_text
from XRayAILib.dicom.association import Guard, stopping
from XRayAILib.dicom.inbox import Inbox
from XRayAILib.dicom.servers import Server

if TYPE_CHECKING:
    from pydicom import Dataset
    from pynetdicom.association import Association

    from XRayAILib.dicom.storage_scp import Receiver

# Study Root Query/Retrieve (PS3.4 C.6.2).
MOVE, GET = "1.2.840.10008.5.1.4.1.2.2.2", "1.2.840.10008.5.1.4.1.2.2.3"
AT_ONCE = 50
"""Instances asked for in one request: a list of UIDs that any peer takes, and little to do again after a stop."""
# Statuses of a C-GET and C-MOVE that is going well: done, pending, cancelled, and some of it failed (the inbox knows).
GOING_WELL = (0x0000, 0xFF00, 0xFE00, 0xB000)
UNKNOWN_DESTINATION = 0xA801


class Sender:
    """A server that sends instances into an inbox when asked to, over an association for C-GET or C-MOVE."""

    def __init__(self, server: Server, association: Association, model: str, guard: Guard) -> None:
        self.server = server
        self._association, self._model, self._guard = association, model, guard

    def collect(
        self, instances: Sequence[Instance], inbox: Inbox, receiver: Receiver, cancelled: Callable[[], bool]
    ) -> str:
        """Ask for instances, and again for those that a server left out because it stopped at one that we refused.

        Returns
        -------
        str
            Why the server does not send what is missing; empty where it has sent what it has.

        Raises
        ------
        ServerError
            The connection broke.
        FullError
            The disk is full.
        """
        waiting = {one.uid for one in instances}
        while True:
            refused, before = "", inbox.done
            for request in _requests([one for one in inbox.missing if one.uid in waiting]):
                if receiver.full is not None or cancelled():
                    break
                refused = self._ask(request, cancelled) or refused
            if receiver.full is not None:
                raise receiver.full
            if cancelled() or not refused or inbox.done == before:
                return "" if cancelled() else refused

    def _ask(self, request: Dataset, cancelled: Callable[[], bool]) -> str:
        """Send one request and wait for its end; why the server refused it, or nothing."""

        def cancel() -> None:
            self._association.send_c_cancel(1, query_model=self._model)

        if self._model == GET:
            answers = self._association.send_c_get(request, GET, msg_id=1)
        else:
            answers = self._association.send_c_move(request, self.server.own_ae, MOVE, msg_id=1)
        refused = ""
        with stopping(self._association, cancelled, cancel):
            for status, _ in answers:
                if "Status" not in status:
                    if cancelled():
                        return ""
                    raise ServerError(self.server, self._guard.reason or "the connection broke in the middle")
                if status.Status == UNKNOWN_DESTINATION:
                    refused = (
                        f"it does not know where '{self.server.own_ae}' is: have our AE title, address and port "
                        f"{self.server.move_port} entered there, or use C-GET"
                    )
                elif status.Status not in GOING_WELL:
                    refused = f"it refuses to send the images ({status_text(status)})"
        return refused


def identifier(level: str, keys: Mapping[str, str | list[str]]) -> Dataset:
    """The data set of a C-FIND, C-GET or C-MOVE request."""
    from pydicom import Dataset

    dataset = Dataset()
    dataset.QueryRetrieveLevel = level
    if not all(value.isascii() for value in keys.values() if isinstance(value, str)):
        dataset.SpecificCharacterSet = "ISO_IR 192"
    for keyword, value in keys.items():
        setattr(dataset, keyword, value)
    return dataset


def status_text(status: Dataset) -> str:
    """A status with the comment that the server makes on it."""
    comment = plain_text(status.get("ErrorComment"))
    return f"status {status.Status:04X}" + (f": {comment}" if comment else "")


def few(values: Sequence[Any], count: int) -> Iterator[list[Any]]:
    """The values, at most ``count`` at once."""
    for start in range(0, len(values), count):
        yield list(values[start : start + count])


def _requests(instances: Sequence[Instance]) -> Iterator[Dataset]:
    """Identifiers that ask for these instances by their UIDs, series by series (PS3.4 C.4.3.1.3)."""
    series = sorted(instances, key=lambda one: (one.study_uid, one.series_uid))
    for (study, uid), members in groupby(series, key=lambda one: (one.study_uid, one.series_uid)):
        for some in few([one.uid for one in members], AT_ONCE):
            keys = {"StudyInstanceUID": study, "SeriesInstanceUID": uid, "SOPInstanceUID": some}
            yield identifier("IMAGE", keys)
