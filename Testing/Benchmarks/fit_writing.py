"""Fits the weights of XRayAILib/pixels/writing.yaml: what tells rows of letters from rows of anything else.

    python Testing/Benchmarks/fit_writing.py --images 400

Rows of ink on real images with seeded overlays: those on an overlay are writing, the others are not, except where they
look so much like it that they are the image's own text. The seeds are others than those of the measurements.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Python"))

from text_overlays import KINDS, Overlay, burn_in, display_of, images
from XRayAILib.pixels.burned_in import TextRegion, rows_of_ink
from XRayAILib.pixels.text_lines import FEATURES
from XRayAILib.pixels.writing import WEIGHTS, expanded

SEED = 201
OVERLAY_COUNTS, PENALTY = 6.0, 1.5
"""How much more a row of an overlay counts than another one, and how much large weights cost."""

TALLEST_OWN_TEXT = 45
"""Pixels of its letters: what is taller and looks like text was none, as a look at all of them showed."""


def rows(files: list[Path], count: int) -> tuple[np.ndarray, np.ndarray, list[tuple[int, np.ndarray]]]:
    """Features (N, F), whether each row is writing (1), not (0) or partly (2), and (image, box) of each."""
    random = np.random.default_rng(SEED)
    features, kinds, places = [], [], []
    for number in range(count):
        display = display_of(files[random.integers(len(files))])
        overlays = []
        for second in range(2):
            display, overlay = burn_in(display, KINDS[(2 * number + second) % len(KINDS)], random)
            overlays += [overlay] if len(overlay.ink) else []
        for found in rows_of_ink(display):
            for box, height, row in zip(found.lines.boxes, found.lines.heights, found.lines.features, strict=True):
                box = box * found.scale - 0.5
                box = box[[1, 0, 3, 2]] if found.down else box
                features.append(row)
                kinds.append(_kind(box, 0.25 * height * found.scale, overlays))
                places.append((number, box))
        print(f"\r{number + 1} of {count} images, {len(features)} rows", end="", flush=True)
    print()
    return np.array(features), np.array(kinds), places


def _kind(box: np.ndarray, margin: float, overlays: list[Overlay]) -> int:
    left, top, right, bottom = box + margin * np.array([-1, -1, 1, 1])
    kind = 0
    for overlay in overlays:
        y0, x0 = overlay.ink.min(axis=0)
        y1, x1 = overlay.ink.max(axis=0) + 1
        across, down = min(right, x1) - max(left, x0), min(bottom, y1) - max(top, y0)
        if across <= 0 or down <= 0:
            continue
        area = (right - left) * (bottom - top)
        tight = area < 2.5 * (x1 - x0) * (y1 - y0) if overlay.kind == "small angle" else across * down > 0.6 * area
        if tight and overlay.covered([TextRegion(left, top, right, bottom)]) > 0.3:
            return 1
        kind = 2
    return kind


def fit(features: np.ndarray, kinds: np.ndarray, middle: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Weights of a logistic regression."""
    inputs, weight = expanded(features, middle, spread), np.where(kinds == 1, OVERLAY_COUNTS, 1.0)

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        odds = inputs @ weights
        cost = (weight * (np.logaddexp(0, odds) - kinds * odds)).sum() + PENALTY * weights[1:] @ weights[1:]
        slope = inputs.T @ (weight * (1 / (1 + np.exp(-np.clip(odds, -30, 30))) - kinds))
        return float(cost), slope + 2 * PENALTY * np.r_[0, weights[1:]]

    start = np.zeros(inputs.shape[1])
    return minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 600}).x


def own_text(
    features: np.ndarray, kinds: np.ndarray, odds: np.ndarray, places: list[tuple[int, np.ndarray]]
) -> np.ndarray:
    """Bool array: rows outside of the overlays that are text of the image itself, or lie beside some."""
    images_of, boxes = np.array([image for image, _ in places]), np.array([box for _, box in places])
    shorter = np.minimum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    own = np.zeros(len(kinds), bool)
    for index in np.flatnonzero((kinds == 0) & (odds > 0.5) & (shorter <= TALLEST_OWN_TEXT)):
        grown = boxes[index] + shorter[index] * np.array([-1, -1, 1, 1])
        near = (boxes[:, :2] < grown[2:]).all(axis=1) & (boxes[:, 2:] > grown[:2]).all(axis=1)
        own |= near & (images_of == images_of[index]) & (kinds == 0)
    return own


def written(middle: np.ndarray, spread: np.ndarray, weights: np.ndarray) -> str:
    """The weights as YAML with lines of readable length."""
    parts = ["# Fitted by Testing/Benchmarks/fit_writing.py", f"features: [{', '.join(FEATURES)}]"]
    for name, values in (("middle", middle), ("spread", spread), ("weights", weights)):
        lines, line = [], " "
        for value in values:
            text = f" {value:.4g},"
            if len(line) + len(text) > 116:
                lines, line = [*lines, line], " "
            line += text
        parts.append(f"{name}: [\n" + "\n".join([*lines, line.rstrip(",")]) + "\n]")
    return "\n".join(parts) + "\n"


def main() -> None:
    """Fit, say how well rows are told apart, and write the weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=400)
    wanted = parser.parse_args()
    folder = os.environ.get("XRAYAI_TEST_DATA")
    if not folder:
        sys.exit("XRAYAI_TEST_DATA is not set: it names the folder of real radiographs.")
    files = [path for paths in images(Path(folder)).values() for path in paths]
    features, kinds, places = rows(files, wanted.images)
    middle, spread = features[kinds == 1].mean(axis=0), features.std(axis=0) + 1e-6
    clear = kinds < 2
    weights = fit(features[clear], kinds[clear], middle, spread)
    own = own_text(features, kinds, expanded(features, middle, spread) @ weights, places)
    clear &= ~own
    weights = fit(features[clear], kinds[clear], middle, spread)
    odds = expanded(features, middle, spread) @ weights
    for part in (1, 2, 5, 10):
        least = np.percentile(odds[kinds == 1], part)
        false = (odds[clear & (kinds == 0)] > least).sum()
        print(f"where {part} % of the overlays' rows are lost: {false / wanted.images:.2f} false rows an image")
    WEIGHTS.write_text(written(middle, spread, weights), "utf-8")
    print(f"{WEIGHTS} is written")


if __name__ == "__main__":
    main()
