"""The page that tells what a run did."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from XRayAILib.dicom.radiograph import read_header
from XRayAILib.project.project import Project
from XRayAILib.workflow.plots import inline_svg, training_figures
from XRayAILib.workflow.provenance import MISSING, collection_counts, software_versions, split_sizes
from XRayAILib.workflow.report import PictureFile, ReportData, Score, Step, duration, write_report

HOSTILE = "<script>alert('1')</script>&.dcm"

CURVES = {
    "loss/train": [(1, 1.0), (2, 0.5), (3, 0.4)],
    "loss/validation": [(1, 1.1), (3, 0.6)],
    "dice/validation": [(1, 0.5), (3, 0.9)],
    "dice/validation/heart": [(1, 0.4), (3, 0.8)],
    "learning_rate": [(1, 0.001)],
}


class Page(HTMLParser):
    """Collects the tags, the addresses and the text of a page, and holds that every tag is closed."""

    VOID = ("meta", "img", "br", "hr", "link")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in ("src", "href", "xlink:href")]
        self.ids += [value or "" for name, value in attributes if name == "id"]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def _data(folder: Path) -> ReportData:
    picture = folder / "picture.png"
    Picture.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)).save(picture)
    return ReportData(
        title="Lungs on computed radiographs",
        project=folder,
        created="2026-03-01T10:20:30+00:00",
        summary="What this run was.",
        highlights=[("Dice, heart", "0.931")],
        options={"Seed": "7"},
        versions={"Python": "3.12.1"},
        steps=[Step("Scan", "20 radiographs", 2.34), Step("Train", "best epoch 33", 125.0)],
        counts={"Modality": {"DX": 18, "CR": 2}},
        left_out=[(f"/data/in/{HOSTILE}", "truncated: <b>41</b> of 99 bytes")],
        curves=CURVES,
        scores={
            "Dice": [Score("Heart", 24, 0.9312, 0.0214, 0.9221, 0.9403, 0.8711, "#ef5350")],
            "Distance in mm": [Score("Heart", 24, 3.14, 1.2, 2.6, 3.6, 7.9)],
        },
        splits={"train": (14, 7), "test": (4, 2)},
        pictures=[PictureFile(picture, "Prediction over image 3")],
        warnings=["Nothing is measured in millimetres on 3 images."],
        files=[("/data/in/a.dcm", "DX, 3000 x 2500; test part")],
        places=[("Model", folder / "models" / "one")],
    )


def test_the_page_tells_everything_and_loads_nothing(tmp_path: Path) -> None:
    data = _data(tmp_path)
    text = write_report(data, tmp_path / "report.html").read_text("utf-8")
    page = Page(text)
    for part in ("2026-03-01 10:20 UTC", "Dice, heart 0.931", "Scan 20 radiographs 2.3 s", "2 min 05 s", "MODALITY"):
        assert part.lower() in page.text.lower()
    for part in (
        "0.931 0.021 0.922 – 0.940 0.871",
        "3.14 1.20 2.60 – 3.60 7.90",
        "Train 14 7",
        "Prediction over image 3",
        "a.dcm /data/in DX, 3000 x 2500; test part",
    ):
        assert part.replace(" ", "") in page.text.replace(" ", "")
    assert "script" not in page.tags and "link" not in page.tags
    assert all(address.startswith(("data:image/png;base64,", "#")) for address in page.addresses)
    assert "://" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    embedded = next(a for a in page.addresses if a.startswith("data:"))
    assert base64.b64decode(embedded.partition(",")[2]) == data.pictures[0].path.read_bytes()
    assert list(tmp_path.glob("*.part")) == []


def test_what_comes_from_files_is_text_and_never_markup(tmp_path: Path) -> None:
    text = write_report(_data(tmp_path), tmp_path / "report.html").read_text("utf-8")
    assert "<script" not in text and "<b>" not in text
    assert "truncated: <b>41</b> of 99 bytes" in Page(text).text


def test_an_empty_report_is_a_page_too(tmp_path: Path) -> None:
    data = ReportData("Nothing yet", tmp_path, "2026-03-01T10:20:30")
    page = Page(write_report(data, tmp_path / "report.html").read_text("utf-8"))
    assert "table" not in page.tags and "figure" not in page.tags
    assert "Nothing yet" in page.text


def test_of_many_files_left_out_the_page_lists_the_first(tmp_path: Path) -> None:
    left_out = [(f"/data/{i}.dcm", "truncated") for i in range(450)]
    data = ReportData("Many", tmp_path, "2026-03-01T10:20:30", left_out=left_out)
    page = Page(write_report(data, tmp_path / "report.html").read_text("utf-8"))
    assert "450 files" in page.text and "The first 200 of 450" in page.text
    assert "199.dcm" in page.text and "200.dcm" not in page.text


def test_a_failure_leaves_the_old_page(tmp_path: Path) -> None:
    path = write_report(ReportData("Old", tmp_path, "2026-03-01T10:20:30"), tmp_path / "report.html")
    missing = PictureFile(tmp_path / "missing.png", "A picture that is not there")
    with pytest.raises(FileNotFoundError, match=r"missing\.png"):
        write_report(ReportData("New", tmp_path, "2026-03-01T10:20:30", pictures=[missing]), path)
    assert "Old" in path.read_text("utf-8")


def test_curves_are_grouped_and_take_the_colour_of_the_text() -> None:
    figures = training_figures(CURVES)
    assert [title for title, _ in figures] == ["Loss", "Dice"]
    labels = [[line.get_label() for line in figure.axes[0].lines] for _, figure in figures]
    assert labels == [["Train", "Validation"], ["Mean", "Heart"]]
    drawings = [inline_svg(figure, f"curve{i}") for i, (_, figure) in enumerate(figures)]
    ids = [name for drawing in drawings for name in Page(drawing).ids]
    assert len(ids) == len(set(ids))
    assert all("currentColor" in drawing for drawing in drawings)
    again = [inline_svg(figure, f"curve{i}") for i, (_, figure) in enumerate(training_figures(CURVES))]
    assert again == drawings


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")],
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_versions_and_counts_of_a_project(tmp_path: Path) -> None:
    versions = software_versions()
    assert {"X-Ray AI", "Python", "torch", "monai", "pydicom", "Platform"} <= versions.keys()
    assert versions["pydicom"] != MISSING
    with Project.create(tmp_path / "project") as project:
        for i in range(3):
            path = tmp_path / f"{i}.png"
            Picture.fromarray(np.full((20, 20), i, np.uint8)).save(path)
            project.add(read_header(path))
        uids = [image.uid for image in project.images()]
        project.assign_split({uids[0]: "test", uids[1]: "train", uids[2]: "train"})
        project.exclude(uids[0], "blurred")
        images = project.images()
    counts = collection_counts(images)
    assert counts["Modality"] == {"picture file": 3}
    assert counts["Status"] == {"unlabelled": 2, "excluded": 1}
    assert counts["Spacing"] == {"unknown": 3}
    assert list(split_sizes(images).items()) == [("train", (2, 2)), ("test", (1, 1))]
