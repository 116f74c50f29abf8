"""A radiograph in the scene: real values, real millimetres, the right way up and the right grey."""

from pathlib import Path

import numpy as np
import pytest

from scene_cases import UID, radiograph, wedge
from XRayAILib.dicom.grayscale import Grayscale, Table, Window
from XRayAILib.dicom.radiograph import Radiograph, read_radiograph
from XRayAILib.dicom.spacing import Spacing
from XRayAILib.scene import view
from XRayAILib.scene.host import Host
from XRayAILib.scene.volume import image_shape, pixels_to_ras, radiograph_uid, ras_to_pixels, show_radiograph


def voxels(node) -> np.ndarray:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    return vtk_to_numpy(node.GetImageData().GetPointData().GetScalars()).reshape(image_shape(node))


def drawn(host: Host, image: Radiograph) -> np.ndarray:
    """The grey of the Red view, 0..1, one screen pixel for one image pixel (which must be square)."""
    if not host.offscreen:
        pytest.skip("the desktop's view has the size that it has on the screen")
    node = show_radiograph(host, image)
    view.show(host, node)
    pixels = view.render(host, size=image.shape[::-1])
    np.testing.assert_array_equal(pixels[..., 0], pixels[..., 2])
    return pixels[..., 0] / 255.0


SQUARE = Spacing.unknown()


def test_voxels_are_modality_values_and_spacing_and_its_source_stand_in_the_node(host: Host) -> None:
    image = radiograph(grayscale=Grayscale((Window(0.0, 4096.0),), slope=2.0, intercept=-1000.0, inverted=True))
    node = show_radiograph(host, image)
    np.testing.assert_array_equal(voxels(node), wedge().astype(int) * 2 - 1000)
    assert node.GetSpacing() == pytest.approx((0.15, 0.2, 1.0))
    assert node.GetAttribute("XRayAI.spacingSource") == "detector plane"
    assert node.GetAttribute("XRayAI.unit") == "mm"
    assert node.GetAttribute("XRayAI.magnification") == "1.1"
    assert node.GetAttribute("XRayAI.polarity") == "inverted"
    assert radiograph_uid(node) == UID


def test_fractional_rescaling_keeps_its_fractions(host: Host) -> None:
    image = radiograph(grayscale=Grayscale((Window(0.0, 4096.0),), slope=0.3, intercept=0.25))
    np.testing.assert_array_equal(voxels(show_radiograph(host, image)), image.grayscale.modality(image.stored))


def test_unknown_spacing_is_pixels_without_a_ruler(host: Host) -> None:
    node = show_radiograph(host, radiograph(spacing=Spacing.unknown()))
    view.show(host, node)
    assert node.GetSpacing() == (1.0, 1.0, 1.0)
    assert node.GetAttribute("XRayAI.unit") == "px"
    assert host.slice_node.GetRulerType() == host.slice_node.RulerTypeNone


def test_the_next_radiograph_can_take_the_same_volume(host: Host) -> None:
    node = show_radiograph(host, radiograph())
    other = wedge(50, 70)
    assert show_radiograph(host, radiograph(other, spacing=SQUARE), node) is node
    np.testing.assert_array_equal(voxels(node), other)
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1
    assert node.GetAttribute("XRayAI.magnification") is None


def test_pixels_to_ras_and_back_is_exact(host: Host) -> None:
    node = show_radiograph(host, radiograph())
    points = np.random.default_rng(0).uniform(-10, 4000, (500, 2))
    np.testing.assert_allclose(ras_to_pixels(node, pixels_to_ras(node, points)), points, rtol=0, atol=1e-9)
    # Right in the image is left in the patient, down is towards posterior.
    np.testing.assert_allclose(pixels_to_ras(node, [[10.0, 20.0]]), [[-1.5, -4.0, 0.0]])


def test_the_red_view_shows_the_image_the_right_way_up(host: Host) -> None:
    image = radiograph(spacing=SQUARE)
    shown, expected = drawn(host, image), image.display()
    np.testing.assert_allclose(shown, expected, atol=1.5 / 255)
    for turned in (expected[:, ::-1], expected[::-1], expected[::-1, ::-1]):
        assert np.abs(shown - turned).max() > 0.5


def test_a_view_that_was_turned_comes_back_upright(host: Host) -> None:
    host.slice_node.SetOrientation("Sagittal")
    image = radiograph(spacing=SQUARE)
    np.testing.assert_allclose(drawn(host, image), image.display(), atol=1.5 / 255)


