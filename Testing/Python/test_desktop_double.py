"""The double of desktop Slicer's Qt side: it has no name that 3D Slicer lacks, and behaves as PythonQt does."""

import sys
from pathlib import Path

import pytest

PANEL = """
import ctk
import qt
import slicer
from slicer.i18n import tr as _
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import *
from slicer.util import VTKObservationMixin
from typing import Annotated

@parameterNodeWrapper
class SmallParameterNode:
    volume: slicer.vtkMRMLScalarVolumeNode
    opacity: Annotated[float, WithinRange(0, 1)] = 0.5
    filled: bool = True

class Small(ScriptedLoadableModule):
    def __init__(self, parent):
        super().__init__(parent)
        parent.title = _("Small")

class SmallWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/Small.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = SmallLogic()
        self.ui.goButton.clicked.connect(self.onGo)

    def enter(self):
        self.parameters = SmallParameterNode(self.logic.getParameterNode())
        self.tag = self.parameters.connectGui(self.ui)

    def exit(self):
        self.parameters.disconnectGui(self.tag)

    def onGo(self):
        with slicer.util.tryWithErrorDisplay(_("It did not go."), waitCursor=True):
            if slicer.util.confirmYesNoDisplay(_("Go?")):
                self.logic.go(qt.QFileDialog.getExistingDirectory(None, "Folder"))

class SmallLogic(ScriptedLoadableModuleLogic):
    def go(self, folder):
        raise ValueError(f"{folder} is empty")
"""

UI = """<ui version="4.0"><class>Small</class><widget class="qMRMLWidget" name="Small">
 <layout class="QVBoxLayout" name="all">
  <item><widget class="ctkCollapsibleButton" name="inputs"><property name="text"><string>Inputs</string></property>
   <layout class="QFormLayout" name="form">
    <item row="0" column="0"><widget class="QLabel" name="label">
     <property name="text"><string>Volume</string></property></widget></item>
    <item row="0" column="1"><widget class="qMRMLNodeComboBox" name="selector">
     <property name="nodeTypes"><stringlist><string>vtkMRMLScalarVolumeNode</string></stringlist></property>
     <property name="SlicerParameterName" stdset="0"><string>volume</string></property></widget></item>
    <item row="1" column="1"><widget class="ctkSliderWidget" name="opacity">
     <property name="SlicerParameterName" stdset="0"><string>opacity</string></property></widget></item>
    <item row="2" column="1"><widget class="QCheckBox" name="filled">
     <property name="SlicerParameterName" stdset="0"><string>filled</string></property></widget></item>
   </layout></widget></item>
  <item><widget class="QPushButton" name="goButton">
   <property name="text"><string>Go</string></property></widget></item>
  <item><spacer name="space"><property name="orientation"><enum>Qt::Vertical</enum></property></spacer></item>
 </layout></widget>
 <connections><connection><sender>Small</sender><signal>mrmlSceneChanged(vtkMRMLScene*)</signal>
  <receiver>selector</receiver><slot>setMRMLScene(vtkMRMLScene*)</slot></connection></connections>
</ui>"""


@pytest.fixture
def small(desktop, tmp_path: Path):
    """A panel as Slicer's template makes them."""
    (tmp_path / "Resources" / "UI").mkdir(parents=True)
    (tmp_path / "Resources" / "UI" / "Small.ui").write_text(UI)
    (tmp_path / "Small.py").write_text(PANEL)
    return desktop.open_module(tmp_path / "Small.py")


def test_panel_binds_its_widgets_to_the_scene(desktop, small) -> None:
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "radiograph")
    assert small.ui.selector.currentNode() is volume
    assert small.parameters.volume is volume

    small.ui.opacity.value = 0.25
    small.ui.filled.checked = False
    assert (small.parameters.opacity, small.parameters.filled) == (0.25, False)
    small.parameters.opacity = 0.75
    assert small.ui.opacity.value == 0.75
    with pytest.raises(ValueError):
        small.parameters.opacity = 2.0

    small.parent.exit()
    small.ui.opacity.value = 0.1
    assert small.parameters.opacity == 0.75


def test_dialogs_are_answered_and_recorded(desktop, small) -> None:
    desktop.answer(yes=True, path="/some/folder")
    small.ui.goButton.click()
    assert [message.kind for message in desktop.messages] == ["question", "file", "error"]
    assert desktop.messages[-1].text == "It did not go.\n\n/some/folder is empty"
    desktop.process_events()


