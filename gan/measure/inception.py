"""Inception features, for users who have the weights: the only space in which a Frechet distance is called FID.

Nothing is downloaded. The network is torch-fidelity's (that of the FID paper, converted), and the file must be the weights with the hash in
its name: with any other weights, the same formula is not FID.
"""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from gan.errors import UserError, reason

WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"  # torch-fidelity's name for them
DIGITS = "6726825d"  # start of their SHA-256
_LAYER = "2048"

Describe = Callable[[np.ndarray], np.ndarray]


def inception(weights: Path | None = None, device: torch.device | str = "cpu", batch: int = 32) -> Describe:
    """A function from images (N, H, W, 3) uint8 to pool features (N, 2048) float32.

    Parameters
    ----------
    weights : the file; by default that in torch's own cache, where torch-fidelity puts it.

    Raises
    ------
    UserError
        torch-fidelity is not installed or cannot be imported, or the weights are missing or not the right ones.
    """
    path = weights or Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS
    if not path.is_file():
        raise UserError(f"no Inception weights at {path}: give the file {WEIGHTS} with --inception FILE")
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError as error:
        needs = "pip install 'tastemaker-studio[inception]'"
        raise UserError(f"FID needs torch-fidelity, which is not installed ({error}): {needs}") from None
    except RuntimeError as error:  # torchvision was built for another version of torch
        raise UserError(f"FID needs torch-fidelity, which does not load here: {reason(error)}") from None
    state = _read(path)
    with tempfile.TemporaryDirectory() as folder:
        # torch-fidelity would unpickle the file without restrictions: it gets a copy with tensors only
        plain = Path(folder, WEIGHTS)
        torch.save(state, plain)
        network = FeatureExtractorInceptionV3("inception", [_LAYER], feature_extractor_weights_path=str(plain))
    network.to(device)

    def describe(images: np.ndarray) -> np.ndarray:
        rows = []
        with torch.inference_mode():
            for start in range(0, len(images), batch):
                pixels = torch.from_numpy(np.array(images[start : start + batch])).permute(0, 3, 1, 2)
                rows.append(network(pixels.contiguous().to(device))[0].cpu().numpy())
        return np.concatenate(rows)

    return describe


def _read(path: Path) -> dict[str, torch.Tensor]:
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if not digest.startswith(DIGITS):
            raise UserError(f"{path} is not {WEIGHTS}: its SHA-256 starts with {digest[: len(DIGITS)]}")
        state: dict[str, torch.Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise UserError(f"{path}: {reason(error)}") from None
    return state
