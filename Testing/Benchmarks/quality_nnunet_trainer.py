"""nnU-Net's trainer with a clock: for nnU-Net's own Python, found by it through ``nnUNet_extTrainer``."""

from __future__ import annotations

import os
import time

from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerNoMirroring import (
    nnUNetTrainerNoMirroring,
)

DEADLINE = "XRAYAI_NNUNET_DEADLINE"


class nnUNetTrainerClock(nnUNetTrainerNoMirroring):
    """nnU-Net's steps until a time of day, instead of 1000 epochs of 250.

    Network, loss, optimiser, augmentation and patches are nnU-Net's. The learning rate falls by nnU-Net's polynomial
    over the time that there is. The passes over images in between, by which nnU-Net draws its curves and chooses
    nothing, are left out, and so is the last one, for which it has a time of its own: that leaves more for learning.
    Images are not mirrored: a mirrored left lung is a right one, and nnU-Net cannot swap the two.
    """

    def run_training(self) -> None:
        self.on_train_start()
        begun, deadline, steps = time.time(), float(os.environ[DEADLINE]), 0
        length = max(deadline - begun, 1e-3)
        self.network.train()
        # One step at least, so that there is something to save.
        while steps == 0 or time.time() < deadline:
            left = max(0.0, 1 - (time.time() - begun) / length)
            for group in self.optimizer.param_groups:
                group["lr"] = self.initial_lr * max(left, 1e-6) ** 0.9
            self.train_step(next(self.dataloader_train))
            steps += 1
        size = self.configuration_manager.batch_size, *self.configuration_manager.patch_size
        print(f"CLOCK {steps} steps of {size[0]} patches of {size[1]} x {size[2]}", flush=True)
        self.current_epoch = self.num_epochs
        self.on_train_end()

    def plot_network_architecture(self) -> None:
        """It would need a viewer of graphs."""

    def perform_actual_validation(self, save_probabilities: bool = False) -> None:
        """The benchmark has a test of its own."""
