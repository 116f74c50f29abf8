"""Queries of a collection: every answer is compared with what a plain loop over the images gives."""

from __future__ import annotations

import itertools
import json
import os
import random
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from XRayAILib.dicom.header import Header
from XRayAILib.dicom.spacing import Spacing, SpacingSource
from XRayAILib.findings.author import Author
from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import ImageLabel
from XRayAILib.project import statements
from XRayAILib.project.errors import ProjectError
from XRayAILib.project.image import Image
from XRayAILib.project.intake import take_in
from XRayAILib.project.project import Project
from XRayAILib.project.query import COLUMNS, OWN, SORTED_BY, Query, QueryError

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
UNKNOWN = Spacing(1.0, 1.0, SpacingSource.UNKNOWN)
RULES = ("spacing_unknown", "burned_in_text")


def header(number: int, choose: random.Random) -> Header:
    date = f"{choose.randrange(2015, 2025)}-{choose.randrange(1, 13):02}-{choose.randrange(1, 29):02}"
    source = choose.choice(list(SpacingSource))
    patient = choose.choice(["", f"P{choose.randrange(20):03}", "50%", "O_Neill"])
    return Header(
        uid=f"1.2.{number}",
        path=f"/archive/röntgen/case {choose.randrange(50)}/{number:04}.dcm",
        rows=40,
        columns=50,
        spacing=Spacing(0.1, 0.1, source) if source is not SpacingSource.UNKNOWN else UNKNOWN,
        modality=choose.choice(["CR", "DX"]),
        patient_id=patient,
        patient_name=choose.choice(["", "Müller^Jörg", "Doe^Jane"]),
        study_date=choose.choice(["", date, date]),
        study_description=choose.choice(["", "Chest two views"]),
        view=choose.choice(["PA", "AP", "LL", ""]),
        body_part=choose.choice(["CHEST", "HAND", ""]),
        laterality=choose.choice(["L", "R", ""]),
        manufacturer=choose.choice(["Acme, Inc.", "GE Healthcare"]),
        station=f"ROOM{choose.randrange(5)}",
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """600 images, some labelled, excluded, assigned or marked."""
    choose = random.Random(5)
    with Project.create(tmp_path_factory.mktemp("query") / "project") as project:
        project.add(header(number, choose) for number in range(600))
        uids = [image.uid for image in project.images()]
        anna = Author.person("anna")
        for uid in choose.sample(uids, 20):
            label = ImageLabel(label="view", author=anna, value="PA")
            project.save(Findings(uid, (40, 50), anna, (label,)))
        for uid in choose.sample(uids, 30):
            project.exclude(uid, "moved")
        project.assign_split({uid: choose.choice(["train", "test"]) for uid in choose.sample(uids, 100)})
        with sqlite3.connect(project.folder / "project.db") as database:
            rows = [(uid, rule, "warn", "why") for rule in RULES for uid in choose.sample(uids, 40)]
            database.executemany("INSERT INTO marks VALUES (?, ?, ?, ?)", rows)
        database.close()
        yield project


def value(image: Image, column: str) -> str:
    """What an image has in a column, as a person would read it off."""
    found = {
        "patient": image.header.patient_id,
        "date": image.header.study_date,
        "status": image.status.value,
        "spacing": image.header.spacing.source.value,
        "split": image.split,
        "excluded": "yes" if image.excluded else "no",
    }
    return found[column] if column in found else str(getattr(image.header, column))


def values(image: Image, column: str) -> list[str]:
    return [mark.rule for mark in image.marks] if column == "mark" else [value(image, column)]


def fits(image: Image, query: Query, without: str = "") -> bool:
    day = image.header.study_date
    in_time = (not query.since or day >= query.since) and (not query.until or "" < day <= query.until)
    chosen = (set(values(image, name)) & set(wanted) for name, wanted in query.filters.items() if name != without)
    return in_time and all(chosen)


FILTERS = [
    {"view": ("PA",)},
    {"view": ("PA", "")},
    {"view": ("PA", "AP"), "laterality": ("L",)},
    {"body_part": ("CHEST",), "manufacturer": ("Acme, Inc.",), "station": ("ROOM1", "ROOM2")},
    {"patient": ("P003", "O_Neill", "")},
    {"modality": ("CR",), "spacing": ("px",)},
    {"status": ("draft", "approved")},
    {"excluded": ("yes",)},
    {"excluded": ("no",), "split": ("train",)},
    {"mark": RULES},
    {"mark": RULES[:1], "view": ("PA", "LL", "AP")},
    {"view": ("there is none",)},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
def test_filters_leave_what_a_loop_leaves(project: Project, filters: dict[str, tuple[str, ...]]) -> None:
    query = Query(filters=filters)
    expected = {image.uid for image in project.images() if fits(image, query)}
    assert set(project.uids(query)) == expected and project.count(query) == len(expected)


@pytest.mark.parametrize(
    ("since", "until", "from_", "to"),
    [
        ("2018-03-01", "", "2018-03-01", "9999"),
        ("", "2018", "0000", "2018-12-31"),
        ("2018-02", "2019-02", "2018-02-01", "2019-02-31"),
    ],
)
def test_a_span_of_dates_takes_both_ends_in(project: Project, since: str, until: str, from_: str, to: str) -> None:
    expected = {image.uid for image in project.images() if from_ <= image.header.study_date <= to}
    assert expected and set(project.uids(Query(since=since, until=until))) == expected


@pytest.mark.parametrize("column", [name for name in COLUMNS if name not in OWN])  # these: test_cases.py
@pytest.mark.parametrize("filters", [{}, *FILTERS], ids=str)
def test_counts_per_value_are_what_the_other_filters_leave(
    project: Project, column: str, filters: dict[str, tuple[str, ...]]
) -> None:
    query = Query(filters=filters, since="2016")
    counted = Counter(
        found for image in project.images() if fits(image, query, without=column) for found in values(image, column)
    )
    said = project.values(column, query)
    assert dict(said) == counted and [number for _, number in said] == sorted(counted.values(), reverse=True)


@pytest.mark.parametrize(
    "sort", [(name,) for name in SORTED_BY] + [("-date", "patient"), ("view", "-date"), ()], ids=str
)
def test_any_order_is_whole_and_turned_round_by_a_minus(project: Project, sort: tuple[str, ...]) -> None:
    images = {image.uid: image for image in project.images()}
    added = {uid: number for number, uid in enumerate(sorted(images, key=lambda uid: int(uid.rpartition(".")[2])))}

    def key(uid: str, name: str) -> object:
        if name == "added":
            return added[uid]
        return images[uid].header.path if name == "file" else value(images[uid], name)

    found = project.uids(Query(sort=sort))
    assert sorted(found) == sorted(images)
    expected = list(images)
    last = sort[-1].startswith("-") if sort else False
    rest = [("-" if last else "") + name for name in ("patient", "date", "added")]
    for name in reversed([*sort, *rest]):
        expected.sort(key=lambda uid: key(uid, name.removeprefix("-")), reverse=name.startswith("-"))  # type: ignore[arg-type,return-value]
    assert found == expected
    turned = tuple("-" + name if not name.startswith("-") else name[1:] for name in sort or ("patient",))
    if len(turned) == 1:
        assert project.uids(Query(sort=turned)) == found[::-1]


def test_pages_are_the_whole_in_pieces(project: Project) -> None:
    whole = Query(text="chest", sort=("-date",))
    uids = [image.uid for image in project.stream(whole)]
    assert uids == project.uids(whole)
    pages = [project.page(Query(text="chest", sort=("-date",), limit=50, offset=at)) for at in range(0, 700, 50)]
    assert [image.uid for page in pages for image in page.images] == uids
    assert {page.total for page in pages} == {len(uids)}


@pytest.mark.parametrize("column", SORTED_BY)
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_page_is_cut_out_of_the_whole_whatever_it_is_sorted_by(project: Project, column: str, sign: str) -> None:
    sort, filters = (sign + column,), {"modality": ("CR",), "view": ("PA", "AP", "")}
    whole = project.uids(Query(sort=sort, filters=filters))
    for offset in (0, 37, len(whole) - 3, len(whole), len(whole) + 50):
        page = project.page(Query(sort=sort, filters=filters, limit=40, offset=offset))
        assert [image.uid for image in page.images] == whole[offset : offset + 40] and page.total == len(whole)
    assert [image.uid for image in project.page(Query(sort=sort, filters=filters)).images] == whole


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("jörg MÜLLER", lambda i: "Jörg" in i.header.patient_name),
        ("50%", lambda i: i.header.patient_id == "50%"),
        ("o_n", lambda i: i.header.patient_id == "O_Neill"),
        ("two views hand", lambda i: i.header.study_description and i.header.body_part == "HAND"),
        ("röntgen", lambda _: True),  # of the path
        ("ro\u0308ntgen", lambda _: True),  # as macOS writes it
        ("dcm", lambda _: False),  # too short for a path
        ("room3 draft", lambda i: i.header.station == "ROOM3" and i.status.value == "draft"),
        ("calibrated", lambda i: i.header.spacing.source is SpacingSource.CALIBRATED),
        ("unknown", lambda i: not i.header.spacing.known),
        ("chest/nothing", lambda _: False),
    ],
)
def test_each_word_of_the_text_must_occur(project: Project, text: str, found) -> None:  # type: ignore[no-untyped-def]
    expected = {image.uid for image in project.images() if found(image)}
    assert set(project.uids(Query(text=text))) == expected


