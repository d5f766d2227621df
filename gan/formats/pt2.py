"""A generator as one `.pt2` file: the graph traced by `torch.export`, for programs that have torch but not this library.

Such a file is read by `torch.export.load`, which may unpickle parts of it, so only trusted files are safe to open. Importing a `.pt2`
needs consent for this reason (`gan.formats.importing.script_file`).
"""

import io
import json
from collections.abc import Mapping

import numpy as np
import torch

from gan.errors import UserError
from gan.formats.program import input_names, quiet, trace
from gan.model import Model

ABOUT = "tastemaker.json"  # inside the archive, read through `extra_files`


def to_pt2(model: Model, metadata: Mapping[str, str]) -> bytes:
    """Serialise the drawing part of a model, for any batch size. Inputs are z, then psi and label if it has them.

    Parameters
    ----------
    model : on the CPU.
    metadata : stored in the archive as JSON, together with the names of the inputs;
        `torch.export.load(file, extra_files={"tastemaker.json": ""})` reads it.

    Raises
    ------
    UserError
        The generator runs an ONNX graph, or this version of torch cannot write the file.
    """
    program = trace(model)
    about = {**metadata, "inputs": input_names(model)}
    written = io.BytesIO()
    try:
        with quiet():
            torch.export.save(
                program, written, extra_files={ABOUT: json.dumps(about, ensure_ascii=False, sort_keys=True)}
            )
    except RuntimeError as error:
        raise UserError(f"torch {torch.__version__} cannot write {model.name} as .pt2: {error}") from error
    return written.getvalue()


def run_pt2(data: bytes, z: np.ndarray, psi: float = 1.0, label: int = -1) -> np.ndarray:
    """Images (N, 3, R, R) float32 that a `.pt2` file written by `to_pt2` draws from latents (N, z_dim) float32, on the CPU."""
    extra = {ABOUT: ""}
    with quiet(), torch.no_grad():
        module = torch.export.load(io.BytesIO(data), extra_files=extra).module()
        scalars = {"psi": torch.tensor(psi), "label": torch.tensor(label)}
        inputs = json.loads(extra[ABOUT])["inputs"]
        images: torch.Tensor = module(torch.from_numpy(z), *(scalars[name] for name in inputs[1:]))
    return images.numpy()
