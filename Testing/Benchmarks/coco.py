"""COCO out and in, beside datumaro: 10,000 images with 50,000 polygons, annotations only.

    python Testing/Benchmarks/coco.py [--images 10000] [--polygons 5] [--points 30] [--runs 5]

Ours is the whole way: from the project's database to a folder that pycocotools has read again and compared object by
object, and from a file to a database in which every object was looked at and saved in one transaction. datumaro's is
from and to objects in memory, without any check of what it wrote. Both take the plain file of the same polygons in;
ours is also measured with the file that it wrote itself, which says who said what. Each in a process of its own, in
turn within each run; the start of the interpreter and its imports are not counted. The targets: 60 s each way, and at
least twice as fast as datumaro.
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

OUR_EXPORT = """
import json, sys, time
from pathlib import Path
import numpy, pycocotools.coco, pycocotools.cocoeval
from XRayAILib.exchange.choice import Choice
from XRayAILib.exchange.export import export_project
from XRayAILib.exchange import coco_format
from XRayAILib.project.project import Project
begun = time.perf_counter()
with Project.open(Path(sys.argv[1])) as project:
    export = export_project(project, "coco", Choice(images="none", own_names=True))
print(json.dumps({"seconds": time.perf_counter() - begun, "objects": export.objects, "folder": str(export.folder)}))
"""
OUR_IMPORT = """
import json, sys, time
from pathlib import Path
import numpy
from XRayAILib.exchange.labels import import_labels
from XRayAILib.exchange import coco_read
from XRayAILib.project.project import Project
begun = time.perf_counter()
with Project.open(Path(sys.argv[1])) as project:
    report = import_labels(project, Path(sys.argv[2]))
assert not report.skipped
print(json.dumps({"seconds": time.perf_counter() - begun, "objects": report.objects}))
"""
OUR_READING = """
import json, sys, time
from pathlib import Path
import numpy
from XRayAILib.exchange.bulk import rare_collection
from XRayAILib.exchange.coco_read import CocoFile
from XRayAILib.exchange.file_names import FileNames
from XRayAILib.findings.author import Author
from XRayAILib.project.project import Project
with Project.open(Path(sys.argv[1])) as project:
    names = FileNames(image.header for image in project.images())
    begun = time.perf_counter()
    with rare_collection():
        found = list(CocoFile.open(Path(sys.argv[2])).read(names, project.schema, Author.imported("plain")))
    seconds = time.perf_counter() - begun
print(json.dumps({"seconds": seconds, "objects": sum(len(image.findings) for image in found)}))
"""
THEIR_EXPORT = """
import json, sys, time
from datumaro import Dataset
dataset = Dataset.import_from(sys.argv[1], "coco_instances")
dataset.init_cache()
begun = time.perf_counter()
dataset.export(sys.argv[2], "coco_instances", save_media=False)
seconds = time.perf_counter() - begun
polygons = sum(a.type.name == "polygon" for item in dataset for a in item.annotations)
print(json.dumps({"seconds": seconds, "objects": polygons}))
"""
THEIR_IMPORT = """
import json, sys, time
from datumaro import Dataset
begun = time.perf_counter()
dataset = Dataset.import_from(sys.argv[1], "coco_instances")
dataset.init_cache()
seconds = time.perf_counter() - begun
polygons = sum(a.type.name == "polygon" for item in dataset for a in item.annotations)
print(json.dumps({"seconds": seconds, "objects": polygons}))
"""


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
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        findings = drawn(wishes.images, wishes.polygons, wishes.points)
        plain_file(findings, root / "plain")
        plain = root / "plain" / "annotations" / "instances_train.json"
        with Project.open(fresh_project(root / "project", wishes.images)) as project:
            project.save_many(findings)
        for run in range(wishes.runs):
            out = measured(OUR_EXPORT, root / "project")
            own = Path(out["folder"], "annotations.json")
            found = {
                "export, X-Ray AI with its gate": out,
                "export, datumaro": measured(THEIR_EXPORT, root / "plain", root / f"out{run}"),
                "import, X-Ray AI into a project": measured(
                    OUR_IMPORT, fresh_project(root / "in", wishes.images), plain
                ),
                "file to findings, X-Ray AI": measured(OUR_READING, root / "in", plain),
                "import, X-Ray AI, its own file": measured(OUR_IMPORT, fresh_project(root / "in", wishes.images), own),
                "import, datumaro": measured(THEIR_IMPORT, root / "plain"),
            }
            for name, one in found.items():
                assert one["objects"] == wishes.images * wishes.polygons, (name, one)
                seconds.setdefault(name, []).append(one["seconds"])
            sizes = f"{own.stat().st_size / 1e6:.0f} MB ours, {plain.stat().st_size / 1e6:.0f} MB plain"
            shutil.rmtree(own.parent)
    count = f"{wishes.images} images, {wishes.images * wishes.polygons} polygons of {wishes.points} points"
    print(f"{count}; files of {sizes}; medians of {wishes.runs} runs (least to most)")
    for name, values in seconds.items():
        print(f"{name:34} {statistics.median(values):6.1f} s  ({min(values):.1f} to {max(values):.1f})")
    typical = {name: statistics.median(values) for name, values in seconds.items()}
    both = typical["export, datumaro"] + typical["import, datumaro"]
    for what, theirs, ours in (
        ("file to objects", typical["import, datumaro"], "file to findings, X-Ray AI"),
        (
            "whole import, beside datumaro's objects in memory",
            typical["import, datumaro"],
            "import, X-Ray AI into a project",
        ),
        (
            "whole export with its gate, beside datumaro's export",
            typical["export, datumaro"],
            "export, X-Ray AI with its gate",
        ),
        ("whole export with its gate, beside datumaro's export and import", both, "export, X-Ray AI with its gate"),
    ):
        print(f"{what}: {theirs / typical[ours]:.1f} x as fast")


if __name__ == "__main__":
    main()
