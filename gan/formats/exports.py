"""All export formats behind one function, used by the command line, the studio and scripts."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch

from gan.data.sheet import contact_sheet
from gan.errors import Cancelled, UserError
from gan.files import write_bytes
from gan.formats import card
from gan.formats.png import save_image
from gan.formats.portable import TEST_SEEDS, TOLERANCE, export_bundle, facts, write_onnx
from gan.formats.pt2 import run_pt2, to_pt2
from gan.formats.rated import FAVOURITE, Cancel, Progress, Rated, drawn, favourites, from_seeds, never
from gan.formats.whole_folder import whole_folder
from gan.formats.xmp import TRAINED
from gan.model import Model
from gan.networks import latents

Format = Literal["bundle", "onnx", "pt2", "state_dict", "images", "sheet", "video", "dataset", "hub"]
FORMATS: tuple[Format, ...] = get_args(Format)
OF_IMAGES = ("images", "sheet", "video", "dataset")  # these need rows or seeds
_FILES = {".onnx", ".pt2", ".pth", ".png", ".gif", ".webp", ".mp4", ".jpg", ".csv"}


@dataclass(frozen=True)
class ExportSettings:
    """Which format to write, and its options."""

    format: Format = "bundle"
    fp16: bool = False  # bundle, hub: weights in float16; half the size, and some pixels differ by one grey level
    image_format: Literal["png", "webp", "jpeg"] = "png"
    sidecar: bool = False  # images: also write the XMP packet beside each
    video_format: Literal["mp4", "gif", "webp"] = "gif"
    seconds: float = 1.5  # video: from one image to the next
    fps: int = 24  # video: frames per second
    scale: int = 1  # images, sheet, video: whole factor of enlargement, for pixel art
    least_stars: int = FAVOURITE  # images, sheet, video: stars from which an image is a favourite

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UserError(f"there is no export format {self.format!r}; there are {', '.join(FORMATS)}")
        if self.scale not in range(1, 33):
            raise UserError(f"scale is a whole number from 1 to 32, not {self.scale}")


def export(
    model: Model,
    folder: Path | str,
    settings: ExportSettings | None = None,
    rows: Sequence[Rated] | None = None,
    seeds: Iterable[int] | None = None,
    events: Sequence[Mapping[str, Any]] = (),
    progress: Progress | None = None,
    cancel: Cancel = never,
) -> Path:
    """Write a model, or images of it, as a folder that appears complete at the end or not at all.

    Parameters
    ----------
    model : tuned or not, on any device; not changed.
    folder : new or empty; a bundle may replace an earlier one.
    rows : for formats of images: the images of a project; the favourites are written (for `dataset`, all).
    seeds : draw these seeds instead of `rows`; not for `dataset`.
    events : the project's log, for `dataset`.
    progress : called with a fraction in [0, 1] and a line of text.
    cancel : called between the steps; true raises `Cancelled`, and nothing is left behind.

    Returns
    -------
    The folder, resolved.

    Raises
    ------
    UserError
        The folder holds something else or cannot be written, there is nothing to write, the model cannot be written in this format, or the
        written file does not draw the model's images.
    Cancelled
        `cancel` returned true.
    """
    settings = settings or ExportSettings()
    dtype: Literal["float32", "float16"] = "float16" if settings.fp16 else "float32"
    target = Path(folder).resolve()
    if target.suffix.lower() in _FILES and not target.is_dir():
        raise UserError(f"{target.name}: an export is a folder; name one without {target.suffix}")
    if settings.format == "bundle":
        return export_bundle(model, target, progress, cancel, dtype)

    def step(fraction: float, text: str) -> None:
        if cancel():
            raise Cancelled
        if progress is not None:
            progress(fraction, text)

    def drawing(fraction: float, text: str) -> None:
        step(0.97 * fraction, text)

    with whole_folder(target) as partial:
        step(0.0, _STARTS[settings.format])
        if settings.format == "hub":
            from gan.formats.hub import write_hub

            write_hub(model, partial, dtype, drawing, cancel)
        elif settings.format in OF_IMAGES:
            if settings.format == "dataset":
                from gan.formats.dataset import write_dataset

                if rows is None:
                    raise UserError("a data set is made of someone's ratings: export it from a project")
                write_dataset(model, rows, events, partial, drawing, cancel)
            elif seeds is None and rows is None:
                raise UserError(f"{settings.format} needs images: seeds, or a project with favourites")
            else:
                chosen = (
                    favourites(rows or (), settings.least_stars)
                    if seeds is None
                    else from_seeds(model, seeds)
                )
                _write_images(model, partial, settings, chosen, drawing, cancel)
        else:
            model = _on_cpu(model)
            writers: dict[str, Callable[[], None]] = {
                "onnx": lambda: _write_onnx(model, partial, cancel),
                "pt2": lambda: _write_pt2(model, partial),
                "state_dict": lambda: _write_original(model, partial),
            }
            writers[settings.format]()
        step(0.99, "putting it in place")
    if progress is not None:
        progress(1.0, f"exported to {target}")
    return target


_STARTS = {
    "onnx": "writing the ONNX file",
    "pt2": "writing the .pt2 file",
    "state_dict": "writing the weights",
    "images": "drawing the images",
    "sheet": "drawing the images",
    "video": "drawing the frames",
    "dataset": "drawing the images",
    "hub": "writing the weights",
}


def _on_cpu(model: Model) -> Model:
    """The model on the CPU, where graphs are traced; a copy if it is on another device."""
    if model.device.type == "cpu":
        return model
    import copy

    return copy.deepcopy(model).to("cpu")


def _write_onnx(model: Model, folder: Path, cancel: Cancel) -> None:
    write_onnx(model, folder, cancel)
    page = _PAGE.format(
        name=" ".join(model.name.split()),
        what="`generator.onnx` draws the images: any program that runs ONNX can use it. `python sample.py` draws some, and needs only "
        "numpy, onnxruntime and pillow; `python sample.py --check` compares them with `test_vector.npz`.",
        facts="\n".join(f"- {key}: {value}" for key, value in facts(model).items()),
        licence=card.licence(model),
    )
    write_bytes(folder / "README.md", page.encode())


def _write_pt2(model: Model, folder: Path) -> None:
    data = to_pt2(model, facts(model))
    z = latents(TEST_SEEDS, model.z_dim)
    worst = float(np.abs(run_pt2(data, z.numpy()) - model.draw(z).numpy()).max())
    if not worst <= TOLERANCE:
        raise UserError(
            f"not exported: generator.pt2 draws other images than the model (off by {worst:.2g} of 2)"
        )
    write_bytes(folder / "generator.pt2", data)
    more = [", psi" if model.generator.truncates else "", ", label" if model.generator.classes else ""]
    call = f"program.module()(z{''.join(more)})"
    meaning = f"{call}, in [-1, 1]" if any(more) else "(16, 3, R, R) in [-1, 1]".replace("R", str(model.resolution))
    values = [
        ", torch.tensor(1.0)" if model.generator.truncates else "",
        ", torch.tensor(-1)" if model.generator.classes else "",
    ]
    page = _PAGE.format(
        name=" ".join(model.name.split()),
        what="`generator.pt2` is an exported torch program: it needs torch "
        f"{torch.__version__.split('+')[0].rsplit('.', 1)[0]} or newer, and nothing else.\n\n```python\nimport torch\n"
        f'program = torch.export.load("generator.pt2")\nz = torch.randn(16, {model.z_dim})\n'
        f"images = {call.replace(', psi', values[0]).replace(', label', values[1])}    # {meaning}\n```\n\n"
        "Only open such files of people you trust: torch may run what is in them.",
        facts="\n".join(f"- {key}: {value}" for key, value in facts(model).items()),
        licence=card.licence(model),
    )
    write_bytes(folder / "README.md", page.encode())


def _write_original(model: Model, folder: Path) -> None:
    from gan.formats.original import write_original

    write_original(model, folder)


def _write_images(
    model: Model,
    folder: Path,
    settings: ExportSettings,
    rows: Sequence[Rated],
    progress: Progress | None,
    cancel: Cancel,
) -> None:
    scale = settings.scale
    if settings.format == "images":
        from gan.formats.pictures import write_pictures

        write_pictures(model, rows, folder, settings.image_format, settings.sidecar, scale, progress, cancel)
    elif settings.format == "video":
        from gan.formats.video import write_video

        path = folder / f"interpolation.{settings.video_format}"
        write_video(model, rows, path, settings.seconds, settings.fps, scale, progress, cancel)
    else:
        _write_sheet(model, rows, folder, scale, progress, cancel)


def _write_sheet(
    model: Model, rows: Sequence[Rated], folder: Path, scale: int, progress: Progress | None, cancel: Cancel
) -> None:
    if not rows:
        raise UserError("no images to write")
    pixels = np.stack([image for _, image in drawn(model, rows, progress, cancel)])
    about = {
        "model": model.name,
        "model_hash": model.hash,
        "images": [row.stem for row in rows],
        "ratings": [row.rating for row in rows],
        "source": TRAINED,
    }
    save_image(contact_sheet(pixels, scale=scale), folder / "sheet.png", about)


_PAGE = """# {name}

{what}

{facts}

Licence of the weights: **{licence}**. Every image they draw is generated.
"""
