"""What it costs to have every change of a drawing in one history, measured in the MRML core.

    python Testing/Benchmarks/undo.py [--size 3000] [--runs 15]

The scene holds eight overlapping masks of a lung's size, a polygon and twenty boxes. After each stroke of a brush it is
read, and what is new goes to the history; then the stroke is undone and redone: findings go back into the scene. That
is what the panel does when a button of the mouse is let go, and at Ctrl+Z. Beside it stands what the Segment Editor's
own history takes for the masks alone (``vtkSegmentationHistory``), which copies what has changed, too.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "XRayAI"))

from XRayAILib.dicom.grayscale import Grayscale, Window
from XRayAILib.dicom.header import Header
from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author
from XRayAILib.findings.chest import chest_schema
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, Mask, Polygon
from XRayAILib.scene import layers
from XRayAILib.scene.host import Host, headless
from XRayAILib.scene.segmentation import segment_array, segment_of, set_segment_array
from XRayAILib.scene.volume import show_radiograph
from XRayAILib.workflow.undo import Undo

ANNA = Author.person("anna")


def scene(host: Host, size: int) -> tuple[Any, Findings]:
    """The volume of a radiograph, and what is to be drawn on it."""
    stored = np.random.default_rng(0).integers(0, 65536, (size, size), np.uint16)
    header = Header("1.2.3", "made.dcm", size, size, Spacing(0.14, 0.14, SpacingSource.DETECTOR))
    volume = show_radiograph(host, Radiograph(header, stored, Grayscale((Window(32768.0, 65536.0),))))
    rows, columns = np.mgrid[:size, :size] / size
    masks = [
        Mask.from_array(((columns - x) / 0.2) ** 2 + ((rows - 0.5) / 0.35) ** 2 < 1, label="heart", author=ANNA)
        for x in np.linspace(0.25, 0.75, 8)
    ]
    turn = np.arange(100) * 2 * np.pi / 100
    corners = size * np.stack([0.7 + 0.2 * np.cos(turn), 0.5 + 0.3 * np.sin(turn)], axis=1)
    outline = Polygon(label="opacity", author=ANNA, points=tuple(map(tuple, corners.tolist())))
    boxes = [Box(label="nodule", author=ANNA, x0=9 * n, y0=9 * n, x1=9 * n + 60, y1=9 * n + 40) for n in range(20)]
    return volume, Findings("1.2.3", (size, size), ANNA, (*masks, outline, *boxes))


def measure(size: int, runs: int) -> dict[str, list[float]]:
    """Seconds of each step, by its name."""
    import slicer

    host, schema = headless(drawing=False), chest_schema()
    volume, findings = scene(host, size)
    nodes = layers.show_findings(host, volume, findings, schema, "Annotation")
    undo = Undo(layers.read_findings(host, nodes, schema))
    editors = slicer.vtkSegmentationHistory()
    editors.SetSegmentation(nodes.segmentation.GetSegmentation())
    editors.SetMaximumNumberOfStates(runs + 1)
    heart = segment_of(nodes.segmentation, findings.objects[0].id)
    took: dict[str, list[float]] = {}

    def timed(name: str, call: Callable[[], object]) -> None:
        start = time.perf_counter()
        call()
        took.setdefault(name, []).append(time.perf_counter() - start)

    def show(wanted: Findings) -> None:
        layers.show_findings(host, volume, wanted, schema, "Annotation")

    for run in range(runs):
        timed("the editor's own history, masks only", editors.SaveState)
        pixels = segment_array(nodes.segmentation, volume, heart)
        pixels[10 * run : 10 * run + 200, size // 4 : size // 4 + 200] ^= True
        set_segment_array(nodes.segmentation, volume, heart, pixels)
        timed("after a stroke: read, note", lambda: undo.note(layers.read_findings(host, nodes, schema)))
        timed("with nothing changed: read, note", lambda: undo.note(layers.read_findings(host, nodes, schema)))
        timed("undo: back into the scene", lambda: show(undo.back()))
        timed("redo", lambda: show(undo.forth()))
    return took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    print(f"{options.size} x {options.size} pixels, 8 masks, a polygon and 20 boxes; {options.runs} runs")
    print(f"{'step':40}{'median':>10}{'least':>10}{'most':>10}")
    for name, seconds in measure(options.size, options.runs).items():
        median, least, most = (f"{1000 * s:.0f} ms" for s in (statistics.median(seconds), min(seconds), max(seconds)))
        print(f"{name:40}{median:>10}{least:>10}{most:>10}")


if __name__ == "__main__":
    main()
