"""Consensus over a project: what the readers of each image together say, kept as findings of their own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from XRayAILib.findings.author import Author
from XRayAILib.findings.consensus import Regions, consensus
from XRayAILib.findings.consensus_points import Centre
from XRayAILib.learning.cache import Cancelled
from XRayAILib.project.project import user
from XRayAILib.workflow.agreement.wishes import AgreementError, Wishes, check, chosen

if TYPE_CHECKING:
    from XRayAILib.project.project import Project
    from XRayAILib.workflow.agreement.agreement import Progress


@dataclass(frozen=True)
class Made:
    """What came of it.

    Attributes
    ----------
    images, objects
        How many there is a consensus on, and how many objects it has.
    notes
        (uid, note) of ties and what else was left open.
    track
        Key of the author whose findings they are.
    """

    images: int
    objects: int
    notes: tuple[tuple[str, str], ...]
    track: str


def make_consensus(
    project: Project,
    wishes: Wishes,
    regions: Regions = Regions.MAJORITY,
    centre: Centre = Centre.MEAN,
    save: bool = False,
    progress: Progress = lambda done, total, text, left: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Made:
    """Make the consensus of every image that at least two of the readers read.

    The readers' own findings stay as they are. With ``save`` each consensus is a revision of the track
    ``consensus:majority`` or ``consensus:staple``. One that equals the last adds nothing, so a run that was stopped can
    be done again. Which findings it was made of stands in the audit trail.

    Raises
    ------
    AgreementError
        A reader is unknown, or no image was read by two of them.
    Cancelled
        ``cancelled`` said so; what was saved stays.
    """
    check(project, wishes)
    query = wishes.query
    if not wishes.with_excluded:
        query = replace(query, filters={**query.filters, "excluded": ["no"]})
    uids = project.uids(query)
    digests = project.track_digests()
    readers, _ = chosen([digests[uid] for uid in uids if uid in digests], wishes)
    work = [uid for uid in uids if len(readers.keys() & digests.get(uid, {}).keys()) > 1]
    if not work:
        raise AgreementError(f"No image was read by two of these: {', '.join(readers.values())}.")
    begun, objects = time.monotonic(), 0
    notes: list[tuple[str, str]] = []
    sources: dict[str, dict[str, str]] = {}
    for done, uid in enumerate(work, 1):
        if cancelled():
            raise Cancelled
        tracks = [track for track in project.tracks(uid) if track.author.key in readers]
        if wishes.labels:
            tracks = [track.without(o.id for o in track if o.label not in wishes.labels) for track in tracks]
        agreed = consensus(tracks, project.schema, regions, centre)
        objects += len(agreed.findings)
        notes += [(uid, note) for note in agreed.notes]
        if save:
            project.save(agreed.findings, by=Author.person(user()))
            sources[uid] = {key: digest[:16] for key, digest in digests[uid].items() if key in readers}
        left = (time.monotonic() - begun) / done * (len(work) - done)
        progress(done, len(work), f"consensus {done} of {len(work)}", left)
    if save:
        detail = {"regions": regions.value, "points": centre.value, "labels": wishes.labels, "made_of": sources}
        project.audit("consensus", json.dumps(detail, ensure_ascii=False))
    return Made(len(work), objects, tuple(notes), Author.consensus(regions.value).key)
