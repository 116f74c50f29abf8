"""A PACS that goes away, is stopped, talks nonsense or is hostile: a reason for a person, and nothing else happens."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import ComputedRadiographyImageStorage, StudyRootQueryRetrieveInformationModelGet

import orthanc
import pacs_content
from pacs_content import LARGE, LARGE_COUNT
from XRayAILib.dicom.archive import Archive, Instance, Query, ServerError, open_server, valid_uid
from XRayAILib.dicom.inbox import FullError, Inbox, RefusedError
from XRayAILib.dicom.multipart import MultipartError, boundary_of, parts
from XRayAILib.dicom.retrieval import Transfer, retrieve
from XRayAILib.dicom.servers import Server
from XRayAILib.dicom.storage_scp import receiving

WAYS = ("web", "get", "move")
ASKED = Instance(f"{LARGE}.1.1", f"{LARGE}.1", LARGE, ComputedRadiographyImageStorage)


def way(pacs: orthanc.Orthanc, name: str) -> Server:
    return pacs.web if name == "web" else pacs.dimse(move=name == "move")


# It goes away, or is stopped ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WAYS)
def test_a_server_that_dies_half_way_and_comes_back(own_pacs: orthanc.Orthanc, name: str, tmp_path: Path) -> None:
    server, came = way(own_pacs, name), tmp_path / "came"

    def kill(state: Transfer) -> None:
        if state.done == 5:
            own_pacs.kill()

    with open_server(server) as archive:
        first = retrieve(archive, LARGE, came, progress=kill)
    assert first.error and "again" in first.error
    assert 5 <= first.received < LARGE_COUNT and len(list(came.rglob("*.dcm"))) == first.received
    with open_server(server) as archive, pytest.raises(ServerError):
        retrieve(archive, LARGE, came)
    own_pacs.start()
    with open_server(server) as archive:
        second = retrieve(archive, LARGE, came)
    assert (second.present, second.received) == (first.received, LARGE_COUNT - first.received)
    assert (second.error, second.failed) == ("", [])


@pytest.mark.parametrize("name", WAYS)
def test_a_retrieval_is_stopped_and_goes_on(pacs: orthanc.Orthanc, name: str, tmp_path: Path) -> None:
    stop = threading.Event()

    def stop_at_three(state: Transfer) -> None:
        if state.done == 3:
            stop.set()

    with open_server(way(pacs, name)) as archive:
        first = retrieve(archive, LARGE, tmp_path, progress=stop_at_three, cancelled=stop.is_set)
        # All of it may have come before the server heard of the stop.
        assert first.received >= 3 and first.cancelled == (first.received < LARGE_COUNT)
        assert first.failed == [] and first.error == ""
        again = retrieve(archive, LARGE, tmp_path)
    assert again.present == first.received and again.present + again.received == LARGE_COUNT
    assert not list(tmp_path.rglob("*.part"))


def test_what_an_earlier_run_left_unfinished_is_cleared_away(pacs: orthanc.Orthanc, tmp_path: Path) -> None:
    (tmp_path / LARGE).mkdir()
    (tmp_path / LARGE / f"{LARGE}.1.1.part").write_bytes(b"half an image")
    with open_server(pacs.web) as archive:
        assert retrieve(archive, LARGE, tmp_path).received == LARGE_COUNT
    assert not list(tmp_path.rglob("*.part"))


def test_single_series(pacs: orthanc.Orthanc, tmp_path: Path) -> None:
    with open_server(pacs.web) as archive:
        assert retrieve(archive, LARGE, tmp_path, [f"{LARGE}.2"]).received == LARGE_COUNT // 2
        with pytest.raises(ServerError, match="not valid"):
            retrieve(archive, "../../etc", tmp_path)
        with pytest.raises(ServerError, match=r"no images of the study 1\.2\.3"):
            retrieve(archive, "1.2.3", tmp_path)


# It stores or sends what is no image --------------------------------------------------------------------------------


def test_a_truncated_image_is_told_and_the_rest_goes_through(
    own_pacs: orthanc.Orthanc, real_crs: list[Path], tmp_path: Path
) -> None:
    dataset = pydicom.dcmread(real_crs[0])
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = f"{LARGE}.1.99"
    dataset.SeriesInstanceUID, dataset.StudyInstanceUID = f"{LARGE}.1", LARGE
    dataset.PixelData = dataset.PixelData[:100]
    stream = BytesIO()
    dataset.save_as(stream)
    own_pacs.store([stream.getvalue()])
    for name in ("web", "get"):
        with open_server(way(own_pacs, name)) as archive:
            result = retrieve(archive, LARGE, tmp_path / name)
        assert result.received == LARGE_COUNT
        ((uid, reason),) = result.failed
        assert uid == f"{LARGE}.1.99" and "512 bytes of pixels; PixelData has 100" in reason
        assert not (tmp_path / name / LARGE / f"{uid}.dcm").exists()


def test_an_image_that_is_too_large_is_not_taken(pacs: orthanc.Orthanc, tmp_path: Path) -> None:
    for name in ("web", "get", "move"):
        folder = tmp_path / name
        folder.mkdir()
        inbox = Inbox(folder, [ASKED], max_object_bytes=1000)
        with open_server(way(pacs, name)) as archive:
            archive.fetch([ASKED], inbox, lambda: False)
        assert "larger than" in inbox.failed[ASKED.uid] and list(folder.iterdir()) == []


def test_a_full_disk_ends_it(pacs: orthanc.Orthanc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A disk that is to keep more than any disk has.
    monkeypatch.setattr("XRayAILib.dicom.inbox.FREE_BYTES", 1 << 62)
    for name in WAYS:
        with open_server(way(pacs, name)) as archive, pytest.raises(FullError, match="disk is nearly full"):
            retrieve(archive, LARGE, tmp_path / name)
        assert not list((tmp_path / name).rglob("*.part"))


@pytest.mark.parametrize(
    "uid", ["../../evil", "/etc/passwd", "1.2/3", "C:\\x", "1.2\x003", "", "1.2.\n3", "1" * 65, "x"]
)
def test_what_is_no_uid_never_becomes_a_file_name(uid: str, tmp_path: Path) -> None:
    assert not valid_uid(uid)
    inbox = Inbox(tmp_path, [dataclasses.replace(ASKED, uid=uid)])
    with pytest.raises(RefusedError):
        inbox.take(uid, [b"data"])
    assert list(tmp_path.iterdir()) == []


def test_an_inbox_takes_an_instance_once_and_only_the_right_one(real_crs: list[Path], tmp_path: Path) -> None:
    first, second = pacs_content.large_study(real_crs[1])[:2]
    other = Instance(f"{LARGE}.2.2", f"{LARGE}.2", LARGE)
    inbox = Inbox(tmp_path, [ASKED, other])
    inbox.take(ASKED.uid, [first[:1000], first[1000:]])
    with pytest.raises(RefusedError, match="twice"):
        inbox.take(ASKED.uid, [first])
    with pytest.raises(RefusedError, match="SOPInstanceUID differs"):
        inbox.take(other.uid, [first])
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [first] and inbox.missing == []
    inbox.take(other.uid, [second])
    assert sorted(inbox.received) == [ASKED.uid, other.uid] and inbox.failed == {}


# Whoever finds our port during a C-MOVE -----------------------------------------------------------------------------


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[tuple[Server, Inbox]]:
    """Our receiver as it stands during a C-MOVE, for one instance."""
    port = orthanc.free_port()
    server = Server("peer", "dimse", host="127.0.0.1", port=1, called_ae="PACS", move_port=port)
    inbox = Inbox(tmp_path, [ASKED])
    with receiving(server, inbox):
        yield server, inbox


def send(server: Server, data: bytes, uid: str = "", calling: str = "PACS", called: str = "XRAYAI", **options: str):
    """Status of a C-STORE to our receiver, or ``None`` where it takes no association."""
    entity = AE(calling)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 10
    bind = (options.get("source", "127.0.0.1"), 0)
    contexts = [build_context(ComputedRadiographyImageStorage)]
    association = entity.associate("127.0.0.1", server.move_port, contexts, called, bind_address=bind)
    if not association.is_established:
        return None
    dataset = pydicom.dcmread(BytesIO(data))
    if uid:
        with pydicom.config.disable_value_validation():
            dataset.SOPInstanceUID = uid
    status = association.send_c_store(dataset)
    association.release()
    return status.get("Status")


def test_what_nobody_asked_for_is_refused(listening, real_crs: list[Path], tmp_path: Path) -> None:
    server, inbox = listening
    right, wrong = pacs_content.large_study(real_crs[1])[:2]
    assert send(server, wrong) == 0x0124
    assert send(server, right, uid="../../../evil") in (0x0124, 0xC000, None)
    assert send(server, right, calling="STRANGER") is None
    assert send(server, right, called="SOMEBODY") is None
    if sys.platform == "linux":  # where every 127.x.x.x is this machine
        assert send(server, right, source="127.0.0.2") is None
        assert any("127.0.0.2" in reason for reason in inbox.refused)
    assert list(tmp_path.iterdir()) == [] and "not asked for" in " ".join(inbox.refused)
    assert send(server, right) == 0x0000
    assert [path.name for path in tmp_path.iterdir()] == [f"{ASKED.uid}.dcm"]
    assert send(server, right) == 0x0124, "once only"


@pytest.mark.parametrize(
    "nonsense",
    [b"\x01\x00\xff\xff\xff\xf0", b"\x04\x00\x7f\xff\xff\xff", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 64],
    ids=["an association of 4 GB", "data of 2 GB", "a browser", "zeros"],
)
def test_nonsense_at_our_port_is_hung_up_on(listening, nonsense: bytes, real_crs: list[Path]) -> None:
    server, _ = listening
    with socket.create_connection(("127.0.0.1", server.move_port), 10) as peer:
        peer.settimeout(30)
        peer.sendall(nonsense)
        with contextlib.suppress(ConnectionResetError):
            while peer.recv(1 << 16):  # until the other side closes
                pass
    assert send(server, pacs_content.large_study(real_crs[1])[0]) == 0x0000, "and goes on for the others"


def test_an_object_that_would_fill_the_memory_is_cut_off(tmp_path: Path, real_crs: list[Path]) -> None:
    server = Server("peer", "dimse", host="127.0.0.1", port=1, called_ae="PACS", move_port=orthanc.free_port())
    inbox = Inbox(tmp_path, [ASKED], max_object_bytes=1_000_000)
    dataset = pydicom.dcmread(BytesIO(pacs_content.large_study(real_crs[1])[0]))
    dataset.PixelData = bytes(8_000_000)
    stream = BytesIO()
    dataset.save_as(stream)
    with receiving(server, inbox):
        assert send(server, stream.getvalue()) is None, "it hung up before the end"
    assert list(tmp_path.iterdir()) == [] and inbox.received == []


def test_our_port_is_closed_after_the_retrieval(pacs: orthanc.Orthanc, tmp_path: Path) -> None:
    server = pacs.dimse(move=True)
    with open_server(server) as archive:
        retrieve(archive, LARGE, tmp_path)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.move_port), 10)


# A server that answers nonsense -------------------------------------------------------------------------------------


@pytest.fixture
def answering() -> Iterator[Callable[[bytes], int]]:
    """Starts a server that gives the same bytes to everybody; its port."""
    listeners = []

    def serve(answer: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def work() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                with peer:
                    peer.settimeout(10)
                    try:
                        peer.recv(1 << 16)
                        peer.sendall(answer)
                    except OSError:
                        continue

        threading.Thread(target=work, daemon=True).start()
        return int(listener.getsockname()[1])

    yield serve
    for listener in listeners:
        listener.close()


def http(body: bytes, content_type: str, status: str = "200 OK", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


ROW = {
    "0020000D": {"vr": "UI", "Value": ["../../evil"]},
    "00100010": {"vr": "PN", "Value": [{"Alphabetic": "A\x1b[2J"}]},
}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (http(b"<html><form>login</form></html>", "text/html"), "not as DICOMweb"),
        (http(b'{"a": [', "application/dicom+json"), "not as DICOMweb"),
        (http(b'["a", 1]', "application/dicom+json"), "not as DICOMweb"),
        (http(b"[]", "application/dicom+json", length=500), "connection broke"),
        (http(b"", "text/plain", "503 Service Unavailable"), "fault of its own (503)"),
        (http(b"", "text/plain", "403 Forbidden"), "forbids this (403)"),
        (http(b"", "text/plain", "302 Found\r\nLocation: /dicom-web/studies"), "without end"),
        (b"\x00\x01\x02 nonsense", "connection broke"),
    ],
    ids=["HTML", "broken JSON", "other JSON", "cut short", "503", "403", "redirection", "noise"],
)
def test_a_web_server_that_answers_nonsense(answering, answer: bytes, said: str) -> None:
    server = Server("odd", "dicomweb", url=f"http://127.0.0.1:{answering(answer)}/dicom-web")
    with open_server(server) as archive, pytest.raises(ServerError) as caught:
        archive.find(Query())
    assert said in str(caught.value)


def test_rows_with_nonsense_are_shown_and_harm_nothing(answering, tmp_path: Path) -> None:
    answer = http(json.dumps([ROW, {}, {"0020000D": 7}]).encode(), "application/dicom+json")
    server = Server("odd", "dicomweb", url=f"http://127.0.0.1:{answering(answer)}/dicom-web")
    with open_server(server) as archive:
        found = archive.find(Query())
        assert [study.uid for study in found.studies] == ["../../evil", "", ""]
        with pytest.raises(ServerError, match="not valid"):
            retrieve(archive, found.studies[0].uid, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_without_end_is_cut(answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("XRayAILib.dicom.dicomweb.MAX_ANSWER_BYTES", 10_000)
    answer = http(b"[" + b" " * 50_000 + b"]", "application/dicom+json")
    server = Server("odd", "dicomweb", url=f"http://127.0.0.1:{answering(answer)}/dicom-web")
    with open_server(server) as archive, pytest.raises(ServerError, match="too large"):
        archive.find(Query())


def test_a_server_that_says_nothing_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("XRayAILib.dicom.dicomweb.TIMEOUT", (0.5, 0.5))
    monkeypatch.setattr("XRayAILib.dicom.association.ANSWER_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # accepts, and never answers
        port = silent.getsockname()[1]
        web = Server("odd", "dicomweb", url=f"http://127.0.0.1:{port}/dicom-web")
        for server in (web, Server("odd", "dimse", host="127.0.0.1", port=port, called_ae="X")):
            with open_server(server) as archive, pytest.raises(ServerError, match=r"in time|not as DICOM"):
                archive.echo()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"--b\r\nContent-Type: application/dicom\r\n\r\nDICM", "cut short"),
        (b"--b\r\nContent-Type: application/dicom\r\n\r\nnothing\r\n--b--", "DICM"),
        (b"--b--", "empty"),
        (b"no delimiter at all", "cut short"),
    ],
)
def test_an_image_that_comes_as_nonsense(answering, body: bytes, reason: str, tmp_path: Path) -> None:
    port = answering(http(body, 'multipart/related; type="application/dicom"; boundary=b'))
    inbox = Inbox(tmp_path, [ASKED])
    with open_server(Server("odd", "dicomweb", url=f"http://127.0.0.1:{port}/dicom-web")) as archive:
        archive.fetch([ASKED], inbox, lambda: False)
    assert reason in inbox.failed[ASKED.uid] and list(tmp_path.iterdir()) == []


def test_a_page_instead_of_an_image(answering, tmp_path: Path) -> None:
    port = answering(http(b"<html>", "text/html"))
    with (
        open_server(Server("odd", "dicomweb", url=f"http://127.0.0.1:{port}/dicom-web")) as archive,
        pytest.raises(ServerError, match="It sent text/html"),
    ):
        archive.fetch([ASKED], Inbox(tmp_path, [ASKED]), lambda: False)


@pytest.fixture
def hostile(real_crs: list[Path]) -> Iterator[Server]:
    """A DIMSE server that answers a C-GET for one image with other ones."""

    def on_get(event: evt.Event) -> Iterator[object]:
        stored = [pydicom.dcmread(BytesIO(data)) for data in pacs_content.large_study(real_crs[1])[:3]]
        yield len(stored)
        for dataset in reversed(stored):
            yield 0xFF00, dataset

    entity = AE("PACS")
    entity.add_supported_context(StudyRootQueryRetrieveInformationModelGet)
    entity.add_supported_context(ComputedRadiographyImageStorage, scu_role=True, scp_role=True)
    port = orthanc.free_port()
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_C_GET, on_get)])
    yield Server("hostile", "dimse", host="127.0.0.1", port=port, called_ae="PACS")
    server.shutdown()


def fetch_one(archive: Archive, folder: Path) -> Inbox:
    inbox = Inbox(folder, [ASKED])
    archive.fetch([ASKED], inbox, lambda: False)
    return inbox


def test_of_what_a_server_sends_only_what_was_asked_for_is_taken(hostile: Server, tmp_path: Path) -> None:
    with open_server(hostile) as archive:
        inbox = fetch_one(archive, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{ASKED.uid}.dcm"]
    assert inbox.received == [ASKED.uid] and inbox.refused == ["an instance came that was not asked for"]


# The parts of a multipart message -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_parts_come_whole_however_the_message_is_cut(size: int) -> None:
    contents = [b"first", b"", b"\r\n--", b"--bound\r\n-", bytes(range(256)) * 3]
    message = (
        b"preamble\r\n" + b"".join(b"--bound\r\nA: b\r\n\r\n" + part + b"\r\n" for part in contents) + b"--bound--\r\n"
    )
    chunks = [message[start : start + size] for start in range(0, len(message), size)]
    # The fourth one holds a delimiter without its line break in front, which is none.
    assert [b"".join(part) for part in parts(chunks, "bound")] == contents


def test_what_is_no_multipart_message() -> None:
    assert boundary_of('multipart/related; type="application/dicom"; boundary="a b"') == "a b"
    assert boundary_of("text/html; boundary=x") == boundary_of("") == boundary_of("multipart/related") == ""
    for message in (b"", b"--b", b"--b\r\nA: b", b"--b\r\nA: b\r\n\r\ndata", b"--b\r\n" + b"x" * 100_000):
        with pytest.raises(MultipartError):
            for part in parts([message], "b"):
                b"".join(part)
