"""COCO out and in, beside datumaro: 10,000 images with 50,000 polygons, annotations only.

    python Testing/Benchmarks/coco.py [--images 10000] [--polygons 5] [--points 30] [--runs 5]

What is compared, each row with the same polygons on both sides:

- file to objects: the plain file of the polygons to our findings, every object looked at, and to datumaro's items;
- objects to file: findings that are in memory to the COCO file, and datumaro's items to its file; no side reads again;
- the whole import: ours from the file to a project in which all is saved in one transaction; datumaro's from the file
  to its own form on disk (the format "datumaro"), which is how a user of it keeps what was imported;
- the whole export: ours from the project to a folder that pycocotools has read again and compared object by object;
  datumaro's from the plain file (its own form cannot be read again without pictures) to COCO, which it reads again,
  without a comparison.

datumaro's steps alone, with nothing on disk but its file, are told beside our whole ways too.

Seconds are of the clock and of the processor (the second counts where other programs are running). Every way in a
process of its own, in turn within each run; the start of the interpreter and its imports are not counted. The targets:
60 s each way, and at least twice as fast as datumaro.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Polygon
from XRayAILib.findings.schema import Label, LabelSchema, Tool
from XRayAILib.project.project import Project

SIZE = 1024
LABELS = 5

HEAD = """
import json, sys, time
from pathlib import Path
import numpy, pycocotools.coco, pycocotools.cocoeval
class Clock:
    def __enter__(self):
        self.begun = time.perf_counter(), time.process_time()
        return self
    def __exit__(self, *_):
        self.seconds = time.perf_counter() - self.begun[0], time.process_time() - self.begun[1]
def tell(objects, **clocks):
    print(json.dumps({"objects": objects, **{name: clock.seconds for name, clock in clocks.items()}}))
"""
OURS = (
    HEAD
    + """
from XRayAILib.exchange.coco import format as coco_format
from XRayAILib.exchange.coco import read as coco_read
from XRayAILib.exchange.bulk import rare_collection
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.coco.write import CocoWriter
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange.file_names import FileNames
from XRayAILib.exchange.labels import import_labels
from XRayAILib.exchange.sources import open_labels
from XRayAILib.findings.author import Author
from XRayAILib.project.project import Project
"""
)
OUR_IMPORT = (
    OURS
    + """
open_labels(Path(sys.argv[2]))  # imports
with Clock() as whole, Project.open(Path(sys.argv[1])) as project:
    report = import_labels(project, Path(sys.argv[2]))
assert not report.skipped
tell(report.objects, whole=whole)
"""
)
OUR_EXPORT = (
    OURS
    + """
with Clock() as whole, Project.open(Path(sys.argv[1])) as project:
    export = export_project(project, "coco", Choice(images="none", own_names=True), name=sys.argv[2])
tell(export.objects, whole=whole)
"""
)
OUR_STEPS = (
    OURS
    + """
with Project.open(Path(sys.argv[1])) as project:
    names = FileNames(image.header for image in project.images())
    schema = project.schema
with rare_collection():
    with Clock() as reading:
        found = list(coco_read.CocoFile.open(Path(sys.argv[2])).read(names, schema, Author.imported("plain")))
    with Clock() as writing:
        writer = CocoWriter(schema)
        for image in found:
            writer.add_image(image.file, image.findings)
        Path(sys.argv[3]).write_bytes(writer.document())
tell(sum(len(image.findings) for image in found), reading=reading, writing=writing)
"""
)
THEIRS = (
    HEAD
    + """
from datumaro import Dataset
def read(folder, kind):
    dataset = Dataset.import_from(folder, kind)
    dataset.init_cache()
    return dataset
with Clock() as reading:
    dataset = read(sys.argv[1], "coco_instances")
with Clock() as writing:
    dataset.export(sys.argv[2] + "-alone", "coco_instances", save_media=False)
del dataset
with Clock() as coming:
    dataset = read(sys.argv[1], "coco_instances")
    dataset.export(sys.argv[2] + "-kept", "datumaro", save_media=False)
del dataset
with Clock() as going:
    dataset = read(sys.argv[1], "coco_instances")
    dataset.export(sys.argv[2] + "-coco", "coco_instances", save_media=False)
    again = read(sys.argv[2] + "-coco", "coco_instances")
polygons = sum(a.type.name == "polygon" for item in again for a in item.annotations)
tell(polygons, reading=reading, writing=writing, coming=coming, going=going)
"""
)


def schema() -> LabelSchema:
    """Five labels of polygons."""
    return LabelSchema(
        "benchmark", tuple(Label(f"label_{i}", f"Label {i}", Tool.POLYGON, "#2196f3") for i in range(LABELS))
    )


def headers(count: int) -> list[Header]:
    """Radiographs of which only the headers are there."""
    spacing = Spacing(0.2, 0.2, SpacingSource.DETECTOR)
    return [
        Header(f"1.2.3.{i}", f"/pictures/image{i:05d}.png", SIZE, SIZE, spacing, patient_id=f"P{i}")
        for i in range(count)
    ]


def drawn(count: int, per_image: int, points: int) -> list[Findings]:
    """Round outlines at random places, coordinates in hundredths of a pixel as people's mice give them."""
    random = np.random.default_rng(5)
    anna = Author.person("anna")
    turns = np.arange(points) * 2 * np.pi / points
    found = []
    for header in headers(count):
        outlines = []
        for i in range(per_image):
            x, y, radius = random.uniform(200, 800), random.uniform(200, 800), random.uniform(40, 150)
            ring = radius * random.uniform(0.9, 1.1, points)
            places = np.stack([x + ring * np.cos(turns), y + ring * np.sin(turns)], axis=1).round(2).tolist()
            outlines.append(Polygon(label=f"label_{i % LABELS}", author=anna, points=tuple(map(tuple, places))))
        found.append(Findings(header.uid, header.shape, anna, tuple(outlines)))
    return found


