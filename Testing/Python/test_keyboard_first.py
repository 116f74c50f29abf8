"""A chest image is labelled with keys and with clicks in the image, without a click in the panel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from annotate_clicks import ANNA
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.objects import Box, ImageLabel, Polygon
from XRayAILib.findings.schema import Label, LabelSchema, Tool

pytest_plugins = ["annotate_desk"]

RIGHT = [(40, 60), (80, 50), (95, 120), (80, 180), (35, 170)]
LEFT = [(130, 50), (170, 60), (185, 170), (140, 180), (125, 120)]


@pytest.fixture
def project_folder(project_folder):
    """Lungs as polygons, and keys for what is said of the image."""
    keys = {"view": "v", "catheter": "c"}
    labels = [replace(label, hotkey=keys.get(label.name, label.hotkey)) for label in chest_schema()]
    labels = [replace(label, tool=Tool.POLYGON) if label.name.endswith("_lung") else label for label in labels]
    labels.append(Label("pneumonia", "Pneumonia", Tool.IMAGE, "#b0bec5", hotkey="p"))
    LabelSchema("chest", tuple(labels)).write(project_folder / "schema.yaml")
    return project_folder


@pytest.fixture
def keyboard(slicer_with_modules, panel):
    """Presses keys as a person does whose mouse is over the image: the shortcuts of Slicer's window hear them."""
    import qt
    import slicer
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QApplication

    def press(*keys: str) -> None:
        for key in keys:
            menu = QApplication.activePopupWidget()
            if menu is not None:
                QTest.keyClick(menu, key)
                continue
            wanted = qt.QKeySequence(key).toString()
            found = [s for s in slicer.util.mainWindow().findChildren(qt.QShortcut) if s.key.toString() == wanted]
            (shortcut,) = [s for s in found if s.enabled]  # Qt obeys neither of two on one key
            shortcut.activated.emit()
        slicer_with_modules.process_events()

    return press


def outline(mouse, points) -> None:
    mouse.click(*points[:-1])
    mouse.double_click(*points[-1])


def test_two_lungs_a_box_and_a_class_without_leaving_the_image(panel, mouse, keyboard):
    first = panel.sitting.session.image.uid
    keyboard("1")
    outline(mouse, RIGHT)
    panel.onTick()
    keyboard("2")
    outline(mouse, LEFT)
    panel.onTick()
    keyboard("6")
    mouse.click((50, 100), (70, 125))
    panel.onTick()
    keyboard("v", "1")
    keyboard("p")
    panel.onTick()
    keyboard_next(panel)
    saved = panel.sitting.session.project.findings(first, ANNA.key)
    assert {lung.label for lung in saved.of(Polygon)} == {"right_lung", "left_lung"}
    (right,) = saved.of(Polygon, "right_lung")
    assert np.allclose(right.points, RIGHT, atol=0.5) and len(saved.of(Box, "nodule")) == 1
    assert [(a.label, a.value) for a in saved.of(ImageLabel)] == [("view", "PA"), ("pneumonia", "yes")]
    assert panel.sitting.session.image.uid != first


def keyboard_next(panel) -> None:
    """The key of a button is the button's own shortcut (Alt+N)."""
    assert panel.ui.nextButton.shortcut.toString() == "Alt+N"
    panel.ui.nextButton.clicked.emit()


def test_a_mistake_is_taken_back_and_an_object_deleted_by_keys(panel, mouse, keyboard):
    keyboard("6")
    mouse.click((50, 100), (70, 125))
    panel.onTick()
    keyboard("6")
    mouse.click((90, 100), (120, 125))
    panel.onTick()
    keyboard("Ctrl+Z")
    assert len(panel.sitting.session.drawn().of(Box)) == 1
    keyboard("Ctrl+Shift+Z", "Ctrl+Down", "Ctrl+Del")
    (left,) = panel.sitting.session.drawn().of(Box)
    assert left.x0 == pytest.approx(90, abs=0.5)
    keyboard("v", "2")
    panel.onTick()
    keyboard("Ctrl+Z")
    assert panel.sitting.session.answers("view") == () and panel.sitting.session.drawn().of(Box) == [left]


def test_a_key_turns_over_what_is_yes_or_unsaid(panel, keyboard):
    keyboard("p")
    assert panel.sitting.session.answers("pneumonia") == ("yes",)
    keyboard("p")
    assert panel.sitting.session.answers("pneumonia") == ()


def test_the_keys_are_listed(panel, keyboard):
    keyboard("F1")
    text = next(part for part in panel.parts if type(part).__name__ == "KeysPart")._text.toPlainText()
    for said in ("Right lung", "Pneumonia", "Ctrl+Shift+Z", "Alt+N", "Alt+2", "In the table of objects: delete"):
        assert said in text
    assert not set(keys_of(panel)) - {key for part in panel.parts for key in part.key_texts()}


def keys_of(panel) -> list[str]:
    return [key for part in panel.parts for key in dict(part.keys())]


def test_no_key_is_taken_twice(panel):
    """A key of two parts would let only one of them have it."""
    taken = keys_of(panel)
    assert len(taken) == len(set(taken))
