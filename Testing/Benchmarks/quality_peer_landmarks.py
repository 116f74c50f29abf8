"""Landmarks by others: a plain heatmap loop of MONAI's parts."""

from __future__ import annotations

import numpy as np
from quality_peer_material import (
    AUTHOR,
    Case,
    Clock,
    Material,
    Trained,
    overall,
    stacked,
    start,
    weights_of,
)

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Landmark
from XRayAILib.learning.tasks.landmarks import PRESENT

SIGMA = 4.0
"""Of the Gaussians, in pixels of the square."""


def heatmaps(material: Material, clock: Clock) -> Trained:
    """``GenerateHeatmap``, a residual U-Net, mean squared error, Adam at 1e-3, and the highest pixel of each map.

    Affine changes of image and maps together, contrast and noise; batches of four. The weights with the smallest mean
    radial error on the validation part, looked at after every epoch. Maps are taught between 0 and 100, because squared
    errors of Gaussians between 0 and 1, which are 0 nearly everywhere, teach the network to say 0 everywhere.
    """
    import torch
    from monai import transforms as mt
    from monai.data import CacheDataset, DataLoader
    from monai.networks.nets import UNet

    start(material)
    both, labels, size = ["image", "label"], material.task.labels, material.size
    drawing = mt.GenerateHeatmap(sigma=SIGMA, spatial_shape=(size, size))

    def maps(case: Case) -> np.ndarray:
        drawn = np.asarray(drawing(case.target[:, [1, 0]].astype(np.float32)), np.float32)
        return drawn * 100 * (case.target[:, 2] == PRESENT)[:, None, None]

    change = mt.Compose(
        [
            mt.EnsureTyped(both, track_meta=False),
            mt.RandAffined(
                both,
                prob=0.8,
                rotate_range=0.15,
                scale_range=0.1,
                translate_range=size * 0.06,
                mode="bilinear",
                padding_mode="zeros",
            ),
            mt.RandAdjustContrastd("image", prob=0.5, gamma=(0.7, 1.5)),
            mt.RandGaussianNoised("image", prob=0.3, std=0.02),
        ]
    )
    items = [{"image": case.image[None], "label": maps(case)} for case in material.part("train")]
    loader = DataLoader(CacheDataset(items, change, progress=False), batch_size=4, shuffle=True, num_workers=0)
    network = UNet(2, 1, len(labels), (32, 64, 128, 256, 512), (2, 2, 2, 2), num_res_units=2)
    optimizer, loss = torch.optim.Adam(network.parameters(), 1e-3), torch.nn.MSELoss()

    def read(case: Case) -> Findings:
        network.eval()
        with torch.inference_mode():
            found = network(stacked([case]))[0].flatten(1).argmax(dim=1).numpy()
        places = np.stack([found % size, found // size], axis=1).astype(float)
        rows, columns = case.reference.shape
        points = case.letterbox.points_back(places).clip(-0.5, np.array([columns, rows]) - 0.5)
        objects = [
            Landmark(label=label, author=AUTHOR, x=float(x), y=float(y))
            for label, (x, y) in zip(labels, points, strict=True)
        ]
        return Findings(case.uid, case.reference.shape, AUTHOR, tuple(objects))

    chosen = material.part("validation")
    epochs, best, kept, of = 0, float("-inf"), weights_of(network), 0
    while not epochs or not clock.over:
        network.train()
        for batch in loader:
            optimizer.zero_grad()
            loss(network(batch["image"]), batch["label"]).backward()
            optimizer.step()
            if clock.over:
                break
        epochs += 1
        reached = overall(material.figures(chosen, read), material.task)
        if reached > best:
            best, kept, of = reached, weights_of(network), epochs
    network.load_state_dict(kept)
    note = f"{epochs} epochs of {len(items)} images at {size} px, best {of} ({-best:.2f} % on validation)"
    return Trained(read, note)
