"""Statistics over runs of the learning benchmark: medians, paired differences, and comparisons."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

import numpy as np

from gan.simulate.peers.base import PEERS

RATIOS = ("diversity_ratio", "coverage_ratio", "precision_ratio", "kid_ratio")
SLACK = {"diversity_ratio": 0.02, "coverage_ratio": 0.0}  # differences within which two generators count as equal
BUILT_IN = {"untuned": "untuned", "best-of-4": "best of 4", "best-of-16": "best of 16"}  # judged in every run

Record = dict[str, Any]


def paired_bootstrap(
    differences: Sequence[float], raters: Sequence[str] = (), level: float = 0.95, draws: int = 10_000
) -> tuple[float, float]:
    """Confidence interval of the mean of paired differences, by the percentile bootstrap (Efron 1979).

    Parameters
    ----------
    differences : ours minus theirs, one per run on identical ratings.
    raters : the rater of each run. Runs of one rater are alike, so raters are resampled, each with all of their runs (Field and Welsh
        2007). With none or one, runs are resampled: the interval then only holds for these people.
    level : of confidence, in (0, 1).
    """
    values = np.asarray(differences, np.float64)
    who = np.unique(raters, return_inverse=True)[1] if len(set(raters)) > 1 else np.arange(len(values))
    sums, runs = np.bincount(who, values), np.bincount(who)
    picks = np.random.default_rng(0).integers(0, len(sums), (draws, len(sums)))
    low, high = np.quantile(sums[picks].sum(1) / runs[picks].sum(1), ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def theirs(record: Record, name: str) -> Record | None:
    """A contestant's judgement in a run; None if it did not take part."""
    if name == "untuned":
        return dict(record["untuned"])
    if name in BUILT_IN:
        return dict(record["best_of"][name.removeprefix("best-of-")])
    found: Record | None = record.get("peers", {}).get(name)
    return found


def contestants(records: Sequence[Record]) -> dict[str, str]:
    """Name and title of all that took part in any run, peers before ablations."""
    order = sorted(PEERS.values(), key=lambda peer: peer.kind != "peer")
    return BUILT_IN | {peer.name: peer.title for peer in order if any(theirs(r, peer.name) for r in records)}


def ours_at(record: Record, kept_by_them: float, ratio: str = "diversity_ratio") -> Record:
    """Ours at no less than another's diversity or coverage (within `SLACK`): the strongest version that keeps as much; else untuned.

    The final generator was also judged with fewer and with more candidates, which makes it wider or narrower. More candidates cost coverage
    long before they cost diversity.
    """
    own = record.get("candidates") or 32
    known = [(int(n), row) for n, row in record.get("strengths", {}).items()] + [(own, record["final"])]
    wide = [(n, row) for n, row in known if row[ratio] >= kept_by_them - SLACK[ratio]]
    return max(wide, key=lambda pair: pair[0])[1] if wide else dict(record["untuned"])


def kept(record: Record, name: str = "", limits: str = "inside") -> Record | None:
    """The judgement that counts for a contestant (without a name: ours) if limits must be kept: "inside" all four, or "inside_lenient".

    Its final one if that is inside, else the best one inside of those at other strengths (for best-of-N, at other N), else the untuned
    generator's. None if it did not take part.
    """
    end: Record | None = theirs(record, name) if name else record["final"]
    if end is None or end[limits]:
        return end
    strengths = record["best_of"] if name.startswith("best-of-") else (end if name else record).get("strengths", {})
    inside = [row for row in strengths.values() if row[limits]]
    return max([record["untuned"], *inside], key=lambda row: row["like"])


