"""The messages of the guidelines about what is drawn, while it is drawn."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.label_table import swatch
from XRayAIAnnotatePanel.part import AnnotatePanel, Part
from XRayAIPanel.ink import ink

if TYPE_CHECKING:
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.guidelines import Violation

COLORS = {"refuse": "#c62828", "warn": "#ef6c00", "note": "#607d8b"}
LINE, LETTERS, MOST_LINES = 17, 55, 6
"""Pixels of a line of text, letters on a line, and lines of all messages that are seen without scrolling."""


class GuidelinesPart(Part):
    """Says what the findings on the image break; a click shows the objects concerned.

    It looks when something was drawn or said since, never at findings that are the same as before.
    """

    def __init__(self, panel: AnnotatePanel) -> None:
        super().__init__(panel)
        self.load("Guidelines", self.ui.guidelinesWidget)
        self._checker: Any = None
        self._project: Any = None
        self._schema: Any = None
        self._header: Any = None
        self._findings: Findings | None = None
        self._notice = ""
        self.violations: list[Violation] = []
        self.own.messagesList.visible = self.own.guidelinesLabel.visible = False
        self.own.messagesList.itemClicked.connect(self.on_message)

    def show(self) -> None:
        project, sitting = self.panel.desk.project, self.sitting
        schema = project.schema if project is not None else None
        if project is not self._project or schema is not self._schema:
            self._project, self._schema = project, schema
            self._notice = self._notice_of(project)
            self._findings = None
        image = sitting.session.image if sitting is not None else None
        header = image.header if image is not None else None
        if header != self._header:
            # Another image, or this one was calibrated: then other objects are too small.
            self._header, self._findings = header, None
        self.tick()
        self._fill_summary()

    def tick(self) -> None:
        findings = self.sitting.drawn.findings if self.sitting is not None and self._header is not None else None
        if findings is not None and findings is not self._findings:
            self._check(findings)
        elif findings is None and self._findings is not None:
            self._findings, self.violations = None, []
            self._fill()

    def on_message(self, item: Any) -> None:
        """Choose the objects of a message, and show them large."""
        violation = self.violations[self.own.messagesList.row(item)]
        objects = self.panel.objects
        objects.choose(violation.objects)
        if violation.objects:
            self.panel.objectsPart.on_chosen()
            self.panel.objectsPart.on_zoom()
        elif violation.label:
            self.panel.labels.mark(violation.label)
            self.panel.answers.ask(violation.label)

    @staticmethod
    def _notice_of(project: Any) -> str:
        from XRayAILib.workflow.guidelines import schema_notice

        return schema_notice(project) if project is not None else ""

    def _check(self, findings: Findings) -> None:
        from XRayAILib.findings.guidelines import Checker

        self._findings = findings
        self._checker = self._checker or Checker()
        spacing, laterality = self._header.spacing, self._header.laterality
        self.violations = self._checker.check(findings, self._schema, spacing, laterality)
        self._fill()

    def _fill(self) -> None:
        own = self.own
        own.messagesList.clear()
        marks: dict[str, list[str]] = {}
        for violation in self.violations:
            item = qt.QListWidgetItem(violation.message)
            item.setIcon(swatch(COLORS[violation.severity.value]))
            item.setToolTip(violation.message)
            own.messagesList.addItem(item)
            for object_id in violation.objects:
                marks.setdefault(object_id, []).append(violation.message)
        self.panel.objects.mark({object_id: "\n".join(texts) for object_id, texts in marks.items()})
        own.messagesList.visible = bool(self.violations)
        lines = sum(1 + len(violation.message) // LETTERS for violation in self.violations)
        own.messagesList.setFixedHeight(min(lines, MOST_LINES) * LINE + 8)
        self._fill_summary()

    def _fill_summary(self) -> None:
        counts = {word: sum(v.severity.value == word for v in self.violations) for word in COLORS}
        texts = {
            "refuse": _("{count} to be mended before it is submitted"),
            "warn": _("{count} to be looked at"),
            "note": _("{count} not judged"),
        }
        parts = [
            f'<span style="color:{ink(COLORS[word])}">{texts[word].format(count=count)}</span>'
            for word, count in counts.items()
            if count
        ]
        lines = [_("Guidelines: {counts}").format(counts=", ".join(parts))] if parts else []
        if self._notice:
            lines.append(f'<span style="color:{ink(COLORS["warn"])}">{escape(self._notice)}</span>')
        text = "<br>".join(lines)
        if self.own.guidelinesLabel.text != text:
            self.own.guidelinesLabel.text = text
        visible = bool(text)
        if self.own.guidelinesLabel.isHidden() == visible:
            self.own.guidelinesLabel.visible = visible
