"""`tastemaker benchmark generator`: how far a generator's images are from real ones, and how different from one another."""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gan.errors import UserError, reason
from gan.files import write_json
from gan.loading import load
from gan.measure import distances
from gan.measure.distances import Manifold
from gan.measure.features import features
from gan.measure.real import FIRST_SEED, RealPool, real_pool
from gan.measure.similarity import pairwise_lpips, pairwise_ms_ssim, random_pairs
from gan.model import Model
from gan.networks import registry
from gan.options import BUNDLED, Parser, add_device, new_file, place, whole

if TYPE_CHECKING:
    from gan.measure.inception import Describe

FIRST_LATENT_SEED = 2_000_000_000  # far from the seeds that people use
SHEET = 256  # images on the sheet that --sheet writes, enough to see a collapse

# Targets for a bundled generator
MOST_FLOORS, MOST_CEILING, LEAST_COVERAGE = 3.0, 0.01, 0.8


@dataclass(frozen=True)
class Row:
    """Measures of one set of images against as many real ones."""

    kid: float  # unbiased, in the space "rand"; 0 means indistinguishable
    fd: float  # FD-rand; at equal N only
    precision: float  # share of the images inside the real manifold
    recall: float  # share of the real images inside the manifold of the images
    density: float  # mean number of real neighbourhoods around an image, over its expected value; about 1 for real images
    coverage: float  # share of real neighbourhoods that contain an image
    diversity: float  # mean pairwise distance in the space "rand", relative to that of the real images
    vendi: float  # effective number of different images, in the space "rand"; at equal N only
    ms_ssim: float  # mean over pairs; 1 if all are alike
    lpips: float  # mean LPIPS-rand over pairs; 0 if all are alike
    fid: float | None = None  # in Inception's space, if the user has its weights


MEASURES = {  # field: name, decimals, explanation
    "kid": ("KID-rand", 4, "0: like the real ones"),
    "fd": ("FD-rand", 1, "lower is nearer"),
    "fid": ("FID", 1, "Inception; lower is nearer"),
    "precision": ("precision", 3, "share that looks real"),
    "recall": ("recall", 3, "share of the real it reaches"),
    "density": ("density", 3, "about 1: real"),
    "coverage": ("coverage", 3, "share of the real it meets"),
    "diversity": ("diversity", 3, "1: as varied as the real"),
    "vendi": ("Vendi-rand", 1, "effective number of images"),
    "ms_ssim": ("MS-SSIM pairs", 4, "lower is more varied"),
    "lpips": ("LPIPS-rand pairs", 4, "higher is more varied"),
}


def compare(real: RealPool, other: RealPool, seed: int = 0, inception: "Describe | None" = None) -> Row:
    """Measure images `other` against images `real`.

    Parameters
    ----------
    seed : of the pairs for MS-SSIM and LPIPS-rand.
    inception : computes Inception features; without it there is no FID.
    """
    x, y = real.features, other.features
    manifold = Manifold.of(x)
    pairs = random_pairs(len(other), len(other), seed)
    return Row(
        kid=distances.kid(x, y),
        fd=distances.frechet(x, y),
        precision=distances.precision(manifold, y),
        recall=distances.recall(Manifold.of(y), x),
        density=distances.density(manifold, y),
        coverage=distances.coverage(manifold, y),
        diversity=distances.diversity(y) / distances.diversity(x),
        vendi=distances.vendi(y),
        ms_ssim=pairwise_ms_ssim(other.images, pairs),
        lpips=pairwise_lpips(other.images, pairs),
        fid=distances.frechet(inception(real.images), inception(other.images)) if inception else None,
    )


def untrained(model: Model) -> Model | None:
    """The same networks with random weights from a fixed seed; None if the weights are part of a file (ONNX)."""
    import torch

    kind = registry.generators[model.generator.kind]
    if kind.files:
        return None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = kind.build(model.generator.config)
    return Model("untrained", generator, device=model.device)


def measure(
    model: Model, real: RealPool, repeats: int = 3, inception: "Describe | None" = None
) -> dict[str, list[Row]]:
    """Rows of "real" (the floor), "generator" and, if available, "untrained" (the ceiling), `repeats` of each.

    Parameters
    ----------
    real : 2 N real images; all are measured against one half, and the other half is the floor. N images are drawn from each generator.
    repeats : bootstrap repeats, each with another split of the real images and other seeds for the generators.
    """
    count = len(real) // 2
    sources = {"generator": model}
    if (fresh := untrained(model)) is not None:
        sources["untrained"] = fresh
    rows: dict[str, list[Row]] = {name: [] for name in ("real", *sources)}
    for repeat in range(repeats):
        order = np.random.default_rng(repeat).permutation(len(real))
        half, rest = _take(real, order[:count]), _take(real, order[count : 2 * count])
        first = FIRST_LATENT_SEED + repeat * count
        rows["real"].append(compare(half, rest, repeat, inception))
        for name, source in sources.items():
            images = source.sample(range(first, first + count))
            rows[name].append(compare(half, RealPool(images, features(images)), repeat, inception))
    return rows


def _take(pool: RealPool, picks: np.ndarray) -> RealPool:
    return RealPool(pool.images[picks], pool.features[picks])


