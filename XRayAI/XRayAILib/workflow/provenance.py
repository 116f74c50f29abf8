"""What a run was made of: software, platform, collection."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterable
from importlib import metadata

from XRayAILib import __version__
from XRayAILib.dicom.header import PICTURE
from XRayAILib.project.image import Image

PACKAGES = ("torch", "monai", "pytorch-ignite", "pydicom", "highdicom", "numpy", "scikit-image", "pycocotools")
"""Those that decide over results; named by their distributions."""

MISSING = "not installed"


def software_versions() -> dict[str, str]:
    """Names and versions of X-Ray AI, Python, the packages that decide over results, and the platform."""
    versions = {"X-Ray AI": __version__, "Python": platform.python_version()}
    for package in (*PACKAGES, "slicer-core", "trame-slicer"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = MISSING
    versions["Platform"] = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return versions


def collection_counts(images: Iterable[Image]) -> dict[str, dict[str, int]]:
    """How many images there are by modality, view, polarity, spacing source and status; the most frequent first."""
    images = list(images)
    criteria = {
        "Modality": [_modality(image.header.modality) for image in images],
        "View": [image.header.view or "not given" for image in images],
        "Photometric": [image.header.photometric or "not given" for image in images],
        "Spacing": [image.header.spacing.source.value if image.header.spacing.known else "unknown" for image in images],
        "Status": ["excluded" if image.excluded else image.status.value for image in images],
    }
    return {name: dict(Counter(values).most_common()) for name, values in criteria.items() if values}


def split_sizes(images: Iterable[Image]) -> dict[str, tuple[int, int]]:
    """By part the number of images and of patients."""
    parts: dict[str, list[str]] = {}
    for image in images:
        if image.split:
            parts.setdefault(image.split, []).append(image.header.patient_key)
    order = {"train": 0, "validation": 1, "test": 2}
    return {part: (len(keys), len(set(keys))) for part, keys in sorted(parts.items(), key=lambda p: order.get(p[0], 9))}


def _modality(modality: str) -> str:
    return "picture file" if modality == PICTURE else modality or "not given"
