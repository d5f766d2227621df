"""lightweight-gan (MIT, Phil Wang) on a CPU: its own networks, losses, augmentation, optimisers and training step, unchanged.

Its package asserts at import that there is a CUDA GPU, and its `Trainer` names one. In a process of its own, the assertion is satisfied
here and "cuda" means the CPU. It reads pictures from our memory-mapped pool instead of decoding files, and neither saves nor draws while
it trains; all three only save it time. torchvision, which it uses for files only, may be missing.
"""

import sys
import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

NAME = "lightweight-gan"
INSTALL = "pip install 'tastemaker-studio[benchmark]'"

# Widths chosen so that it has about as many parameters as ours (its defaults, 256, 512 and 12, are 35 M at 64 px; ours are 1.9 M)
_LATENT, _WIDEST, _INVERSE_COEFFICIENT = 64, 64, 10
# Defaults of its command line
BATCH, ACCUMULATE = 10, 4
_COMMAND_LINE = {
    "attn_res_layers": [32],
    "disc_output_size": 1,
    "aug_types": ["cutout", "translation"],
    "lr": 2e-4,
}
AVERAGES_FROM = (
    20_000  # steps; before them, its average is a copy of the live generator at step 2, 1002, ...
)

# glibc would return large temporaries to the system at every step, and a third of the time would be spent on page faults
ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}


def installed() -> bool:
    """Whether lightweight-gan is installed; nothing is imported."""
    return find_spec("lightweight_gan") is not None


class _Pool(Dataset[Tensor]):
    """Pictures (N, R, R, 3) uint8 in the format of its own dataset: (3, R, R) float in [0, 1]."""

    def __init__(self, pictures: np.ndarray) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Tensor:
        return torch.from_numpy(np.array(self.pictures[index])).permute(2, 0, 1).float().div_(255.0)


class _CpuTorch:
    """A stand-in for torch in which every device is the CPU."""

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)

    @staticmethod
    def device(name: str) -> torch.device:
        return torch.device("cpu")


def _import() -> Any:
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):  # RuntimeError: built for another torch
        stand_in, transforms = ModuleType("torchvision"), ModuleType("torchvision.transforms")
        stand_in.transforms = transforms  # type: ignore[attr-defined]
        sys.modules.update({"torchvision": stand_in, "torchvision.transforms": transforms})
    import kornia.filters  # noqa: F401  (before CUDA is said to be there: it asks, too)

    with patch.object(torch.cuda, "is_available", lambda: True):
        import lightweight_gan.lightweight_gan as package
    return package


class Peer:
    """A training run of lightweight-gan. It patches torch for the rest of the process, so use a process of its own.

    Parameters
    ----------
    pictures : (N, R, R, 3) uint8.
    seed : of all random numbers.
    folder : for its files.
    batch, accumulate : their product is the number of real images per step.
    """

    def __init__(
        self, pictures: np.ndarray, seed: int, folder: Path, batch: int = BATCH, accumulate: int = ACCUMULATE
    ) -> None:
        import random

        package = _import()
        random.seed(seed)
        torch.manual_seed(seed)
        nn.Module.cuda = lambda self, device=None: self  # type: ignore[method-assign]
        Tensor.cuda = lambda self, *_, **__: self  # type: ignore[method-assign]
        package.torch = _CpuTorch()
        package.ImageDataset = lambda folder, size, **_: _Pool(pictures)
        warnings.filterwarnings("ignore", message=".*pin_memory.*")
        self._trainer = package.Trainer(
            base_dir=folder,
            image_size=pictures.shape[1],
            latent_dim=_LATENT,
            fmap_max=_WIDEST,
            batch_size=batch,
            gradient_accumulate_every=accumulate,
            num_workers=0,
            use_aim=False,
            **_COMMAND_LINE,
        )
        # it passes unknown settings on to its networks, but loses their names
        self._trainer.GAN_params = [(), {"fmap_inverse_coef": _INVERSE_COEFFICIENT}]
        self._trainer.save = self._trainer.evaluate = lambda *_, **__: None
        with redirect_stdout(StringIO()):
            self._trainer.set_data_src(str(folder))
            self._trainer.init_GAN()
        self._images = batch * accumulate

    @property
    def parameters(self) -> dict[str, int]:
        """Number of trained parameters of its generator and its discriminator."""
        gan = self._trainer.GAN
        return {
            "generator": sum(p.numel() for p in gan.G.parameters()),
            "discriminator": sum(p.numel() for p in gan.D.parameters()),
        }

    def step(self) -> int:
        """Update both networks once. Returns the number of real images seen."""
        self._trainer.train()
        return self._images

    def sample(self, count: int, seed: int) -> dict[str, np.ndarray]:
        """Images uint8 (count, R, R, 3) of its "live" generator and, once it maintains one, of its "average"."""
        gan = self._trainer.GAN
        gan.eval()
        drawn = {"live": self._draw(gan.G, count, seed)}
        if self._trainer.steps > AVERAGES_FROM:
            drawn["average"] = self._draw(gan.GE, count, seed)
        return drawn

    def _draw(self, generator: Callable[[Tensor], Tensor], count: int, seed: int) -> np.ndarray:
        latents = torch.randn(count, _LATENT, generator=torch.Generator().manual_seed(seed))
        # its generator adds noise, which is seeded too
        torch.manual_seed(seed)
        with torch.inference_mode():
            images = torch.cat([generator(part).clamp(0.0, 1.0) for part in latents.split(8)])  # its attention takes 200 MB per image
        pixels: np.ndarray = images.mul(255.0).add(0.5).clamp(0, 255).byte().permute(0, 2, 3, 1).numpy()
        return pixels
