"""A generator as a portable folder: weights, ONNX, a sampling script, a test vector, samples and a card."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from gan.data.sheet import contact_sheet
from gan.errors import Cancelled, UserError
from gan.files import write_bytes
from gan.formats import bundle, card
from gan.formats.onnx_export import run_onnx, to_onnx
from gan.formats.png import save_image
from gan.formats.whole_folder import whole_folder
from gan.formats.xmp import TRAINED
from gan.model import Model
from gan.networks import latents, registry
from gan.version import __version__

Progress = Callable[[float, str], None]

ONNX_NAME = "generator.onnx"
FILES = (
    bundle.CONFIG_NAME, bundle.WEIGHTS_NAME, ONNX_NAME, "test_vector.npz", "sample.py", "samples.png", "README.md",
)  # fmt: skip
TOLERANCE = 1e-3  # largest difference between onnxruntime and torch, in units of [-1, 1]
TEST_SEEDS = (0, 1, 2, 3)
SHEET_SEEDS = range(64)


def export_bundle(
    model: Model,
    folder: Path | str,
    progress: Progress | None = None,
    cancel: Callable[[], bool] = lambda: False,
    dtype: Literal["float32", "float16"] = "float32",
) -> Path:
    """Write a generator for other programs, and verify that they will draw the same images.

    The folder appears complete at the end, or not at all; an earlier export there is replaced. The same model gives the same files.

    Parameters
    ----------
    model : tuned or not, on any device; not changed.
    folder : a new or empty folder, or an earlier export.
    progress : called with a fraction in [0, 1] and a line of text.
    cancel : called between the steps; true raises `Cancelled`, and nothing is left behind.
    dtype : of the stored weights; "float16" halves `model.safetensors`, and all other files are made from the rounded weights.

    Returns
    -------
    The folder, resolved.

    Raises
    ------
    UserError
        The folder holds something else or cannot be written, or onnxruntime does not reproduce torch's images.
        Cancelled
            `cancel` returned true.
    """
    target = Path(folder).resolve()
    with whole_folder(target, _allow, last=bundle.CONFIG_NAME) as partial:
        write_bundle(model, partial, progress, cancel, dtype)
    if progress is not None:
        progress(1.0, f"exported to {target}")
    return target


def write_bundle(
    model: Model,
    folder: Path,
    progress: Progress | None,
    cancel: Callable[[], bool],
    dtype: Literal["float32", "float16"],
    more: Mapping[str, str] | None = None,
) -> Model:
    """Write all files of an export into an empty folder. Returns the model as written. `more` : see `card.render`."""

    def step(fraction: float, text: str) -> None:
        if cancel():
            raise Cancelled
        if progress is not None:
            progress(fraction, text)

    step(0.0, "writing the weights")
    bundle.save(model, folder, dtype)
    # From here on, use the model read back from the files: it is what others will load.
    model = bundle.load(folder)

    step(0.05, "writing the ONNX file")
    write_onnx(model, folder, cancel)

    step(0.9, "drawing the samples")
    about = {
        "model": model.name,
        "model_hash": model.hash,
        "seeds": f"0-{SHEET_SEEDS[-1]}",
        "source": TRAINED,
    }
    save_image(contact_sheet(model.sample(SHEET_SEEDS), columns=8), folder / "samples.png", about)
    write_bytes(folder / "README.md", card.render(model, more).encode())
    step(0.98, "putting it in place")
    return model


def write_onnx(model: Model, folder: Path, cancel: Callable[[], bool] = lambda: False) -> None:
    """Write `generator.onnx`, a test vector and the sampling script, and verify that the graph draws the model's images.

    Raises
    ------
    UserError
        onnxruntime does not reproduce torch's images.
    Cancelled
    """
    write_bytes(folder / ONNX_NAME, to_onnx(model, facts(model)))
    if cancel():
        raise Cancelled
    z = latents(TEST_SEEDS, model.z_dim)
    images = model.draw(z).numpy()
    worst = float(np.abs(run_onnx((folder / ONNX_NAME).read_bytes(), z.numpy()) - images).max())
    if not worst <= TOLERANCE:  # NaN fails too
        raise UserError(
            f"not exported: {ONNX_NAME} draws other images than the model (off by {worst:.2g} of 2)"
        )
    vector = io.BytesIO()
    np.savez(vector, z=z.numpy(), image=images, seeds=np.array(TEST_SEEDS))
    write_bytes(folder / "test_vector.npz", vector.getvalue())
    write_bytes(folder / "sample.py", Path(__file__).with_name("sample_script.py").read_bytes())


def facts(model: Model) -> dict[str, str]:
    """Metadata of an exported graph."""
    return {
        "name": model.name,
        "model_hash": model.hash,
        "licence": card.licence(model),
        "generated_by": f"Tastemaker {__version__}",
        "version": __version__,
        "description": "Generator of a GAN. Every image it draws is generated.",
        "input": f"z (batch, {model.z_dim}) float32 from N(0, 1); numpy.random.RandomState(seed).randn({model.z_dim})",
        "output": f"image (batch, 3, {model.resolution}, {model.resolution}) float32 in [-1, 1]; pixels are image * 127.5 + 128",
        # A graph cannot reject a label: whoever sets one must know the number of classes.
        **({"classes": str(model.generator.classes)} if model.generator.classes else {}),
        "tuned": "yes" if model.tuned else "no",
        "digital_source_type": TRAINED,
    }


def _allow(target: Path, names: set[str]) -> None:
    """Refuse a folder that holds anything but an earlier export."""
    if not (bundle.is_bundle(target) and ONNX_NAME in names):
        raise UserError(f"{target} is not empty and not an earlier export; name a new folder")
    known = {name for kind in registry.generators.values() for name in kind.files}
    foreign = sorted(names - set(FILES) - known)
    if foreign:
        raise UserError(
            f"{target} is an earlier export with other files in it ({foreign[0]}); move them or name a new folder"
        )
