"""The objects of the image: choose, hide, lock, relabel, show large, delete; and their attributes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import TYPE_CHECKING, Any

import qt
from slicer.i18n import tr as _

from XRayAIAnnotatePanel import shown_objects
from XRayAIAnnotatePanel.attributes_form import AttributesForm
from XRayAIAnnotatePanel.label_table import swatch
from XRayAIAnnotatePanel.object_table import EYE, ObjectTable
from XRayAIAnnotatePanel.part import Part
from XRayAIPanel.ink import ink
from XRayAIPanel.telling import telling

if TYPE_CHECKING:
    from XRayAIAnnotatePanel.part import AnnotatePanel
    from XRayAIAnnotatePanel.shown_objects import ShownObject
    from XRayAIAnnotatePanel.sitting import Sitting
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.objects import FindingObject
    from XRayAILib.findings.schema import Label, LabelSchema

_FAILED = "#c62828"


class ObjectsPart(Part):
    """The collapsible button "Objects".

    Attributes
    ----------
    table
        The table in it.
    """

    def __init__(self, panel: AnnotatePanel) -> None:
        super().__init__(panel)
        ui = self.ui
        self.table = ObjectTable(ui.objectsTable, self.on_chosen, self.on_toggled)
        self.form = AttributesForm(ui.attributesGroupBox, self.on_attribute, self._say)
        self._rows: list[ShownObject] = []
        self._described: Findings | None = None
        self._schema: LabelSchema | None = None
        self._same: dict[str, tuple[tuple[str, str], ...]] = {}
        self._menu: Any = None
        self._lock_message = ""
        self._lit: set[str] = set()
        ui.sameAnswersCheckBox.visible = ui.objectMessageLabel.visible = False
        buttons = {
            ui.hideButton: self.on_hide,
            ui.lockButton: self.on_lock,
            ui.relabelButton: self.on_relabel,
            ui.zoomButton: self.on_zoom,
            ui.deleteButton: self.on_delete,
        }
        for button, call in buttons.items():
            button.clicked.connect(call)
        self._table_keys = {key: self._table_key(key, call) for key, call in self._keys_in_table().items()}
        ui.editor.currentSegmentIDChanged.connect(self.on_segment)

    # Keys -----------------------------------------------------------------------------------------------------------

    def keys(self) -> dict[str, Callable[[], None]]:
        return {
            "Ctrl+Down": self.on_next,
            "Ctrl+Up": self.on_previous,
            "Ctrl+Del": self.on_delete,
        }

    def key_texts(self) -> dict[str, str]:
        texts = {
            "Ctrl+Down": _("Choose the next object"),
            "Ctrl+Up": _("Choose the object before"),
            "Ctrl+Del": _("Delete the objects chosen"),
        }
        in_table = {
            "Del": _("delete those chosen"),
            "H": _("hide or show them"),
            "L": _("lock or unlock them"),
            "R": _("give them another label"),
            "Z": _("show them large"),
        }
        free = {key: text for key, text in in_table.items() if self._table_keys[key].enabled}
        return {**texts, **{key: _("In the table of objects: {what}").format(what=text) for key, text in free.items()}}

    def _keys_in_table(self) -> dict[str, Callable[[], None]]:
        return {
            "Del": self.on_delete,
            "H": self.on_hide,
            "L": self.on_lock,
            "R": self.on_relabel,
            "Z": self.on_zoom,
        }

    def _table_key(self, key: str, call: Callable[[], None]) -> Any:
        shortcut = qt.QShortcut(qt.QKeySequence(key), self.ui.objectsTable)
        shortcut.setContext(qt.Qt.WidgetShortcut)
        shortcut.activated.connect(call)
        return shortcut

    # Showing --------------------------------------------------------------------------------------------------------

    def show(self) -> None:
        sitting = self.sitting
        taken = {label.hotkey.upper() for label in sitting.canvas.schema} if sitting is not None else set()
        for key, shortcut in self._table_keys.items():
            # The key of a label draws it wherever the keyboard is, also just after a click in the table.
            shortcut.setEnabled(key.upper() not in taken)
        if sitting is not None:
            sitting.canvas.picked = self.on_picked
        self.tick()

    def tick(self) -> None:
        sitting = self.sitting
        if sitting is None:
            self._described, self._rows = None, []
            self.table.show([])
        else:
            self._look(sitting)
        self._show_buttons()

    def _look(self, sitting: Sitting) -> None:
        before = sitting.drawn.findings
        began = sitting.drawn.undo
        if sitting.drawn.look() and sitting.drawn.undo is began and before is not None:
            self._receive(sitting, {item.id for item in before})
        self._show_objects(sitting)

    def _show_objects(self, sitting: Sitting) -> None:
        from XRayAILib.scene.volume import spacing_of

        findings, nodes = sitting.drawn.findings, sitting.nodes
        if findings is None or nodes is None:
            return
        spacing = spacing_of(sitting.canvas.volume_node)
        if findings is not self._described or sitting.canvas.schema is not self._schema:
            self._described, self._schema = findings, sitting.canvas.schema
            self._rows = shown_objects.shown_objects(findings, sitting.canvas.schema, spacing)
        rows = shown_objects.as_in_scene(sitting.canvas.host, nodes, self._rows)
        if self._why_closed():
            rows = [replace(item, locked=True) for item in rows]
        self.table.show(rows, spacing.source.value if spacing.known else "")
        # A mask that is locked is not drawn on: Slicer's editor has no lock for one segment.
        edited = next((item for item in rows if item.kind == "mask" and item.id == self._edited(sitting)), None)
        locked = edited is not None and edited.locked
        if self.ui.editor.readOnly != locked:
            self.ui.editor.readOnly = locked
        if locked and self.ui.editor.activeEffect() is not None:
            # What is read-only takes no tool by its tool bar, but still by its name.
            self.ui.editor.setActiveEffect(None)
        if locked and edited is not None and not self.ui.editorCollapsibleButton.collapsed:
            text = _("{label} is locked: unlock it to draw on it, or draw another one.")
            self._lock_message = text.format(label=edited.title)
            self._say(self._lock_message)
        elif self._lock_message:
            self._lock_message = ""
            self._say("")
        self._show_form()

    def _receive(self, sitting: Sitting, known: set[str]) -> None:
        """What was drawn just now gets the answers that were asked to be the same, and is chosen."""
        from XRayAILib.findings.objects import ImageLabel

        assert sitting.drawn.findings is not None
        fresh = [o for o in sitting.drawn.findings if o.id not in known and not isinstance(o, ImageLabel)]
        answered = [o.changed(attributes=self._same[o.label]) for o in fresh if o.label in self._same]
        if answered:
            sitting.drawn.amend(sitting.drawn.findings.with_objects(answered))
        if fresh:
            self._show_objects(sitting)
            self.table.choose([item.id for item in fresh])
            self._highlight()

    def _show_form(self) -> None:
        objects = self._chosen_objects()
        labels = {item.label for item in objects}
        label = self._label(labels.pop()) if len(labels) == 1 else None
        enabled = not self._why_closed() and not any(item.locked for item in self.table.chosen)
        self.form.show(label, objects, enabled)
        asked = label is not None and bool(label.attributes)
        self.ui.sameAnswersCheckBox.visible = asked
        if label is not None and asked:
            text = _("The same answers for the next: {label}").format(label=label.title)
            if self.ui.sameAnswersCheckBox.text != text:
                self.ui.sameAnswersCheckBox.text = text
                self.ui.sameAnswersCheckBox.checked = label.name in self._same

    def _show_buttons(self) -> None:
        ui, chosen = self.ui, self.table.chosen
        free = [item for item in chosen if not item.locked] if not self._why_closed() else []
        enabled = {
            ui.hideButton: bool(chosen),
            ui.lockButton: bool(chosen) and not self._why_closed(),
            ui.relabelButton: bool(free) and len({item.kind for item in free}) == 1,
            ui.zoomButton: bool(chosen),
            ui.deleteButton: bool(free),
        }
        for button, wanted in enabled.items():
            if button.enabled != wanted:
                button.enabled = wanted
        texts = {
            ui.hideButton: _("Show") if chosen and not any(item.visible for item in chosen) else _("Hide"),
            ui.lockButton: _("Unlock") if chosen and all(item.locked for item in chosen) else _("Lock"),
        }
        for button, text in texts.items():
            if button.text != text:
                button.text = text

    # What a person does ---------------------------------------------------------------------------------------------

    def on_chosen(self) -> None:
        sitting = self.sitting
        if sitting is None:
            return
        self._say("")
        self._highlight()
        masks = [item for item in self.table.chosen if item.kind == "mask"]
        if len(self.table.chosen) == 1 and masks:
            from XRayAILib.scene import segmentation

            nodes = sitting.nodes
            assert nodes is not None
            sitting.tools.select_mask(segmentation.segment_of(nodes.segmentation, masks[0].id))
        self.tick()

    def on_picked(self, object_id: str) -> None:
        """Somebody took hold of an object in the view."""
        self.table.choose([object_id])
        self._highlight()
        self._show_buttons()

    def on_segment(self, _segment_id: str) -> None:
        """Another segment was chosen in the Segment Editor."""
        sitting = self.sitting
        object_id = self._edited(sitting) if sitting is not None else ""
        if object_id and object_id not in {item.id for item in self.table.chosen}:
            self.table.choose([object_id])
            self._highlight()

    def on_toggled(self, column: int, object_id: str) -> None:
        item = next(item for item in self.table.objects if item.id == object_id)
        if column == EYE:
            self._set([item], visible=not item.visible)
        else:
            self._set([item], locked=not item.locked)

    def on_hide(self, _checked: bool = False) -> None:
        chosen = self.table.chosen
        self._set(chosen, visible=not any(item.visible for item in chosen))

    def on_lock(self, _checked: bool = False) -> None:
        chosen = self.table.chosen
        self._set(chosen, locked=not all(item.locked for item in chosen))

    def on_zoom(self, _checked: bool = False) -> None:
        from XRayAILib.findings.measures import extent
        from XRayAILib.scene import objects

        places = [place for place in map(extent, self._chosen_objects()) if place is not None]
        if self.sitting is not None and places:
            left, top, right, bottom = zip(*places, strict=True)
            canvas = self.sitting.canvas
            objects.show_large(canvas.host, canvas.volume_node, (min(left), min(top), max(right), max(bottom)))

    def on_delete(self, _checked: bool = False) -> None:
        free = self._free()
        if free:
            self._change(lambda findings: findings.without(free))

    def on_relabel(self, _checked: bool = False) -> None:
        from XRayAILib.workflow.object_edits import other_labels

        findings = self.sitting.drawn.findings if self.sitting is not None else None
        labels = other_labels(findings, self._free(), self.sitting.canvas.schema) if findings is not None else []
        if not labels:
            self._say(_("No other label of the schema is drawn with this tool."))
            return
        self._menu = qt.QMenu()
        self._menu.objectName = "relabelMenu"
        for number, label in enumerate(labels, 1):
            title = label.title.replace("&", "&&")
            action = self._menu.addAction(f"&{number}  {title}" if number < 10 else title)
            action.setIcon(swatch(label.color))
            action.triggered.connect(self._relabeller(label))
        button = self.ui.relabelButton
        self._menu.popup(button.mapToGlobal(button.rect.bottomLeft()))

    def on_next(self) -> None:
        self.table.step(1)

    def on_previous(self) -> None:
        self.table.step(-1)

    def on_attribute(self, name: str, answer: str) -> None:
        """An attribute of the objects chosen was answered."""
        from XRayAILib.workflow.object_edits import answered

        label = self._label(self.table.chosen[0].label) if self.table.chosen else None
        if label is None:
            return
        chosen = {item.id for item in self.table.chosen}
        self._change(lambda findings: answered(findings, chosen, label, name, answer))
        if self.ui.sameAnswersCheckBox.checked:
            self._same[label.name] = self._chosen_objects()[0].attributes
        else:
            self._same.pop(label.name, None)

    # Within ---------------------------------------------------------------------------------------------------------

    def _why_closed(self) -> str:
        """Why nothing of the image may be changed, such as a reading that was submitted; empty where it may."""
        return self.sitting.session.locked if self.sitting is not None else ""

    def _say(self, message: str) -> None:
        text = f'<span style="color:{ink(_FAILED)}">{escape(message)}</span>'
        if self.ui.objectMessageLabel.text != text:
            self.ui.objectMessageLabel.text = text
        self.ui.objectMessageLabel.visible = bool(message)

    def _change(self, change: Callable[[Findings], Findings]) -> None:
        sitting = self.sitting
        if sitting is None or self._why_closed():
            self._say(self._why_closed())
            return
        self._say("")
        with telling(_("The objects cannot be changed.")):
            sitting.drawn.look(at_once=True)
            assert sitting.drawn.findings is not None
            sitting.drawn.replace(change(sitting.drawn.findings))
        self.panel.showState()

    def _set(self, items: Any, visible: bool | None = None, locked: bool | None = None) -> None:
        from XRayAILib.scene import objects

        sitting = self.sitting
        if sitting is None or sitting.nodes is None:
            return
        if locked is not None and self._why_closed():
            self._say(self._why_closed())
            return
        for item in items:
            if visible is not None:
                objects.set_visible(sitting.canvas.host, sitting.nodes, item.id, visible)
            if locked is not None:
                objects.set_locked(sitting.canvas.host, sitting.nodes, item.id, locked)
        self.tick()

    def _highlight(self) -> None:
        from XRayAILib.scene import landmarks, shapes

        sitting = self.sitting
        if sitting is None or sitting.nodes is None:
            return
        nodes, canvas = sitting.nodes, sitting.canvas
        chosen = {item.id for item in self.table.chosen}
        with canvas.quietly():
            for shape in nodes.shapes:
                object_id = shapes.object_id(shape)
                if object_id in chosen | self._lit:
                    shapes.set_highlighted(canvas.host, shape, canvas.volume_node, canvas.schema, object_id in chosen)
        self._lit = chosen
        points = nodes.landmarks
        indices = [landmarks.index_of(points, object_id) for object_id in chosen]
        active = next((index for index in indices if index is not None), -1)
        points.GetDisplayNode().SetActiveControlPoint(active)

    def _chosen_objects(self) -> list[FindingObject]:
        findings = self.sitting.drawn.findings if self.sitting is not None else None
        chosen = {item.id for item in self.table.chosen}
        return [item for item in findings or () if item.id in chosen]

    def _label(self, name: str) -> Label | None:
        schema = self.sitting.canvas.schema if self.sitting is not None else ()
        return next((label for label in schema if label.name == name), None)

    def _free(self) -> set[str]:
        """Ids of the objects chosen that are not locked."""
        return {item.id for item in self.table.chosen if not item.locked}

    def _relabeller(self, label: Label) -> Callable[..., None]:
        from XRayAILib.workflow.object_edits import relabelled

        free = self._free()
        return lambda _checked=False: self._change(lambda findings: relabelled(findings, free, label))

    def _edited(self, sitting: Sitting) -> str:
        """Id of the mask that the Segment Editor draws on; empty where it is none yet."""
        from XRayAILib.scene import segmentation

        nodes, segment_id = sitting.nodes, self.ui.editor.currentSegmentID()
        return segmentation.object_of(nodes.segmentation, segment_id) if nodes is not None and segment_id else ""
