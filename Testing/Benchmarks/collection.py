"""How long a person waits for a page of a large project: what the panel asks of it, in milliseconds.

    python Testing/Benchmarks/collection.py [--images 100000] [--runs 9] [--project FOLDER]

The headers are made up and written straight into the project; no file is needed for what a table shows. Every line is
the median of several runs, with the fastest and the slowest, in one process with a project open, as in the panel; the
last column is the processor's time, which other programs on the machine change least.

The target: a page with its total, by any filter and order, in less than 100 ms.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.project.project import Project
from XRayAILib.project.query import Query

ROWS = 200
"""As many as the panel shows at once."""
EXAMINATIONS = (
    ("CHEST", ("PA", "AP", "LL"), ("",)),
    ("HAND", ("PA", "OBLIQUE"), ("L", "R")),
    ("KNEE", ("AP", "LATERAL", "AXIAL"), ("L", "R")),
    ("PELVIS", ("AP",), ("",)),
    ("", ("",), ("",)),
)
MANUFACTURERS = ("Acme Imaging", "GE Healthcare", "Philips", "SIEMENS", "Canon Inc.", "FUJIFILM Corporation")


def headers(number: int, seed: int = 1) -> Iterator[Header]:
    """Made-up headers: three images a patient, 40 stations, twenty years."""
    choose = random.Random(seed)
    for place in range(number):
        part, views, sides = choose.choice(EXAMINATIONS)
        patient, station = choose.randrange(number // 3 + 1), choose.randrange(40)
        date = f"{choose.randrange(2005, 2025)}-{choose.randrange(1, 13):02}-{choose.randrange(1, 29):02}"
        yield Header(
            uid=f"1.2.826.0.1.3680043.8.498.{choose.randrange(10**38)}",
            path=f"/data/archive/{patient:06}/{date}/series/{place:06}.dcm",
            rows=2140,
            columns=1760,
            spacing=Spacing(0.143, 0.143, choose.choice((SpacingSource.DETECTOR, SpacingSource.CALIBRATED))),
            modality="DX" if station % 3 else "CR",
            patient_id=f"PAT{patient:06}",
            patient_name=f"Doe^J{patient}",
            patient_sex=choose.choice("FMO"),
            study_uid=f"1.2.826.0.1.{choose.randrange(10**30)}",
            study_date=date,
            study_description="Radiograph",
            series_uid=f"1.2.826.0.1.{choose.randrange(10**30)}",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1",
            view=choose.choice(views),
            body_part=part,
            laterality=choose.choice(sides),
            photometric="MONOCHROME2",
            transfer_syntax="1.2.840.10008.1.2.1",
            manufacturer=MANUFACTURERS[station % len(MANUFACTURERS)],
            station=f"STATION{station:02}",
        )


def questions(project: Project) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is measured: a title, and what does it."""

    def page(**query: object) -> Callable[[], object]:
        asked = Query(limit=ROWS, **query)  # type: ignore[arg-type]
        return lambda: project.page(asked)

    def opened() -> None:
        with Project.open(project.folder) as again:
            again.page(Query(limit=ROWS))

    yield "open the project, with its first page", opened
    yield "first page", page()
    yield "page 400", page(offset=399 * ROWS)
    chosen = {
        "patient": "PAT000123",
        "view": "PA",
        "laterality": "L",
        "body_part": "CHEST",
        "manufacturer": "SIEMENS",
        "station": "STATION07",
        "modality": "CR",
        "status": "unlabelled",
        "spacing": "calibrated",
        "mark": "spacing_unknown",
    }
    for column, value in chosen.items():
        yield f"filter: {column} = {value}", page(filters={column: (value,)})
    several = {"view": ("PA", "AP"), "body_part": ("CHEST", "HAND"), "manufacturer": ("SIEMENS",)}
    yield "filter: three columns, five values", page(filters=several)
    yield "filter: nothing fits", page(filters={"view": ("LL",), "body_part": ("HAND",)})
    yield "dates: 2011-02 to 2012", page(since="2011-02", until="2012")
    yield "text: a patient", page(text="pat000123")
    yield "text: two words", page(text="siemens chest")
    yield "text: part of a path", page(text="04711.dcm")
    yield "text: nothing fits", page(text="nowhere to be found")
    for sort in ("date", "-date", "view", "station", "-status"):
        yield f"sort: {sort}", page(sort=(sort,))
    yield "sort: -date, page 250", page(sort=("-date",), offset=249 * ROWS)
    yield "sort: view, page 250", page(sort=("view",), offset=249 * ROWS)
    yield "filter, text and sort at once", page(text="chest", filters={"view": ("PA",)}, sort=("-date",))
    for column in ("view", "laterality", "body_part", "manufacturer", "station", "modality", "status", "patient"):
        yield f"counts: {column}", lambda column=column: project.values(column)  # type: ignore[misc]
    narrowed = Query(filters={"body_part": ("CHEST",), "status": ("unlabelled",)})
    for column in ("view", "station", "body_part"):
        yield f"counts: {column}, under two filters", lambda column=column: project.values(column, narrowed)  # type: ignore[misc]
    yield "counts: view, under a text", lambda: project.values("view", Query(text="siemens"))
    some = [image.uid for image in project.images(limit=2, offset=777)]
    yield "one image, as Next and Previous look it up", lambda: project.image(some[1])


def measured(work: Callable[[], object], runs: int) -> tuple[float, float, float, float]:
    """Median, fastest and slowest in milliseconds, and the median of the processor's time alone."""
    times, busy = [], []
    for _ in range(runs):
        begun, worked = time.perf_counter(), time.process_time()
        work()
        times.append(1000 * (time.perf_counter() - begun))
        busy.append(1000 * (time.process_time() - worked))
    return statistics.median(times), min(times), max(times), statistics.median(busy)


def fill(project: Project, number: int) -> float:
    """Take the headers in as a scan does, in batches; the seconds it took."""
    begun, batch = time.perf_counter(), []
    for header in headers(number):
        batch.append(header)
        if len(batch) == 500:
            project.add(batch)
            batch = []
    project.add(batch)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--project", type=Path, help="kept, and used again by the next run")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.project or Path(temporary) / "project"
        with Project.open_or_create(folder) as project:
            if not project.count():
                seconds = fill(project, chosen.images)
                size = (folder / "project.db").stat().st_size / 2**20
                rate = chosen.images / seconds
                print(f"{chosen.images:,} headers taken in: {seconds:.1f} s, {rate:,.0f}/s, {size:.0f} MiB\n")
            print(f"{project.count():,} images, pages of {ROWS}, {chosen.runs} runs")
            print(f"{'':46}{'median':>8}{'least':>8}{'most':>8}{'busy':>8}  ms")
            for title, work in questions(project):
                numbers = measured(work, chosen.runs)
                print(f"{title:46}" + "".join(f"{number:8.1f}" for number in numbers), flush=True)


if __name__ == "__main__":
    main()