def test_an_unanswered_dialog_fails_the_test(desktop, small) -> None:
    small.ui.goButton.click()
    assert "desktop.answer(yes=...)" in desktop.messages[-1].text


def test_an_exception_in_a_slot_reaches_the_test(desktop, small) -> None:
    small.ui.filled.toggled.connect(lambda on: small.no_such_thing)
    small.ui.filled.checked = not small.ui.filled.checked
    with pytest.raises(RuntimeError, match="no_such_thing"):
        desktop.process_events()


def test_a_section_folds_and_opens(desktop, small) -> None:
    small.parent.show()
    desktop.process_events()
    assert small.ui.opacity.visible
    small.ui.inputs.collapsed = True
    assert not small.ui.opacity.visible
    small.ui.inputs.collapsed = False
    assert small.ui.opacity.visible


def test_screenshot_shows_the_panel(desktop, small, tmp_path: Path) -> None:
    from PIL import Image

    picture = Image.open(desktop.screenshot(small, tmp_path / "panel.png", (400, 300)))
    assert picture.size == (400, 300)
    assert len(picture.convert("L").getcolors()) > 20


@pytest.mark.parametrize(
    "use",
    [
        "qt.QNoSuchWidget",
        "qt.QFormLayout().setRowVisible",
        "qt.Qt.NoSuchFlag",
        "qt.QPushButton('Go').label",
        "setattr(qt.QPushButton('Go'), 'label', 'x')",
        "setattr(qt.QLabel(), 'tooltip', 'x')",
        "qt.QPixmap(4, 4).deviceIndependentSize",
        "qt.QColor.fromString",
        "qt.QListWidgetItem('x').label",
        "setattr(qt.QListWidgetItem('x'), 'text', 'y')",
        "setattr(qt.QPixmap(4, 4), 'width', 3)",
        "ctk.ctkNoSuchWidget",
        "ctk.ctkSliderWidget().setMaximum",
        "slicer.loadUI",
        "slicer.app.noSuchThing",
        "slicer.app.layoutManager().noSuchThing",
        "slicer.app.layoutManager().sliceWidget('Red').noSuchThing",
        "slicer.app.layoutManager().sliceWidget('Red').sliceView().noSuchThing",
        "slicer.modules.nosuchmodule",
        "slicer.dicomDatabase.noSuchThing",
        "slicer.packaging.noSuchThing",
        "slicer.parameterNodeWrapper.NoSuchThing",
    ],
)
def test_a_name_that_slicer_does_not_have_fails(desktop, use: str) -> None:
    import ctk
    import qt
    import slicer

    with pytest.raises(AttributeError):
        eval(use, {"ctk": ctk, "qt": qt, "slicer": slicer, "setattr": setattr})  # noqa: S307


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (UI.replace("ctkSliderWidget", "ctkNoSuchSlider"), "ctkNoSuchSlider"),
        (UI.replace('name="nodeTypes"', 'name="nodeKinds"'), "nodeKinds"),
        (UI.replace('"text"><string>Go<', '"setText"><string>Go<'), "setText"),
        (UI.replace("setMRMLScene(", "setScene("), "setScene"),
    ],
)
def test_a_ui_file_with_a_wrong_name_fails(desktop, tmp_path: Path, broken: str, says: str) -> None:
    import slicer

    (tmp_path / "Broken.ui").write_text(broken)
    with pytest.raises(AttributeError, match=says):
        slicer.util.loadUI(str(tmp_path / "Broken.ui"))


def test_qt_properties_are_attributes_as_in_pythonqt(desktop) -> None:
    import qt

    button = qt.QPushButton("Go")
    button.checkable = True
    button.setText("Stop")
    assert (button.text, button.checked, button.isChecked(), button.name) == ("Stop", False, False, "")
    button.text = None
    assert button.text == "None"
    with pytest.raises(TypeError):
        button.text()
    with pytest.raises(TypeError):
        button.connect("clicked(bool)", print)


def test_calls_that_pyside_takes_and_pythonqt_does_not_fail(desktop) -> None:
    import qt

    box = qt.QComboBox()
    box.addItem("a", Path("a"))
    box.addItem("b", "b")
    assert box.findData("b") == 1 and box.findData(None) == -1
    with pytest.raises(TypeError, match="Path"):
        box.findData(Path("a"))
    with pytest.raises(ValueError, match="openUrl"):
        qt.QDesktopServices.openUrl("file:///a.html")
    assert qt.QDesktopServices.openUrl(qt.QUrl.fromLocalFile("/a.html"))
    picture = qt.QPixmap(8, 4)
    assert (picture.width(), picture.scaledToWidth(4, qt.Qt.SmoothTransformation).height()) == (4 * 2, 2)


