"""An imported generator's weights under their original names, so that they load into the code they came from.

Tuning never changes those weights: the adapter is a network in front of them that chooses or moves latents. It is not linear, so it
cannot be folded into the first layer; it is written beside the weights, as a graph that other programs can run first.
"""

import json
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn

from gan.errors import UserError
from gan.files import atomic_write, write_bytes
from gan.formats import card
from gan.formats.onnx_export import run_onnx
from gan.formats.onnx_proto import need_onnx, to_proto
from gan.formats.program import quiet, trace_module
from gan.model import Model
from gan.networks import latents

WEIGHTS, ADAPTER = "generator.pth", "adapter"
TOLERANCE = 1e-4  # largest difference between the adapter and its graph, relative to the largest latent if that exceeds 1
_LOAD = """# {name}: weights for the code they came from

`{weights}` is a plain `state_dict` under the names that it was imported with ({count} tensors), `generator.safetensors` the same without
pickle:

```python
generator.load_state_dict(torch.load("{weights}", weights_only=True))   # your own class
```

{prior}{tuned}

Licence of the weights: **{licence}**. Every image they draw is generated.
"""
_TUNED = """**The weights are the ones that were imported, unchanged.** Tuning learnt a small network that changes latents before the
generator sees them. It is not linear, so it cannot be folded into the generator's first layer; without it, the images are
those of the untuned generator. It is beside the weights, as `adapter.onnx` and `adapter.pt2`: run it first.

```python
z = torch.randn(16, {z_dim})                                # always from N(0, I)
moved = torch.export.load("adapter.pt2").module()(z)        # or onnxruntime on adapter.onnx: z -> latent
images = generator(moved)                                   # reshape first if yours takes (N, {z_dim}, 1, 1)
```
"""
_LABELS = """
Its classes are chosen by the latent, too, so that tuning can learn which are liked: `labels = moved[:, {noise}:].argmax(dim=1)` are the
labels, of {classes}, and `moved[:, :{noise}]` is the noise.
"""
_PLAIN = "This generator was not tuned: these weights are all there is to it.\n"
_UNIFORM = "It was trained on latents drawn evenly from -1 to 1. What `adapter.*` gives is already such a latent.\n\n"
_UNIFORM_PLAIN = "It was trained on latents drawn evenly from -1 to 1.\n\n"


class _Moved(nn.Module):
    """z (N, z_dim) ~ N(0, I) -> the latent for the original code, after the adapter."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        assert model.adapter is not None
        self.adapter = model.adapter
        self.uniform = _is_uniform(model)

    def forward(self, z: Tensor) -> Tensor:
        moved: Tensor = self.adapter(z)
        return torch.erf(moved * 0.5**0.5) if self.uniform else moved  # 2 Phi(z) - 1


def _is_uniform(model: Model) -> bool:
    return getattr(model.generator.config, "prior", "normal") == "uniform"


def write_original(model: Model, folder: Path) -> None:
    """Write the weights, and the adapter beside them, into a folder.

    Parameters
    ----------
    model : on the CPU, with an imported generator.

    Raises
    ------
    UserError
        The generator was not imported from a state_dict, its names are lost, or the adapter cannot be written as ONNX.
    """
    weights = model.generator.original_state_dict()
    if weights is None and model.generator.files():
        raise UserError(f"{model.name} is a graph, not a state_dict: export it as onnx, which other programs read")
    if weights is None:
        raise UserError(
            f"{model.name} has no state_dict of its own: it was not imported from one, or not under names that can be given back. "
            "Its weights are in the bundle, as safetensors"
        )
    plain = {name: value.detach().cpu().clone().contiguous() for name, value in weights.items()}
    with atomic_write(folder / WEIGHTS) as stream:
        torch.save(plain, stream)
    write_bytes(folder / "generator.safetensors", safetensors.torch.save(plain, {"model": model.name}))
    if model.tuned:
        _write_adapter(model, folder)
    if model.tuned and model.generator.classes:
        page_labels = _LABELS.format(noise=model.z_dim - model.generator.classes, classes=model.generator.classes)
    else:
        page_labels = ""
    prior = "" if not _is_uniform(model) else _UNIFORM if model.tuned else _UNIFORM_PLAIN
    page = _LOAD.format(
        name=" ".join(model.name.split()),
        weights=WEIGHTS,
        count=len(plain),
        prior=prior,
        tuned=(_TUNED.format(z_dim=model.z_dim) if model.tuned else _PLAIN) + page_labels,
        licence=" ".join(card.licence(model).split()),
    )
    write_bytes(folder / "README.md", page.encode())


def _write_adapter(model: Model, folder: Path) -> None:
    need_onnx()
    moved = _Moved(model).eval()
    program = trace_module(moved, model.z_dim, [])
    proto = to_proto(program, ["z"], ["latent"])
    proto.graph.name = ADAPTER
    proto.producer_name = "tastemaker"
    z = latents(range(4), model.z_dim)
    with torch.no_grad():
        wanted = moved(z).numpy()
    data = proto.SerializeToString(deterministic=True)
    worst = float(np.abs(run_onnx(data, z.numpy(), output="latent") - wanted).max())
    if not worst <= TOLERANCE * max(1.0, float(np.abs(wanted).max())):
        raise UserError(
            f"not exported: adapter.onnx gives other latents than the model does (off by {worst:.2g})"
        )
    write_bytes(folder / f"{ADAPTER}.onnx", data)
    with atomic_write(folder / f"{ADAPTER}.pt2") as stream, quiet():
        about = json.dumps({"input": "z", "output": "latent"})
        torch.export.save(program, stream, extra_files={"tastemaker.json": about})
