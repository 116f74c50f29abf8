"""Each rule of hygiene that looks at one image: a file that it marks, and the right one that it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import JPEG2000, JPEGBaseline8Bit, RLELossless

from XRayAILib.dicom import conformity
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.findings.chest import chest_schema
from XRayAILib.phantom.collection import make_phantoms
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.examination import Examination, examine
from XRayAILib.project.relations import Patients, Said, label_problems
from XRayAILib.project.rules import FILE, RULES, Action, read_actions, write_actions


@pytest.fixture(scope="module")
def right(tmp_path_factory) -> Path:
    """A file without any fault: a computed chest with a proper exposure."""
    folder = tmp_path_factory.mktemp("right")
    for count in range(1, 13):
        phantom = make_phantoms(folder, count, seed=3, size=(288, 256))[-1]
        examination = examine(phantom.path, text=False)
        if set(examination.marks) <= {"exposure"} and examination.chest > 0.5:
            dataset = pydicom.dcmread(phantom.path)
            dataset.ExposureIndex, dataset.TargetExposureIndex, dataset.DeviationIndex = "410", "400", "0.1"
            dataset.save_as(phantom.path)
            return phantom.path
    raise AssertionError("no phantom is without faults")


@pytest.fixture
def marks(right, tmp_path) -> Callable[..., dict[str, str]]:
    """The marks of the right file after a change."""

    def changed(change: Callable[[Dataset], object] | None = None, **values: object) -> dict[str, str]:
        dataset = pydicom.dcmread(right)
        for keyword, value in values.items():
            if value is None:
                delattr(dataset, keyword)
            else:
                setattr(dataset, keyword, value)
        if change is not None:
            change(dataset)
        dataset.save_as(tmp_path / "changed.dcm")
        return examine(tmp_path / "changed.dcm", text=False).marks

    return changed


def set_pixels(function: Callable[[np.ndarray], np.ndarray]) -> Callable[[Dataset], None]:
    """A change of the stored pixels."""

    def change(dataset: Dataset) -> None:
        stored = np.ascontiguousarray(function(dataset.pixel_array), np.uint16)
        dataset.Rows, dataset.Columns = stored.shape
        dataset.PixelData = stored.tobytes()

    return change


def test_the_right_file_has_no_mark(marks):
    assert marks() == {}


@pytest.mark.parametrize(
    ("values", "rule", "said"),
    [
        ({"PresentationIntentType": None}, "missing", "PresentationIntentType (type 1, C.8.11.1)"),
        ({"PatientOrientation": None, "ImageLaterality": ""}, "missing", "ImageLaterality (type 1, C.8.11.2)"),
        ({"WindowCenter": None, "WindowWidth": None}, "missing", "WindowCenter or VOILUTSequence (type 1C"),
        ({"PatientSex": None}, "missing", "PatientSex (type 2, C.7.1.1)"),
        ({"PatientID": ""}, "missing", "images of one patient cannot be kept in one part"),
        ({"Laterality": "L", "ImageLaterality": "R"}, "contradiction", "ImageLaterality is R, but Laterality L"),
        ({"HighBit": 15}, "contradiction", "HighBit is 15; with BitsStored"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "contradiction", "but the SOP class says FOR PRESENTATION"),
        ({"Modality": "CT"}, "contradiction", "the SOP class is for DX"),
        ({"PatientSex": "X"}, "contradiction", "not M, F or O"),
        ({"PatientBirthDate": "20990101"}, "contradiction", "StudyDate is before PatientBirthDate"),
        ({"PatientAge": "003Y"}, "contradiction", "PatientAge is 003Y"),
        ({"RescaleSlope": "0"}, "contradiction", "RescaleSlope is 0"),
        ({"WindowWidth": ["100", "200"]}, "contradiction", "WindowCenter has 1 values, WindowWidth 2"),
        ({"DeviationIndex": "2.5"}, "contradiction", "make 0.1"),
        ({"PixelSpacing": ["9", "9"]}, "contradiction", "behind the detector"),
        ({"DeviationIndex": "-3.4", "ExposureIndex": None}, "exposure", "1/2.2 of the target exposure"),
        ({"DeviationIndex": None, "ExposureIndex": "1600"}, "exposure", "deviation index +6.0 (10 log10"),
        ({"BurnedInAnnotation": "YES"}, "text", "the file says so"),
        ({"BurnedInAnnotation": ""}, "text-unknown", "BurnedInAnnotation is missing"),
        ({"LossyImageCompression": "01"}, "lossy", "LossyImageCompressionRatio and LossyImageCompressionMethod are"),
        ({"ViewPosition": "LL", "ViewCodeSequence": []}, "view", "looks like a frontal chest"),
    ],
)
def test_an_attribute_that_is_wrong_is_named(marks, values, rule, said):
    assert said in marks(**values)[rule]


def test_a_view_against_its_code_is_a_contradiction(marks):
    other = {"PA": "AP", "AP": "PA"}

    def turn(dataset: Dataset) -> None:
        dataset.ViewPosition = other[dataset.ViewPosition]

    assert "but ViewCodeSequence says" in marks(turn)["contradiction"]


def test_a_shape_of_the_presentation_lut_against_the_photometric_interpretation_is_a_contradiction(marks):
    shapes = {"IDENTITY": "INVERSE", "INVERSE": "IDENTITY"}

    def swap(dataset: Dataset) -> None:
        dataset.PresentationLUTShape = shapes[dataset.PresentationLUTShape]

    assert "it must be" in marks(swap)["contradiction"]


def test_bits_that_do_not_fit_are_a_contradiction():
    dataset = Dataset()
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 12, 11
    assert any("BitsStored is 12, but BitsAllocated only 8" in said for said in conformity.contradictions(dataset))
    dataset.BitsAllocated = 16
    assert list(conformity.contradictions(dataset)) == []


def test_a_file_says_of_a_lossy_transfer_syntax_that_it_is_lossy():
    dataset = Dataset()
    dataset.file_meta = pydicom.dataset.FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.LossyImageCompression = "00"
    assert "LossyImageCompression is 00, not 01" in conformity.lossy_undeclared(dataset)
    dataset.file_meta.TransferSyntaxUID = JPEG2000
    assert conformity.lossy_undeclared(dataset) == ""
    del dataset.LossyImageCompression
    assert "may be lossy" in conformity.lossy_undeclared(dataset)
    dataset.LossyImageCompression, dataset.LossyImageCompressionRatio = "01", "12"
    dataset.LossyImageCompressionMethod = "ISO_15444_1"
    assert conformity.lossy_undeclared(dataset) == ""


def test_the_spacing_is_unknown(marks):
    def forget(dataset: Dataset) -> None:
        for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
            if keyword in dataset:
                delattr(dataset, keyword)

    assert marks(forget)["spacing"] == "no spacing is given"


def test_pixels_that_are_a_negative_constant_clipped_or_turned_are_marked(marks):
    def relabel(dataset: Dataset) -> None:
        to_second = dataset.PhotometricInterpretation == "MONOCHROME1"
        dataset.PhotometricInterpretation = "MONOCHROME2" if to_second else "MONOCHROME1"
        dataset.PresentationLUTShape = "IDENTITY" if to_second else "INVERSE"

    assert set(marks(relabel)) == {"polarity"}
    assert marks(set_pixels(lambda stored: np.full_like(stored, 7)))["empty"] == "the stored value 7 everywhere"
    burnt = set_pixels(lambda stored: np.where(stored > np.median(stored), stored.max(), stored))
    assert "of the middle at the" in marks(burnt)["clipped"]


@pytest.mark.parametrize(
    ("quarters", "turned", "declared"),
    [
        (1, "to the left by 90 degrees", "F\\R"),
        (2, "by 180 degrees", "R\\H"),
        (3, "to the right by 90 degrees", "H\\L"),
    ],
)
def test_a_turned_chest_is_held_against_patient_orientation(marks, quarters: int, turned: str, declared: str):
    change = set_pixels(lambda stored: np.rot90(stored, quarters))
    against = marks(change, PatientOrientation="L\\F")["orientation"]
    assert against == f"the chest is turned {turned}, against PatientOrientation L\\F"
    assert marks(change, PatientOrientation=declared)["orientation"].endswith(
        f", as PatientOrientation {declared} says"
    )
    assert marks(change, PatientOrientation="")["orientation"] == f"the chest is turned {turned}"


def test_a_collimated_border_is_marked(marks):
    def mask(dataset: Dataset) -> None:
        stored = dataset.pixel_array.copy()
        black = stored.max() if dataset.PhotometricInterpretation == "MONOCHROME1" else stored.min()
        stored[:, :40] = stored[:, -40:] = black
        dataset.PixelData = stored.tobytes()

    found = marks(mask)["collimation"]
    assert "of the image lies outside x" in found and "-0" not in found


def test_pixels_that_cannot_be_read_are_marked_and_the_attributes_all_the_same(marks):
    def damage(dataset: Dataset) -> None:
        dataset.compress(RLELossless)
        middle = len(dataset.PixelData) // 2
        dataset.PixelData = dataset.PixelData[:middle] + b"\x7f" * 4000 + dataset.PixelData[middle + 4000 :]
        dataset.PatientSex = "X"

    assert {"unreadable", "contradiction"} <= set(marks(damage))


def test_a_file_that_is_no_radiograph_is_not_examined(tmp_path):
    (tmp_path / "letter.dcm").write_text("Dear colleague")
    with pytest.raises(UnreadableError, match="not a DICOM file"):
        examine(tmp_path / "letter.dcm")


def test_real_files_have_the_marks_that_they_deserve(test_data):
    folder = test_data / "dicom"
    marks = {
        name: examine(folder / f"{name}.dcm").marks
        for name in ("rsna_cxr", "Fake_MONOHR1", "RG1_J2KI", "dx_image", "CR-MONO1-10-chest")
    }
    assert "lungs brighter" in marks["Fake_MONOHR1"]["polarity"] and "polarity" not in marks["rsna_cxr"]
    assert [name for name, found in marks.items() if "polarity" in found] == ["Fake_MONOHR1"]
    assert "0.000" in marks["RG1_J2KI"]["spacing"] and "spacing" not in marks["rsna_cxr"]
    assert marks["dx_image"]["exposure"].startswith("deviation index -7.0")
    assert "text-unknown" not in marks["dx_image"] and "text-unknown" in marks["rsna_cxr"]
    assert "PatientID (type 2" in marks["CR-MONO1-10-chest"]["missing"]
    assert marks["rsna_cxr"]["lossy"] == "lossy, but LossyImageCompressionRatio is missing"


def test_an_examination_is_the_same_after_storing(right):
    examination = examine(right, text=False)
    again = Examination.from_document(examination.document())
    assert again.marks == examination.marks and again.print == examination.print != ""


# Rules over several images -----------------------------------------------------------------------------------------


def header(right: Path, **values: object):
    from dataclasses import replace

    from XRayAILib.dicom.radiograph import read_header

    return replace(read_header(right)[0], **values)


def test_identities_that_do_not_fit_together_are_named_without_names(right):
    patients = Patients()
    patients.note(header(right, patient_id="A", patient_name="DOE^JANE", patient_birth_date="1970-01-01"))
    patients.note(header(right, patient_id="B", patient_name="Doe^Jane", patient_birth_date="1970-01-01"))
    patients.note(header(right, patient_id="C", patient_name="Roe^Ann", patient_birth_date="1980-01-01"))
    patients.note(header(right, patient_id="C", patient_name="Roe^Ann^Mary", patient_birth_date="1981-01-01"))
    patients.note(header(right, patient_id="D", patient_name="Poe^Sam", patient_birth_date="1990-01-01"))
    found = patients.problems()
    assert set(found) == {"A", "B", "C"} and "the patient id B as well" in found["A"]
    assert found["C"] == "images with the patient id C have different birth dates"
    assert "DOE" not in str(found) and "Roe" not in str(found)


def test_a_name_that_stands_in_every_de_identified_file_is_no_patient(right):
    patients = Patients()
    for number in range(10):
        patients.note(header(right, patient_id=f"P{number}", patient_name="X^Y", patient_birth_date="1900-01-01"))
        patients.note(header(right, patient_id=f"Q{number % 2}", patient_name="ANONYMOUS"))
    assert patients.problems() == {}


def test_labels_against_view_and_body_part(right):
    schema, lungs = chest_schema(), Said(frozenset({"right_lung", "left_lung"}))
    assert label_problems(header(right, view="PA", body_part="CHEST"), lungs, schema) == []
    assert "labelled left_lung, right_lung" in label_problems(header(right, body_part="HAND"), lungs, schema)[0]
    assert "labels are of the chest" in label_problems(header(right, body_part="HAND"), Said(), schema)[0]
    assert "as in a frontal view" in label_problems(header(right, view="LL"), lungs, schema)[0]
    said = Said(frozenset({"view"}), frozenset({("view", "LL")}))
    assert "the label view says LL" in label_problems(header(right, view="PA"), said, schema)[0]
    assert label_problems(header(right, view="LATERAL"), said, schema) == []


# Settings ----------------------------------------------------------------------------------------------------------


def test_the_settings_are_written_with_all_rules_and_read_again(tmp_path):
    actions = read_actions(tmp_path)
    text = (tmp_path / FILE).read_text("utf-8")
    assert all(f"{rule.name}: {rule.action.value}" in text and rule.title in text for rule in RULES.values())
    assert all(rule.section.startswith("PS3.3 ") for rule in RULES.values()), "a number alone is no source"
    actions["spacing"] = Action.IGNORE
    write_actions(tmp_path, actions)
    assert read_actions(tmp_path) == actions


def test_wrong_settings_are_named_field_by_field(tmp_path):
    (tmp_path / FILE).write_text("polarty: warn\nspacing: maybe\ntext: exclude\n", "utf-8")
    with pytest.raises(ProjectError) as error:
        read_actions(tmp_path)
    assert "'polarty' is no rule; did you mean 'polarity'?" in str(error.value)
    assert "spacing: 'maybe' is none of warn, exclude, ignore." in str(error.value)
    for nonsense in ("- polarity\n", "{unclosed"):
        (tmp_path / FILE).write_text(nonsense, "utf-8")
        with pytest.raises(ProjectError, match=r"hygiene\.yaml"):
            read_actions(tmp_path)
