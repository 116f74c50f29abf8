"""Dialogs for tests: what would be shown is recorded, what would be asked is answered by the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """A dialog that 3D Slicer would have shown.

    Attributes
    ----------
    kind : str
        "error", "warning", "info", "question", "delay", "status", "file", "input" or "url".
    text : str
        What it says.
    title : str
        Title of its window.
    detail : str
        The part behind "Show Details".
    """

    kind: str
    text: str
    title: str = ""
    detail: str = ""


class UnansweredDialog(AssertionError):
    """A dialog asked something, and the test had not said how to answer."""


class Dialogs:
    """Every dialog of the session, and the answers that the test gave beforehand."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answers: dict[str, Any] = {}

    def record(self, kind: str, text: str, title: str = "", detail: str = "") -> None:
        self.messages.append(Message(kind, str(text), str(title or ""), str(detail or "")))

    def answer(self, what: str, asked: str) -> Any:
        if what not in self.answers:
            raise UnansweredDialog(f"A dialog asked '{asked}'; say desktop.answer({what}=...) before the click")
        answer = self.answers[what]
        return answer(asked) if callable(answer) else answer

    def message_box(self, text: str, parent: Any = None, **options: Any) -> Any:
        """In place of ``slicer.util.messageBox``: record, and answer a question."""
        from PySide6.QtWidgets import QMessageBox

        button = QMessageBox.StandardButton
        icons = {
            QMessageBox.Icon.Critical: "error",
            QMessageBox.Icon.Warning: "warning",
            QMessageBox.Icon.Question: "question",
        }
        kind = icons.get(options.get("icon", QMessageBox.Icon.Information), "info")
        buttons = options.get("standardButtons", button.Ok)
        self.record(kind, text, options.get("windowTitle", ""), options.get("detailedText", ""))
        for accept, refuse in ((button.Yes, button.No), (button.Ok, button.Cancel), (button.Retry, button.Close)):
            if buttons & accept and buttons & refuse:
                return accept if self.answer("yes", text) else refuse
        return button.Ok

    def delay_display(self, message: str, autoCloseMsec: int = 1000, parent: Any = None, **_options: Any) -> None:
        """In place of ``slicer.util.delayDisplay``: record and go on."""
        self.record("delay", message)

    def message_box_class(self) -> type:
        """``qt.QMessageBox`` whose static questions and ``exec`` are recorded and answered."""
        from PySide6.QtWidgets import QMessageBox as Base

        dialogs = self

        def static(icon: Base.Icon) -> Callable[..., Any]:
            def show(parent: Any, title: str, text: str, buttons: Any = Base.StandardButton.Ok, *_default: Any) -> Any:
                return dialogs.message_box(text, windowTitle=title, icon=icon, standardButtons=buttons)

            return show

        class QMessageBox(Base):
            critical = staticmethod(static(Base.Icon.Critical))
            information = staticmethod(static(Base.Icon.Information))
            question = staticmethod(static(Base.Icon.Question))
            warning = staticmethod(static(Base.Icon.Warning))

            def exec(self) -> Any:
                return dialogs.message_box(
                    self.text,
                    windowTitle=self.windowTitle,
                    icon=self.icon(),
                    standardButtons=self.standardButtons,
                    detailedText=self.detailedText,
                )

            exec_ = exec

        return QMessageBox

    def file_dialog_class(self) -> type:
        """``qt.QFileDialog`` whose static questions are answered by ``path`` (or ``paths``)."""
        from PySide6.QtWidgets import QFileDialog as Base

        dialogs = self

        def ask(what: str) -> Callable[..., Any]:
            def get(parent: Any = None, title: str = "", *_start: Any) -> Any:
                dialogs.record("file", title)
                answer = dialogs.answer(what, title)
                return [str(path) for path in answer] if what == "paths" else str(answer)

            return get

        class QFileDialog(Base):
            getExistingDirectory = staticmethod(ask("path"))
            getOpenFileName = staticmethod(ask("path"))
            getOpenFileNames = staticmethod(ask("paths"))
            getSaveFileName = staticmethod(ask("path"))

        return QFileDialog

    def input_dialog_class(self) -> type:
        """``qt.QInputDialog``; in PythonQt its static questions give the value alone, "" or 0 when cancelled."""
        from PySide6.QtWidgets import QInputDialog as Base

        dialogs = self

        def ask(parent: Any, title: str, label: str, *_more: Any) -> Any:
            dialogs.record("input", label, title)
            return dialogs.answer("text", label)

        class QInputDialog(Base):
            getDouble = staticmethod(ask)
            getInt = staticmethod(ask)
            getItem = staticmethod(ask)
            getText = staticmethod(ask)

        return QInputDialog

    def desktop_services(self) -> type:
        """``qt.QDesktopServices`` that records the address instead of opening it."""
        from PySide6.QtCore import QUrl

        dialogs = self

        class QDesktopServices:
            @staticmethod
            def openUrl(url: Any) -> bool:
                if not isinstance(url, QUrl):  # PySide6 takes a text, too
                    raise ValueError(f"Called openUrl(QUrl url) with wrong arguments: {url!r}")
                dialogs.record("url", url.toString())
                return True

        return QDesktopServices
