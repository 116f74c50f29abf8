"""Outlines with holes as single closed polygons."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from XRayAILib.pixels.trace import signed_area


def keyholes(outlines: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Join every hole to the border left of it by a cut without width.

    The cut runs there and back along one line, so by the even-odd rule it takes no pixel away: each polygon fills what
    its border and its holes filled together.

    Parameters
    ----------
    outlines
        Closed outlines (N, 2) as :func:`XRayAILib.pixels.trace.outlines` gives them: borders clockwise on the screen,
        holes the other way round, none crossing another.

    Returns
    -------
    One closed polygon (N, 2) per border, in the order of the borders.
    """
    rings = [outline for outline in outlines if signed_area(outline) > 0]
    holes = [outline for outline in outlines if signed_area(outline) <= 0]
    # What lies left of a hole has its own leftmost point further left, so it is joined already.
    for hole in sorted(holes, key=lambda outline: float(outline[:, 0].min())):
        start = int(np.argmin(hole[:, 0]))
        found = _border_left_of(rings, hole[start])
        if found is None:  # an outline that was simplified has lost its border on this side
            continue
        ring, edge, place = found
        turned = np.concatenate([hole[start:], hole[: start + 1]])
        rings[ring] = np.concatenate([rings[ring][: edge + 1], place, turned, place, rings[ring][edge + 1 :]])
    return rings


def _border_left_of(rings: Sequence[np.ndarray], point: np.ndarray) -> tuple[int, int, np.ndarray] | None:
    """The ring and its edge that are met first on the way to the left, and the place (1, 2) where."""
    best: tuple[int, int, np.ndarray] | None = None
    for number, ring in enumerate(rings):
        (x0, y0), (x1, y1) = ring.T, np.roll(ring, -1, axis=0).T
        meets = (np.minimum(y0, y1) <= point[1]) & (point[1] <= np.maximum(y0, y1)) & (y0 != y1)
        with np.errstate(divide="ignore", invalid="ignore"):
            x = np.where(meets, x0 + (point[1] - y0) / (y1 - y0) * (x1 - x0), -np.inf)
        x[x > point[0]] = -np.inf
        edge = int(np.argmax(x))
        if np.isfinite(x[edge]) and (best is None or x[edge] > best[2][0, 0]):
            best = number, edge, np.array([[x[edge], point[1]]])
    return best
