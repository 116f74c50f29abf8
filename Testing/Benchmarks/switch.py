"""From the key that asks for the next image to its picture, in milliseconds.

    python Testing/Benchmarks/switch.py [--images 8] [--size 3000] [--profile]

A project of JPEG 2000 lossless files of 3000 x 3000 pixels of 12 bits, made of the real CR images that the pydicom
package brings. The whole annotation panel runs, on the double of Slicer's Qt side and the real MRML core; "Next" is
clicked, and the Red view is rendered at 1000 x 1000. The reader has drawn a mask and a box on each image, which are
saved before and shown after. "Ahead": the image was decoded while the reader worked on the last one; "at once": it is
decoded when it is asked for. "Processor time" is what the switch needs of a machine that does nothing else, without
the child that decodes; "the same once more" is the floor: rendering a scene in which nothing has changed, without a
graphics card. Median, fastest and slowest.

The target: less than 500 ms for an image that was decoded ahead.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "Python"), str(HERE.parents[1] / "XRayAI"), str(HERE.parents[1] / "XRayAIAnnotate")]

ANNOTATE = HERE.parents[1] / "XRayAIAnnotate" / "XRayAIAnnotate.py"
XRAYAI = HERE.parents[1] / "XRayAI" / "XRayAI.py"


def make_files(folder: Path, number: int, size: int) -> None:
    """Real images, enlarged, with the noise that enlarging has taken from them."""
    import imagecodecs
    import pydicom
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEG2000Lossless
    from scipy.ndimage import zoom

    from dicom_cases import image

    place = Path(pydicom.__file__).parent / "data" / "test_files" / "dicomdirtests" / "77654033"
    for n in range(number):
        source = pydicom.dcmread(next((place / f"CR{n % 3 + 1}").iterdir())).pixel_array.astype(float)
        large = zoom(source, [size / side for side in source.shape], order=1)[:size, :size]
        large += np.random.default_rng(n).normal(0, 4, large.shape)
        pixels = np.clip(large, 0, 4095).astype(np.uint16)
        data = image(pixels, PatientID=f"P{n:02}")
        stream = imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True, bitspersample=12)
        data.PixelData = encapsulate([stream])
        data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
        data.file_meta.TransferSyntaxUID = JPEG2000Lossless
        data.save_as(folder / f"{n}.dcm", enforce_file_format=True)


def make_project(folder: Path, files: Path, size: int) -> None:
    """Each image has a mask and a box of the reader."""
    from XRayAILib.findings.author import Author
    from XRayAILib.findings.findings import Findings
    from XRayAILib.findings.objects import Box, Mask
    from XRayAILib.project.intake import take_in
    from XRayAILib.project.project import Project

    anna = Author.person("anna")
    pixels = np.zeros((size, size), bool)
    pixels[size // 4 : size // 2, size // 5 : size // 2] = True
    with Project.create(folder) as project:
        take_in(project, [files])
        for one in project.images():
            box = Box(label="nodule", author=anna, x0=10, y0=10, x1=500, y1=400)
            mask = Mask.from_array(pixels, label="heart", author=anna)
            project.save(Findings(one.uid, (size, size), anna, (box, mask)))


def wait_for_ahead(session: Any) -> None:
    """The reader works until the next images are decoded."""
    for place in list(session._ahead._asked.values()):
        while not place.exists():
            time.sleep(0.02)


def walk(panel: Any, host: Any, ahead: bool, profile: cProfile.Profile | None) -> list[dict[str, float]]:
    """What each switch took until the scene has the image and until it is rendered, and rendering it once more."""
    from XRayAILib.scene import view

    session = panel.sitting.session
    kept = session._ahead
    found = []
    panel.step(lambda session: session.open(session.cases[0]))
    while panel.ui.nextButton.enabled:
        if ahead:
            wait_for_ahead(session)
        else:
            session._ahead = None
        if profile:
            profile.enable()
        begin, cpu = time.perf_counter(), time.process_time()
        panel.ui.nextButton.click()
        shown = time.perf_counter()
        view.render(host, size=(1000, 1000))
        end, used = time.perf_counter(), time.process_time()
        if profile:
            profile.disable()
        view.render(host, size=(1000, 1000))
        times = {"scene": shown - begin, "all": end - begin, "cpu": used - cpu, "again": time.perf_counter() - end}
        found.append({name: 1000 * seconds for name, seconds in times.items()})
    session._ahead = kept
    return found


def row(title: str, values: list[float], limit: float | None = None) -> None:
    middle = statistics.median(values)
    verdict = "" if limit is None else "met" if middle < limit else "missed"
    print(f"{title:<28} {middle:8.0f} {min(values):8.0f} {max(values):8.0f}  {verdict}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--size", type=int, default=3000)
    parser.add_argument("--profile", action="store_true", help="what took the time")
    args = parser.parse_args()

    import desktop_double
    from XRayAILib.scene.host import headless

    with tempfile.TemporaryDirectory() as temporary:
        files, folder = Path(temporary) / "files", Path(temporary) / "project"
        files.mkdir()
        make_files(files, args.images, args.size)
        make_project(folder, files, args.size)
        host = headless()
        desktop = desktop_double.install(host)
        try:
            desktop.load_module(XRAYAI)
            import qt

            from XRayAIPanel.desk import READER, leave_desk
            from XRayAIPanel.last_project import LAST_PROJECT

            qt.QSettings().setValue(LAST_PROJECT, str(folder))
            qt.QSettings().setValue(READER, "anna")
            panel = desktop.open_module(ANNOTATE)
            profile = cProfile.Profile() if args.profile else None
            walk(panel, host, True, None)  # the first time everything is imported
            print(f"{args.images} images of {args.size} x {args.size}; ms {'median':>15} {'fastest':>8} {'slowest':>8}")
            for title, ahead in (("at once", False), ("ahead", True)):
                found = walk(panel, host, ahead, profile if ahead else None)
                row(f"{title}: in the scene", [times["scene"] for times in found])
                row(f"{title}: rendered", [times["all"] for times in found], 500 if ahead else None)
                row(f"{title}: processor time", [times["cpu"] for times in found])
                row(f"{title}: the same once more", [times["again"] for times in found])
            if profile:
                pstats.Stats(profile).sort_stats("cumtime").print_stats(60)
            panel.parent.exit()
            leave_desk()
        finally:
            desktop.uninstall()


if __name__ == "__main__":
    main()
