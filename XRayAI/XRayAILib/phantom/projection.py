"""From a thorax, its pose and its condition to attenuation and shadows, pixel by pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from XRayAILib.phantom import bones, devices, organs
from XRayAILib.phantom.acquisition import Condition, Exposure, Pose
from XRayAILib.phantom.organs import LungShape
from XRayAILib.phantom.shapes import Frame, ellipsoid, tube
from XRayAILib.phantom.thorax import Thorax

# Linear attenuation coefficients in 1/mm near 60 keV, the mean energy of a chest exposure (NIST XCOM, rounded).
SOFT = 0.0200
FAT = 0.0182
INFLATED_LUNG = 0.0056
AIR = 0.0
COMPACT_BONE = 0.0560
SPONGY_BONE = 0.0262
VESSELS = 1.9
"""Each drawn vessel stands for an artery and the vein that runs with it."""


@dataclass(frozen=True)
class Shadows:
    """A projected thorax.

    Attributes
    ----------
    attenuation
        The integral of mu along each ray, float32 (rows, columns).
    right_lung, left_lung, heart, mediastinum
        Boolean (rows, columns): the pixel's centre lies in the structure. The lungs are the fields seen beside heart
        and mediastinum and above the diaphragm.
    """

    attenuation: np.ndarray
    right_lung: np.ndarray
    left_lung: np.ndarray
    heart: np.ndarray
    mediastinum: np.ndarray


def frame_of(thorax: Thorax, pose: Pose, exposure: Exposure) -> Frame:
    """Where the thorax falls on the detector."""
    rows, columns = exposure.shape
    center = (columns / 2 - 0.5 + exposure.offset[0], rows / 2 - 0.5 + exposure.offset[1])
    pixel = exposure.pitch / exposure.magnification / thorax.scale
    return Frame(exposure.shape, pixel, center, pose.tilt, pose.yaw)


def lung_outlines(thorax: Thorax, pose: Pose) -> np.ndarray:
    """Outlines of both lungs at one millimetre per pixel around the origin, (N, 2) as x, y."""
    frame = Frame((1, 1), 1.0, (0.0, 0.0), pose.tilt, pose.yaw)
    return np.concatenate([frame.to_pixels(LungShape(g, pose.inspiration).outline()) for g in thorax.lungs])


def project(frame: Frame, thorax: Thorax, pose: Pose, condition: Condition) -> Shadows:
    """Sum mu times path length over everything that the rays meet."""
    fine = np.random.default_rng(thorax.anatomy_seed)
    chance = np.random.default_rng(condition.seed)
    solid = organs.body(frame, thorax, pose.arms)
    outside = solid <= 0
    heart = organs.heart(frame, thorax, pose.inspiration, pose.heart)
    vessels = organs.great_vessels(frame, thorax, pose.inspiration)
    heart_mask, mediastinum = np.zeros(frame.shape, bool), np.zeros(frame.shape, bool)
    heart.mark(heart_mask)
    middle = np.zeros(frame.shape, np.float32)
    heart.unite_with(middle)
    for patch in vessels:
        patch.mark(mediastinum)
        patch.unite_with(middle)
    density = SOFT + (FAT - SOFT) * thorax.fat * 0.6
    attenuation = np.float32(density) * solid
    for patch in organs.breasts(frame, thorax):
        patch.add_to(attenuation, FAT)
    masks = []
    for lung, haze in zip(thorax.lungs, condition.haze, strict=True):
        shape = LungShape(lung, pose.inspiration)
        path, seen = shape.paths(frame)
        air = np.minimum(np.maximum(path.chord - middle[path.window], 0), solid[path.window])
        filled = _filling(frame, path.window, shape, condition, haze, fine, chance)
        attenuation[path.window] -= air * (np.float32(density - INFLATED_LUNG) * (1 - filled))
        blood = np.zeros(frame.shape, np.float32)
        for points, radii in organs.vessel_tree(fine, thorax, lung):
            tube(frame, points, radii)[0].unite_with(blood)
        # Behind the heart the lung is thin, and so are its vessels.
        vessel = np.minimum(blood[path.window], 0.3 * air) * np.where(heart_mask[path.window], np.float32(0.6), 1)
        attenuation[path.window] += vessel * (np.float32(VESSELS * (SOFT - INFLATED_LUNG)) * (1 - filled))
        mask = np.zeros(frame.shape, bool)
        mask[path.window] = seen
        masks.append(mask & ~heart_mask & ~mediastinum)
    _add_air(frame, attenuation, solid, thorax, condition, density)
    skeleton = bones.Skeleton(frame)
    bones.add_all(skeleton, thorax, pose.arms, 14.0 if pose.view == "AP" else 0.0)
    attenuation += skeleton.compact * np.float32((COMPACT_BONE - SOFT) * thorax.bone)
    attenuation += skeleton.spongy * np.float32((SPONGY_BONE - SOFT) * thorax.bone)
    for nodule in condition.nodules:
        ball = ellipsoid(frame, nodule.center, (nodule.radius,) * 3)
        ball.add_to(attenuation, (SOFT - INFLATED_LUNG) * nodule.density)
    np.maximum(attenuation, 0, out=attenuation)
    attenuation[outside & (skeleton.compact + skeleton.spongy <= 0)] = 0
    attenuation *= np.float32(thorax.scale)
    if condition.catheter:
        for patch, mu in devices.catheter(frame, thorax, condition.catheter, chance):
            patch.add_to(attenuation, mu)
    for patch, mu in devices.leads(frame, thorax, condition.leads, chance) if condition.leads else []:
        patch.add_to(attenuation, mu)
    return Shadows(attenuation, masks[0], masks[1], heart_mask, mediastinum | heart_mask)


def _filling(
    frame: Frame,
    window: tuple[slice, slice],
    shape: LungShape,
    condition: Condition,
    haze: float,
    fine: np.random.Generator,
    chance: np.random.Generator,
) -> np.ndarray:
    """The share of the lung's air, 0..1, that tissue, fluid or disease takes at each pixel of ``window``."""
    x, y = (c[window] for c in frame.coordinates)
    filled = np.float32(haze) + np.float32(0.035) * _texture(frame, window, fine)
    # Blood follows gravity: the bases are denser than the apices.
    filled += np.float32(0.05) * (y - np.float32(shape.lung.top)) / np.float32(260)
    for cloud in condition.opacities:
        if cloud.center[0] * shape.lung.side < 0:
            continue
        cos, sin = np.float32(np.cos(cloud.angle)), np.float32(np.sin(cloud.angle))
        dx, dy = x - np.float32(cloud.center[0]), y - np.float32(cloud.center[1])
        u = (cos * dx + sin * dy) / np.float32(cloud.radii[0])
        v = (cos * dy - sin * dx) / np.float32(cloud.radii[1])
        ragged = 1 + np.float32(0.35) * _texture(frame, window, chance)
        filled += np.float32(cloud.amount) * np.exp(-((u * u + v * v) ** 1.5)) * ragged
    fluid = condition.effusion
    if fluid is not None and fluid.side == shape.lung.side:
        lateral = np.clip(x * np.float32(fluid.side / shape.lung.width), 0, 1)
        surface = np.float32(fluid.level) - np.float32(38) * lateral**4
        filled += np.float32(fluid.amount) / (1 + np.exp(np.clip((surface - y) / np.float32(7), -30, 30)))
    return np.clip(filled, 0, np.float32(0.86))