def test_pixels_that_are_not_square_keep_their_shape(host: Host) -> None:
    if not host.offscreen:
        pytest.skip("the desktop's view has the size that it has on the screen")
    node = show_radiograph(host, radiograph())
    view.show(host, node)
    height, width, _ = view.render(host).shape
    assert height == view.PICTURE_SIZE
    assert width == pytest.approx(height * (90 * 0.15) / (120 * 0.2), abs=1)


RISING = np.rint(65535 * np.linspace(0, 1, 4096) ** 0.5).astype(np.uint16)
GRAYSCALES = {
    "linear": Grayscale((Window(2000.0, 2500.0),)),
    "linear exact": Grayscale((Window(2000.0, 2500.0, "LINEAR_EXACT"),)),
    "monochrome1": Grayscale((Window(1500.0, 2000.0),), inverted=True),
    "rescaled monochrome1": Grayscale((Window(-100.0, 900.0),), slope=0.5, intercept=-1000.0, inverted=True),
    "falling": Grayscale((Window(-2000.0, 2500.0),), slope=-1.0),
    "threshold": Grayscale((Window(2000.0, 1.0),)),
    "sigmoid": Grayscale((Window(2000.0, 1500.0, "SIGMOID"),)),
    "sigmoid monochrome1": Grayscale((Window(2500.0, 800.0, "SIGMOID"),), inverted=True),
    "voi lut": Grayscale((Table(0, RISING, 16),)),
    "voi lut monochrome1": Grayscale((Table(500, RISING, 16),), inverted=True),
}


@pytest.mark.parametrize("name", GRAYSCALES)
def test_the_red_view_shows_the_p_values_of_the_file(host: Host, name: str) -> None:
    image = radiograph(grayscale=GRAYSCALES[name], spacing=SQUARE)
    before = image.stored.copy()
    shown = drawn(host, image)
    # One step for the cut to 8 bits; a curve is drawn in 256 steps of the values that it spreads.
    np.testing.assert_allclose(shown, image.display(), atol=(1.5 if image.grayscale.linear else 3.5) / 255)
    np.testing.assert_array_equal(image.stored, before)


@pytest.mark.parametrize("inverted", [False, True])
def test_padding_is_black_whatever_the_polarity(host: Host, inverted: bool) -> None:
    stored = wedge()
    stored[:, :10] = 0
    grayscale = Grayscale((Window(2048.0, 4096.0),), inverted=inverted, padding=(0, 0))
    image = radiograph(stored, grayscale, SQUARE)
    shown = drawn(host, image)
    assert shown[:, :10].max() == 0.0
    np.testing.assert_allclose(shown, image.display(), atol=1.5 / 255)


def test_a_curve_gives_way_to_a_window_when_the_volume_is_used_again(host: Host) -> None:
    node = show_radiograph(host, radiograph(grayscale=GRAYSCALES["voi lut"]))
    assert node.GetAttribute("XRayAI.grey") == "table"
    tables = host.scene.GetNumberOfNodesByClass("vtkMRMLColorTableNode")
    show_radiograph(host, radiograph(grayscale=GRAYSCALES["monochrome1"]), node)
    assert node.GetAttribute("XRayAI.grey") == "window"
    assert host.scene.GetNumberOfNodesByClass("vtkMRMLColorTableNode") == tables - 1
    assert node.GetDisplayNode().GetColorNode().GetName() == "InvertedGrey"


@pytest.mark.parametrize("name", ["CR-MONO1-10-chest.dcm", "RG2_RLE.dcm", "RG3_RLE.dcm", "rsna_cxr.dcm"])
def test_real_radiographs_look_as_the_standard_says(host: Host, test_data: Path, name: str) -> None:
    image = read_radiograph(test_data / "dicom" / name)
    shown = drawn(host, image)
    assert np.corrcoef(shown.ravel(), image.display().ravel())[0, 1] > 0.999
    np.testing.assert_allclose(shown, image.display(), atol=1.5 / 255)


def test_the_real_crs_of_pydicom(host: Host, real_crs: list[Path]) -> None:
    for path in real_crs:
        image = read_radiograph(path)
        assert image.grayscale.inverted
        np.testing.assert_allclose(drawn(host, image), image.display(), atol=1.5 / 255)


def test_a_picture_is_written_as_png_and_a_bad_folder_is_named(host: Host, tmp_path: Path) -> None:
    from PIL import Image

    view.show(host, show_radiograph(host, radiograph()))
    pixels = view.render(host, tmp_path / "red.png")
    with Image.open(tmp_path / "red.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), pixels)
    assert [path.name for path in tmp_path.iterdir()] == ["red.png"]
    with pytest.raises(OSError, match="no folder"):
        view.render(host, tmp_path / "no folder" / "red.png")
