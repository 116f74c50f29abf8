"""Clean Pixel Data: burned-in text blanked in the stored pixels themselves (PS3.15 E.3.1).

The rest of the image stays as it was, bit by bit. Compressed images become uncompressed ones, because what a lossy
encoder would do to the rest, nobody asked for; what they lost before is still said of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from XRayAILib.dicom.errors import UnreadableError

if TYPE_CHECKING:
    from pydicom import Dataset

    from XRayAILib.dicom.pixel_element import PixelElement

Region = tuple[int, int, int, int]
"""left, top, right, bottom in whole pixels from 0; right and bottom are the first ones outside."""

EXPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"

_LOSSY = {
    "1.2.840.10008.1.2.4.50": "ISO_10918_1",
    "1.2.840.10008.1.2.4.51": "ISO_10918_1",
    "1.2.840.10008.1.2.4.81": "ISO_14495_1",
    "1.2.840.10008.1.2.4.91": "ISO_15444_1",
    "1.2.840.10008.1.2.4.203": "ISO_15444_15",
}
"""Transfer syntaxes that may lose something, with the name of their method (PS3.3 C.7.6.1.1.5.1)."""

_BLACK = {"RGB": (0, 0, 0), "YBR_FULL": (0, 128, 128)}


def blank(dataset: Dataset, regions: Sequence[Region], path: Path) -> None:
    """Blank regions in the pixels of every frame, and in the overlays over them.

    They are filled with the pixel padding value where the image has one, else with that grey of the image which is
    shown blackest: so neither its range nor a window computed from it changes.

    Parameters
    ----------
    dataset
        Parsed from ``path`` with its pixels. Changed in place; its transfer syntax may be another one then.
    regions
        What lies outside of the image is ignored.

    Raises
    ------
    UnreadableError
        The pixels cannot be decoded, or are of a kind that cannot be blanked.
    """
    from pydicom import DataElement
    from pydicom.uid import UID

    from XRayAILib.dicom.file_header import parsed, reading
    from XRayAILib.dicom.pixel_element import find_pixels, transfer_syntax

    syntax = transfer_syntax(dataset)
    compressed = UID(syntax).is_compressed
    if compressed:
        with reading(path) as stream:
            element = find_pixels(stream, parsed(stream, pixels=False))
        data = _decoded(dataset, regions, path, element, syntax)
        _say_lossy(dataset, syntax, len(data), element.room)
        dataset.file_meta.TransferSyntaxUID = UID(EXPLICIT_VR_LITTLE_ENDIAN)
    else:
        data = _native(dataset, regions, path)
    data += b"\0" * (len(data) % 2)
    vr = "OW" if int(dataset.BitsAllocated) > 8 or dataset.original_encoding[0] else "OB"
    dataset[0x7FE00010] = DataElement(0x7FE00010, vr, data)
    _blank_overlays(dataset, regions)


def holds_more(dataset: Dataset, length: int) -> bool:
    """Whether Pixel Data that is not compressed, of ``length`` bytes, holds more than the image.

    That are bytes behind the last pixel, and overlays in the bits that the image leaves (PS3.5-2004 8.1.2), which no
    removal of an attribute takes away.
    """
    from XRayAILib.dicom.overlays import embedded_planes

    needed = bytes_needed(dataset)
    return needed is not None and (length > needed + needed % 2 or embedded_planes(dataset))


def keep_image_only(dataset: Dataset) -> None:
    """Take out of Pixel Data what is no pixel of the image; see :func:`holds_more`."""
    from XRayAILib.dicom.attributes import integer
    from XRayAILib.dicom.overlays import embedded_planes, used_bits

    needed = bytes_needed(dataset)
    if needed is None:
        return
    data = dataset.PixelData[:needed]
    if embedded_planes(dataset) and len(data) == needed:
        allocated = integer(dataset, "BitsAllocated", 16)
        order = "<" if dataset.original_encoding[1] else ">"
        stored = np.frombuffer(data, f"{order}u{allocated // 8}")
        used = used_bits(dataset)
        mask = sum(1 << bit for bit in used if bit < allocated)
        cleared = stored & stored.dtype.type(mask)
        if integer(dataset, "PixelRepresentation", 0) & 1:
            above = stored.dtype.type((1 << allocated) - (1 << min(used.stop, allocated)))
            cleared |= np.where(stored >> (used.stop - 1) & 1, above, stored.dtype.type(0))  # the sign goes on
        data = cleared.astype(stored.dtype).tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)


def bytes_needed(dataset: Dataset) -> int | None:
    """Bytes that the image takes without compression, all frames together; ``None`` where its header does not tell."""
    from XRayAILib.dicom.attributes import integer, text

    allocated = integer(dataset, "BitsAllocated", 0)
    if allocated not in (8, 16, 32) or text(dataset, "PhotometricInterpretation").endswith(("_422", "_420")):
        return None
    sizes = [integer(dataset, keyword, 0) for keyword in ("Rows", "Columns")]
    pixels = sizes[0] * sizes[1] * max(integer(dataset, "NumberOfFrames", 1), 1)
    return pixels * max(integer(dataset, "SamplesPerPixel", 1), 1) * allocated // 8 or None


def say_derived(dataset: Dataset) -> None:
    """Mark an image as one whose pixels were changed (PS3.3 C.7.6.1.1.2).

    Descriptions of how, such as Derivation Description, are among what de-identification takes out; that the pixels
    were cleaned is said by its codes.
    """
    old = list(dataset.get("ImageType") or ["ORIGINAL", "PRIMARY"])
    dataset.ImageType = ["DERIVED", *old[1:]]


def _native(dataset: Dataset, regions: Sequence[Region], path: Path) -> bytes:
    """Pixel Data with the regions blanked, in the byte order and arrangement that it has."""
    from XRayAILib.dicom.attributes import integer, text

    allocated = integer(dataset, "BitsAllocated", 0)
    photometric = text(dataset, "PhotometricInterpretation")
    if "PixelData" not in dataset or allocated not in (8, 16, 32) or photometric.endswith(("_422", "_420")):
        raise UnreadableError(
            str(path),
            f"its pixels ({allocated} bits allocated, {photometric or 'no PhotometricInterpretation'}) cannot be "
            "blanked: export it as an ordinary grey or RGB image first",
        )
    data = bytearray(dataset.PixelData)
    order = "<" if dataset.original_encoding[1] else ">"
    kind = "i" if integer(dataset, "PixelRepresentation", 0) & 1 else "u"
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    samples, frames = integer(dataset, "SamplesPerPixel", 1), integer(dataset, "NumberOfFrames", 1)
    count = frames * rows * columns * samples
    if len(data) < count * allocated // 8:
        raise UnreadableError(str(path), f"Rows x Columns ask for more than the {len(data):,} bytes of its PixelData")
    stored = np.frombuffer(data, f"{order}{kind}{allocated // 8}", count)
    arranged: np.ndarray
    if samples > 1 and integer(dataset, "PlanarConfiguration", 0):
        arranged = np.moveaxis(stored.reshape(frames, samples, rows, columns), 1, -1)
    else:
        arranged = stored.reshape((frames, rows, columns) + ((samples,) if samples > 1 else ()))
    for frame in arranged:
        _fill(dataset, frame, regions)
    return bytes(data)


def _decoded(dataset: Dataset, regions: Sequence[Region], path: Path, element: PixelElement, syntax: str) -> bytes:
    """The frames decoded, blanked and put one after the other; ``dataset`` says how they are stored now."""
    pieces = []
    for frame in _frames(dataset, path, element, syntax):
        if frame.ndim == 3:
            dataset.PhotometricInterpretation, dataset.PlanarConfiguration = "RGB", 0
            frame = frame.astype("u1" if frame.dtype.itemsize == 1 else "<u2")
        else:
            # Decoders give what suffices for the stored bits; the header may ask for more.
            frame = frame.astype(f"<{frame.dtype.kind}{int(dataset.BitsAllocated) // 8}")
        _fill(dataset, frame, regions)
        pieces.append(frame.tobytes())
    return b"".join(pieces)


def _frames(dataset: Dataset, path: Path, element: PixelElement, syntax: str) -> Iterator[np.ndarray]:
    from XRayAILib.dicom.decoding import shared_decoder
    from XRayAILib.dicom.pixel_element import decoder_options

    options = decoder_options(dataset, element)
    for frame in range(options["number_of_frames"]):
        yield np.array(shared_decoder().decode(path, element.offset, syntax, options, frame))


def _fill(dataset: Dataset, frame: np.ndarray, regions: Sequence[Region]) -> None:
    """Blank the regions of one frame (rows, columns) or (rows, columns, samples) in place."""
    outside = np.ones(frame.shape[:2], bool)
    for left, top, right, bottom in regions:
        outside[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = False
    if not outside.all():
        frame[~outside] = _black(dataset, frame, outside)


def _black(dataset: Dataset, frame: np.ndarray, outside: np.ndarray) -> Any:
    """What the regions are filled with, as stored: one value, or one per sample."""
    from XRayAILib.dicom.attributes import text
    from XRayAILib.dicom.grayscale import read_grayscale

    photometric = text(dataset, "PhotometricInterpretation")
    if frame.ndim == 3:
        return np.array(_BLACK.get(photometric, (0,) * frame.shape[2]), frame.dtype)
    values = np.unique(frame[outside] if outside.any() else frame).astype(frame.dtype.newbyteorder("="))
    if photometric == "PALETTE COLOR":
        from pydicom.pixels import apply_color_lut

        return values[np.argmin(apply_color_lut(values[None], dataset)[0].sum(axis=-1, dtype=int))]
    grayscale = read_grayscale(dataset, values)
    if grayscale.padding is not None:
        low, high = grayscale.padding
        limits = np.iinfo(frame.dtype)
        value = high if grayscale.inverted else low
        if limits.min <= value <= limits.max:
            return value
    shown = grayscale.display(values)
    black = values[shown == shown.min()]
    # Of all that a window shows black, the end of the range, where the pixels beside the beam lie as well.
    return black[-1] if grayscale.inverted else black[0]


def _blank_overlays(dataset: Dataset, regions: Sequence[Region]) -> None:
    """Take the same regions out of the planes in groups 60xx (PS3.3 C.9.2), whose bits run on from row to row."""
    from XRayAILib.dicom.overlays import GROUPS

    for group in GROUPS:
        elements = [(group, number) for number in (0x3000, 0x0010, 0x0011)]
        if not all(tag in dataset for tag in elements):
            continue
        element, rows, columns = (dataset[tag] for tag in elements)
        size = int(rows.value) * int(columns.value)
        origin = [int(v) - 1 for v in dataset[group, 0x0050].value] if (group, 0x0050) in dataset else [0, 0]
        bits = np.unpackbits(np.frombuffer(element.value, np.uint8), bitorder="little")
        planes = bits[: bits.size // size * size].reshape(-1, int(rows.value), int(columns.value))
        for left, top, right, bottom in regions:
            down, across = (slice(max(a - o, 0), max(b - o, 0)) for a, b, o in
                            ((top, bottom, origin[0]), (left, right, origin[1])))  # fmt: skip
            planes[:, down, across] = 0
        element.value = np.packbits(bits, bitorder="little").tobytes()


def _say_lossy(dataset: Dataset, syntax: str, size: int, compressed: int) -> None:
    """Keep on record that the pixels went through a lossy compression (PS3.3 C.7.6.1.1.5)."""
    if syntax not in _LOSSY or str(dataset.get("LossyImageCompression") or "") == "01":
        return
    dataset.LossyImageCompression = "01"
    dataset.LossyImageCompressionMethod = _LOSSY[syntax]
    dataset.LossyImageCompressionRatio = round(size / max(compressed, 1), 2)
