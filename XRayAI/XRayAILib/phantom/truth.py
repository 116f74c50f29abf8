"""The exact truth of a computed radiograph, as Findings, and the file that keeps it beside the image."""

from __future__ import annotations

import json
import math
import uuid
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from XRayAILib.findings.author import Author, Status
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, ImageLabel, Landmark, Mask
from XRayAILib.phantom.acquisition import Condition, Pose
from XRayAILib.phantom.organs import LungShape, airway
from XRayAILib.phantom.projection import Shadows
from XRayAILib.phantom.shapes import Frame
from XRayAILib.phantom.thorax import Thorax

AUTHOR = Author.imported("phantom")


def truth_of(
    uid: str,
    created: str,
    frame: Frame,
    shadows: Shadows,
    field: np.ndarray,
    thorax: Thorax,
    pose: Pose,
    condition: Condition,
) -> Findings:
    """What is to be seen on a computed radiograph.

    Parameters
    ----------
    uid
        SOP Instance UID of the image; the objects' ids follow from it.
    created
        ISO 8601, written into every object.
    field
        Boolean (rows, columns): the exposed part. Nothing outside of it is seen, so nothing there is true.

    Returns
    -------
    Findings
        Masks ``right_lung``, ``left_lung`` and ``heart``; a box ``nodule`` by the outer edges of each nodule's shadow;
        apices, carina and costophrenic angles where they lie on the exposed part; ``view`` and ``catheter``.
    """

    def common(name: str) -> dict[str, object]:
        identity = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{uid}/{name}"))
        return {"author": AUTHOR, "id": identity, "created": created, "status": Status.APPROVED}

    objects: list[FindingObject] = []
    for name in ("right_lung", "left_lung", "heart"):
        mask = getattr(shadows, name) & field
        objects.append(Mask.from_array(mask, label=name, **common(name)))  # type: ignore[arg-type]
    for number, nodule in enumerate(condition.nodules):
        x, y, z = nodule.center
        ((px, py),) = frame.to_pixels(np.array([(x, y, z)]))
        r = nodule.radius / frame.pixel
        if _within(field, px - r, py - r) and _within(field, px + r, py + r):
            edges = {"x0": float(px - r), "y0": float(py - r), "x1": float(px + r), "y1": float(py + r)}
            objects.append(Box(label="nodule", **edges, **common(f"nodule {number}")))  # type: ignore[arg-type]
    for name, (x, y, z) in landmarks(thorax, pose).items():
        ((px, py),) = frame.to_pixels(np.array([(x, y, z)]))
        if _within(field, px, py):
            objects.append(Landmark(label=name, x=float(px), y=float(py), **common(name)))  # type: ignore[arg-type]
    objects.append(ImageLabel(label="view", value=pose.view, **common("view")))  # type: ignore[arg-type]
    has = "yes" if condition.catheter else "no"
    objects.append(ImageLabel(label="catheter", value=has, **common("catheter")))  # type: ignore[arg-type]
    return Findings(uid, frame.shape, AUTHOR, tuple(objects))


def landmarks(thorax: Thorax, pose: Pose) -> dict[str, tuple[float, float, float]]:
    """Named points in thorax millimetres (x to the patient's left, y down, z to the back)."""
    right, left = (LungShape(lung, pose.inspiration) for lung in thorax.lungs)
    carina = airway(thorax)[1]
    return {
        "right_apex": (*right.apex, 0.0),
        "left_apex": (*left.apex, 0.0),
        "carina": (*carina, 15.0),
        "right_costophrenic_angle": (*right.costophrenic_angle, 0.0),
        "left_costophrenic_angle": (*left.costophrenic_angle, 0.0),
    }


def _within(field: np.ndarray, x: float, y: float) -> bool:
    column, row = math.floor(x + 0.5), math.floor(y + 0.5)
    return 0 <= row < field.shape[0] and 0 <= column < field.shape[1] and bool(field[row, column])


class TruthError(ValueError):
    """A file of truth that cannot be read, with what to do."""


@dataclass(frozen=True)
class Kept:
    """A truth as it lies on the disk: the findings, the image's file name, and the stamp of what made both."""

    findings: Findings
    image: str
    stamp: str


def write_truth(path: Path, kept: Kept) -> None:
    """Write one truth as a NumPy archive (masks as bits, everything else as JSON), whole or not at all."""
    findings = kept.findings
    masks = {f"mask{i}": o.crop for i, o in enumerate(findings) if isinstance(o, Mask)}
    document = {
        "stamp": kept.stamp,
        "image": kept.image,
        "radiograph": findings.radiograph_uid,
        "shape": findings.shape,
        "objects": [_entry(o) for o in findings],
    }
    text = np.frombuffer(json.dumps(document, indent=1).encode(), np.uint8)
    temporary = path.with_name(path.name + ".part")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(file, document=text, **masks)  # type: ignore[arg-type]
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def read_kept(path: Path) -> Kept:
    """Read one truth; :class:`TruthError` names the file where it is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            document = json.loads(archive["document"].tobytes().decode())
            shape = (int(document["shape"][0]), int(document["shape"][1]))
            objects = tuple(
                _object(entry, shape, archive.get(f"mask{i}")) for i, entry in enumerate(document["objects"])
            )
            findings = Findings(str(document["radiograph"]), shape, AUTHOR, objects)
            return Kept(findings, str(document["image"]), str(document["stamp"]))
    except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise TruthError(
            f"{path}: this truth of a phantom cannot be read ({error}). Delete it; it is made anew."
        ) from error


def _entry(item: FindingObject) -> dict[str, object]:
    entry: dict[str, object] = {"kind": item.kind, "label": item.label, "id": item.id, "created": item.created}
    if isinstance(item, Mask):
        entry["origin"] = item.origin
    elif isinstance(item, Box):
        entry.update(x0=item.x0, y0=item.y0, x1=item.x1, y1=item.y1)
    elif isinstance(item, Landmark):
        entry.update(x=item.x, y=item.y)
    elif isinstance(item, ImageLabel):
        entry["value"] = item.value
    return entry


def _object(entry: dict, shape: tuple[int, int], crop: np.ndarray | None) -> FindingObject:
    kinds = {Box.kind: Box, Landmark.kind: Landmark, ImageLabel.kind: ImageLabel}
    values = {**entry, "author": AUTHOR, "status": Status.APPROVED}
    kind = values.pop("kind")
    if kind != Mask.kind:
        return kinds[kind](**values)
    if crop is None:
        raise KeyError(f"the mask '{entry['label']}' is missing")
    crop = crop.astype(bool)
    crop.setflags(write=False)
    row, column = values.pop("origin")
    return Mask(shape=shape, origin=(int(row), int(column)), crop=crop, **values)
