"""How long a ray runs through a solid: analytic path lengths of ellipsoids, rounded boxes, star solids, tubes, plates.

Thorax coordinates are millimetres: x to the right of the picture (the patient's left), y down (towards the feet), z to
the patient's back. Rays run along z. Path lengths ("chords") are millimetres on the pixels of a picture, sampled at
pixel centres.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

LONGEST = 1.9
"""How many times longer than across a ray may stay in a tube that runs towards the viewer: tubes curve away."""


@dataclass(frozen=True)
class Frame:
    """How a thorax stands in a picture.

    Attributes
    ----------
    shape
        (rows, columns) of the picture.
    pixel
        Millimetres of thorax per pixel.
    center
        (x, y) in pixels where the origin of the thorax falls.
    tilt
        Turn within the picture, radians; positive is clockwise on the screen.
    yaw
        Turn about the long axis of the body, radians; positive moves what lies at the back to the right.
    """

    shape: tuple[int, int]
    pixel: float
    center: tuple[float, float]
    tilt: float = 0.0
    yaw: float = 0.0

    @cached_property
    def coordinates(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y in millimetres at every pixel centre, in the plane z = 0; float32 (rows, columns) each."""
        dx = ((np.arange(self.shape[1]) - self.center[0]) * self.pixel).astype(np.float32)
        dy = ((np.arange(self.shape[0]) - self.center[1]) * self.pixel).astype(np.float32)
        cos, sin = np.float32(math.cos(self.tilt)), np.float32(math.sin(self.tilt))
        return (cos * dx)[None, :] + (sin * dy)[:, None], (cos * dy)[:, None] - (sin * dx)[None, :]

    def shifted(self, x: float, z: float) -> float:
        """Where x falls at depth z, in millimetres in the plane z = 0, when the body is turned by ``yaw``."""
        return x * math.cos(self.yaw) + z * math.sin(self.yaw)

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """Pixel positions (N, 2) as x, y of points (N, 2) or (N, 3) in millimetres."""
        points = np.asarray(points, float)
        x = points[:, 0]
        if points.shape[1] == 3:
            x = x * math.cos(self.yaw) + points[:, 2] * math.sin(self.yaw)
        y = points[:, 1]
        cos, sin = math.cos(self.tilt), math.sin(self.tilt)
        return np.stack(
            [self.center[0] + (cos * x - sin * y) / self.pixel, self.center[1] + (sin * x + cos * y) / self.pixel], 1
        )

    def window(self, corners: np.ndarray, margin: float = 1.0) -> tuple[slice, slice]:
        """The part of the picture (row and column slices, perhaps empty) that holds pixel positions (N, 2)."""
        low, high = corners.min(0) - margin, corners.max(0) + margin
        limits = []
        for a, b, n in ((low[1], high[1], self.shape[0]), (low[0], high[0], self.shape[1])):
            start = min(max(math.ceil(a), 0), n)
            limits.append(slice(start, max(min(math.floor(b) + 1, n), start)))
        return limits[0], limits[1]

    def around(self, center: tuple[float, float], radius: float) -> tuple[slice, slice]:
        """The part of the picture that holds a disc in the plane z = 0."""
        x, y = center
        square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * radius + (x, y)
        return self.window(self.to_pixels(square))


@dataclass(frozen=True)
class Patch:
    """Path lengths within a part of the picture; elsewhere the solid is not met.

    Attributes
    ----------
    window
        Row and column slices.
    chord
        Millimetres, float32, of the window's shape.
    """

    window: tuple[slice, slice]
    chord: np.ndarray

    def add_to(self, target: np.ndarray, factor: float = 1.0) -> None:
        target[self.window] += np.float32(factor) * self.chord

    def unite_with(self, target: np.ndarray) -> None:
        """Put the longer of both path lengths into ``target``: the union of solids that lie behind one another."""
        part = target[self.window]
        np.maximum(part, self.chord, out=part)

    def mark(self, mask: np.ndarray) -> None:
        """Set the pixels whose centre lies in the solid's shadow."""
        mask[self.window] |= self.chord > 0


