"""Millimetres: what a length is worth, and a person's calibration on a known length."""

from pathlib import Path

import pytest
from pydicom import Dataset

from XRayAILib.dicom.spacing import Spacing, SpacingSource, read_spacing
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project

DETECTOR = Spacing(0.2, 0.1, SpacingSource.DETECTOR, magnification=1.25)


@pytest.fixture
def project(tmp_path: Path, real_crs: list[Path]):
    with Project.create(tmp_path / "project") as project:
        take_in(project, real_crs)
        yield project


def test_every_length_says_what_its_unit_is_worth() -> None:
    assert str(DETECTOR.length((0, 0), (100, 0))) == "10.0 mm (detector plane)"
    assert str(DETECTOR.length((0, 0), (0, 100))) == "20.0 mm (detector plane)"
    assert str(Spacing(0.1, 0.1, SpacingSource.CALIBRATED).length((0, 0), (30, 40))) == "5.0 mm (calibrated)"
    assert str(Spacing.unknown().length((0, 0), (30, 40))) == "50 px"
    assert str(DETECTOR.length((0, 0), (100, 0), (100, 50))) == "20.0 mm (detector plane)"


def test_areas_too() -> None:
    assert str(DETECTOR.area(1000)) == "20.0 mm² (detector plane)"
    assert str(Spacing.unknown().area(1000)) == "1000 px²"


@pytest.mark.parametrize("side", ["1e300", "1e-9", "1200"])
def test_a_spacing_that_no_detector_has_is_unknown(side: str) -> None:
    dataset = Dataset()
    dataset.PixelSpacing = dataset.ImagerPixelSpacing = [side, side]
    spacing, notes = read_spacing(dataset)
    assert not spacing.known and len(notes) == 2 and all("which no detector has" in note for note in notes)


def test_a_length_in_the_patient_is_only_given_where_the_file_knows_the_magnification_and_says_so() -> None:
    length = DETECTOR.length((0, 0), (100, 0))
    assert length.in_patient == "8.0 mm (in the patient, by the file's magnification)"
    assert DETECTOR.area(1000).in_patient.startswith("12.8 mm²")
    assert Spacing(0.2, 0.1, SpacingSource.DETECTOR).length((0, 0), (9, 9)).in_patient == ""
    assert Spacing.unknown().length((0, 0), (9, 9)).in_patient == ""


def test_a_known_length_calibrates_and_pixels_keep_their_shape() -> None:
    spacing = DETECTOR.calibrated((10, 10), (110, 10), 8.0)
    assert spacing.source is SpacingSource.CALIBRATED
    assert spacing.length((10, 10), (110, 10)).value == pytest.approx(8.0)
    assert spacing.row / spacing.column == pytest.approx(2.0)
    assert spacing.magnification is None  # it is in the plane of the object that was measured


@pytest.mark.parametrize("millimetres", [0.0, -3.0, float("nan"), float("inf")])
def test_a_length_that_is_none_is_refused(millimetres: float) -> None:
    with pytest.raises(ValueError, match="more than 0 mm"):
        DETECTOR.calibrated((0, 0), (100, 0), millimetres)


def test_a_line_too_short_to_measure_by_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        DETECTOR.calibrated((0, 0), (9, 0), 5.0)


def test_a_calibration_is_kept_with_who_and_when_and_counts_from_then_on(project: Project) -> None:
    uid = project.images()[0].uid
    before = project.header(uid).spacing
    project.calibrate(uid, (0.0, 0.0), (12.0, 0.0), 24.0, "ruler", who="anna")
    assert project.header(uid).spacing.source is SpacingSource.CALIBRATED
    assert project.radiograph(uid).spacing.column == pytest.approx(2.0)
    (entry,) = project.calibrations.of(uid)
    assert (entry.who, entry.what, entry.millimetres, entry.end) == ("anna", "ruler", 24.0, (12.0, 0.0))
    assert entry.time.endswith("+00:00")
    project.take_calibration_back(uid, who="ben")
    assert project.header(uid).spacing == before
    assert [row.who for row in project.calibrations.of(uid)] == ["ben", "anna"]


def test_a_second_calibration_starts_from_the_file_not_from_the_first(project: Project) -> None:
    uid = project.images()[0].uid
    project.calibrate(uid, (0.0, 0.0), (12.0, 0.0), 24.0)
    project.calibrate(uid, (0.0, 0.0), (0.0, 12.0), 6.0)
    assert project.header(uid).spacing.length((0, 0), (0, 12)).value == pytest.approx(6.0)


