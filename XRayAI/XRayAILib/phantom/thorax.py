"""The anatomy of one patient, drawn at random around that of a grown man, in millimetres."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

LUNG_HEIGHT = 262.0
"""From the apex to the costophrenic angle of a grown man in full inspiration."""


@dataclass(frozen=True)
class Lung:
    """One lung: a stack of rounded sections, cut from below by the dome of the diaphragm.

    Attributes
    ----------
    side
        -1 for the right lung (on the left of the picture), +1 for the left one.
    top
        y of the apex.
    apex
        Distance of the apex from the midline.
    width
        Greatest distance of the outer border from the midline.
    medial
        Distance of the medial border from the midline, below the apex.
    roundness
        Exponent of the outer border's curve: a higher one gives broader shoulders to the lung.
    depth
        Greatest half path length from front to back.
    dome
        Height of the diaphragm's dome above the costophrenic angle, in full inspiration.
    dome_top
        y of the dome's top, in full inspiration.
    """

    side: int
    top: float
    apex: float
    width: float
    medial: float
    roundness: float
    depth: float
    dome: float
    dome_top: float


@dataclass(frozen=True)
class Heart:
    """A star-shaped solid: an ellipse with a bulge at the apex.

    Attributes
    ----------
    center
        (x, y, z).
    long, short, depth
        Semi-axes of the ellipse in the picture and half of the greatest path length.
    angle
        Of the long axis, from the horizontal towards the apex, radians.
    bulge, waves
        Height of the apex's bulge, and amplitudes and phases of the third and fourth wave around the outline, as
        fractions of the radius.
    """

    center: tuple[float, float, float]
    long: float
    short: float
    depth: float
    angle: float
    bulge: float
    waves: tuple[float, float, float, float]

    def outline(self, enlarged: float = 1.0, count: int = 720) -> np.ndarray:
        """Distance of the outline from the centre at ``count`` equally spaced angles, millimetres."""
        around = np.linspace(0, 2 * math.pi, count, endpoint=False)
        t = around - self.angle
        radius = 1 / np.sqrt((np.cos(t) / self.long) ** 2 + (np.sin(t) / self.short) ** 2)
        bulge = self.bulge * np.exp(-((np.angle(np.exp(1j * (t + 0.05))) / 0.42) ** 2))
        a3, p3, a4, p4 = self.waves
        return enlarged * radius * (1 + bulge + a3 * np.cos(3 * around - p3) + a4 * np.cos(4 * around - p4))


@dataclass(frozen=True)
class Thorax:
    """What stays with a patient from one image to the next. Lengths in millimetres of a grown man, times ``scale``.

    Attributes
    ----------
    sex, age
        "M" or "F"; years.
    scale
        Size of the body against that of a grown man.
    wall
        Thickness of muscle and fat around the rib cage.
    fat
        Share of fat in that.
    depth
        Half of the body's depth from front to back.
    breast
        (radius across, radius along, thickness); zeros without.
    aorta
        (radius of the knob, how far its centre lies left of the midline, its y).
    vertebra
        Half width of a vertebral body in the middle of the chest.
    scoliosis
        (amplitude, phase) of the spine's wave to the sides.
    rib_radius, rib_drop, rib_pitch, rib_start
        Half height of a rib; how steeply ribs fall to the front; distance between neighbours; y of the first.
    bone
        Mineral content against a healthy young adult.
    clavicle
        (y of the inner end below the apex, rise to the outer end).
    scapula
        How far the shoulder blades are turned out of the lungs.
    anatomy_seed
        For everything fine that must look alike in all images of the patient: vessels, texture.
    """

    sex: str
    age: int
    scale: float
    right: Lung
    left: Lung
    heart: Heart
    wall: float
    fat: float
    depth: float
    breast: tuple[float, float, float]
    aorta: tuple[float, float, float]
    vertebra: float
    scoliosis: tuple[float, float]
    rib_radius: float
    rib_drop: float
    rib_pitch: float
    rib_start: float
    bone: float
    clavicle: tuple[float, float]
    scapula: float
    anatomy_seed: int

    @property
    def lungs(self) -> tuple[Lung, Lung]:
        return self.right, self.left


def draw_thorax(rng: np.random.Generator) -> Thorax:
    """A patient out of a broad population: slim and stout, young and old, with lungs and hearts of all sizes."""

    def about(mean: float, spread: float, limit: float = 2.0) -> float:
        return mean + spread * float(np.clip(rng.normal(), -limit, limit))

    female = bool(rng.random() < 0.48)
    age = int(np.clip(rng.normal(55, 18), 18, 89))
    scale = about(0.93 if female else 1.02, 0.045)
    height = about(1.0, 0.09)
    width = about(138, 8)
    top = -LUNG_HEIGHT / 2 * height
    bottom = LUNG_HEIGHT / 2 * height
    roundness = about(2.6, 0.35)
    depth = about(88, 8)
    apex = about(47, 4)
    lungs = []
    right_dome = about(50, 9)
    left_lower = about(11, 6)
    for side in (-1, 1):
        dome = right_dome if side < 0 else right_dome - left_lower * 0.5 + about(0, 3)
        lungs.append(
            Lung(
                side=side,
                top=top + about(0, 3),
                apex=apex + about(0, 2.5),
                width=width + about(0, 3),
                medial=about(19 if side < 0 else 16, 2),
                roundness=roundness,
                depth=depth,
                dome=dome,
                dome_top=bottom - right_dome + about(0, 4) + (left_lower if side > 0 else 0),
            )
        )
    size = about(1.0, 0.11)
    left_dome_top = lungs[1].dome_top
    heart = Heart(
        center=(about(24, 5), left_dome_top - about(33, 6) * size, -25.0),
        long=about(70, 3) * size,
        short=about(53, 3) * size,
        depth=about(50, 4) * size,
        angle=math.radians(about(33, 8)),
        bulge=about(0.07, 0.04),
        waves=(about(0.025, 0.02), rng.uniform(0, 6.28), about(0.012, 0.012), rng.uniform(0, 6.28)),
    )
    stout = float(np.clip(rng.gamma(2.2, 0.5), 0.1, 2.6))
    breast = (0.0, 0.0, 0.0)
    if female:
        breast = (about(64, 8), about(66, 9), about(14, 4) * (0.6 + 0.4 * stout))
    return Thorax(
        sex="F" if female else "M",
        age=age,
        scale=scale,
        right=lungs[0],
        left=lungs[1],
        heart=heart,
        wall=13 + 15 * stout,
        fat=float(np.clip(0.25 + 0.25 * stout + (0.1 if female else 0), 0.2, 0.85)),
        depth=depth + 18 + 14 * stout,
        breast=breast,
        aorta=(about(19 + 0.08 * (age - 50), 2.5), about(22, 3), top + about(80, 5) * height),
        vertebra=about(17, 1.3),
        scoliosis=(about(0, 4), rng.uniform(0, 6.28)),
        rib_radius=about(6.0 if not female else 5.4, 0.5),
        rib_drop=about(1.0, 0.2),
        rib_pitch=0.088 * LUNG_HEIGHT * height * about(1, 0.04),
        rib_start=top + about(4, 4),
        bone=float(np.clip(about(1.08, 0.15) - 0.005 * max(age - 50, 0), 0.6, 1.4)),
        clavicle=(about(34, 7), about(20, 9)),
        scapula=float(rng.uniform(0, 1)),
        anatomy_seed=int(rng.integers(2**31)),
    )