def table(rows: dict[str, list[Row]]) -> str:
    """One line per measure: mean and standard deviation over the repeats."""
    headings = {"real": "real (floor)", "generator": "generator", "untrained": "untrained (ceiling)"}
    lines = ["".join([f"{'':<18}", *(f"{headings.get(name, name):>21}" for name in rows)])]
    for field, (title, decimals, meaning) in MEASURES.items():
        values = [[getattr(row, field) for row in several] for several in rows.values()]
        if any(value is None for several in values for value in several):
            continue
        cells = (f"{np.mean(several):.{decimals}f} ± {np.std(several):.{decimals}f}" for several in values)
        lines.append("".join([f"{title:<18}", *(f"{cell:>21}" for cell in cells), f"   {meaning}"]))
    return "\n".join(lines)


@dataclass(frozen=True)
class Target:
    """A target for a bundled generator."""

    says: str
    holds: bool


def targets(rows: dict[str, list[Row]]) -> list[Target]:
    """Whether the means over repeats reach the targets.

    KID at most 3 x floor + 0.01 x (ceiling - floor), and coverage at least 0.8. A floor below zero, which is possible for an unbiased
    estimate, counts as zero.
    """
    kid = {name: float(np.mean([row.kid for row in several])) for name, several in rows.items()}
    floor = max(kid["real"], 0.0)
    limit = MOST_FLOORS * floor + MOST_CEILING * (kid["untrained"] - floor)
    coverage = float(np.mean([row.coverage for row in rows["generator"]]))
    return [
        Target(
            f"KID {kid['generator']:.4f} <= {MOST_FLOORS:g} x floor {floor:.4f} + {MOST_CEILING:g} x (ceiling "
            f"{kid['untrained']:.4f} - floor) = {limit:.4f}",
            kid["generator"] <= limit,
        ),
        Target(f"coverage {coverage:.3f} >= {LEAST_COVERAGE:g}", coverage >= LEAST_COVERAGE),
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    parser = Parser(
        prog="tastemaker benchmark generator",
        description="Measure a generator against real images, beside real images themselves (the floor) and the same "
        "network untrained (the ceiling). Distances are in a fixed random feature space, not Inception's: "
        "compare them with one another only.",
    )
    parser.add_argument(
        "model", nargs="*", default=[BUNDLED], metavar="MODEL", help=f"bundle folders or bundled generators (default {BUNDLED})"
    )
    parser.add_argument("--count", type=whole(20, 100_000), default=2000, metavar="N", help="images per set (default 2000)")
    parser.add_argument(
        "--images", type=place, metavar="DIR", help="folder of real images, if it was not trained on bundled data"
    )
    parser.add_argument("--repeats", type=whole(1, 1000), default=3, metavar="N", help="bootstrap repeats (default 3)")
    add_device(parser)
    parser.add_argument("--sheet", type=new_file, metavar="PATH", help=f"write {SHEET} images there, as one PNG")
    parser.add_argument(
        "--inception",
        nargs="?",
        const="",
        metavar="FILE",
        help="measure FID too, with Inception weights that you have (default: where torch keeps them)",
    )
    parser.add_argument("--json", type=new_file, metavar="PATH", help="write the figures there")
    options = parser.parse_args(argv)
    run(options)
    return 0


def run(options: argparse.Namespace) -> None:
    """Measure and print; raises UserError."""
    if options.sheet and len(options.model) > 1:
        raise UserError("--sheet is for one generator at a time")
    models = [load(name, options.device) for name in options.model]
    describe = None
    if options.inception is not None:
        from gan.measure.inception import inception

        describe = inception(Path(options.inception) if options.inception else None, models[0].device)
    reports = []
    for index, model in enumerate(models):
        if index:
            print()
        reports.append(_report(model, options, describe))
    if options.json:
        write_json(options.json, reports if len(reports) > 1 else reports[0])


def _report(model: Model, options: argparse.Namespace, describe: "Describe | None") -> dict[str, object]:
    data = model.card.get("data", {})
    pool = real_pool(data, model.resolution, 2 * options.count, options.images)
    if len(pool) < 40:
        raise UserError(f"{len(pool)} images are too few to measure against: at least 40 are needed")
    count = len(pool) // 2
    rows = measure(model, pool, options.repeats, describe)
    origin = (
        f"images of {options.images}" if options.images else f"{data.get('kind')} of seeds from {FIRST_SEED}"
    )
    print(f"{model.name} ({model.hash}), {model.resolution} px: N = {count} images against {count} {origin}")
    print(f"mean ± standard deviation over bootstrap seeds 0 to {options.repeats - 1}")
    print(table(rows))
    reached = targets(rows) if "untrained" in rows else []
    for target in reached:
        print(f"{'holds ' if target.holds else 'MISSED'}  {target.says}")
    if options.sheet:
        from io import BytesIO

        from gan.data.sheet import contact_sheet

        picture = BytesIO()
        contact_sheet(model.sample(range(SHEET)), columns=16).save(picture, format="PNG")
        _write(options.sheet, picture.getvalue())
        print(f"{options.sheet}: {SHEET} images, seeds 0 to {SHEET - 1}")
    return {
        "model": model.name,
        "hash": model.hash,
        "resolution": model.resolution,
        "count": count,
        "real": origin,
        "space": "rand",
        "rows": {name: [asdict(row) for row in several] for name, several in rows.items()},
        "targets": [asdict(target) for target in reached],
    }


def _write(path: Path, data: bytes) -> None:
    from gan.files import write_bytes

    try:
        write_bytes(path, data)
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from None
