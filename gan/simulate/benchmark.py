"""`tastemaker benchmark learning`: raters x seeds through the whole loop, beside best-of-N on the same ratings."""

import argparse
import json
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from gan.errors import UserError, reason
from gan.measure.real import RealPool, real_pool
from gan.model import Model, load
from gan.simulate.evaluate import REAL_PER_IMAGE, Bench, Judge
from gan.simulate.rater import load_rater, rater_files
from gan.simulate.run import simulate

COUNT, QUICK_COUNT = 1000, 400  # images per judged set
RATIOS = ("diversity_ratio", "coverage_ratio", "precision_ratio", "kid_ratio")

Record = dict[str, Any]


# --- figures ----------------------------------------------------------------------------------------------------------------


def paired_bootstrap(differences: Sequence[float], level: float = 0.95, draws: int = 10_000) -> tuple[float, float]:
    """Interval of the mean of paired differences, by the percentile bootstrap (Efron 1979).

    Parameters
    ----------
    differences : ours minus theirs, one per run on identical ratings.
    level : of confidence, in (0, 1).
    """
    values = np.asarray(differences, np.float64)
    picks = np.random.default_rng(0).integers(0, len(values), (draws, len(values)))
    low, high = np.quantile(values[picks].mean(1), ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def summarise(records: Sequence[Record]) -> Record:
    """Median and least like and love rates, the four ratios, and the peers, over runs."""
    counted, lenient = [r["counted"] for r in records], [r["counted_lenient"] for r in records]
    final = [r["final"] for r in records]

    def middle(rows: Iterable[Record], key: str) -> float:
        return float(np.median([row[key] for row in rows]))

    return {
        "runs": len(records),
        "like": middle(final, "like"),
        "like_least": min(row["like"] for row in final),
        "love": middle(final, "love"),
        "like_inside": middle(counted, "like"),
        "love_inside": middle(counted, "love"),
        "like_lenient": middle(lenient, "like"),
        "inside": float(np.mean([row["inside"] for row in final])),
        "inside_lenient": float(np.mean([row["inside_lenient"] for row in final])),
        **{name: middle(final, name) for name in RATIOS},
        "best_of_4": middle((r["best_of"]["4"] for r in records), "like"),
        "best_of_16": middle((r["best_of"]["16"] for r in records), "like"),
        "love_best_of_16": middle((r["best_of"]["16"] for r in records), "love"),
        "ended_below": float(np.mean([r["ended_below"] for r in records])),
        "seconds": float(np.median([r["seconds"] for r in records])),
    }


def comparison(records: Sequence[Record], peer: str, key: str = "like") -> Record:
    """Ours minus a peer's, paired by run: mean, 95 % bootstrap interval, and whether it excludes zero."""
    differences = [r["final"][key] - r["best_of"][peer][key] for r in records]
    low, high = paired_bootstrap(differences)
    return {"mean": float(np.mean(differences)), "low": low, "high": high, "claim": low > 0 or high < 0}


# --- the table --------------------------------------------------------------------------------------------------------------

COLUMNS = (  # key, heading, format
    ("like", "like", "{:.2f}"),
    ("like_least", "least", "{:.2f}"),
    ("love", "love", "{:.2f}"),
    ("diversity_ratio", "diversity", "{:.2f}"),
    ("coverage_ratio", "coverage", "{:.2f}"),
    ("precision_ratio", "precision", "{:.2f}"),
    ("kid_ratio", "KID", "{:.2f}"),
    ("inside", "inside", "{:.0%}"),
    ("inside_lenient", "lenient", "{:.0%}"),
    ("like_inside", "like in", "{:.2f}"),
    ("like_lenient", "like len", "{:.2f}"),
    ("best_of_4", "best of 4", "{:.2f}"),
    ("best_of_16", "of 16", "{:.2f}"),
    ("seconds", "seconds", "{:.0f}"),
)


def table(records: Sequence[Record]) -> str:
    """One line per rater, then all of them, then what may be claimed."""
    raters = sorted({r["rater"] for r in records})
    width = max(len("all"), *(len(name) for name in raters))
    lines = [" ".join([" " * width, *(f"{heading:>9}" for _, heading, _ in COLUMNS)])]
    for name in [*raters, "all"]:
        summary = summarise([r for r in records if name in ("all", r["rater"])])
        cells = (f"{form.format(summary[key]):>9}" for key, _, form in COLUMNS)
        lines.append(" ".join([f"{name:<{width}}", *cells]))
    lines.append("")
    lines.append("medians over runs; like and love: share of fresh images above the untuned 80th and 95th percentile")
    lines.append("(0.20 and 0.05 before); ratios to the untuned generator's own best fifth; inside: share of runs that keep")
    lines.append("diversity >= 0.95, coverage >= 0.90, precision >= 0.95 and KID <= 1.10 (lenient: diversity and precision")
    lines.append(">= 0.90); like in, like len: like rate where a run outside counts as its best checkpoint inside")
    oracle = [r["oracle_best_of_16"] for r in records]
    figures = ", ".join(
        f"{heading} {np.median([row[key] for row in oracle]):.2f}"
        for key, heading, _ in COLUMNS
        if key in ("like", "love", *RATIOS)
    )
    lines.append(f"best of 16 untuned images by the true taste, for scale: {figures}")
    for peer in ("4", "16"):
        for key in ("like", "love"):
            c = comparison(records, peer, key)
            claim = "excludes zero" if c["claim"] else "does not exclude zero"
            lines.append(
                f"ours minus best of {peer}, {key} rate: {c['mean']:+.3f} (95 % {c['low']:+.3f} to {c['high']:+.3f}, {claim})"
            )
    below = sum(r["ended_below"] for r in records)
    lines.append(f"runs that ended below their start: {below} of {len(records)}")
    return "\n".join(lines)


# --- running ----------------------------------------------------------------------------------------------------------------


def load_records(path: Path) -> list[Record]:
    """Earlier runs from a JSON-lines file; a line that a crash cut short is left out.

    Raises
    ------
    UserError
        The file cannot be read, or none of its lines is a run.
    """
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {reason(error)}") from None
    records = []
    for line in lines:
        with suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and "key" in record:
                records.append(record)
    if lines and not records:
        raise UserError(f"{path} holds no runs of this benchmark")
    return records


def run_all(
    model: Model,
    raters: Sequence[Path],
    seeds: Sequence[int],
    ratings: int,
    count: int = COUNT,
    device: str = "auto",
    journal: Path | None = None,
    pool: RealPool | None = None,
    say: bool = True,
) -> list[Record]:
    """Every rater with every seed; runs found in `journal` (JSON lines) are not repeated, new ones are appended to it."""
    earlier = load_records(journal) if journal else []
    bench: Bench | None = None
    records: list[Record] = []
    todo = len(raters) * len(seeds)
    for path in raters:
        judge: Judge | None = None
        for seed in seeds:
            key = {"rater": path.stem, "seed": seed, "ratings": ratings, "count": count}
            done = [r for r in earlier if r["key"] == {**key, "hash": model_hash(model)}]
            if done:
                records.append(done[-1])
                continue
            if bench is None:
                model, bench = _prepare(model, count, pool, device, say)
            if judge is None:
                judge = Judge(bench, load_rater(path))
            begun = time.monotonic()
            report = simulate(model, path, ratings, seed, None, device, judge=judge).record()
            report["key"] = {**key, "hash": model_hash(model)}
            records.append(report)
            if journal:
                _append(journal, report)
            if say:
                final = report["final"]
                print(
                    f"[{len(records)}/{todo}] {path.stem} seed {seed}: like {final['like']:.2f}, love {final['love']:.2f}, "
                    f"best of 4 {report['best_of']['4']['like']:.2f}, broken: {', '.join(final['violations']) or 'none'} "
                    f"({time.monotonic() - begun:.0f} s)",
                    file=sys.stderr,
                    flush=True,
                )
    return records


def model_hash(model: Model) -> str:
    """The hash of the untuned generator, which is what a session begins with."""
    return Model(model.name, model.generator, device=model.device).hash


def _prepare(model: Model, count: int, pool: RealPool | None, device: str, say: bool) -> tuple[Model, Bench]:
    from gan.adversarial.precision import resolve_device

    try:
        model = model.to(resolve_device(device))
    except ValueError as error:
        raise UserError(str(error)) from None

    def tell(share: float, line: str) -> None:
        print(f"\r{line:<60}", end="" if share < 1 else "\n", file=sys.stderr, flush=True)

    return model, Bench.prepare(model, count, pool, progress=tell if say and sys.stderr.isatty() else None)


def _append(journal: Path, record: Record) -> None:
    try:
        journal.parent.mkdir(parents=True, exist_ok=True)
        cut = b""
        if journal.exists() and journal.stat().st_size:
            with journal.open("rb") as stream:
                stream.seek(-1, 2)
                cut = b"" if stream.read(1) == b"\n" else b"\n"  # a crash left half a line: it stays apart
        with journal.open("ab") as stream:
            stream.write(cut + json.dumps(record).encode() + b"\n")
    except OSError as error:
        raise UserError(f"cannot write {journal}: {reason(error)}") from None


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="tastemaker benchmark learning",
        description="Let simulated people teach a generator, and judge how many fresh images they like afterwards, beside "
        "best-of-N by the same taste model on the same ratings.",
    )
    parser.add_argument("model", nargs="?", default="dreamscapes", help="a bundle folder or a bundled generator")
    parser.add_argument(
        "--raters", default="held-out", help="dev, held-out, all, names or files, by commas (default held-out)"
    )
    parser.add_argument("--seeds", type=int, default=3, help="seeds per rater (default 3)")
    parser.add_argument("--ratings", type=int, default=100, metavar="K", help="stars per run (default 100)")
    parser.add_argument("--quick", action="store_true", help=f"judge {QUICK_COUNT} images instead of {COUNT}, one seed")
    parser.add_argument("--count", type=int, metavar="N", help=f"images per judged set (default {COUNT}; fewer is noisier)")
    parser.add_argument("--images", type=Path, metavar="DIR", help="real images, if it was not trained on the scenes")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the summary there, and each run to PATH + 'l'")
    parser.add_argument("--resume", action="store_true", help="do not repeat the runs that are in PATH + 'l'")
    options = parser.parse_args(argv)
    try:
        _run(options)
    except UserError as error:
        print(f"tastemaker: {error}", file=sys.stderr)
        return 2
    return 0


