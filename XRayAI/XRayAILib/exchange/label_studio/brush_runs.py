"""Run lengths of Label Studio's brush to pixels and back.

The format is that of the package rle-pack of thi.ng, which Label Studio uses on the four channels of a picture, pixel
by pixel: 32 bits for the number of values, 5 for the bits of a value less 1, four times 4 for the bits of a length less
1; then for each run a bit that says whether it repeats one value, 2 bits that choose one of the four sizes, the length
less 1, and the value, or as many values as the length says.
"""

from __future__ import annotations

import numpy as np

CHANNELS = 4
_SIZES = (3, 4, 8, 16)
_HEADER = 32 + 5 + 4 * 4
_OPAQUE = 255


def encode_brush(mask: np.ndarray) -> list[int]:
    """The bytes of a mask (rows, columns), boolean: opaque white where it is true."""
    flat = mask.ravel()
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    starts = np.concatenate([[0], changes, [flat.size]])
    bits = [f"{flat.size * CHANNELS:032b}", f"{7:05b}", *(f"{size - 1:04b}" for size in _SIZES)]
    for start, end in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        left = (end - start) * CHANNELS
        value = f"{_OPAQUE if flat[start] else 0:08b}"
        while left:
            length = min(left, 1 << _SIZES[-1])
            place = next(i for i, size in enumerate(_SIZES) if length <= 1 << size)
            bits.append(f"1{place:02b}{length - 1:0{_SIZES[place]}b}{value}")
            left -= length
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def decode_brush(data: object, shape: tuple[int, int]) -> np.ndarray:
    """The mask (rows, columns), boolean, of a brush: where its last channel is not 0.

    Raises
    ------
    ValueError
        The bytes are no run lengths, or not of an image of this ``shape``.
    """
    if not isinstance(data, list) or not all(type(byte) is int and 0 <= byte < 256 for byte in data):
        raise ValueError("its 'rle' is not a list of bytes")
    bits = _Bits(bytes(data))
    count = bits.take(32)
    if count != shape[0] * shape[1] * CHANNELS:
        raise ValueError(f"its runs are of {count // CHANNELS} pixels, the image has {shape[0] * shape[1]}")
    word = bits.take(5) + 1
    sizes = [bits.take(4) + 1 for _ in range(4)]
    values: list[int] = []
    lengths: list[int] = []
    done = 0
    while done < count:
        repeats = bits.take(1)
        length = bits.take(sizes[bits.take(2)]) + 1
        if done + length > count:
            raise ValueError("its runs go on behind the last pixel")
        if repeats:
            values.append(bits.take(word))
            lengths.append(length)
        else:
            values += [bits.take(word) for _ in range(length)]
            lengths += [1] * length
        done += length
    pixels = np.repeat(np.array(values, np.uint32), lengths)
    return pixels.reshape(*shape, CHANNELS)[:, :, CHANNELS - 1] > 0


class _Bits:
    """Bits of bytes, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._text = "".join(f"{byte:08b}" for byte in data)
        self._place = 0

    def take(self, count: int) -> int:
        """The next so many as a number; ValueError where they have come to their end."""
        self._place += count
        if self._place > len(self._text):
            raise ValueError("its runs end in the middle")
        return int(self._text[self._place - count : self._place], 2)
