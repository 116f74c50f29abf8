"""What a child process of this library needs, whoever starts it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path


def library_environment() -> dict[str, str]:
    """The environment of this process, in which another Python finds this library, installed or not."""
    library = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(path for path in (library, os.environ.get("PYTHONPATH", "")) if path)
    return {**os.environ, "PYTHONPATH": paths}


def start_child(
    module: str, interpreter: str = sys.executable, variables: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a module of this library in a process of its own, spoken to by pipes.

    ``variables`` are added to its environment where that has none of the name.
    """
    return subprocess.Popen(
        [interpreter, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**(variables or {}), **library_environment()},
        # A group of its own, to be ended as a whole; no console window beside Slicer's on Windows.
        start_new_session=os.name == "posix",
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def end_child(child: subprocess.Popen[bytes]) -> None:
    """End a child and what it started, at once.

    Inside Slicer the child is a launcher: alone it would leave the worker running, and its pipe open.
    """
    if child.poll() is not None:
        return
    if sys.platform == "win32":
        command = ["taskkill", "/F", "/T", "/PID", str(child.pid)]
        subprocess.run(command, capture_output=True, check=False, creationflags=subprocess.CREATE_NO_WINDOW)
    else:
        # It may end by itself at this moment; macOS denies the signal then.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()


def forget_child(child: subprocess.Popen[bytes]) -> None:
    """End a child and close its pipes."""
    end_child(child)
    child.wait()
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:  # the child went away with bytes still in the pipe: they are of no use
                continue


def limit_memory(limit: int) -> None:
    """Let this process have so many bytes of address space: a file that asks for more is hostile."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    try:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    except (ValueError, OSError):  # macOS refuses, and a lower limit may be in force already
        return
