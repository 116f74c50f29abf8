"""Lungs, diaphragm, heart, great vessels, body: where their borders run, and how long rays stay in them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from XRayAILib.phantom.shapes import Frame, Patch, curve, ellipsoid, mound, star, tube
from XRayAILib.phantom.thorax import Lung, Thorax

RECESS = 46.0
"""How far the lung reaches down behind the diaphragm, below the costophrenic angle, millimetres."""


@dataclass(frozen=True)
class LungShape:
    """A lung at one depth of inspiration, in thorax millimetres (x to the patient's left, y down)."""

    lung: Lung
    inspiration: float

    @property
    def dome_bottom(self) -> float:
        """y of the plane in which the dome of the diaphragm is widest."""
        return self.lung.dome_top + self.lung.dome - self.inspiration

    def outer(self, y: np.ndarray) -> np.ndarray:
        """Distance of the lateral border from the midline."""
        t = np.clip((y - self.lung.top) / (self.lung.dome_top + self.lung.dome - self.lung.top), 0, 1)
        return self.lung.apex + (self.lung.width - self.lung.apex) * np.sqrt(1 - (1 - t) ** self.lung.roundness)

    def inner(self, y: np.ndarray) -> np.ndarray:
        """Distance of the medial border from the midline."""
        t = np.clip((y - self.lung.top) / 62.0, 0, 1)
        return self.lung.apex - (self.lung.apex - self.lung.medial) * np.sqrt(1 - (1 - t) ** 2)

    def half_depth(self, y: np.ndarray) -> np.ndarray:
        """Half of the greatest path length at this height; the recess behind the diaphragm tapers off."""
        t = np.clip((y - self.lung.top) / (self.dome_bottom - self.lung.top), 0, 1)
        below = np.clip((y - self.dome_bottom) / RECESS, 0, 1)
        return self.lung.depth * np.sqrt(1 - (1 - t) ** 2) * np.sqrt(1 - below**2)

    @property
    def dome(self) -> tuple[float, float, float]:
        """(distance of the dome's centre from the midline, half width, height)."""
        lateral, medial = self.lung.width + 3.0, -9.0
        return (lateral + medial) / 2, (lateral - medial) / 2, self.lung.dome

    def dome_line(self, x: np.ndarray) -> np.ndarray:
        """y of the diaphragm's upper border at a distance ``x`` from the midline."""
        center, half, height = self.dome
        return self.dome_bottom - height * np.sqrt(np.clip(1 - ((x - center) / half) ** 2, 0, 1))

    @property
    def apex(self) -> tuple[float, float]:
        """The highest point of the lung (x, y)."""
        return self.lung.side * self.lung.apex, self.lung.top

    @property
    def costophrenic_angle(self) -> tuple[float, float]:
        """Where the lateral border meets the diaphragm (x, y)."""
        y = np.linspace(self.lung.dome_top - self.inspiration, self.dome_bottom, 4001)
        x = self.outer(y)
        under = np.flatnonzero(y >= self.dome_line(x))
        at = int(under[0]) if under.size else len(y) - 1
        return self.lung.side * float(x[at]), float(y[at])

    def outline(self, count: int = 200) -> np.ndarray:
        """Points (N, 2) all around the lung, in millimetres."""
        x_end, y_end = self.costophrenic_angle
        y = self.lung.top + (y_end - self.lung.top) * np.linspace(0, 1, count) ** 2
        lateral = np.stack([self.lung.side * self.outer(y), y], 1)
        x = np.linspace(abs(x_end), self.lung.medial, count)
        base = np.stack([self.lung.side * x, self.dome_line(x)], 1)
        medial = np.stack([self.lung.side * self.inner(y), y], 1)[::-1]
        return np.concatenate([lateral, base, medial[medial[:, 1] < base[-1, 1]]])

    def paths(self, frame: Frame) -> tuple[Patch, np.ndarray]:
        """Path lengths through the air of the lung, and where its shadow is seen (above the diaphragm), per pixel."""
        side, width = self.lung.side, self.lung.width
        low, high = self.lung.top - 2, self.dome_bottom + RECESS
        x = np.array([frame.shifted(0, 0), frame.shifted(side * (width + 2), 0)])
        corners = np.array([(x[0], low), (x[1], low), (x[1], high), (x[0], high)])
        window = frame.window(frame.to_pixels(corners))
        u = frame.coordinates[0][window] * np.float32(side / math.cos(frame.yaw))
        y = frame.coordinates[1][window]
        table = np.linspace(low, high, 1024)
        outer, inner, depth = (
            np.interp(y, table, f(table)).astype(np.float32) for f in (self.outer, self.inner, self.half_depth)
        )
        half = np.maximum((outer - inner) / 2, np.float32(1e-3))
        square = ((u - (outer + inner) / 2) / half) ** 2
        across = rounded(square)
        center, width_half, height = self.dome
        v = np.minimum((y - np.float32(self.dome_bottom)) / np.float32(height), 0)
        dome = 1 - ((u - np.float32(center)) / np.float32(width_half)) ** 2 - v * v
        chord = 2 * depth * np.maximum(across - np.float32(0.93) * np.sqrt(np.maximum(dome, 0)), 0)
        seen = (square < 1) & (y >= self.lung.top) & (dome <= 0) & (y < self.dome_bottom)
        return Patch(window, chord), seen


def rounded(square: np.ndarray) -> np.ndarray:
    """Section of a trunk: half ellipse, half rounded box; ``square`` is the squared place, 1 at the border."""
    return 0.5 * (np.sqrt(np.maximum(1 - square, 0)) + np.sqrt(np.sqrt(np.maximum(1 - square * square, 0))))


def heart(frame: Frame, thorax: Thorax, inspiration: float, enlarged: float) -> Patch:
    """The heart moves up with the diaphragm, and lies more across when that is high."""
    x, y, z = thorax.heart.center
    outline = np.roll(thorax.heart.outline(enlarged), -round(inspiration * 0.25 * 2))
    return star(frame, (x, y - 0.85 * inspiration, z), outline, thorax.heart.depth * enlarged)


def great_vessels(frame: Frame, thorax: Thorax, inspiration: float) -> list[Patch]:
    """Aortic knob and descending aorta, superior vena cava, pulmonary trunk, and the vessels that go up to the neck."""
    radius, left, y = thorax.aorta
    heart_y = thorax.heart.center[1] - 0.85 * inspiration
    knob = ellipsoid(frame, (left - 5, y, 5), (radius + 5, radius, radius * 1.6), 0.5)
    descending = curve(
        [(left - 3, y, 30), (left, y + 40, 45), (left - 3, heart_y, 50), (left - 14, heart_y + 75, 50)], 14
    )
    ascending = curve([(left - 10, y - 5, 0), (-8, y - 2, -10), (-16, y + 35, -20), (-8, heart_y - 30, -20)], 12)
    cava = curve([(-12, y - 55, 0), (-19, y - 10, 0), (-25, y + 35, 0), (-26, heart_y - 10, 0)], 12)
    trunk = ellipsoid(
        frame, (thorax.lungs[1].medial + 9, (y + 2 * heart_y) / 3 - 4, -15), (radius + 3, radius + 6, 24), 0.9
    )
    patches = [knob, trunk]
    for points, r in ((descending, radius * 0.85), (ascending, radius * 0.95), (cava, 11.0)):
        patches.append(tube(frame, points, r)[0])
    for x0, x1 in ((-6, -24), (10, 24)):
        patches.append(tube(frame, curve([(x0, y, 0), (x0 * 1.3, y - 35, 0), (x1, y - 90, 0)], 8), 9.0)[0])
    return patches


def airway(thorax: Thorax) -> tuple[list[tuple[np.ndarray, np.ndarray]], tuple[float, float]]:
    """Windpipe and main bronchi as (points, radii), and the carina (x, y)."""
    y = thorax.aorta[2] + 22
    x = 1.0
    radius = 8.5 if thorax.sex == "M" else 7.2
    top = thorax.right.top - 90
    trachea = curve([(0, top, -10), (-1, top + 70, 0), (x + 2, y - 30, 10), (x, y - 4, 15)], 12)
    right = curve([(x - 2, y - 8, 15), (x - 16, y + 16, 15), (x - 38, y + 38, 12)], 8)
    left = curve([(x + 2, y - 8, 15), (x + 22, y + 14, 15), (x + 50, y + 30, 12)], 8)
    parts = [
        (trachea, np.full(12, radius)),
        (right, np.linspace(radius * 0.8, radius * 0.55, 8)),
        (left, np.linspace(radius * 0.7, radius * 0.5, 8)),
    ]
    return parts, (x, y + radius * 0.35)


def vessel_tree(rng: np.random.Generator, thorax: Thorax, lung: Lung) -> list[tuple[np.ndarray, np.ndarray]]:
    """Arteries and veins of one lung as (points (N, 3), radii): they fork from the hilum outwards and grow thin."""
    side = lung.side
    y0 = thorax.aorta[2] + (58 if side < 0 else 46)
    branches: list[tuple[np.ndarray, np.ndarray]] = []
    starts = [-1.25, -0.75, -0.25, 0.25, 0.7, 1.1, 1.4]
    stack = []
    for angle in starts:
        radius = rng.uniform(5.5, 8.0) * (1.25 if angle > 0.9 else 0.9)
        stack.append((side * 26.0, y0 + 10 * angle, 10.0, angle + rng.normal(0, 0.1), radius, rng.uniform(32, 44)))
    while stack:
        x, y, z, angle, radius, length = stack.pop()
        bend = rng.normal(0, 0.18)
        ends = []
        for part in (0.5, 1.0):
            a = angle + bend * part
            ends.append((x + side * math.cos(a) * length * part, y + math.sin(a) * length * part, z))
        thin = radius * 0.82
        branches.append((np.array([(x, y, z), *ends]), np.array([radius, (radius + thin) / 2, thin])))
        if thin < 0.95:
            continue
        spread = rng.uniform(0.2, 0.42)
        share = rng.uniform(0.6, 0.85)
        for sign, size in ((1, share), (-1, math.sqrt(max(1 - share**2, 0.2)))):
            stack.append(
                (*ends[1][:2], z, angle + bend + sign * spread, thin * size, max(length * rng.uniform(0.7, 0.9), 13))
            )
    return branches


def body(frame: Frame, thorax: Thorax, arms: float) -> np.ndarray:
    """Path lengths through the whole body: trunk and neck as a stack of sections, head, shoulders and arms."""
    top = min(lung.top for lung in thorax.lungs)
    bottom = max(lung.dome_top + lung.dome for lung in thorax.lungs)
    width = max(lung.width for lung in thorax.lungs) + thorax.wall
    deep, wall = thorax.depth, thorax.wall
    rows = np.array(
        [
            (top - 200, 56, 58),
            (top - 62, 58 + 0.2 * wall, 60),
            (top - 36, 76 + 0.3 * wall, 66),
            (top - 12, 126 + 0.3 * wall, 72 + 0.2 * wall),
            (top + 12, 168 + 0.3 * wall, 0.85 * deep),
            (top + 45, 182 + 0.4 * wall, 0.95 * deep),
            (top + 85, width + 16, deep),
            (top + 125, width, deep),
            (top + 190, width, deep + 2),
            (bottom, width - 4, deep + 6),
            (bottom + 160, width - 8 + 0.4 * wall, deep + 8),
        ]
    )
    from scipy.interpolate import PchipInterpolator

    table = np.linspace(rows[0, 0], rows[-1, 0], 1024)
    half_width, half_depth = (PchipInterpolator(rows[:, 0], rows[:, i])(table) for i in (1, 2))
    x, y = frame.coordinates
    w = np.interp(y, table, half_width).astype(np.float32)
    d = np.interp(y, table, half_depth).astype(np.float32)
    chord = 2 * d * rounded(np.minimum((x / w) ** 2, 1))
    ellipsoid(frame, (0, top - 205, -15), (80, 112, 95)).unite_with(chord)
    flesh = 40 + 0.35 * wall

    for side in (-1, 1):
        shoulder = np.array([side * (158 + 0.35 * wall), top + 52.0, 0.0])
        away = np.array([side * math.sin(arms), math.cos(arms), 0.05])
        arm = np.stack([shoulder + away * s for s in (0, 40, 100, 200, 320, 560)])
        tube(frame, arm, np.array([1.18, 1.12, 1.0, 0.9, 0.75, 0.6]) * flesh)[0].unite_with(chord)
    return chord


def breasts(frame: Frame, thorax: Thorax) -> list[Patch]:
    """Path lengths through the breasts, in front of the lower chest."""
    across, along, thick = thorax.breast
    if not thick:
        return []
    y = thorax.right.top + 172 + 0.25 * along
    return [
        mound(frame, (side * (70 + 0.1 * thorax.wall), y, -100), (across, along, thick), side * -0.15)
        for side in (-1, 1)
    ]
