"""The section Collection of the panel, by clicks: filters, order, pages, pictures, and what is dropped on it."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from XRayAILib.dicom.radiograph import read_header
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.project import Project
from XRayAILib.workflow import browse as browse_module

MODULE = Path(__file__).resolve().parents[2] / "XRayAI" / "XRayAI.py"
MAKERS = ("Acme, Inc.", "R&D Systems", "")


@pytest.fixture(scope="module")
def radiographs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("radiographs")
    make_phantoms(folder, 12, seed=3, size=(128, 112))
    return folder


@pytest.fixture
def panel(desktop, radiographs, tmp_path):
    """The panel with twelve radiographs of three manufacturers, one of them marked by a check."""
    with Project.create(tmp_path / "project") as project:
        headers = [header for path in sorted(radiographs.rglob("*.dcm")) for header in read_header(path)]
        project.add(
            replace(header, manufacturer=MAKERS[n % 3], station=f"ROOM{n % 2}") for n, header in enumerate(headers)
        )
        with sqlite3.connect(project.folder / "project.db") as database:
            database.execute("INSERT INTO marks VALUES (?, 'polarity', 'error', 'bones are dark')", (headers[4].uid,))
        database.close()
    panel = desktop.open_module(MODULE)
    desktop.answer(path=tmp_path / "project")
    panel.ui.openProjectButton.click()
    return panel


def offered(panel, column: str) -> dict[str, object]:
    """What the menu of a column offers when it is opened: text -> action."""
    menu = panel.collection.filters.menus[column]
    menu.aboutToShow.emit()
    return {action.text: action for action in menu.actions()}


def shown(panel, column: int) -> list[str]:
    table = panel.ui.collectionTable
    return [table.item(row, column).text() for row in range(table.rowCount)]


def test_a_menu_says_how_many_radiographs_each_value_has(panel):
    assert list(offered(panel, "manufacturer")) == ["not given (4)", "Acme, Inc. (4)", "R&&D Systems (4)"]
    assert list(offered(panel, "station")) == ["ROOM0 (6)", "ROOM1 (6)"]
    assert list(offered(panel, "mark")) == ["Shown as a negative, by its content (1)"]
    assert next(iter(offered(panel, "body_part"))).startswith("CHEST")


def test_values_of_a_column_add_up_and_columns_narrow(panel):
    ui = panel.ui
    offered(panel, "manufacturer")["Acme, Inc. (4)"].trigger()
    assert ui.collectionTable.rowCount == 4 and ui.manufacturerFilterButton.text == "Manufacturer (1)"
    offered(panel, "manufacturer")["not given (4)"].trigger()
    assert ui.collectionTable.rowCount == 8 and ui.manufacturerFilterButton.toolTip == "Acme, Inc., not given"
    rooms = offered(panel, "station")
    assert sum(int(text.partition("(")[2][:-1]) for text in rooms) == 8
    next(iter(rooms.values())).trigger()
    assert ui.filterButton.text == "Filter (2)" and ui.collectionTable.rowCount < 8
    assert offered(panel, "manufacturer")["Acme, Inc. (2)"].isChecked()
    ui.clearFiltersButton.click()
    assert ui.collectionTable.rowCount == 12 and ui.filterButton.text == "Filter" and not ui.clearFiltersButton.enabled


def test_the_filters_take_no_room_until_they_are_asked_for(panel):
    assert panel.ui.filterWidget.isHidden()
    panel.ui.filterButton.click()
    assert not panel.ui.filterWidget.isHidden()


def test_dates_narrow_as_they_are_typed_and_say_what_is_no_date(panel):
    ui = panel.ui
    years = sorted(date[:4] for date in shown(panel, 1))
    ui.sinceLineEdit.text = years[5]
    assert ui.collectionTable.rowCount == sum(year >= years[5] for year in years)
    ui.untilLineEdit.text = "20"
    assert "yyyy" in ui.untilLineEdit.toolTip and ui.untilLineEdit.styleSheet
    panel.refresh()
    assert ui.untilLineEdit.text == "20"  # it is being typed
    ui.untilLineEdit.text = years[5]
    assert {date[:4] for date in shown(panel, 1)} == {years[5]} and not ui.untilLineEdit.styleSheet
    ui.clearFiltersButton.click()
    assert ui.sinceLineEdit.text == "" and ui.collectionTable.rowCount == 12


def test_a_click_on_a_title_sorts_and_the_next_one_turns_round(panel):
    import qt

    header = panel.ui.collectionTable.horizontalHeader()
    as_added = shown(panel, 0)
    header.sectionClicked.emit(1)
    dates = shown(panel, 1)
    assert dates == sorted(dates) and header.isSortIndicatorShown()
    header.sectionClicked.emit(1)
    assert shown(panel, 1) == dates[::-1] and header.sortIndicatorOrder() == qt.Qt.DescendingOrder
    panel.ui.nextButton.click()
    assert panel.desk.browse.current.header.study_date == dates[-1]
    header.sectionClicked.emit(1)
    assert shown(panel, 0) == as_added and not header.isSortIndicatorShown()


def test_a_large_collection_comes_in_pages(panel, monkeypatch):
    ui = panel.ui
    assert ui.nextPageButton.isHidden()
    monkeypatch.setattr(browse_module, "PAGE", 5)
    panel.refresh()
    assert ui.collectionTable.rowCount == 5 and ui.pageLabel.text == "1-5 of 12" and not ui.previousPageButton.enabled
    first = shown(panel, 1)
    ui.nextPageButton.click()
    ui.nextPageButton.click()
    assert ui.pageLabel.text == "11-12 of 12" and not ui.nextPageButton.enabled
    ui.collectionTable.setCurrentCell(1, 0)
    assert ui.countLabel.text == "12 of 12 radiographs"
    ui.previousPageButton.click()
    assert ui.countLabel.text == "12 radiographs" and ui.collectionTable.currentRow() == -1
    ui.previousPageButton.click()
    assert shown(panel, 1) == first


def test_what_a_check_found_is_marked(panel):
    marked = [row for row in range(12) if not panel.ui.collectionTable.item(row, 0).icon().isNull()]
    assert len(marked) == 1
    assert (
        "Shown as a negative, by its content: bones are dark" in panel.ui.collectionTable.item(marked[0], 0).toolTip()
    )


def test_pictures_come_by_themselves_and_are_chosen_like_rows(desktop, panel, tmp_path):
    ui, browse = panel.ui, panel.desk.browse
    Path(browse.project.header(browse.rows[3].uid).path).rename(tmp_path / "away")
    try:
        desktop.screenshot(panel, tmp_path / "table.png", (450, 1000))
        ui.picturesButton.click()
        assert ui.collectionTable.isHidden() and ui.galleryListWidget.count == 12
        desktop.screenshot(panel, tmp_path / "waiting.png", (450, 1000))
        desktop.process_events(until=lambda: not panel.timer.active, timeout=60)
        assert not browse.pictures.problem and all(browse.pictures.of(row.uid) for row in browse.rows)
        assert "It cannot be shown" in ui.galleryListWidget.item(3).toolTip()
        ui.galleryListWidget.setCurrentRow(5)
        assert browse.current.uid == browse.rows[5].uid
        ui.nextButton.click()
        assert ui.galleryListWidget.currentRow == 6
        desktop.screenshot(panel, tmp_path / "pictures.png", (450, 1000))
        ui.picturesButton.click()
        assert ui.collectionTable.currentRow() == 6 and ui.galleryListWidget.isHidden()
    finally:
        (tmp_path / "away").rename(browse.project.header(browse.rows[3].uid).path)


def test_pictures_are_drawn_where_the_panel_grows(desktop, panel, tmp_path):
    gallery = panel.ui.galleryListWidget
    gallery.setMaximumSize(120, 200)
    desktop.screenshot(panel, tmp_path / "narrow.png")
    panel.ui.picturesButton.click()
    blank = gallery.item(11).icon().cacheKey()
    desktop.process_events(until=lambda: not panel.timer.active, timeout=60)
    assert gallery.item(0).icon().cacheKey() != blank and gallery.item(11).icon().cacheKey() == blank
    gallery.setMaximumSize(800, 800)
    desktop.process_events(until=lambda: gallery.item(11).icon().cacheKey() != blank, timeout=5)


def test_who_stops_the_search_of_slicers_database_adds_nothing_and_is_asked_nothing(
    desktop, panel, real_crs, monkeypatch
):
    import qt
    import slicer

    dialog = qt.QProgressDialog()
    dialog.cancel()
    monkeypatch.setattr(slicer.util, "createProgressDialog", lambda **_: dialog)
    desktop.add_dicom(*real_crs)
    panel.ui.addDatabaseButton.click()
    assert not panel.is_working and panel.ui.collectionTable.rowCount == 12
    assert {message.kind for message in desktop.messages} <= {"file"}


def test_what_slicer_has_only_found_on_a_server_is_left_there(desktop, panel, real_crs):
    desktop.add_dicom(real_crs[0])
    desktop.add_dicom(*real_crs[1:], fetched=False)
    panel.ui.addDatabaseButton.click()
    desktop.process_events(until=lambda: not panel.is_working, timeout=60)
    assert panel.ui.scanLabel.text == "1 added"


def test_a_slicer_without_the_module_dicom_has_nothing_to_add(desktop, panel, monkeypatch):
    import slicer

    monkeypatch.delattr(slicer, "dicomDatabase")
    panel.ui.addDatabaseButton.click()
    assert "holds no radiographs" in desktop.messages[-1].text


def drop(desktop, widget, *paths: Path) -> bool:
    """Drag files over a widget and let go, as Qt tells it; whether the widget takes them."""
    from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
    from PySide6.QtGui import QDragEnterEvent, QDropEvent
    from PySide6.QtWidgets import QApplication

    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    actions = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    enter = QDragEnterEvent(QPointF(5, 5), actions, data, left, none)
    enter.ignore()
    QApplication.sendEvent(widget, enter)
    event = QDropEvent(QPointF(5, 5), actions, data, left, none)
    event.ignore()
    if enter.isAccepted():
        QApplication.sendEvent(widget, event)
        desktop.process_events()
    return enter.isAccepted() and event.isAccepted() and event.dropAction() == Qt.DropAction.CopyAction


def test_a_folder_dropped_on_the_panel_is_taken_in(desktop, panel, tmp_path):
    make_phantoms(tmp_path / "memory stick", 2, seed=9, size=(128, 112))
    for view in (panel.ui.collectionTable, panel.ui.galleryListWidget):
        assert not view.viewport().acceptDrops  # so what falls on them falls on the panel
    assert drop(desktop, panel.ui.XRayAI, tmp_path / "memory stick")
    desktop.process_events(until=lambda: not panel.is_working, timeout=60)
    assert panel.ui.collectionTable.rowCount == 14 and panel.ui.scanLabel.text.startswith("2 added")
    assert [message for message in desktop.messages if message.kind == "error"] == []


def test_a_drop_without_a_project_says_what_is_missing(desktop, radiographs):
    panel = desktop.open_module(MODULE)
    if panel.desk.browse.is_open:
        panel.desk.browse.close()
    assert drop(desktop, panel.ui.XRayAI, radiographs)
    assert "open or create one" in desktop.messages[-1].text


def test_what_is_no_file_is_left_to_slicer(desktop, panel):
    assert not drop(desktop, panel.ui.XRayAI)


def test_annotating_goes_through_what_the_filters_left_in_their_order(panel):
    offered(panel, "manufacturer")["Acme, Inc. (4)"].trigger()
    panel.ui.collectionTable.horizontalHeader().sectionClicked.emit(1)
    browse = panel.desk.browse
    browse.project.exclude(browse.rows[0].uid, "moved")
    assert browse.uids() == [row.uid for row in browse.rows[1:]]