def test_what_people_change_is_found_at_once(project: Project) -> None:
    image = next(project.stream(Query(filters={"spacing": ("px",), "excluded": ("no",)})))
    project.calibrate(image.uid, (0, 0), (30, 0), 15.0, who="anna")
    assert image.uid in set(project.uids(Query(text="calibrated", filters={"spacing": ("calibrated",)})))
    project.take_calibration_back(image.uid, who="anna")
    assert image.uid in set(project.uids(Query(filters={"spacing": ("px",)})))


def test_a_query_goes_through_json(project: Project) -> None:
    query = Query("chest", {"view": ["PA", ""], "mark": RULES}, "2016", "2020-05", ("-date", "patient"), 20, 40)
    again = Query.from_document(json.loads(json.dumps(query.document())))
    assert again == query and project.page(again) == project.page(query)
    assert Query().document() == {} and Query.from_document({}) == Query()


@pytest.mark.parametrize(
    ("document", "field", "message"),
    [
        ({"filters": {"colour": ["red"]}}, "colour", "view"),
        ({"filters": {"view": "PA"}}, "view", "list"),
        ({"filters": {"status": ["drawn"]}}, "status", "approved"),
        ({"filters": {"excluded": ["maybe"]}}, "excluded", "yes"),
        ({"since": "last week"}, "since", "yyyy-mm-dd"),
        ({"until": "2020-13-01"}, "until", "no date"),
        ({"since": "2021", "until": "2020"}, "until", "before"),
        ({"sort": ["-size"]}, "sort", "size"),
        ({"sort": ["date", "-date"]}, "sort", "twice"),
        ({"sort": "date"}, "sort", "list"),
        ({"limit": 0}, "limit", "from 1"),
        ({"limit": True}, "limit", "whole"),
        ({"offset": -1}, "offset", "from 0"),
        ({"text": 5}, "text", "text"),
        ({"page": 3}, "page", "no such field"),
    ],
)
def test_what_makes_no_sense_is_said_field_by_field(document: dict[str, object], field: str, message: str) -> None:
    with pytest.raises(QueryError) as error:
        Query.from_document(document)
    assert list(error.value.problems) == [field] and message in error.value.problems[field]


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(QueryError) as error:
        Query(limit=0, sort=("size",), filters={"colour": ("red",)})
    assert set(error.value.problems) == {"limit", "sort", "colour"}


