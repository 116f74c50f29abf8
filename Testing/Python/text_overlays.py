"""Names, numbers, dates and hospitals burned into radiographs, by seed, with the pixels that they cover."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

KINDS = ("upright", "rotated 90", "rotated 180", "rotated 270", "small angle", "mirrored", "low contrast", "over bone")

FOLDERS = ("chest-segmentation/images", "chest-boxes/images", "cephalometric-landmarks/images")
"""Of the real images, those that are taken whole."""

_SURNAMES = ["MUELLER", "O'Brien", "Kowalska", "GARCIA-LOPEZ", "Nguyen", "SMITH", "Jansen", "Rossi", "ANDERSSON"]
_SURNAMES += ["Haddad", "Okafor", "WEBER"]
_FORENAMES = ["Anna", "JOHN", "Maria", "Piotr", "LUCIA", "Minh", "Eva", "THOMAS", "Sofia", "Omar", "CHIDI", "Heinz"]
_HOSPITALS = (
    "St. Mary's Hospital",
    "UNIVERSITY CLINIC",
    "General Hospital Radiology",
    "Klinikum Nord",
    "Ospedale Civile",
    "CITY MEDICAL CENTRE",
)


@dataclass(frozen=True, eq=False)
class Overlay:
    """One burned-in line of text.

    Attributes
    ----------
    text, kind, height
        What was written, one of :data:`KINDS`, and how tall a capital letter is, in pixels.
    ink
        (N, 2) rows and columns of the pixels that the letters cover, where that can be seen.
    """

    text: str
    kind: str
    height: float
    ink: np.ndarray

    def covered(self, regions: list) -> float:
        """The part of the ink that lies within the regions, 0..1."""
        rows, columns = self.ink.T
        inside = np.zeros(len(rows), bool)
        for r in regions:
            inside |= (columns >= r.left) & (columns < r.right) & (rows >= r.top) & (rows < r.bottom)
        return float(inside.mean())


def images(data: Path) -> dict[str, list[Path]]:
    """The images by folder; of the 400 of one size every fourth, and each DICOM file with an image of its own."""
    files = {folder: sorted((data / folder).glob("*.png")) for folder in FOLDERS}
    files["chest-classification/images"] = sorted((data / "chest-classification/images").glob("*.png"))[::4]
    files["dicom"] = [data / "dicom" / f"{name}.dcm" for name in ("RG1_J2KI", "RG2_RLE", "RG3_RLE", "rsna_cxr")]
    return files


def display_of(path: Path) -> np.ndarray:
    """(rows, columns), 0 black to 1 white."""
    if path.suffix == ".dcm":
        from XRayAILib.dicom.radiograph import read_radiograph

        return read_radiograph(path).display()
    from PIL import Image

    return np.asarray(Image.open(path).convert("L"), np.float32) / 255


def seeded_overlay(files: list[Path], number: int, seed: int = 2026) -> tuple[np.ndarray, Overlay]:
    """The image with the overlay of this number; its kind goes by the number."""
    random = np.random.default_rng((seed, number))
    while True:
        burned, overlay = burn_in(display_of(files[random.integers(len(files))]), KINDS[number % len(KINDS)], random)
        if len(overlay.ink) > 20:  # white on white cannot be seen by anybody
            return burned, overlay


def burn_in(display: np.ndarray, kind: str, random: np.random.Generator) -> tuple[np.ndarray, Overlay]:
    """A copy of a radiograph (rows, columns; 0 black to 1 white) with one line of text of that kind burned in."""
    coverage, text, height = _drawn(display.shape, kind, random)
    top, left = _place(display, coverage.shape, kind, random)
    window = np.s_[top : top + coverage.shape[0], left : left + coverage.shape[1]]
    under = display[window]
    burned = display.copy()
    burned[window] = under + coverage * (_grey(under, coverage > 0.5, kind, random) - under)
    visible = (coverage > 0.5) & (np.abs(burned[window] - under) > 0.04)
    ink = np.argwhere(visible) + np.array([top, left])
    return burned, Overlay(text, kind, height, ink)


def text_of_a_patient(random: np.random.Generator) -> str:
    """A name, a number, a date or a hospital, as stations write them."""
    name = f"{random.choice(_SURNAMES)}, {random.choice(_FORENAMES)}"
    date = f"{random.integers(1920, 2024)}-{random.integers(1, 13):02d}-{random.integers(1, 29):02d}"
    german = f"{random.integers(1, 29):02d}.{random.integers(1, 13):02d}.{random.integers(1920, 2024)}"
    number = str(random.integers(10**6, 10**9))
    choices = (
        name,
        name.replace(",", "^").replace("^ ", "^"),
        f"{name} *{german}",
        date,
        f"DOB: {german}",
        f"{german} {random.integers(0, 24):02d}:{random.integers(0, 60):02d}",
        f"ID {number}",
        number,
        f"MRN {number[:3]}-{number[3:]}",
        str(random.choice(_HOSPITALS)),
    )
    return str(random.choice(choices))


def _drawn(shape: tuple[int, ...], kind: str, random: np.random.Generator) -> tuple[np.ndarray, str, float]:
    """Coverage (rows, columns) 0..1 of a line turned as its kind says, the text, the height of its capitals."""
    from PIL import Image, ImageDraw

    across = shape[0] if kind in ("rotated 90", "rotated 270") else shape[1]
    text = text_of_a_patient(random)
    # Small writing is the usual one; at most a fifteenth of the image.
    height = float(np.exp(random.uniform(np.log(10), np.log(max(12, min(80, max(shape) / 15))))))
    while True:
        font = _font(random.integers(0, 1 << 30), height)
        left, top, right, bottom = font.getbbox(text)
        if right - left < 0.85 * across:
            break
        if height <= 10:
            if len(text) <= 6:
                raise ValueError(f"An image of {shape} pixels has no room for text.")
            text = text[: max(6, int(len(text) * 0.8))]
        height = max(10.0, height * 0.8)
    picture = Image.new("L", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(picture).text((2 - left, 2 - top), text, fill=255, font=font)
    angle = {"rotated 90": 90, "rotated 180": 180, "rotated 270": 270}.get(kind, 0)
    if kind == "small angle":
        angle = random.choice((-1, 1)) * random.uniform(1, 10)
    if angle:
        picture = picture.rotate(angle, Image.Resampling.BICUBIC, expand=True)
    coverage = np.asarray(picture, np.float32) / 255
    if kind == "mirrored":
        coverage = coverage[:, ::-1]
    rows, columns = (min(a, b) for a, b in zip(coverage.shape, shape, strict=True))
    return coverage[:rows, :columns], text, height


def _font(seed: int, height: float):
    """A font whose capitals are ``height`` pixels tall: those that matplotlib and Pillow bring with them."""
    import matplotlib
    from PIL import ImageFont

    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    names = ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSerif", "STIXGeneral", "")
    name = names[seed % len(names)]

    def load(size: float):
        return ImageFont.truetype(str(folder / f"{name}.ttf"), size) if name else ImageFont.load_default(size)

    top, bottom = load(100).getbbox("H")[1::2]
    return load(height * 100 / (bottom - top))


def _place(display: np.ndarray, shape: tuple[int, ...], kind: str, random: np.random.Generator) -> tuple[int, int]:
    """Row and column of the upper left corner: at an edge as stations do, or for "over bone" where it is brightest."""
    rows, columns = (a - b for a, b in zip(display.shape, shape, strict=True))
    if kind == "over bone":
        places = [(int(random.integers(0, rows + 1)), int(random.integers(0, columns + 1))) for _ in range(40)]

        def bone(place: tuple[int, int]) -> float:
            window = display[place[0] : place[0] + shape[0], place[1] : place[1] + shape[1]]
            return float(np.median(window) + window.std()) if window.max() < 0.98 or np.median(window) < 0.9 else 0.0

        return max(places, key=bone)
    if random.random() < 0.5:
        return int(random.integers(0, rows + 1)), int(random.integers(0, columns + 1))
    margin = int(random.integers(2, 20))
    edges = (min(margin, rows), max(0, rows - margin)), (min(margin, columns), max(0, columns - margin))
    return edges[0][random.integers(0, 2)], edges[1][random.integers(0, 2)]


def _grey(under: np.ndarray, ink: np.ndarray, kind: str, random: np.random.Generator) -> float:
    """The grey of the letters: white or black where that stands out, or near to what is below for "low contrast"."""
    below = float(np.median(under[ink]))
    step = random.uniform(0.12, 0.25) if kind == "low contrast" else random.uniform(0.4, 1.0)
    brighter = below < 0.5 if kind != "over bone" or below < 0.35 or below > 0.65 else random.random() < 0.5
    return float(np.clip(below + (step if brighter else -step), 0, 1))
