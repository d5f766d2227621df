"""A folder for model hubs: a full bundle export, sample pictures, and `.gitattributes` with Git LFS rules for large files."""

from pathlib import Path
from typing import Literal

from gan.files import write_bytes
from gan.formats.png import save_png
from gan.formats.portable import write_bundle
from gan.formats.pt2 import to_pt2
from gan.formats.rated import Cancel, Progress, from_seeds, metadata, never
from gan.model import Model

SAMPLES = range(8)  # seeds of the sample pictures
_LARGE = ("*.safetensors", "*.onnx", "*.pt2", "*.npz", "*.png")
_MORE = {"`samples/`": "seeds 0 to 7, one picture each"}
_PT2 = {
    "`generator.pt2`": "the generator for torch alone (`torch.export.load`); only open such files of people you trust"
}


def write_hub(
    model: Model,
    folder: Path,
    dtype: Literal["float32", "float16"] = "float32",
    progress: Progress | None = None,
    cancel: Cancel = never,
) -> None:
    """Write the contents of a hub repository into an empty folder; `hf upload NAME FOLDER` publishes it.

    Raises
    ------
    UserError, Cancelled
        As in `gan.formats.portable.export_bundle`.
    """
    traceable = not model.generator.files()
    model = write_bundle(model, folder, progress, cancel, dtype, _MORE | (_PT2 if traceable else {}))
    if traceable:
        from gan.formats.portable import facts

        write_bytes(folder / "generator.pt2", to_pt2(model, facts(model)))
    for row, pixels in zip(from_seeds(model, SAMPLES), model.sample(SAMPLES), strict=True):
        about = {**metadata(model, row), "model_hash": model.hash}
        save_png(pixels, folder / "samples" / f"seed{row.seed:010d}.png", about)
    rules = "".join(f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in _LARGE)
    write_bytes(folder / ".gitattributes", rules.encode())
