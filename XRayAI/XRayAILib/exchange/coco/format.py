"""COCO as a format of exports: instances, keypoints, run lengths and polygons, read again by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from XRayAILib import __version__
from XRayAILib.exchange.coco.write import OFFSET, PLACE, CocoWriter
from XRayAILib.exchange.contents import Contents, counted
from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.format import EVERYTHING, Format, LabelledImage, Plan, facts
from XRayAILib.exchange.said import Said, digest, said
from XRayAILib.findings.author import Author
from XRayAILib.findings.kinds import KINDS
from XRayAILib.findings.objects import FindingObject, ImageLabel, Landmark, Mask, Polygon
from XRayAILib.findings.shapes import Ellipse, RotatedBox

ANNOTATIONS = "annotations.json"
KEYPOINT_SIGMA = 0.05
"""COCOeval needs one per keypoint and knows only those of its own persons; any value does for equal points."""
EVALUATED = 100
"""Images that COCOeval is asked of; what it would find is a fault of the whole file, and it takes long."""
_NOBODY = Author.imported("COCO")
_MEASUREMENTS = ("line", "angle", "cobb angle", "cardiothoracic ratio")


class Coco(Format):
    """COCO 1.0. What it has no place for stands under ``xrayai``, where only X-Ray AI looks."""

    name = "coco"
    title = "COCO"
    becomes = {kind: kind for kind in KINDS}
    carries = EVERYTHING
    options = {"polygons": ("no", "yes")}
    """``yes`` writes masks without holes as outlines instead of run lengths."""
    reader = "pycocotools"
    needs = "pycocotools"

    def losses(self, contents: Contents, plan: Plan) -> list[str]:
        kinds = contents.kinds
        outlined = [counted(kinds[kind], kind) for kind in (RotatedBox.kind, Ellipse.kind) if kinds[kind]]
        kept = [counted(kinds[kind], kind) for kind in ("polyline", *_MEASUREMENTS) if kinds[kind]]
        sentences = []
        if outlined:
            sentences.append(f"Other programs see {' and '.join(outlined)} as polygons.")
        if kept:
            sentences.append(f"Other programs do not see {', '.join(kept)}: COCO has no place for them.")
        if contents.with_attributes or contents.scored:
            sentences.append("Attributes and scores stand where only X-Ray AI reads them.")
        return sentences

    def write(self, folder: Path, images: Iterable[LabelledImage], plan: Plan) -> None:
        writer = CocoWriter(plan.schema, plan.choice.options.get("polygons") == "yes")
        for image in images:
            name = Path(image.picture).name
            writer.add_image(name, image.findings, split=image.part, patient=image.patient, xrayai=facts(image))
        (folder / ANNOTATIONS).write_bytes(writer.document(**_info(plan)))

    def read_again(self, folder: Path, plan: Plan) -> Iterator[tuple[str, list[Said]]]:
        self._coco = coco = opened(folder / ANNOTATIONS)
        for image in coco.imgs.values():
            yield Path(image["file_name"]).stem, list(_objects(coco, image))

    def check(self, folder: Path, plan: Plan) -> None:
        """COCOeval of the file against itself must give an average precision of 1."""
        coco = self._coco
        every = -(-len(coco.imgs) // EVALUATED)
        images = set(sorted(coco.imgs)[::every])
        chosen = [annotation for annotation in coco.anns.values() if annotation["image_id"] in images]
        kinds = (
            ("bbox", [a for a in chosen if "keypoints" not in a and not a["segmentation"]]),
            ("segm", [a for a in chosen if a.get("segmentation")]),
            *(("keypoints", [a for a in chosen if a["category_id"] == c]) for c in _with_keypoints(coco)),
        )
        for kind, some in kinds:
            if some and (precision := _against_itself(coco, some, kind)) < 1 - 1e-9:
                raise ExportError(f"COCO: COCOeval ({kind}) of the export against itself gives {precision:.4f}, not 1.")


def opened(path: Path) -> Any:
    """The file as pycocotools has it."""
    import orjson
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = orjson.loads(path.read_bytes())  # it would take Python's json, which needs ten times as long
    with contextlib.redirect_stdout(io.StringIO()):  # it prints, and a job's standard output is its progress
        coco.createIndex()
    return coco


def _info(plan: Plan) -> dict[str, Any]:
    return {
        "description": f"{plan.title}: exported by X-Ray AI {__version__}",
        "version": "1.0",
        "year": plan.newest.year,
        "date_created": plan.time,
        "contributor": "",
        "xrayai": {
            "version": __version__,
            "pictures": plan.form,
            "coordinates": "0 is the outer corner of the first pixel, as COCO has it",
        },
    }


def _objects(coco: Any, image: dict[str, Any]) -> Iterator[Said]:
    for entry in image["xrayai"]["objects"]:
        yield _beside(entry, (image["height"], image["width"]))
    for annotation in coco.imgToAnns[image["id"]]:
        category, own = coco.cats[annotation["category_id"]], annotation["xrayai"]
        kind = own["kind"]
        if kind == "landmarks":
            for entry in own["objects"]:
                place = 3 * category["keypoints"].index(entry["label"])
                x, y, visibility = annotation["keypoints"][place : place + 3]
                state = {"visible": visibility == 2, "outside": False}
                yield _said(entry, entry["label"], (x - OFFSET, y - OFFSET), **state)
        elif kind == Mask.kind:
            yield _said(own, category["name"], pixels=digest(coco.annToMask(annotation).astype(bool)))
        elif annotation["segmentation"]:
            found = tuple([v - OFFSET for v in annotation["segmentation"][0]])
            yield _said(own, category["name"], found if kind == Polygon.kind else _checked(own, found))
        else:
            x, y, width, height = annotation["bbox"]
            x, y = x - OFFSET, y - OFFSET
            yield _said(own, category["name"], (x, y, x + width, y + height))


def _said(own: dict[str, Any], label: str, numbers: tuple[float, ...] = (), pixels: str = "", **state: Any) -> Said:
    record = {key: value for key, value in own.items() if key in EVERYTHING}
    return Said(own["kind"], label, numbers, pixels, record | state if state else record, own["id"])


def _beside(entry: dict[str, Any], shape: tuple[int, int]) -> Said:
    kind = entry["kind"]
    if kind == Mask.kind:
        return _said(entry, entry["label"], pixels=digest(np.zeros(shape, bool)))
    if kind == ImageLabel.kind:
        return _said(entry, entry["label"], value=entry["value"])
    if kind == Landmark.kind:
        return _said(entry, entry["label"], visible=False, outside=True)
    return _said(entry, entry["label"], tuple(value for point in entry["points"] for value in point))


def _checked(own: dict[str, Any], outline: tuple[float, ...]) -> tuple[float, ...]:
    """The place of a rotated box or an ellipse; none where the outline, which others read, says something else."""
    kind = KINDS[own["kind"]]
    item: FindingObject = kind(label="any", author=_NOBODY, **{name: own[name] for name in PLACE[own["kind"]]})
    drawn = item.corners if isinstance(item, RotatedBox) else item.outline() if isinstance(item, Ellipse) else ()
    same = np.allclose(np.ravel(drawn), outline, rtol=0, atol=Coco.tolerance)
    return said(item).numbers if same else ()


def _with_keypoints(coco: Any) -> list[int]:
    return [category["id"] for category in coco.cats.values() if category.get("keypoints")]


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
    seen = {a["image_id"] for a in chosen}
    truth = COCO()
    truth.dataset = {
        "info": {},
        "images": [image for image in coco.imgs.values() if image["id"] in seen],
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
