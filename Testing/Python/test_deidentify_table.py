"""Of the whole Table E.1-1 of PS3.15 nothing survives that no option keeps: the canary."""

from __future__ import annotations

import json
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

import canary
from deidentify_cases import CT, GSPS, SR, deidentified
from XRayAILib.dicom.confidentiality import Options, table


def test_the_table_is_that_of_the_standard(test_data: Path) -> None:
    folder = test_data / "standard"
    columns = {
        "rtnUIDsOpt": "uids",
        "rtnDevIdOpt": "device",
        "rtnInstIdOpt": "institution",
        "rtnPatCharsOpt": "patient",
        "rtnLongFullDatesOpt": "full_dates",
        "rtnLongModifDatesOpt": "modified_dates",
        "cleanDescOpt": "descriptors",
        "cleanStructContOpt": "structured",
        "cleanGraphOpt": "graphics",
        "rtnSafePrivOpt": "private",
    }
    expected = {}
    for name in ("confidentiality_profile_2024e.json", "confidentiality_profile_added_by_2025-06.json"):
        for row in json.loads((folder / name).read_text("utf-8")):
            tag = "odd" if "odd" in row["id"] else row["id"].lower()
            expected[tag] = (row["basicProfile"], {ours: row[k] for k, ours in columns.items() if k in row})
    assert len(expected) == 647
    assert {row.tag: (row.basic, dict(row.options)) for row in table()} == expected


def test_what_the_canary_file_holds(tmp_path: Path) -> None:
    assert len(canary.rows()) == 639
    assert len(canary.survivors(canary.write(tmp_path / "canary.dcm"))) == 3 * 639


@pytest.mark.parametrize(
    ("sop_class", "syntax"),
    [
        (canary.DX, ExplicitVRLittleEndian),
        (GSPS, ImplicitVRLittleEndian),
        (SR, ExplicitVRBigEndian),
        (CT, ExplicitVRLittleEndian),
    ],
)
def test_no_row_survives_the_basic_profile(tmp_path: Path, sop_class: str, syntax: pydicom.uid.UID) -> None:
    path = canary.write(tmp_path / "canary.dcm", sop_class, syntax)
    made = deidentified(path, tmp_path / "out", Options(dates="remove"))
    assert canary.survivors(tmp_path / "out" / made.path) == set()


@pytest.mark.parametrize(
    ("options", "column", "codes"),
    [
        (Options(dates="keep"), "full_dates", "K"),
        (Options(dates="remove", keep_uids=True), "uids", "K"),
        (Options(dates="remove", keep_device=True), "device", "K"),
        (Options(dates="remove", keep_institution=True), "institution", "K"),
        (Options(dates="remove", keep_patient=True), "patient", "K"),
        (Options(dates="remove", clean_descriptors=True), "descriptors", ""),
        (Options(dates="remove", clean_graphics=True), "graphics", ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_option_keeps_its_rows_and_nothing_else(tmp_path: Path, options: Options, column: str, codes: str) -> None:
    path = canary.write(tmp_path / "canary.dcm")
    kept = canary.survivors(tmp_path / "out" / deidentified(path, tmp_path / "out", options).path)
    expected = {tag for tag, row in canary.rows().items() if codes and row.options.get(column) == codes}
    assert kept == {(tag, place) for tag in expected for place in range(3)}


def test_modified_dates_leave_only_times_of_day(tmp_path: Path) -> None:
    made = deidentified(canary.write(tmp_path / "canary.dcm"), tmp_path / "out", Options(dates="shift"))
    kept = {tag for tag, _ in canary.survivors(tmp_path / "out" / made.path)}
    assert kept == {
        tag for tag, row in canary.rows().items() if canary.vr_of(tag) == "TM" and row.options.get("modified_dates")
    }
