"""A real PACS for tests: Orthanc with DIMSE and DICOMweb, on free ports, in a folder of its own."""

from __future__ import annotations

import json
import select
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from XRayAILib.dicom.servers import Server

USER, PASSWORD = "reader", "a secret of the test"
AE_TITLE, OUR_AE = "ORTHANC", "XRAYAI"
PLUGINS = ("libOrthancDicomWeb.so", "libOrthancDicomWeb.dylib", "OrthancDicomWeb.dll")


def why_not() -> str:
    """Why Orthanc cannot be started here; empty where it can."""
    if _program() is None:
        return "Orthanc is not installed (Debian package orthanc)"
    return "" if _plugin() else "Orthanc's DICOMweb plug-in is not installed (Debian package orthanc-dicomweb)"


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Orthanc:
    """A running Orthanc.

    Parameters
    ----------
    folder
        For its settings, its storage and its log.
    certificate, key, trusted
        PEM files, for one that speaks TLS only.
    """

    def __init__(
        self, folder: Path, certificate: Path | None = None, key: Path | None = None, trusted: Path | None = None
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.certificate, self.trusted = folder, certificate, trusted
        self.http, self.dicom, self.move_port = free_port(), free_port(), free_port()
        settings = self._settings()
        self._front: TlsFront | None = None
        if certificate is not None and key is not None:
            self._front = TlsFront(self.http, certificate, key)
            settings |= {"DicomTlsEnabled": True, "DicomTlsCertificate": str(certificate)}
            settings |= {"DicomTlsPrivateKey": str(key), "DicomTlsTrustedCertificates": str(trusted)}
        (folder / "orthanc.json").write_text(json.dumps(settings), "utf-8")
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until both of its services answer."""
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [str(_program()), str(self.folder / "orthanc.json")], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        end = time.monotonic() + 60
        while not (_listens(self.http) and _listens(self.dicom)):
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError(f"Orthanc did not start: {(self.folder / 'log.txt').read_text()[-2000:]}")
            time.sleep(0.02)

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def close(self) -> None:
        """End it and what stands in front of it."""
        self.kill()
        if self._front is not None:
            self._front.close()

    @property
    def web(self) -> Server:
        """It as a DICOMweb server; the password is in the environment (see :func:`login`)."""
        url, ca_file = f"http://localhost:{self.http}/dicom-web", ""
        if self._front is not None:
            url, ca_file = f"https://localhost:{self._front.port}/dicom-web", str(self.trusted)
        return Server("test-web", "dicomweb", url=url, login="password", user=USER, ca_file=ca_file)

    def dimse(self, move: bool = False) -> Server:
        """It as a DIMSE server, for C-GET or for C-MOVE."""
        port = self.move_port if move else 0
        options: dict[str, Any] = {"move_port": port}
        if self.certificate:
            own = self.folder.parent / "xrayai"
            options |= {"tls": True, "ca_file": str(self.trusted)}
            options |= {"certificate": str(own.with_suffix(".crt")), "key": str(own.with_suffix(".key"))}
        host = "localhost" if self.certificate else "127.0.0.1"
        return Server(
            "test-move" if move else "test-get", "dimse", host=host, port=self.dicom, called_ae=AE_TITLE, **options
        )

    def store(self, files: Iterable[Path | bytes]) -> None:
        """Put files in by its own REST interface, as they are."""
        import requests

        with requests.Session() as session:
            session.auth = (USER, PASSWORD)
            for file in files:
                data = file if isinstance(file, bytes) else file.read_bytes()
                url = f"http://localhost:{self.http}/instances"
                session.post(url, data=data, timeout=60).raise_for_status()

    def _settings(self) -> dict[str, Any]:
        return {
            "Name": "test",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "Plugins": [str(_plugin())],
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "HttpPort": self.http,
            "DicomPort": self.dicom,
            "DicomAet": AE_TITLE,
            "DicomCheckCalledAet": True,
            "DicomAlwaysAllowEcho": False,
            "DicomAlwaysAllowFind": False,
            "DicomAlwaysAllowGet": False,
            "DicomAlwaysAllowMove": False,
            "DicomModalities": {
                "us": {
                    "AET": OUR_AE,
                    "Host": "127.0.0.1",
                    "Port": self.move_port,
                    "AllowFind": True,
                    "AllowGet": True,
                    "AllowMove": True,
                    "UseDicomTls": self.certificate is not None,
                }
            },
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
        }


class TlsFront:
    """HTTPS in front of a plain HTTP port, as a web server stands in front of a PACS.

    The HTTPS of Debian's Orthanc 1.10.1 itself ends in a segmentation fault at the first connection.
    """

    def __init__(self, behind: int, certificate: Path, key: Path) -> None:
        self._behind = behind
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._handle, args=(client,), daemon=True).start()

    def _handle(self, client: socket.socket) -> None:
        try:
            with (
                self._context.wrap_socket(client, server_side=True) as outside,
                socket.create_connection(("127.0.0.1", self._behind)) as inside,
            ):
                while True:
                    ready = [outside] if outside.pending() else select.select([outside, inside], [], [])[0]
                    for source, sink in ((outside, inside), (inside, outside)):
                        if source in ready:
                            data = source.recv(1 << 16)
                            if not data:
                                return
                            sink.sendall(data)
        except OSError:  # one side hung up
            return


def make_certificates(folder: Path) -> None:
    """An authority ``ca.crt`` and, issued by it, ``server`` and ``xrayai`` (``.crt`` and ``.key``), for localhost."""
    openssl = shutil.which("openssl") or "openssl"

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, check=True, capture_output=True)

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n", "ascii")
    new = ("req", "-newkey", "rsa:2048", "-nodes", "-batch")
    run(*new, "-x509", "-days", "2", "-subj", "/CN=Test authority", "-keyout", "ca.key", "-out", "ca.crt")
    for name in ("server", "xrayai"):
        run(*new, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        issue = ("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial")
        run(*issue, "-days", "2", "-extfile", "names", "-out", f"{name}.crt")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _program() -> str | None:
    return shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/bin")


def _plugin() -> Path | None:
    folders = ("/usr/share/orthanc/plugins", "/usr/lib/orthanc", "/usr/local/share/orthanc/plugins")
    return next((path for folder in folders for name in PLUGINS if (path := Path(folder, name)).exists()), None)