def ellipsoid(
    frame: Frame,
    center: Sequence[float],
    radii: Sequence[float],
    angle: float = 0.0,
    power: int = 2,
) -> Patch:
    """An ellipsoid (``power`` 2) or a rounded box (4, 8): \\|u\\|^p + \\|v\\|^p + \\|w\\|^p <= 1.

    ``center`` (x, y, z) and ``radii`` (along x, y, z) in millimetres; ``angle`` turns it within the picture plane.
    """
    x0, y0 = frame.shifted(center[0], center[2]), center[1]
    window = frame.around((x0, y0), math.hypot(radii[0], radii[1]) if angle or power > 2 else max(radii[:2]))
    u, v = (c[window] for c in frame.coordinates)
    u, v = u - np.float32(x0), v - np.float32(y0)
    if angle:
        cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
        u, v = cos * u + sin * v, cos * v - sin * u
    u, v = u / np.float32(radii[0]), v / np.float32(radii[1])
    for _ in range(int(math.log2(power))):
        u, v = u * u, v * v
    rest = np.maximum(1 - u - v, 0)
    for _ in range(int(math.log2(power))):
        rest = np.sqrt(rest)
    return Patch(window, rest * np.float32(2 * radii[2]))


def mound(frame: Frame, center: Sequence[float], radii: Sequence[float], angle: float = 0.0) -> Patch:
    """A paraboloid above, an ellipsoid below: soft at its upper border, sharp at the lower one, as a breast is.

    Arguments as in :func:`ellipsoid`.
    """
    body = ellipsoid(frame, center, radii, angle)
    half = body.chord / np.float32(2 * radii[2])
    v = (frame.coordinates[1][body.window] - np.float32(center[1])) / np.float32(radii[1])
    lower = np.clip(v + np.float32(0.5), 0, 1)
    return Patch(body.window, np.float32(2 * radii[2]) * half * (lower + (1 - lower) * half))


def star(frame: Frame, center: Sequence[float], radius: np.ndarray, depth: float) -> Patch:
    """A solid whose outline is a star-shaped curve and whose section along every direction is half an ellipse.

    ``radius`` holds the outline's distance from ``center`` in millimetres at equally spaced angles from 0 (the right of
    the picture) clockwise all around; ``depth`` is half of the greatest path length.
    """
    x0, y0 = frame.shifted(center[0], center[2]), center[1]
    window = frame.around((x0, y0), float(radius.max()))
    dx = frame.coordinates[0][window] - np.float32(x0)
    dy = frame.coordinates[1][window] - np.float32(y0)
    edge = around_table(np.arctan2(dy, dx), radius)
    rest = np.maximum(1 - (dx * dx + dy * dy) / (edge * edge), 0)
    return Patch(window, np.sqrt(rest) * np.float32(2 * depth))


