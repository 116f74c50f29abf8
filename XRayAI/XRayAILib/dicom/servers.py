"""The PACS and archives of a person: a list in the person's own settings, never in a project, and without any secret.

::

    servers = Servers()
    servers.add(Server("clinic", "dicomweb", url="https://pacs.example.org/dicom-web", login="password", user="reader"))
    servers["clinic"]
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

KINDS = ("dicomweb", "dimse")
LOGINS = ("none", "password", "token")
FILE = "servers.yaml"


class ServersError(ValueError):
    """A server that cannot be used or is not in the list: which, what is wrong with it, and what to do."""


@dataclass(frozen=True)
class Server:
    """Where a PACS is and how it is spoken to; what opens it (password, token) is kept elsewhere.

    Attributes
    ----------
    name
        Letters, digits, ``-`` and ``_``: the key in the list, in the keyring and in names of environment variables.
    kind
        ``dicomweb`` (PS3.18: QIDO-RS, WADO-RS) or ``dimse`` (PS3.7: C-FIND, C-GET, C-MOVE).
    url
        Of a DICOMweb service, such as ``https://pacs.example.org/dicom-web``.
    host, port, called_ae, own_ae
        Of a DIMSE service: its address, its AE title and ours.
    move_port
        The port on which we receive what C-MOVE sends to ``own_ae``, as the PACS has it configured; 0 for C-GET, which
        needs none.
    tls
        Whether DIMSE goes through TLS; a DICOMweb service says so by ``https``.
    ca_file
        PEM file of the authorities that may vouch for the server; empty for those of this machine.
    certificate, key
        PEM files that this machine shows to the server; ``key`` may lie in ``certificate``.
    verify
        Whether the server's certificate is looked at.
    login, user
        ``none``, ``password`` (of ``user``) or ``token``; see :mod:`XRayAILib.dicom.credentials`.
    """

    name: str
    kind: str
    url: str = ""
    host: str = ""
    port: int = 0
    called_ae: str = ""
    own_ae: str = "XRAYAI"
    move_port: int = 0
    tls: bool = False
    ca_file: str = ""
    certificate: str = ""
    key: str = ""
    verify: bool = True
    login: str = "none"
    user: str = ""

    @property
    def address(self) -> str:
        """Where it is, in a few words."""
        if self.kind == "dicomweb":
            return self.url
        return f"{self.called_ae}@{self.host}:{self.port}{' (TLS)' if self.tls else ''}"

    @property
    def encrypted(self) -> bool:
        """Whether nobody on the way can read along."""
        return self.url.lower().startswith("https:") if self.kind == "dicomweb" else self.tls

    def problems(self) -> dict[str, str]:
        """What is wrong, by the name of the field; empty for a server that can be used."""
        found = _wrong_basics(self)
        if self.kind == "dicomweb":
            found |= _wrong_url(self.url)
        elif self.kind == "dimse":
            found |= _wrong_peer(self)
        for name in ("ca_file", "certificate", "key"):
            path = getattr(self, name)
            if path and not Path(path).expanduser().is_file():
                found[name] = f"there is no file {path}"
        if self.key and not self.certificate:
            found["certificate"] = "a key is given, so its certificate is needed too"
        return found

    def document(self) -> dict[str, object]:
        """What differs from the defaults, as it stands in the file."""
        plain = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != plain[name]}


class Servers:
    """The list of a person's servers, in a file of their own settings; read anew each time it is asked.

    Parameters
    ----------
    folder
        Where ``servers.yaml`` lies; :func:`config_folder` without it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.path = (folder or config_folder()) / FILE

    def __iter__(self) -> Iterator[Server]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __getitem__(self, name: str) -> Server:
        """The server of this name, which has been checked; :class:`ServersError` says what is wrong."""
        servers = self._read()
        for server in servers:
            if server.name == name:
                _refuse_wrong(server, f"{self.path}: ")
                return server
        known = ", ".join(server.name for server in servers)
        raise ServersError(
            f"There is no server '{name}' in {self.path}; "
            + (f"there are: {known}." if known else "add one with 'xrayai servers add'.")
        )

    def add(self, server: Server, replace: bool = False) -> None:
        """Put a server into the list, or in place of the one of its name.

        Raises
        ------
        ServersError
            A field is wrong (all of them are named), or the name is taken.
        """
        _refuse_wrong(server)
        servers = self._read()
        others = [other for other in servers if other.name != server.name]
        if len(others) < len(servers) and not replace:
            raise ServersError(f"There is a server '{server.name}' already: remove it first, or take another name.")
        twin = next((other for other in others if _variable(other.name) == _variable(server.name)), None)
        if twin is not None:
            raise ServersError(
                f"'{server.name}' and '{twin.name}' would share the variables XRAYAI_{_variable(server.name)}_...: "
                "take another name."
            )
        self._write(sorted([*others, server], key=lambda s: s.name.lower()))

    def remove(self, name: str) -> None:
        """Take a server out of the list; :class:`ServersError` where it is not in it."""
        servers = self._read()
        others = [server for server in servers if server.name != name]
        if len(others) == len(servers):
            raise ServersError(f"There is no server '{name}' in {self.path}.")
        self._write(others)

    def _read(self) -> list[Server]:
        import yaml

        try:
            document = yaml.safe_load(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ServersError(f"{self.path}: the list of servers cannot be read ({error}).") from error
        entries = document.get("servers") if isinstance(document, dict) else None
        if not isinstance(entries, list):
            raise ServersError(f"{self.path}: it has no list 'servers'. Correct it, or remove the file.")
        return [self._server(entry) for entry in entries]

    def _server(self, entry: object) -> Server:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise ServersError(f"{self.path}: an entry of 'servers' has no 'name'.")
        known = {field.name: field.type for field in fields(Server)}
        values: dict[str, object] = {"kind": ""}
        for name, value in entry.items():
            if name not in known:
                # Somebody may have written a password here: the name is told, never the value.
                raise ServersError(f"{self.path}: server '{entry['name']}' has a field '{name}', which there is not.")
            wanted = {"str": str, "int": int, "bool": bool}[str(known[name])]
            if type(value) is not wanted:
                raise ServersError(f"{self.path}: '{name}' of server '{entry['name']}' must be a {wanted.__name__}.")
            values[name] = value
        return Server(**values)  # type: ignore[arg-type]

    def _write(self, servers: list[Server]) -> None:
        import yaml

        document = {"servers": [server.document() for server in servers]}
        temporary = self.path.with_name(f"{FILE}.{os.getpid()}.part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True), "utf-8")
            temporary.replace(self.path)
        except OSError as error:
            raise ServersError(f"{self.path} cannot be written ({error.strerror or error}).") from error


def config_folder() -> Path:
    """Where a person's settings of X-Ray AI lie on this system; ``XRAYAI_CONFIG`` names another folder."""
    if os.environ.get("XRAYAI_CONFIG"):
        return Path(os.environ["XRAYAI_CONFIG"]).expanduser()
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming") / "XRayAI"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "XRayAI"
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "xrayai"


def variable(server: Server, what: str) -> str:
    """The environment variable that may hold ``USER``, ``PASSWORD`` or ``TOKEN`` of a server."""
    return f"XRAYAI_{_variable(server.name)}_{what}"


def _variable(name: str) -> str:
    return name.upper().replace("-", "_")


def _refuse_wrong(server: Server, where: str = "") -> None:
    problems = server.problems()
    if problems:
        text = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
        raise ServersError(f"{where}Server '{server.name}' cannot be used: {text}.")


def _wrong_basics(server: Server) -> dict[str, str]:
    found = {}
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", server.name):
        found["name"] = "1 to 32 letters (a-z), digits, '-' and '_'"
    if server.kind not in KINDS:
        found["kind"] = f"one of {', '.join(KINDS)}"
    if server.login not in LOGINS:
        found["login"] = f"one of {', '.join(LOGINS)}"
    elif server.login == "token" and server.kind == "dimse":
        found["login"] = "a token is for DICOMweb; DIMSE takes a password, or a certificate"
    if ":" in server.user or not server.user.isprintable():
        # RFC 7617: the colon ends the name.
        found["user"] = "a user name has no colon and no control codes"
    return found


def _wrong_url(url: str) -> dict[str, str]:
    try:
        parts = urlsplit(url)
        valid = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or not url.isprintable() or " " in url:
        return {"url": "http://HOST/PATH or https://HOST/PATH, such as https://pacs.example.org/dicom-web"}
    if parts.username is not None or parts.password is not None:
        return {"url": "no user name and password in it: they belong into the keyring ('xrayai servers login')"}
    if parts.query or parts.fragment:
        return {"url": "nothing behind the path: no '?' and no '#'"}
    return {}


def _wrong_peer(server: Server) -> dict[str, str]:
    found = {}
    if not re.fullmatch(r"[A-Za-z0-9.:_-]{1,253}", server.host):
        found["host"] = "a name or an IP address, such as pacs.example.org"
    if not 1 <= server.port <= 65535:
        found["port"] = "1 to 65535; often 104 or 11112"
    for name in ("called_ae", "own_ae"):
        # PS3.5 6.2, VR AE: up to 16 characters without backslash and control codes, not spaces alone.
        title = getattr(server, name)
        if not re.fullmatch(r"[\x20-\x5b\x5d-\x7e]{1,16}", title) or not title.strip():
            found[name] = "an AE title: 1 to 16 plain characters without backslash"
    if not 0 <= server.move_port <= 65535:
        found["move_port"] = "1 to 65535, or 0 for C-GET"
    return found