def own_names(cls: type) -> set[str]:
    """Public names that classes of the double define, wherever in the inheritance."""
    mine = [base for base in cls.__mro__ if base.__module__.startswith("desktop_double")]
    return {name for base in mine for name in vars(base) if not name.startswith("_")} - {"staticMetaObject"}


def test_every_widget_has_only_names_of_the_real_one(desktop) -> None:
    from desktop_double import names
    from desktop_double.ui_files import custom_widgets

    widgets = custom_widgets()
    assert len(widgets) > 15
    wrong = {name: own_names(cls) - (names.of_class(name) or set()) for name, cls in widgets.items()}
    assert {name: extra for name, extra in wrong.items() if extra} == {}


def test_every_object_has_only_names_of_the_real_one(desktop) -> None:
    import slicer

    from desktop_double import application, dicom_database, effects, names, scripted_module, views

    def public(instance: object) -> set[str]:
        return own_names(type(instance)) | {name for name in vars(instance) if not name.startswith("_")}

    red = slicer.app.layoutManager().sliceWidget("Red")
    pairs = [
        (public(slicer.app), names.of_module("app")),
        (public(slicer.app.layoutManager()), names.of_object("layoutManager")),
        (public(red), names.of_object("sliceWidget")),
        (public(red.sliceView()), names.of_object("sliceView")),
        (public(red.sliceController()), names.of_object("sliceController")),
        (public(slicer.app.moduleManager()), names.of_object("moduleManager")),
        (public(slicer.dicomDatabase), names.of_object("dicomDatabase")),
        (public(effects.Effect()), names.of_class("qSlicerSegmentEditorScriptedEffect")),
        (own_names(effects.EffectFactory), names.of_object("segmentEditorEffectFactory")),
        (own_names(application.LoadedModule) | {"name"}, names.of_class("qSlicerAbstractModule")),
        (public(scripted_module.ModuleDescription(Path("x.py"))), names.of_class("qSlicerScriptedLoadableModule")),
        ({"DICOMLoadable", "DICOMPlugin"} & set(vars(dicom_database)), {"DICOMLoadable", "DICOMPlugin"}),
        (set(vars(slicer.modules)), names.of_module("modules")),
        (set(vars(views)) & {"qt"}, set()),
    ]
    assert [mine - set(real or ()) for mine, real in pairs] == [set()] * len(pairs)


def test_every_module_has_only_names_of_the_real_one(desktop) -> None:
    import ctk
    import qt
    import slicer

    from desktop_double import names

    def public(module: object) -> set[str]:
        return {name for name in vars(module) if not name.startswith("_")}

    assert public(qt) <= names.of_module("qt")
    assert public(ctk) <= names.of_module("ctk")
    assert public(slicer.parameterNodeWrapper) <= names.of_module("parameterNodeWrapper")
    assert public(slicer.packaging) <= names.of_module("packaging")
    submodules = {"packaging", "i18n", "ScriptedLoadableModule"}
    of_slicer = {name for name in public(slicer) if not name.startswith("vtk")}
    assert of_slicer - names.of_module("slicer") - submodules == set()
    for name, real in names.seen()["ScriptedLoadableModule"].items():
        assert own_names(getattr(slicer.ScriptedLoadableModule, name)) - set(real) <= {"messageDelay"}


def test_check_names_finds_what_slicer_does_not_have(small, tmp_path: Path) -> None:
    from desktop_double import check_names

    panel = tmp_path / "Small.py"
    assert check_names(panel) == []
    wrong = """
        self.ui.goButton.txt = "x"
        self.ui.nothing.text = "x"
        self.ui.filled.checkStateChanged.connect(print)
        self.timer = qt.QTimer()
        self.timer.begin()
        slicer.util.showError("x")
        self.ui.goButton.connect("clicked()", self.onGo)
        slicer.modules.nosuchmodule.logic()
        qt.Qt.NoSuchFlag
        _(f"{self} images")
"""
    panel.write_text(PANEL.replace("        self.logic = SmallLogic()\n", wrong))
    found = "\n".join(check_names(panel))
    for name in (
        "txt",
        "checkStateChanged",
        "nothing",
        "begin",
        "showError",
        "clicked.connect(f)",
        "nosuchmodule",
        "NoSuchFlag",
        "f-string",
    ):
        assert name in found
    assert len(found.splitlines()) == 9


