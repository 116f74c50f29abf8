"""A desktop 3D Slicer for tests: the Qt side on PySide6, on top of the real MRML core.

Use::

    desktop = desktop_double.install()                    # or the pytest fixture ``desktop``
    panel = desktop.open_module("XRayAI/XRayAI.py")       # setup() and enter() have run; panel.ui, panel.logic, ...
    desktop.answer(path="/data/radiographs", yes=True)    # before a click that opens a dialog
    panel.ui.addFolderButton.click()
    desktop.process_events(until=lambda: panel.ui.table.rowCount == 3, timeout=10)
    assert [m.text for m in desktop.messages if m.kind == "error"] == []
    desktop.screenshot(panel, "panel.png", (460, 900))
    desktop.uninstall()

Meanwhile ``import qt, ctk, slicer``, ``slicer.app``, ``slicer.modules``, ``slicer.util``, ``slicer.i18n``,
``slicer.ScriptedLoadableModule`` and ``slicer.parameterNodeWrapper`` work as in the desktop; ``slicer.util`` is
Slicer's own file out of the slicer-core package. Qt properties are attributes (``button.text = "Train"``), signals
connect by ``button.clicked.connect(f)`` only. ``.ui`` files load with Slicer's custom widgets.

It is strict: a name that 3D Slicer does not have (``names.json``, seen in a running one) fails with AttributeError on
modules, widgets and application objects, when read and when set; so does a property in a ``.ui`` file. An exception
that leaves a slot reaches the test, unless a dialog has shown it. ``check_names(path)`` finds names that Slicer does
not have in a panel's source without running it.
"""

from desktop_double.desktop import Desktop, install
from desktop_double.dialogs import Message, UnansweredDialog
from desktop_double.source_check import check_names

__all__ = ["Desktop", "Message", "UnansweredDialog", "check_names", "install"]
