"""The gate of every export: what was written is read again by another program and compared object by object."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import sub
from pathlib import Path

from XRayAILib.exchange.errors import ExportError
from XRayAILib.exchange.format import Format, Plan
from XRayAILib.exchange.said import Said


def check(
    form: Format,
    folder: Path,
    plan: Plan,
    expected: dict[str, list[Said]],
    progress: Callable[[int, int, str], None] = lambda *_: None,
) -> None:
    """Read an export again and compare each of its objects with what should be there.

    Parameters
    ----------
    expected
        The objects of each image, by the image's name.

    Raises
    ------
    ExportError
        Names the first object that is missing, changed or was never written.
    """
    seen: set[str] = set()
    for done, (name, found) in enumerate(form.read_again(folder, plan), start=1):
        if name not in expected:
            raise ExportError(f"{form.title}: the image {name} was read back but never written.")
        if name in seen:
            raise ExportError(f"{form.title}: the image {name} was read back twice.")
        seen.add(name)
        compare(expected[name], found, f"{form.title}, image {name}", form.tolerance)
        progress(done, len(expected), "checking the export")
    for name, wanted in expected.items():
        if name not in seen and wanted:
            raise ExportError(f"{form.title}, image {name}: {wanted[0].name} is missing when it is read again.")
    form.check(folder, plan)


def compare(wanted: list[Said], found: Iterable[Said], where: str, tolerance: float) -> None:
    """Find each wanted object among those found in one image, and each found one among the wanted.

    The order does not count; of several objects of one kind and label each counts once.
    """
    left = list(found)
    for item in wanted:
        for place, other in enumerate(left):
            if _equal(item, other, tolerance):
                del left[place]
                break
        else:
            raise ExportError(f"{where}: {_difference(item, left)}")
    if left:
        raise ExportError(f"{where}: {left[0].name} was read back but never written.")


def _equal(one: Said, other: Said, tolerance: float) -> bool:
    return (
        one.label == other.label
        and one.kind == other.kind
        and one.pixels == other.pixels
        and one.record == other.record
        and _near(one.numbers, other.numbers, tolerance)
    )


def _near(one: tuple[float, ...], other: tuple[float, ...], tolerance: float) -> bool:
    if one == other:  # nearly always, and quicker
        return True
    return len(one) == len(other) and max(map(abs, map(sub, one, other))) <= tolerance


def _difference(wanted: Said, left: list[Said]) -> str:
    """What is the matter with an object that was not found, from the one that is most like it."""
    same_id = [other for other in left if wanted.id and other.id == wanted.id]
    alike = same_id or [other for other in left if (other.kind, other.label) == (wanted.kind, wanted.label)]
    if not alike:
        others = sorted({f"the {other.kind} '{other.label}'" for other in left if other.kind == wanted.kind})
        came = f"; instead there is {', '.join(others)}" if others else ""
        return f"{wanted.name} is missing when it is read again{came}."
    other = alike[0]
    if (other.kind, other.label) != (wanted.kind, wanted.label):
        return f"{wanted.name} came back as the {other.kind} '{other.label}'."
    if other.pixels != wanted.pixels:
        return f"{wanted.name} came back with other pixels."
    if other.record != wanted.record:
        names = [key for key in wanted.record if other.record.get(key) != wanted.record[key]]
        return f"{wanted.name} came back with another {', '.join(names) or 'entry'}."
    place = f"{_short(other.numbers)} instead of {_short(wanted.numbers)}"
    return f"{wanted.name} came back in another place: {place}."


def _short(numbers: tuple[float, ...]) -> str:
    shown = ", ".join(f"{number:g}" for number in numbers[:8])
    return f"({shown}{', ...' if len(numbers) > 8 else ''})"
