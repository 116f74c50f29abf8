"""From real files to pixels, greys and millimetres."""

import os
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from XRayAILib.dicom.decoding import ChildDecoder
from XRayAILib.dicom.grayscale import Grayscale, Table, Window, read_grayscale
from XRayAILib.dicom.radiograph import UnreadableError, read_header, read_radiograph
from XRayAILib.dicom.spacing import SpacingSource

LOSSLESS = ("RLE", "JLSL", "J2KR", "JPLL")


def test_a_real_cr_of_the_pydicom_package(real_crs: list[Path]) -> None:
    radiograph = read_radiograph(real_crs[0])
    assert radiograph.header.modality == "CR"
    assert radiograph.header.photometric == "MONOCHROME1"
    assert radiograph.stored.shape == radiograph.shape
    assert radiograph.spacing.source is SpacingSource.DETECTOR  # ImagerPixelSpacing and nothing else
    assert (radiograph.spacing.row, radiograph.spacing.column) == (0.1, 0.1)


def test_monochrome1_is_inverted_for_display_and_never_in_the_stored_values(real_crs: list[Path]) -> None:
    radiograph = read_radiograph(real_crs[0])
    raw = dcmread(real_crs[0]).pixel_array
    np.testing.assert_array_equal(radiograph.stored, raw)
    assert np.corrcoef(raw.ravel(), radiograph.display().ravel())[0, 1] < -0.9


@pytest.mark.parametrize("series", ["RG2", "RG3"])
def test_all_lossless_forms_decode_to_the_same_pixels(series: str, test_data: Path) -> None:
    forms = {form: read_radiograph(test_data / "dicom" / f"{series}_{form}.dcm").stored for form in LOSSLESS}
    for form, stored in forms.items():
        np.testing.assert_array_equal(stored, forms["RLE"], err_msg=f"{series}_{form}")


@pytest.mark.parametrize("series", ["RG2", "RG3"])
@pytest.mark.parametrize("form", ["JPLY", "JLSN", "J2KI"])
def test_lossy_forms_are_close(series: str, form: str, test_data: Path) -> None:
    lossy = read_radiograph(test_data / "dicom" / f"{series}_{form}.dcm").stored.astype(float)
    exact = read_radiograph(test_data / "dicom" / f"{series}_RLE.dcm").stored.astype(float)
    assert np.abs(lossy - exact).mean() < 8.0  # of 1024 grey values


def test_a_spacing_of_zero_is_unknown_and_said_so(test_data: Path) -> None:
    (header,) = read_header(test_data / "dicom" / "RG1_J2KI.dcm")
    assert header.spacing.source is SpacingSource.UNKNOWN
    assert header.spacing.unit == "px"
    assert any("0.000" in note for note in header.notes)


def test_relabelled_polarity_shows_the_negative(test_data: Path) -> None:
    positive = read_radiograph(test_data / "dicom" / "rsna_cxr.dcm").display()
    negative = read_radiograph(test_data / "dicom" / "Fake_MONOHR1.dcm").display()
    np.testing.assert_allclose(positive, 1.0 - negative, atol=1e-6)


def test_windows_follow_the_standard() -> None:
    # The worked table of PS3.3 C.11.2.1.2.1: centre 2048, width 4096 on 12-bit values.
    values = np.array([0.0, 2047.5, 4095.0])
    np.testing.assert_allclose(Window(2048, 4096).apply(values), [0.0, 0.5, 1.0], atol=1e-6)
    np.testing.assert_allclose(
        Window(2048, 4096, "LINEAR_EXACT").apply(np.array([0.0, 2048.0, 4096.0])), [0.0, 0.5, 1.0]
    )
    assert Window(100, 50, "SIGMOID").apply(np.array([100.0]))[0] == pytest.approx(0.5)
    # A width of 1 is a threshold at the centre.
    np.testing.assert_array_equal(Window(2048, 1).apply(np.array([2047.0, 2048.0])), [0.0, 1.0])


def test_padding_is_black_whatever_the_polarity() -> None:
    stored = np.array([[0, 0, 100], [200, 300, 400]], np.uint16)
    grayscale = Grayscale((Window(200, 400, "LINEAR_EXACT"),), inverted=True, padding=(0, 0))
    shown = grayscale.display(stored)
    assert shown[0, 0] == shown[0, 1] == 0.0
    assert shown[0, 2] > shown[1, 2]  # inverted: low values are bright


def test_a_voi_table_is_used_before_a_window() -> None:
    from pydicom import Dataset
    from pydicom.sequence import Sequence

    item = Dataset()
    item.LUTDescriptor = [4, 10, 8]
    item.LUTData = [0, 85, 170, 255]
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.VOILUTSequence = Sequence([item])
    dataset.WindowCenter, dataset.WindowWidth = 12, 4
    stored = np.array([[9, 10, 11, 12, 13, 99]], np.uint16)
    grayscale = read_grayscale(dataset, stored)
    assert isinstance(grayscale.voi[0], Table) and isinstance(grayscale.voi[1], Window)
    np.testing.assert_allclose(grayscale.display(stored), [[0, 0, 1 / 3, 2 / 3, 1, 1]], atol=1e-6)


