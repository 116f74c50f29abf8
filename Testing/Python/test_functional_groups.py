"""Enhanced multi-frame images: what stands in functional groups counts as if it stood in the image itself."""

from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileDataset
from pydicom.sequence import Sequence

from dicom_cases import image, save, wedge
from XRayAILib.dicom.radiograph import read_header, read_radiograph
from XRayAILib.dicom.spacing import SpacingSource

ENHANCED_XA = "1.2.840.10008.5.1.4.1.1.12.1.1"
FRAMES = 3


def group(**macros: dict[str, object]) -> Dataset:
    """A functional group: macro sequence -> attributes of its item."""
    made = Dataset()
    for sequence, attributes in macros.items():
        item = Dataset()
        for keyword, value in attributes.items():
            setattr(item, keyword, value)
        setattr(made, sequence, Sequence([item]))
    return made


@pytest.fixture
def enhanced() -> FileDataset:
    data = image(wedge(), NumberOfFrames=FRAMES, Modality="XA", SOPClassUID=ENHANCED_XA)
    data.PixelData = np.stack([wedge()] * FRAMES).tobytes()
    return data


def test_a_spacing_in_the_shared_groups_is_that_of_every_frame(enhanced: FileDataset, tmp_path: Path) -> None:
    receptor = {"ImagerPixelSpacing": [0.3, 0.2]}
    distances = {"DistanceSourceToDetector": "1200"}
    shared = group(FramePixelDataPropertiesSequence=receptor, XRayGeometrySequence=distances)
    enhanced.SharedFunctionalGroupsSequence = Sequence([shared])
    headers = read_header(save(enhanced, tmp_path / "shared.dcm"))
    assert [(h.spacing.row, h.spacing.column, h.spacing.source) for h in headers] == [
        (0.3, 0.2, SpacingSource.DETECTOR)
    ] * FRAMES


def test_each_frame_has_the_spacing_and_the_shutter_of_its_own_group(enhanced: FileDataset, tmp_path: Path) -> None:
    groups = [
        group(
            PixelMeasuresSequence={"PixelSpacing": [0.1 * (frame + 1)] * 2},
            FrameDisplayShutterSequence={
                "ShutterShape": "CIRCULAR",
                "CenterOfCircularShutter": [48, 64],
                "RadiusOfCircularShutter": 10 * (frame + 1),
            },
        )
        for frame in range(FRAMES)
    ]
    enhanced.PerFrameFunctionalGroupsSequence = Sequence(groups)
    path = save(enhanced, tmp_path / "own.dcm")
    assert [header.spacing.row for header in read_header(path)] == pytest.approx([0.1, 0.2, 0.3])
    seen = [np.count_nonzero(~read_radiograph(path, frame).shutter.hidden) for frame in range(FRAMES)]
    assert seen == pytest.approx([np.pi * (10 * (frame + 1)) ** 2 for frame in range(FRAMES)], rel=0.05)


def test_an_image_without_groups_is_as_it_was(enhanced: FileDataset, tmp_path: Path) -> None:
    enhanced.ImagerPixelSpacing = [0.15, 0.15]
    headers = read_header(save(enhanced, tmp_path / "plain.dcm"))
    assert len({header.uid for header in headers}) == FRAMES
    assert {(h.spacing.row, h.spacing.source) for h in headers} == {(0.15, SpacingSource.DETECTOR)}
