"""Agreement of the readers of a project: who is compared with whom, on which images.

::

    study = compare_readers(project, Wishes(readers=("anna", "ben")))
    figures = figures_of(study)                # agreement_figures.py
    write_agreement(study, figures, folder)    # agreement_report.py
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from XRayAILib.findings.agreement.compare import Compared, compare
from XRayAILib.learning.cache import Cancelled
from XRayAILib.workflow.agreement.cache import AgreementCache, key_of
from XRayAILib.workflow.agreement.groups import Read, read_of
from XRayAILib.workflow.agreement.wishes import AgreementError, Wishes, check, chosen, excluded_images

if TYPE_CHECKING:
    from XRayAILib.project.project import Project

Progress = Callable[[int, int, str, float | None], None]
Pair = tuple[str, str]


@dataclass(frozen=True)
class Study:
    """Everything that was compared, image by image.

    Attributes
    ----------
    readers
        Key of each author -> how it is called.
    images
        Uid -> image, of all that at least two of the readers read.
    pairs
        (key, key) -> uid -> what the two say of it; an empty list where both say nothing. A reference is the second.
    alone
        Number of images that only one of the readers read.
    excluded
        Number of images that the readers read, but that are excluded from the project; they take no part.
    computed
        Number of comparisons that were not in the cache.
    options
        Question -> its answers, in order.
    """

    wishes: Wishes
    readers: Mapping[str, str]
    images: Mapping[str, Read]
    pairs: Mapping[Pair, Mapping[str, list[Compared]]]
    alone: int
    excluded: int
    computed: int
    options: Mapping[str, tuple[str, ...]]

    def called(self, pair: Pair) -> str:
        """``anna – ben``, or ``anna against ben`` where ben is the reference."""
        return (" against " if self.wishes.reference else " – ").join(self.readers[key] for key in pair)

    @cached_property
    def users(self) -> Mapping[str, set[str]]:
        """Label -> the readers who used it on any image; who never does has not been asked to."""
        found: dict[str, set[str]] = {}
        for pair, images in self.pairs.items():
            for said in images.values():
                for c in said:
                    users = found.setdefault(c.label, set())
                    users.update(reader for reader, given in zip(pair, c.given, strict=True) if given)
        return found


def compare_readers(
    project: Project,
    wishes: Wishes | None = None,
    progress: Progress = lambda done, total, text, left: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Study:
    """Compare the readers of a project on every image that two of them have read.

    What was compared before, of the same findings and spacing, is taken from the project's cache: a comparison that was
    stopped goes on, and a second one takes no time.

    Parameters
    ----------
    progress
        Called with (images done, images in all, text, seconds left or ``None``).

    Raises
    ------
    AgreementError
        A reader, label or column is unknown, or no image was read by two readers.
    Cancelled
        ``cancelled`` said so; what was computed so far is kept.
    """
    wishes = wishes or Wishes()
    check(project, wishes)
    images = {image.uid: image for image in project.stream(wishes.query)}
    left_out = {uid for uid, image in images.items() if image.excluded and not wishes.with_excluded}
    every = {uid: said for uid, said in project.track_digests().items() if uid in images}
    digests = {uid: said for uid, said in every.items() if uid not in left_out}
    readers, reference = chosen(digests.values(), wishes)
    readings = [every[uid].keys() for uid in left_out & every.keys()]
    excluded = sum(1 for keys in readings if not readers or not readers.keys().isdisjoint(keys))
    pairs = [pair for pair in itertools.combinations(readers, 2) if not reference or reference in pair]
    pairs = [pair if pair[0] != reference else (pair[1], pair[0]) for pair in pairs]
    work = {uid: [pair for pair in pairs if set(pair) <= said.keys()] for uid, said in digests.items()}
    work = {uid: work[uid] for uid in images if work.get(uid)}
    if not work:
        raise AgreementError(
            f"No image was read by two of these: {', '.join(readers.values()) or 'nobody has read any'}. "
            f"{excluded_images(excluded)}Assign images to more than one reader."
        )
    found: dict[Pair, dict[str, list[Compared]]] = {pair: {} for pair in pairs}
    begun, computed = time.monotonic(), 0
    with AgreementCache(None if project.read_only else project.cache_folder) as cache:
        for done, (uid, own) in enumerate(work.items(), 1):
            if cancelled():
                raise Cancelled
            spacing, tracks = images[uid].header.spacing, None
            for pair in own:
                key = key_of(digests[uid][pair[0]], digests[uid][pair[1]], spacing, project.schema, wishes.iou)
                known = cache.get(key)
                if known is None:
                    tracks = tracks or {track.author.key: track for track in project.tracks(uid)}
                    known = compare(tracks[pair[0]], tracks[pair[1]], spacing, project.schema, wishes.iou)
                    cache.put(key, known)
                    computed += 1
                found[pair][uid] = [c for c in known if not wishes.labels or c.label.split(":")[0] in wishes.labels]
            left = (time.monotonic() - begun) / done * (len(work) - done)
            progress(done, len(work), f"{done} of {len(work)} images", left)
    alone = sum(1 for uid, said in digests.items() if uid not in work and not readers.keys().isdisjoint(said))
    read = {uid: read_of(images[uid]) for uid in work}
    options = {label.name: label.options for label in project.schema if label.options}
    compared = {pair: of for pair, of in found.items() if of}
    return Study(wishes, readers, read, compared, alone, excluded, computed, options)
