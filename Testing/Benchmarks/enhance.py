"""Enhancement, measured: the time of each step beside other libraries, the preview, two devices made alike, and crops.

    python Testing/Benchmarks/enhance.py [--size 3000] [--runs 3]

Prints tables. The image is a phantom; where XRAYAI_TEST_DATA names the folder of real radiographs, devices and crops
are measured on those.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Picture

HOME = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(HOME / "XRayAI"), str(HOME / "Testing" / "Python")]

from XRayAILib.dicom.radiograph import read_radiograph  # noqa: E402
from XRayAILib.phantom.collection import make_phantoms  # noqa: E402
from XRayAILib.pixels import histogram, steps  # noqa: E402
from XRayAILib.pixels.collimation import collimation_border  # noqa: E402
from XRayAILib.pixels.enhance import PRESETS, Enhancement, exposed_part  # noqa: E402
from XRayAILib.pixels.resample import block_means  # noqa: E402

Call = Callable[[], object]


def chest(size: int) -> np.ndarray:
    """The display values of a phantom with fine noise, float32 (size, size)."""
    with tempfile.TemporaryDirectory() as folder:
        phantom = make_phantoms(Path(folder), 1, seed=3, size=(600, 600))[0]
        small = read_radiograph(phantom.path).display()
    grown = np.asarray(Picture.fromarray(small).resize((size, size), Picture.Resampling.BICUBIC))
    noise = np.random.default_rng(0).normal(0, 0.01, grown.shape)
    return np.clip(grown + noise, 0, 1).astype(np.float32)


def seconds(call: Call, runs: int) -> tuple[float, float, float]:
    """Median, fastest and slowest."""
    call()
    taken = []
    for _run in range(runs):
        begun = time.perf_counter()
        call()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken), min(taken), max(taken)


def ours(image: np.ndarray) -> dict[str, Call]:
    reference = tuple(float(v) for v in histogram.quantiles(image**0.7))
    kinds = [steps.Histogram(1.0, reference) if kind is steps.Histogram else kind() for kind in steps.STEPS]
    calls: dict[str, Call] = {step.kind: (lambda step=step: step.apply(image, None)) for step in kinds}
    calls["collimation"] = lambda: exposed_part(image)
    return calls


def peers(image: np.ndarray) -> dict[str, dict[str, Call]]:
    """The same operation in other libraries, or the nearest that they have."""
    import SimpleITK as sitk
    import torch
    from monai import transforms
    from skimage import exposure, filters, transform

    torch.set_num_threads(1)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    itk, tensor, other = sitk.GetImageFromArray(image), torch.from_numpy(image)[None], image**0.7
    itk_other = sitk.GetImageFromArray(other)
    side = max(image.shape) // 8
    percentiles = transforms.ScaleIntensityRangePercentiles(0.5, 99.5, 0.0, 1.0, clip=True)
    return {
        "percentiles": {
            "scikit-image": lambda: exposure.rescale_intensity(
                image, tuple(np.percentile(image, (0.5, 99.5))), (0.0, 1.0)
            ),
            "MONAI": lambda: percentiles(tensor),
        },
        "histogram": {
            "scikit-image": lambda: exposure.match_histograms(image, other),
            "SimpleITK": lambda: sitk.HistogramMatching(itk, itk_other, 256, 101, False),
        },
        "clahe": {"scikit-image": lambda: exposure.equalize_adapthist(image, (side, side), clip_limit=0.01)},
        "multiscale": {
            "scikit-image, the bands only": lambda: list(transform.pyramid_laplacian(image, max_layer=8)),
        },
        "edges": {
            "scikit-image, one scale": lambda: filters.unsharp_mask(image, radius=6, amount=0.6),
            "SimpleITK, one scale": lambda: sitk.UnsharpMask(itk, [6.0, 6.0], 0.6, 0.0),
            "MONAI, one scale": lambda: transforms.GaussianSharpen(6.0, 1.0, 0.6)(tensor),
        },
        "invert": {"SimpleITK": lambda: sitk.InvertIntensity(itk, 1.0)},
    }


def time_steps(image: np.ndarray, runs: int) -> None:
    print(
        f"\nSeconds per step at {image.shape[1]} x {image.shape[0]}, one thread: median of {runs} (fastest to slowest)"
    )
    others = peers(image)
    for kind, call in ours(image).items():
        if kind == "nonlocal":
            continue
        show(kind, "X-Ray AI", seconds(call, runs))
        for name, other in others.get(kind, {}).items():
            show("", name, seconds(other, runs))
    small = block_means(image, 3)
    median = seconds(ours(small)["nonlocal"], 1)
    show("nonlocal", f"X-Ray AI (scikit-image) at {small.shape[1]} x {small.shape[0]}", median)


def time_presets(image: np.ndarray, runs: int) -> None:
    step = -(-max(image.shape) // 900)
    print(f"\nSeconds per preset: the whole image, and what a moved slider shows (1 pixel of {step} x {step})")
    small = block_means(image, step)
    part = exposed_part(small)
    for name, preset in PRESETS.items():
        show(name, "whole", seconds(lambda e=preset: e.apply(image), runs))
        show("", "reduced", seconds(lambda e=preset: e.apply(small, None, part), runs))


def show(kind: str, name: str, taken: tuple[float, float, float]) -> None:
    print(f"  {kind:12} {name:44} {taken[0]:7.3f} ({taken[1]:.3f} to {taken[2]:.3f})")


def real_chests() -> list[np.ndarray]:
    """Real ones where they are, else phantoms."""
    folder = os.environ.get("XRAYAI_TEST_DATA")
    if folder:
        paths = sorted((Path(folder) / "chest-segmentation" / "images").iterdir())
        return [np.asarray(Picture.open(path).convert("L"), np.float32) / 255 for path in paths]
    with tempfile.TemporaryDirectory() as place:
        return [read_radiograph(p.path).display() for p in make_phantoms(Path(place), 24, seed=1, size=(320, 280))]


def compare_devices(images: list[np.ndarray]) -> None:
    """Half of the images through the curve of one device, half through another's; nothing is seen by both."""
    first = [0.1 + 0.7 * image**0.6 for image in images[::2]]
    second = [1 / (1 + np.exp(-8 * (image**1.4 - 0.45))) for image in images[1::2]]
    several = [histogram.quantiles(image) for image in (*first, *second)]
    reference = tuple(float(v) for v in np.clip(histogram.mean_quantiles(several), 0, 1))
    choices = {
        "as they are": Enhancement("none"),
        "percentiles": Enhancement("stretch", (steps.Percentiles(),)),
        "histogram": Enhancement("match", (steps.Histogram(1.0, reference),)),
        "both": Enhancement("both", (steps.Percentiles(), steps.Histogram(1.0, reference))),
    }
    print(f"\nHistogram distance (Wasserstein, display values 0..1), {len(images)} images, half of each device")
    print(f"  {'':14} {'between devices':>16} {'within a device':>16} {'of the means':>14}")
    for name, enhancement in choices.items():
        own = [[histogram.quantiles(enhancement.apply(image)) for image in part] for part in (first, second)]
        between = statistics.mean(histogram.distance(a, b) for a in own[0] for b in own[1])
        pairs = [(a, b) for part in own for n, a in enumerate(part) for b in part[n + 1 :]]
        within = statistics.mean(histogram.distance(a, b) for a, b in pairs)
        means = histogram.distance(np.mean(own[0], axis=0), np.mean(own[1], axis=0))
        print(f"  {name:14} {between:16.4f} {within:16.4f} {means:14.4f}")