def test_a_team_on_postgresql_asks_the_same() -> None:
    """No server is needed to see that nothing in the statements is SQLite's own."""
    from sqlalchemy.dialects import postgresql

    query = Query("chest 50%", dict.fromkeys(("view", "excluded", "mark"), ("yes",)), "2020", "2021", ("-excluded",), 5)
    for column in (name for name in COLUMNS if name not in OWN):
        text = str(statements.value_counts(column, query).compile(dialect=postgresql.dialect()))
        assert text.partition("GROUP BY ")[2].partition(" ORDER")[0].strip() in text.partition("FROM")[0]
    for statement in (
        statements.chosen(query, statements.images.c.uid),
        statements.number(query),
        statements.sorted_values(query),
        statements.ids_with_value(query, "yes", 5, 0),
    ):
        assert "LIKE" in str(statement.compile(dialect=postgresql.dialect()))


OLD = """
CREATE TABLE images (id INTEGER NOT NULL PRIMARY KEY, uid VARCHAR(200) NOT NULL UNIQUE, path TEXT NOT NULL,
  patient_id VARCHAR(200), study_date VARCHAR(10), modality VARCHAR(16), view VARCHAR(64), spacing_source VARCHAR(16),
  status VARCHAR(16) NOT NULL, excluded TEXT NOT NULL, split VARCHAR(16) NOT NULL, header TEXT NOT NULL);
CREATE INDEX ix_images_patient_id ON images (patient_id);
CREATE INDEX ix_images_status ON images (status);
"""


