"""The section Check: what makes images unfit for research, what follows from it, and what a person says against it."""

from __future__ import annotations

import qt
import slicer
from slicer.i18n import tr as _

from XRayAILib.workflow.check import Check, MarkRow
from XRayAIPanel.desk import reader
from XRayAIPanel.ink import ink
from XRayAIPanel.installation import interpreter
from XRayAIPanel.section import Panel, Section
from XRayAIPanel.telling import telling

COLORS = {"error": "#c62828", "warning": "#ef6c00"}


class CheckSection(Section):
    """The check with its table of rules, and the marks of the image that is looked at."""

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel)
        own = self.load("Check", panel.ui.checkCollapsibleButton)
        self.check = Check(interpreter())
        self.add_strip("check", self.check.work)
        self._rules: list[str] = []
        self._shown: object = None
        self._marks: list[MarkRow] = []
        self._make_table()
        for name, text in (
            ("warn", _("marks its images")),
            ("exclude", _("keeps its images out")),
            ("ignore", _("is ignored")),
        ):
            own.actionComboBox.addItem(text, name)
        own.checkButton.clicked.connect(self.on_check)
        own.rulesTable.itemSelectionChanged.connect(self.on_rule)
        own.actionComboBox.activated.connect(self.on_action)
        own.allImagesButton.clicked.connect(self.on_all_images)
        own.keepButton.clicked.connect(self.on_keep)

    def _make_table(self) -> None:
        table = self.own.rulesTable
        titles = [_("Rule"), _("Images"), _("Action")]
        table.setColumnCount(len(titles))
        table.setHorizontalHeaderLabels(titles)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(22)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        table.setColumnWidth(1, 50)
        table.setColumnWidth(2, 62)

    # What a person does ---------------------------------------------------------------------------------------------

    def on_check(self, _checked: bool = False) -> None:
        with slicer.util.tryWithErrorDisplay(_("The images were not checked.")):
            self.check.start(self.browse.project)
        self.panel.watch()

    def ended(self) -> str:
        self._shown = None
        self.panel.refresh()
        return self.check.outcome()

    def on_rule(self) -> None:
        rule = self._chosen()
        if rule:
            self.browse.choose("mark", [rule])
            self.panel.refresh()

    def on_all_images(self, _checked: bool = False) -> None:
        self.browse.choose("mark", [])
        self.panel.refresh()

    def on_action(self, *_index: object) -> None:
        box, rule = self.own.actionComboBox, self._chosen()
        if rule:
            with slicer.util.tryWithErrorDisplay(_("The rule was not changed."), waitCursor=True):
                self.check.set_action(self.browse.project, rule, box.itemData(box.currentIndex), reader().name)
            self._shown = None
            self.panel.refresh()

    def on_keep(self, _checked: bool = False) -> None:
        image = self.browse.current
        if image is None:
            return
        change = self.check.keep_no_more if self._is_kept else self.check.keep
        with slicer.util.tryWithErrorDisplay(_("Nothing was changed."), waitCursor=True):
            change(self.browse.project, image.uid, reader().name)
        self.panel.refresh()

    # Showing the state ----------------------------------------------------------------------------------------------

    def show(self) -> None:
        project = self.browse.project if self.browse.is_open else None
        if project is None or project is not self._shown:
            self._show_rules()
        self._mark_chosen()
        self._show_marks()

    def _show_rules(self) -> None:
        table, self._shown = self.own.rulesTable, None
        rows, checked = [], False
        if self.browse.is_open:
            with telling(_("The rules cannot be shown.")):
                rows = self.check.table(self.browse.project)
                checked = self.check.is_begun(self.browse.project)
                self._shown = self.browse.project
                if self.strip is not None and not self.running:
                    self.strip.say(self.check.state(self.browse.project))
        # What was found stands above what was not; among equals the order of the rules stays.
        rows = sorted(rows, key=lambda row: not row.count)
        self._rules = [row.rule.name for row in rows]
        blocked = table.blockSignals(True)
        table.setRowCount(len(rows))
        for place, row in enumerate(rows):
            tip = f"{row.rule.severity.value}: {row.rule.title} ({row.rule.section})"
            for column, text in enumerate((row.rule.title, str(row.count) if checked else "", row.action.value)):
                item = qt.QTableWidgetItem(text)
                item.setToolTip(tip)
                if row.count and row.rule.severity.value in COLORS:
                    item.setForeground(qt.QBrush(qt.QColor(ink(COLORS[row.rule.severity.value]))))
                if column == 1:
                    item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
                table.setItem(place, column, item)
        table.blockSignals(blocked)

    def _mark_chosen(self) -> None:
        """Mark the rule that the collection is filtered by, whoever chose it, and what follows from it."""
        chosen = self.browse.query.filters.get("mark", ()) if self.browse.is_open else ()
        place = self._rules.index(chosen[0]) if len(chosen) == 1 and chosen[0] in self._rules else -1
        table, box = self.own.rulesTable, self.own.actionComboBox
        blocked = table.blockSignals(True)
        if place < 0:
            table.clearSelection()
        else:
            table.selectRow(place)
            box.setCurrentIndex(box.findData(table.item(place, 2).text()))
        table.blockSignals(blocked)

    def _show_marks(self) -> None:
        image = self.browse.current if self.browse.is_open else None
        self._marks = []
        if image is not None:
            with telling(_("The marks of the image cannot be shown.")):
                self._marks = self.check.marks(self.browse.project, image.uid)
        lines = []
        for mark in self._marks:
            line = f"{mark.title}: {mark.detail} ({mark.section})"
            if mark.kept:
                line += "\n" + _("Kept all the same by {who}.").format(who=mark.kept)
            lines.append(line)
        self.own.marksLabel.text = "\n\n".join(lines)
        self.own.marksLabel.visible = bool(lines)

    @property
    def _is_kept(self) -> bool:
        return any(mark.kept for mark in self._marks)

    def _chosen(self) -> str:
        place = self.own.rulesTable.currentRow()
        selected = self.own.rulesTable.selectedItems()
        return self._rules[place] if selected and 0 <= place < len(self._rules) else ""

    def show_buttons(self) -> None:
        own, browse = self.own, self.browse
        own.checkButton.enabled = browse.has_images and not self.running
        own.actionComboBox.visible = bool(self._chosen())
        own.actionComboBox.enabled = bool(self._chosen()) and not self.running
        own.actionTitleLabel.text = _("This rule") if self._chosen() else _("Click a rule to see its images.")
        own.actionTitleLabel.visible = bool(self._rules)
        own.allImagesButton.enabled = browse.is_open and bool(browse.query.filters.get("mark"))
        own.keepButton.visible = self._is_kept or any(mark.excludes for mark in self._marks)
        own.keepButton.enabled = not self.running
        own.keepButton.text = _("Let the rules decide") if self._is_kept else _("Keep this image")
        own.keepButton.toolTip = (
            _("Take back that this image stays whatever its marks say.")
            if self._is_kept
            else _("Leave this image in training and export in spite of its marks; who did it is stored.")
        )
