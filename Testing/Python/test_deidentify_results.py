"""Presentation states, segmentations and reports that belong to a radiograph, de-identified with it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes

from XRayAILib.dicom.confidentiality import Options
from XRayAILib.dicom.deidentified_file import deidentify_file
from XRayAILib.dicom.deidentify import Deidentifier
from XRayAILib.dicom.pseudonyms import Pseudonyms
from XRayAILib.phantom.collection import make_phantoms

SECRET = "Featherstone"
BASIC, CLEAN = Options(dates="remove"), Options(clean_graphics=True, clean_descriptors=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A radiograph, and what was drawn on it, outlined in it and said of it; the patient's name is in all of them."""
    folder = tmp_path_factory.mktemp("results")
    path = make_phantoms(folder, 1, 7, (112, 96))[0].path
    image = pydicom.dcmread(path)
    image.PatientName, image.PatientID = f"{SECRET}^Ann", "MRN0081726"
    image.save_as(path)
    made = {"image": path}
    for number, (name, make) in enumerate((("state", _state), ("segmentation", _segmentation), ("report", _report)), 2):
        made[name] = folder / f"{name}.dcm"
        make(image, number).save_as(made[name])
    return made


def _common(number: int) -> dict[str, object]:
    return {
        "series_instance_uid": hd.UID(),
        "series_number": number,
        "sop_instance_uid": hd.UID(),
        "instance_number": 1,
        "manufacturer": "Maker",
        "device_serial_number": "778899",
    }


def _state(image: pydicom.Dataset, number: int) -> pydicom.Dataset:
    text = hd.pr.TextObject(
        f"{SECRET}: Chest PA nodule", units=hd.pr.AnnotationUnitsValues.PIXEL, anchor_point=(10.0, 12.0)
    )
    line = hd.pr.GraphicObject(
        hd.pr.GraphicTypeValues.POLYLINE,
        np.array([[10.0, 10.0], [50.0, 60.0]]),
        units=hd.pr.AnnotationUnitsValues.PIXEL,
    )
    layer = hd.pr.GraphicLayer("FINDINGS", order=1)
    return hd.pr.GrayscaleSoftcopyPresentationState(
        referenced_images=[image],
        **_common(number),  # type: ignore[arg-type]
        manufacturer_model_name="Model",
        software_versions="1",
        content_label="MARKED",
        content_creator_name=f"Reader^{SECRET}",
        graphic_annotations=[hd.pr.GraphicAnnotation([image], layer, graphic_objects=[line], text_objects=[text])],
        graphic_layers=[layer],
    )


def _segmentation(image: pydicom.Dataset, number: int) -> pydicom.Dataset:
    mask = np.zeros((1, image.Rows, image.Columns), np.uint8)
    mask[0, 20:40, 20:40] = 1
    segment = hd.seg.SegmentDescription(
        1, "lung", codes.SCT.Organ, codes.SCT.Lung, hd.seg.SegmentAlgorithmTypeValues.MANUAL
    )
    return hd.seg.Segmentation(
        [image],
        mask,
        hd.seg.SegmentationTypeValues.BINARY,
        [segment],
        **_common(number),  # type: ignore[arg-type]
        manufacturer_model_name="Model",
        software_versions="1",
        content_creator_name=f"Reader^{SECRET}",
    )


def _report(image: pydicom.Dataset, number: int) -> pydicom.Dataset:
    content = hd.sr.ContainerContentItem(name=codes.DCM.ImagingMeasurementReport)
    finding = hd.sr.TextContentItem(
        name=codes.DCM.Finding, value=f"{SECRET} has a nodule", relationship_type=hd.sr.RelationshipTypeValues.CONTAINS
    )
    reference = hd.sr.ImageContentItem(
        name=codes.DCM.SourceOfMeasurement,
        referenced_sop_class_uid=image.SOPClassUID,
        referenced_sop_instance_uid=image.SOPInstanceUID,
        relationship_type=hd.sr.RelationshipTypeValues.CONTAINS,
    )
    content.ContentSequence = hd.sr.ContentSequence([finding, reference])
    return hd.sr.ComprehensiveSR(
        [image],
        content,
        **_common(number),  # type: ignore[arg-type]
        is_complete=True,
        is_verified=True,
        verifying_observer_name=f"Reader^{SECRET}",
        verifying_organization="Mercy Hospital",
    )


@pytest.fixture(scope="module", params=[BASIC, CLEAN], ids=["basic", "clean"])
def made(
    request: pytest.FixtureRequest, files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Options, dict[str, Path]]:
    folder = tmp_path_factory.mktemp("out")
    deidentifier = Deidentifier(Pseudonyms(b"a key of sixteen and more bytes"), request.param)
    return request.param, {
        name: folder / deidentify_file(path, folder, deidentifier).path for name, path in files.items()
    }


def test_nothing_of_the_patient_is_left(made: tuple[Options, dict[str, Path]]) -> None:
    for path in made[1].values():
        data = path.read_bytes()
        assert not any(text in data for text in (SECRET.encode(), b"MRN0081726", b"Mercy", b"778899"))


def test_references_lead_to_the_new_image(made: tuple[Options, dict[str, Path]]) -> None:
    files = {name: pydicom.dcmread(path) for name, path in made[1].items()}
    image = files["image"]
    state = files["state"].ReferencedSeriesSequence[0]
    assert state.SeriesInstanceUID == image.SeriesInstanceUID
    assert state.ReferencedImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    segmentation = files["segmentation"].ReferencedSeriesSequence[0]
    assert segmentation.ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    evidence = files["report"].CurrentRequestedProcedureEvidenceSequence[0]
    assert evidence.StudyInstanceUID == image.StudyInstanceUID
    assert (
        evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    )
    assert {file.StudyInstanceUID for file in files.values()} == {image.StudyInstanceUID}
    assert {file.PatientID for file in files.values()} == {image.PatientID}


def test_graphics_are_replaced_or_keep_their_geometry(made: tuple[Options, dict[str, Path]]) -> None:
    options, files = made
    annotation = pydicom.dcmread(files["state"]).GraphicAnnotationSequence[0]
    if options.clean_graphics:
        assert annotation.GraphicObjectSequence[0].GraphicData == [10, 10, 50, 60]
        assert annotation.TextObjectSequence[0].UnformattedTextValue == "Chest PA nodule"
    else:
        assert "TextObjectSequence" not in annotation
        assert annotation.GraphicObjectSequence[0].GraphicType == "POINT"
        assert annotation.GraphicLayer == "FINDINGS"


def test_a_report_says_nothing_any_more(made: tuple[Options, dict[str, Path]]) -> None:
    (item,) = pydicom.dcmread(made[1]["report"]).ContentSequence
    assert item.TextValue == "REMOVED"


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (Debian: dicom3tools) is not installed")
def test_dciodvfy_finds_no_error_that_was_not_there(
    files: dict[str, Path], made: tuple[Options, dict[str, Path]]
) -> None:
    def errors(path: Path) -> set[str]:
        told = subprocess.run(["dciodvfy", str(path)], capture_output=True, check=False)
        lines = (told.stdout + told.stderr).decode("latin-1").splitlines()
        return {re.sub(r"<[^>]*>|= ?'.*", "", line) for line in lines if line.startswith("Error")}

    for name, path in made[1].items():
        assert errors(path) - errors(files[name]) == set(), name
