"""`tastemaker benchmark generator`: how far a generator's images are from real ones, in the space "rand"."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from gan.errors import UserError
from gan.measure import distances
from gan.measure.distances import Manifold
from gan.measure.features import features
from gan.measure.real import FIRST_SEED, real_pool
from gan.model import Model, load

FIRST_LATENT_SEED = 2_000_000_000  # far from the seeds a person meets


@dataclass(frozen=True)
class Row:
    """One set of images against a set of real ones of the same size."""

    kid: float  # unbiased, in the space "rand"; 0 is indistinguishable
    fd: float  # FD-rand; at equal N only
    precision: float  # share of the images inside the real manifold
    recall: float  # share of the real images inside theirs
    coverage: float  # share of real neighbourhoods that hold one of the images
    diversity: float  # mean pairwise distance over that of the real images


def compare(real: np.ndarray, other: np.ndarray) -> Row:
    """Measure features `other` (N, D) against features `real` (N, D)."""
    manifold = Manifold.of(real)
    return Row(
        kid=distances.kid(real, other),
        fd=distances.frechet(real, other),
        precision=distances.precision(manifold, other),
        recall=distances.recall(Manifold.of(other), real),
        coverage=distances.coverage(manifold, other),
        diversity=distances.diversity(other) / distances.diversity(real),
    )


def untrained(model: Model) -> Model:
    """The same networks with fresh weights, always the same ones."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = type(model.generator)(model.generator.config)
    return Model("untrained", generator)


def measure(model: Model, real: np.ndarray, repeats: int = 3) -> dict[str, list[Row]]:
    """Rows of "generator", "real" (the floor) and "untrained" (the ceiling), `repeats` of each.

    Parameters
    ----------
    real : features of real images, (2 N, D): one half is what all are measured against, the other half is the floor. N images are
        drawn from the generators.
    repeats : bootstrap repeats: the first takes all rows in order, each later one draws another split of the real images and other
        seeds of the generators.
    """
    count = len(real) // 2
    fresh = untrained(model)
    rows: dict[str, list[Row]] = {"real": [], "generator": [], "untrained": []}
    for repeat in range(repeats):
        order = np.random.default_rng(repeat).permutation(len(real))
        half, rest = real[order[:count]], real[order[count : 2 * count]]
        first = FIRST_LATENT_SEED + repeat * count
        rows["real"].append(compare(half, rest))
        rows["generator"].append(compare(half, features(model.sample(range(first, first + count)))))
        rows["untrained"].append(compare(half, features(fresh.sample(range(first, first + count)))))
    return rows


def table(rows: dict[str, list[Row]]) -> str:
    """Mean over repeats, with the standard deviation of KID and FD-rand."""
    lines = [
        f"{'':<12}{'KID-rand':>19}{'FD-rand':>17}{'precision':>11}{'recall':>9}{'coverage':>10}{'diversity':>11}",
    ]
    for name, several in rows.items():
        values = np.array([list(asdict(row).values()) for row in several])
        mean, spread = values.mean(0), values.std(0)
        lines.append(
            f"{name:<12}{mean[0]:>10.4f} ±{spread[0]:>7.4f}{mean[1]:>9.1f} ±{spread[1]:>6.1f}"
            f"{mean[2]:>11.3f}{mean[3]:>9.3f}{mean[4]:>10.3f}{mean[5]:>11.3f}"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tastemaker benchmark generator",
        description="Measure a generator against real images, beside real images themselves (the floor) and the same "
        "network untrained (the ceiling). Distances are in a fixed random feature space, not Inception's: "
        "compare them with one another only.",
    )
    parser.add_argument("model", nargs="?", default="dreamscapes", help="a bundle folder or a bundled generator")
    parser.add_argument("--count", type=int, default=2000, metavar="N", help="images per set (default 2000)")
    parser.add_argument("--images", type=Path, metavar="DIR", help="real images, if it was not trained on the scenes")
    parser.add_argument("--repeats", type=int, default=3, help="bootstrap repeats (default 3)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there")
    options = parser.parse_args(argv)
    try:
        run(options)
    except UserError as error:
        print(f"tastemaker: {error}", file=sys.stderr)
        return 2
    return 0


def run(options: argparse.Namespace) -> None:
    """Measure and print; raises UserError."""
    if options.count < 20 or options.repeats < 1:
        raise UserError("--count must be at least 20 and --repeats at least 1")
    model = load(options.model, options.device)
    pool = real_pool(model.card.get("data", {}), model.resolution, 2 * options.count, options.images)
    if len(pool) < 40:
        raise UserError(f"{len(pool)} images are too few to measure against: at least 40 are needed")
    count = len(pool) // 2
    rows = measure(model, pool.features, options.repeats)
    origin = f"images of {options.images}" if options.images else f"scenes of seeds from {FIRST_SEED}"
    print(f"{model.name} ({model.hash}): {count} images against {count} {origin}, {options.repeats} repeats")
    print(table(rows))
    if options.json:
        from gan.formats.files import write_bytes

        report = {
            "model": model.name,
            "hash": model.hash,
            "count": count,
            "real": origin,
            "space": "rand",
            "rows": {name: [asdict(row) for row in several] for name, several in rows.items()},
        }
        try:
            write_bytes(options.json, json.dumps(report, indent=1).encode())
        except OSError as error:
            raise UserError(f"cannot write {options.json}: {error.strerror}") from None
