"""A reader study for tests: pictures, people with roles, and what they draw."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dicom_cases import image, save
from sheet import pictures
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box, FindingObject, Landmark
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.project.readers import Role

ANNA, BEN, CORA = (Author.person(name) for name in ("anna", "ben", "cora"))
RUTH = Author.person("ruth")  # reviews
ADA = Author.person("ada")  # adjudicates
MODEL = Author.model("lungs", "0" * 64)
TRUTH = Author.imported("truth")
SHAPE = (40, 50)


def study(folder: Path, images: int = 3) -> Project:
    """A project of pictures with three readers, a reviewer and an adjudicator."""
    project = Project.create(folder / "project")
    take_in(project, [pictures(folder / "pictures", images)])
    for person in (ANNA, BEN, CORA):
        project.readers.add(person.name)
    project.readers.add("ruth", [Role.REVIEWER])
    project.readers.add("ada", [Role.ADJUDICATOR])
    return project


def uids_of(project: Project) -> list[str]:
    return [image.uid for image in project.images()]


def nodule(person: Author, x: float = 5.0, **values: object) -> Box:
    """A box of 20 x 10 pixels."""
    edges = {"x0": x, "y0": 4.0, "x1": x + 20, "y1": 14.0}
    return Box(**{"label": "nodule", "author": person, **edges, **values})  # type: ignore[arg-type]


def carina(person: Author, x: float = 25.0) -> Landmark:
    return Landmark(label="carina", author=person, x=x, y=10.0)


def draw(project: Project, uid: str, person: Author, *objects: FindingObject) -> Findings:
    """Somebody has drawn these, and they are saved."""
    findings = Findings(uid, project.header(uid).shape, person, objects)
    project.save(findings)
    return findings


def files_of_patients(folder: Path, images: Mapping[str, int]) -> Path:
    """A new folder with so many radiographs of each patient."""
    folder.mkdir()
    for patient, number in images.items():
        for n in range(number):
            save(image(PatientID=patient, StudyDate=f"2024010{n + 1}"), folder / f"{patient} {n}.dcm")
    return folder
