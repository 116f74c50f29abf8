"""How much burned-in text is found: seeded overlays on the real images of XRAYAI_TEST_DATA, by kind, and what is found
on images as they are.

    python Testing/Benchmarks/burned_in.py --overlays 200

An overlay counts as found when the regions cover nine tenths of its visible ink. No text of any image is printed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from unittest import mock

import numpy as np
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Python"))

from text_overlays import KINDS, display_of, images, seeded_overlay
from XRayAILib.pixels import ocr
from XRayAILib.pixels.burned_in import TextRegion, find_text

FOUND = 0.9


def overlays(files: list[Path], count: int, console: Console) -> None:
    """Print the part of overlays that is found, by kind, without and with Tesseract."""
    found: dict[bool, Counter[str]] = {False: Counter(), True: Counter()}
    read, shown, seconds, sizes = Counter[str](), Counter[str](), {False: [], True: []}, []
    for number in range(count):
        burned, overlay = seeded_overlay(files, number)
        shown[overlay.kind] += 1
        sizes.append(burned.size / 1e6)
        for reads in found:
            begun = time.process_time() if not reads else time.perf_counter()
            regions = found_in(burned, reads)
            seconds[reads].append((time.process_time() if not reads else time.perf_counter()) - begun)
            found[reads][overlay.kind] += overlay.covered([r for r in regions if r.kind == "text"]) >= FOUND
            if reads:
                read[overlay.kind] += any(overlay.text[:4].lower() in r.text.lower() for r in regions)
    table = Table(title=f"{count} overlays found", title_justify="left")
    for column in ("kind", "overlays", "without Tesseract", "with Tesseract", "begin read right"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind in KINDS:
        row = (shown[kind], found[False][kind], found[True][kind], read[kind])
        table.add_row(kind, *(str(value) for value in row))
    total = sum(shown.values())
    recalls = [f"{sum(counter.values()) / total:.3f}" for counter in (found[False], found[True], read)]
    table.add_row("all", str(total), *recalls, end_section=True)
    console.print(table)
    for reads, times in seconds.items():
        per = [t / size for t, size in zip(times, sizes, strict=True)]
        quarters = statistics.quantiles(per, n=4)
        what = "with Tesseract, seconds" if reads else "without Tesseract, CPU seconds"
        console.print(f"{what} per megapixel: median {quarters[1]:.2f}, quarters {quarters[0]:.2f}..{quarters[2]:.2f}")


def found_in(display: np.ndarray, reads: bool) -> list[TextRegion]:
    """What is found, with Tesseract or as if it were not there."""
    if reads:
        return find_text(display)
    with mock.patch.object(ocr, "missing", lambda: "left out"):
        return find_text(display)


def untouched(files: dict[str, list[Path]], console: Console) -> None:
    """Print how many regions are found on the images as they are; many do have text of their own."""
    table = Table(title="Images as they are", title_justify="left")
    for column in ("folder", "images", "text regions", "per image", "images without any", "markers", "largest"):
        table.add_column(column, justify="left" if column == "folder" else "right")
    for folder, paths in files.items():
        texts, markers, clean, largest = 0, 0, 0, 0.0
        for path in paths:
            display = display_of(path)
            regions = found_in(display, False)
            words = [r for r in regions if r.kind == "text"]
            texts, markers, clean = texts + len(words), markers + len(regions) - len(words), clean + (not words)
            areas = [(r.right - r.left) * (r.bottom - r.top) / display.size for r in words]
            largest = max([largest, *areas])
        per = f"{texts / len(paths):.2f}"
        table.add_row(folder, str(len(paths)), str(texts), per, str(clean), str(markers), f"{largest:.0%}")
    console.print(table)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--overlays", type=int, default=200)
    wanted = parser.parse_args()
    folder = os.environ.get("XRAYAI_TEST_DATA")
    if not folder:
        sys.exit("XRAYAI_TEST_DATA is not set: it names the folder of real radiographs.")
    files, console = images(Path(folder)), Console(width=110)
    console.print(ocr.missing() or "Tesseract is installed.")
    overlays([path for paths in files.values() for path in paths], wanted.overlays, console)
    untouched(files, console)


if __name__ == "__main__":
    main()
