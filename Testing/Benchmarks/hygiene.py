"""How often the rules of hygiene that look at pixels are right: false marks, and seeded defects seen.

    XRAYAI_TEST_DATA=FOLDER python Testing/Benchmarks/hygiene.py [--every N] [--text N] [--images N]

The thresholds of polarity and turn were chosen with these images at hand; the pattern of a chest comes from phantoms
only. Nobody looked up whether a mark on an unchanged image is false: what is marked as turned is named.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "XRayAI"))

from XRayAILib.dicom.errors import UnreadableError
from XRayAILib.dicom.radiograph import read_radiograph
from XRayAILib.pixels.exposure import LARGEST_SHARE, clipped_shares, is_constant
from XRayAILib.pixels.likeness import BITS, alike, fingerprint
from XRayAILib.pixels.orientation import turned_chest
from XRayAILib.pixels.polarity import polarity
from XRayAILib.project.examination import examine

FOLDERS = ("chest-segmentation", "chest-boxes", "chest-classification", "cephalometric-landmarks", "dicom")
NEGATIVES = ("Fake_MONOHR1.dcm",)
"""Files of the data that are known to be wrong."""


def shown_images(folder: Path, every: int) -> dict[str, np.ndarray]:
    """Display values of the real images, at most 1024 pixels long so that all of them fit into memory."""
    found = {}
    for name in FOLDERS:
        place = folder / name if name == "dicom" else folder / name / "images"
        for path in sorted(p for p in place.iterdir() if p.suffix in (".png", ".dcm"))[::every]:
            try:
                shown = read_radiograph(path).display()
            except UnreadableError:  # the SEG among the DICOM files
                continue
            step = max(1, -(-max(shown.shape) // 1024))
            rows, columns = (n // step for n in shown.shape)
            reduced = shown[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))
            found[f"{name}/{path.name}"] = reduced.astype(np.float32)
    return found


def copies_of(shown: np.ndarray) -> dict[str, np.ndarray]:
    """Copies as they occur: turned, mirrored, inverted, windowed, rescaled, compressed, cropped."""
    picture = Picture.fromarray((np.clip(shown, 0, 1) * 255).astype(np.uint8))
    low, high = np.percentile(shown, (5, 95))
    squeezed = io.BytesIO()
    picture.save(squeezed, "JPEG", quality=30)
    rows, columns = shown.shape
    small = picture.resize((max(64, columns * 2 // 5), max(64, rows * 2 // 5)), Picture.Resampling.BILINEAR)
    return {
        "copy, turned by 90 degrees": np.rot90(shown),
        "copy, mirrored and inverted": 1 - shown[:, ::-1],
        "copy, other window": np.clip((shown - low) / max(high - low, 1e-6), 0, 1),
        "copy, gamma 1.8": np.clip(shown, 0, 1) ** 1.8,
        "copy, two fifths of the size": np.asarray(small, np.float32) / 255,
        "copy, made square": np.asarray(picture.resize((256, 256)), np.float32) / 255,
        "copy, JPEG quality 30": np.asarray(Picture.open(squeezed), np.float32) / 255,
        "copy, 2 % cropped on each side": shown[rows // 50 : -(rows // 50), columns // 50 : -(columns // 50)],
    }


def rates(images: dict[str, np.ndarray]) -> Table:
    """False marks on the images as they are, and hits on what is seeded in each of them."""
    table = Table(title=f"{len(images)} real radiographs", title_justify="left", box=None, pad_edge=False)
    for column in ("Rule", "What", "Images", "Marked", "Rate"):
        table.add_column(column, justify="left" if column in ("Rule", "What") else "right")

    def count(rule: str, what: str, chosen: dict[str, np.ndarray], marked: Callable[[np.ndarray], bool]) -> list[str]:
        found = [name for name, shown in chosen.items() if marked(shown)]
        table.add_row(rule, what, str(len(chosen)), str(len(found)), f"{len(found) / len(chosen):.1%}")
        return found

    right = {name: shown for name, shown in images.items() if not name.endswith(NEGATIVES)}
    wrong = {name: shown for name, shown in images.items() if name.endswith(NEGATIVES)}
    chests = {name: shown for name, shown in right.items() if name.startswith("chest") or "cxr" in name}
    others = {name: shown for name, shown in right.items() if name not in chests}
    count("polarity", "unchanged (false marks)", right, lambda shown: polarity(shown).negative)
    if wrong:
        count("polarity", "Fake_MONOHR1", wrong, lambda shown: polarity(shown).negative)
    count("polarity", "inverted, chests", chests, lambda shown: polarity(1 - shown).negative)
    count("polarity", "inverted, others", others, lambda shown: polarity(1 - shown).negative)
    turned = count("orientation", "unchanged chests", chests, lambda shown: bool(turned_chest(shown)))
    count("orientation", "unchanged, others (false marks)", others, lambda shown: bool(turned_chest(shown)))
    for turns, name in ((1, "90"), (2, "180"), (3, "270")):
        count(
            "orientation",
            f"chests turned by {name} degrees",
            chests,
            lambda s, n=turns: bool(turned_chest(np.rot90(s, n))),
        )

    def clipped(stored: np.ndarray) -> bool:
        return max(clipped_shares(stored, inverted=False)) > LARGEST_SHARE

    grey = {name: (shown * 4095).astype(np.uint16) for name, shown in right.items()}
    count("clipped", "unchanged", grey, clipped)
    count(
        "clipped",
        "brightest third cut off",
        grey,
        lambda s: clipped(np.minimum(s, np.percentile(s, 67)).astype(np.uint16)),
    )
    count("empty", "unchanged (false marks)", grey, is_constant)
    _count_copies(table, right)
    if turned:
        table.caption = "Marked as turned though unchanged: " + ", ".join(turned)
    return table


def _form(name: str) -> str:
    """What the forms of one image have in common: RG2_RLE.dcm and RG2_JPLY.dcm, or a picture in two folders."""
    file = Path(name).name
    return file[:3] if file.startswith("RG") else file


def _count_copies(table: Table, images: dict[str, np.ndarray]) -> None:
    names = list(images)
    prints = [fingerprint(shown) for shown in images.values()]
    pairs = [(names[pair.first], names[pair.second]) for pair in alike(prints)]
    same = sum(_form(first) == _form(second) for first, second in pairs)
    total = len(names) * (len(names) - 1) // 2
    table.add_row(
        "near-duplicate", f"pairs found; {same} of them are one image in two forms", str(total), str(len(pairs)), ""
    )
    sample = names[:: max(1, len(names) // 60)]
    hits: Counter[str] = Counter()
    false = 0
    for name in sample:
        changed = copies_of(images[name])
        found = list(alike([*prints, *(fingerprint(copy) for copy in changed.values())]))
        for place, what in enumerate(changed, len(names)):
            partners = {names[pair.first] for pair in found if pair.second == place and pair.first < len(names)}
            # One of several forms of an image stands for all of them.
            hits[what] += any(_form(partner) == _form(name) for partner in partners)
            false += sum(_form(partner) != _form(name) for partner in partners)
    for what, hit in hits.items():
        table.add_row("near-duplicate", what, str(len(sample)), str(hit), f"{hit / len(sample):.1%}")
    table.add_row("near-duplicate", "false partners of these copies", str(len(sample) * len(hits)), str(false), "")


def whole_examination(folder: Path, every: int) -> Table:
    """Marks of every rule on some of the real files, and the time per image."""
    paths = [path for name in FOLDERS for path in sorted((folder / name).rglob("*")) if path.suffix in (".png", ".dcm")]
    paths = [path for path in paths if "masks" not in path.parts][::every]
    counts: Counter[str] = Counter()
    seconds = []
    for path in paths:
        begun = time.monotonic()
        try:
            counts.update(examine(path).marks.keys())
        except UnreadableError:
            continue
        seconds.append(time.monotonic() - begun)
    low, middle, high = np.percentile(seconds, (10, 50, 90))
    title = f"Every rule on {len(seconds)} files, {middle:.2f} s an image ({low:.2f} to {high:.2f} s)"
    table = Table("Rule", "Images marked", title=title, title_justify="left", box=None, pad_edge=False, min_width=72)
    for rule, count in counts.most_common():
        table.add_row(rule, str(count))
    return table


def many(count: int) -> str:
    """Comparing so many images, made of independent bits with 100 seeded copies."""
    rng = np.random.default_rng(1)
    packed = np.concatenate([np.packbits(rng.random((1000, BITS)) < 0.5, axis=1) for _ in range(count // 1000)])
    seeded = np.unpackbits(packed[:100], axis=1, count=BITS) ^ (rng.random((100, BITS)) < 0.08)
    packed[-100:] = np.packbits(seeded, axis=1)
    begun = time.monotonic()
    found = sum(1 for _ in alike([row.tobytes() for row in packed]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = time.monotonic() - begun
    return f"{count:,} images compared in {seconds:.1f} s; {found} of 100 seeded copies; peak {peak:.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, help="take every N-th image")
    parser.add_argument("--text", type=int, default=20, help="run all rules on every N-th file")
    parser.add_argument("--images", type=int, default=100_000, help="how many images are compared")
    arguments = parser.parse_args()
    folder = os.environ.get("XRAYAI_TEST_DATA")
    if not folder:
        sys.exit("XRAYAI_TEST_DATA is not set: it names the folder of real radiographs")
    console = Console(width=120)
    console.print(many(arguments.images))
    console.print(rates(shown_images(Path(folder), arguments.every)))
    console.print(whole_examination(Path(folder), arguments.text))


if __name__ == "__main__":
    main()
