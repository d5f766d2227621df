"""The foresight of the bundled generators, trained in advance on many images: `foresight.safetensors` beside the weights.

For any other generator a session trains its own, from fewer images, which the person may have to wait for. The files are made by
`packaging/foresight.py`.
"""

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from gan import assets
from gan.files import write_bytes
from gan.networks.adapter import ChoiceConfig, hidden_layers
from gan.policy.foresight import Foresight

FILE = "foresight.safetensors"
_FORMAT = "tastemaker-foresight-1"


def write_foresight(folder: Path, foresight: Foresight, digest: str) -> None:
    """Write a foresight into a bundle's folder, its weights in float16. `digest` : of the generator and discriminator it belongs to."""
    tensors = {f"hidden.{name}": value.half().contiguous() for name, value in foresight.hidden.state_dict().items()}
    tensors |= {"mean": foresight.mean.contiguous(), "deviation": foresight.deviation.contiguous()}
    about = {"format": _FORMAT, "of": digest, "images": str(foresight.images)}
    write_bytes(folder / FILE, save({name: value.cpu() for name, value in tensors.items()}, about))


def bundled_foresight(digest: str, like: ChoiceConfig, device: torch.device) -> Foresight | None:
    """The foresight of the bundled generator with that digest; None if there is none, or if `like` has another shape."""
    for path in sorted(assets.root().glob(f"*/{FILE}")):
        try:
            with safe_open(path, framework="pt", device="cpu") as file:
                about = file.metadata() or {}
                if about.get("format") == _FORMAT and about.get("of") == digest:
                    tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118 (no mapping)
                    return _built(tensors, int(about["images"]), like, device)
        except (OSError, SafetensorError, RuntimeError, KeyError, ValueError):
            continue  # it is optional: without one, a session trains its own
    return None


def _built(tensors: dict[str, torch.Tensor], images: int, like: ChoiceConfig, device: torch.device) -> Foresight:
    hidden = hidden_layers(like.inputs, like.width, like.depth)
    hidden.load_state_dict({name.removeprefix("hidden."): value for name, value in tensors.items() if name.startswith("hidden.")})
    return Foresight(hidden.to(device), tensors["mean"].to(device), tensors["deviation"].to(device), images)
