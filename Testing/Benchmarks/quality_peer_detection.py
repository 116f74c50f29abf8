"""Detection by others: MONAI's RetinaNet as in its detection tutorial, in two dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np
from quality_peer_material import (
    AUTHOR,
    Case,
    Clock,
    Material,
    Trained,
    overall,
    start,
    weights_of,
)

from XRayAILib.findings.findings import Findings
from XRayAILib.findings.objects import Box
from XRayAILib.learning.detection.figures import Gathered
from XRayAILib.learning.detection.thresholds import best_threshold
from XRayAILib.learning.task import Task, make_task

EVERY = 5
"""Epochs from one validation to the next."""


def item_of(case: Case) -> dict[str, Any]:
    """Image (1, S, S), boxes (n, 4) as MONAI has them, rows before columns and from the outer corner, and labels."""
    rows = case.target[~np.isnan(case.target[:, 0])]
    boxes = (rows[:, [1, 0, 3, 2]] + 0.5).reshape(-1, 4)
    return {"image": case.image[None], "box": boxes.astype(np.float32), "label": rows[:, 4].astype(np.int64)}


def retinanet(material: Material, clock: Clock) -> Trained:
    """ResNet-18 with a pyramid; SGD 1e-2 with warm-up and a drop to a tenth at half time, batches of four.

    From the tutorial: ATSS matcher with four candidates, hard-negative sampling (64 anchors, 30 % positive, pool 20),
    the schedule of its 300 epochs, here over the time there is; zoom, rotation, noise, smoothing and contrast as there;
    validation every fifth epoch, and the weights with the best AP. What had to be other: anchors by the size of these
    boxes, for which the tutorial's patches around nodules are the wrong scale; and neither flips nor quarter turns,
    which would call a left lung a right one. Half precision is off, as on every CPU.
    """
    import torch
    from monai import transforms as mt
    from monai.apps.detection.networks.retinanet_detector import RetinaNetDetector
    from monai.apps.detection.networks.retinanet_network import RetinaNet, resnet_fpn_feature_extractor
    from monai.apps.detection.transforms import dictionary as dt
    from monai.apps.detection.utils.anchor_utils import AnchorGeneratorWithAnchorShape
    from monai.data import CacheDataset, DataLoader
    from monai.data.utils import no_collation
    from monai.networks.nets.resnet import ResNet, ResNetBlock

    start(material)
    labels, grey, boxed = material.task.labels, ["image"], ["box"]
    items = [item_of(case) for case in material.part("train")]
    change = mt.Compose(
        [
            mt.EnsureTyped(["image", "box"], dtype=torch.float32, track_meta=False),
            mt.EnsureTyped("label", dtype=torch.long, track_meta=False),
            dt.StandardizeEmptyBoxd(boxed, "image"),
            dt.RandZoomBoxd(grey, boxed, grey, prob=0.2, min_zoom=0.7, max_zoom=1.4, padding_mode="constant"),
            dt.ClipBoxToImaged("box", ["label"], "image", remove_empty=True),
            dt.BoxToMaskd(boxed, ["mask"], ["label"], grey, min_fg_label=0, ellipse_mask=True),
            mt.RandRotated(["image", "mask"], np.pi / 6, prob=0.2, mode=["bilinear", "nearest"], padding_mode="zeros"),
            dt.MaskToBoxd(boxed, ["mask"], ["label"], min_fg_label=0),
            mt.DeleteItemsd("mask"),
            mt.RandGaussianNoised(grey, prob=0.1, std=0.1),
            mt.RandGaussianSmoothd(grey, prob=0.1, sigma_x=(0.5, 1.0), sigma_y=(0.5, 1.0)),
            mt.RandScaleIntensityd(grey, prob=0.15, factors=0.25),
            mt.RandShiftIntensityd(grey, prob=0.15, offsets=0.1),
            mt.RandAdjustContrastd(grey, prob=0.3, gamma=(0.7, 1.5)),
            mt.EnsureTyped(["image", "box"], dtype=torch.float32, track_meta=False),
            mt.EnsureTyped("label", dtype=torch.long, track_meta=False),
        ]
    )
    loader = DataLoader(
        CacheDataset(items, change, progress=False), batch_size=4, shuffle=True, num_workers=0, collate_fn=no_collation
    )
    layers = [2, 3, 4]
    every = np.concatenate([item["box"] for item in items])
    sizes = np.quantile(every[:, 2:] - every[:, :2], (0.25, 0.5, 0.75), axis=0)
    # Of the finest level; these boxes then fit the anchors of the third.
    anchors = AnchorGeneratorWithAnchorShape(
        feature_map_scales=[2**level for level in range(len(layers) + 1)],
        base_anchor_shapes=[[float(edge) / 4 for edge in shape] for shape in sizes],
    )
    body = ResNet(
        ResNetBlock,
        [2, 2, 2, 2],
        [64, 128, 256, 512],
        spatial_dims=2,
        n_input_channels=1,
        conv1_t_size=7,
        conv1_t_stride=2,
    )
    network = RetinaNet(
        spatial_dims=2,
        num_classes=len(labels),
        num_anchors=anchors.num_anchors_per_location()[0],
        feature_extractor=resnet_fpn_feature_extractor(body, 2, False, returned_layers=layers),
        size_divisible=[64, 64],
    )
    detector = RetinaNetDetector(network, anchors)
    detector.set_atss_matcher(num_candidates=4, center_in_gt=False)
    detector.set_hard_negative_sampler(64, positive_fraction=0.3, pool_size=20, min_neg=16)
    detector.set_target_keys(box_key="box", label_key="label")
    detector.set_box_selector_parameters(
        score_thresh=0.02, topk_candidates_per_level=1000, nms_thresh=0.22, detections_per_img=100
    )
    optimizer = torch.optim.SGD(network.parameters(), 1e-2, momentum=0.9, weight_decay=3e-5, nesterov=True)

    def read(case: Case) -> Findings:
        detector.eval()
        with torch.inference_mode():
            found = detector(torch.from_numpy(case.image)[None, None])[0]
        return as_findings(case, found["box"].numpy(), found["label_scores"].numpy(), found["label"].numpy(), labels)

    chosen = material.part("validation")
    epochs, best, kept, of = 0, float("-inf"), weights_of(network), 0
    while not epochs or not clock.over:
        detector.train()
        for batch in loader:
            for group in optimizer.param_groups:
                group["lr"] = 1e-2 * min(1.0, clock.spent * 30 + 1e-3) * (0.1 if clock.spent >= 0.5 else 1.0)
            optimizer.zero_grad()
            targets = [{"box": item["box"], "label": item["label"]} for item in batch]
            losses = detector([item["image"] for item in batch], targets)
            (losses[detector.cls_key] + losses[detector.box_reg_key]).backward()
            optimizer.step()
            if clock.over:
                break
        epochs += 1
        if epochs % EVERY == 0 or clock.over:
            reached = overall(material.figures(chosen, read), material.task)
            if reached > best:
                best, kept, of = reached, weights_of(network), epochs
    network.load_state_dict(kept)
    note = f"{epochs} epochs of {len(items)} images at {material.size} px, best {of} (AP {best:.3f} on validation)"
    return Trained(read, note, with_thresholds(material, read))


def as_findings(
    case: Case, boxes: np.ndarray, scores: np.ndarray, numbers: np.ndarray, labels: tuple[str, ...]
) -> Findings:
    """Boxes within the radiograph from MONAI's (n, 4) in the square."""
    rows, columns = case.reference.shape
    corners = (boxes.astype(float)[:, [1, 0, 3, 2]] - 0.5).reshape(-1, 2)
    edges = case.letterbox.points_back(corners).reshape(-1, 4)
    edges = edges.clip(-0.5, np.array([columns, rows, columns, rows]) - 0.5)
    objects = [
        Box(label=labels[number], author=AUTHOR, x0=x0, y0=y0, x1=x1, y1=y1, score=float(np.clip(score, 0, 1)))
        for (x0, y0, x1, y1), score, number in zip(edges.tolist(), scores, numbers, strict=True)
        if x1 > x0 and y1 > y0
    ]
    return Findings(case.uid, case.reference.shape, AUTHOR, tuple(objects))


def with_thresholds(material: Material, read: Any) -> Task:
    """The task with the score from which on a box counts as shown, by the best F1 of the validation part, as ours."""
    cases, task = material.part("validation"), material.task
    facts = [task.case(read(case), case.reference, case.spacing) for case in cases]
    thresholds = {}
    for label in task.labels:
        one = Gathered.of([[fact[label]] if label in fact else [] for fact in facts], [0] * len(facts), 1)
        thresholds[label] = best_threshold(one.scores, one.hits[:, 0], int(one.sums[:, 0].sum()))[0]
    return make_task(task.config, task.legend, {"thresholds": thresholds})
