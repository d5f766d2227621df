"""A video that moves between images and ends where it began."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from gan.errors import Cancelled, UserError, reason
from gan.files import atomic_write
from gan.formats.rated import CHUNK, Cancel, Progress, Rated, draw, never, untuned
from gan.formats.xmp import xmp_packet
from gan.model import Model

Format = Literal["mp4", "gif", "webp"]
MOST_FRAMES = 20_000
_CODECS = ("libx264", "libopenh264", "h264_videotoolbox", "mpeg4")  # in order of preference; FFmpeg builds differ


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Interpolate from a to b: directions along the great circle, lengths linearly (Shoemake 1985; White 2016, arXiv 1609.04468).

    a, b (D), t (T) in [0, 1] -> (T, D). If the directions are equal or opposite, the path is a straight line.
    """
    t = t[:, None]
    length_a, length_b = torch.linalg.vector_norm(a), torch.linalg.vector_norm(b)
    angle = torch.acos((a @ b / (length_a * length_b).clamp_min(1e-12)).clamp(-1.0, 1.0))
    if torch.sin(angle) < 1e-4:
        return torch.lerp(a.expand(len(t), -1), b.expand(len(t), -1), t)
    direction = torch.sin((1 - t) * angle) * (a / length_a) + torch.sin(t * angle) * (b / length_b)
    return direction / torch.sin(angle) * torch.lerp(length_a, length_b, t)


def path_through(model: Model, points: Tensor, frames: int) -> Tensor:
    """Latents of a closed path through points (K, D), with `frames` latents from each point on to the next: (K * frames, D).

    With a tuned model, the path between two points bends towards the adapter's output: half-way it has the direction of that output
    (averaged over a quarter of the step); the points themselves, which were chosen already, are unchanged.
    """
    t = torch.arange(frames, dtype=torch.float32) / frames
    bend = torch.sin(torch.pi * t).square()[:, None]
    steps = []
    for here, there in zip(points, points.roll(-1, 0), strict=True):
        way = slerp(here, there, t)
        if model.adapter is not None:
            with torch.no_grad():
                preferred = model.adapter(way.to(model.device)).cpu()
            # A choice picks one of several latents, so the adapter's output may jump along the path; a video must not.
            mixed = way + bend * _smoothed(preferred - way, frames // 4)
            length = torch.linalg.vector_norm(way, dim=1, keepdim=True)
            way = torch.where(
                bend > 0,
                mixed * length / torch.linalg.vector_norm(mixed, dim=1, keepdim=True).clamp_min(1e-6),
                way,
            )
        steps.append(way)
    return torch.cat(steps)


def _smoothed(moves: Tensor, width: int) -> Tensor:
    """Moving average of (T, D) over up to `width / 2` rows before and after each."""
    half = width // 2
    padded = F.pad(moves.t()[None], (half, half), mode="replicate")
    return F.avg_pool1d(padded, 2 * half + 1, stride=1)[0].t()


def write_video(
    model: Model,
    rows: Sequence[Rated],
    path: Path,
    seconds: float = 1.5,
    fps: int = 24,
    scale: int = 1,
    progress: Progress | None = None,
    cancel: Cancel = never,
) -> Path:
    """Write a video that moves from image to image and back to the first, in the format of the suffix: .gif, .webp, or .mp4 (needs PyAV).

    Parameters
    ----------
    rows : two or more, in order.
    seconds : time from one image to the next.
    fps : frames per second. GIF counts in hundredths of a second, so 24 becomes 25.
    scale : whole factor of enlargement, for pixel art.

    Raises
    ------
    UserError
        There are too few images or too many frames, no encoder for MP4, or the file cannot be written.
    Cancelled
    """
    if len(rows) < 2:
        raise UserError("a film needs at least two images: rate or like more, or name more seeds")
    if not (0 < seconds <= 600 and 1 <= fps <= 60 and scale >= 1):
        raise UserError("a film has 1 to 60 frames in a second, and up to 600 seconds to a step")
    frames = max(1, round(seconds * fps))
    if frames * len(rows) > MOST_FRAMES:
        raise UserError(
            f"{frames * len(rows):,} frames are too many (up to {MOST_FRAMES:,}): fewer images or seconds"
        )
    points = torch.from_numpy(np.stack([row.latent for row in rows]).astype(np.float32))
    if points.shape[1] != model.z_dim:
        raise UserError(f"the latents are not of this generator: it takes {model.z_dim} numbers")
    pixels = _frames(model, path_through(model, points, frames), scale, progress, cancel)
    try:
        if path.suffix == ".mp4":
            _write_mp4(pixels, path, fps)
        else:
            _write_animation(pixels, path, fps)
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from error
    return path


def _frames(
    model: Model, way: Tensor, scale: int, progress: Progress | None, cancel: Cancel
) -> Iterator[np.ndarray]:
    plain = untuned(model)
    for start in range(0, len(way), CHUNK):
        if cancel():
            raise Cancelled
        for image in draw(plain, way[start : start + CHUNK].numpy()):
            yield image.repeat(scale, axis=0).repeat(scale, axis=1)
        if progress is not None:
            done = min(start + CHUNK, len(way))
            progress(done / len(way), f"frame {done} of {len(way)}")


def _write_animation(pixels: Iterator[np.ndarray], path: Path, fps: int) -> None:
    options: dict[str, Any] = {"quality": 90, "method": 3, "xmp": xmp_packet().encode()}
    kind, duration = "WEBP", 1000 / fps
    images = (Image.fromarray(image) for image in pixels)
    if path.suffix == ".gif":
        kind, duration = "GIF", max(2, round(100 / fps)) * 10
        # One palette per frame: a shared one would cause banding.
        images = (image.quantize(256, dither=Image.Dither.FLOYDSTEINBERG) for image in images)
        options = {
            "optimize": False,
            "disposal": 1,
            "comment": b"Generated image (trainedAlgorithmicMedia), Tastemaker",
        }
    first = next(images)
    with atomic_write(path) as stream:
        first.save(
            stream, format=kind, save_all=True, append_images=images, duration=duration, loop=0, **options
        )


def mp4_problem() -> str | None:
    """Why MP4 cannot be written here, in one line; None if it can."""
    try:
        import av  # noqa: F401
    except ImportError:
        return "MP4 needs the package av (pip install av); GIF and WebP need nothing more"
    return None


def _write_mp4(pixels: Iterator[np.ndarray], path: Path, fps: int) -> None:
    if problem := mp4_problem():
        raise UserError(problem)
    import av

    codec = next((name for name in _CODECS if _has(name)), None)
    if codec is None:
        raise UserError("the FFmpeg in the package av has no encoder for MP4; GIF and WebP need nothing more")
    first = next(pixels)
    height, width = (
        first.shape[0] // 2 * 2,
        first.shape[1] // 2 * 2,
    )  # MP4 stores colour at half the resolution
    with atomic_write(path) as stream, av.open(stream, "w", format="mp4") as container:
        container.metadata["comment"] = "Generated (trainedAlgorithmicMedia), Tastemaker"
        video = container.add_stream(codec, rate=fps)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        if codec == "libx264":
            video.options = {"crf": "16", "preset": "medium"}
        else:
            video.bit_rate = max(1_000_000, width * height * fps // 4)
        for image in _chained(first, pixels):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image[:height, :width]), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode(None))


def _has(codec: str) -> bool:
    import av

    try:
        av.codec.Codec(codec, "w")
    except (ValueError, av.error.FFmpegError):
        return False
    return True


def _chained(first: np.ndarray, rest: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    yield first
    yield from rest