def find_borders(images: list[np.ndarray]) -> None:
    """Images in which no border is seen, collimated here: how often each edge is found."""
    from test_collimation import SIDES, agrees, collimated

    clean = [image for image in images if min(image.shape) > 200 and collimation_border(image) is None]
    generator = np.random.default_rng(0)
    print(f"\nCollimation borders put on {len(clean)} images without one (all four edges within 1.5 %)")
    for black in (True, False):
        for turned in (False, True):
            right = 0
            for number, image in enumerate(clean):
                chosen = [side for side in SIDES if generator.random() < 0.6] or ["left"]
                margins = {side: float(generator.uniform(0.04, 0.25)) for side in chosen}
                degrees = float(generator.uniform(-9, 9)) if turned else 0.0
                changed, exposed = collimated(image, margins, degrees, black, number)
                right += agrees(collimation_border(changed), exposed)
            kind = "shutter, black" if black else "collimator, bright"
            print(
                f"  {kind:20} {'turned up to 9 degrees' if turned else 'upright':24} {right / max(len(clean), 1):6.1%}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    image, images = chest(chosen.size), real_chests()
    time_steps(image, chosen.runs)
    time_presets(image, chosen.runs)
    compare_devices(images)
    find_borders(images)


if __name__ == "__main__":
    main()
