"""How long the hand is held up by a save that nobody asked for, in milliseconds.

    python Testing/Benchmarks/autosave.py [--objects 200] [--masks 20] [--images 1 10000] [--runs 15] [--scene]

An image of 3000 x 3000 pixels has 200 objects, 20 of them masks. Before each run one object is changed: a box is
dragged, a polygon gets another corner, or a stroke is added to a mask. Measured is what the timer of the panel does
then: the drawing is read, compared with what was saved last, and saved. With ``--scene`` the drawing stands in the MRML
scene and is read from there; without, it is in memory, and only the saving is measured. Every line is the median with
the fastest and the slowest run.

The target: at most 50 ms.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.dicom.radiograph import Radiograph
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, Mask, Polygon
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.workflow.annotate import AnnotationSession

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Python")]

from collection import headers  # noqa: E402 - beside this file

from sheet import Sheet  # noqa: E402 - in Testing/Python

SIZE = 3000
ANNA = Author.person("anna")


class SceneSheet(Sheet):
    """A canvas in the MRML core, as the panel's is in Slicer."""

    def __init__(self, schema: Any) -> None:
        super().__init__()
        from XRayAILib.scene.host import headless

        self.schema, self.host = schema, headless(drawing=False)
        self.volume: Any = None

    def show(self, radiograph: Radiograph, findings: Findings, editable: bool) -> None:
        from XRayAILib.scene.volume import show_radiograph

        self.volume = show_radiograph(self.host, radiograph, self.volume)
        self.update(findings)

    def update(self, findings: Findings) -> None:
        from XRayAILib.scene import layers

        self.nodes = layers.show_findings(self.host, self.volume, findings, self.schema, "Annotation")

    def drawn(self) -> Findings:
        from XRayAILib.scene import layers

        return layers.read_findings(self.host, self.nodes, self.schema)


def disc(x: float, y: float, radius: float) -> np.ndarray:
    """A round mask (SIZE, SIZE) with a ragged border, as a hand draws it."""
    rng = np.random.default_rng(int(x + y))
    rows, columns = np.mgrid[0:SIZE, 0:SIZE]
    border = radius + rng.normal(0, 3, (SIZE, 1))
    return (rows - y) ** 2 + (columns - x) ** 2 < border**2


def drawing(objects: int, masks: int) -> list[FindingObject]:
    """Masks of 100,000 to 1,500,000 pixels, polygons of 100 corners and boxes."""
    rng = np.random.default_rng(1)
    made: list[FindingObject] = []
    for n in range(masks):
        pixels = disc(rng.uniform(800, 2200), rng.uniform(800, 2200), 180 + 25 * n)
        made.append(Mask.from_array(pixels, label="heart", author=ANNA))
    angles = np.linspace(0, 2 * np.pi, 100, endpoint=False)
    for n in range(objects - masks):
        x, y = rng.uniform(300, 2700, 2)
        if n % 2:
            made.append(Box(label="nodule", author=ANNA, x0=x, y0=y, x1=x + 80.5, y1=y + 60.25))
        else:
            points = np.column_stack((x + 200 * np.cos(angles), y + 150 * np.sin(angles)))
            made.append(Polygon(label="opacity", author=ANNA, points=tuple(map(tuple, points.tolist()))))
    return made


def changes(session: AnnotationSession) -> dict[str, Callable[[int], FindingObject]]:
    """What is changed before each run."""

    def drag(n: int) -> FindingObject:
        box = session.findings.of(Box)[3]
        return box.changed(x1=box.x1 + 1)

    def corner(n: int) -> FindingObject:
        outline = session.findings.of(Polygon)[3]
        return outline.changed(points=(*outline.points, (100.0 + n, 100.0)))

    def stroke(n: int) -> FindingObject:
        mask = session.findings.of(Mask)[-1]
        pixels = mask.array()
        pixels[1500:1540, 40 * n : 40 * n + 60] = True
        return mask.with_array(pixels)

    return {"a box dragged": drag, "a corner more": corner, "a stroke on a mask": stroke}


def measure(folder: Path, picture: Path, args: argparse.Namespace, images: int) -> None:
    with Project.create(folder) as project:
        take_in(project, [picture])
        uid = project.images()[0].uid
        if images > 1:
            project.add(headers(images - 1))
        canvas = SceneSheet(project.schema) if args.scene else Sheet()
        session = AnnotationSession(project, ANNA, canvas, [uid])
        session.open(uid)
        canvas.update(Findings(uid, (SIZE, SIZE), ANNA, tuple(drawing(args.objects, args.masks))))
        begin = time.perf_counter()
        session.save()
        print(f"{images:>7,} images  {'the first save of all':<22} {1000 * (time.perf_counter() - begin):8.1f}")
        for title, change in changes(session).items():
            took, used = [], []
            for n in range(args.runs):
                canvas.update(session.findings.with_objects([change(n)]))
                session.changed(100.0 * n)
                begin, cpu = time.perf_counter(), time.process_time()
                session.tick(100.0 * n + 2)
                took.append(1000 * (time.perf_counter() - begin))
                used.append(1000 * (time.process_time() - cpu))
            assert session.state.value == "saved", session.problem
            middle = statistics.median(took)
            print(
                f"{images:>7,} images  {title:<22} {middle:8.1f} {min(took):8.1f} {max(took):8.1f}"
                f" {statistics.median(used):8.1f}  {'' if middle <= 50 else 'missed'}"
            )
        saved = len(project.revisions(uid))
        assert saved == 1 + args.runs * 3, f"{saved} revisions"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--masks", type=int, default=20)
    parser.add_argument("--images", type=int, nargs="+", default=[1, 10_000])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--scene", action="store_true", help="the drawing stands in the MRML scene")
    args = parser.parse_args()
    from PIL import Image

    with tempfile.TemporaryDirectory() as temporary:
        picture = Path(temporary) / "image.png"
        Image.fromarray(np.random.default_rng(0).integers(0, 4000, (SIZE, SIZE), np.uint16)).save(picture)
        title = f"{args.objects} objects, {args.masks} masks; ms"
        print(f"{title:<38} {'median':>8} {'fastest':>8} {'slowest':>8} {'cpu':>8}")
        for images in args.images:
            measure(Path(temporary) / f"project {images}", picture, args, images)


if __name__ == "__main__":
    main()
