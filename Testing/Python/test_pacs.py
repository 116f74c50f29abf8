"""Searching and retrieving at a real PACS, by DICOMweb and by DIMSE: Orthanc, started by the test."""

from __future__ import annotations

import dataclasses
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pynetdicom import AE, evt

import orthanc
import pacs_content
from pacs_content import COMPRESSED, LARGE, LARGE_COUNT, SPINE, after_meta
from XRayAILib.dicom.archive import Query, QueryError, ServerError, Study, open_server
from XRayAILib.dicom.credentials import Credentials, CredentialsError
from XRayAILib.dicom.dicomweb import DicomWeb
from XRayAILib.dicom.retrieval import Transfer, retrieve
from XRayAILib.dicom.servers import Server

WAYS = ("web", "get", "move")


def way(pacs: orthanc.Orthanc, name: str) -> Server:
    return pacs.web if name == "web" else pacs.dimse(move=name == "move")


@pytest.fixture(scope="session")
def secure_pacs(tmp_path_factory, real_crs, pacs_password):
    """An Orthanc that speaks TLS only, and wants a certificate from whoever comes by DIMSE."""
    if orthanc.why_not():
        pytest.skip(orthanc.why_not())
    folder = tmp_path_factory.mktemp("secure")
    orthanc.make_certificates(folder)
    files = (folder / name for name in ("server.crt", "server.key", "ca.crt"))
    server = orthanc.Orthanc(folder / "orthanc", *files)
    try:
        server.store(pacs_content.everything(real_crs))
        yield server
    finally:
        server.close()


@pytest.mark.parametrize("name", WAYS)
def test_a_server_that_answers(pacs: orthanc.Orthanc, name: str) -> None:
    with open_server(way(pacs, name)) as archive:
        said = archive.echo()
    assert said.startswith("It answers")
    assert "unencrypted" in said and ("login" in said) == (name == "web")


@pytest.mark.parametrize("name", ["web", "get"])
@pytest.mark.parametrize(
    ("query", "studies"),
    [
        (Query(), {SPINE, LARGE, COMPRESSED}),
        (Query(patient_id="77654033"), {SPINE}),
        (Query(patient_name="Large"), {LARGE}),
        (Query(patient_name="M\u00fcller^J*"), {COMPRESSED}),
        (Query(date_from="2023-01-01", date_to="2024-02-03"), {LARGE, COMPRESSED}),
        (Query(date_from="2024-02-03", date_to="2024-02-03"), {LARGE}),
        (Query(date_to="2001-01-01"), {SPINE}),
        (Query(date_from="2024-02-04"), set()),
        (Query(modality="SR"), {SPINE}),
        (Query(modality="CR", patient_id="L?RGE"), {LARGE}),
        (Query(accession="A-77"), {LARGE}),
        (Query(description="and"), {LARGE}),
        (Query(body_part="hand"), {LARGE}),
        (Query(body_part="FOOT"), set()),
    ],
    ids=lambda value: str(value) if isinstance(value, Query) else "",
)
def test_searching(pacs: orthanc.Orthanc, name: str, query: Query, studies: set[str]) -> None:
    with open_server(way(pacs, name)) as archive:
        found = archive.find(query)
    assert {study.uid for study in found.studies} == studies and not found.cut


@pytest.mark.parametrize("name", ["web", "get"])
def test_what_is_told_of_studies_series_and_instances(pacs: orthanc.Orthanc, name: str) -> None:
    with open_server(way(pacs, name)) as archive:
        (study,) = archive.find(Query(patient_id="LARGE")).studies
        assert (study.patient_name, study.date, study.description) == ("Large^Study", "2024-02-03", "Chest and hand")
        assert (study.modalities, study.accession) == (("CR",), "A-77")
        assert (study.series, study.instances) == (2, LARGE_COUNT)
        (umlaut,) = archive.find(Query(patient_id="UMLAUT")).studies
        assert (umlaut.patient_name, umlaut.description) == ("M\u00fcller^J\u00f6rg", "R\u00f6ntgen")
        series = archive.series(LARGE)
        assert {(one.uid, one.body_part, one.modality) for one in series} == {
            (f"{LARGE}.1", "CHEST", "CR"),
            (f"{LARGE}.2", "HAND", "CR"),
        }
        instances = archive.instances(LARGE, f"{LARGE}.2")
        assert len(instances) == LARGE_COUNT // 2
        assert {one.sop_class for one in instances} == {"1.2.840.10008.5.1.4.1.1.1"}


