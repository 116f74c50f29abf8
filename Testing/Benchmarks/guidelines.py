"""How long the guidelines take while somebody draws, in milliseconds of one processor.

    python Testing/Benchmarks/guidelines.py [--objects 200] [--masks 20] [--runs 21]

An image of 3000 x 3000 pixels has 200 objects: masks (three of them large), polygons of 40 corners, boxes, landmarks
and polylines; ten rules look at sizes, lungs, crossings among all of them, the border, numbers and order. "first" is
the check of an image that was just opened. "live" is that after one object was changed: what was computed of the others
serves again, unless they are masks. Every line is the median with the fastest and the slowest run.

The target: well below 50 ms for "live".
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.guidelines import Checker, check
from XRayAILib.findings.objects import Box, FindingObject, Landmark, Mask, Polygon
from XRayAILib.findings.schema import LabelSchema
from XRayAILib.findings.schema_file import parse
from XRayAILib.findings.shapes import Polyline

SIZE = 3000
ANNA = Author.person("anna")
SPACING = Spacing(0.14, 0.14, SpacingSource.DETECTOR)
MARKS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=200)
    parser.add_argument("--masks", type=int, default=20)
    parser.add_argument("--runs", type=int, default=21)
    given = parser.parse_args()
    schema, findings = rules(), drawing(given.objects, given.masks)
    print(f"{len(findings)} objects, {given.masks} of them masks, {len(schema.rules)} rules")
    report("first", given.runs, lambda run: check(findings, schema, SPACING))
    checker, states = Checker(), [findings, moved(findings)]
    checker.check(findings, schema, SPACING)
    report("live", given.runs, lambda run: checker.check(states[(run + 1) % 2], schema, SPACING))


def report(name: str, runs: int, work: Callable[[int], object]) -> None:
    times = []
    for run in range(runs):
        begun = time.process_time()
        work(run)
        times.append(1000 * (time.process_time() - begun))
    print(f"{name:6} {statistics.median(times):7.1f} ms  ({min(times):.1f} to {max(times):.1f})")


def rules() -> LabelSchema:
    drawn = "[lung, nodule, opacity, spot]"
    names = ", ".join(f"m{number}" for number in range(MARKS))
    marks = "\n".join(f"- {{name: m{number}, tool: landmark}}" for number in range(MARKS))
    return parse(
        f"""
name: benchmark
labels:
- {{name: lung}}
- {{name: heart}}
- {{name: spot}}
- {{name: opacity, tool: polygon}}
- {{name: nodule, tool: box}}
- {{name: catheter, tool: polyline}}
{marks}
rules:
- {{check: size, labels: {drawn}, measure: length, minimum: 3}}
- {{check: size, labels: {drawn}, measure: area, minimum: 20}}
- {{check: inside, labels: [nodule, opacity, spot], others: [lung], tolerance: 0.05}}
- {{check: apart, labels: [lung], others: [heart]}}
- {{check: apart, labels: [nodule, opacity], others: [nodule, opacity], tolerance: 0.3}}
- {{check: apart, labels: [catheter], others: [heart]}}
- {{check: border, labels: {drawn}}}
- {{check: count, labels: [heart], minimum: 1, maximum: 1}}
- {{check: order, labels: [{names}]}}
- {{check: order, labels: [{names}], axis: x}}
""",
        "benchmark",
    )


def drawing(number: int, masks: int) -> Findings:
    """So many objects, in the same places every time."""
    rng = np.random.default_rng(1)
    large = [("lung", 900, 1500, 500, 1200), ("lung", 2100, 1500, 500, 1200), ("heart", 1600, 1900, 500, 450)]
    small = [("spot", *rng.uniform(600, 2400, 2), *rng.uniform(20, 200, 2)) for _ in range(max(masks - 3, 0))]
    objects: list[FindingObject] = [ellipse(*place) for place in (large + small)[:masks]]
    objects += [Landmark(label=f"m{n}", author=ANNA, x=100.0 + 100 * n, y=100.0 + 100 * n) for n in range(MARKS)]
    for n in range(number - len(objects)):
        x, y = (float(v) for v in rng.uniform(300, 2500, 2))
        if n % 20 == 0:
            steps = 1500 + rng.uniform(-150, 150, (30, 2)).cumsum(0)
            objects.append(Polyline(label="catheter", author=ANNA, points=tuple(map(tuple, steps.tolist()))))
        elif n % 2:
            turns = np.sort(rng.uniform(0, 2 * np.pi, 40))
            edge = np.stack((np.cos(turns), np.sin(turns)), 1) * rng.uniform(20, 250) + (x, y)
            objects.append(Polygon(label="opacity", author=ANNA, points=tuple(map(tuple, edge.tolist()))))
        else:
            width, height = (float(v) for v in rng.uniform(20, 300, 2))
            objects.append(Box(label="nodule", author=ANNA, x0=x, y0=y, x1=x + width, y1=y + height))
    return Findings("image", (SIZE, SIZE), ANNA, tuple(objects))


def ellipse(label: str, x: float, y: float, radius_x: float, radius_y: float) -> Mask:
    rows, columns = np.ogrid[:SIZE, :SIZE]
    inside = ((columns - x) / radius_x) ** 2 + ((rows - y) / radius_y) ** 2 <= 1
    return Mask.from_array(inside, label=label, author=ANNA)


def moved(findings: Findings) -> Findings:
    """The same as it is read from the scene after a box was dragged: every object a new one, one box elsewhere."""
    box = findings.of(Box)[0]
    shifted = box.changed(x0=box.x0 + 5, x1=box.x1 + 5)
    return findings.each(lambda item: shifted if item.id == box.id else item.changed())


if __name__ == "__main__":
    main()