def test_another_scan_does_not_undo_a_calibration(project: Project, real_crs: list[Path]) -> None:
    uid = project.images()[0].uid
    project.calibrate(uid, (0.0, 0.0), (12.0, 0.0), 24.0)
    project.note_files({str(path): (0, 0, "") for path in real_crs})  # all of them look changed
    take_in(project, real_crs)
    assert project.header(uid).spacing.source is SpacingSource.CALIBRATED
    assert uid in {image.uid for image in project.images(text="calibrated")}


def test_a_line_outside_the_image_is_refused_and_nothing_is_stored(project: Project) -> None:
    uid = project.images()[0].uid
    with pytest.raises(ProjectError, match="leaves the image"):
        project.calibrate(uid, (0.0, 0.0), (500.0, 0.0), 10.0)
    assert project.calibrations.of(uid) == []


def test_on_the_command_line(project: Project, capsys) -> None:
    from XRayAILib.apps.calibrate import LineError, calibrate_image

    uid = project.images()[0].uid
    calibrate_image(project.folder, uid, "0,0", "12,0", 24.0, "ruler", take_back=False)
    said = capsys.readouterr().out
    assert "32.0 mm (calibrated) wide" in said
    assert "24 mm on ruler" in said
    calibrate_image(project.folder, uid, "", "", 0.0, "", take_back=True)
    assert "taken back" in capsys.readouterr().out
    with pytest.raises(LineError, match="--to"):
        calibrate_image(project.folder, uid, "0,0", "12", 24.0, "", take_back=False)


# In the panel -------------------------------------------------------------------------------------------------------

MODULE = Path(__file__).resolve().parents[2] / "XRayAI" / "XRayAI.py"


@pytest.fixture
def panel(desktop, tmp_path: Path):
    from XRayAILib.phantom.collection import make_phantoms

    phantoms = make_phantoms(tmp_path / "phantoms", 2, seed=5, size=(160, 140))
    with Project.create(tmp_path / "project") as project:
        take_in(project, [phantoms[0].path.parent])
    panel = desktop.open_module(MODULE)
    desktop.answer(path=tmp_path / "project")
    panel.ui.openProjectButton.click()
    panel.ui.collectionTable.setCurrentCell(0, 0)
    return panel


def draw(panel, desktop, start: tuple[float, float], end: tuple[float, float]) -> None:
    from mouse import Mouse

    panel.calibration.own.rulerButton.click()
    Mouse(desktop.host, panel.desk.viewer.volume_node).click(start, end)


def test_a_line_drawn_in_the_view_says_its_length_and_what_it_is_worth(panel, desktop) -> None:
    from XRayAILib.scene import ruler

    spacing = panel.desk.browse.current.header.spacing
    draw(panel, desktop, (20, 40), (120, 40))
    line = ruler.find_ruler(desktop.host)
    start, end = ruler.ruler_ends(line, panel.desk.viewer.volume_node)
    assert start == pytest.approx((20, 40), abs=0.5)
    assert end == pytest.approx((120, 40), abs=0.5)
    assert line.GetName() == str(spacing.length(start, end))
    assert line.GetPropertiesLabelText() == "", "Slicer adds its own millimetres, whatever they are worth"
    assert line.GetName() in panel.calibration.own.drawnLabel.text


def test_calibrating_by_clicks(panel, desktop) -> None:
    from XRayAILib.scene import ruler

    own = panel.calibration.own
    assert not own.calibrateButton.enabled
    draw(panel, desktop, (20, 40), (120, 40))
    assert not own.calibrateButton.enabled, "the known length is still 0"
    own.lengthSpinBox.setValue(50)
    own.whatLineEdit.setText("ruler")
    own.calibrateButton.click()
    assert not [message.text for message in desktop.messages if message.kind == "error"]
    spacing = panel.desk.browse.current.header.spacing
    assert spacing.source is SpacingSource.CALIBRATED
    assert spacing.length((20, 40), (120, 40)).value == pytest.approx(50, abs=0.5)
    assert panel.desk.viewer.volume_node.GetSpacing()[0] == pytest.approx(spacing.column)
    assert ruler.find_ruler(desktop.host) is None
    assert "50 mm on ruler" in own.historyLabel.text
    assert own.spacingLabel.text.startswith("Calibrated")
    own.takeBackButton.click()
    assert own.spacingLabel.text.startswith("In the detector plane") or own.spacingLabel.text.startswith("Calibrated")
    assert "taken back" in own.historyLabel.text
    assert not own.takeBackButton.visible


def test_the_line_goes_with_its_image(panel, desktop) -> None:
    from XRayAILib.scene import ruler

    draw(panel, desktop, (20, 40), (120, 40))
    panel.ui.nextButton.click()
    assert ruler.find_ruler(desktop.host) is None
    assert panel.calibration.own.drawnLabel.text == "Measure, or calibrate by a known length."