def make_old(project: Project) -> None:
    """Give a project's database the form of the first version."""
    project.close()
    with sqlite3.connect(project.folder / "project.db") as database:
        shared = (
            "id, uid, path, patient_id, study_date, modality, view, spacing_source, status, excluded, split, header"
        )
        database.executescript(f"ALTER TABLE images RENAME TO newer; {OLD}")
        database.execute(f"INSERT INTO images SELECT {shared} FROM newer")
        for table in ("newer", "marks", "checked", "calibrations"):
            database.execute(f"DROP TABLE {table}")
    database.close()


def test_a_project_of_an_earlier_version_can_be_searched_like_a_new_one(tmp_path: Path) -> None:
    choose = random.Random(3)
    headers = [header(number, choose) for number in range(50)]
    with Project.create(tmp_path / "project") as old:
        old.add(headers)
        old.exclude("1.2.7", "moved")
        make_old(old)
    with Project.create(tmp_path / "new") as new, Project.open(tmp_path / "project") as upgraded:
        new.add(headers)
        for column, text in itertools.product(("manufacturer", "body_part", "laterality"), ("", "müller", "room1")):
            assert upgraded.values(column, Query(text=text)) == new.values(column, Query(text=text))
        assert upgraded.image("1.2.7").excluded == "moved"
        upgraded.add([headers[0]])
        assert upgraded.count() == 50
    with sqlite3.connect(tmp_path / "project" / "project.db") as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    database.close()
    assert "ix_images_status" not in names and "images_browse" in names


def test_after_an_earlier_version_the_next_scan_reads_all_files_again(tmp_path: Path, real_crs: list[Path]) -> None:
    """The earlier one kept less of each header."""
    with Project.create(tmp_path / "project") as old:
        take_in(old, real_crs)
        old.exclude(old.images()[0].uid, "moved")
        make_old(old)
    with Project.open(tmp_path / "project") as upgraded:
        intake = take_in(upgraded, real_crs)
        assert (intake.added, intake.refreshed, intake.unchanged) == (0, 3, 0)
        assert [image.excluded for image in upgraded.images()].count("moved") == 1
        assert take_in(upgraded, real_crs).unchanged == 3


def test_opening_does_not_wait_for_a_program_that_writes(project: Project) -> None:
    other = sqlite3.connect(project.folder / "project.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        # With a lock it would wait 30 s and then fail.
        with Project.open(project.folder) as again:
            assert again.count() == project.count()
    finally:
        other.execute("ROLLBACK")
        other.close()


@pytest.mark.skipif(ROOT or os.name == "nt", reason="permissions do not bind this user")
def test_a_project_on_a_disk_that_cannot_be_written_can_be_looked_at(tmp_path: Path) -> None:
    choose = random.Random(3)
    with Project.create(tmp_path / "project") as project:
        project.add(header(number, choose) for number in range(50))
    folders = [tmp_path / "project", *(tmp_path / "project").iterdir()]
    for path in folders:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        with Project.open(tmp_path / "project") as looked_at:
            assert looked_at.read_only and looked_at.page(Query(limit=10)).total == 50
            with pytest.raises(ProjectError, match=r"only open to be looked at.*copy"):
                looked_at.exclude("1.2.7", "moved")
    finally:
        for path in folders:
            path.chmod(0o755 if path.is_dir() else 0o644)
