"""Receiving what a PACS sends: over the association of a C-GET, or by connections of its own in a C-MOVE.

Our own SCP exists only while a C-MOVE runs, listens only where the PACS is reached, and takes only what was asked for,
from the host and under the AE titles that the server's entry names.
"""

from __future__ import annotations

import logging
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from pydicom.dataset import FileMetaDataset
from pydicom.filewriter import write_file_meta_info
from pynetdicom import AE, evt
from pynetdicom.transport import ThreadedAssociationServer

from XRayAILib.dicom.archive import ANSWER_SECONDS, CONNECT_SECONDS, ServerError
from XRayAILib.dicom.association import PDU_BYTES, STORAGE_CLASSES, TRANSFER_SYNTAXES, Guard
from XRayAILib.dicom.inbox import FullError, Inbox, RefusedError
from XRayAILib.dicom.servers import Server
from XRayAILib.dicom.tls import receiving_context

# Statuses of C-STORE (PS3.4 B.2.3, PS3.7 C.5).
STORED, NOT_ASKED_FOR, NO_ROOM, NOT_UNDERSTOOD = 0x0000, 0x0124, 0xA700, 0xC000
MAX_ASSOCIATIONS = 4
CHUNK = 1 << 20

_log = logging.getLogger(__name__)


class Receiver:
    """Answers C-STORE requests: each goes into the inbox or is refused.

    Attributes
    ----------
    full
        Why the disk takes no more; empty as long as it does.
    """

    def __init__(self, inbox: Inbox, guard: Guard) -> None:
        self._inbox, self._guard = inbox, guard
        self.full: FullError | None = None

    def __call__(self, event: Any) -> int:
        """Bind this to ``EVT_C_STORE``."""
        uid = str(event.request.AffectedSOPInstanceUID or "")
        data = event.request.DataSet.getvalue() if event.request.DataSet is not None else b""
        self._guard.taken(event.assoc, len(data))
        try:
            self._inbox.take(uid, self._chunks(_head(event.file_meta), data))
        except FullError as error:
            self.full = error
            return NO_ROOM
        except RefusedError:
            # The inbox has the reason.
            return NOT_UNDERSTOOD if uid in self._inbox.failed else NOT_ASKED_FOR
        except ValueError as error:
            _log.warning("an object was refused: %s", error)
            self._inbox.refuse("an object came whose File Meta cannot be written")
            return NOT_UNDERSTOOD
        return STORED

    @staticmethod
    def _chunks(head: bytes, data: bytes) -> Iterator[bytes]:
        yield head
        for start in range(0, len(data), CHUNK):
            yield data[start : start + CHUNK]


def _head(meta: FileMetaDataset) -> bytes:
    """What a file has in front of its data set (PS3.10 7.1)."""
    stream = BytesIO()
    stream.write(bytes(128) + b"DICM")
    write_file_meta_info(stream, meta)  # type: ignore[arg-type]
    return stream.getvalue()


@contextmanager
def receiving(server: Server, inbox: Inbox) -> Iterator[Receiver]:
    """An SCP on ``server.move_port`` while the body runs.

    Raises
    ------
    ServerError
        The port is taken, or the server's host is not known.
    """
    guard = Guard(inbox.max_object_bytes)
    receiver = Receiver(inbox, guard)
    entity = AE(server.own_ae)
    entity.require_called_aet = True
    entity.require_calling_aet = [server.called_ae]
    entity.maximum_associations = MAX_ASSOCIATIONS
    entity.maximum_pdu_size = PDU_BYTES
    entity.acse_timeout = CONNECT_SECONDS
    entity.dimse_timeout = entity.network_timeout = ANSWER_SECONDS
    for sop_class in STORAGE_CLASSES:
        entity.add_supported_context(sop_class, list(TRANSFER_SYNTAXES))
    hosts, local = _ways_to(server)
    try:
        listener: _Listener = entity.make_server(  # type: ignore[assignment]
            (local, server.move_port),
            ssl_context=receiving_context(server) if server.tls else None,
            evt_handlers=[(evt.EVT_CONN_OPEN, guard), (evt.EVT_C_STORE, receiver)],
            server_class=_Listener,
            hosts=hosts,
            inbox=inbox,
        )
    except OSError as error:
        reason = f"we cannot listen on {local} port {server.move_port} ({error.strerror}): is it in use already?"
        raise ServerError(server, reason) from error
    thread = threading.Thread(target=listener.serve_forever, args=(0.05,), name="C-MOVE receiver", daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        for association in listener.active_associations:
            association.abort()
        listener.shutdown()
        thread.join(CONNECT_SECONDS)


class _Listener(ThreadedAssociationServer):
    """Hangs up on every host but the server's before a byte of it is read."""

    daemon_threads = True

    def __init__(self, *args: Any, hosts: frozenset[str], inbox: Inbox, **kwargs: Any) -> None:
        self._hosts, self._inbox = hosts, inbox
        super().__init__(*args, **kwargs)

    def shutdown(self) -> None:
        # pynetdicom's own looks for the server in a list of the entity, which only start_server fills.
        socketserver.BaseServer.shutdown(self)
        self.server_close()

    def get_request(self) -> tuple[socket.socket, Any]:
        client, address = self.socket.accept()  # type: ignore[union-attr]
        if address[0].removeprefix("::ffff:") not in self._hosts:
            client.close()
            self._inbox.refuse(f"a connection from {address[0]}, which is not the server's host, was refused")
            raise ConnectionAbortedError(f"{address[0]} is not the server")  # socketserver goes on with the next one
        # A peer that says nothing must not keep the others waiting.
        client.settimeout(CONNECT_SECONDS)
        try:
            if self.ssl_context:
                client = self.ssl_context.wrap_socket(client, server_side=True)
        except OSError as error:
            client.close()
            self._inbox.refuse(f"a connection from {address[0]} without a TLS handshake that we accept was refused")
            raise ConnectionAbortedError(str(error)) from error
        return client, address


def _ways_to(server: Server) -> tuple[frozenset[str], str]:
    """The addresses of the server, and our own on the way to it: the only one on which we listen."""
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
        family, address = found[0][0], found[0][4]
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect(address)  # nothing is sent: only the route is looked up
            local = way.getsockname()[0]
    except OSError as error:
        raise ServerError(server, f"there is no way to it ({error.strerror or error})") from error
    return frozenset(str(entry[4][0]) for entry in found), local
