"""How long it takes to compare readers: three of them on 1,000 images, a mask of 1024 x 1024 each, Dice and HD95.

    python Testing/Benchmarks/agreement.py --images 1000 --pairs 60

First a project is made and compared as ``xrayai agreement`` does it, reading the masks from the database included; then
some of the pairs are measured side by side with SimpleITK and MONAI. The masks are lungs, of the real radiographs of
XRAYAI_TEST_DATA or else of phantoms, drawn anew by each reader: the outline is moved smoothly by a few pixels.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import ndimage

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.agreement.overlap import overlap
from XRayAILib.findings.agreement.surface import surface_distance
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.label import Label, Tool
from XRayAILib.findings.objects import Mask
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.project.project import Project
from XRayAILib.workflow.agreement.agreement import compare_readers
from XRayAILib.workflow.agreement.figures import figures_of
from XRayAILib.workflow.agreement.report import write_agreement

SIZE = 1024
READERS = ("anna", "ben", "carla")
SPACING = Spacing(0.168, 0.168, SpacingSource.DETECTOR)
SCHEMA = LabelSchema("benchmark", (Label("lungs", "Lungs", Tool.MASK, "#50a0e0"),))
BASES, NOISES = 12, 24
SHIFT = 4.0
"""Pixels, one standard deviation, by which a reader's outline lies beside the true one."""

Measured = tuple[float, float]


class Drawings:
    """Lungs as readers would draw them; the same number gives the same drawing."""

    def __init__(self) -> None:
        random = np.random.default_rng(1)
        self._inside = [_depth(lungs) for lungs in _lungs()]
        self._noise = []
        for _ in range(NOISES):
            coarse = ndimage.gaussian_filter(random.normal(size=(128, 128)), 5)
            self._noise.append(ndimage.zoom(coarse / coarse.std(), SIZE / 128, order=1).astype(np.float32))

    def mask(self, image: int, reader: int) -> Mask:
        """What a reader draws on an image."""
        random = np.random.default_rng([image, reader])
        noise = self._noise[int(random.integers(NOISES))]
        moved = np.roll(noise, tuple(random.integers(0, SIZE, 2)), (0, 1))
        drawn = self._inside[image % len(self._inside)] + SHIFT * moved > 0
        return Mask.from_array(drawn, label="lungs", author=Author.person(READERS[reader]))


def _lungs() -> Iterator[np.ndarray]:
    """Masks of both lungs, (SIZE, SIZE)."""
    from PIL import Image

    data = os.environ.get("XRAYAI_TEST_DATA")
    if data:
        folder = Path(data) / "chest-segmentation" / "masks"
        for path in sorted((folder / "right_lung").iterdir())[:BASES]:
            sides = [np.asarray(Image.open(folder / side / path.name)) > 0 for side in ("right_lung", "left_lung")]
            yield _sized(sides[0] | sides[1])
        return
    from XRayAILib.phantom.collection import make_phantoms

    with tempfile.TemporaryDirectory() as folder_name:
        for phantom in make_phantoms(Path(folder_name), BASES, seed=3):
            masks = [phantom.findings.of(Mask, side) for side in ("right_lung", "left_lung")]
            arrays = [mask.array() for own in masks for mask in own]
            if arrays:
                yield _sized(np.any(arrays, axis=0))


def _sized(array: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.fromarray(array).resize((SIZE, SIZE), Image.Resampling.NEAREST))


def _depth(array: np.ndarray) -> np.ndarray:
    """How far each pixel lies inside, negative outside."""
    return (ndimage.distance_transform_edt(array) - ndimage.distance_transform_edt(~array)).astype(np.float32)


def ours(one: Mask, other: Mask) -> Measured:
    distance = surface_distance(one, other, SPACING)
    return overlap(one, other).dice, distance.hd95 if distance else np.nan


def simpleitk(one: Mask, other: Mask) -> Measured:
    """Distance maps of the contours, as its notebooks do it; it has no 95th percentile of its own."""
    import SimpleITK as sitk

    images = [sitk.GetImageFromArray(mask.array().astype(np.uint8)) for mask in (one, other)]
    measured = sitk.LabelOverlapMeasuresImageFilter()
    measured.Execute(*images)
    for image in images:
        image.SetSpacing((SPACING.column, SPACING.row))
    contours = [sitk.BinaryContour(image, foregroundValue=1) for image in images]
    maps = [sitk.SignedMaurerDistanceMap(c, squaredDistance=False, useImageSpacing=True) for c in contours]
    edges = [sitk.GetArrayViewFromImage(contour) > 0 for contour in contours]
    away = [np.maximum(sitk.GetArrayViewFromImage(maps[1 - i])[edges[i]], 0) for i in (0, 1)]
    return measured.GetDiceCoefficient(), float(max(np.percentile(a, 95) for a in away))


