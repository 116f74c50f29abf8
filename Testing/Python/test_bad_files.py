"""Files that break the rules: the right pixels or a reason, never a crash and never a wait without end."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, dcmwrite
from pydicom.dataset import FileDataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian, JPEG2000Lossless

from dicom_cases import image, save, wedge
from XRayAILib.dicom.radiograph import UnreadableError, read_header, read_radiograph


def refused(path: Path) -> str:
    with pytest.raises(UnreadableError) as caught:
        read_radiograph(path)
    assert str(path) in str(caught.value)
    return caught.value.reason


def with_element(path: Path, tag: tuple[int, int], raw: bytes) -> Path:
    """The file with these bytes put in front of the element of this tag, or of what comes after it."""
    data = dcmread(path)
    after = next(element for element in data if element.tag >= tag)
    whole = path.read_bytes()
    long = after.VR in ("OB", "OW", "SQ", "UT", "UN")
    place = after.file_tell - (12 if long else 8)
    path.write_bytes(whole[:place] + raw + whole[place:])
    return path


# Pixels in every form ------------------------------------------------------------------------------------------------


def test_rubbish_in_the_bits_that_the_image_does_not_use(tmp_path: Path) -> None:
    rubbish = np.random.default_rng(0).integers(0, 16, (96, 128)).astype(np.uint16) << 12
    radiograph = read_radiograph(save(image(wedge() | rubbish), tmp_path / "rubbish.dcm"))
    np.testing.assert_array_equal(radiograph.stored, wedge())
    signed = wedge(12, signed=True)
    mixed = ((signed.view(np.uint16) & 0x0FFF) | rubbish).view(np.int16)
    radiograph = read_radiograph(save(image(mixed), tmp_path / "signed.dcm"))
    np.testing.assert_array_equal(radiograph.stored, signed)


def test_bits_that_do_not_begin_at_the_lowest(tmp_path: Path) -> None:
    data = image(wedge() << 4, HighBit=15)
    np.testing.assert_array_equal(read_radiograph(save(data, tmp_path / "high.dcm")).stored, wedge())


@pytest.mark.parametrize("kind", ["u1", "i1", "u2", "i2", "u4", "i4"])
def test_every_width_and_sign(kind: str, tmp_path: Path) -> None:
    bits = 8 * np.dtype(kind).itemsize
    values = np.linspace(np.iinfo(kind).min, np.iinfo(kind).max, 96 * 128).astype(kind).reshape(96, 128)
    radiograph = read_radiograph(save(image(values, bits), tmp_path / f"{kind}.dcm"))
    np.testing.assert_array_equal(radiograph.stored, values)
    shown = radiograph.display()
    assert (np.diff(shown.ravel()) >= 0).all() and shown[0, 0] == 0.0 and shown[-1, -1] == 1.0


def test_one_bit_a_pixel(tmp_path: Path) -> None:
    mask = np.random.default_rng(0).random((40, 40)) < 0.5
    data = image(mask.astype(np.uint8), 8, BitsAllocated=1, BitsStored=1, HighBit=0)
    data.PixelData = np.packbits(mask, bitorder="little").tobytes()
    np.testing.assert_array_equal(read_radiograph(save(data, tmp_path / "bit.dcm")).stored, mask)


def test_floating_point_pixels_are_no_radiograph(tmp_path: Path) -> None:
    data = image(np.zeros((8, 8), np.uint16))
    del data.PixelData
    data.FloatPixelData = np.linspace(0, 1, 64, dtype=np.float32).tobytes()
    data.BitsAllocated = 32
    assert "PixelData" in refused(save(data, tmp_path / "float.dcm"))


@pytest.mark.parametrize("syntax", [ExplicitVRBigEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_every_uncompressed_coding(syntax: str, tmp_path: Path) -> None:
    pixels = wedge(8) if syntax == DeflatedExplicitVRLittleEndian else wedge()
    data = image(pixels, 8 if pixels.dtype.itemsize == 1 else 12)
    if syntax == ExplicitVRBigEndian:
        data.PixelData = pixels.astype(">u2").tobytes()
    data.file_meta.TransferSyntaxUID = syntax
    path = tmp_path / "coding.dcm"
    dcmwrite(path, data, enforce_file_format=True)
    radiograph = read_radiograph(path)
    np.testing.assert_array_equal(radiograph.stored, pixels)
    assert radiograph.stored.dtype.isnative


def test_a_file_without_preamble_and_file_meta(tmp_path: Path) -> None:
    data, path = image(), tmp_path / "bare.dcm"
    data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    data.save_as(path, implicit_vr=True)
    whole = path.read_bytes()
    path.write_bytes(whole[whole.index(b"\x08\x00\x16\x00") :])
    np.testing.assert_array_equal(read_radiograph(path).stored, wedge())


# Pixels that are not what the header says ----------------------------------------------------------------------------


def test_an_odd_number_of_bytes_of_pixels_is_read(tmp_path: Path, test_data: Path) -> None:
    odd = np.arange(7 * 9, dtype=np.uint8).reshape(7, 9)
    np.testing.assert_array_equal(read_radiograph(save(image(odd, 8), tmp_path / "odd.dcm")).stored, odd)
    assert read_radiograph(test_data / "dicom" / "dx_image.dcm").stored.size


@pytest.mark.parametrize("rows", [95, 97, 2000])
def test_rows_that_do_not_match_the_data(rows: int, tmp_path: Path) -> None:
    path = save(image(Rows=rows), tmp_path / "rows.dcm")
    if rows > 96:
        assert "Rows x Columns" in refused(path)
    else:
        np.testing.assert_array_equal(read_radiograph(path).stored, wedge()[:95])


@pytest.mark.parametrize("form", ["JPLL", "JLSL", "J2KR", "RLE"])
def test_rows_that_do_not_match_the_encoded_image(form: str, tmp_path: Path, test_data: Path) -> None:
    data = dcmread(test_data / "dicom" / f"RG3_{form}.dcm")
    data.Rows += 8
    path = tmp_path / "rows.dcm"
    data.save_as(path)
    reason = refused(path)
    assert "decoded" in reason and (form == "RLE" or f"Columns x Rows say {data.Columns} x {data.Rows}" in reason)


def test_a_compressed_file_whose_pixels_are_something_else(tmp_path: Path) -> None:
    from pydicom.encaps import encapsulate

    data = image()
    data.file_meta.TransferSyntaxUID = JPEG2000Lossless
    data.PixelData = encapsulate([b"this is no image at all"])
    data["PixelData"].is_undefined_length = True
    assert "decoded" in refused(save(data, tmp_path / "text.dcm"))


# Attributes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("WindowCenter", b"DS", b"wide"),
        ("RescaleSlope", b"DS", b"1,5 "),
        ("PixelPaddingValue", b"OB", b"\x01"),
        ("VOILUTSequence", b"LO", b"none"),
        ("NumberOfFrames", b"IS", b"many"),
        ("WindowWidth", b"US", b"\x01"),
        ("PixelSpacing", b"DS", b"0\\-1"),
    ],
)
def test_a_value_of_the_wrong_kind_costs_itself_and_not_the_image(
    keyword: str, vr: bytes, value: bytes, tmp_path: Path
) -> None:
    from pydicom.datadict import tag_for_keyword

    path = save(image(), tmp_path / "kind.dcm")
    tag = tag_for_keyword(keyword)
    number = struct.pack("<HH", tag >> 16, tag & 0xFFFF)
    size = struct.pack("<HI", 0, len(value)) if vr == b"OB" else struct.pack("<H", len(value))
    with_element(path, (tag >> 16, tag & 0xFFFF), number + vr + size + value)
    radiograph = read_radiograph(path)
    np.testing.assert_array_equal(radiograph.stored, wedge())
    assert np.isfinite(radiograph.display()).all() and not radiograph.spacing.known


NAMES = {
    "ISO_IR 100": "Buc^Jérôme",
    "ISO_IR 144": "Люкceмбypг",
    "ISO_IR 192": "王^小東",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞",
}


@pytest.mark.parametrize("charset", NAMES)
def test_names_in_other_writings(charset: str, tmp_path: Path) -> None:
    path = save(image(SpecificCharacterSet=charset.split("\\"), PatientName=NAMES[charset]), tmp_path / "name.dcm")
    assert read_header(path)[0].patient_name == NAMES[charset]


@pytest.mark.parametrize("charset", ["", "ISO_IR 999", "ISO_IR 192", "ISO_IR 138", "\\ISO 2022 IR 58"])
def test_a_wrong_character_set_costs_letters_and_not_the_image(charset: str, tmp_path: Path) -> None:
    path = save(image(SpecificCharacterSet="ISO_IR 100", PatientName="Müller^Jörg"), tmp_path / "name.dcm")
    whole, old = path.read_bytes(), b"\x08\x00\x05\x00CS\x0a\x00ISO_IR 100"
    value = charset.encode().ljust(len(charset) + len(charset) % 2)
    path.write_bytes(whole.replace(old, b"\x08\x00\x05\x00CS" + struct.pack("<H", len(value)) + value))
    (header,) = read_header(path)
    assert header.patient_name.startswith("M") and header.patient_id == "WEDGE"
    header.patient_name.encode("utf-8")
    np.testing.assert_array_equal(read_radiograph(path).stored, wedge())


# What would hang, or fill the memory ---------------------------------------------------------------------------------


@pytest.mark.parametrize("undefined", [True, False])
def test_sequences_five_thousand_deep(undefined: bool, tmp_path: Path) -> None:
    path = save(image(), tmp_path / "deep.dcm")
    tag = struct.pack("<HH", 0x0040, 0xA730)
    inner = b""
    head, tail = b"", b""
    if undefined:
        head = (tag + b"SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff") * 5000
        tail = (b"\xfe\xff\x0d\xe0\0\0\0\0" + b"\xfe\xff\xdd\xe0\0\0\0\0") * 5000
    else:
        for _ in range(5000):
            item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
            inner = tag + b"SQ\0\0" + struct.pack("<I", len(item)) + item
    with_element(path, (0x0040, 0xA730), head + inner + tail)
    try:
        np.testing.assert_array_equal(read_radiograph(path).stored, wedge())
    except UnreadableError as error:
        assert "nested too deeply" in error.reason


@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
def test_sequences_five_thousand_deep_where_we_look(keyword: str, tmp_path: Path) -> None:
    from pydicom.datadict import tag_for_keyword

    path = save(image(), tmp_path / "deep.dcm")
    number = tag_for_keyword(keyword)
    tag = struct.pack("<HH", number >> 16, number & 0xFFFF)
    inner = b""
    for _ in range(5000):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
        inner = tag + b"SQ\0\0" + struct.pack("<I", len(item)) + item
    with_element(path, (number >> 16, number & 0xFFFF), inner)
    np.testing.assert_array_equal(read_radiograph(path).stored, wedge())


@pytest.mark.parametrize("length", [0xFFFFFFFE, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("vr", [b"OB", b"UN", b"SQ"])
def test_a_length_of_gigabytes(length: int, vr: bytes, tmp_path: Path) -> None:
    path = save(image(), tmp_path / "giant.dcm")
    with_element(path, (0x0009, 0x1010), b"\x09\x00\x10\x10" + vr + b"\0\0" + struct.pack("<I", length))
    assert refused(path)


def deflated(data: FileDataset, path: Path, more: bytes) -> Path:
    """A deflated file with ``more`` in front of its pixels."""
    data.save_as(path, enforce_file_format=True)
    end = 144 + struct.unpack_from("<I", path.read_bytes(), 140)[0]
    whole = path.read_bytes()
    at = dcmread(path)["PixelData"].file_tell - 12
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(whole[end:at]) + packer.compress(more) + packer.compress(whole[at:]) + packer.flush()
    # The other transfer syntax has a longer name.
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.save_as(path.with_suffix(".meta"), enforce_file_format=True)
    meta = path.with_suffix(".meta").read_bytes()
    path.write_bytes(meta[: 144 + struct.unpack_from("<I", meta, 140)[0]] + body)
    return path


def test_a_deflated_file_that_grows_a_thousandfold(tmp_path: Path) -> None:
    import tracemalloc

    # Behind the header comes a private element of 400 MB of zeros, which is 400 kB when deflated.
    zeros = 400 << 20
    more = b"\x09\x10\x10\x00".join([b"", b"OB\0\0" + struct.pack("<I", zeros)]) + bytes(zeros)
    honest = deflated(image(), tmp_path / "small.dcm", b"")
    np.testing.assert_array_equal(read_radiograph(honest).stored, wedge())
    bomb = deflated(image(), tmp_path / "bomb.dcm", more)
    del more
    assert bomb.stat().st_size < 2 << 20
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableError, match="deflated data holds more than"):
            read_header(bomb)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 << 20


def test_an_encoded_image_of_gigapixels(tmp_path: Path, test_data: Path) -> None:
    whole = bytearray((test_data / "dicom" / "RG3_J2KR.dcm").read_bytes())
    start = whole.index(b"\xff\x4f\xff\x51")
    whole[start + 8 : start + 16] = struct.pack(">2I", 60000, 60000)
    path = tmp_path / "giant.dcm"
    path.write_bytes(whole)
    assert "60000 x 60000" in refused(path)
