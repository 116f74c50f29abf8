"""The report on agreement: a page to read, tables for other programs, and JSON; all written whole or not at all."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from XRayAILib import __version__
from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.exchange.table.cells import cell
from XRayAILib.findings.agreement.bootstrap import RESAMPLES
from XRayAILib.findings.agreement.compare import Compared, What
from XRayAILib.workflow.agreement.agreement import Study
from XRayAILib.workflow.agreement.cases import picture, worst
from XRayAILib.workflow.agreement.figures import ALL_LANDMARKS, EVERYBODY, Figure
from XRayAILib.workflow.agreement.plots import curve_figure, curves, difference_figure, differences
from XRayAILib.workflow.agreement.tables import (
    FEW,
    MAIN,
    confusions_of,
    group_tables,
    matrices_of,
    tables_of,
    title_of,
    together_table,
)
from XRayAILib.workflow.agreement.wishes import excluded_images
from XRayAILib.workflow.page import page_environment
from XRayAILib.workflow.plots import COLORS, inline_svg
from XRayAILib.workflow.provenance import software_versions
from XRayAILib.workflow.report import moment

if TYPE_CHECKING:
    from XRayAILib.findings.schema import LabelSchema
    from XRayAILib.project.project import Project

PAGE, TABLE, IMAGES, DOCUMENT = "agreement.html", "figures.csv", "images.csv", "agreement.json"
PLOTS = 12
"""Drawings of differences in the page; the figures of all stand in the tables."""


def write_agreement(
    project: Project,
    study: Study,
    figures: Sequence[Figure],
    folder: Path,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> Path:
    """Write the page, the two tables and the JSON into ``folder``, and give the page's path.

    Raises
    ------
    OSError
        With the file's name, where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = _page(project, study, figures, progress)
    contents = {
        TABLE: _csv([figure.document() for figure in figures]),
        IMAGES: _csv(image_rows(study)),
        DOCUMENT: json.dumps(document_of(study, figures), ensure_ascii=False, indent=1),
        PAGE: page,
    }
    parts = {folder / name: folder / f"{name}.part" for name in contents}
    for (_, part), text in zip(parts.items(), contents.values(), strict=True):
        part.write_text(text, "utf-8", newline="")
    for path, part in parts.items():
        part.replace(path)
    return folder / PAGE


def document_of(study: Study, figures: Sequence[Figure]) -> dict[str, Any]:
    """The study's figures as plain JSON."""
    return {
        "readers": dict(study.readers),
        "reference": study.wishes.reference,
        "images": len(study.images),
        "read_by_one_only": study.alone,
        "excluded": study.excluded,
        "options": _options(study),
        "versions": software_versions(),
        "figures": [figure.document() for figure in figures],
    }


def image_rows(study: Study) -> list[dict[str, Any]]:
    """What every two readers were found to say of every image, a row per label."""
    rows = []
    names = sorted({name for of in study.pairs.values() for said in of.values() for c in said for name in c.numbers})
    for pair, of in study.pairs.items():
        for uid, said in of.items():
            for c in said:
                numbers = {name: c.numbers.get(name) for name in names}
                whose = {"first": study.readers[pair[0]], "second": study.readers[pair[1]]}
                answers = {"answer_of_first": c.answers[0], "answer_of_second": c.answers[1]}
                given = {"objects_of_first": c.given[0], "objects_of_second": c.given[1]}
                values = {f"{name}_value" if name in whose else name: value for name, value in numbers.items()}
                row = {"image": uid, "patient": study.images[uid].patient, **whose, "label": c.label}
                rows.append({**row, "kind": c.what.value, **given, **answers, **values, "unit": c.unit})
    return rows


def notes_of(study: Study, figures: Sequence[Figure]) -> list[str]:
    """What whoever reads the figures should bear in mind."""
    notes = []
    patients = len({image.patient for image in study.images.values()})
    if patients < FEW:
        notes.append(f"There are {patients} patients: intervals of so few say little.")
    if study.alone:
        images = "1 image was" if study.alone == 1 else f"{study.alone} images were"
        notes.append(f"{images} read by one reader only and left out.")
    if study.excluded:
        notes.append(excluded_images(study.excluded).strip())
    for key, name in study.readers.items():
        never = [f"'{label}'" for label, users in study.users.items() if users and key not in users]
        if never:
            notes.append(f"{name} never used {_and(never)}: taken as not asked, and not compared in that.")
    several = Counter(c.label for of in study.pairs.values() for said in of.values() for c in said if _is_several(c))
    for label, count in several.items():
        notes.append(
            f"'{label}': in {count} comparisons a reader has several, and which belong together is open: left out."
        )
    undefined: dict[str, list[str]] = {}
    for figure in figures:
        # That nobody gave one of the answers is no surprise.
        if figure.measure.estimate.value is None and not figure.column and "agreed on" not in figure.measure.name:
            told = f"{figure.label} ({figure.who}, {figure.measure.name})"
            undefined.setdefault(figure.measure.estimate.reason, []).append(told)
    for reason, whose in undefined.items():
        shown = ", ".join(whose[:4]) + (f" and {len(whose) - 4} more" if len(whose) > 4 else "")
        notes.append(f"No figure for {shown}: {reason}.")
    sources = {image.groups["spacing"] for image in study.images.values()}
    if len(sources) > 1:
        told = ", ".join("px (no spacing)" if source == "px" else f"mm ({source})" for source in sorted(sources))
        notes.append(f"Distances of images in {told} are never put together: each unit has figures of its own.")
    return notes


def _is_several(compared: Compared) -> bool:
    return compared.what in (What.LANDMARK, What.MEASUREMENT) and max(compared.given) > 1