def test_a_long_answer_comes_page_by_page(pacs: orthanc.Orthanc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("XRayAILib.dicom.dicomweb.PAGE", 5)
    with open_server(pacs.web) as archive:
        assert len(archive.instances(LARGE, f"{LARGE}.1")) == LARGE_COUNT // 2


@pytest.mark.parametrize("name", ["web", "get"])
def test_an_answer_beyond_the_limit_is_cut(pacs: orthanc.Orthanc, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "dicomweb" if name == "web" else "dimse"
    monkeypatch.setattr(f"XRayAILib.dicom.{module}.MAX_STUDIES", 2)
    with open_server(way(pacs, name)) as archive:
        found = archive.find(Query())
        assert len(found.studies) == 2 and found.cut
        assert archive.find(Query(patient_id="LARGE")).studies, "and the server can be asked on"


@pytest.mark.parametrize("name", WAYS)
def test_what_is_retrieved_is_what_was_stored(
    pacs: orthanc.Orthanc, name: str, real_crs: list[Path], tmp_path: Path
) -> None:
    states: list[Transfer] = []
    with open_server(way(pacs, name)) as archive:
        large = retrieve(archive, LARGE, tmp_path, progress=states.append)
        spine = retrieve(archive, SPINE, tmp_path)
    assert (large.received, large.failed, large.refused, large.error) == (LARGE_COUNT, [], [], "")
    assert states[-1].done == states[-1].total == LARGE_COUNT and "MB/s" in states[-1].text
    assert (spine.received, spine.passed_over) == (3, 1), "the structured report is no radiograph"
    stored = pacs_content.large_study(real_crs[1]) + [path.read_bytes() for path in real_crs]
    by_uid = {str(pydicom.dcmread(BytesIO(data)).SOPInstanceUID): data for data in stored}
    files = sorted(tmp_path.rglob("*.dcm"))
    assert {path.stem for path in files} == set(by_uid)
    for path in files:
        # DICOMweb gives whole files, an association data sets: both come as they were stored, byte for byte.
        if name == "web":
            assert path.read_bytes() == by_uid[path.stem]
        assert after_meta(path.read_bytes()) == after_meta(by_uid[path.stem])
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("name", WAYS)
def test_compressed_images_stay_as_they_are(
    pacs: orthanc.Orthanc, name: str, real_crs: list[Path], tmp_path: Path
) -> None:
    with open_server(way(pacs, name)) as archive:
        assert retrieve(archive, COMPRESSED, tmp_path).received == 1 + len(pacs_content.SYNTAXES)
    for number, data in enumerate(pacs_content.compressed(real_crs[0]), 1):
        came = tmp_path / COMPRESSED / f"{COMPRESSED}.1.{number}.dcm"
        assert after_meta(came.read_bytes()) == after_meta(data)
        syntax = pydicom.dcmread(came, stop_before_pixels=True).file_meta.TransferSyntaxUID
        assert syntax == (pydicom.uid.ExplicitVRLittleEndian, *pacs_content.SYNTAXES)[number - 1]


@pytest.mark.parametrize("name", WAYS)
def test_real_files_in_every_transfer_syntax(test_data: Path, pacs_password: str, name: str, tmp_path: Path) -> None:
    if orthanc.why_not():
        pytest.skip(orthanc.why_not())
    files = sorted((test_data / "dicom").glob("RG3_*.dcm"))
    server = orthanc.Orthanc(tmp_path / "orthanc")
    try:
        server.store(files)
        with open_server(way(server, name)) as archive:
            for study in archive.find(Query()).studies:
                assert retrieve(archive, study.uid, tmp_path / "came").failed == []
    finally:
        server.close()
    came = {path.stem: path for path in (tmp_path / "came").rglob("*.dcm")}
    assert len(came) == len(files) >= 7
    for path in files:
        before = pydicom.dcmread(path)
        after = pydicom.dcmread(came[before.SOPInstanceUID])
        assert after.file_meta.TransferSyntaxUID == before.file_meta.TransferSyntaxUID
        assert after.PixelData == before.PixelData
        # The lengths of groups and what pads a file are of the file: Orthanc leaves them out when it sends a data set.
        assert meant(after) == meant(before)


def meant(dataset: pydicom.Dataset) -> list[pydicom.DataElement]:
    return [element for element in dataset if element.tag.element and element.tag != 0xFFFCFFFC]


@pytest.mark.parametrize("name", WAYS)
def test_everything_through_tls(secure_pacs: orthanc.Orthanc, name: str, tmp_path: Path) -> None:
    with open_server(way(secure_pacs, name)) as archive:
        assert "unencrypted" not in archive.echo()
        assert len(archive.find(Query()).studies) == 3
        assert retrieve(archive, LARGE, tmp_path).received == LARGE_COUNT


def reason(server: Server, credentials: Credentials | None = None) -> str:
    """What is said when a server is asked whether it is there."""
    with pytest.raises(ServerError) as caught:
        archive = open_server(server) if credentials is None else DicomWeb(server, credentials)
        with archive:
            archive.echo()
    text = str(caught.value)
    assert server.name in text and orthanc.PASSWORD not in text
    return text


def test_what_is_wrong_is_said(pacs: orthanc.Orthanc) -> None:
    web, get = pacs.web, pacs.dimse()
    closed = orthanc.free_port()
    change = dataclasses.replace
    wrong = "another secret"
    text = reason(web, Credentials(orthanc.USER, wrong))
    assert "refuses the login (401)" in text and wrong not in text
    assert "wants a login (401)" in reason(change(web, login="none", user=""))
    assert "nothing under this address (404)" in reason(change(web, url=f"http://localhost:{pacs.http}/nowhere"))
    assert "connection refused" in reason(change(web, url=f"http://localhost:{closed}/dicom-web"))
    assert "no such host" in reason(change(web, url="http://nobody.invalid/dicom-web"))
    assert "connection refused" in reason(change(get, port=closed))
    assert "no such host" in reason(change(get, host="nobody.invalid"))
    assert "AE title 'NOBODY'" in reason(change(get, called_ae="NOBODY"))
    assert "not as DICOM" in reason(change(get, port=pacs.http))
    assert "TLS" in reason(change(get, tls=True))


def test_an_unknown_ae_title_of_ours_is_named(pacs: orthanc.Orthanc) -> None:
    stranger = dataclasses.replace(pacs.dimse(), own_ae="STRANGER")
    with pytest.raises(ServerError, match="may 'STRANGER' search there"), open_server(stranger) as archive:
        archive.find(Query())


def test_an_untrusted_certificate_is_refused(secure_pacs: orthanc.Orthanc) -> None:
    for server in (secure_pacs.web, secure_pacs.dimse()):
        assert "certificate is not trusted" in reason(dataclasses.replace(server, ca_file=""))
        with open_server(dataclasses.replace(server, ca_file="", verify=False)) as archive:
            assert "not looked at" in archive.echo()


def test_a_certificate_for_another_name_is_refused(secure_pacs: orthanc.Orthanc) -> None:
    web = secure_pacs.web
    other = dataclasses.replace(web, url=web.url.replace("localhost", "127.0.0.2"))
    assert "certificate is not trusted" in reason(other) or "refused" in reason(other)


def test_c_move_to_a_title_that_the_server_does_not_know(pacs: orthanc.Orthanc, tmp_path: Path) -> None:
    server = dataclasses.replace(pacs.dimse(move=True), move_port=orthanc.free_port())
    with open_server(server) as archive:
        result = retrieve(archive, SPINE, tmp_path)
    # It sends to the port that it has for us, where nobody listens.
    assert result.received == 0 and (len(result.failed) == 3 or result.error)


def test_without_a_password_the_ways_to_give_one_are_said(
    pacs: orthanc.Orthanc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XRAYAI_TEST_WEB_PASSWORD")
    with pytest.raises(CredentialsError, match="XRAYAI_TEST_WEB_PASSWORD"):
        open_server(pacs.web)


@pytest.mark.parametrize(
    "wrong",
    [
        {"date_from": "20240101"},
        {"date_to": "2024-02-30"},
        {"date_from": "2024-02-01", "date_to": "2024-01-01"},
        {"patient_id": "a\\b"},
        {"patient_name": "x" * 65},
        {"description": "line\nbreak"},
    ],
)
def test_a_search_that_makes_no_sense_is_not_asked(wrong: dict[str, str]) -> None:
    with pytest.raises(QueryError):
        Query(**wrong)


def test_a_dimse_server_that_wants_a_password(pacs_password: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """By user identity negotiation (PS3.7 D.3.3.7), which Orthanc does not have."""

    def check(event: evt.Event) -> tuple[bool, bytes | None]:
        known = (event.primary_field, event.secondary_field) == (b"reader", pacs_password.encode())
        return event.user_id_type == 2 and known, None

    entity = AE("PACS")
    entity.add_supported_context("1.2.840.10008.1.1")
    port = orthanc.free_port()
    peer = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_USER_ID, check)])
    place = {"host": "127.0.0.1", "port": port, "called_ae": "PACS"}
    server = Server("test-web", "dimse", **place, login="password", user="reader")
    try:
        with open_server(server) as archive:
            assert "The login and everything else go over the network unencrypted" in archive.echo()
        monkeypatch.setenv("XRAYAI_TEST_WEB_PASSWORD", "wrong")
        assert "perhaps the login" in reason(server)
    finally:
        peer.shutdown()


def test_a_name_in_several_ways_of_writing() -> None:
    study = Study("1.2", patient_name="Yamada^Tarou=山田^太郎=やまだ^たろう")
    assert Query(patient_name="山田").fits(study, ["PatientName"]) and study.cells()[0] == "Yamada Tarou"
    assert not Query(patient_name="Suzuki").fits(study, ["PatientName"])
    assert Query(patient_name="Suzuki").fits(study), "what a server was asked for plainly is its own matter"