def plain_file(findings: list[Findings], folder: Path) -> None:
    """The same polygons as a file of nobody's, where datumaro looks for it."""
    (folder / "annotations").mkdir(parents=True)
    (folder / "images" / "train").mkdir(parents=True)
    images, annotations = [], []
    for number, one in enumerate(findings, start=1):
        size = {"width": SIZE, "height": SIZE}
        images.append({"id": number, "file_name": f"image{number - 1:05d}.png", **size})
        for item in one.of(Polygon):
            points = np.array(item.points) + 0.5
            low, high = points.min(axis=0), points.max(axis=0)
            head = {
                "id": len(annotations) + 1,
                "image_id": number,
                "category_id": int(item.label[6:]) + 1,
                "iscrowd": 0,
            }
            box = [*low.round(2).tolist(), *(high - low).round(2).tolist()]
            shape = {"bbox": box, "area": box[2] * box[3], "segmentation": [points.round(2).ravel().tolist()]}
            annotations.append({**head, **shape})
    categories = [{"id": i + 1, "name": f"label_{i}", "supercategory": ""} for i in range(LABELS)]
    document = {"info": {}, "licenses": [], "images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations" / "instances_train.json").write_text(json.dumps(document))


def measured(code: str, *arguments: object) -> dict[str, Any]:
    """What a process says of itself in its last line."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def fresh_project(folder: Path, count: int) -> Path:
    """A project of these images without labels."""
    shutil.rmtree(folder, ignore_errors=True)
    with Project.create(folder, schema()) as project:
        project.add(headers(count))
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--polygons", type=int, default=5, help="of each image")
    parser.add_argument("--points", type=int, default=30, help="of each polygon")
    parser.add_argument("--runs", type=int, default=5)
    wishes = parser.parse_args()
    taken: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        findings = drawn(wishes.images, wishes.polygons, wishes.points)
        plain_file(findings, root / "plain")
        plain = root / "plain" / "annotations" / "instances_train.json"
        with Project.open(fresh_project(root / "project", wishes.images)) as project:
            project.save_many(findings)
            exports = project.exports_folder
        for run in range(wishes.runs):
            fresh_project(root / "in", wishes.images)
            found = {
                "our steps": measured(OUR_STEPS, root / "in", plain, root / "ours.json"),
                "their": measured(THEIRS, root / "plain", root / f"out{run}"),
                "our import": measured(OUR_IMPORT, root / "in", plain),
                "our export": measured(OUR_EXPORT, root / "project", f"run{run}"),
            }
            own = exports / f"run{run}" / "annotations.json"
            fresh_project(root / "in", wishes.images)
            found["our own"] = measured(OUR_IMPORT, root / "in", own)
            for name, one in found.items():
                assert one.pop("objects") == wishes.images * wishes.polygons, name
                for step, seconds in one.items():
                    taken.setdefault(f"{name} {step}", []).append(tuple(seconds))
            sizes = f"{own.stat().st_size / 1e6:.0f} MB ours, {plain.stat().st_size / 1e6:.0f} MB plain"
            for folder in (own.parent, *root.glob(f"out{run}-*")):
                shutil.rmtree(folder)
    count = f"{wishes.images} images, {wishes.images * wishes.polygons} polygons of {wishes.points} points"
    print(f"{count}; files of {sizes}; medians of {wishes.runs} runs (least to most)")
    print(f"{'':52} {'seconds by the clock':>24} {'of the processor':>24}")
    for name, title in TITLES.items():
        print(f"{title:52} {_spread(taken[name], 0):>24} {_spread(taken[name], 1):>24}")
    print("\nX-Ray AI is so many times as fast, in the same run (by the clock, of the processor):")
    for title, ours, theirs in ROWS:
        ratios = [
            [their[kind] / our[kind] for our, their in zip(taken[ours], taken[theirs], strict=True)] for kind in (0, 1)
        ]
        shown = [f"{statistics.median(each):.1f} ({min(each):.1f} to {max(each):.1f})" for each in ratios]
        twice = "twice" if min(map(statistics.median, ratios)) >= 2 else "not twice"
        print(f"{title:52} {shown[0]:>24} {shown[1]:>24}   {twice}")


TITLES = {
    "our steps reading": "file to objects, X-Ray AI",
    "their reading": "file to objects, datumaro",
    "our steps writing": "objects to file, X-Ray AI",
    "their writing": "objects to file, datumaro",
    "our import whole": "whole import, X-Ray AI, into the project",
    "our own whole": "whole import, X-Ray AI, a file that it wrote itself",
    "their coming": "whole import, datumaro, kept in its own form",
    "our export whole": "whole export, X-Ray AI, out of the project, compared",
    "their going": "whole export, datumaro, file to file, read again",
}
ROWS = (
    ("file to objects", "our steps reading", "their reading"),
    ("objects to file", "our steps writing", "their writing"),
    ("whole import", "our import whole", "their coming"),
    ("whole export", "our export whole", "their going"),
    ("our whole import, their file to objects only", "our import whole", "their reading"),
    ("our whole export, their objects to file only", "our export whole", "their writing"),
)


def _spread(taken: list[tuple[float, float]], kind: int) -> str:
    values = [seconds[kind] for seconds in taken]
    return f"{statistics.median(values):.1f} ({min(values):.1f} to {max(values):.1f})"


if __name__ == "__main__":
    main()
