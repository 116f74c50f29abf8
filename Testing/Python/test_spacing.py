"""Millimetres as a file gives them, and what each is worth (PS3.3 10.7.1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicom_cases import image, save
from XRayAILib.dicom.radiograph import read_header
from XRayAILib.dicom.spacing import SpacingSource

PIXEL, IMAGER, FILM = "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing"
CALIBRATED, DETECTOR, UNKNOWN = SpacingSource.CALIBRATED, SpacingSource.DETECTOR, SpacingSource.UNKNOWN


@pytest.mark.parametrize(
    ("attributes", "source", "size"),
    [
        pytest.param({}, UNKNOWN, (1.0, 1.0), id="nothing is given"),
        pytest.param({IMAGER: [0.2, 0.1]}, DETECTOR, (0.2, 0.1), id="rows first"),
        pytest.param({PIXEL: [0.2, 0.2], IMAGER: [0.2, 0.2]}, DETECTOR, (0.2, 0.2), id="equal: not calibrated"),
        pytest.param({PIXEL: [0.16, 0.16], IMAGER: [0.2, 0.2]}, CALIBRATED, (0.16, 0.16), id="different: calibrated"),
        pytest.param(
            {PIXEL: [0.2, 0.2], "PixelSpacingCalibrationType": "FIDUCIAL"}, CALIBRATED, (0.2, 0.2), id="said to be so"
        ),
        pytest.param({PIXEL: [0.2, 0.2]}, DETECTOR, (0.2, 0.2), id="nobody says of what: the less that is promised"),
        pytest.param({FILM: [0.17, 0.17]}, DETECTOR, (0.17, 0.17), id="a film that was scanned"),
        pytest.param({PIXEL: [0.0, 0.0]}, UNKNOWN, (1.0, 1.0), id="zero"),
        pytest.param({IMAGER: [-0.2, 0.2]}, UNKNOWN, (1.0, 1.0), id="negative"),
        pytest.param({PIXEL: [0.0, 0.0], IMAGER: [0.2, 0.2]}, DETECTOR, (0.2, 0.2), id="zero beside a good one"),
        pytest.param({IMAGER: 0.2}, UNKNOWN, (1.0, 1.0), id="one number instead of two"),
    ],
)
def test_what_a_spacing_is_worth(
    attributes: dict[str, object], source: SpacingSource, size: tuple[float, float], tmp_path: Path
) -> None:
    (header,) = read_header(save(image(**attributes), tmp_path / "a.dcm"))
    assert header.spacing.source is source
    assert (header.spacing.row, header.spacing.column) == size
    length = header.spacing.length((0, 0), (100, 0))
    assert length.value == pytest.approx(100 * size[1]) and str(length).endswith(
        " px" if source is UNKNOWN else f" mm ({source.value})"
    )


@pytest.mark.parametrize(
    ("attributes", "magnification"),
    [
        ({}, None),
        ({"EstimatedRadiographicMagnificationFactor": "1.25"}, 1.25),
        ({"DistanceSourceToDetector": "1800", "DistanceSourceToPatient": "1500"}, 1.2),
        ({"DistanceSourceToDetector": "1800"}, None),
        ({"DistanceSourceToDetector": "1500", "DistanceSourceToPatient": "1800"}, None),
        ({"EstimatedRadiographicMagnificationFactor": "0"}, None),
    ],
)
def test_a_magnification_is_said_beside_the_length_and_never_in_it(
    attributes: dict[str, str], magnification: float | None, tmp_path: Path
) -> None:
    (header,) = read_header(save(image(ImagerPixelSpacing=[0.1, 0.1], **attributes), tmp_path / "a.dcm"))
    assert header.spacing.magnification == magnification
    area = header.spacing.area(10_000)
    assert str(area) == "100.0 mm² (detector plane)"
    if magnification is None:
        assert area.in_patient == ""
    else:
        assert area.in_patient.startswith(f"{100 / magnification**2:.1f} mm² (in the patient")
