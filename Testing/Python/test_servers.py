"""The list of a person's servers, and what opens them: no secret is ever in a file, an error or what is shown."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import pytest

from XRayAILib.dicom.credentials import Credentials, CredentialsError, credentials_of, forget, remember
from XRayAILib.dicom.servers import FILE, Server, Servers, ServersError, config_folder

WEB = Server("clinic", "dicomweb", url="https://pacs.example.org/dicom-web", login="password", user="reader")
PEER = Server("archive-1", "dimse", host="pacs.example.org", port=11112, called_ae="PACS", move_port=11113, tls=True)
SECRET = "s3cret \N{SNOWMAN}"


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring as one has it who is logged in at a screen."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.kept.pop((service, username), None) is None:
            raise keyring.errors.PasswordDeleteError("not there")


@pytest.fixture
def a_keyring() -> Iterator[MemoryKeyring]:
    before, mine = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


@pytest.fixture
def no_keyring() -> Iterator[None]:
    """As on a cluster node."""
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.backends.fail.Keyring())
    yield
    keyring.set_keyring(before)


def test_servers_are_kept_sorted_and_come_back_as_they_were(tmp_path: Path) -> None:
    servers = Servers(tmp_path / "not yet there")
    assert len(servers) == 0
    servers.add(WEB)
    servers.add(PEER)
    assert list(Servers(tmp_path / "not yet there")) == [PEER, WEB] and servers["clinic"] == WEB
    assert [path.name for path in servers.path.parent.iterdir()] == [FILE]
    servers.add(dataclasses.replace(PEER, port=104), replace=True)
    assert servers["archive-1"].port == 104
    servers.remove("clinic")
    assert [server.name for server in servers] == ["archive-1"]
    with pytest.raises(ServersError, match="there are: archive-1"):
        servers["clinic"]
    with pytest.raises(ServersError):
        servers.remove("clinic")


def test_a_name_stands_for_one_server(tmp_path: Path) -> None:
    servers = Servers(tmp_path)
    servers.add(PEER)
    with pytest.raises(ServersError, match="already"):
        servers.add(PEER)
    with pytest.raises(ServersError, match="XRAYAI_ARCHIVE_1"):
        servers.add(dataclasses.replace(PEER, name="archive_1"))


@pytest.mark.parametrize(
    ("server", "field"),
    [
        (dataclasses.replace(WEB, name="../clinic"), "name"),
        (dataclasses.replace(WEB, name=""), "name"),
        (dataclasses.replace(WEB, kind="ftp"), "kind"),
        (dataclasses.replace(WEB, url="pacs.example.org"), "url"),
        (dataclasses.replace(WEB, url="ftp://pacs.example.org"), "url"),
        (dataclasses.replace(WEB, url=f"https://reader:{SECRET}@pacs.example.org"), "url"),
        (dataclasses.replace(WEB, url="https://reader:secret@pacs.example.org"), "url"),
        (dataclasses.replace(WEB, url="https://pacs.example.org:99999/"), "url"),
        (dataclasses.replace(WEB, url="https://pacs.example.org/?a=b"), "url"),
        (dataclasses.replace(WEB, login="magic"), "login"),
        (dataclasses.replace(WEB, user="a:b"), "user"),
        (dataclasses.replace(WEB, ca_file="/no/such/file.pem"), "ca_file"),
        (dataclasses.replace(WEB, key=__file__), "certificate"),
        (dataclasses.replace(PEER, host="a b"), "host"),
        (dataclasses.replace(PEER, port=0), "port"),
        (dataclasses.replace(PEER, port=70000), "port"),
        (dataclasses.replace(PEER, called_ae="SEVENTEEN LETTERS"), "called_ae"),
        (dataclasses.replace(PEER, own_ae="  "), "own_ae"),
        (dataclasses.replace(PEER, move_port=-1), "move_port"),
        (dataclasses.replace(PEER, login="token"), "login"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_field_is_named(server: Server, field: str, tmp_path: Path) -> None:
    assert list(server.problems()) == [field]
    with pytest.raises(ServersError, match=f"{field}: ") as caught:
        Servers(tmp_path).add(server)
    assert "secret" not in str(caught.value) and SECRET not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    ["{", "a list", "servers: 7", "servers: [{kind: dimse}]", "servers: [{name: a, kind: dimse, port: '104'}]", "\x00"],
)
def test_a_list_that_is_damaged_is_named_and_left_alone(text: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(text, "utf-8")
    with pytest.raises(ServersError, match=FILE):
        list(Servers(tmp_path))
    with pytest.raises(ServersError):
        Servers(tmp_path).add(WEB)
    assert (tmp_path / FILE).read_text("utf-8") == text


def test_a_password_that_somebody_wrote_into_the_list_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(f"servers: [{{name: a, kind: dicomweb, password: {SECRET!r}}}]", "utf-8")
    with pytest.raises(ServersError, match="'password'") as caught:
        list(Servers(tmp_path))
    assert SECRET not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServersError, match="cannot be"):
        Servers(tmp_path / "file").add(WEB)


def test_where_the_list_lies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XRAYAI_CONFIG", str(tmp_path))
    assert config_folder() == tmp_path
    monkeypatch.delenv("XRAYAI_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "roaming"))
    places = {
        "linux": tmp_path / "xdg" / "xrayai",
        "win32": tmp_path / "roaming" / "XRayAI",
        "darwin": Path.home() / "Library" / "Application Support" / "XRayAI",
    }
    for system, place in places.items():
        monkeypatch.setattr(sys, "platform", system)
        assert config_folder() == place


def test_a_password_goes_into_the_keyring_and_out_again(a_keyring: MemoryKeyring) -> None:
    with pytest.raises(CredentialsError, match="xrayai servers login clinic"):
        credentials_of(WEB)
    remember(WEB, SECRET)
    assert a_keyring.kept == {("xrayai:clinic", "reader"): SECRET}
    assert credentials_of(WEB) == Credentials("reader", SECRET)
    token = dataclasses.replace(WEB, login="token", user="")
    remember(token, "t0ken")
    assert credentials_of(token) == Credentials(token="t0ken")
    for server in (WEB, token, token):  # also where it is gone already
        forget(server)
    assert a_keyring.kept == {}


def test_the_environment_goes_first(a_keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    remember(WEB, "from the keyring")
    monkeypatch.setenv("XRAYAI_CLINIC_PASSWORD", SECRET)
    assert credentials_of(WEB).password == SECRET
    monkeypatch.setenv("XRAYAI_CLINIC_USER", "somebody else")
    assert credentials_of(WEB).user == "somebody else"


def test_without_a_keyring_the_environment_is_named(no_keyring: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for act in (lambda: credentials_of(WEB), lambda: remember(WEB, SECRET)):
        with pytest.raises(CredentialsError, match=r"no keyring.*XRAYAI_CLINIC_PASSWORD") as caught:
            act()
        assert SECRET not in str(caught.value) and caught.value.__cause__ is None
    forget(WEB)
    monkeypatch.setenv("XRAYAI_CLINIC_PASSWORD", SECRET)
    assert credentials_of(WEB).password == SECRET
    assert credentials_of(PEER) == Credentials(), "nothing is asked for where no login is wanted"


def test_a_machine_without_a_screen_says_so_on_the_command_line(tmp_path: Path) -> None:
    Servers(tmp_path).add(WEB)
    import os

    environment = {
        **os.environ,
        "XRAYAI_CONFIG": str(tmp_path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-m", "XRayAILib.apps.cli", "servers", "login", "clinic"]
    run = subprocess.run(command, input=SECRET + "\n", env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 1 and "XRAYAI_CLINIC_PASSWORD" in run.stderr
    assert SECRET not in run.stdout + run.stderr


def test_what_opens_a_server_does_not_show_itself() -> None:
    assert SECRET not in repr(Credentials("reader", SECRET, SECRET))
