"""What trainings have prepared, from the terminal: how much it is, deleting it, and its limit."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from XRayAILib.apps.console import as_json, console, plain
from XRayAILib.apps.split import size_text
from XRayAILib.learning.space import cache_limit, clear, place_of, set_cache_limit, stores
from XRayAILib.project.project import Project


def show_cache(folder: Path, json_wanted: bool) -> None:
    """A line for each kind of prepared images and targets."""
    with Project.open(folder) as project:
        found, limit, place = stores(project), cache_limit(project), place_of(project)
    size = sum(store.bytes for store in found)
    if json_wanted:
        rows = [{**asdict(store), "folder": str(store.folder)} for store in found]
        print(as_json({"folder": str(place), "limit_gib": limit, "bytes": size, "stores": rows}))
        return
    if found:
        table = Table(box=None, pad_edge=False)
        for column in ("Prepared", "Images", "Size", "Last used"):
            table.add_column(column, justify="left" if column == "Prepared" else "right")
        for store in found:
            used = "now" if store.in_use else store.used
            table.add_row(plain(store.about), f"{store.rows:,}", size_text(store.bytes), used)
        console.print(table)
    console.print(f"{size_text(size)} of {limit:g} GiB in {plain(str(place))}", soft_wrap=True)


def clear_cache(folder: Path) -> None:
    """Delete it all, but for what a running training reads."""
    with Project.open(folder) as project:
        gone, kept = clear(project)
    more = f"; {size_text(kept)} stay, because a training reads them" if kept else ""
    console.print(f"{size_text(gone)} deleted{more}. What is needed is prepared again by the next training.")


def limit_cache(gib: float, folder: Path | None) -> None:
    """Say how much it may be."""
    if folder is None:
        set_cache_limit(gib)
        console.print(f"The cache of each project of yours may take {gib:g} GiB, where the project says nothing else.")
        return
    with Project.open(folder) as project:
        set_cache_limit(gib, project)
    console.print(f"The cache of this project may take {gib:g} GiB.")
