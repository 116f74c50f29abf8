"""Comments on the image and its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.label_table import set_up
from XRayAIAnnotatePanel.part import AnnotatePanel, Part
from XRayAIPanel.telling import telling

if TYPE_CHECKING:
    from XRayAILib.workflow.conversation import Conversation, Talk

ROW, ROWS_SHOWN = 22, 4
SETTLED = "#9e9e9e"


class CommentsPart(Part):
    """The lower half of the section "History and comments"."""

    def __init__(self, panel: AnnotatePanel, own: Any) -> None:
        super().__init__(panel)
        self.own = own
        self._talks: list[Talk] = []
        self._uid = ""
        set_up(own.commentsTable, (_("Comment"), _("About"), _("State")), (110, 70))
        own.commentsTable.setFixedHeight(ROWS_SHOWN * ROW + 30)
        own.commentsTable.itemSelectionChanged.connect(self.on_chosen)
        own.commentLineEdit.returnPressed.connect(self.on_comment)
        own.commentLineEdit.textChanged.connect(self.on_text)
        own.commentButton.clicked.connect(self.on_comment)
        own.replyButton.clicked.connect(self.on_reply)
        own.resolveButton.clicked.connect(self.on_resolve)
        self.ui.historyCollapsibleButton.contentsCollapsed.connect(self.on_collapsed)

    # What a person does ---------------------------------------------------------------------------------------------

    def on_collapsed(self, _collapsed: bool) -> None:
        self.show()

    def on_chosen(self) -> None:
        talk = self.chosen
        if talk is not None and talk.object_id:
            self.panel.objects.choose([talk.object_id])
        self._show_talk()

    def on_text(self, _text: str) -> None:
        self._enable()

    def on_comment(self, _checked: bool = False) -> None:
        chosen = self.panel.objects.chosen
        about = chosen[0].id if len(chosen) == 1 else ""
        self._say(lambda conversation, text: conversation.comment(text, about))

    def on_reply(self, _checked: bool = False) -> None:
        talk = self.chosen
        if talk is not None:
            self._say(lambda conversation, text: conversation.reply(talk.thread, text))

    def on_resolve(self, _checked: bool = False) -> None:
        talk = self.chosen
        if talk is not None:
            with telling(_("The comment was not changed.")):
                self._conversation.settle(talk.thread, not talk.resolved)

    def _say(self, call: Any) -> None:
        field = self.own.commentLineEdit
        if not field.text.strip():
            return
        with telling(_("The comment was not stored.")):
            call(self._conversation, field.text)
            field.text = ""

    # Showing the state ----------------------------------------------------------------------------------------------

    @property
    def chosen(self) -> Talk | None:
        """The thread that is chosen in the table."""
        row = self.own.commentsTable.currentRow()
        return self._talks[row] if 0 <= row < len(self._talks) else None

    def show(self) -> None:
        if self.ui.historyCollapsibleButton.collapsed:
            return
        sitting, before = self.panel.sitting, self.chosen
        is_open = sitting is not None and sitting.session.is_open
        uid = sitting.session.uid if sitting is not None else ""
        talks = self._conversation.talks() if is_open else []
        if talks != self._talks or uid != self._uid:
            self._uid, self._talks = uid, talks
            self._fill(before)
        self._enable()

    def tick(self) -> None:
        if not self.ui.historyCollapsibleButton.collapsed:
            self._enable()

    @property
    def _conversation(self) -> Conversation:
        from XRayAILib.workflow.conversation import Conversation

        assert self.panel.sitting is not None
        return Conversation(self.panel.sitting.session)

    def _fill(self, before: Talk | None) -> None:
        table = self.own.commentsTable
        blocked = table.blockSignals(True)
        table.setRowCount(len(self._talks))
        for row, talk in enumerate(self._talks):
            cells = (talk.last, talk.about, _("resolved") if talk.resolved else _("open"))
            for column, text in enumerate(cells):
                item = qt.QTableWidgetItem(text)
                item.setToolTip("\n".join(talk.lines))
                if talk.resolved:
                    item.setForeground(qt.QBrush(qt.QColor(SETTLED)))
                table.setItem(row, column, item)
        same = (row for row, talk in enumerate(self._talks) if before is not None and talk.thread == before.thread)
        row = next(same, -1)
        table.setCurrentCell(row, 0 if row >= 0 else -1)
        table.blockSignals(blocked)
        self._show_talk()

    def _show_talk(self) -> None:
        talk = self.chosen
        self.own.talkLabel.text = "\n".join(talk.lines) if talk is not None else ""
        self.own.talkLabel.visible = talk is not None
        self._enable()

    def _enable(self) -> None:
        own, talk = self.own, self.chosen
        is_open = self.panel.sitting is not None and self.panel.sitting.session.is_open
        has_text = bool(own.commentLineEdit.text.strip())
        chosen = self.panel.objects.chosen
        about = _("Comment on {name}").format(name=chosen[0].title) if len(chosen) == 1 else _("Comment on the image")
        texts = {
            own.commentButton: about,
            own.resolveButton: _("Open again") if talk is not None and talk.resolved else _("Resolve"),
        }
        for button, text in texts.items():
            if button.text != text:
                button.text = text
        enabled = {
            own.commentLineEdit: is_open,
            own.commentButton: is_open and has_text,
            own.replyButton: talk is not None and has_text,
            own.resolveButton: talk is not None,
        }
        for widget, wanted in enabled.items():
            if widget.enabled != wanted:
                widget.enabled = wanted
