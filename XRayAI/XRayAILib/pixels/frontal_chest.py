"""How much an image looks like a frontal chest radiograph, upright and in the right polarity.

Two dark lungs beside a bright mediastinum, over a bright abdomen, make a coarse pattern that nearly every frontal chest
shows, whoever the patient and whatever the detector. It is compared with the mean of computed chests (``phantom``),
so no patient's image went into it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cache

import numpy as np

CHEST = 0.35
"""Score from which on an image is taken for a frontal chest. Of 625 real ones 97 in 100 have more; of 80 skulls, a hip,
a leg and a dog's thorax, upright or turned, the largest has 0.36."""
EDGE = 24
"""Rows and columns of the pattern."""
REDUCED, PART = 256, 0.8

_PATTERN = (
    "GcGPNH#|d3R9aqOU|m;FNJ2X{GA}PPG%`0nL`qOuVrXn`ZEIs(S5izxKR7frK0-}ZTV7yhZ+Crwe|&RoXJ%tvR!v1iN>X5GX=!V2"
    "cY}+Ljfj4Ca&B>NXkAlJS7C5;adB^Qe2bQvmym;cb#!%kc5Pu<VsCzacyw`devqG~qnL?*dU$z#e|c<RY<q@+cyexYfR(7OtDua4"
    "dU<<-g@JWua)5?>acXIBewM7Xv89iGc5-%pgoAr*aC?4nW?^D&eVDMhwWyGKZD?$Ae13RsYIJpETwPvgdY7`kx~-IZYhPbwad&fR"
    "V{B|(Q&w4JcbK)oz_XZsYF$}eWo>L_Uu9uZPEl53cbT`w$Gf70ZeCMVT4QBlT47j9NKRB?cbvS-%)zRTc4JmiQCMJHSX@y@NKsm7"
    "e4)Y5(#f`*gKb+-OHf)^S6NL*PFZAgiK@la*wMhJj&@^IN=sK)RaH+-Rby^`mbA;)+ttUjoP};%O-WK!R8vt>Uv7Gdp}f-E-r35x"
    "q>g%KRZCG;Q&d-5X?lp3slnFY;M&c-t(t>xT~kn1Q&V4QdX1f{y35<*<lfZBx~Y?VW>-^IQ&?nigPEzf!_V5^-rCa1zObB!ab8tb"
    "P+DwyjH0r@%hcN5-PqB`ysx2-cx72rR9<j^k)yJ{$kEo>+11U&xv;00gl=I~RAP06kDsl#z{ktZ&&<WWwXLO@h<0RDS!jBPl%lS;"
    "zs1PO%E!XIwy>z2jD2oe"
)
"""Mean rank of the grey at each place of 120 phantoms (``make_phantoms`` with seed 5), 0..255, row by row, base 85."""


def chest_score(display: np.ndarray) -> float:
    """Likeness to an upright frontal chest, about -1 (its negative) over 0 (something else) to 1.

    The mean of the whole image's score and of that of the part that says most, because collimation and position vary.
    Each is the geometric mean of two correlations: one with the grey pattern, and one with the pattern without its
    smooth gradients, because a limb or a hip has such gradients too. Where they disagree in sign it is 0.

    Parameters
    ----------
    display
        Display values (rows, columns), 0 black to 1 white.
    """
    return turned_scores(display)[0]


def turned_scores(display: np.ndarray) -> tuple[float, float, float, float]:
    """:func:`chest_score` of the image as it is and turned by 90, 180 and 270 degrees counterclockwise."""
    patterns = [coarse(part, EDGE) for part in _parts(_reduced(display))]
    scores = np.array([[_score(np.rot90(pattern, turns)) for turns in range(4)] for pattern in patterns])
    first, second, third, fourth = ((scores[0] + scores[abs(scores).argmax(axis=0), range(4)]) / 2).tolist()
    return first, second, third, fourth


def _reduced(display: np.ndarray) -> np.ndarray:
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(display, np.float32))
    picture.thumbnail((REDUCED, REDUCED), Image.Resampling.BOX)
    return np.asarray(picture)


def _parts(image: np.ndarray) -> Iterator[np.ndarray]:
    """The image, and its parts of :data:`PART` of the width and height at the corners, sides and in the middle."""
    yield image
    rows, columns = (max(1, int(PART * n)) for n in image.shape)
    for y in (0.0, 0.5, 1.0):
        for x in (0.0, 0.5, 1.0):
            top, left = int(y * (image.shape[0] - rows)), int(x * (image.shape[1] - columns))
            yield image[top : top + rows, left : left + columns]


def coarse(display: np.ndarray, edge: int) -> np.ndarray:
    """The image as (edge, edge) ranks of its mean greys, -0.5 to 0.5, so that windowing hardly changes it.

    Equal greys get their mean rank. A flat image gives zeros.
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(display, np.float32))
    # Box: each cell is the mean of what it covers, whatever the size of the image.
    small = np.asarray(picture.resize((edge, edge), Image.Resampling.BOX))
    _, place, count = np.unique(small.ravel(), return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count + 1) / 2
    return (rank[place.reshape(-1)].reshape(edge, edge) / (edge * edge - 1) - 0.5).astype(np.float32)


def _score(image: np.ndarray) -> float:
    weights, smooth, pattern, detail = _model()
    plain = _correlation(image - np.average(image, weights=weights), pattern, weights)
    without = _correlation(_residual(image, weights, smooth), detail, weights)
    if plain * without <= 0:
        return 0.0
    return float(np.copysign(np.sqrt(plain * without), plain))


def _correlation(first: np.ndarray, second: np.ndarray, weights: np.ndarray) -> float:
    length = float((weights * first**2).sum() * (weights * second**2).sum())
    return float((weights * first * second).sum()) / length**0.5 if length > 1e-12 else 0.0


def _residual(image: np.ndarray, weights: np.ndarray, smooth: np.ndarray) -> np.ndarray:
    """The image without the quadratic surface that fits it best."""
    root = np.sqrt(weights).ravel()
    surface, *_ = np.linalg.lstsq(smooth * root[:, None], image.ravel() * root, rcond=None)
    left: np.ndarray = (image.ravel() - smooth @ surface).reshape(image.shape)
    return left


@cache
def _model() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weights of the cells, the terms of a quadratic surface (cells, 6), the pattern, and its residual."""
    y, x = np.mgrid[-1 : 1 : EDGE * 1j, -1 : 1 : EDGE * 1j]
    # The border shows what the collimator and the detector's size leave, not the chest.
    weights = np.clip(2.6 - 2 * np.maximum(abs(x), abs(y)), 0, 1)
    smooth = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values = np.frombuffer(base64.b85decode(_PATTERN), np.uint8).reshape(EDGE, EDGE) / 255.0
    pattern = values - np.average(values, weights=weights)
    return weights, smooth, pattern, _residual(pattern, weights, smooth)
