"""What changes from image to image: how the patient stands, what ails him on that day, and how the image is taken."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from XRayAILib.phantom.thorax import Thorax


@dataclass(frozen=True)
class Nodule:
    """A ball in the lung: place as (x, y, z) and radius in millimetres of thorax; density 0..1 of soft tissue."""

    center: tuple[float, float, float]
    radius: float
    density: float


@dataclass(frozen=True)
class Opacity:
    """A cloud in the lung; centre (x, y), radii (x, y), angle in radians; ``amount`` 0..1 of the air replaced."""

    center: tuple[float, float]
    radii: tuple[float, float]
    angle: float
    amount: float


@dataclass(frozen=True)
class Effusion:
    """Fluid at the bottom of one lung (``side`` -1 right, +1 left), up to y = ``level``, higher at the chest wall."""

    side: int
    level: float
    amount: float


@dataclass(frozen=True)
class Condition:
    """What is in the thorax on the day of the image.

    Attributes
    ----------
    haze
        Share of the air that is lost all over the right and the left lung.
    catheter
        0 for none, otherwise its way: see ``devices.catheter``.
    leads
        Number of monitoring electrodes.
    bubbles
        Gas in stomach and bowel: (x, y, rx, ry, rz) in millimetres.
    seed
        For what is drawn at random while projecting.
    """

    nodules: tuple[Nodule, ...]
    opacities: tuple[Opacity, ...]
    effusion: Effusion | None
    haze: tuple[float, float]
    catheter: int
    leads: int
    bubbles: tuple[tuple[float, float, float, float, float], ...]
    seed: int


@dataclass(frozen=True)
class Pose:
    """How the patient stands.

    Attributes
    ----------
    view
        "PA" or "AP".
    tilt, yaw
        Turns within the picture and about the long axis, radians.
    inspiration
        Millimetres that the diaphragm stays above its place in full inspiration.
    heart
        How much larger the heart's shadow is than in the PA view.
    arms
        Angle of the upper arms from the body, radians.
    """

    view: str
    tilt: float
    yaw: float
    inspiration: float
    heart: float
    arms: float


@dataclass(frozen=True)
class Exposure:
    """How the image is taken and stored.

    Attributes
    ----------
    shape
        (rows, columns).
    pitch
        Millimetres per pixel at the detector.
    magnification
        Size at the detector against that in the patient.
    offset
        (x, y) in pixels from the picture's middle to where the origin of the thorax falls.
    kvp
        Tube voltage.
    counts
        X-ray quanta per pixel in the open beam.
    hardness
        Factor on the attenuation of everything: lower for a higher tube voltage.
    scatter
        Scattered quanta as a share of all, on average.
    blur
        Standard deviation of the detector's blur, pixels.
    equalisation
        Share of the coarse brightness that the machine takes out.
    window
        Two percentiles of the body's picture that become black and white.
    field
        Exposed part: (left, top, right, bottom) in pixels, and ``field_angle``; ``field_black`` paints the rest black.
    inverted
        Stored as MONOCHROME1.
    calibration
        "calibrated", "detector" (only ImagerPixelSpacing) or "equal" (both, the same).
    marker
        "R", "L" or nothing.
    """

    shape: tuple[int, int]
    pitch: float
    magnification: float
    offset: tuple[float, float]
    kvp: int
    counts: float
    hardness: float
    scatter: float
    blur: float
    equalisation: float
    window: tuple[float, float]
    field: tuple[float, float, float, float]
    field_angle: float
    field_black: bool
    inverted: bool
    calibration: str
    marker: str
    seed: int


def draw_pose(rng: np.random.Generator) -> Pose:
    """A patient on his feet (PA), or in bed (AP): turned more, breathing in less, heart nearer to the source."""
    lying = bool(rng.random() < 0.28)
    loose = 1.5 if lying else 1.0
    return Pose(
        view="AP" if lying else "PA",
        tilt=math.radians(float(np.clip(rng.normal(0, 3.6 * loose), -13, 13))),
        yaw=math.radians(float(np.clip(rng.normal(0, 3.0 * loose), -9, 9))),
        inspiration=float(rng.uniform(8, 48) if lying else rng.uniform(0, 32)),
        heart=float(rng.uniform(1.06, 1.16) if lying else rng.uniform(0.97, 1.05)),
        arms=math.radians(float(rng.uniform(4, 30))),
    )


def draw_condition(rng: np.random.Generator, thorax: Thorax, pose: Pose, older: tuple[Nodule, ...]) -> Condition:
    """What ails the patient; nodules that an earlier image had are there again, a little larger."""
    nodules = [Nodule(n.center, n.radius * rng.uniform(1.0, 1.25), n.density) for n in older]
    if not nodules and rng.random() < 0.26:
        nodules = [_nodule(rng, thorax) for _ in range(1 + int(rng.random() < 0.25))]
    opacities = []
    if rng.random() < 0.30:
        for _ in range(int(rng.integers(1, 4))):
            lung = thorax.lungs[int(rng.integers(2))]
            x = lung.side * rng.uniform(0.45, 0.95) * lung.width
            y = lung.top + rng.uniform(0.2, 0.9) * (lung.dome_top + 20 - lung.top)
            radii = (rng.uniform(18, 48), rng.uniform(18, 55))
            opacities.append(Opacity((x, y), radii, rng.uniform(0, 3.14), rng.uniform(0.12, 0.5)))
    effusion = None
    if rng.random() < 0.16:
        lung = thorax.lungs[int(rng.integers(2))]
        level = lung.dome_top + lung.dome - pose.inspiration - rng.uniform(30, 110)
        effusion = Effusion(lung.side, level, rng.uniform(0.3, 0.62))
    bubbles = []
    if rng.random() < 0.6:
        left = thorax.left
        r = rng.uniform(14, 40)
        y = left.dome_top - pose.inspiration + r * 0.7 + rng.uniform(9, 18)
        bubbles.append((rng.uniform(50, 90), y, r * rng.uniform(1.0, 1.5), r * 0.7, r * 1.2))
    for _ in range(int(rng.integers(0, 5))):
        y = thorax.left.dome_top + thorax.left.dome + rng.uniform(25, 120)
        r = rng.uniform(10, 26)
        bubbles.append((rng.uniform(-120, 120), y, r * rng.uniform(0.8, 1.6), r * rng.uniform(0.7, 1.0), r))
    in_bed = pose.view == "AP"
    return Condition(
        nodules=tuple(nodules),
        opacities=tuple(opacities),
        effusion=effusion,
        haze=(float(rng.gamma(1.4, 0.045)), float(rng.gamma(1.4, 0.045))),
        catheter=int(rng.integers(1, 4)) if rng.random() < (0.55 if in_bed else 0.07) else 0,
        leads=int(rng.integers(2, 4)) if rng.random() < (0.6 if in_bed else 0.05) else 0,
        bubbles=tuple(bubbles),
        seed=int(rng.integers(2**31)),
    )


def _nodule(rng: np.random.Generator, thorax: Thorax) -> Nodule:
    """Well inside a lung, clear of heart and diaphragm, so that its shadow is seen."""
    lung = thorax.lungs[int(rng.integers(2))]
    radius = float(rng.uniform(6, 15))
    height = lung.dome_top - 48 - lung.top
    y = lung.top + rng.uniform(0.22, 1.0) * height
    x = lung.side * rng.uniform(0.55, 0.82) * lung.width
    return Nodule((float(x), float(y), float(rng.uniform(-30, 40))), radius, float(rng.uniform(0.8, 1.1)))


def draw_exposure(
    rng: np.random.Generator, thorax: Thorax, pose: Pose, size: tuple[int, int], borders: np.ndarray
) -> Exposure:
    """A detector upright, across or square; the lungs anywhere on it, small or filling it; collimated or not.

    Parameters
    ----------
    size
        (rows, columns) of the upright detector.
    borders
        Outline of both lungs as it falls on the detector for one millimetre per pixel and the origin at (0, 0);
        (N, 2) as x, y.
    """
    rows, columns = size
    side = round((rows + columns) / 2)
    shape = [(rows, columns), (columns, rows), (side, side)][int(rng.choice(3, p=[0.5, 0.15, 0.35]))]
    low, high = borders.min(0), borders.max(0)
    extent = high - low
    room = np.array([shape[1], shape[0]], float)
    fill = rng.uniform(0.64, 0.97)
    pitch_thorax = float((extent / room).max() / fill)
    spare = room - extent / pitch_thorax
    place = np.array([rng.uniform(0.02, 0.98), rng.beta(1.6, 2.4)]) * spare
    offset = place - low / pitch_thorax - room / 2
    magnification = float(rng.uniform(1.1, 1.22) if pose.view == "AP" else rng.uniform(1.04, 1.12))
    collimated = bool(rng.random() < 0.55)
    field = [-4.0, -4.0, room[0] + 4, room[1] + 4]
    if collimated:
        edges = [place[0], place[1], room[0] - spare[0] + place[0], room[1] - spare[1] + place[1]]
        for i in range(4):
            gap = abs(edges[i] - field[i])
            kept = rng.uniform(0.12, 1.0) * gap + 0.012 * side
            field[i] = edges[i] - kept if i < 2 else edges[i] + kept
    return Exposure(
        shape=shape,
        pitch=pitch_thorax * thorax.scale * magnification,
        magnification=magnification,
        offset=(float(offset[0]), float(offset[1])),
        kvp=int(rng.integers(85, 100) if pose.view == "AP" else rng.integers(105, 130)),
        counts=float(10 ** rng.uniform(3.6, 4.7)),
        hardness=float(rng.uniform(0.86, 1.1)),
        scatter=float(rng.uniform(0.3, 0.55) if pose.view == "AP" else rng.uniform(0.12, 0.42)),
        blur=float(rng.uniform(0.5, 0.9)),
        equalisation=float(rng.uniform(0.1, 0.65)),
        window=(float(rng.uniform(1, 9)), float(rng.uniform(92, 99.6))),
        field=(float(field[0]), float(field[1]), float(field[2]), float(field[3])),
        field_angle=math.radians(float(rng.normal(0, 1.2))) if collimated else 0.0,
        field_black=bool(rng.random() < 0.5),
        inverted=bool(rng.random() < 0.35),
        calibration=str(rng.choice(["calibrated", "detector", "equal"])),
        marker=str(rng.choice(["R", "R", "L", ""])),
        seed=int(rng.integers(2**31)),
    )
