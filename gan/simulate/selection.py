"""Selection without training: a session's predicted taste of the judge's untuned sample, for best-of-N."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from gan.model import digest
from gan.simulate.evaluate import Bench, keep
from gan.simulate.rater import FloatArray

if TYPE_CHECKING:
    from gan.session import TuningSession


@torch.no_grad()
def taste_scores(session: "TuningSession", bench: Bench) -> FloatArray:
    """Predicted liking of the bench's untuned sample by the session's taste model, by which best-of-N selects: (16 count,)."""
    taste = session.learner.model
    assert taste is not None
    described = _raw_features(session, bench)
    scores = []
    for start in range(0, len(described), 1000):
        part = type(described)(tuple(group[start : start + 1000] for group in described.groups))
        scores.append(taste.mean(session.scorer.standardise(part)).numpy())
    return np.concatenate(scores).astype(np.float64)


def _raw_features(session: "TuningSession", bench: Bench) -> Any:
    """The taste model's raw features of the bench's untuned sample.

    They are the same for every rater and seed, and take as long as teaching does: kept in memory and in the cache.
    """
    from gan.data.procedural import cache_folder
    from gan.taste import RawFeatures

    if bench.described is not None:
        return bench.described
    drawer = session.scorer.drawer

    def read(images: np.ndarray) -> RawFeatures:
        pixels = torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float()
        return drawer.read(((pixels - 127.5) / 127.5).to(drawer.device))[0]

    first = read(bench.images[:16])
    path = cache_folder() / f"taste-{digest(bench.untuned.tensors())[:10]}-{len(bench.images)}.npz"
    if bench.cached and path.exists():
        with np.load(path) as archive:
            groups = tuple(torch.from_numpy(archive[name]) for name in archive.files)
        # features from another version with the same name differ in the first rows
        if [group.shape[1:] for group in groups] == [group.shape[1:] for group in first.groups] and all(
            torch.allclose(old[:16], new, rtol=0.05, atol=0.05 * float(new.std()))
            for old, new in zip(groups, first.groups, strict=True)
        ):
            bench.described = RawFeatures(groups)
            return bench.described
    found = RawFeatures.cat([read(bench.images[start : start + 512]) for start in range(0, len(bench.images), 512)])
    if bench.cached:
        arrays = {f"group{i}": group.numpy() for i, group in enumerate(found.groups)}
        keep(path, lambda stream: np.savez(stream, **arrays), "taste-*.npz")  # type: ignore[arg-type]
    bench.described = found
    return found
