"""The line about which a body in a radiograph is alike on both sides."""

from __future__ import annotations

import numpy as np

from XRayAILib.pixels.registration import RegistrationError, register
from XRayAILib.pixels.similarity import Similarity


def mirror_of(display: np.ndarray) -> Similarity:
    """The map that takes each side of the body to the other; about the middle of the image where no body is found.

    The image is laid over its own mirror image, so the line may be off the middle and slanted.

    Parameters
    ----------
    display
        Display values (rows, columns), 0..1.
    """
    rows, columns = display.shape
    middle = Similarity.mirror((columns - 1) / 2)
    try:
        over = register(display, display[:, ::-1])
    except RegistrationError:
        return middle
    # Both images are the same one, so what was found of a scale is chance.
    turned = Similarity(angle=over.angle, mirrored=True)
    centre = np.array([[(columns - 1) / 2, (rows - 1) / 2]])
    (shift,) = over.points(middle.points(centre)) - turned.points(centre)
    return Similarity(1.0, over.angle, True, float(shift[0]), float(shift[1]))