@pytest.mark.parametrize("kept", [0, 50, 200, 5000, -2000])
def test_a_truncated_file_is_refused_with_its_name(kept: int, test_data: Path, tmp_path: Path) -> None:
    whole = (test_data / "dicom" / "RG3_JPLL.dcm").read_bytes()
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(whole[:kept])
    with pytest.raises(UnreadableError, match=r"cut\.dcm"):
        read_radiograph(cut)


@pytest.mark.parametrize("kept", [1003, 1100, 5000, -200])
@pytest.mark.parametrize("name", ["rsna_cxr", "RG3_JPLL", "RG2_RLE"])
def test_a_truncated_compressed_image_is_refused_by_its_header(
    name: str, kept: int, test_data: Path, tmp_path: Path
) -> None:
    whole = (test_data / "dicom" / f"{name}.dcm").read_bytes()
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(whole[:kept])
    with pytest.raises(UnreadableError, match=r"cut\.dcm.*(cut off|missing)"):
        read_header(cut)  # as a scan does, which decodes nothing


def test_a_text_file_named_dcm_is_refused(tmp_path: Path) -> None:
    note = tmp_path / "note.dcm"
    note.write_text("Dear colleague, please find the radiographs on the other disk.")
    with pytest.raises(UnreadableError, match="DICM"):
        read_header(note)


def test_what_is_no_radiograph_is_named(test_data: Path) -> None:
    with pytest.raises(UnreadableError, match="Segmentation Storage"):
        read_header(test_data / "dicom" / "seg_image_cr_binary.dcm")


def test_a_stream_that_breaks_the_decoder_costs_one_file(test_data: Path, tmp_path: Path) -> None:
    data = bytearray((test_data / "dicom" / "RG3_J2KR.dcm").read_bytes())
    middle = len(data) // 2
    data[middle - 40_000 : middle + 40_000] = bytes(80_000)
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(data)
    try:
        assert read_radiograph(broken).stored.size  # some decoders conceal the damage
    except UnreadableError as error:
        assert "broken.dcm" in str(error)
    assert read_radiograph(test_data / "dicom" / "RG3_J2KR.dcm").stored.size


def test_pixels_come_by_the_pipe_where_processes_may_not_share_memory(
    test_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from XRayAILib.dicom import decoding, shared_pixels

    def forbidden(name: str, size: int) -> None:
        raise PermissionError(f"{name} is not for this process")

    monkeypatch.setattr(shared_pixels, "_opened", forbidden)
    monkeypatch.setattr(decoding, "_shared", ChildDecoder())
    piped = read_radiograph(test_data / "dicom" / "RG3_JPLL.dcm").stored
    decoding.shared_decoder().close()
    monkeypatch.undo()
    np.testing.assert_array_equal(piped, read_radiograph(test_data / "dicom" / "RG3_RLE.dcm").stored)


def test_a_decoder_that_was_ended_is_started_again(test_data: Path) -> None:
    import psutil

    from XRayAILib.dicom.decoding import shared_decoder

    path = test_data / "dicom" / "RG3_JPLL.dcm"
    before = read_radiograph(path).stored
    child = psutil.Process(shared_decoder()._child.pid)
    child.kill()
    child.wait(10)
    np.testing.assert_array_equal(read_radiograph(path).stored, before)


def test_pixels_of_one_image_stay_when_the_next_is_read(test_data: Path) -> None:
    first = read_radiograph(test_data / "dicom" / "RG3_JPLL.dcm").stored
    before = first.copy()
    read_radiograph(test_data / "dicom" / "RG2_JPLL.dcm")
    np.testing.assert_array_equal(first, before)


@pytest.mark.skipif(os.name != "posix", reason="the launcher of this test is a shell script")
def test_a_decoder_that_hangs_behind_a_launcher_is_ended(tmp_path: Path) -> None:
    # Slicer's PythonSlicer starts the real Python as its child, which holds the pipe to the answer.
    launcher, survived = tmp_path / "PythonSlicer", tmp_path / "survived"
    launcher.write_text(f"#!/bin/sh\n(sleep 6; touch '{survived}')\n:\n")
    launcher.chmod(0o755)
    with pytest.raises(UnreadableError, match="longer than 1 s"):
        ChildDecoder(str(launcher), time_limit=1.0).decode(tmp_path / "hanging.dcm", 0, "", {})
    assert not survived.exists()


def test_pictures(tmp_path: Path) -> None:
    from PIL import Image

    grey = np.arange(48, dtype=np.uint16).reshape(6, 8) * 1000
    Image.fromarray(grey).save(tmp_path / "deep.png")
    deep = read_radiograph(tmp_path / "deep.png")
    np.testing.assert_array_equal(deep.stored, grey)
    assert deep.uid.startswith("sha256:") and not deep.spacing.known
    Image.fromarray(np.full((5, 7, 3), (255, 0, 0), np.uint8)).save(tmp_path / "colour.jpg", quality=100)
    colour = read_radiograph(tmp_path / "colour.jpg")
    assert colour.shape == (5, 7) and abs(int(colour.stored[0, 0]) - 76) <= 2
    assert colour.header.notes and np.abs(colour.colour.astype(int) - (255, 0, 0)).max() <= 4
    assert deep.colour is None


def test_a_picture_of_fractions_is_refused_rather_than_shown_black(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8)).save(tmp_path / "fractions.tif")
    with pytest.raises(UnreadableError, match=r"fractions\.tif.*whole numbers"):
        read_header(tmp_path / "fractions.tif")
