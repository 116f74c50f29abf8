"""The form in which a server is added or changed."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from XRayAILib.dicom.servers import KINDS, LOGINS, Server

_WEB = ("url",)
_DIMSE = ("host", "port", "called", "own", "move", "tls")


class ServerForm:
    """Shows a server in widgets, and reads one from them.

    Parameters
    ----------
    own
        The widgets of ``Servers.ui``.
    """

    def __init__(self, own: Any) -> None:
        self.own = own
        own.kindComboBox.currentIndexChanged.connect(self._show_rows)
        own.loginComboBox.currentIndexChanged.connect(self._show_rows)
        own.tlsCheckBox.toggled.connect(self._show_rows)
        self.close()

    @property
    def is_open(self) -> bool:
        return not self.own.serverFrame.isHidden()

    def open(self, server: Server | None) -> None:
        """Show a server to be changed, or an empty form for a new one."""
        own = self.own
        shown = server or Server("", "dicomweb", port=104)
        own.nameLineEdit.text = shown.name
        # The name is the key in the keyring and in the environment: another one is another server.
        own.nameLineEdit.enabled = server is None
        own.kindComboBox.setCurrentIndex(KINDS.index(shown.kind) if shown.kind in KINDS else 0)
        own.urlLineEdit.text, own.hostLineEdit.text = shown.url, shown.host
        own.portSpinBox.value, own.movePortSpinBox.value = shown.port, shown.move_port
        own.calledLineEdit.text, own.ownLineEdit.text = shown.called_ae, shown.own_ae
        own.tlsCheckBox.checked, own.verifyCheckBox.checked = shown.tls, shown.verify
        own.caPathLineEdit.currentPath = shown.ca_file
        own.certificatePathLineEdit.currentPath = shown.certificate
        own.keyPathLineEdit.currentPath = shown.key
        own.loginComboBox.setCurrentIndex(LOGINS.index(shown.login) if shown.login in LOGINS else 0)
        own.userLineEdit.text = shown.user
        self.say({})
        own.serverFrame.visible = True
        self._show_rows()

    def close(self) -> None:
        self.own.serverFrame.visible = False

    def read(self) -> Server:
        """The server as it stands in the form; what belongs to the other kind is left at its default."""
        own = self.own
        kind = KINDS[own.kindComboBox.currentIndex]
        place: dict[str, Any] = {"url": own.urlLineEdit.text.strip()}
        if kind == "dimse":
            place = {
                "host": own.hostLineEdit.text.strip(),
                "port": own.portSpinBox.value,
                "called_ae": own.calledLineEdit.text.strip(),
                "own_ae": own.ownLineEdit.text.strip(),
                "move_port": own.movePortSpinBox.value,
                "tls": bool(own.tlsCheckBox.checked),
            }
        login = LOGINS[own.loginComboBox.currentIndex]
        return Server(
            own.nameLineEdit.text.strip(),
            kind,
            ca_file=own.caPathLineEdit.currentPath.strip(),
            certificate=own.certificatePathLineEdit.currentPath.strip(),
            key=own.keyPathLineEdit.currentPath.strip(),
            verify=bool(own.verifyCheckBox.checked),
            login=login,
            user=own.userLineEdit.text.strip() if login == "password" else "",
            **place,
        )

    def say(self, problems: dict[str, str]) -> None:
        """Tell what is wrong, field by field, by the names that stand beside them."""
        titles = {
            "name": _("Name"),
            "url": _("URL"),
            "host": _("Host"),
            "port": _("Port"),
            "called_ae": _("AE title"),
            "own_ae": _("Our AE title"),
            "move_port": _("C-MOVE port"),
            "ca_file": _("Authority"),
            "certificate": _("Certificate"),
            "key": _("Key"),
            "login": _("Login"),
            "user": _("User name"),
        }
        lines = [f"{titles.get(name, name)}: {problem}" for name, problem in problems.items()]
        self.own.problemsLabel.text = "\n".join(lines)
        self.own.problemsLabel.visible = bool(lines)

    def _show_rows(self, *_index: object) -> None:
        own = self.own
        web = own.kindComboBox.currentIndex == KINDS.index("dicomweb")
        for names, shown in ((_WEB, web), (_DIMSE, not web)):
            for name in names:
                self._row(name, shown)
        # A certificate means nothing where nothing is encrypted.
        encrypted = web or bool(own.tlsCheckBox.checked)
        for name in ("ca", "certificate", "key", "verify"):
            self._row(name, encrypted)
        self._row("user", self.own.loginComboBox.currentIndex == LOGINS.index("password"))

    def _row(self, name: str, shown: bool) -> None:
        widgets = {
            "port": self.own.portSpinBox,
            "move": self.own.movePortSpinBox,
            "tls": self.own.tlsCheckBox,
            "ca": self.own.caPathLineEdit,
            "certificate": self.own.certificatePathLineEdit,
            "key": self.own.keyPathLineEdit,
            "verify": self.own.verifyCheckBox,
        }
        widget = widgets.get(name) or getattr(self.own, f"{name}LineEdit")
        widget.visible = getattr(self.own, f"{name}TitleLabel").visible = shown