def _run(options: argparse.Namespace) -> None:
    if options.seeds < 1:
        raise UserError("--seeds must be at least 1")
    count = (QUICK_COUNT if options.quick else COUNT) if options.count is None else options.count
    if count < 20:
        raise UserError("--count must be at least 20")
    if options.resume and not options.json:
        raise UserError("--resume needs --json PATH, beside which the earlier runs are")
    raters = rater_files(options.raters)
    for path in raters:
        load_rater(path)  # a bad file is found now, not an hour later
    journal = Path(f"{options.json}l") if options.json else None
    if journal and not options.resume and journal.exists():
        raise UserError(f"{journal} holds earlier runs: add --resume to go on from them, or name another file")
    model = load(options.model, "cpu")
    pool = None
    if options.images:
        pool = real_pool({}, model.resolution, REAL_PER_IMAGE * count, options.images)
    seeds = range(1 if options.quick else options.seeds)
    records = run_all(model, raters, seeds, options.ratings, count, options.device, journal, pool)
    print(f"{model.name} ({model_hash(model)}), {options.ratings} ratings, {len(raters)} raters x {len(seeds)} seeds")
    print(table(records))
    if options.json:
        from gan.formats.files import write_bytes

        summary = {
            "model": model.name,
            "hash": model_hash(model),
            "ratings": options.ratings,
            "count": count,
            "raters": {name: summarise([r for r in records if r["rater"] == name]) for name in sorted({r["rater"] for r in records})},
            "all": summarise(records),
            "minus_best_of": {
                peer: {key: comparison(records, peer, key) for key in ("like", "love")} for peer in ("4", "16")
            },
        }
        try:
            write_bytes(options.json, (json.dumps(summary, indent=1) + "\n").encode())
        except OSError as error:
            raise UserError(f"cannot write {options.json}: {reason(error)}") from None
