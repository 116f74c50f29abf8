"""The filters of the collection: a menu of values with their counts per column, two dates, and what they leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAILib.project.query import QueryError
from XRayAILib.workflow.table import value_text

if TYPE_CHECKING:
    from XRayAILib.workflow.browse import Browse

LONGEST_MENU = 60
"""Values that a menu offers, the most frequent ones; the search finds the others."""


class FilterBar:
    """Shows and changes the query of the table, in ``<column>FilterButton`` and their neighbours of a ``.ui`` file.

    A menu is filled when it is opened, so that nothing is counted that nobody looks at.

    Parameters
    ----------
    changed
        Called after the table has asked another query.
    """

    def __init__(self, ui: Any, browse: Browse, changed: Callable[[], None]) -> None:
        self._ui, self._browse, self._changed = ui, browse, changed
        self._titles = {
            "view": _("View"),
            "laterality": _("Laterality"),
            "body_part": _("Body part"),
            "manufacturer": _("Manufacturer"),
            "station": _("Station"),
            "modality": _("Modality"),
            "status": _("Status"),
            "spacing": _("Spacing"),
            "mark": _("Check"),
        }
        self.menus = {column: self._make_menu(column) for column in self._titles}
        ui.filterWidget.visible = False
        ui.filterButton.toggled.connect(self.on_toggled)
        ui.filterSearchBox.textChanged.connect(self.on_text)
        ui.sinceLineEdit.textChanged.connect(self.on_dates)
        ui.untilLineEdit.textChanged.connect(self.on_dates)
        ui.clearFiltersButton.clicked.connect(self.on_clear)

    def show(self) -> None:
        """Show what the table asks now."""
        ui, query = self._ui, self._browse.query
        for field, text in (
            (ui.filterSearchBox, query.text),
            (ui.sinceLineEdit, query.since),
            (ui.untilLineEdit, query.until),
        ):
            # A date that is being typed is not asked for yet, and must stay.
            if field.text != text and not field.styleSheet:
                blocked = field.blockSignals(True)
                field.text = text
                field.blockSignals(blocked)
        for column, title in self._titles.items():
            chosen = query.filters.get(column, ())
            button = self._button(column)
            button.text = f"{title} ({len(chosen)})" if chosen else title
            button.toolTip = ", ".join(value_text(column, value) for value in chosen) or _("All")
            button.styleSheet = "font-weight: bold" if chosen else ""
            button.enabled = self._browse.is_open
        number = len(query.filters) + bool(query.since or query.until)
        ui.filterButton.text = _("Filter ({n})").format(n=number) if number else _("Filter")
        ui.clearFiltersButton.enabled = query.is_narrowed

    def on_toggled(self, shown: bool) -> None:
        self._ui.filterWidget.visible = shown

    def on_text(self, text: str) -> None:
        if self._browse.is_open:
            self._browse.filter(text)
            self._changed()

    def on_dates(self, _text: str) -> None:
        since, until = self._ui.sinceLineEdit, self._ui.untilLineEdit
        problems: dict[str, str] = {}
        try:
            query = replace(self._browse.query, since=since.text.strip(), until=until.text.strip())
        except QueryError as error:
            problems = error.problems
        else:
            if self._browse.is_open and query != self._browse.query:
                self._browse.ask(query)
                self._changed()
        for field, name in ((since, "since"), (until, "until")):
            field.styleSheet = "color: #c62828" if name in problems else ""
            field.toolTip = problems.get(name, _("Study date: yyyy-mm-dd, yyyy-mm or yyyy"))

    def on_clear(self, _checked: bool = False) -> None:
        for field in (self._ui.sinceLineEdit, self._ui.untilLineEdit):
            field.styleSheet = ""
        self._browse.clear_filters()
        self._changed()

    def on_value(self, column: str, value: str) -> None:
        """Choose one more value, or one less."""
        chosen = list(self._browse.query.filters.get(column, ()))
        if value in chosen:
            chosen.remove(value)
        else:
            chosen.append(value)
        self._browse.choose(column, chosen)
        self._changed()

    def _button(self, column: str) -> Any:
        first, *others = column.split("_")
        return getattr(self._ui, first + "".join(other.capitalize() for other in others) + "FilterButton")

    def _make_menu(self, column: str) -> Any:
        button = self._button(column)
        menu = qt.QMenu(button)

        def fill() -> None:
            self._fill(menu, column)

        menu.aboutToShow.connect(fill)
        button.setMenu(menu)
        return menu

    def _fill(self, menu: Any, column: str) -> None:
        menu.clear()
        if not self._browse.is_open:
            return
        chosen = self._browse.query.filters.get(column, ())
        found = self._browse.values(column)
        # What was chosen must be there to be given up, even where the other filters leave none of it.
        found += [(value, 0) for value in chosen if value not in dict(found)]
        offered = [entry for n, entry in enumerate(found) if n < LONGEST_MENU or entry[0] in chosen]
        for value, number in offered:
            text = value_text(column, value).replace("&", "&&")
            self._add(menu, f"{text} ({number:,})", column, value, value in chosen)
        if not found:
            menu.addAction(_("there is nothing")).setEnabled(False)
        elif len(offered) < len(found):
            more = _("{n} more: type one into the search").format(n=len(found) - len(offered))
            menu.addAction(more).setEnabled(False)

    def _add(self, menu: Any, text: str, column: str, value: str, checked: bool) -> None:
        action = menu.addAction(text)
        action.setCheckable(True)
        action.setChecked(checked)

        def toggle(_checked: bool = False) -> None:
            self.on_value(column, value)

        action.triggered.connect(toggle)
