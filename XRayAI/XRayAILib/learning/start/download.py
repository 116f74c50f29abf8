"""Downloads of weights: the only place of the room that reaches the network, and only after somebody said yes."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from XRayAILib.learning.cache import Cancelled
from XRayAILib.learning.errors import TrainingError
from XRayAILib.learning.start.catalogue import Entry
from XRayAILib.project.lock import lock

SECONDS = (10, 60)
"""How long to wait for a connection, and for the next bytes."""
BLOCK = 1 << 18
SPARE = 200 * 2**20
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def fetch(
    entry: Entry,
    folder: Path,
    consent: bool,
    emit: Callable[[dict[str, Any]], None] = lambda event: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Path:
    """The weights of the catalogue on this disk; downloaded where they are not there yet and somebody agreed.

    They come under a temporary name and get their own only when their SHA-256 is right. What an interruption leaves is
    gone on with the next time, and is never taken for the whole.

    Parameters
    ----------
    folder
        Where downloaded weights are kept: ``<name>.safetensors``.
    consent
        Whether the person agreed to this download.

    Raises
    ------
    TrainingError
        Nobody agreed, the connection broke, the checksum is wrong, or the disk is full.
    Cancelled
        ``cancelled`` said so.
    """
    final = folder / f"{entry.name}.safetensors"
    if final.is_file():
        if _digest(final) == entry.sha256:
            return final
        raise TrainingError(
            f"{final} was changed after it was downloaded (its SHA-256 is not {entry.sha256}). "
            "Delete it, then it is downloaded again."
        )
    if not consent:
        raise TrainingError(
            f"start: the weights would have to be downloaded, which nobody agreed to. {entry.text}. "
            "To agree, give --consent-download; or download it elsewhere, check its SHA-256 "
            f"({entry.sha256}) and put it to {final}."
        )
    folder.mkdir(parents=True, exist_ok=True)
    part = final.with_name(final.name + ".part")
    with lock(part.with_name(part.name + ".lock")) as alone:
        if not alone:
            raise TrainingError(f"Another job is downloading {entry.name} at this moment. Start again when it is done.")
        _download(entry, part, emit, cancelled)
        digest = _digest(part)
        if digest != entry.sha256:
            part.unlink()
            raise TrainingError(
                f"What came from {entry.url} is not what it should be: its SHA-256 is {digest}, not {entry.sha256}. It "
                "was thrown away. A proxy may have answered instead of the server, or the file there was changed."
            )
        part.replace(final)
    return final


def _download(entry: Entry, part: Path, emit: Callable[[dict[str, Any]], None], cancelled: Callable[[], bool]) -> None:
    import requests

    have = part.stat().st_size if part.is_file() else 0
    total = have
    try:
        headers = {"User-Agent": "xrayai", "Accept-Encoding": "identity"}
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(_safe(entry.url), headers=headers, stream=True, timeout=SECONDS) as response:
            _safe(response.url)
            if response.status_code == 416:
                # All of it is there, or more: the checksum says which.
                return
            response.raise_for_status()
            if response.status_code != 206:
                have = 0
            total = have + int(response.headers.get("Content-Length", 0))
            _check_size(entry, part, total, have)
            with part.open("ab" if have else "wb") as stream:
                for block in response.iter_content(BLOCK):
                    if cancelled():
                        raise Cancelled
                    stream.write(block)
                    have += len(block)
                    _check_size(entry, part, have, have)
                    emit(
                        {
                            "event": "progress",
                            "step": "download",
                            "done": have,
                            "total": max(total, have),
                            "message": f"Downloading {entry.name}: {have / 1e6:.0f} of {entry.megabytes} MB",
                        }
                    )
                stream.flush()
                os.fsync(stream.fileno())
    except requests.RequestException as error:
        raise TrainingError(_broken(entry, part, str(error))) from error
    except OSError as error:
        raise TrainingError(f"{part} cannot be written: {error.strerror or error}. Free some space.") from error
    if have < total:
        raise TrainingError(_broken(entry, part, f"{have} of {total} bytes came"))


def _broken(entry: Entry, part: Path, reason: str) -> str:
    kept = f"The {part.stat().st_size / 1e6:.1f} MB that came are kept and gone on with" if part.is_file() else "Try it"
    return f"The download of {entry.name} from {entry.url} broke off: {reason}. {kept} the next time."


def _check_size(entry: Entry, part: Path, size: int, have: int) -> None:
    if size > 2 * entry.megabytes * 10**6:
        part.unlink(missing_ok=True)
        raise TrainingError(
            f"{entry.url} sends more than twice the {entry.megabytes} MB that the weights have. It was thrown away."
        )
    free = shutil.disk_usage(part.parent).free
    if free < size - have + SPARE:
        raise TrainingError(
            f"The weights need {(size - have) / 1e6:.0f} MB in {part.parent}; the disk has {free / 1e6:.0f} MB, and "
            "some must be left for the training. Free some space."
        )


def _safe(url: str) -> str:
    """Only over TLS, but for a server on this machine; also after it sent us elsewhere."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in LOOPBACK:
        raise TrainingError(f"{url} is not reached by https, so nothing is downloaded from it.")
    return url


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
