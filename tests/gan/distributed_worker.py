"""Run by test_distributed.py in each of several processes: some steps on a tiny pair, and its states on the way, in float32."""

import sys
from pathlib import Path

import torch

from gan.adversarial.augment import AugmentConfig
from gan.adversarial.config import TrainConfig
from gan.adversarial.distributed import Ranks, current, joined
from gan.adversarial.train import Trainer
from gan.data.scenes import render
from gan.networks import DiscriminatorConfig, GeneratorConfig


def start(ranks: Ranks) -> Trainer:
    """A run with everything that could differ between one process and several: penalties, augmentation, mirroring, groups of images."""
    torch.set_num_threads(1)
    config = TrainConfig(kimg=2.0, batch=32, penalty_interval=2, augment=AugmentConfig(probability=0.5), seed=3)
    trainer = Trainer.fresh(
        render(range(96), 16),
        config,
        torch.device("cpu"),
        GeneratorConfig(resolution=16, z_dim=8, w_dim=16, channels=(16, 16, 8)),
        DiscriminatorConfig(resolution=16, channels=(8, 16), features=16),
        ranks=ranks,
    )
    trainer.autocast = False
    return trainer


if __name__ == "__main__":
    with joined("cpu"):
        trainer = start(current())
        for steps in map(int, sys.argv[2:]):
            while trainer.steps < steps:
                trainer.step()
            trainer.save(Path(sys.argv[1], f"{current().rank}-{steps}.pt"))
