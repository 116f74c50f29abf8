"""The gate of a COCO export: what was written is read again by pycocotools and compared object by object."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib.exchange.clip import clip_box, clip_polygon
from XRayAILib.exchange.coco_write import OFFSET, record
from XRayAILib.exchange.errors import ExportError
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask, Polygon

TOLERANCE = 1e-3
"""Pixels by which a coordinate may differ after writing and reading."""

KEYPOINT_SIGMA = 0.05
"""COCOeval needs one per keypoint and knows only those of its own persons; any value does for equal points."""


@dataclass(frozen=True)
class Said:
    """An object in a form that can be compared: coordinates as numbers (centres at integers), pixels as a digest."""

    name: str
    label: str
    numbers: tuple[float, ...]
    pixels: str
    record: dict[str, Any]


def said_by(file_name: str, findings: Findings) -> dict[tuple[str, str], Said]:
    """What the export must hold of an image: objects by file name and id."""
    return {(file_name, item.id): _said(file_name, item, findings.shape) for item in findings}


def check_coco(
    path: Path, expected: dict[tuple[str, str], Said], progress: Callable[[int, int, str], None] = lambda *_: None
) -> None:
    """Read the COCO file with pycocotools and compare it with what it should hold.

    Masks must agree in every pixel, coordinates within :data:`TOLERANCE`, everything else exactly; and COCOeval of the
    file against itself must give an average precision of 1 for boxes, outlines and keypoints.

    Raises
    ------
    ExportError
        Names the first object that did not come back as it was, or the evaluation that failed.
    """
    coco = _opened(path)
    seen = set()
    total = len(coco.imgs)
    for done, image in enumerate(coco.imgs.values(), start=1):
        for key, found in _read_again(coco, image):
            seen.add(key)
            if key not in expected:
                raise ExportError(f"{path.name}: {found.name} was read back but never written.")
            _compare(expected[key], found)
        progress(done, total, "checking the export")
    for key, wanted in expected.items():
        if key not in seen:
            raise ExportError(f"{path.name}: {wanted.name} is missing when the export is read again.")
    for kind, chosen in (
        ("bbox", [a for a in coco.anns.values() if "keypoints" not in a and not a["segmentation"]]),
        ("segm", [a for a in coco.anns.values() if a.get("segmentation")]),
        ("keypoints", [a for a in coco.anns.values() if "keypoints" in a]),
    ):
        if chosen and (precision := _against_itself(coco, chosen, kind)) < 1 - 1e-9:
            raise ExportError(
                f"{path.name}: COCOeval ({kind}) of the export against itself gives {precision:.4f}, not 1."
            )


def _said(file_name: str, item: FindingObject, shape: tuple[int, int]) -> Said:
    numbers: tuple[float, ...] = ()
    pixels, own = "", record(item)
    if isinstance(item, Mask):
        pixels = _digest(item.array()) if item.area else "none"
    elif isinstance(item, Box):
        numbers = clip_box(item, shape) or ()
    elif isinstance(item, Polygon):
        numbers = tuple(clip_polygon(np.asarray(item.points, float), shape).ravel().tolist())
    elif isinstance(item, Landmark):
        numbers = (item.x, item.y, float(item.visible))
    elif isinstance(item, ImageLabel):
        own = {**own, "value": item.value}
    return Said(f"the {item.kind} '{item.label}' ({item.id}) of {file_name}", item.label, numbers, pixels, own)


def _digest(mask: np.ndarray) -> str:
    return hashlib.sha256(f"{mask.shape}".encode() + np.packbits(mask).tobytes()).hexdigest()


def _opened(path: Path) -> Any:
    from pycocotools.coco import COCO

    with contextlib.redirect_stdout(io.StringIO()):  # it prints, and a job's standard output is its progress
        return COCO(str(path))


def _read_again(coco: Any, image: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Said]]:
    file_name = image["file_name"]

    def said(label: str, own: dict[str, Any], numbers: tuple[float, ...], pixels: str) -> tuple[tuple[str, str], Said]:
        name = f"the {own['kind']} '{label}' ({own['id']}) of {file_name}"
        return (file_name, own["id"]), Said(name, label, numbers, pixels, own)

    for entry in image["xrayai"]["objects"]:
        own = {key: value for key, value in entry.items() if key != "label"}
        yield said(entry["label"], own, (), "none" if own["kind"] == Mask.kind else "")
    for annotation in coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]])):
        category, own = coco.cats[annotation["category_id"]], annotation["xrayai"]
        if own["kind"] == "landmarks":
            for entry in own["objects"]:
                place = 3 * category["keypoints"].index(entry["label"])
                x, y, visibility = annotation["keypoints"][place : place + 3]
                rest = {key: value for key, value in entry.items() if key != "label"}
                yield said(entry["label"], rest, (x - OFFSET, y - OFFSET, float(visibility == 2)), "")
        elif own["kind"] == Mask.kind:
            yield said(category["name"], own, (), _digest(coco.annToMask(annotation).astype(bool)))
        elif own["kind"] == Polygon.kind:
            yield said(category["name"], own, tuple(v - OFFSET for v in annotation["segmentation"][0]), "")
        else:
            x, y, width, height = annotation["bbox"]
            x, y = x - OFFSET, y - OFFSET
            yield said(category["name"], own, (x, y, x + width, y + height), "")


def _compare(wanted: Said, found: Said) -> None:
    if wanted.label != found.label:
        raise ExportError(f"{wanted.name} came back with the label '{found.label}'.")
    if wanted.pixels != found.pixels:
        raise ExportError(f"{wanted.name} came back with other pixels.")
    if len(wanted.numbers) != len(found.numbers) or not np.allclose(
        wanted.numbers, found.numbers, rtol=0, atol=TOLERANCE
    ):
        raise ExportError(f"{wanted.name} came back in another place: {found.numbers} instead of {wanted.numbers}.")
    if wanted.record != found.record:
        raise ExportError(f"{wanted.name} came back with another author, status or attribute.")


def _against_itself(coco: Any, chosen: list[dict[str, Any]], kind: str) -> float:
    """The lowest precision that COCOeval finds when the annotations are also the detections."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    shape = {
        "bbox": lambda a: {"bbox": a["bbox"]},
        "segm": lambda a: {"segmentation": coco.annToRLE(a)},
        "keypoints": lambda a: {"keypoints": a["keypoints"]},
    }[kind]
    used = {a["category_id"] for a in chosen}
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": list(coco.imgs.values()),
        "categories": [c for c in coco.cats.values() if c["id"] in used],
        "annotations": [dict(a) for a in chosen],
    }
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        detections = [{k: a[k] for k in ("image_id", "category_id")} | {"score": 1.0} | shape(a) for a in chosen]
        evaluation = COCOeval(truth, truth.loadRes(detections), kind)
        parameters = evaluation.params
        parameters.maxDets = [len(chosen)]
        parameters.areaRng, parameters.areaRngLbl = [[0, 1e10]], ["all"]
        if kind == "keypoints":
            (category,) = truth.dataset["categories"]
            parameters.kpt_oks_sigmas = np.full(len(category["keypoints"]), KEYPOINT_SIGMA)
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"]
    return float(precision[precision > -1].min(initial=1.0))
