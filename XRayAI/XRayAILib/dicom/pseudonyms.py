"""Names, UIDs and days that tell nothing to who does not hold the key they are made with."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from functools import lru_cache
from pathlib import Path

from XRayAILib.dicom.exclusive import put_new

KEY_FILE = "pseudonyms.key"
LONGEST_SHIFT = 3650
"""Days; about ten years."""


class KeyFileError(ValueError):
    """A key file that cannot be used, and what to do."""


class Pseudonyms:
    """What is made of identities with a secret key.

    The same patient, image or UID has the same pseudonym wherever the same key is used. Without the key a pseudonym can
    be neither turned back nor checked against a list of known patients, which a plain hash would allow.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.uid = lru_cache(maxsize=100_000)(self._uid)

    @classmethod
    def of(cls, folder: Path) -> Pseudonyms:
        """Those of the project in ``folder``; its key is made where there is none yet."""
        path = folder / KEY_FILE
        make_key(path)
        return cls(_key_in(path))

    @classmethod
    def read(cls, path: Path) -> Pseudonyms:
        """Those of a key file, which is made where there is none yet.

        Raises
        ------
        KeyFileError
            It is damaged, or others can read it.
        """
        make_key(path)
        if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise KeyFileError(
                f"{path}: others than its owner can read this key, and whoever has it can tell the patients. "
                f"Take their rights away (chmod 600 '{path}'), and think of who may have a copy."
            )
        return cls(_key_in(path))

    def document(self) -> str:
        """The key as text, for a process of the same user."""
        return self._key.hex()

    def patient(self, key: str) -> str:
        """The name of the patient whose ``Header.patient_key`` is ``key``."""
        return f"patient-{self._digest('patient', key)[:12]}"

    def image(self, uid: str) -> str:
        """The name of the radiograph ``uid``; usable as a file name."""
        return f"image-{self._digest('image', uid)[:16]}"

    def name(self, kind: str, text: str) -> str:
        """A name of 16 hexadecimal digits for something else of the kind ``kind``."""
        return self._digest(kind, text)[:16]

    def days(self, patient_key: str) -> int:
        """How many days back all dates of this patient go, 1 to ``LONGEST_SHIFT``."""
        return int(self._digest("days", patient_key), 16) % LONGEST_SHIFT + 1

    def _uid(self, uid: str) -> str:
        # Version 8 is for UUIDs made another way than the usual ones (RFC 9562 5.8); as a decimal number behind 2.25 a
        # UUID is a UID (PS3.5 B.2).
        number = int(self._digest("uid", uid)[:32], 16)
        number = number & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62
        return f"2.25.{number}"

    def _digest(self, kind: str, text: str) -> str:
        return hmac.new(self._key, f"{kind}:{text}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def make_key(path: Path) -> None:
    """Make a key file that only its owner can read, where there is none yet; of two at once one makes it."""
    if path.exists():
        return
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(secrets.token_hex(32) + "\n")
        put_new(temporary, path)
    except FileExistsError:
        return
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say of what
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _key_in(path: Path) -> bytes:
    try:
        key = bytes.fromhex(path.read_text("ascii").strip())
    except ValueError as error:
        key, reason = b"", error
    else:
        reason = ValueError("too short")
    if len(key) < 16:
        raise KeyFileError(
            f"{path} is damaged, so the names of before cannot be given again. Restore it, or delete it to have new "
            "ones from now on."
        ) from reason
    return key
