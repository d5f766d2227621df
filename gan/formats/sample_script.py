#!/usr/bin/env python3
"""Draw images with the generator in this folder. Needs only Python 3.10+, numpy, onnxruntime and pillow.

    python sample.py --count 16 --seed 0 --out images.png      one sheet
    python sample.py --count 16 --seed 0 --out images          a folder, one PNG per image
    python sample.py --check                                   compare the images of this machine with the test vector
    python sample.py --truncation 0.7                          closer to the mean image, if the generator can truncate
    python sample.py --label 3                                 one class, if the generator has classes

A seed gives the same image on every machine: z = numpy.random.RandomState(seed).randn(z_dim).
"""

import argparse
import math
import os
import sys
from collections.abc import Iterable
from pathlib import Path

try:
    import numpy as np
    import onnxruntime
    from PIL import Image, PngImagePlugin
except ImportError as error:
    sys.exit(f"sample.py: {error.name} is missing; this script needs: pip install numpy onnxruntime pillow")

HERE = Path(__file__).resolve().parent
BATCH = 16  # images drawn at a time
GAP = 2  # pixels between the images of a sheet
OTHER_PICTURES = {".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
TOLERANCE = 1e-3  # of --check, in units of [-1, 1]; a grey level is 0.0078
XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
<Iptc4xmpExt:DigitalSourceType>http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def open_generator() -> onnxruntime.InferenceSession:
    """The generator beside this script, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if hasattr(
        os, "sched_getaffinity"
    ):  # in a container, onnxruntime would pin threads to cores that it may not use
        options.intra_op_num_threads = len(os.sched_getaffinity(0))
    path = HERE / "generator.onnx"
    if not path.is_file():
        raise ValueError(f"{path} is missing")
    return onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def settings(session: onnxruntime.InferenceSession, arguments: argparse.Namespace) -> dict[str, np.ndarray]:
    """The inputs besides the latents that the command line sets; the file has a default for each."""
    known = {one.name for one in session.get_overridable_initializers()}
    asked = {"psi": arguments.truncation, "label": arguments.label}
    for name, value in asked.items():
        if value is not None and name not in known:
            raise ValueError(f"this generator has no {'truncation' if name == 'psi' else 'classes'}")
    classes = int(session.get_modelmeta().custom_metadata_map.get("classes", 0))  # not recorded in earlier files
    if classes and arguments.label is not None and not -1 <= arguments.label < classes:
        raise ValueError(f"this generator has no class {arguments.label}: it has 0 to {classes - 1}, and -1 is as the seed says")
    types = {"psi": np.float32, "label": np.int64}
    return {name: np.array(value, types[name]) for name, value in asked.items() if value is not None}


def draw(session: onnxruntime.InferenceSession, z: np.ndarray, **more: np.ndarray) -> np.ndarray:
    """Latents (N, z_dim) float32 -> images (N, 3, H, W) float32 in [-1, 1]."""
    batch = session.get_inputs()[0].shape[0]  # a name instead of a number if any batch size will do
    batch = batch if isinstance(batch, int) else min(BATCH, len(z))
    rows = np.concatenate([z, z[:1].repeat(-len(z) % batch, axis=0)])
    parts = [
        session.run(["image"], {"z": rows[i : i + batch], **more})[0] for i in range(0, len(rows), batch)
    ]
    return np.concatenate(parts)[: len(z)]


def latents(session: onnxruntime.InferenceSession, seeds: Iterable[int]) -> np.ndarray:
    """One latent per seed, (N, z_dim) float32."""
    z_dim = session.get_inputs()[0].shape[1]
    return np.stack([np.random.RandomState(seed).randn(z_dim) for seed in seeds]).astype(np.float32)


def to_pixels(images: np.ndarray) -> np.ndarray:
    """(N, 3, H, W) in [-1, 1] -> uint8 (N, H, W, 3)."""
    return np.clip(images * 127.5 + 128.0, 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def save(pixels: np.ndarray, path: Path, what: str) -> None:
    """Write a PNG with metadata that says that it was generated, and from what."""
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", what)
    info.add_itxt("XML:com.adobe.xmp", XMP)
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, format="PNG", pnginfo=info)


def save_sheet(pixels: np.ndarray, path: Path, what: str) -> None:
    """Write all images as one sheet."""
    count, height, width, _ = pixels.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    sheet = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, 3), (28, 28, 30), np.uint8)
    for i, image in enumerate(pixels):
        top, left = i // columns * (height + GAP), i % columns * (width + GAP)
        sheet[top : top + height, left : left + width] = image
    save(sheet, path, what)


def check(session: onnxruntime.InferenceSession) -> int:
    """Compare the images of this machine with the test vector. Returns the exit status."""
    with np.load(HERE / "test_vector.npz", allow_pickle=False) as vector:
        wanted, got = vector["image"], draw(session, vector["z"])
        same_z = np.array_equal(latents(session, vector["seeds"]), vector["z"])
    worst = float(np.abs(got - wanted).max())
    good = worst <= TOLERANCE and same_z  # NaN is not good
    print(
        f"largest difference from the test vector: {worst:.1e} (limit {TOLERANCE:.0e}): {'ok' if good else 'FAILED'}"
    )
    if not same_z:
        print("this numpy draws other latents from the same seeds")
    return 0 if good else 1


def run(arguments: argparse.Namespace) -> int:
    """Do what the command line asks. Returns the exit status."""
    session = open_generator()
    if arguments.check:
        return check(session)
    out = Path(arguments.out)
    if out.suffix.lower() in OTHER_PICTURES and not out.is_dir():
        raise ValueError("images are written as PNG: name a file ending in .png, or a folder")
    if arguments.count < 1:
        raise ValueError("--count must be at least 1")
    if not 0 <= arguments.seed <= arguments.seed + arguments.count - 1 < 2**32:
        raise ValueError("seeds must be 0 to 4294967295")
    if arguments.truncation is not None and not 0 <= arguments.truncation <= 1:  # NaN is neither
        raise ValueError("--truncation must be 0 to 1")
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    more = settings(session, arguments)
    facts = session.get_modelmeta().custom_metadata_map
    by = f"Model: {facts.get('name', 'unknown')}, Model hash: {facts.get('model_hash', 'unknown')}"
    if arguments.truncation is not None:
        by += f", Truncation: {arguments.truncation}"
    if out.suffix.lower() == ".png" and not out.is_dir():
        out.parent.mkdir(parents=True, exist_ok=True)
        seeds_line = f"Seeds: {seeds[0]}-{seeds[-1]}" if len(seeds) > 1 else f"Seed: {seeds[0]}"
        save_sheet(to_pixels(draw(session, latents(session, seeds), **more)), out, f"{seeds_line}, {by}")
    else:
        out.mkdir(parents=True, exist_ok=True)
        for start in range(0, len(seeds), BATCH):
            some = seeds[start : start + BATCH]
            for seed, pixels in zip(
                some, to_pixels(draw(session, latents(session, some), **more)), strict=True
            ):
                save(pixels, out / f"seed{seed:010d}.png", f"Seed: {seed}, {by}")
    print(f"{len(seeds)} image{'s' if len(seeds) > 1 else ''} in {out}")
    return 0


def main() -> int:
    """The command. Returns the exit status."""
    parser = argparse.ArgumentParser(description="Draw images with the generator in this folder.")
    parser.add_argument("--count", type=int, default=16, metavar="N", help="how many images (16)")
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="seed of the first; the others follow (0)"
    )
    parser.add_argument(
        "--out",
        default="images.png",
        metavar="PATH",
        help="PATH.png for one sheet, else a folder (images.png)",
    )
    parser.add_argument(
        "--truncation", type=float, metavar="PSI", help="1: all variety (default), 0: the mean image"
    )
    parser.add_argument(
        "--label", type=int, metavar="L", help="number of the class (default: as the seed says)"
    )
    parser.add_argument(
        "--check", action="store_true", help="compare this machine's images with the test vector"
    )
    try:
        return run(parser.parse_args())
    except KeyboardInterrupt:
        print("sample.py: stopped", file=sys.stderr)
        return 130
    except Exception as error:  # damaged files raise onnxruntime's own exceptions
        print(f"sample.py: {' '.join(str(error).split())}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
