"""The model card of a model made elsewhere: what is known of it, and what is not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def foreign_card(manifest: Mapping[str, Any]) -> str:
    """Markdown from a model's manifest."""
    described, origin = manifest["foreign"], manifest["origin"]
    titles = [label["title"] for label in manifest["legend"]]
    network = described.get("network") or {}
    source, output = described["input"], described["output"]
    lines = [
        f"# {manifest['name']}",
        "",
        f"Task: {manifest['task']} of {', '.join(titles)} in radiographs.",
        f"Made elsewhere; taken in {manifest['created']} from the file `{origin['file']}`.",
        f"Weights: SHA-256 `{manifest['digest']}`; of that file: `{origin['sha256']}`.",
        "",
        "## Intended use",
        "",
        "Research only; not a medical device. Its findings are drafts for a person to judge.",
        "",
        "## How good it is",
        "",
        "X-Ray AI has not measured it. Measure it on images of your own that it has not seen before you rely on it.",
        "",
        "## Where it comes from",
        "",
        f"- licence: {described.get('licence') or 'not stated'}",
        f"- source: {described.get('source') or 'not stated'}",
        f"- training data and their terms: {described.get('training_data') or 'not stated'}",
        *([f"- notes: {described['notes']}"] if described.get("notes") else []),
        "",
        "## What it takes and gives",
        "",
        f"- network: {network.get('name') or 'in the ONNX file'}",
        f"- input: {source['size']} x {source['size']} pixels, {source['channels']} channel(s), "
        f"black {source['range'][0]:g} and white {source['range'][1]:g}, contrast: {source['contrast']}, "
        f"fit: {source['fit']}",
        f"- output: {output['kind']}, {len(described['labels'])} entries, of which {len(titles)} labels are used",
        "- versions: " + ", ".join(f"{name} {version}" for name, version in manifest["training"]["versions"].items()),
        "",
    ]
    return "\n".join(lines)
