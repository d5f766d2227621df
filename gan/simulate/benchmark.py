"""`tastemaker benchmark learning`: raters x seeds through the whole loop, and peers on the same ratings."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from gan.data.procedural import cache_folder
from gan.errors import UserError
from gan.files import write_json
from gan.loading import load
from gan.measure.real import RealPool, real_pool
from gan.model import Model
from gan.options import BUNDLED, Parser, add_device, decimal, new_file, place, whole
from gan.simulate.contest import Ground, chosen, installed
from gan.simulate.evaluate import REAL_PER_IMAGE, Bench, Judge
from gan.simulate.figures import Record, by_candidates, compared, recovery, summarise
from gan.simulate.journal import add_peer, add_run, load_records, run_key
from gan.simulate.peers.base import Peer
from gan.simulate.picture import draw_picture
from gan.simulate.rater import LAPSES, load_rater, rater_files
from gan.simulate.run import simulate
from gan.simulate.table import table

COUNT, QUICK_COUNT = 1000, 250  # images per evaluated set
RATINGS, QUICK_RATINGS = "100", "24"
QUICK_RATERS = 2  # of the requested ones, evenly spread


class Benchmark:
    """Runs of one generator. What runs share (untuned images, judges, the peers' session) is made when it is first needed.

    Parameters
    ----------
    count : images in each evaluated set.
    device : "auto", "cpu", "cuda" or "mps".
    pool : real pictures; None: drawn if the generator's training data is procedural.
    journal : a JSON lines file; runs and peers found there are not repeated, new ones are appended.
    say : whether to report progress on stderr.
    """

    def __init__(
        self,
        model: Model,
        count: int = COUNT,
        device: str = "auto",
        pool: RealPool | None = None,
        journal: Path | None = None,
        say: bool = True,
    ) -> None:
        self.model, self.count, self.device, self.journal, self.say = model, count, device, journal, say
        self.hash = model_hash(model)
        self._pool = pool
        self._bench: Bench | None = None
        self._ground: Ground | None = None
        self._judges: dict[Path, Judge] = {}
        self._earlier = {json.dumps(r["key"], sort_keys=True): r for r in load_records(journal)} if journal else {}

    def run(
        self,
        raters: Sequence[Path],
        seeds: Sequence[int],
        ratings: Sequence[int],
        peers: Sequence[Peer] = (),
        lapses: float = LAPSES,
    ) -> list[Record]:
        """Run every rater with every number of ratings and every seed, seed by seed, so that partial results cover all raters."""
        todo = [(seed, k, path) for seed in seeds for k in ratings for path in raters]
        records = []
        for number, (seed, k, path) in enumerate(todo, 1):
            records.append(self._one(path, seed, k, peers, lapses, f"[{number}/{len(todo)}] {path.stem}, seed {seed}, {k} ratings"))
        return records

    def _one(self, path: Path, seed: int, ratings: int, peers: Sequence[Peer], lapses: float, name: str) -> Record:
        key = run_key(path.stem, seed, ratings, self.count, self.hash, lapses)
        record = self._earlier.get(json.dumps(key, sort_keys=True))
        if record is None or (peers and "rated" not in record):  # a run written before peers were
            begun = time.monotonic()
            judge = self._judge(path)
            report = simulate(self.model, path, ratings, seed, None, self.device, judge=judge, lapses=lapses, strengths=True)
            record = {**report.record(), "key": key, "peers": {}}
            if self.journal:
                add_run(self.journal, record)
            self._tell(f"{name}: {_line(record['final'])}", time.monotonic() - begun)
            for n in ("4", "16"):
                self._tell(f"{name}: best of {n}: {_line(record['best_of'][n])}")
        for peer in peers:
            if peer.name in record["peers"]:
                continue
            begun = time.monotonic()
            judge = self._judge(path)
            if self._ground is None:
                self._ground = Ground(self.model, cache_folder() if judge.bench.cached else None)
            try:
                found = self._ground.compete(peer, record, judge)
            except UserError as error:  # for example a generator without the styles that the peer shifts
                self._tell(f"{name}: {peer.title} is left out: {error}")
                continue
            record["peers"][peer.name] = found
            if self.journal:
                add_peer(self.journal, key, peer.name, found)
            self._tell(f"{name}: {peer.title}: {_line(found)}", time.monotonic() - begun)
        return record

    @property
    def bench(self) -> Bench:
        """The data that all judges share."""
        if self._bench is None:
            self.model, self._bench = _prepare(self.model, self.count, self._pool, self.device, self.say)
        return self._bench

    def _judge(self, path: Path) -> Judge:
        if path not in self._judges:
            self._judges[path] = Judge(self.bench, load_rater(path))
        return self._judges[path]

    def _tell(self, line: str, seconds: float | None = None) -> None:
        if self.say:
            took = "" if seconds is None else f" ({seconds:.0f} s)"
            print(f"{line}{took}", file=sys.stderr, flush=True)


def _line(judged: Record) -> str:
    broken = ", ".join(judged["violations"]) or "none"
    return f"like {judged['like']:.2f}, love {judged['love']:.2f}, diversity {judged['diversity_ratio']:.2f}, broken: {broken}"


def model_hash(model: Model) -> str:
    """The hash of the untuned generator, with which a session starts."""
    return Model(model.name, model.generator, device=model.device).hash


def _prepare(model: Model, count: int, pool: RealPool | None, device: str, say: bool) -> tuple[Model, Bench]:
    model = model.to(device)

    def tell(share: float, line: str) -> None:
        print(f"\r{line:<60}", end="" if share < 1 else "\n", file=sys.stderr, flush=True)

    return model, Bench.prepare(model, count, pool, progress=tell if say and sys.stderr.isatty() else None)


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    parser = Parser(
        prog="tastemaker benchmark learning",
        description="Let simulated people teach a generator and measure how many fresh images they like afterwards, beside other methods "
        "(peers) that learn from the same ratings.",
    )
    parser.add_argument("model", nargs="?", default=BUNDLED, metavar="MODEL", help=f"a bundle folder or a bundled name (default {BUNDLED})")
    parser.add_argument(
        "--raters", default="held-out", metavar="NAMES", help="dev, held-out, all, or names or files separated by commas (default held-out)"
    )
    parser.add_argument("--seeds", type=whole(1, 1000), default=3, metavar="N", help="seeds per rater (default 3)")
    parser.add_argument(
        "--ratings", metavar="K,...", help=f"ratings per run, or several separated by commas (default {RATINGS}; quick: {QUICK_RATINGS})"
    )
    parser.add_argument("--peers", default="all", metavar="NAMES", help="all, none, or names separated by commas (default all)")
    parser.add_argument(
        "--ablations", nargs="?", const="all", default="none", metavar="NAMES", help="also run ours with parts left out: names, or all"
    )
    parser.add_argument(
        "--lapses", type=decimal(0, 1), default=LAPSES, metavar="SHARE", help=f"share of random stars (default {LAPSES})"
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"{QUICK_RATERS} raters, one seed, {QUICK_COUNT} images judged instead of {COUNT}"
    )
    parser.add_argument("--count", type=whole(20, 100_000), metavar="N", help=f"images per judged set (default {COUNT}; fewer is noisier)")
    parser.add_argument("--images", type=place, metavar="DIR", help="folder of real images, if it was not trained on the scenes")
    add_device(parser)
    parser.add_argument("--json", type=new_file, metavar="PATH", help="write the summary there, each run to PATHl (out.json: out.jsonl)")
    parser.add_argument("--resume", action="store_true", help="do not repeat the runs and peers that PATHl already holds")
    parser.add_argument("--picture", type=new_file, metavar="FILE", help="draw like rate against ratings, as .png or .svg")
    parser.add_argument(
        "--queries", action="store_true", help="measure instead how many ratings our proposals save, compared with random ones"
    )
    options = parser.parse_args(argv)
    _run(options)
    return 0


def _numbers(text: str) -> list[int]:
    from gan.taste import USEFUL_FROM

    try:
        found = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise UserError(f"--ratings takes whole numbers by commas, not {text!r}") from None
    if found[0] < USEFUL_FROM:
        raise UserError(f"{found[0]} ratings are too few to learn from: at least {USEFUL_FROM} are needed")
    return found


def _run(options: argparse.Namespace) -> None:
    count = (QUICK_COUNT if options.quick else COUNT) if options.count is None else options.count
    if options.resume and not options.json:
        raise UserError("--resume needs --json PATH, beside which the earlier runs are")
    if options.picture and options.picture.suffix.lower() not in (".png", ".svg"):
        raise UserError(f"--picture ends in .png or .svg, not {options.picture.name!r}")
    ratings = _numbers(options.ratings or (QUICK_RATINGS if options.quick else RATINGS))
    peers = chosen(options.peers, "peer") + chosen(options.ablations, "ablation")
    raters = rater_files(options.raters)
    for path in raters:
        load_rater(path)  # a bad file is reported now, not an hour later
    if options.quick and len(raters) > QUICK_RATERS:
        raters = [raters[i * len(raters) // QUICK_RATERS] for i in range(QUICK_RATERS)]
    seeds = range(1 if options.quick else options.seeds)
    journal = Path(f"{options.json}l") if options.json else None
    if journal and not options.resume and journal.exists():
        raise UserError(f"{journal} holds earlier runs: add --resume to go on from them, or name another file")
    model = load(options.model, "cpu")
    pool = real_pool({}, model.resolution, REAL_PER_IMAGE * count, options.images) if options.images else None
    if options.queries:
        _queries(Benchmark(model, count, options.device, pool), raters, seeds, ratings[-1], options)
        return
    peers, left_out = installed(peers)
    for line in left_out:
        print(f"tastemaker: {line}", file=sys.stderr)
    benchmark = Benchmark(model, count, options.device, pool, journal)
    records = benchmark.run(raters, seeds, ratings, peers, options.lapses)
    for k in ratings:
        print(
            f"{model.name} ({benchmark.hash}), {k} ratings, {len(raters)} raters x {len(seeds)} seeds, {count} images judged, "
            f"{options.lapses:.0%} of ratings random"
        )
        print(table([r for r in records if r["ratings"] == k]))
        print()
    if options.picture:
        draw_picture(records, options.picture)
    if options.json:
        _write(options.json, records, ratings, {"model": model.name, "hash": benchmark.hash, "count": count, "lapses": options.lapses})


def _queries(
    benchmark: Benchmark, raters: Sequence[Path], seeds: Sequence[int], ratings: int, options: argparse.Namespace
) -> None:
    from gan.simulate.queries import queries_table, run_queries

    def tell(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    records = run_queries(benchmark.bench, raters, seeds, ratings, options.lapses, tell)
    print(queries_table(records))
    if options.json:
        write_json(options.json, records)


def _write(path: Path, records: Sequence[Record], ratings: Sequence[int], facts: Record) -> None:
    names = sorted({r["rater"] for r in records})
    found = {}
    for k in ratings:
        some = [r for r in records if r["ratings"] == k]
        found[str(k)] = {
            "raters": {name: summarise([r for r in some if r["rater"] == name]) for name in names},
            "all": summarise(some),
            "contestants": compared(some),
            "candidates": by_candidates(some),
            "after_drift": recovery(some),
        }
    write_json(path, {**facts, "ratings": found})
