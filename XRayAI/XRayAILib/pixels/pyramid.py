"""The Laplacian pyramid of an image (Burt and Adelson, IEEE Transactions on Communications 31, 1983).

An image is split into bands of detail, each half as fine as the one before, and what is left; their sum is the image.
"""

from __future__ import annotations

import numpy as np

SMALLEST = 8
"""Shortest side of what is left in the end."""


def levels_of(shape: tuple[int, int]) -> int:
    """Bands into which an image of ``shape`` (rows, columns) can be split."""
    side, levels = min(shape), 0
    while side >= 2 * SMALLEST:
        side, levels = (side + 1) // 2, levels + 1
    return levels


def split(image: np.ndarray, levels: int) -> tuple[list[np.ndarray], np.ndarray]:
    """The bands, the finest first, and what is left; float32."""
    bands = []
    rest = np.ascontiguousarray(image, np.float32)
    for _level in range(levels):
        smaller = _halved(_halved(rest).T).T
        bands.append(rest - _doubled(smaller, rest.shape))
        rest = smaller
    return bands, rest


def joined(bands: list[np.ndarray], rest: np.ndarray) -> np.ndarray:
    """The image of these bands; undoes :func:`split` but for the last digit of a float32."""
    for band in reversed(bands):
        rest = _doubled(rest, band.shape) + band
    return rest


def _halved(image: np.ndarray) -> np.ndarray:
    """Every second row of the image smoothed along its columns by 1 4 6 4 1, the border repeated."""
    rows = image.shape[0]
    padded = np.concatenate([image[:1], image[:1], image, image[-1:], image[-1:]])
    count = (rows + 1) // 2

    def every_second(first: int) -> np.ndarray:
        return padded[first : first + 2 * count - 1 : 2]

    result: np.ndarray = every_second(0) + every_second(4)
    result += np.float32(4) * (every_second(1) + every_second(3))
    result += np.float32(6) * every_second(2)
    result *= np.float32(1 / 16)
    return result


def _doubled(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The image with its rows and columns doubled, cut to ``shape``, by the same filter."""
    tall = _doubled_rows(image, shape[0])
    return _doubled_rows(np.ascontiguousarray(tall.T), shape[1]).T


def _doubled_rows(image: np.ndarray, rows: int) -> np.ndarray:
    above, below = np.concatenate([image[:1], image[:-1]]), np.concatenate([image[1:], image[-1:]])
    result = np.empty((2 * image.shape[0], image.shape[1]), np.float32)
    result[0::2] = np.float32(1 / 8) * (above + below) + np.float32(6 / 8) * image
    result[1::2] = np.float32(1 / 2) * (image + below)
    return result[:rows]
