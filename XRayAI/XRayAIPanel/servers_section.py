"""The section Servers: studies of a PACS or archive, searched for and brought into the project."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from slicer.i18n import tr as _

from XRayAILib.dicom.servers import Server
from XRayAILib.workflow.servers import ServerAccess
from XRayAIPanel.installation import interpreter, library_is_there, need_servers
from XRayAIPanel.section import Panel, Section
from XRayAIPanel.server_form import ServerForm
from XRayAIPanel.telling import telling
from XRayAIPanel.work_strip import WorkStrip


class ServersSection(Section):
    """The list of servers, the search with its table, and the retrieval."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        own = self.load("Servers", panel.ui.serversCollapsibleButton)
        self.access = ServerAccess(interpreter())
        self.form = ServerForm(own)
        self.asking = WorkStrip(
            self.access.asking, own.askingProgressBar, own.askingLabel, own.askingStopButton, self._answered
        )
        self.add_strip("retrieve", self.access.retrieving)
        self._servers: dict[str, Server] = {}
        self._left_out: list[tuple[str, str]] = []
        self._make_table()
        panel.ui.serversCollapsibleButton.contentsCollapsed.connect(self.on_folded)
        clicks: dict[object, Callable[[bool], None]] = {
            own.addServerButton: self.on_add,
            own.editServerButton: self.on_edit,
            own.removeServerButton: self.on_remove,
            own.saveServerButton: self.on_save,
            own.cancelServerButton: self.on_cancel,
            own.checkServerButton: self.on_check,
            own.passwordButton: self.on_password,
            own.searchButton: self.on_search,
            own.retrieveButton: self.on_retrieve,
            own.notRetrievedButton: self.on_not_retrieved,
        }
        for button, act in clicks.items():
            button.clicked.connect(act)  # type: ignore[attr-defined]
        for field in self._search_fields().values():
            field.returnPressed.connect(self.on_search)
        own.studiesTable.itemSelectionChanged.connect(self.show_buttons)
        own.serverComboBox.currentIndexChanged.connect(self.on_server)

    @property
    def waiting(self) -> bool:
        return self.running or self.asking.work.running

    @property
    def server(self) -> str:
        """The name of the server that is chosen; empty where there is none."""
        box = self.own.serverComboBox
        return str(box.itemData(box.currentIndex) or "")

    # The list -------------------------------------------------------------------------------------------------------

    def on_folded(self, folded: bool) -> None:
        # What reads the list may not be installed yet; nobody is asked for that before they want something.
        if not folded and library_is_there():
            self._show_list(self.server)

    def on_server(self, *_index: object) -> None:
        self.asking.say("")
        self._show_studies()

    def on_add(self, _checked: bool = False) -> None:
        self.form.open(None)

    def on_edit(self, _checked: bool = False) -> None:
        self.form.open(self._servers[self.server])

    def on_save(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The server was not saved.")):
            need_servers()
            server = self.form.read()
            problems = server.problems()
            self.form.say(problems)
            if problems:
                return
            self.access.servers.add(server, replace=not self.own.nameLineEdit.enabled)
            self.form.close()
            self._show_list(server.name)

    def on_cancel(self, _checked: bool = False) -> None:
        self.form.close()

    def on_remove(self, _checked: bool = False) -> None:
        question = _("Take the server '{name}' out of your list, and its password out of the keyring?")
        if slicer.util.confirmYesNoDisplay(question.format(name=self.server)):
            with slicer.util.tryWithErrorDisplay(_("The server was not removed.")):
                need_servers()
                self.access.remove(self.server)
            self.form.close()
            self._show_list("")

    def on_password(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The password was not kept.")):
            need_servers()
            text = _("Password or token of '{name}', for the keyring of this machine:").format(name=self.server)
            title = _("Password")
            secret = qt.QInputDialog.getText(slicer.util.mainWindow(), title, text, qt.QLineEdit.Password)
            if secret:
                self.access.remember(self.server, secret)
                self.asking.say(_("It is in the keyring of this machine."))

    # Asking ---------------------------------------------------------------------------------------------------------

    def on_check(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The server was not asked.")):
            need_servers()
            self.access.check(self.server)
        self.panel.watch()
        self.asking.show()

    def on_search(self, _checked: bool = False) -> None:
        from XRayAILib.dicom.archive import Query

        if not self.own.searchButton.enabled:
            return  # Enter was pressed in a field
        with slicer.util.tryWithErrorDisplay(_("The search did not start.")):
            need_servers()
            query = Query(**{name: field.text.strip() for name, field in self._search_fields().items()})
            self.access.search(self.server, query)
        self._show_studies()
        self.panel.watch()
        self.asking.show()

    def _answered(self) -> str:
        said = self.access.answered() if self.access.asking.state == "done" else ""
        self._show_studies()
        return said

    # Retrieving -----------------------------------------------------------------------------------------------------

    def on_retrieve(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("Nothing was retrieved.")):
            need_servers()
            self.access.retrieve(self.browse.project, self.server, self._chosen())
        self.panel.watch()

    def ended(self) -> str:
        self._left_out = self.access.left_out()
        self.panel.refresh()
        return self.access.retrieved()

    def on_not_retrieved(self, _checked: bool = False) -> None:
        lines = [f"{path}: {reason}" for path, reason in self._left_out]
        text = _("{n} images did not come, or are no radiographs. The details say why.").format(n=len(lines))
        slicer.util.infoDisplay(text, detailedText="\n".join(lines))

    def close(self) -> None:
        """The panel goes."""
        self.access.close()

    # Showing the state ----------------------------------------------------------------------------------------------

    def tick(self) -> None:
        self.asking.poll()

    def show_buttons(self) -> None:
        own, there, asking = self.own, bool(self.server), self.asking.work.running
        own.editServerButton.enabled = own.removeServerButton.enabled = there and not asking and not self.running
        own.checkServerButton.enabled = own.searchButton.enabled = there and not asking
        own.passwordButton.enabled = there and self._servers[self.server].login != "none"
        own.retrieveButton.enabled = self.browse.is_open and bool(self._chosen()) and not self.running
        own.retrieveButton.text = _("Retrieve") if self.browse.is_open else _("Retrieve (open a project first)")
        own.notRetrievedButton.visible = bool(self._left_out)

    def _show_list(self, chosen: str) -> None:
        box = self.own.serverComboBox
        blocked = box.blockSignals(True)
        box.clear()
        with telling(_("The list of servers cannot be read.")):
            self._servers = {server.name: server for server in self.access.servers}
        for server in self._servers.values():
            box.addItem(f"{server.name}   {server.address}", server.name)
        if box.count == 0:
            box.addItem(_("none yet: add one"), "")
        box.setCurrentIndex(max(0, box.findData(chosen)))
        box.blockSignals(blocked)
        self.show_buttons()

    def _search_fields(self) -> dict[str, object]:
        own = self.own
        return {
            "patient_name": own.patientNameSearchEdit,
            "patient_id": own.patientIdSearchEdit,
            "date_from": own.dateFromSearchEdit,
            "date_to": own.dateToSearchEdit,
            "modality": own.modalitySearchEdit,
            "body_part": own.bodyPartSearchEdit,
            "description": own.descriptionSearchEdit,
            "accession": own.accessionSearchEdit,
        }

    def _make_table(self) -> None:
        table = self.own.studiesTable
        titles = [_("Patient"), _("Study date"), _("Modality"), _("Images"), _("Description")]
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(22)
        table.horizontalHeader().setHighlightSections(False)
        for column, width in enumerate((78, 62, 52), start=1):
            table.setColumnWidth(column, width)
        for column in (0, len(titles) - 1):
            table.horizontalHeader().setSectionResizeMode(column, qt.QHeaderView.Stretch)

    def _show_studies(self) -> None:
        table = self.own.studiesTable
        table.clearSelection()
        table.setRowCount(len(self.access.studies))
        for row, study in enumerate(self.access.studies):
            for column, text in enumerate(study.cells()):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(study.details())
                table.setItem(row, column, item)
        self.show_buttons()

    def _chosen(self) -> list[str]:
        rows = sorted({item.row() for item in self.own.studiesTable.selectedItems()})
        return [self.access.studies[row].uid for row in rows if row < len(self.access.studies)]
