"""Names for patients and images that tell nothing to who does not hold the project."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from XRayAILib.exchange.errors import ExportError

KEY_FILE = "pseudonyms.key"


class Pseudonyms:
    """Names made with a secret key that never leaves the project's folder.

    The same patient or image has the same name in every export of a project. Without the key a name can be neither
    turned back nor checked against a list of known patients, which a plain hash would allow.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def of(cls, folder: Path) -> Pseudonyms:
        """Those of the project in ``folder``; its key is made where there is none yet."""
        path = folder / KEY_FILE
        if not path.exists():
            temporary = path.with_name(f"{KEY_FILE}.{secrets.token_hex(4)}.part")
            temporary.write_text(secrets.token_hex(32) + "\n", "ascii")
            temporary.replace(path)
        try:
            return cls(bytes.fromhex(path.read_text("ascii").strip()))
        except ValueError as error:
            raise ExportError(
                f"{path} is damaged, so exports cannot give the names they gave before. Restore it, or delete it to "
                "have new names from now on."
            ) from error

    def patient(self, key: str) -> str:
        """The name of the patient whose ``Header.patient_key`` is ``key``."""
        return f"patient-{self._digest('patient', key)[:12]}"

    def image(self, uid: str) -> str:
        """The name of the radiograph ``uid``; usable as a file name."""
        return f"image-{self._digest('image', uid)[:16]}"

    def _digest(self, kind: str, text: str) -> str:
        return hmac.new(self._key, f"{kind}:{text}".encode(), hashlib.sha256).hexdigest()
