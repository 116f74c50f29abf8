"""TLS contexts for connections to servers."""

from __future__ import annotations

import ssl
from pathlib import Path

from XRayAILib.dicom.archive import ServerError
from XRayAILib.dicom.servers import Server


def client_context(server: Server) -> ssl.SSLContext:
    """For connections that we make; :class:`ServerError` names a file that cannot be used."""
    try:
        context = ssl.create_default_context(cafile=_file(server.ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ServerError(server, f"{server.ca_file} holds no certificates in PEM form ({error})") from error
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    _show(context, server)
    return context


def receiving_context(server: Server) -> ssl.SSLContext:
    """For connections that a PACS makes to us in a C-MOVE: it must show a certificate by ``ca_file``, where given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not server.certificate:
        raise ServerError(server, "C-MOVE over TLS needs a certificate and key of this machine; C-GET needs none")
    _show(context, server)
    if server.ca_file and server.verify:
        context.load_verify_locations(_file(server.ca_file))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _show(context: ssl.SSLContext, server: Server) -> None:
    if not server.certificate:
        return
    # Without a password given here OpenSSL would ask for one on the terminal.
    try:
        context.load_cert_chain(_file(server.certificate) or "", _file(server.key), password=lambda: "")
    except (OSError, ssl.SSLError) as error:
        reason = f"{server.certificate} and its key cannot be used: both in PEM form, the key without a password"
        raise ServerError(server, f"{reason} ({error})") from error


def tls_reason(error: ssl.SSLError) -> str:
    """What failed in a TLS handshake, and what to do."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"its certificate is not trusted ({error.verify_message}): name the file of the authority that issued it "
            "(ca_file), after asking whoever runs the server"
        )
    reason = (error.reason or str(error)).replace("_", " ").lower()
    return f"no TLS connection came about ({reason}): does this port speak TLS, and does it want a certificate of us?"


def _file(path: str) -> str | None:
    return str(Path(path).expanduser()) if path else None