def monai(one: Mask, other: Mask) -> Measured:
    import torch
    from monai.metrics import compute_dice, compute_hausdorff_distance

    tensors = [torch.from_numpy(mask.array())[None, None].float() for mask in (one, other)]
    dice = float(compute_dice(*tensors))
    kept = {"include_background": True, "percentile": 95, "spacing": [SPACING.row, SPACING.column]}
    return dice, float(compute_hausdorff_distance(*tensors, **kept))


def whole(images: int, folder: Path, drawings: Drawings, console: Console) -> None:
    """Print how long a project of so many images takes."""
    with Project.create(folder / "project", SCHEMA) as project:
        project.add(
            Header(f"1.2.{i}", f"/nowhere/{i}.dcm", SIZE, SIZE, SPACING, patient_id=f"P{i // 2}") for i in range(images)
        )
        begun = time.perf_counter()
        for i in range(images):
            for reader, name in enumerate(READERS):
                track = Findings(f"1.2.{i}", (SIZE, SIZE), Author.person(name), (drawings.mask(i, reader),))
                project.save(track)
        console.print(f"drawn and saved in {time.perf_counter() - begun:.0f} s (not counted)")
        table = Table(title=f"{len(READERS)} readers, {images} images, {SIZE} x {SIZE}", title_justify="left")
        for column in ("step", "seconds", "CPU seconds"):
            table.add_column(column, justify="left" if column == "step" else "right")
        study = _timed(table, "compare: Dice, IoU, HD95, ASSD, areas", lambda: compare_readers(project))
        figures = _timed(table, "figures with intervals", lambda: figures_of(study))
        _timed(table, "report", lambda: write_agreement(project, study, figures, folder / "report"))
        _timed(table, "compare again, nothing changed", lambda: compare_readers(project))
        console.print(table)
        for figure in figures:
            if figure.who == "all pairs" and figure.measure.name in ("Dice", "HD95"):
                console.print(f"{figure.measure.name} {figure.measure.estimate.text(3)} {figure.measure.unit}")


def _timed(table: Table, name: str, work: Callable):  # type: ignore[no-untyped-def, type-arg]
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    table.add_row(name, f"{time.perf_counter() - wall:.1f}", f"{time.process_time() - cpu:.1f}")
    return result


def side_by_side(pairs: int, runs: int, drawings: Drawings, console: Console) -> None:
    """Print how long one pair takes here and elsewhere, and how far the results differ."""
    masks = [(drawings.mask(i, 0), drawings.mask(i, 1)) for i in range(pairs)]
    peers = {"X-Ray AI": ours, "SimpleITK": simpleitk, "MONAI": monai}
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    found: dict[str, list[Measured]] = {}
    for _ in range(runs):
        for name, measure in peers.items():
            begun = time.perf_counter()
            found[name] = [measure(*pair) for pair in masks]
            seconds[name].append(1000 * (time.perf_counter() - begun) / pairs)
    table = Table(title=f"Dice and HD95 of one pair, {pairs} pairs, {runs} runs", title_justify="left")
    for column in ("", "ms a pair, median", "least to most", "Dice differs by", "HD95 differs by, mm"):
        table.add_column(column, justify="left" if not column else "right")
    for name, times in seconds.items():
        apart = np.abs(np.array(found[name]) - np.array(found["X-Ray AI"])).max(axis=0)
        spread = f"{min(times):.1f} to {max(times):.1f}"
        table.add_row(name, f"{statistics.median(times):.1f}", spread, f"{apart[0]:.1e}", f"{apart[1]:.1e}")
    console.print(table)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    wanted = parser.parse_args()
    console, drawings = Console(width=110), Drawings()
    side_by_side(wanted.pairs, wanted.runs, drawings, console)
    with tempfile.TemporaryDirectory() as folder:
        whole(wanted.images, Path(folder), drawings, console)


if __name__ == "__main__":
    main()
