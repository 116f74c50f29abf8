"""Segmentation by others: a plain U-Net loop, and the settings of MONAI Label's basic trainer."""

from __future__ import annotations

from typing import Any

import numpy as np
from quality_peer_material import AUTHOR, Case, Clock, Material, Trained, stacked, start, weights_of

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Mask
from XRayAILib.learning.tasks.segmentation import FULL, UNKNOWN


def masks(case: Case) -> np.ndarray:
    """float32 (structures, S, S), 0 or 1; what nobody drew is taken for empty."""
    return ((case.target != UNKNOWN) & (case.target > FULL // 2)).astype(np.float32)


def as_findings(case: Case, probabilities: np.ndarray, labels: tuple[str, ...]) -> Findings:
    """Masks on the radiograph's own grid from probabilities (structures, S, S)."""
    found = []
    for label, square in zip(labels, probabilities, strict=True):
        mask = case.letterbox.back(square) > 0.5
        if mask.any():
            found.append(Mask.from_array(mask, label=label, author=AUTHOR))
    return Findings(case.uid, case.reference.shape, AUTHOR, tuple(found))


def plain_unet(material: Material, clock: Clock) -> Trained:
    """The loop that everybody writes first: MONAI's UNet, Adam at 1e-3, Dice and cross-entropy, batches of eight.

    It learns from the training and the validation part and keeps its last weights. Affine and contrast changes.
    """
    import torch
    from monai import transforms as mt
    from monai.data import CacheDataset, DataLoader
    from monai.losses import DiceCELoss
    from monai.networks.nets import UNet

    start(material)
    both, labels = ["image", "label"], material.task.labels
    change = mt.Compose(
        [
            mt.EnsureTyped(both, track_meta=False),
            mt.RandAffined(
                both,
                prob=0.8,
                rotate_range=0.2,
                scale_range=0.1,
                translate_range=material.size * 0.06,
                mode=["bilinear", "nearest"],
                padding_mode="zeros",
            ),
            mt.RandAdjustContrastd("image", prob=0.5, gamma=(0.7, 1.5)),
            mt.RandGaussianNoised("image", prob=0.3, std=0.02),
        ]
    )
    items = [{"image": case.image[None], "label": masks(case)} for case in material.part("train", "validation")]
    loader = DataLoader(CacheDataset(items, change, progress=False), batch_size=8, shuffle=True, num_workers=0)
    network = UNet(2, 1, len(labels), (16, 32, 64, 128, 256), (2, 2, 2, 2), num_res_units=2)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    loss = DiceCELoss(sigmoid=True)
    epochs = 0
    while not epochs or not clock.over:
        for batch in loader:
            optimizer.zero_grad()
            loss(network(batch["image"]), batch["label"]).backward()
            optimizer.step()
            if clock.over:
                break
        epochs += 1
    network.eval()

    def read(case: Case) -> Findings:
        with torch.inference_mode():
            return as_findings(case, torch.sigmoid(network(stacked([case])))[0].numpy(), labels)

    return Trained(read, f"{epochs} epochs of {len(items)} images at {material.size} px, last weights")


def monai_label(material: Material, clock: Clock) -> Trained:
    """The settings of MONAI Label's ``BasicTrainTask`` and of the segmentation in its sample app, in two dimensions.

    From there: SegResNet of 32 filters, blocks (1, 2, 2, 4), dropout 0.2; AdamW at 1e-4 with weight decay 1e-5 and no
    schedule; batches of one; CacheDataset and ThreadDataLoader; z-score, smoothing by 0.4, -1 to 1; a random crop;
    sliding windows with an overlap of 0.4, Gaussian; validation after every epoch, and the weights with the best mean
    Dice. What had to be other: structures overlap, so sigmoids instead of a softmax; 2D crops of 7/8 of the square
    instead of 96 voxels cubed; and the clock ends it instead of 50 epochs.
    """
    import torch
    from monai import transforms as mt
    from monai.data import CacheDataset, ThreadDataLoader
    from monai.inferers import SlidingWindowInferer
    from monai.losses import DiceCELoss
    from monai.metrics import DiceMetric
    from monai.networks.nets import SegResNet

    start(material)
    both, labels, roi = ["image", "label"], material.task.labels, (material.size * 7 // 8,) * 2
    steady = [
        mt.EnsureTyped(both, track_meta=False),
        mt.NormalizeIntensityd("image", nonzero=True),
        mt.GaussianSmoothd("image", sigma=0.4),
        mt.ScaleIntensityd("image", minv=-1.0, maxv=1.0),
    ]
    crop = mt.RandSpatialCropd(both, roi_size=roi, random_size=False)

    def items(*parts: str) -> list[dict[str, Any]]:
        return [{"image": case.image[None], "label": masks(case)} for case in material.part(*parts)]

    learnt = CacheDataset(items("train"), mt.Compose([*steady, crop]), progress=False)
    chosen = CacheDataset(items("validation"), mt.Compose(steady), progress=False)
    loader = ThreadDataLoader(learnt, batch_size=1, shuffle=True, num_workers=0)
    network = SegResNet(
        spatial_dims=2,
        in_channels=1,
        out_channels=len(labels),
        init_filters=32,
        blocks_down=(1, 2, 2, 4),
        blocks_up=(1, 1, 1),
        dropout_prob=0.2,
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4, weight_decay=1e-5)
    loss, dice = DiceCELoss(sigmoid=True), DiceMetric(reduction="mean")
    windows = SlidingWindowInferer(roi, sw_batch_size=2, overlap=0.4, padding_mode="replicate", mode="gaussian")

    def probabilities(image: Any) -> Any:
        network.eval()
        with torch.inference_mode():
            return torch.sigmoid(windows(image, network))

    epochs, best, kept, of = 0, -1.0, weights_of(network), 0
    while not epochs or not clock.over:
        network.train()
        for batch in loader:
            optimizer.zero_grad()
            loss(network(batch["image"]), batch["label"]).backward()
            optimizer.step()
            if clock.over:
                break
        epochs += 1
        dice.reset()
        for item in chosen:
            dice((probabilities(item["image"][None]) > 0.5).float(), item["label"][None])
        reached = float(dice.aggregate())
        if reached > best:
            best, kept, of = reached, weights_of(network), epochs
    network.load_state_dict(kept)
    prepared = mt.Compose([mt.EnsureTyped("image", track_meta=False), *steady[1:]])

    def read(case: Case) -> Findings:
        image = prepared({"image": case.image[None]})["image"]
        return as_findings(case, probabilities(image[None])[0].numpy(), labels)

    note = f"{epochs} epochs of {len(learnt)} images at {material.size} px, best {of} (Dice {best:.3f} on validation)"
    return Trained(read, note)
