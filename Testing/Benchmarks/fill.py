"""A polygon becomes pixels, and pixels become a polygon, measured beside other libraries.

    python Testing/Benchmarks/fill.py [--size 3000] [--corners 100] [--runs 9]

Prints a table: the time of each, and how many pixels it fills otherwise than the rule says, by which a pixel belongs to
a polygon when its centre lies inside.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HOME = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HOME / "XRayAI"))

from XRayAILib.pixels.fill import fill_polygon  # noqa: E402
from XRayAILib.pixels.keyhole import keyholes  # noqa: E402
from XRayAILib.pixels.trace import outlines  # noqa: E402

Call = Callable[[], object]


def lung(size: int, corners: int) -> np.ndarray:
    """A wavy outline that fills much of an image, as (N, 2) of x, y."""
    random = np.random.default_rng(0)
    turn = np.arange(corners) * 2 * np.pi / corners
    radius = size * (0.4 + 0.05 * np.sin(5 * turn) + random.uniform(-0.01, 0.01, corners))
    return size / 2 + np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)


def fillers(points: np.ndarray, size: int) -> dict[str, Call]:
    from PIL import Image, ImageDraw
    from skimage.draw import polygon, polygon2mask

    def pillow() -> np.ndarray:
        image = Image.new("1", (size, size))
        ImageDraw.Draw(image).polygon([tuple(point) for point in points.tolist()], fill=1)
        return np.asarray(image)

    def skimage() -> np.ndarray:
        mask = np.zeros((size, size), bool)
        mask[polygon(points[:, 1], points[:, 0], mask.shape)] = True
        return mask

    return {
        "X-Ray AI, fill_polygon": lambda: fill_polygon(points, (size, size)),
        "Pillow, ImageDraw.polygon": pillow,
        "scikit-image, draw.polygon": skimage,
        "scikit-image, polygon2mask": lambda: polygon2mask((size, size), points[:, ::-1]),
    }


def tracers(mask: np.ndarray) -> dict[str, Call]:
    from skimage.measure import find_contours

    return {
        "X-Ray AI, outlines with holes joined": lambda: keyholes(outlines(mask)),
        "scikit-image, find_contours": lambda: find_contours(mask, 0.5),
    }


def inside(points: np.ndarray, size: int) -> np.ndarray:
    """The rule, computed row by row from the crossings of the outline with the line of the pixel centres."""
    mask = np.zeros((size, size), bool)
    (x0, y0), (x1, y1) = points.T, np.roll(points, -1, axis=0).T
    columns = np.arange(size)
    for row in range(size):
        crosses = (y0 <= row) != (y1 <= row)
        x = x0[crosses] + (row - y0[crosses]) / (y1[crosses] - y0[crosses]) * (x1[crosses] - x0[crosses])
        mask[row] = (x[:, None] <= columns).sum(axis=0) % 2 == 1
    return mask


def milliseconds(call: Call, runs: int) -> tuple[float, float, float]:
    """Median, fastest and slowest."""
    call()
    taken = []
    for _run in range(runs):
        begun = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - begun))
    return statistics.median(taken), min(taken), max(taken)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=3000, help="rows and columns of the image")
    parser.add_argument("--corners", type=int, default=100)
    parser.add_argument("--runs", type=int, default=9)
    chosen = parser.parse_args()
    points = lung(chosen.size, chosen.corners)
    rule = inside(points, chosen.size)
    print(f"{chosen.corners} corners, {chosen.size} x {chosen.size} pixels, {int(rule.sum()):,} of them inside")
    print(f"{'':40}{'median':>10}{'fastest':>10}{'slowest':>10}{'wrong pixels':>14}")
    for name, call in fillers(points, chosen.size).items():
        median, fastest, slowest = milliseconds(call, chosen.runs)
        wrong = int((np.asarray(call()) != rule).sum())
        print(f"{name:40}{median:7.1f} ms{fastest:7.1f} ms{slowest:7.1f} ms{wrong:14,}")
    print()
    for name, call in tracers(rule).items():
        median, fastest, slowest = milliseconds(call, chosen.runs)
        print(f"{name:40}{median:7.1f} ms{fastest:7.1f} ms{slowest:7.1f} ms")


if __name__ == "__main__":
    main()
