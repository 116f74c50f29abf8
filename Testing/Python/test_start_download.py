"""Weights are downloaded only after somebody said yes, and only whole and right ones get their name."""

import ast
from pathlib import Path

import pytest
from safetensors.torch import save

import XRayAILib.learning
from start_cases import FileServer, make, served
from XRayAILib.learning.cache import Cancelled
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.start.begin import start_weights
from XRayAILib.learning.start.catalogue import CATALOGUE, entry_of
from XRayAILib.learning.start.download import BLOCK, fetch

CONTENT = bytes(range(256)) * 3000


@pytest.fixture
def server():
    with served(CONTENT) as found:
        yield found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_nothing_is_asked_for_without_consent(server: FileServer, folder):
    with pytest.raises(TrainingError, match="nobody agreed") as error:
        fetch(server.entry(), folder, consent=False)
    assert server.asked == []
    # What has to be known before saying yes.
    for said in (server.url, "1 MB", "ImageNet", server.entry().sha256, "--consent-download"):
        assert said in str(error.value)


def test_a_download_is_checked_named_and_never_repeated(server: FileServer, folder):
    said = []
    path = fetch(server.entry(), folder, consent=True, emit=said.append)
    assert path.read_bytes() == CONTENT
    assert names(folder) == ["local.safetensors"]
    assert said[-1]["done"] == said[-1]["total"] == len(CONTENT)
    # It is there now: nobody has to agree to anything.
    assert fetch(server.entry(), folder, consent=False) == path
    assert len(server.asked) == 1


def test_an_interrupted_download_goes_on_where_it_broke_off(server: FileServer, folder):
    server.breaks_after = 2 * BLOCK
    with pytest.raises(TrainingError, match=r"broke off.*0\.5 MB that came are kept"):
        fetch(server.entry(), folder, consent=True)
    # Nobody takes the beginning for the whole.
    assert names(folder) == ["local.safetensors.part"]
    server.breaks_after = 0
    assert fetch(server.entry(), folder, consent=True).read_bytes() == CONTENT
    assert server.asked == ["", f"bytes={2 * BLOCK}-"]
    assert names(folder) == ["local.safetensors"]


def test_a_server_that_cannot_go_on_sends_everything_again(server: FileServer, folder):
    (folder / "local.safetensors.part").write_bytes(b"something of an earlier try")
    server.ranges = False
    assert fetch(server.entry(), folder, consent=True).read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_nothing(server: FileServer, folder):
    with pytest.raises(TrainingError, match=r"is not what it should be: its SHA-256 is .* thrown away"):
        fetch(server.entry(sha256="0" * 64), folder, consent=True)
    assert names(folder) == []


def test_a_rest_that_does_not_belong_to_the_beginning_is_noticed(server: FileServer, folder):
    (folder / "local.safetensors.part").write_bytes(b"x" * 1000)
    with pytest.raises(TrainingError, match="is not what it should be"):
        fetch(server.entry(), folder, consent=True)
    assert names(folder) == []
    assert fetch(server.entry(), folder, consent=True).read_bytes() == CONTENT


def test_more_than_there_should_be_is_not_written_to_the_disk(server: FileServer, folder):
    server.content = CONTENT * 4
    with pytest.raises(TrainingError, match="more than twice the 1 MB"):
        fetch(server.entry(), folder, consent=True)
    assert names(folder) == []


def test_a_server_that_is_not_there_is_named(folder):
    with served(CONTENT) as gone:
        entry = gone.entry()
    with pytest.raises(TrainingError, match=r"download of local from http://127.* broke off"):
        fetch(entry, folder, consent=True)
    assert names(folder) == []


def test_only_tls_is_spoken_with_other_machines(folder):
    with served(CONTENT) as server:
        entry = server.entry(url="http://weights.example/model.safetensors")
    with pytest.raises(TrainingError, match="not reached by https"):
        fetch(entry, folder, consent=True)


def test_stop_ends_a_download(server: FileServer, folder):
    with pytest.raises(Cancelled):
        fetch(server.entry(), folder, consent=True, cancelled=lambda: True)
    assert "local.safetensors" not in names(folder)


def test_a_file_that_was_changed_since_is_not_used(server: FileServer, folder):
    path = fetch(server.entry(), folder, consent=True)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(TrainingError, match="was changed after it was downloaded"):
        fetch(server.entry(), folder, consent=True)


def test_every_entry_is_one_file_over_tls_with_its_sum_and_licence():
    for entry in CATALOGUE.values():
        assert entry.url.startswith("https://") and entry.url.endswith(".safetensors")
        # A revision, not a branch: the file behind it stays.
        assert "/main/" not in entry.url
        assert len(bytes.fromhex(entry.sha256)) == 32
        assert entry.licence and 0 < entry.megabytes < 1000


@pytest.mark.parametrize("name", ["densenet121-res224-all", "resnet50"])
def test_weights_that_are_pickles_are_not_downloaded_and_the_way_is_said(name):
    with pytest.raises(TrainingError, match=r"pickle.*In an environment of their own.*safetensors") as error:
        entry_of(name)
    # The command that is given is Python.
    command = str(error.value).split('python -c "')[1].split('" and start from')[0]
    ast.parse(command)


def test_a_training_starts_from_what_it_downloaded(project, monkeypatch):
    """From the word in its configuration to the weights in its network."""
    task = make("classification", "ResNet", start="download:local")
    weights = {name.removeprefix("encoder."): value for name, value in task.network().state_dict().items()}
    with served(save(weights)) as server:
        monkeypatch.setitem(CATALOGUE, "local", server.entry(megabytes=10, scale="half", licence="of nobody"))
        with pytest.raises(TrainingError, match="nobody agreed"):
            start_weights(task, project)
        start = start_weights(task, project, consent=True)
    assert start.report["encoder"] == 1
    assert start.report["origin"] == server.url and start.report["licence"] == "of nobody"
    assert (project.cache_folder / "weights" / "local.safetensors").is_file()


def test_nothing_else_in_the_room_reaches_the_network():
    room = Path(XRayAILib.learning.__file__).parent
    reaching = {"requests", "urllib3", "http", "socket", "ftplib", "httpx", "aiohttp"}
    for path in room.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            found = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            found += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in found:
                if name.split(".")[0] in reaching or name.startswith("urllib.request"):
                    assert path.relative_to(room).as_posix() == "start/download.py", f"{path}:{node.lineno}"
