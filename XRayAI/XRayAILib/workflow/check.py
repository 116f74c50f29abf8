"""Check: find what makes images unfit for research, decide what follows, and overrule it for single images."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from XRayAILib.workflow.filling import counted
from XRayAILib.workflow.work import Work

if TYPE_CHECKING:
    from XRayAILib.project.marks import RuleCount
    from XRayAILib.project.project import Project


@dataclass(frozen=True)
class MarkRow:
    """One mark of the image looked at, as a person reads it.

    Attributes
    ----------
    excludes
        It keeps the image out of training and exports.
    kept
        Who said when that the image stays in spite of it; empty where nobody did.
    """

    title: str
    severity: str
    section: str
    detail: str
    excludes: bool
    kept: str


class Check:
    """The check of one project, one at a time."""

    def __init__(self, interpreter: str = sys.executable) -> None:
        self.work = Work("check", interpreter)

    def start(self, project: Project) -> None:
        """Begin; what was examined before is not examined again.

        Raises
        ------
        HygieneError
            ``hygiene.yaml`` has a field that is wrong.
        """
        project.marks.actions()
        self.work.begin(project.folder, {})

    def outcome(self) -> str:
        """What the last check did, in a sentence."""
        result = self.work.result or {}
        parts = [f"{counted(result.get('examined', 0), 'image', 'images')} examined"]
        if result.get("unchanged"):
            parts.append(f"{result['unchanged']} unchanged")
        parts.append(f"{result.get('excluded', 0)} kept out by rules")
        failed = result.get("failed", ())
        if failed:
            parts.append(f"{counted(len(failed), 'file', 'files')} not reached, such as {failed[0][0]}: {failed[0][1]}")
        return ", ".join(parts)

    def table(self, project: Project) -> list[RuleCount]:
        """All rules with what follows from them and the number of their images."""
        return project.marks.table()

    def is_begun(self, project: Project) -> bool:
        """Whether any image has been checked, so that a rule without images says something."""
        return project.marks.count_checked() > 0

    def state(self, project: Project) -> str:
        """How much of the project has been checked, in words."""
        total, done = project.count(), project.marks.count_checked()
        if not total:
            return "There is nothing to check yet."
        if not done:
            return "Not checked yet."
        return "" if done >= total else f"{done} of {counted(total, 'image', 'images')} checked."

    def set_action(self, project: Project, rule: str, action: str, who: str) -> None:
        """Decide what follows from a rule, for all its images at once."""
        project.marks.set_action(rule, action, who)

    def marks(self, project: Project, uid: str) -> list[MarkRow]:
        """The marks of an image, the worst first."""
        from XRayAILib.project.marks import EXCLUDED_BY
        from XRayAILib.project.rules import RULES

        kept, excluded = project.marks.kept(uid), project.image(uid).excluded
        rows = []
        for mark in project.marks.of_image(uid):
            rule = RULES[mark.rule]
            who, time = kept.get(mark.rule, ("", ""))
            by = f"{who} on {time[:10]}" if who else ""
            excludes = excluded.startswith(EXCLUDED_BY) and f"{mark.rule}: {mark.detail}" in excluded
            rows.append(MarkRow(rule.title, mark.severity, rule.section, mark.detail, excludes, by))
        return rows

    def keep(self, project: Project, uid: str, who: str) -> None:
        """Keep an image in training and exports whatever its marks say."""
        project.marks.keep(uid, who)

    def keep_no_more(self, project: Project, uid: str, who: str) -> None:
        """Let the rules decide of an image again."""
        project.marks.keep_no_more(uid, who)
