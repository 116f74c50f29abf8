"""Tasks to start, networks of other packages, and a server of files on this machine."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import torch

from XRayAILib.findings.schema import Tool
from XRayAILib.learning.config import TrainingConfig
from XRayAILib.learning.legend import LearntLabel
from XRayAILib.learning.start.catalogue import Entry
from XRayAILib.learning.task import Task, task_class


def make(kind: str, network: str, labels: str = "ab", table: str = "", **changes: Any) -> Task:
    """A task of this kind with labels of one letter each."""
    arguments = changes.pop("arguments", {})
    tools = sorted(task_class(kind).tools) or [Tool.MASK]
    names = labels if task_class(kind).tools else ""
    legend = tuple(LearntLabel(n, n, tools[0], "#ff0000", i, ("no", "yes")) for i, n in enumerate(names))
    config = TrainingConfig.from_preset("quick", kind, network=network, network_arguments=arguments, **changes)
    return task_class(kind)(legend, config)


def lived_in(network: torch.nn.Module) -> torch.nn.Module:
    """The network as if it had been trained: running statistics that are none of those of the start."""
    generator = torch.Generator().manual_seed(1)
    for name, value in network.state_dict().items():
        if name.endswith("running_mean"):
            value.normal_(0, 0.1, generator=generator)
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5, generator=generator)
    return network.eval()


def seen_at(network: torch.nn.Module, place: str, image: torch.Tensor) -> torch.Tensor:
    """What the part of a network at ``place`` gives for an image."""
    found: list[torch.Tensor] = []
    hook = network.get_submodule(place).register_forward_hook(lambda module, given, result: found.append(result))
    with torch.no_grad():
        network.eval()(image)
    hook.remove()
    return found[0]


@dataclass
class FileServer:
    """One file at ``/weights.safetensors``; what it does wrong can be set, and what it was asked is kept."""

    content: bytes
    url: str = ""
    breaks_after: int = 0
    ranges: bool = True
    asked: list[str] = field(default_factory=list)

    def entry(self, **changes: Any) -> Entry:
        """The file as the catalogue would have it."""
        sha256 = hashlib.sha256(self.content).hexdigest()
        values = {"name": "local", "network": "ResNet-18", "url": self.url, "sha256": sha256, "megabytes": 1}
        return Entry(**{**values, **changes})


@contextmanager
def served(content: bytes) -> Iterator[FileServer]:
    """A server on this machine while the body runs."""
    server = FileServer(content)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append(self.headers.get("Range", ""))
            begin = int(self.headers["Range"][6:-1]) if "Range" in self.headers and server.ranges else 0
            if begin >= len(server.content):
                self.send_response(416)
                self.end_headers()
                return
            part = server.content[begin:]
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(part)))
            self.end_headers()
            if server.breaks_after:
                part = part[: server.breaks_after]
            self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            """Not on the terminal."""

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.url = f"http://127.0.0.1:{listening.server_address[1]}/weights.safetensors"
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()
