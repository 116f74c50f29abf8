"""Burned-in text is blanked in the stored pixels, and nothing else changes."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian

from XRayAILib.dicom.clean_pixels import blank, say_derived
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.radiograph import read_radiograph

REGIONS = ((3, 2, 40, 20), (100, 50, 160, 90))


def blanked(path: Path, regions=REGIONS) -> pydicom.Dataset:
    dataset = pydicom.dcmread(path)
    blank(dataset, regions, path)
    return dataset


def inside(shape, regions=REGIONS) -> np.ndarray:
    mask = np.zeros(shape, bool)
    for left, top, right, bottom in regions:
        mask[top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize("name", ["RG3_RLE", "RG3_JLSL", "RG3_J2KR", "RG3_JPLL", "RG2_JPLY", "CR-MONO1-10-chest",
                                  "rsna_cxr", "RG1_J2KI"])  # fmt: skip
def test_every_transfer_syntax_is_blanked_and_the_rest_stays_bit_by_bit(test_data, tmp_path, name):
    path = test_data / "dicom" / f"{name}.dcm"
    before = read_radiograph(path)
    dataset = blanked(path)
    dataset.save_as(tmp_path / "clean.dcm")
    after = read_radiograph(tmp_path / "clean.dcm")
    mask = inside(before.shape)
    assert np.array_equal(after.stored[~mask], before.stored[~mask])
    assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    # What is blank is shown as black as anything in the image, whatever its polarity, and the window stays.
    assert len(np.unique(after.stored[mask])) == 1
    assert after.display()[mask].max() == before.display().min()
    assert (after.stored.min(), after.stored.max()) == (before.stored[~mask].min(), before.stored[~mask].max())


def test_a_lossy_image_is_still_said_to_be_one(test_data):
    dataset = blanked(test_data / "dicom/RG2_JPLY.dcm")
    assert dataset.LossyImageCompression == "01"


def test_all_frames_and_planes_of_a_big_endian_colour_image_are_blanked(tmp_path):
    frames = np.random.default_rng(1).integers(1, 255, (2, 3, 60, 50)).astype(">u2")
    path = _written(tmp_path, frames, ExplicitVRBigEndian, "RGB", samples=3, planar=1)
    dataset = blanked(path, [(10, 5, 30, 25), (-5, 50, 4, 999)])
    pixels = np.frombuffer(dataset.PixelData, ">u2").reshape(frames.shape)
    mask = inside((60, 50), [(10, 5, 30, 25), (0, 50, 4, 60)])
    assert not pixels[:, :, mask].any()
    assert np.array_equal(pixels[:, :, ~mask], frames[:, :, ~mask])


def test_the_padding_value_fills_where_there_is_one(tmp_path):
    frames = np.full((1, 60, 50), 700, "<i2")
    path = _written(tmp_path, frames, ExplicitVRLittleEndian, "MONOCHROME2", padding=-2000)
    pixels = np.frombuffer(blanked(path, [(0, 0, 10, 10)]).PixelData, "<i2").reshape(60, 50)
    assert (pixels[:10, :10] == -2000).all() and (pixels[10:] == 700).all()


def test_overlays_lose_the_same_regions(tmp_path):
    path = _written(tmp_path, np.full((1, 60, 50), 7, "<u2"), ExplicitVRLittleEndian, "MONOCHROME2", overlay=(3, 2))
    blanked_overlay = blanked(path, [(10, 5, 30, 25)]).overlay_array(0x6000)
    whole = pydicom.dcmread(path).overlay_array(0x6000)
    # The overlay's first pixel lies on row 3, column 2 of the image, counted from 1.
    mask = inside((60, 50), [(9, 3, 29, 23)])
    assert whole.all() and not blanked_overlay[mask].any() and blanked_overlay[~mask].all()


def test_pixels_that_cannot_be_blanked_are_refused_with_the_reason(tmp_path):
    path = _written(tmp_path, np.zeros((1, 60, 50), "u1"), ExplicitVRLittleEndian, "YBR_FULL_422")
    with pytest.raises(UnreadableError, match="cannot be blanked"):
        blanked(path)


def test_the_image_says_that_it_is_derived():
    dataset = pydicom.Dataset()
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    say_derived(dataset)
    assert list(dataset.ImageType) == ["DERIVED", "PRIMARY", "AXIAL"]


def _written(folder, frames, syntax, photometric, samples=1, planar=0, padding=None, overlay=None) -> Path:
    """A file of frames (frames, rows, columns), or (frames, samples, rows, columns) plane by plane."""
    from pydicom.dataset import FileMetaDataset

    dataset = pydicom.Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = "1.2.840.10008.5.1.4.1.1.1", "1.2.3", "CR"
    dataset.Rows, dataset.Columns = frames.shape[-2:]
    dataset.NumberOfFrames, dataset.SamplesPerPixel = len(frames), samples
    dataset.PhotometricInterpretation, dataset.PlanarConfiguration = photometric, planar
    dataset.BitsAllocated = dataset.BitsStored = 8 * frames.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(frames.dtype.kind == "i")
    if padding is not None:
        dataset.add_new(0x00280120, "SS", padding)
    if overlay is not None:
        for element, vr, value in ((0x10, "US", 60), (0x11, "US", 50), (0x50, "SS", list(overlay)), (0x100, "US", 1),
                                   (0x102, "US", 0), (0x3000, "OW", b"\xff" * 376)):  # fmt: skip
            dataset.add_new((0x6000, element), vr, value)
    dataset.add_new(0x7FE00010, "OB" if frames.dtype.itemsize == 1 else "OW", frames.tobytes())
    path = folder / "made.dcm"
    dataset.save_as(path, enforce_file_format=True)
    return path
