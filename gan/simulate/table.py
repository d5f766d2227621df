"""The results of the learning benchmark as text."""

from collections.abc import Sequence

import numpy as np

from gan.simulate.figures import RATIOS, Record, by_candidates, compared, kept, middle, recovery, summarise

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
JUDGED = tuple(column for column in COLUMNS if column[0] in ("like", "love", *RATIOS))


def table(records: Sequence[Record]) -> str:
    """Runs with one number of ratings: a line per rater, then all runs, then the contestants and the comparisons."""
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
    figures = ", ".join(f"{heading} {middle(oracle, key):.2f}" for key, heading, _ in JUDGED)
    lines.append(f"best of 16 untuned images by the true taste, for scale: {figures}")
    lines.append("")
    lines += _contest(records)
    lines.append("")
    lines += _dial(records)
    below = sum(r["ended_below"] for r in records)
    lines.append(f"runs that ended below their start: {below} of {len(records)}")
    refused = sum(not any(step.get("kept", True) for step in r["curve"]) for r in records)
    lines.append(f"runs in which nothing was changed, for want of evidence or of gain: {refused} of {len(records)}")
    off, most = middle(records, "predicted_minus_true"), max(r["predicted_minus_true"] for r in records)
    lines.append(f"predicted minus true taste after tuning: {off:+.2f} SD (median), at most {most:+.2f}")
    if curve := recovery(records):
        steps = ", ".join(f"{point['ratings']}: {point['like']:.2f}" for point in curve)
        lines.append(
            f"raters whose taste drifts about half-way, like rate by the new taste after so many ratings: {steps} "
            "(the untuned generator: 0.20)"
        )
    return "\n".join(lines)


def _dial(records: Sequence[Record]) -> list[str]:
    """The trade-off of Strength: the final generators again, with fewer and with more candidates."""
    rows = by_candidates(records)
    if not rows:
        return []
    lines = ["ours choosing among", " ".join(f"{heading:>10}" for heading in ("candidates", *(heading for _, heading, _ in JUDGED)))]
    lines += [" ".join([f"{row['candidates']:>10}", *(f"{form.format(row[key]):>10}" for key, _, form in JUDGED)]) for row in rows]
    return [*lines, "medians over runs: what Strength trades", ""]


def _contest(records: Sequence[Record]) -> list[str]:
    found = compared(records)
    width = max(len(row["title"]) for row in found.values())
    lines = [
        f"{'medians':<{width}}   runs   like   love  diver. cover. precis.   KID  inside lenient like in like len   images seconds"
    ]
    ours = [r["final"] for r in records]
    own = {
        **{key: middle(ours, key) for key, _, _ in JUDGED},
        "runs": len(ours),
        "inside": float(np.mean([r["inside"] for r in ours])),
        "inside_lenient": float(np.mean([r["inside_lenient"] for r in ours])),
        **{f"like_{limits}": float(np.median([kept_like(r, limits) for r in records])) for limits in ("inside", "inside_lenient")},
        "images": middle(records, "images") if "images" in records[0] else 0.0,
        "seconds": middle(records, "seconds"),
    }
    lines.append(_cells("ours", own, width))
    for name, kind in (("", "peer"), ("ours, with one part left out or changed:", "ablation")):
        rows = [row for row in found.values() if row["kind"] == kind]
        lines += [name] if rows and name else []
        lines += [_cells(row["title"], row, width) for row in rows]
    headings = {
        "minus": "as they ended",
        "minus_matched": "at their diversity",
        "minus_covered": "at their coverage",
        "minus_kept": "inside the lenient limits",
    }
    for key in ("like", "love"):
        lines.append("")
        lines.append(f"{f'{key} rate: ours minus':<{width}}" + "".join(f"  {text:<25}" for text in headings.values()).rstrip())
        for row in found.values():
            cells = (f"  {_difference(row[how][key])}" for how in headings)
            lines.append((f"{row['title']:<{width}}" + "".join(cells)).rstrip())
    return [*lines, "", *EXPLAINED]


def kept_like(record: Record, limits: str) -> float:
    """Our like rate in a run by the judgement that counts inside the limits."""
    found = kept(record, "", limits)
    return float(found["like"]) if found else 0.0


def _cells(title: str, row: Record, width: int) -> str:
    return (
        f"{title:<{width}} {row['runs']:>6} {row['like']:>6.2f} {row['love']:>6.2f} {row['diversity_ratio']:>7.2f}"
        f" {row['coverage_ratio']:>6.2f} {row['precision_ratio']:>7.2f} {row['kid_ratio']:>5.2f} {row['inside']:>7.0%}"
        f" {row['inside_lenient']:>7.0%} {row['like_inside']:>7.2f} {row['like_inside_lenient']:>8.2f}"
        f" {row['images']:>8,.0f} {row['seconds']:>7.0f}"
    )


EXPLAINED = (
    "Paired by run on identical ratings; mean, 95 % bootstrap interval over people, * where it excludes zero. Peers that ask for",
    "their own images got as many ratings from the same person. At their diversity, and coverage: our generator was also judged",
    "choosing among 4 to 256 latents, and the choosiest counts whose diversity is at least theirs less 0.02, or whose coverage is",
    "at least theirs. Inside the lenient limits (and like in, like len): whoever ended outside counts as the best of what was judged",
    "inside (ours choosing among fewer or more, theirs at a third and two thirds of their strength, best of another number, the",
    "untuned generator). images, seconds: what learning drew and took, beside the pool that is read once for all of them; seconds of",
    "ours include proposing and rating.",
)


def _difference(found: Record | None) -> str:
    if found is None:
        return f"{'-':<25}"
    mark = "*" if found["claim"] else " "
    return f"{found['mean']:+.3f} ({found['low']:+.3f} {found['high']:+.3f}){mark}"
