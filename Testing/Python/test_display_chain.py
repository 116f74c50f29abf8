"""The grey values that are shown, against those of DCMTK (PS3.4 N.2)."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.dataset import FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from dicom_cases import add_overlay, image, presentation_state, save, table, wedge
from XRayAILib.dicom.presentation_state import read_presentation_state
from XRayAILib.dicom.radiograph import UnreadableError, read_radiograph

needs_dcmtk = pytest.mark.skipif(not shutil.which("dcmp2pgm"), reason="dcmp2pgm is missing (Debian package dcmtk)")
RISING = np.rint(65535 * np.linspace(0, 1, 4096) ** 0.5)
FALLING = np.rint(255 * np.linspace(1, 0, 1000) ** 2)


def drawn_by_dcmtk(program: str, options: list[str], path: Path, folder: Path) -> np.ndarray | None:
    """The 8-bit picture that DCMTK makes, as numbers; ``None`` where it makes none."""
    from PIL import Image

    target = folder / f"{path.stem}.pgm"
    command = [program, *options, str(path), str(target)]
    if subprocess.run(command, capture_output=True).returncode or not target.exists():
        return None
    return np.asarray(Image.open(target), float)


def difference(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """Between P-values and a picture of 8 bits, in grey levels of 255; DCMTK cuts off where we round."""
    return np.abs(np.rint(ours * 255.0) - theirs)


@needs_dcmtk
def test_display_values_of_real_files_are_those_of_dcmtk(
    test_data: Path, real_crs: list[Path], tmp_path: Path, table_of: Callable[[str], list[str]]
) -> None:
    lines = table_of("Display values of real files against DCMTK, in grey levels of 255")
    drawn = []
    for path in [*sorted((test_data / "dicom").glob("*.dcm")), *real_crs]:
        name = path.name if path.suffix else f"{path.parent.name}/{path.name} of pydicom"
        try:
            radiograph = read_radiograph(path)
        except UnreadableError as error:
            lines.append(f"{name:28} {error.reason}")
            continue
        options = ["-O", "+Wi", "1", "+op"]
        if not dcmread(path, stop_before_pixels=True).get("WindowWidth"):
            # The window that we chose, in the form of the function LINEAR.
            window = radiograph.grayscale.window
            options[1:3] = ["+Ww", f"{window.center + 0.5}", f"{window.width + 1}"]
        program = "dcml2pnm" if "JPEG-LS" in UID(radiograph.header.transfer_syntax).name else "dcmj2pnm"
        theirs = drawn_by_dcmtk(program, options, path, tmp_path)
        if theirs is None:
            lines.append(f"{name:28} not drawn by DCMTK ({UID(radiograph.header.transfer_syntax).name})")
            continue
        found = difference(radiograph.display(), theirs)
        lines.append(f"{name:28} largest difference {found.max():.0f}, in {(found > 0).mean():7.2%} of the pixels")
        drawn.append(found.max())
    assert len(drawn) >= 15 and max(drawn) <= 1.0, lines


FEATURES: dict[str, tuple[Callable[[], FileDataset], list[str]]] = {
    "window": (lambda: image(WindowCenter=1500, WindowWidth=2000), ["+Wi", "1"]),
    "window of odd width": (lambda: image(WindowCenter=1500.5, WindowWidth=7), ["+Wi", "1"]),
    "window of width 1": (lambda: image(WindowCenter=1500, WindowWidth=1), ["+Wi", "1"]),
    "sigmoid": (lambda: image(WindowCenter=1500, WindowWidth=900, VOILUTFunction="SIGMOID"), ["+Wi", "1"]),
    "rescale": (
        lambda: image(RescaleSlope="2.5", RescaleIntercept="-1024", WindowCenter=3000, WindowWidth=5000),
        ["+Wi", "1"],
    ),
    "negative slope": (
        lambda: image(RescaleSlope="-1", RescaleIntercept="4095", WindowCenter=2000, WindowWidth=3000),
        ["+Wi", "1"],
    ),
    "signed": (lambda: image(wedge(12, signed=True), WindowCenter=-100, WindowWidth=2000), ["+Wi", "1"]),
    "signed 16 bits": (lambda: image(wedge(16, signed=True), 16, WindowCenter=-1000, WindowWidth=9000), ["+Wi", "1"]),
    "8 bits": (lambda: image(wedge(8), 8, WindowCenter=100, WindowWidth=150), ["+Wi", "1"]),
    "MONOCHROME1": (
        lambda: image(PhotometricInterpretation="MONOCHROME1", WindowCenter=1500, WindowWidth=2000),
        ["+Wi", "1"],
    ),
    "MONOCHROME1 with shape INVERSE": (
        lambda: image(
            PhotometricInterpretation="MONOCHROME1",
            PresentationLUTShape="INVERSE",
            WindowCenter=1500,
            WindowWidth=2000,
        ),
        ["+Wi", "1"],
    ),
    "shape INVERSE": (
        lambda: image(PresentationLUTShape="INVERSE", WindowCenter=1500, WindowWidth=2000),
        ["+Wi", "1"],
    ),
    "modality table": (
        lambda: image(
            ModalityLUTSequence=Sequence([table(RISING, 0)]), WindowCenter=30000, WindowWidth=50000, RescaleType="US"
        ),
        ["+Wi", "1"],
    ),
    "modality table, signed pixels": (
        lambda: image(
            wedge(12, signed=True),
            ModalityLUTSequence=Sequence([table(RISING, -2048)]),
            WindowCenter=30000,
            WindowWidth=50000,
        ),
        ["+Wi", "1"],
    ),
    "VOI table": (lambda: image(VOILUTSequence=Sequence([table(RISING)])), ["+Wl", "1"]),
    "VOI table of 8 bits from 500": (
        lambda: image(VOILUTSequence=Sequence([table(FALLING, 500, 8)])),
        ["+Wl", "1"],
    ),
    "VOI table after rescale to negative": (
        lambda: image(RescaleSlope="1", RescaleIntercept="-1024", VOILUTSequence=Sequence([table(RISING, -1024)])),
        ["+Wl", "1"],
    ),
    "VOI table, MONOCHROME1": (
        lambda: image(PhotometricInterpretation="MONOCHROME1", VOILUTSequence=Sequence([table(RISING)])),
        ["+Wl", "1"],
    ),
    "VOI table of 65536 entries": (
        lambda: image(wedge(16), 16, VOILUTSequence=Sequence([table(np.arange(65536)[::-1])])),
        ["+Wl", "1"],
    ),
}


@needs_dcmtk
def test_every_step_of_the_chain_is_that_of_dcmtk(tmp_path: Path, table_of: Callable[[str], list[str]]) -> None:
    lines = table_of("Display values step by step against dcmj2pnm, in grey levels of 255")
    worst = {}
    for name, (make, options) in FEATURES.items():
        path = save(make(), tmp_path / f"{name.replace(' ', '_')}.dcm")
        theirs = drawn_by_dcmtk("dcmj2pnm", [*options, "+op"], path, tmp_path)
        assert theirs is not None, name
        found = difference(read_radiograph(path).display(), theirs)
        lines.append(f"{name:38} largest difference {found.max():.0f}, in {(found > 0).mean():7.2%} of the pixels")
        worst[name] = found.max()
    assert max(worst.values()) <= 1.0, worst


def voi(**attributes: object) -> Dataset:
    """An item of the Softcopy VOI LUT Sequence."""
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def about(item: Dataset, *images: Dataset) -> Dataset:
    """The same, for these images only."""
    references = []
    for source in images:
        reference = Dataset()
        reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = source.SOPClassUID, source.SOPInstanceUID
        references.append(reference)
    item.ReferencedImageSequence = Sequence(references)
    return item


WINDOW = {"WindowCenter": 1500, "WindowWidth": 2000}
SHAPES: dict[str, dict[str, object]] = {
    "nothing": {},
    "window": {"SoftcopyVOILUTSequence": Sequence([voi(**WINDOW)])},
    "VOI table": {"SoftcopyVOILUTSequence": Sequence([voi(VOILUTSequence=Sequence([table(RISING)]))])},
    "inverse": {"PresentationLUTShape": "INVERSE", "SoftcopyVOILUTSequence": Sequence([voi(**WINDOW)])},
    "rescale": {
        "RescaleSlope": "2",
        "RescaleIntercept": "-500",
        "RescaleType": "US",
        "SoftcopyVOILUTSequence": Sequence([voi(**WINDOW)]),
    },
    "modality table": {
        "ModalityLUTSequence": Sequence([table(RISING)]),
        "SoftcopyVOILUTSequence": Sequence([voi(WindowCenter=30000, WindowWidth=50000)]),
    },
    "presentation table": {"PresentationLUTSequence": Sequence([table(np.linspace(0, 1, 256) ** 2 * 65535)])},
    "rectangular shutter": {
        "ShutterShape": "RECTANGULAR",
        "ShutterLeftVerticalEdge": 20,
        "ShutterRightVerticalEdge": 100,
        "ShutterUpperHorizontalEdge": 10,
        "ShutterLowerHorizontalEdge": 80,
        "ShutterPresentationValue": 0,
    },
    "circular shutter": {
        "ShutterShape": "CIRCULAR",
        "CenterOfCircularShutter": [50, 60],
        "RadiusOfCircularShutter": 40,
        "ShutterPresentationValue": 65535,
    },
    "polygonal shutter": {
        "ShutterShape": "POLYGONAL",
        "VerticesOfThePolygonalShutter": [10, 20, 90, 30, 50, 110],
        "ShutterPresentationValue": 32768,
    },
}


@needs_dcmtk
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "MONOCHROME1"])
def test_presentation_states_are_shown_as_dcmtk_shows_them(
    photometric: str, tmp_path: Path, table_of: Callable[[str], list[str]]
) -> None:
    lines = table_of("Presentation states against dcmp2pgm, in grey levels of 255")
    # What the image says itself must not matter.
    source = image(
        PhotometricInterpretation=photometric,
        WindowCenter=3000,
        WindowWidth=100,
        RescaleSlope="3",
        RescaleIntercept="7",
    )
    path = save(source, tmp_path / "image.dcm")
    for name, attributes in SHAPES.items():
        state = presentation_state([source], **attributes)
        if "PresentationLUTSequence" in state:
            del state.PresentationLUTShape
        state = read_presentation_state(save(state, tmp_path / "state.dcm"))
        theirs = drawn_by_dcmtk("dcmp2pgm", ["-p", state.path], path, tmp_path)
        assert theirs is not None, name
        shown = read_radiograph(path).with_presentation(state)
        seen = np.ones(shown.shape, bool)
        if shown.presentation.shutter is not None:
            # DCMTK draws no shutters: what they hide is looked at elsewhere.
            seen = ~shown.presentation.shutter.hidden
            assert 0.1 < seen.mean() < 0.9, name
        found = difference(shown.display(), theirs)[seen]
        lines.append(f"{photometric} {name:22} largest difference {found.max():.0f}, in {(found > 0).mean():7.2%}")
        assert found.max() <= 1.0, name


def drawing(rows: int, columns: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, columns)) < 0.2


def with_overlays() -> FileDataset:
    data = image(**WINDOW)
    add_overlay(data, drawing(96, 128, 1))
    add_overlay(data, drawing(50, 33, 2), 0x6002, (20, 30))
    add_overlay(data, drawing(50, 60, 3), 0x601E, (-10, 100))
    return data


def with_embedded_overlay() -> FileDataset:
    data = image(wedge() | drawing(96, 128, 4).astype(np.uint16) << 13, **WINDOW)
    for element, vr, value in (
        (0x0010, "US", 96),
        (0x0011, "US", 128),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", 16),
        (0x0102, "US", 13),
    ):
        data.add_new((0x6004, element), vr, value)
    return data


@needs_dcmtk
@pytest.mark.parametrize("make", [with_overlays, with_embedded_overlay])
def test_overlays_lie_where_dcmtk_draws_them(make: Callable[[], FileDataset], tmp_path: Path) -> None:
    path = save(make(), tmp_path / "overlay.dcm")
    radiograph = read_radiograph(path)
    assert {overlay.group for overlay in radiograph.overlays} <= {0x6000, 0x6002, 0x6004, 0x601E}
    ours = radiograph.display()
    for overlay in radiograph.overlays:
        ours[overlay.mask] = 1.0
    theirs = drawn_by_dcmtk("dcmj2pnm", ["+Wi", "1", "+Omr", "+op"], path, tmp_path)
    assert difference(ours, theirs).max() <= 1.0
    # What is drawn over the image is not in its values.
    np.testing.assert_array_equal(radiograph.stored, wedge())


def test_each_frame_has_its_own_overlay(tmp_path: Path) -> None:
    masks = np.stack([drawing(15, 17, seed) for seed in range(3)])  # 255 bits: frames begin within a byte
    frames = np.arange(4 * 15 * 17, dtype=np.uint16).reshape(4, 15, 17)
    data = image(frames[0], 16)
    data.NumberOfFrames, data.PixelData = 4, frames.tobytes()
    add_overlay(data, masks)
    data[(0x6000, 0x0051)].value = 2  # the first overlay lies over the second frame
    path = save(data, tmp_path / "frames.dcm")
    for number in range(4):
        radiograph = read_radiograph(path, number)
        np.testing.assert_array_equal(radiograph.stored, frames[number])
        if number == 0:
            assert radiograph.overlays == ()
        else:
            np.testing.assert_array_equal(radiograph.overlays[0].mask, masks[number - 1])


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize(
    ("pixels", "value", "limit", "padding"),
    [
        (wedge(12), 4095, None, (4095, 4095)),
        (wedge(12), 4000, 4095, (4000, 4095)),
        (wedge(12), 100, 0, (0, 100)),
        # The attribute's representation and the pixels' need not agree: 63488 is -2048 in 16 bits.
        (wedge(12, signed=True), 63488, None, (-2048, -2048)),
        (wedge(12, signed=True), -2048, -2000, (-2048, -2000)),
    ],
)
def test_padding_is_black_before_any_table(
    pixels: np.ndarray, value: int, limit: int | None, padding: tuple[int, int], inverted: bool, tmp_path: Path
) -> None:
    # The table would turn the padding into something else: padding is told by stored values (PS3.3 C.7.5.1.1.2).
    first = -2048 if pixels.dtype.kind == "i" else 0
    data = image(
        pixels,
        ModalityLUTSequence=Sequence([table(RISING[::-1], first)]),
        PhotometricInterpretation="MONOCHROME1" if inverted else "MONOCHROME2",
        WindowCenter=32768,
        WindowWidth=65536,
    )
    for keyword, number in (("PixelPaddingValue", value), ("PixelPaddingRangeLimit", limit)):
        if number is not None:
            setattr(data, keyword, number)
            data[keyword].VR = "SS" if number < 0 else "US"
    radiograph = read_radiograph(save(data, tmp_path / "padded.dcm"))
    assert radiograph.grayscale.padding == padding
    inside = (pixels < padding[0]) | (pixels > padding[1])
    shown = radiograph.display()
    assert (shown[~inside] == 0).all() and (~inside).any()
    falling = np.diff(shown[inside]) <= 0
    assert falling.all() if not inverted else (~falling | (np.diff(shown[inside]) == 0)).all()
