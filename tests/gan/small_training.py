"""What the tests of training share: tiny networks, and a folder of pictures."""

from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from gan.adversarial.train import TrainConfig, Trainer
from gan.data.scenes import render
from gan.networks import DiscriminatorConfig, GeneratorConfig

CPU = torch.device("cpu")
SMALL = (
    GeneratorConfig(resolution=8, z_dim=4, w_dim=8, channels=(8, 8)),
    DiscriminatorConfig(resolution=8, channels=(8,), features=8),
)


def small_pictures() -> np.ndarray:
    """uint8 (48, 8, 8, 3)."""
    return np.ascontiguousarray(render(range(48), 16)[:, ::2, ::2])


def picture_folder(folder, monkeypatch):
    """Twelve pictures of 32 px in files, and a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    pictures = folder / "pictures"
    pictures.mkdir()
    for i, picture in enumerate(render(range(12), 32)):
        Image.fromarray(picture).save(pictures / f"{i}.png")
    return pictures


def small_trainer(pictures, **changes) -> Trainer:
    said = changes.pop("said", [])
    config = replace(TrainConfig(kimg=0.4, batch=8, penalty_interval=2), **changes)
    trainer = Trainer.fresh(pictures, config, CPU, *SMALL, say=said.append)
    trainer.autocast = False
    return trainer