def _page(project: Project, study: Study, figures: Sequence[Figure], progress: Callable[[int, int, str], None]) -> str:
    from markupsafe import Markup

    environment = page_environment(Path(__file__).parent)
    environment.filters["moment"] = moment
    environment.filters["slug"] = lambda text: re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    # Measurements first: places and areas are many, and tell less than what was drawn to be measured.
    compared = sorted(differences(study), key=lambda entry: ("", "x", "y", "area").index(entry[1]))
    scored: dict[str, list[Any]] = {}
    for label, who, curve in curves(study):
        scored.setdefault(label, []).append((who, curve))
    left = len(compared) - PLOTS
    # Markup only here: matplotlib has escaped the texts in its own drawing.
    plots = [
        (", ".join(filter(None, (title_of(label, project.schema), what))), who, Markup(inline_svg(drawing, f"plot{i}")))
        for i, (label, what, who, drawing) in enumerate(
            (label, what, who, difference_figure(one, unit)) for label, what, who, unit, one in compared[:PLOTS]
        )
    ]
    frocs = [
        (title_of(label, project.schema), Markup(inline_svg(curve_figure(of), f"froc{i}")))
        for i, (label, of) in enumerate(scored.items())
    ]
    return environment.get_template(PAGE).render(
        title=_title(study),
        summary=_summary(study),
        created=datetime.now().astimezone().isoformat(timespec="seconds"),
        project=project.folder,
        highlights=_highlights(study, figures, project.schema),
        warnings=notes_of(study, figures),
        matrices=matrices_of(study, figures, project.schema),
        tables=tables_of(study, figures, project.schema),
        together=together_table(figures, project.schema),
        confusions=confusions_of(study, project.schema),
        plots=plots,
        plots_left=f"The first {PLOTS} of {len(compared)} are drawn." if left > 0 else "",
        frocs=frocs,
        groups=group_tables(study, figures, project.schema),
        cases=_cases(project, study, progress),
        options=_options(study),
        versions=software_versions(),
        table_file=TABLE,
        images_file=IMAGES,
        version=__version__,
    )


def _cases(project: Project, study: Study, progress: Callable[[int, int, str], None]) -> list[dict[str, Any]]:
    found, cases = [], worst(study)
    for done, case in enumerate(cases):
        progress(done, len(cases), "drawing the worst cases")
        tracks = {track.author.key: track for track in project.tracks(case.uid)}
        image, told = "", case.told
        try:
            drawn = picture(project.radiograph(case.uid), [tracks[key] for key in case.pair], case.label)
            image = f"data:image/jpeg;base64,{base64.b64encode(drawn).decode('ascii')}"
        except UnreadableError as error:
            told = f"{told}; the image cannot be shown: {error}"
        names = [study.readers[key] for key in case.pair]
        found.append(
            {
                "image": image,
                "title": title_of(case.label, project.schema),
                "told": told,
                "colors": list(zip(names, COLORS, strict=False)),
                "file": Path(study.images[case.uid].path).name,
            }
        )
    return found


def _title(study: Study) -> str:
    if not study.wishes.reference:
        return f"Agreement of {_and(list(study.readers.values()))}"
    reference = next(iter(study.pairs))[1]
    others = [name for key, name in study.readers.items() if key != reference]
    return f"Agreement of {_and(others)} with {study.readers[reference]}"


def _summary(study: Study) -> str:
    patients = len({image.patient for image in study.images.values()})
    text = (
        f"{len(study.images)} images of {patients} patients were read by at least two of {len(study.readers)} readers."
    )
    if study.wishes.reference:
        text += f" Everybody is compared with {study.called(next(iter(study.pairs))).partition(' against ')[2]}."
    return text


def _highlights(study: Study, figures: Sequence[Figure], schema: LabelSchema) -> list[tuple[str, str]]:
    """The main figure of the first labels of each kind, over all pairs."""
    found = [("Images", str(len(study.images))), ("Readers", str(len(study.readers)))]
    who = "all pairs" if len(study.pairs) > 1 else study.called(next(iter(study.pairs)))
    landmarks = any(figure.label == ALL_LANDMARKS for figure in figures)
    for what in What:
        for figure in figures:
            if figure.column or figure.what is not what or len(found) >= 7:
                continue
            if what is What.LANDMARK and landmarks and figure.label != ALL_LANDMARKS:
                continue
            wanted = EVERYBODY if len(study.readers) > 2 and what is What.MEASUREMENT else who
            names = (MAIN[what], "alpha") if what is What.ANSWER else (MAIN[what],)
            if figure.who in (wanted, EVERYBODY) and figure.measure.name in names:
                value = figure.measure.estimate.value
                unit, _space, worth = figure.measure.unit.partition(" ")
                if value is not None:
                    name = " ".join((figure.measure.name[:1].upper() + figure.measure.name[1:], worth)).strip()
                    found.append((f"{title_of(figure.label, schema)}: {name}", f"{value:.2f} {unit}".strip()))
    return found


def _options(study: Study) -> dict[str, str]:
    wishes = study.wishes
    options = {
        "Readers": ", ".join(study.readers),
        "Reference": wishes.reference or "none: everybody with everybody",
        "Labels": ", ".join(wishes.labels) or "all",
        "Images": json.dumps(wishes.query.document(), ensure_ascii=False) if wishes.query.document() else "all",
        "Groups": ", ".join(wishes.by) or "none",
        "Answers in order": ", ".join(wishes.ordered) or "none",
        "Same object from IoU": f"{wishes.iou:g}",
        "Matching": "by falling score where one reader has scores, else the largest sum of IoUs",
        "Intervals": f"95 %, {RESAMPLES} draws of patients, seed {wishes.seed}",
    }
    return options


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    if not rows:
        return ""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({name: cell(value) if isinstance(value, str) else value for name, value in row.items()})
    return stream.getvalue()
