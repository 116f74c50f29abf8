"""The section Agreement: how far readers and models agree, and what they say together."""

from __future__ import annotations

from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from XRayAILib.project.query import Query
from XRayAILib.workflow.agreement.run import AgreementRun
from XRayAIPanel.desk import reader
from XRayAIPanel.installation import interpreter, need_agreement
from XRayAIPanel.section import Panel, Section


class AgreementSection(Section):
    """Against whom, told apart by what, with which consensus; the report opens in the browser."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        own = self.load("Agreement", panel.ui.agreementCollapsibleButton)
        self.agreement = AgreementRun(interpreter())
        self.add_strip("agreement", self.agreement.work)
        for text, rule in (
            (_("No consensus"), ""),
            (_("Consensus by majority"), "majority"),
            (_("Consensus by STAPLE"), "staple"),
        ):
            own.consensusComboBox.addItem(text, rule)
        own.compareButton.clicked.connect(self.on_compare)
        own.agreementReportButton.clicked.connect(self.on_report)

    def on_compare(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("Nothing was compared.")):
            need_agreement()
            self.agreement.start(self.browse.project, reader(), self._wishes(), _chosen(self.own.consensusComboBox))
        self.panel.watch()

    def on_report(self, _checked: bool = False) -> None:
        qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile(str(self.agreement.page)))

    def ended(self) -> str:
        self.panel.refresh()
        return self.agreement.outcome()

    def show(self) -> None:
        own = self.own
        keys = self.browse.project.author_keys() if self.browse.is_open else ()
        _fill(
            own.againstComboBox, [(_("Each with each"), "")] + [(_("Each with {who}").format(who=k), k) for k in keys]
        )
        groups = [(_("All images together"), "")]
        if self.browse.is_open:
            from XRayAILib.workflow.agreement.groups import GROUPS

            groups += [(_("By {column}").format(column=title.lower()), name) for name, title in GROUPS.items()]
        _fill(own.groupsComboBox, groups)

    def show_buttons(self) -> None:
        self.own.compareButton.enabled = self.browse.has_images and not self.running
        self.own.agreementReportButton.enabled = self.agreement.page is not None and not self.running

    def _wishes(self) -> Any:
        from XRayAILib.workflow.agreement.wishes import Wishes

        own = self.own
        column = _chosen(own.groupsComboBox)
        query = self.browse.query if own.comparedShownCheckBox.checked else Query()
        return Wishes(reference=_chosen(own.againstComboBox), query=query, by=(column,) if column else ())


def _chosen(box: Any) -> str:
    return str(box.itemData(box.currentIndex) or "")


def _fill(box: Any, entries: list[tuple[str, str]]) -> None:
    """Offer these; what was chosen stays chosen while it is offered."""
    before = _chosen(box)
    box.clear()
    for text, value in entries:
        box.addItem(text, value)
    box.setCurrentIndex(max(box.findData(before), 0))
