"""One label of a schema in a form: its fields, and the table of what is asked of each object."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel.label_table import set_up

NONE = "-"
KINDS = ("choice", "number", "text")
COLUMNS = ("title", "name", "kind", "options", "required", "minimum", "maximum", "unit")
NUMBERS = ("minimum", "maximum")


class LabelForm:
    """Shows an entry of a schema's labels, and tells what a person changes.

    Parameters
    ----------
    own
        The widgets of ``SchemaEditor.ui``.
    changed
        Called with the changed fields; an empty value takes a field away.
    """

    def __init__(self, own: Any, changed: Callable[[dict[str, Any]], None]) -> None:
        from XRayAILib.findings.label import Tool

        self.own, self._changed = own, changed
        self._entry: dict[str, Any] | None = None
        self._quiet = False
        self._tools = [tool.value for tool in Tool]
        own.toolComboBox.addItems(self._tools)
        titles = (_("Question"), _("Name"), _("Kind"), _("Options"), _("Must"), _("Min."), _("Max."), _("Unit"))
        set_up(own.attributesTable, titles, (80, 60, 130, 40, 44, 44, 40))
        for field in ("name", "title", "hotkey"):
            getattr(own, f"{field}LineEdit").editingFinished.connect(self._tells(field))
        own.optionsLineEdit.editingFinished.connect(self._on_options)
        for field in ("Scheme", "Value", "Meaning"):
            getattr(own, f"code{field}LineEdit").editingFinished.connect(self._on_code)
        own.toolComboBox.textActivated.connect(lambda text: self._tell({"tool": text}))
        own.mirrorComboBox.textActivated.connect(lambda text: self._tell({"mirror": "" if text == NONE else text}))
        own.multipleCheckBox.toggled.connect(lambda on: self._tell({"multiple": bool(on)}))
        own.requiredCheckBox.toggled.connect(lambda on: self._tell({"required": bool(on)}))
        own.colorButton.colorChanged.connect(lambda color: self._tell({"color": color.name()}))
        own.attributesTable.itemChanged.connect(self._on_cell)
        own.addAttributeButton.clicked.connect(self._on_add)
        own.removeAttributeButton.clicked.connect(self._on_remove)

    def show(self, entry: dict[str, Any] | None, names: Sequence[str]) -> None:
        """Show an entry, or nothing; ``names`` are those of all labels."""
        own, self._entry = self.own, entry
        own.labelForm.enabled = entry is not None
        shown: dict[str, Any] = entry or {}
        self._quiet = True
        for field in ("name", "title", "hotkey"):
            getattr(own, f"{field}LineEdit").text = str(shown.get(field, ""))
        own.optionsLineEdit.text = ", ".join(shown.get("options", []))
        code = shown.get("code", {})
        for field in ("Scheme", "Value", "Meaning"):
            getattr(own, f"code{field}LineEdit").text = str(code.get(field.lower(), ""))
        tool = str(shown.get("tool", "mask"))
        own.toolComboBox.setCurrentIndex(self._tools.index(tool) if tool in self._tools else -1)
        others = [NONE, *(name for name in names if name != shown.get("name"))]
        own.mirrorComboBox.clear()
        own.mirrorComboBox.addItems(others)
        mirror = str(shown.get("mirror", NONE))
        own.mirrorComboBox.setCurrentIndex(others.index(mirror) if mirror in others else 0)
        own.colorButton.setColor(qt.QColor(str(shown.get("color", "#808080"))))
        own.multipleCheckBox.checked = bool(shown.get("multiple", False))
        own.requiredCheckBox.checked = bool(shown.get("required", False))
        image = tool == "image"
        for widget in (own.optionsLineEdit, own.multipleCheckBox, own.requiredCheckBox):
            widget.enabled = image
        for widget in (own.mirrorComboBox, own.attributesTable, own.addAttributeButton, own.removeAttributeButton):
            widget.enabled = not image
        self._show_attributes(shown.get("attributes", []))
        self._quiet = False

    def _show_attributes(self, attributes: Sequence[dict[str, Any]]) -> None:
        table = self.own.attributesTable
        row = table.currentRow()
        table.setRowCount(len(attributes))
        for at, attribute in enumerate(attributes):
            for column, field in enumerate(COLUMNS):
                value = attribute.get(field, "")
                if field == "required":
                    item = qt.QTableWidgetItem("")
                    item.setFlags(qt.Qt.ItemIsUserCheckable | qt.Qt.ItemIsEnabled | qt.Qt.ItemIsSelectable)
                    item.setCheckState(qt.Qt.Checked if value else qt.Qt.Unchecked)
                else:
                    text = ", ".join(value) if isinstance(value, list) else str(value)
                    item = qt.QTableWidgetItem(text or ("text" if field == "kind" else ""))
                table.setItem(at, column, item)
        if attributes:
            table.setCurrentCell(min(max(row, 0), len(attributes) - 1), 0)

    def _on_cell(self, item: Any) -> None:
        if self._quiet or self._entry is None:
            return
        field = COLUMNS[item.column()]
        attributes = [dict(attribute) for attribute in self._entry.get("attributes", [])]
        attribute = attributes[item.row()]
        value: Any = item.text().strip()
        if field == "required":
            value = item.checkState() == qt.Qt.Checked
        elif field == "options":
            value = _listed(value)
            attribute["kind"] = "choice" if value else attribute.get("kind", "text")
        if value in ("", [], False):
            attribute.pop(field, None)
        else:
            attribute[field] = value
        self._tell({"attributes": attributes})

    def _on_add(self, _checked: bool = False) -> None:
        if self._entry is not None:
            attributes = list(self._entry.get("attributes", []))
            names = {attribute.get("name") for attribute in attributes}
            name = next(n for number in range(1, len(names) + 2) if (n := f"question_{number}") not in names)
            fresh = {"name": name, "title": _("New question"), "kind": "choice", "options": [_("yes"), _("no")]}
            self._tell({"attributes": [*attributes, fresh]})

    def _on_remove(self, _checked: bool = False) -> None:
        row = self.own.attributesTable.currentRow()
        if self._entry is not None and row >= 0:
            attributes = list(self._entry.get("attributes", []))
            self._tell({"attributes": attributes[:row] + attributes[row + 1 :]})

    def _on_options(self) -> None:
        options = _listed(self.own.optionsLineEdit.text)
        if self._entry is not None and options != self._entry.get("options", []):
            self._tell({"options": options})

    def _on_code(self) -> None:
        own = self.own
        parts = {
            "scheme": own.codeSchemeLineEdit.text.strip(),
            "value": own.codeValueLineEdit.text.strip(),
            "meaning": own.codeMeaningLineEdit.text.strip(),
        }
        code = parts if any(parts.values()) else {}
        if self._entry is not None and code != self._entry.get("code", {}):
            self._tell({"code": code})

    def _tells(self, field: str) -> Callable[[], None]:
        def tell() -> None:
            text = getattr(self.own, f"{field}LineEdit").text.strip()
            is_other = self._entry is not None and text != str(self._entry.get(field, ""))
            # A label without a name has no place among the others: the old one stays.
            if is_other and (text or field != "name"):
                self._tell({field: text})

        return tell

    def _tell(self, values: dict[str, Any]) -> None:
        if not self._quiet and self._entry is not None:
            self._changed(values)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
