"""The rules of hygiene: what is looked for in every image, how bad it is, and where the standard speaks of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from XRayAILib.project.errors import ProjectError

FILE = "hygiene.yaml"


class Severity(str, Enum):
    """How bad it is for research with the image."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Action(str, Enum):
    """What follows from a mark: it is shown; the image is also kept out of training and exports; or nothing."""

    WARN = "warn"
    EXCLUDE = "exclude"
    IGNORE = "ignore"


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes
    ----------
    name
        As in ``hygiene.yaml``, in the table ``marks`` and on the command line.
    section
        Of the DICOM standard; after a comma the same part, where no other is named.
    action
        What follows where nobody decided otherwise.
    """

    name: str
    title: str
    severity: Severity
    section: str
    action: Action = Action.WARN


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE

RULES = {
    rule.name: rule
    for rule in (
        Rule("unreadable", "Pixels that cannot be read", _E, "PS3.3 C.7.6.3, PS3.5 8", Action.EXCLUDE),
        Rule("empty", "All pixels have one value", _E, "PS3.3 C.7.6.3", Action.EXCLUDE),
        Rule("polarity", "Shown as a negative, by its content", _E, "PS3.3 C.7.6.3.1.2", Action.EXCLUDE),
        Rule("two-identities", "One patient under two identities", _E, "PS3.3 C.7.1.1"),
        Rule("near-duplicate", "A copy of another image", _W, "PS3.3 C.7.6.1.1.2"),
        Rule("text", "Text burned into the pixels", _W, "PS3.3 C.7.6.1, PS3.15 E.3.1"),
        Rule("contradiction", "Attributes that contradict each other", _W, "PS3.3 C.7.3.1, C.7.6.3, C.8.11"),
        Rule("missing", "Required attributes that are missing", _W, "PS3.3 C.7, C.8.1.1, C.8.11"),
        Rule("lossy", "Lossy compression not or not wholly declared", _W, "PS3.3 C.7.6.1.1.5"),
        Rule("exposure", "Exposure far from its target", _W, "PS3.3 Table 10-23"),
        Rule("clipped", "Detail cut off at an end of the grey range", _W, "PS3.3 C.11.2.1.2"),
        Rule("orientation", "Turned or mirrored", _W, "PS3.3 C.7.6.1.1.1"),
        Rule("view", "View or body part against the labels or the content", _W, "PS3.3 C.8.1.1, C.8.11.5"),
        Rule("spacing", "Spacing unknown: lengths in pixels only", _N, "PS3.3 10.7.1"),
        Rule("text-unknown", "Whether text is burned in is not declared", _N, "PS3.3 C.7.6.1"),
        Rule("collimation", "Unexposed border of a collimator or shutter", _N, "PS3.3 C.7.6.11, C.8.11.7"),
    )
}
"""By name, the worst first."""

_HEAD = """\
# What follows from each rule of hygiene ("xrayai check"):
#   warn     the image gets a mark
#   exclude  and takes no part in training and exports, which say why; of several copies one stays
#   ignore   nothing
"""


class HygieneError(ProjectError):
    """Settings of hygiene that cannot be used, with a sentence for each field."""


def read_actions(folder: Path, write: bool = True) -> dict[str, Action]:
    """What follows from each rule in a project; its ``hygiene.yaml`` is written where there is none.

    Parameters
    ----------
    write
        False for a project that can only be looked at.

    Raises
    ------
    HygieneError
        With every field of the file that is wrong.
    """
    import yaml

    path = folder / FILE
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        actions = {rule.name: rule.action for rule in RULES.values()}
        if write:
            write_actions(folder, actions)
        return actions
    except (OSError, UnicodeDecodeError) as error:
        raise HygieneError(f"{path} cannot be read ({error}).") from error
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise HygieneError(f"{path} is no YAML ({error}). Put it right, or delete it to get the defaults.") from error
    return _checked(document if document is not None else {}, path)


def write_actions(folder: Path, actions: Mapping[str, Action]) -> None:
    """Write ``hygiene.yaml`` with all rules, whole or not at all."""
    lines = [_HEAD]
    for rule in RULES.values():
        action = actions.get(rule.name, rule.action)
        what = f"{rule.severity.value}: {rule.title} ({rule.section})"
        lines.append(f"{f'{rule.name}: {action.value}':<26}# {what}\n")
    path = folder / FILE
    temporary = path.with_name(path.name + ".part")
    temporary.write_text("".join(lines), "utf-8")
    temporary.replace(path)


def _checked(document: object, path: Path) -> dict[str, Action]:
    import difflib

    if not isinstance(document, dict):
        raise HygieneError(f"{path} must be lines of the form 'rule: action'.")
    problems = []
    actions = {rule.name: rule.action for rule in RULES.values()}
    for name, value in document.items():
        if name not in RULES:
            close = difflib.get_close_matches(str(name), RULES, 1)
            problems.append(f"'{name}' is no rule" + (f"; did you mean '{close[0]}'?" if close else "."))
            continue
        try:
            actions[name] = Action(value)
        except ValueError:
            problems.append(f"{name}: '{value}' is none of {', '.join(action.value for action in Action)}.")
    if problems:
        raise HygieneError(f"{path}: {' '.join(problems)}")
    return actions