def test_a_scripted_effect_paints_into_its_segment(desktop, tmp_path: Path) -> None:
    import numpy as np
    import qSlicerSegmentationsEditorEffectsPythonQt as effects
    import slicer
    import vtk

    (tmp_path / "FillLib").mkdir()
    source = tmp_path / "FillLib" / "FillEffect.py"
    source.write_text(
        "import slicer, qt\n"
        "from SegmentEditorEffects import *\n"
        "class FillEffect(AbstractScriptedSegmentEditorEffect):\n"
        "    def __init__(self, scriptedEffect):\n"
        "        super().__init__(scriptedEffect)\n"
        "        scriptedEffect.name = scriptedEffect.title = 'Fill'\n"
        "    def clone(self):\n"
        "        import qSlicerSegmentationsEditorEffectsPythonQt as effects\n"
        "        clone = effects.qSlicerSegmentEditorScriptedEffect(None)\n"
        f"        clone.setPythonSource({source.as_posix()!r})\n"
        "        return clone\n"
        "    def setupOptionsFrame(self):\n"
        "        self.button = qt.QPushButton('Fill')\n"
        "        self.scriptedEffect.addOptionsWidget(self.button)\n"
        "        self.button.clicked.connect(self.onFill)\n"
        "    def onFill(self):\n"
        "        self.scriptedEffect.saveStateForUndo()\n"
        "        image = self.scriptedEffect.defaultModifierLabelmap()\n"
        "        image.GetPointData().GetScalars().Fill(1)\n"
        "        self.scriptedEffect.modifySelectedSegmentByLabelmap(image, self.scriptedEffect.ModificationModeSet)\n"
    )
    effect = effects.qSlicerSegmentEditorScriptedEffect(None)
    effect.setPythonSource(source.as_posix())
    effect.self().register()

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    image = vtk.vtkImageData()
    image.SetDimensions(30, 20, 1)
    image.AllocateScalars(vtk.VTK_SHORT, 1)
    volume.SetAndObserveImageData(image)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    editor = slicer.qMRMLSegmentEditorWidget()
    editor.setMRMLScene(slicer.mrmlScene)
    editor.setMRMLSegmentEditorNode(slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentEditorNode"))
    editor.setSegmentationNode(segmentation)
    editor.setSourceVolumeNode(volume)
    editor.setCurrentSegmentID(segmentation.GetSegmentation().AddEmptySegment("lung"))
    editor.setActiveEffectByName("Fill")
    assert editor.activeEffect().name == "Fill"

    editor.activeEffect().self().button.click()
    filled = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "lung", volume)
    assert filled.shape == (1, 20, 30) and np.all(filled == 1)
    editor.undo()
    assert slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, "lung", volume).sum() == 0
    editor.setActiveEffect(None)
    assert editor.activeEffect() is None


def test_a_child_process_tells_lines_and_end(desktop) -> None:
    import slicer

    lines, ends = [], []
    slicer.util.launchConsoleProcess(
        [sys.executable, "-c", "print('one'); print('two'); raise SystemExit(3)"],
        blocking=False,
        logCallback=lines.append,
        completedCallback=ends.append,
    )
    desktop.process_events(until=lambda: ends, timeout=30)
    assert (lines, ends) == (["one", "two"], [3])


def test_everything_is_put_back(desktop_host) -> None:
    if "slicer" in sys.modules and hasattr(sys.modules["slicer"], "app"):
        pytest.skip("inside 3D Slicer its own Qt is there")
    import slicer
    from PySide6.QtWidgets import QApplication, QPushButton

    import desktop_double

    before, functions = set(vars(slicer)), dict(vars(slicer.util))
    desktop = desktop_double.install(desktop_host)
    assert "qt" in sys.modules and hasattr(slicer, "app")
    desktop.uninstall()
    assert "qt" not in sys.modules and "ctk" not in sys.modules and not hasattr(slicer, "app")
    assert set(vars(slicer)) == before and dict(vars(slicer.util)) == functions
    assert QApplication.instance() is not None and QPushButton("Go").text() == "Go"
