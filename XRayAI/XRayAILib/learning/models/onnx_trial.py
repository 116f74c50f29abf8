"""Run an ONNX model once on noise, in a process of its own: a file from elsewhere may crash or fill what runs it.

``python -m XRayAILib.learning.models.onnx_trial FILE``, with the four extents of the input behind it, prints one JSON
document: ``outputs`` with the shape of each, or ``error``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from XRayAILib.dicom.child import library_environment
from XRayAILib.learning.errors import ModelError

SECONDS = 180
"""Longest time for one image on a slow machine; large networks take seconds."""
MEMORY = 12 << 30
"""Bytes of address space, where the system can limit them."""


def trial(path: Path, shape: tuple[int, int, int, int], interpreter: str = sys.executable) -> dict[str, list[int]]:
    """The shapes of a model's outputs for one input of this shape.

    Raises
    ------
    ModelError
        It does not run: why.
    """
    command = [interpreter, "-m", __name__, str(path), *map(str, shape)]
    try:
        told = subprocess.run(
            command,
            env=library_environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(f"{path.name} is refused: it did not read one image in {SECONDS} seconds.") from error
    except OSError as error:
        raise ModelError(f"{path.name} cannot be tried: {interpreter} does not start ({error}).") from error
    lines = told.stdout.strip().splitlines()
    try:
        answer: dict[str, Any] = json.loads(lines[-1]) if lines else {}
    except ValueError:
        answer = {}
    if "outputs" in answer:
        return {str(name): [int(extent) for extent in extents] for name, extents in answer["outputs"].items()}
    reason = answer.get("error") or f"the process that tried it ended with status {told.returncode}"
    raise ModelError(f"{path.name} is refused: it does not read an image of {_text(shape)}: {reason}")


def _text(shape: tuple[int, int, int, int]) -> str:
    return " x ".join(map(str, shape)) + " values"


def main(arguments: list[str]) -> int:
    """The process that may crash."""
    import numpy as np

    from XRayAILib.learning.models.onnx_network import session_of

    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    except (ImportError, OSError, ValueError):
        # Windows has no such limit, and a shell may have set a lower one.
        pass
    path, shape = Path(arguments[0]), tuple(int(text) for text in arguments[1:5])
    try:
        session = session_of(path.read_bytes(), threads=1)
        source = session.get_inputs()[0]
        kind = np.float16 if "float16" in source.type else np.float32
        noise = np.random.default_rng(0).random(shape, np.float32).astype(kind)
        found = session.run(None, {source.name: noise})
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells it
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        print(json.dumps({"error": first}))
        return 1
    names = [output.name for output in session.get_outputs()]
    print(json.dumps({"outputs": {n: list(np.shape(v)) for n, v in zip(names, found, strict=True)}}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