def comparison(
    records: Sequence[Record], name: str, key: str = "like", how: Literal["end", "matched", "covered", "kept"] = "end"
) -> Record | None:
    """Ours minus a contestant's, paired by run: mean, 95 % bootstrap interval over raters, and whether it excludes zero. None without runs.

    how : "end" compares both at the end; "matched" and "covered" use the strongest version of ours that is as diverse as theirs, or covers
        as much (see `ours_at`), in runs in which that was judged; "kept" uses what counts inside the lenient limits (see `kept`).
    """
    matched = {"matched": "diversity_ratio", "covered": "coverage_ratio"}.get(how)
    differences, raters = [], []
    for record in records:
        found = kept(record, name, "inside_lenient") if how == "kept" else theirs(record, name)
        if found is None or (matched and not record.get("strengths")):
            continue
        mine = kept(record, "", "inside_lenient") if how == "kept" else record["final"]
        assert mine is not None
        if matched:
            mine = ours_at(record, found[matched], matched)
        differences.append(mine[key] - found[key])
        raters.append(record["rater"])
    if not differences:
        return None
    low, high = paired_bootstrap(differences, raters)
    return {
        "runs": len(differences),
        "mean": float(np.mean(differences)),
        "low": low,
        "high": high,
        "claim": low > 0 or high < 0,
    }


def middle(rows: Iterable[Record], key: str) -> float:
    """Median of one value over runs."""
    return float(np.median([row[key] for row in rows]))


def summarise(records: Sequence[Record]) -> Record:
    """Median and smallest like and love rates, the four ratios, and the cost, over runs."""
    counted, lenient = [r["counted"] for r in records], [r["counted_lenient"] for r in records]
    final = [r["final"] for r in records]
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
        "predicted_minus_true": middle(records, "predicted_minus_true"),
        "seconds": middle(records, "seconds"),
    }


def compared(records: Sequence[Record]) -> dict[str, Record]:
    """For each contestant, medians over its runs, and ours minus theirs: at the end, at their diversity, and at their coverage."""
    found = {}
    for name, title in contestants(records).items():
        rows = [row for r in records if (row := theirs(r, name)) is not None]
        found[name] = {
            "title": title,
            "kind": PEERS[name].kind if name in PEERS else "peer",
            "runs": len(rows),
            **{key: middle(rows, key) for key in ("like", "love", *RATIOS)},
            "inside": float(np.mean([row["inside"] for row in rows])),
            "inside_lenient": float(np.mean([row["inside_lenient"] for row in rows])),
            **{
                f"like_{limits}": float(np.median([row["like"] for r in records if (row := kept(r, name, limits)) is not None]))
                for limits in ("inside", "inside_lenient")
            },
            "images": middle(rows, "images") if "images" in rows[0] else 0.0,
            "seconds": middle(rows, "seconds") if "seconds" in rows[0] else 0.0,
            "minus": {key: comparison(records, name, key) for key in ("like", "love")},
            "minus_matched": {key: comparison(records, name, key, "matched") for key in ("like", "love")},
            "minus_covered": {key: comparison(records, name, key, "covered") for key in ("like", "love")},
            "minus_kept": {key: comparison(records, name, key, "kept") for key in ("like", "love")},
        }
    return found


def by_candidates(records: Sequence[Record]) -> list[Record]:
    """The trade-off of a choice's strength: medians of the final generators with fewer and with more candidates.

    Over the runs in which that was judged, fewest candidates first; empty if there are none.
    """
    judged = [r["strengths"] for r in records if r.get("strengths")]
    numbers = sorted({int(n) for row in judged for n in row})
    return [
        {
            "candidates": n,
            "runs": len(judged),
            **{key: middle((row[str(n)] for row in judged), key) for key in ("like", "love", *RATIOS)},
        }
        for n in numbers
        if all(str(n) in row for row in judged)
    ]


def recovery(records: Sequence[Record]) -> list[Record]:
    """For raters whose taste drifts: like rate by the new taste after each round, by ratings (medians)."""
    drifting = [r for r in records if r.get("drifts")]
    curves: dict[int, list[Record]] = {}
    for record in drifting:
        for step in record["curve"]:
            curves.setdefault(step["ratings"], []).append(step)
    return [
        {"ratings": ratings, "like": middle(steps, "like"), "love": middle(steps, "love"), "runs": len(steps)}
        for ratings, steps in sorted(curves.items())
    ]
