"""From a stroke of the mouse to the redrawn view, measured in the MRML core.

    python Testing/Benchmarks/stroke.py [--size 3000] [--view 1000] [--runs 15]

What is measured: the steps that Slicer takes when a brush is lifted (the pixels of the stroke are joined into the
segment by its segmentations logic, which tells the view), and when a point of a markup is dragged (mouse events through
Slicer's displayable managers, with the lines and values of X-Ray AI that follow); then the Red view is drawn
off-screen, without multisampling, which is Slicer's default. What is not: Qt, and the screen. Without a graphics card
the drawing is Mesa's, on the processor; the time of the processor stands beside that of the clock, since others may
use the machine.
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

HOME = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOME / "XRayAI"), str(HOME / "Testing" / "Python")]

from mouse import Mouse  # noqa: E402
from XRayAILib.dicom.grayscale import Grayscale, Window  # noqa: E402
from XRayAILib.dicom.header import Header  # noqa: E402
from XRayAILib.dicom.radiograph import Radiograph  # noqa: E402
from XRayAILib.dicom.spacing import Spacing, SpacingSource  # noqa: E402
from XRayAILib.findings.author import Author  # noqa: E402
from XRayAILib.findings.chest import chest_schema  # noqa: E402
from XRayAILib.findings.findings import Findings  # noqa: E402
from XRayAILib.findings.measurements import CobbAngle  # noqa: E402
from XRayAILib.findings.objects import Box, Mask, Polygon  # noqa: E402
from XRayAILib.findings.shapes import Ellipse  # noqa: E402
from XRayAILib.scene import layers, view  # noqa: E402
from XRayAILib.scene.host import Host, headless  # noqa: E402
from XRayAILib.scene.live import Live  # noqa: E402
from XRayAILib.scene.segmentation import segment_of  # noqa: E402
from XRayAILib.scene.volume import show_radiograph  # noqa: E402

UID, ANNA = "1.2.3", Author.person("anna")
Step = Callable[[int], None]


def shown(host: Host, size: int) -> layers.FindingsNodes:
    """A 16-bit radiograph with two masks, a polygon of 100 corners, an ellipse, a Cobb angle and twenty boxes."""
    random = np.random.default_rng(0)
    stored = random.integers(0, 65536, (size, size), np.uint16)
    spacing = Spacing(0.14, 0.14, SpacingSource.DETECTOR)
    header = Header(UID, "made.dcm", size, size, spacing, modality="DX", view="PA")
    volume = show_radiograph(host, Radiograph(header, stored, Grayscale((Window(32768.0, 65536.0),))))
    view.show(host, volume)
    rows, columns = np.mgrid[:size, :size] / size
    turn = np.arange(100) * 2 * np.pi / 100
    corners = size * np.stack([0.7 + 0.2 * np.cos(turn), 0.5 + 0.3 * np.sin(turn)], axis=1)
    objects = (
        Mask.from_array(np.hypot(columns - 0.3, rows - 0.5) < 0.2, label="right_lung", author=ANNA),
        Mask.from_array(np.hypot(columns - 0.7, rows - 0.5) < 0.2, label="left_lung", author=ANNA),
        Polygon(label="opacity", author=ANNA, points=tuple(map(tuple, corners.tolist()))),
        Ellipse(label="nodule", author=ANNA, x=0.3 * size, y=0.2 * size, radius_x=0.1 * size, radius_y=0.05 * size),
        CobbAngle(label="curve", author=ANNA, points=tuple((x * size, y * size) for x, y in _PLATES)),
        *(
            Box(label="nodule", author=ANNA, x0=x, y0=0.9 * size, x1=x + 0.02 * size, y1=0.93 * size)
            for x in np.linspace(0.1, 0.9, 20) * size
        ),
    )
    return layers.show_findings(host, volume, Findings(UID, (size, size), ANNA, objects), chest_schema(), "Annotation")


_PLATES = ((0.4, 0.3), (0.6, 0.35), (0.4, 0.8), (0.6, 0.7))


def brush(nodes: layers.FindingsNodes, size: int) -> Step:
    """A stroke of a round brush over a third of the image, joined into the first mask."""
    import slicer
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonMath import vtkMatrix4x4

    matrix = vtkMatrix4x4()
    nodes.volume.GetIJKToRASMatrix(matrix)
    first = nodes.segmentation.GetSegmentation().GetNthSegmentID(0)
    assert first and segment_of(nodes.segmentation, first) == first
    radius, length = max(2, size // 75), size // 3
    rows, columns = np.mgrid[: 2 * radius + 1, : length + 2 * radius + 1]
    across = np.clip(columns - radius, 0, length)
    pixels = np.hypot(columns - radius - across, rows - radius) <= radius
    logic = slicer.vtkSlicerSegmentationsModuleLogic

    def paint(run: int) -> None:
        image = slicer.vtkOrientedImageData()
        top, left = size // 5 + 3 * radius * (run % 10), size // 4 + radius * (run % 7)
        image.SetExtent(left, left + pixels.shape[1] - 1, top, top + pixels.shape[0] - 1, 0, 0)
        image.GetPointData().SetScalars(numpy_to_vtk(pixels.astype(np.uint8).ravel(), deep=True))
        image.SetImageToWorldMatrix(matrix)
        logic.SetBinaryLabelmapToSegment(image, nodes.segmentation, first, logic.MODE_MERGE_MAX)

    return paint


def drag(mouse: Mouse, start: tuple[float, float], size: int) -> Step:
    """One move of the mouse with a point under it; the button is pressed at the first."""
    moves = iter(range(1_000_000))
    mouse.move(*start)
    mouse.press()

    def move(_run: int) -> None:
        step = next(moves) % 20
        mouse.move(start[0] + 0.002 * size * step, start[1] + 0.001 * size * step)

    return move


def milliseconds(steps: list[Step], runs: int) -> list[list[float]]:
    """The time of each step in each run, and that of the processor for all; the first two runs are not counted."""
    taken: list[list[float]] = [[] for _ in (*steps, "processor")]
    for run in range(runs + 2):
        processor = time.process_time()
        for times, step in zip(taken, steps, strict=False):
            begun = time.perf_counter()
            step(run)
            times.append(1000 * (time.perf_counter() - begun))
        taken[-1].append(1000 * (time.process_time() - processor))
    return [times[2:] for times in taken]


def line(title: str, times: list[list[float]]) -> str:
    *parts, processor = times
    whole = [sum(run) for run in zip(*parts, strict=True)]
    shown = [statistics.median(part) for part in parts]
    shown += [statistics.median(whole), min(whole), max(whole), statistics.median(processor)]
    return f"{title:34}" + "".join(f"{value:10.1f}" for value in shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=3000, help="rows and columns of the image")
    parser.add_argument("--view", type=int, default=1000, help="width and height of the view")
    parser.add_argument("--runs", type=int, default=15)
    chosen = parser.parse_args()
    host = headless()
    nodes = shown(host, chosen.size)
    mouse = Mouse(host, nodes.volume, (chosen.view, chosen.view))
    assert host.render_window is not None
    window: Any = host.render_window()

    def draw(_run: int) -> None:
        window.Render()

    window.SetMultiSamples(0)
    live = Live(host, nodes, chest_schema())
    size, runs = chosen.size, chosen.runs
    draw(0)
    print(f"{size} x {size} pixels of 16 bit, a view of {chosen.view} x {chosen.view}, {runs} runs; milliseconds")
    columns = ("change", "drawing", "both", "fastest", "slowest", "processor")
    print(f"{'':34}" + "".join(f"{column:>10}" for column in columns))

    def nothing(_run: int) -> None:
        host.slice_node.Modified()

    print(line("the view drawn anew", milliseconds([nothing, draw], runs)))
    print(line("a stroke of the brush", milliseconds([brush(nodes, size), draw], runs)))
    for title, place in (
        ("a corner of a polygon dragged", (0.9, 0.5)),
        ("an ellipse dragged by its middle", (0.3, 0.2)),
        ("an end of a Cobb angle dragged", _PLATES[0]),
    ):
        start = (place[0] * size, place[1] * size)
        print(line(title, milliseconds([drag(mouse, start, size), draw], runs)))
        mouse.release()
    live.stop()


if __name__ == "__main__":
    main()