def around_table(angle: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Look ``angle`` (radians) up in a table of equally spaced angles around the circle, linearly between entries."""
    n = len(table)
    position = (angle * np.float32(n / (2 * math.pi))) % np.float32(n)
    low = np.minimum(position.astype(np.intp), n - 1)
    closed = np.append(table, table[0]).astype(np.float32)
    step = np.diff(closed)
    return closed[low] + (position - low.astype(np.float32)) * step[low]


def tube(frame: Frame, points: np.ndarray, radii: np.ndarray | float, wall: float = 0.0) -> tuple[Patch, Patch]:
    """A round tube along a polyline: the whole of it, and its hollow inside a wall of ``wall`` millimetres.

    Parameters
    ----------
    points
        (N, 3) or (N, 2), millimetres. Where the line runs towards the viewer, rays stay in it longer, at most
        :data:`LONGEST` times.
    radii
        At every point, or one for all, millimetres.
    """
    points = np.asarray(points, float)
    radius = np.broadcast_to(np.asarray(radii, float), (len(points),))
    spots = frame.to_pixels(points)
    whole = frame.window(spots, float(radius.max()) / frame.pixel + 1)
    shape = (whole[0].stop - whole[0].start, whole[1].stop - whole[1].start)
    half = np.zeros(shape, np.float32)
    inner = np.zeros(shape, np.float32) if wall else half
    if not half.size:
        return Patch(whole, half), Patch(whole, inner)
    spots = spots - (whole[1].start, whole[0].start)
    for i in range(len(points) - 1):
        (ax, ay), (bx, by) = spots[i], spots[i + 1]
        big = max(radius[i], radius[i + 1]) / frame.pixel + 1
        r0, r1 = max(int(min(ay, by) - big), 0), min(int(max(ay, by) + big) + 1, shape[0])
        c0, c1 = max(int(min(ax, bx) - big), 0), min(int(max(ax, bx) + big) + 1, shape[1])
        if r0 >= r1 or c0 >= c1:
            continue
        length = math.hypot(bx - ax, by - ay)
        long = float(np.linalg.norm(points[i + 1] - points[i])) / frame.pixel
        slant = min(long / max(length, 1e-6), LONGEST)
        ex, ey = ((bx - ax) / length, (by - ay) / length) if length > 1e-6 else (1.0, 0.0)
        px = np.arange(c0, c1, dtype=np.float32)[None, :] - np.float32(ax)
        py = np.arange(r0, r1, dtype=np.float32)[:, None] - np.float32(ay)
        along = np.clip(px * np.float32(ex) + py * np.float32(ey), 0, np.float32(length))
        off = (px - along * np.float32(ex)) ** 2 + (py - along * np.float32(ey)) ** 2
        off *= np.float32(frame.pixel**2)
        r = radius[i] + (radius[i + 1] - radius[i]) * (along / np.float32(max(length, 1e-6)))
        r = r.astype(np.float32)
        part = half[r0:r1, c0:c1]
        np.maximum(part, (r * r - off) * np.float32(slant**2), out=part)
        if wall:
            part = inner[r0:r1, c0:c1]
            hollow = np.maximum(r - np.float32(wall), 0)
            np.maximum(part, (hollow * hollow - off) * np.float32(slant**2), out=part)
    outer = Patch(whole, 2 * np.sqrt(half))
    return outer, Patch(whole, 2 * np.sqrt(inner)) if wall else outer


def plate(frame: Frame, corners: np.ndarray, thickness: float, rim: float) -> Patch:
    """A flat convex polygon of a thickness that falls off within ``rim`` millimetres of its edges.

    ``corners`` (N, 3) in millimetres, in order around it.
    """
    spots = frame.to_pixels(corners)
    (ax, ay), (bx, by) = spots[1] - spots[0], spots[2] - spots[1]
    if ax * by < ay * bx:
        spots = spots[::-1]
    window = frame.window(spots)
    px = np.arange(window[1].start, window[1].stop, dtype=np.float32)[None, :]
    py = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None]
    inside = np.full((py.shape[0], px.shape[1]), np.float32(rim))
    for a, b in zip(spots, np.roll(spots, -1, axis=0), strict=True):
        edge = (b - a) / np.linalg.norm(b - a)
        distance = (px - np.float32(a[0])) * np.float32(-edge[1]) + (py - np.float32(a[1])) * np.float32(edge[0])
        np.minimum(inside, distance * np.float32(frame.pixel), out=inside)
    return Patch(window, np.maximum(inside, 0) * np.float32(thickness / rim))


def curve(knots: Sequence[Sequence[float]] | np.ndarray, count: int = 24) -> np.ndarray:
    """``count`` points on a smooth curve through ``knots`` (N, 2 or 3): a Catmull-Rom spline."""
    k = np.asarray(knots, float)
    k = np.concatenate([2 * k[:1] - k[1:2], k, 2 * k[-1:] - k[-2:-1]])
    t = np.linspace(0, len(k) - 3, count)
    i = np.minimum(t.astype(int), len(k) - 4)
    f = (t - i)[:, None]
    a, b, c, d = k[i], k[i + 1], k[i + 2], k[i + 3]
    return 0.5 * (2 * b + (c - a) * f + (2 * a - 5 * b + 4 * c - d) * f**2 + (3 * b - a - 3 * c + d) * f**3)
