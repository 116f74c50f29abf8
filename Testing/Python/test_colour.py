"""Colour and palette images: grey for models, colours to look at."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.sequence import Sequence

from dicom_cases import image, save, table
from XRayAILib.dicom.radiograph import read_radiograph

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
RNG = np.random.default_rng(5)
PICTURE = RNG.integers(0, 256, (40, 56, 3)).astype(np.uint8)


def grey(colours: np.ndarray) -> np.ndarray:
    return np.rint(colours.astype(float) @ [0.299, 0.587, 0.114])


@pytest.mark.parametrize("planar", [0, 1])
def test_rgb(planar: int, tmp_path: Path) -> None:
    data = image(PICTURE, 8, PlanarConfiguration=planar)
    if planar:
        data.PixelData = PICTURE.transpose(2, 0, 1).tobytes()
    radiograph = read_radiograph(save(data, tmp_path / "rgb.dcm"))
    np.testing.assert_array_equal(radiograph.colour, PICTURE)
    np.testing.assert_allclose(radiograph.stored, grey(PICTURE), atol=0.5)
    np.testing.assert_allclose(radiograph.display() * 255, grey(PICTURE), atol=0.51)


def test_ybr_full_becomes_rgb(tmp_path: Path) -> None:
    from pydicom.pixels import convert_color_space

    data = image(convert_color_space(PICTURE, "RGB", "YBR_FULL"), 8, PhotometricInterpretation="YBR_FULL")
    radiograph = read_radiograph(save(data, tmp_path / "ybr.dcm"))
    # Eight bits of each difference do not hold all colours.
    assert np.abs(radiograph.colour.astype(int) - PICTURE).max() <= 2


def test_a_palette_is_applied(tmp_path: Path) -> None:
    index = np.arange(40 * 56, dtype=np.uint8).reshape(40, 56)
    data = image(index, 8, PhotometricInterpretation="PALETTE COLOR")
    colours = RNG.integers(0, 256, (256, 3)) * 257
    for place, name in enumerate(("Red", "Green", "Blue")):
        setattr(data, f"{name}PaletteColorLookupTableDescriptor", [256, 0, 16])
        setattr(data, f"{name}PaletteColorLookupTableData", colours[:, place].astype("<u2").tobytes())
    radiograph = read_radiograph(save(data, tmp_path / "palette.dcm"))
    np.testing.assert_array_equal(radiograph.colour, colours[index] // 257)
    np.testing.assert_allclose(radiograph.stored, grey(colours[index] // 257), atol=0.5)


# Small real files in colour that pydicom brings along, in every way of coding; what is seen in them is said by pydicom.
REAL = [
    "SC_rgb_jpeg_dcmtk.dcm",
    "SC_rgb_dcmtk_+eb+cr.dcm",
    "SC_rgb_dcmtk_+eb+cy+n1.dcm",
    "SC_rgb_dcmtk_+eb+cy+s4.dcm",
    "SC_rgb_jpeg_lossy_gdcm.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "SC_rgb_gdcm_KY.dcm",
    "SC_rgb_rle.dcm",
    "SC_rgb_rle_16bit.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "SC_ybr_full_422_uncompressed.dcm",
    "SC_jpeg_no_color_transform.dcm",
    "SC_rgb_jls_lossy_line.dcm",
    "SC_rgb_jls_lossy_sample.dcm",
    "SC_rgb_jpeg_app14_dcmd.dcm",
]


@pytest.mark.parametrize("name", REAL)
def test_colours_of_real_files_are_those_of_pydicom(name: str) -> None:
    from pydicom.pixels import pixel_array

    path = FOLDER / name
    data = pydicom.dcmread(path)
    native = not data.file_meta.TransferSyntaxUID.is_compressed
    plugins = {"JPEG": "pillow", "RLE ": "pydicom"}
    plugin = "" if native else plugins.get(data.file_meta.TransferSyntaxUID.name[:4], "")
    if "JPEG-LS" in data.file_meta.TransferSyntaxUID.name:
        plugin = "pyjpegls"
    expected = pixel_array(data, decoding_plugin=plugin)
    if expected.dtype.itemsize == 2:
        expected = expected >> 8
    shown = read_radiograph(path).colour
    # Two decoders of lossy JPEG may differ by rounding, and by how they spread colours that were stored coarsely.
    assert np.abs(shown.astype(int) - expected).mean() < 1.0
    assert np.percentile(np.abs(shown.astype(int) - expected), 99) <= 3


def test_one_frame_is_read_without_the_others(tmp_path: Path) -> None:
    import tracemalloc

    frames = RNG.integers(0, 4096, (90, 256, 256)).astype(np.uint16)
    data = image(frames[0])
    data.NumberOfFrames, data.PixelData = len(frames), frames.tobytes()
    path = save(data, tmp_path / "frames.dcm")
    read_radiograph(path, 0)
    tracemalloc.start()
    for number in (0, 17, 89):
        np.testing.assert_array_equal(read_radiograph(path, number).stored, frames[number])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < frames.nbytes / 4


@pytest.mark.parametrize("extended", [False, True])
def test_one_encoded_frame_is_read_without_the_others(extended: bool, tmp_path: Path) -> None:
    import imagecodecs
    from pydicom.encaps import encapsulate, encapsulate_extended
    from pydicom.uid import JPEGLSLossless

    frames = RNG.integers(0, 4096, (5, 64, 48)).astype(np.uint16)
    encoded = [imagecodecs.jpegls_encode(frame) for frame in frames]
    data = image(frames[0])
    data.NumberOfFrames, data.file_meta.TransferSyntaxUID = len(frames), JPEGLSLossless
    if extended:
        data.PixelData, data.ExtendedOffsetTable, data.ExtendedOffsetTableLengths = encapsulate_extended(encoded)
    else:
        data.PixelData = encapsulate(encoded, fragments_per_frame=3)
    data["PixelData"].is_undefined_length = True
    path = save(data, tmp_path / "encoded.dcm")
    for number in (4, 0, 2):
        np.testing.assert_array_equal(read_radiograph(path, number).stored, frames[number])


def test_each_frame_of_an_enhanced_image_has_its_own_window(tmp_path: Path) -> None:
    from pydicom import Dataset

    def group(center: float) -> Dataset:
        window, frame = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth, window.WindowCenterWidthExplanation = center, 100, f"FRAME {center:g}"
        frame.FrameVOILUTSequence = Sequence([window])
        return frame

    data = image()
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.12.1.1"
    data.Modality, data.NumberOfFrames, data.PixelData = "XA", 2, data.PixelData * 2
    data.PerFrameFunctionalGroupsSequence = Sequence([group(1000), group(2000)])
    path = save(data, tmp_path / "enhanced.dcm")
    assert [read_radiograph(path, frame).grayscale.choices for frame in (0, 1)] == [("FRAME 1000",), ("FRAME 2000",)]


def test_choices_have_names_and_are_all_there(tmp_path: Path) -> None:
    data = image(WindowCenter=[1000, 2000, 3000], WindowWidth=[500, 600, 700])
    data.WindowCenterWidthExplanation = ["SOFT", "BONE"]
    data.VOILUTSequence = Sequence([table(np.arange(4096), name="SENSOR")])
    radiograph = read_radiograph(save(data, tmp_path / "choices.dcm"))
    assert radiograph.grayscale.choices == ("SENSOR", "SOFT", "BONE", "Window 3000 / 700")
    assert not radiograph.grayscale.linear
    bone = radiograph.choose(2).grayscale
    assert bone.linear and bone.window.center == 2000 and len(bone.voi) == 4
