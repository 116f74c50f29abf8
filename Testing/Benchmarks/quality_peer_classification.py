"""Classification by others: MONAI's DenseNet121 as in its two-dimensional tutorial (MedNIST)."""

from __future__ import annotations

import numpy as np
from quality_peer_material import AUTHOR, Case, Clock, Material, Trained, overall, stacked, start, weights_of

from XRayAILib.findings.findings import Findings
from XRayAILib.learning.task import Task, make_task


def densenet(material: Material, clock: Clock) -> Trained:
    """DenseNet121 with random weights, cross-entropy, Adam; the weights with the best AUROC, looked at every epoch.

    From the tutorial: rotation by up to 15 degrees, mirroring, zoom by a tenth, each for half of the images. What had
    to be other: Adam at 1e-4 and batches of 16 in the place of 1e-5 and 300, which are for its 47,000 images: here they
    would be one step an epoch. Temperature and thresholds come from the validation part by the library, as ours.
    """
    import torch
    from monai import transforms as mt
    from monai.data import CacheDataset, DataLoader
    from monai.networks.nets import DenseNet121

    start(material)
    task = material.task
    change = mt.Compose(
        [
            mt.EnsureTyped("image", track_meta=False),
            mt.RandRotated("image", range_x=np.pi / 12, prob=0.5, keep_size=True, padding_mode="zeros"),
            mt.RandFlipd("image", spatial_axis=1, prob=0.5),
            mt.RandZoomd("image", min_zoom=0.9, max_zoom=1.1, prob=0.5, padding_mode="constant"),
        ]
    )
    known = [case for case in material.part("train") if (case.target == 1).sum() == 1]
    items = [{"image": case.image[None], "label": int((case.target == 1).argmax())} for case in known]
    loader = DataLoader(
        CacheDataset(items, change, progress=False), batch_size=16, shuffle=True, num_workers=0, drop_last=True
    )
    network = DenseNet121(spatial_dims=2, in_channels=1, out_channels=task.outputs)
    optimizer, loss = torch.optim.Adam(network.parameters(), 1e-4), torch.nn.CrossEntropyLoss()
    chosen = material.part("validation")

    def logits(cases: list[Case]) -> torch.Tensor:
        network.eval()
        with torch.inference_mode():
            return torch.cat([network(stacked([case])) for case in cases])

    def reader(by: Task) -> Trained:
        def read(case: Case) -> Findings:
            return by.decode(logits([case])[0].numpy(), case.letterbox, case.uid, AUTHOR)

        return Trained(read, "", by)

    epochs, best, kept, of = 0, float("-inf"), weights_of(network), 0
    while not epochs or not clock.over:
        network.train()
        for batch in loader:
            optimizer.zero_grad()
            loss(network(batch["image"]), torch.as_tensor(batch["label"])).backward()
            optimizer.step()
            if clock.over:
                break
        epochs += 1
        reached = overall(material.figures(chosen, reader(task).read), task)
        if reached > best:
            best, kept, of = reached, weights_of(network), epochs
    network.load_state_dict(kept)
    targets = task.tensors(np.stack([case.target for case in chosen]))
    fitted = task.fit(logits(chosen), targets, [case.patient for case in chosen])
    done = reader(make_task(task.config, task.legend, fitted))
    note = f"{epochs} epochs of {len(items)} images at {material.size} px, best {of} (AUROC {best:.3f} on validation)"
    return Trained(done.read, note, done.task)