def _texture(frame: Frame, window: tuple[slice, slice], rng: np.random.Generator) -> np.ndarray:
    """Smooth noise fixed to the thorax, of three grain sizes; mean 0, standard deviation about 1."""
    from scipy.ndimage import map_coordinates

    x, y = (c[window] for c in frame.coordinates)
    total = np.zeros(x.shape, np.float32)
    for grain, weight in ((26.0, 0.8), (9.0, 0.5), (4.0, 0.45)):
        side = int(560 / grain)
        lattice = rng.normal(size=(side, side)).astype(np.float32)
        place = np.stack([(y + 280) / np.float32(grain), (x + 280) / np.float32(grain)])
        total += np.float32(weight) * map_coordinates(lattice, place, order=1, mode="wrap", prefilter=False)
    return total


def _add_air(
    frame: Frame, attenuation: np.ndarray, solid: np.ndarray, thorax: Thorax, condition: Condition, density: float
) -> None:
    """Windpipe and bronchi, gas in stomach and bowel: air in place of tissue."""
    gas = np.zeros(frame.shape, np.float32)
    for points, radii in organs.airway(thorax)[0]:
        tube(frame, points, radii)[0].unite_with(gas)
    for x, y, rx, ry, rz in condition.bubbles:
        ellipsoid(frame, (x, y, -20), (rx, ry, rz)).unite_with(gas)
    attenuation -= np.minimum(gas, solid) * np.float32(density - AIR)
