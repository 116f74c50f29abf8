"""Associations with a DIMSE peer: how we ask for one, and what a peer may send through it.

pynetdicom reads whatever length a peer announces (pynetdicom#1086); :class:`Guard` sets a limit to that.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from XRayAILib.dicom.archive import ANSWER_SECONDS, CONNECT_SECONDS, ServerError
from XRayAILib.dicom.credentials import Credentials
from XRayAILib.dicom.file_header import RADIOGRAPH_CLASSES, SECONDARY_CAPTURE
from XRayAILib.dicom.inbox import MAX_OBJECT_BYTES
from XRayAILib.dicom.servers import Server
from XRayAILib.dicom.tls import client_context, tls_reason

if TYPE_CHECKING:
    from pynetdicom.association import Association

PDU_BYTES = 1 << 18
"""The length of a PDU that we ask for (PS3.8 D.1); larger ones make fewer turns."""
MAX_PDU_BYTES = 1 << 22
"""A peer that sends more at once is cut off: none has a reason to."""
HEADER_BYTES, PDU_TYPES = 6, tuple(bytes([number]) for number in range(1, 8))
"""Every PDU begins with so many bytes, the first of which is its type (PS3.8 9.3.1)."""
MAX_CONTEXTS = 128
"""In one association (PS3.8 9.3.2.2: odd numbers up to 255)."""

STORAGE_CLASSES = (
    *sorted(RADIOGRAPH_CLASSES),
    SECONDARY_CAPTURE,
    *(f"{SECONDARY_CAPTURE}.{number}" for number in range(1, 5)),  # multi-frame ones
)
TRANSFER_SYNTAXES = (
    "1.2.840.10008.1.2.1",  # Explicit VR Little Endian
    "1.2.840.10008.1.2",  # Implicit VR Little Endian
    "1.2.840.10008.1.2.2",  # Explicit VR Big Endian, retired
    "1.2.840.10008.1.2.4.50",  # JPEG Baseline
    "1.2.840.10008.1.2.4.51",  # JPEG Extended, 12 bit
    "1.2.840.10008.1.2.4.57",  # JPEG Lossless
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",  # JPEG-LS
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.90",  # JPEG 2000
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",  # RLE
)
CLASSES_AT_ONCE = (MAX_CONTEXTS - 1) // len(TRANSFER_SYNTAXES)
"""So many storage classes fit into an association if each form gets a context of its own, which keeps it as it is."""


class Guard:
    """Cuts a peer off that announces a huge PDU, sends more than is taken from it, or stops in the middle of one.

    Bind it to ``EVT_CONN_OPEN``, and call :meth:`taken` for each message that is done with. Each association is counted
    for itself, so that one of nobody we know does not end another.

    Attributes
    ----------
    reason
        Why a peer was cut off last; empty where none was.
    """

    def __init__(self, max_bytes: int = MAX_OBJECT_BYTES) -> None:
        self._max_bytes = max_bytes + MAX_PDU_BYTES
        self._waiting: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._lock = threading.Lock()
        self.reason = ""

    def __call__(self, event: Any) -> None:
        association, peer = event.assoc, event.assoc.dul.socket
        receive = peer.recv
        peer.socket.settimeout(ANSWER_SECONDS)

        def bounded(count: int) -> bytearray:
            reason = self._too_much(association, count)
            if not reason:
                _acknowledge_at_once(peer.socket)
                data = bytearray(receive(count))
                if count != HEADER_BYTES or data[:1] in PDU_TYPES or not data:
                    return data
                reason = "it does not speak DICOM"
            self.reason = reason
            # pynetdicom takes this for a connection that was closed, which it becomes here.
            with suppress(OSError):
                peer.socket.shutdown(socket.SHUT_RDWR)
            raise OSError(reason)

        peer.recv = bounded

    def taken(self, association: Any, size: int) -> None:
        """A message of ``size`` bytes is done with; its PDUs have had headers too."""
        with self._lock:
            waiting = self._waiting.get(association, 0)
            self._waiting[association] = max(0, waiting - size - size // 100 - 4096)

    def _too_much(self, association: Any, count: int) -> str:
        """Why ``count`` bytes more are not read; empty where they are."""
        if count > MAX_PDU_BYTES:
            return f"it announced {count >> 20} MB at once"
        with self._lock:
            waiting = self._waiting[association] = self._waiting.get(association, 0) + count
        return f"it sent an object larger than {self._max_bytes >> 20} MB" if waiting > self._max_bytes else ""


def _acknowledge_at_once(peer: socket.socket | None) -> None:
    """Keep Linux from holding an acknowledgement back for 40 ms: a peer that waits for it sends a message in two parts.

    Measured with Orthanc 1.10: C-ECHO takes 3 ms instead of 44. The system forgets it, so it is said for each reading.
    """
    if peer is not None and hasattr(socket, "TCP_QUICKACK"):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def storage_contexts(classes: Sequence[str]) -> list[Any]:
    """A presentation context for each class in each transfer syntax; at most :data:`CLASSES_AT_ONCE` classes."""
    from pynetdicom import build_context

    return [build_context(sop_class, syntax) for sop_class in classes for syntax in TRANSFER_SYNTAXES]


@contextmanager
def associate(
    server: Server,
    credentials: Credentials,
    contexts: Sequence[Any],
    negotiated: Sequence[Any] = (),
    handlers: Sequence[Any] = (),
    guard: Guard | None = None,
) -> Iterator[Association]:
    """An association with a server while the body runs.

    Raises
    ------
    ServerError
        None came about, and why.
    """
    from pynetdicom import AE, evt

    entity = AE(server.own_ae)
    entity.connection_timeout = CONNECT_SECONDS
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = ANSWER_SECONDS
    tls = (client_context(server), server.host) if server.tls else None
    guard = guard or Guard()
    try:
        association = entity.associate(
            server.host,
            server.port,
            list(contexts),
            server.called_ae,
            PDU_BYTES,
            [*negotiated, *_identity(credentials)],
            tls_args=tls,
            evt_handlers=[(evt.EVT_CONN_OPEN, guard), *handlers],
        )
    except OSError as error:  # the name of the host is looked up at once
        raise ServerError(server, _network_reason(error)) from error
    if not association.is_established:
        raise ServerError(server, _why_none(server, association, tls))
    try:
        yield association
    finally:
        if association.is_established:
            association.release()
        if association.is_alive():
            association.abort()


@contextmanager
def stopping(association: Association, cancelled: Callable[[], bool], cancel: Callable[[], None]) -> Iterator[None]:
    """While the body waits for the peer, look whether the person still wants it: first ask the peer, then hang up."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            if cancelled():
                if association.is_established:
                    cancel()
                if not over.wait(3.0):
                    association.abort()
                return

    watcher = threading.Thread(target=watch, name="watch for a stop", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join(5.0)


def _identity(credentials: Credentials) -> list[Any]:
    """User name and passcode (PS3.7 D.3.3.7), where the server has a login."""
    if not credentials.user:
        return []
    from pynetdicom.pdu_primitives import UserIdentityNegotiation

    item = UserIdentityNegotiation()
    item.user_identity_type = 2
    item.primary_field = credentials.user.encode("utf-8")
    item.secondary_field = credentials.password.encode("utf-8")
    return [item]


def _why_none(server: Server, association: Association, tls: Any) -> str:
    """Why no association came about; where the peer did not say, by trying the way to it step by step."""
    if association.is_rejected:
        return _rejected(server, association.acceptor.primitive)
    try:
        with socket.create_connection((server.host, server.port), CONNECT_SECONDS) as plain:
            if tls is not None:
                plain.settimeout(CONNECT_SECONDS)
                with tls[0].wrap_socket(plain, server_hostname=server.host):
                    pass
    except OSError as error:
        return _network_reason(error)
    if association.acceptor.primitive is not None:
        return "it accepts the association, but nothing that was asked for: it may not offer this service"
    return (
        "something answers there, but not as DICOM: check the port, and whether TLS is to be on or off "
        "(a server that wants a certificate of us hangs up too)"
    )


def _network_reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError):
        return tls_reason(error)
    if isinstance(error, socket.gaierror):
        return "there is no such host: check its name, and the network connection"
    if isinstance(error, ConnectionRefusedError):
        return "nothing answers there (connection refused): check host and port, and that it runs"
    if isinstance(error, TimeoutError):
        return "it does not answer in time: check host and port, and whether a firewall is in the way"
    return f"no connection ({error.strerror or error})"


def _rejected(server: Server, answer: Any) -> str:
    """What an A-ASSOCIATE-RJ says (PS3.8 9.3.4)."""
    reasons = {
        (1, 7): f"it does not answer to the AE title '{server.called_ae}': check the called AE title",
        (1, 3): f"it does not know the AE title '{server.own_ae}': have it entered there, with our address",
        (3, 2): "it has too many connections just now: try again later",
        (3, 1): "it is busy just now: try again later",
    }
    key = (getattr(answer, "result_source", 0), getattr(answer, "diagnostic", 0))
    said = f"it refuses the association ({getattr(answer, 'reason_str', 'no reason given')})"
    if server.login != "none" and key not in reasons:
        return f"{said}, perhaps the login: check user name and password ('xrayai servers login {server.name}')"
    return reasons.get(key, said)
