"""`tastemaker benchmark round`: the cost of a round of tuning, relative to drawing its images.

A round cannot do without `generator(z)` and the discriminator on its result, in the same chunks and precision, for every action sampled
and every image that the guard evaluates. Before or after each round, as many images are drawn, and the ratio is taken for each such pair,
so that other load on the machine affects both. A policy that has nearly converged samples the same actions again and again, and a round
draws each only once (`Seen`); a second ratio therefore compares with drawing the distinct images only. On a CPU, process time counts, not
wall-clock time.
"""

import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from gan.errors import UserError
from gan.files import write_json
from gan.loading import load
from gan.model import Model
from gan.options import BUNDLED, Parser, add_device, new_file, whole
from gan.policy.rounds import RoundConfig
from gan.session import Feedback, TuningSession

RATINGS = 100
LIMIT = 1.15  # upper limit for the ratio of a round to drawing its images


@dataclass(frozen=True)
class Pair:
    """One round, and the drawing of as many images; times in seconds."""

    images: int  # scored by the round: in batches and by the guard
    drawn: int  # distinct ones of them
    round: float
    drawing: float  # of `images`

    @property
    def ratio(self) -> float:
        """Relative to drawing all images."""
        return self.round / self.drawing

    @property
    def strict_ratio(self) -> float:
        """Relative to drawing the distinct images only."""
        return self.ratio * self.images / self.drawn


def clock(device: torch.device) -> float:
    """Process time on a CPU, wall-clock time elsewhere, after waiting for the device."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.process_time() if device.type == "cpu" else time.perf_counter()


def taught_session(model: Model, seed: int, config: RoundConfig | None = None) -> TuningSession:
    """A session with `RATINGS` ratings by somebody who likes bright images, and everything prepared that a round reads."""
    from gan.data.procedural import cache_folder

    session = TuningSession(model, device=str(model.device), seed=seed, config=config, cache=cache_folder())
    z = torch.randn(RATINGS, model.z_dim, generator=torch.Generator().manual_seed(seed)).numpy()
    light = session.draw(z).reshape(RATINGS, -1).mean(axis=1)
    stars = 1 + np.searchsorted(np.quantile(light, [0.2, 0.4, 0.6, 0.8]), light)
    session.add(dict(enumerate(z)))
    session.feedback([Feedback(i, "stars", float(n)) for i, n in enumerate(stars)])
    session.fit()
    if session.config.policy == "choice":
        while not session.pool.full:
            session.prepare()
    return session


def measure_round(session: TuningSession) -> tuple[float, int, int]:
    """Run one round from the untuned generator. Returns seconds, images scored, and how many of them were drawn."""
    session.restore(None)
    session.fit()  # as before every round, so that the pool is scored by a new taste
    begun = clock(session.model.device)
    for _ in session.run_round():
        pass
    seconds = clock(session.model.device) - begun
    assert session.last_round is not None
    return seconds, session.last_round.images, session.last_round.drawn


@torch.no_grad()
def measure_drawing(session: TuningSession, images: int) -> float:
    """Seconds to draw and judge `images` images in the session's chunks, and nothing else."""
    model, drawer = session.model, session.scorer.drawer
    z = torch.randn(images, model.z_dim, generator=torch.Generator().manual_seed(1)).to(model.device)
    begun = clock(model.device)
    for part in z.split(drawer.chunk):
        with torch.autocast(model.device.type, torch.bfloat16, enabled=drawer.autocast):
            drawn = model.generator(part)
            if model.discriminator is not None:
                model.discriminator.judge(drawn.float())
    return clock(model.device) - begun


def measure(model: Model, rounds: int, config: RoundConfig | None = None) -> list[Pair]:
    """`rounds` pairs, in alternating order; one warm-up pair is discarded."""
    session = taught_session(model, seed=0, config=config)
    _, images, _ = measure_round(session)
    measure_drawing(session, images)
    pairs = []
    for number in range(rounds):
        ahead = measure_drawing(session, images) if number % 2 else None
        taken, judged, drawn = measure_round(session)
        # If a round stopped early, or evaluated more often, its actual number of images counts.
        drawing = ahead * judged / images if ahead is not None else measure_drawing(session, judged)
        pairs.append(Pair(judged, drawn, taken, drawing))
    return pairs


def main(argv: Sequence[str]) -> int:
    """Print the results. Exit code 1 if the median ratio is above `LIMIT`."""
    parser = Parser(
        prog="tastemaker benchmark round",
        description="Measure what a round of tuning costs, as a multiple of just drawing and judging its images; the median over pairs.",
    )
    parser.add_argument("model", nargs="?", default=BUNDLED, metavar="MODEL", help=f"a bundle folder or a bundled name (default {BUNDLED})")
    parser.add_argument("--rounds", type=whole(1, 10_000), default=5, metavar="N", help="pairs measured (default 5)")
    parser.add_argument("--policy", choices=["choice", "shift"], default="choice", help="kind of policy (default choice)")
    parser.add_argument("--estimator", choices=["rloo", "reinforce", "pathwise"], default="rloo", help="gradient estimator (default rloo)")
    add_device(parser, "cpu")
    parser.add_argument("--json", type=new_file, metavar="PATH", help="write the figures there")
    options = parser.parse_args(argv)
    if options.policy == "choice" and options.estimator == "pathwise":
        raise UserError("pathwise needs --policy shift: a choice has no slope")
    model = load(options.model, options.device)
    pairs = measure(model, options.rounds, RoundConfig(policy=options.policy, estimator=options.estimator))
    ratio = statistics.median(pair.ratio for pair in pairs)
    print(f"{model.name} on {model.device}, {options.policy}, {options.estimator}: medians of {len(pairs)} pairs")
    strict = statistics.median(pair.strict_ratio for pair in pairs)
    print(f"images judged a round            {statistics.median(pair.images for pair in pairs):8.0f}")
    print(f"of them drawn                    {statistics.median(pair.drawn for pair in pairs):8.0f}")
    print(f"seconds a round                  {statistics.median(pair.round for pair in pairs):8.2f}")
    print(f"seconds to draw as many          {statistics.median(pair.drawing for pair in pairs):8.2f}")
    print(f"ratio                            {ratio:8.3f}   (limit {LIMIT})")
    print(f"ratio to what had to be drawn    {strict:8.3f}")
    if options.json is not None:
        record = {
            "format": "tastemaker-round",
            "model": {"name": model.name, "hash": model.hash},
            "device": str(model.device),
            "threads": torch.get_num_threads(),
            "policy": options.policy,
            "estimator": options.estimator,
            "ratio": ratio,
            "strict_ratio": strict,
            "limit": LIMIT,
            "pairs": [asdict(pair) for pair in pairs],
        }
        write_json(options.json, record)
    return 0 if ratio <= LIMIT else 1
