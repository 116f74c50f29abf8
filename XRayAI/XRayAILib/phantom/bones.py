"""The skeleton: ribs, spine, clavicles, shoulder blades, upper arms, breastbone."""

from __future__ import annotations

import math

import numpy as np

from XRayAILib.phantom.organs import LungShape
from XRayAILib.phantom.shapes import Frame, Patch, curve, ellipsoid, plate, tube
from XRayAILib.phantom.thorax import Thorax

CORTEX = 1.0
"""Thickness of the compact bone around a rib or clavicle, millimetres."""


class Skeleton:
    """Path lengths through compact and spongy bone, collected bone by bone on one picture."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.compact = np.zeros(frame.shape, np.float32)
        self.spongy = np.zeros(frame.shape, np.float32)

    def add_long(self, points: np.ndarray, radii: np.ndarray | float, cortex: float = CORTEX) -> None:
        """A bone along a line, compact outside and spongy inside."""
        outer, inner = tube(self.frame, points, radii, cortex)
        outer.add_to(self.compact)
        inner.add_to(self.compact, -1)
        inner.add_to(self.spongy)

    def add_spongy(self, patch: Patch) -> None:
        patch.add_to(self.spongy)

    def add_compact(self, patch: Patch, factor: float = 1.0) -> None:
        patch.add_to(self.compact, factor)


def add_all(skeleton: Skeleton, thorax: Thorax, arms: float, raised: float) -> None:
    """Every bone of the thorax; ``raised`` lifts the clavicles as in a patient who lies (AP), millimetres."""
    add_spine(skeleton, thorax)
    for side in (-1, 1):
        for number in range(12):
            add_rib(skeleton, thorax, side, number)
        add_shoulder(skeleton, thorax, side, arms, raised)
    top = thorax.right.top
    skeleton.add_spongy(ellipsoid(skeleton.frame, (0, top + 52, -78), (23, 24, 5), power=4))
    skeleton.add_spongy(ellipsoid(skeleton.frame, (0, top + 125, -92), (15, 55, 4.5), power=4))


def spine_x(thorax: Thorax, y: np.ndarray | float) -> np.ndarray | float:
    """Where the middle of the spine runs, x in millimetres: a slight scoliosis."""
    amount, phase = thorax.scoliosis
    return amount * np.sin(np.asarray(y) / 95.0 + phase)


def add_rib(skeleton: Skeleton, thorax: Thorax, side: int, number: int) -> None:
    """A rib runs from the spine back and out, down along the side, and to the front, where its bone ends in cartilage.

    The ring that it is part of stands at a slant, so that in the picture it is the rim of an ellipse.
    """
    lung = thorax.right if side < 0 else thorax.left
    cage = LungShape(lung, 0.0)
    y = thorax.rib_start + number * thorax.rib_pitch
    drop = thorax.rib_drop * (17 + 4.4 * min(number, 7))
    wide = float(cage.outer(np.array([y + drop + 4.0]))[0]) + 5.0
    deep = float(cage.half_depth(np.array([min(y + drop, cage.dome_bottom)]))[0]) + 9.0
    if number > 9:
        wide += 2.0
    end = 0.83 if number < 7 else (0.74 if number < 10 else 0.42)
    angle = np.linspace(math.asin(min(20 / wide, 0.9)), end * math.pi, 30)
    x = side * wide * np.sin(angle) ** 0.74
    line_y = y + drop * (1 - np.cos(angle))
    z = deep * np.cos(angle) * 0.92
    middle = spine_x(thorax, y) * np.exp(-angle * 1.5)
    radius = thorax.rib_radius * (1 - 0.1 * np.cos(angle * 2)) * (0.85 if number in (0, 11) else 1.0)
    skeleton.add_long(np.stack([x + middle, line_y, z], 1), radius)


def add_spine(skeleton: Skeleton, thorax: Thorax) -> None:
    """Vertebral bodies with their end plates, pedicles and spinous processes."""
    frame, half = skeleton.frame, thorax.vertebra
    y = thorax.rib_start - 7 * 17.0
    for number in range(-7, 24):
        pitch = 17.0 if number < 0 else thorax.rib_pitch * (0.96 + 0.016 * number)
        x = float(spine_x(thorax, y))
        w = half * (0.8 if number < 0 else 0.88 + 0.022 * number)
        skeleton.add_spongy(ellipsoid(frame, (x, y, 62), (w, pitch * 0.42, w * 0.7), power=8))
        for edge in (-1, 1):
            skeleton.add_compact(ellipsoid(frame, (x, y + edge * pitch * 0.40, 62), (w * 1.05, 1.6, w * 0.22), power=4))
        for side in (-1, 1):
            skeleton.add_compact(ellipsoid(frame, (x + side * w * 0.62, y - 2, 80), (3.2, 4.6, 2.6)))
            transverse = np.array([(x + side * w * 0.6, y - 3, 85), (x + side * (w + 13), y - 6, 92)])
            skeleton.add_long(transverse, 4.0, 0.6)
        skeleton.add_compact(ellipsoid(frame, (x, y + pitch * 0.35, 105), (2.6, 7.5, 4.5)))
        y += pitch


def add_shoulder(skeleton: Skeleton, thorax: Thorax, side: int, arms: float, raised: float) -> None:
    """Clavicle, shoulder blade, and the bones of the arm."""
    top = thorax.right.top
    inner, rise = thorax.clavicle
    inner -= raised
    out = 148 + 0.35 * thorax.wall
    clavicle = curve(
        [
            (side * 13, top + inner, -72),
            (side * 48, top + inner - 6, -74),
            (side * 95, top + inner - rise, -40),
            (side * out, top + inner - rise + 4, -5),
        ],
        22,
    )
    skeleton.add_long(clavicle, np.interp(np.arange(22), [0, 4, 14, 21], [8.5, 6.2, 5.6, 7.0]), 1.4)
    turned = 16 * thorax.scapula - 0.8 * raised
    corners = np.array(
        [
            (side * (88 + turned), top + 22, 78),
            (side * (142 + 0.3 * thorax.wall), top + 42, 40),
            (side * (122 + turned), top + 158, 75),
            (side * (94 + turned), top + 90, 85),
        ],
        float,
    )
    skeleton.add_compact(plate(skeleton.frame, corners, 2.6, 6.0))
    border = curve(corners[1:], 16)
    skeleton.add_long(border, 3.6, 1.0)
    skeleton.add_long(curve([corners[0], (side * 118, top + 26, 70), (side * out, top + 20, 25)], 10), 4.0, 1.0)
    skeleton.add_spongy(ellipsoid(skeleton.frame, (side * (146 + 0.35 * thorax.wall), top + 46, 25), (8, 17, 12)))
    head = np.array([side * (166 + 0.35 * thorax.wall), top + 48.0, 10.0])
    away = np.array([side * math.sin(arms), math.cos(arms), 0.0])
    skeleton.add_spongy(ellipsoid(skeleton.frame, (head[0], head[1], head[2]), (23, 24, 22)))
    shaft = np.stack([head + away * s for s in (6, 45, 120, 290)])
    skeleton.add_long(shaft, np.array([17, 12.5, 11, 14]), 3.2)
    across = np.array([away[1], -away[0], 0.0])
    for offset in (-10, 9):
        forearm = np.stack([head + away * s + across * offset * t for s, t in ((302, 0.9), (400, 1.2), (550, 1.0))])
        skeleton.add_long(forearm, np.array([8.5, 6.0, 8.0]), 2.0)
