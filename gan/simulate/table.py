"""The learning benchmark's figures as text."""

from collections.abc import Sequence

import numpy as np

from gan.simulate.figures import RATIOS, Record, compared, middle, recovery, summarise

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
    """Runs of one number of ratings: a line per rater, then all of them, then the contestants and what may be claimed."""
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
    lines.append("")
    lines += _contest(records)
    lines.append("")
    below = sum(r["ended_below"] for r in records)
    lines.append(f"runs that ended below their start: {below} of {len(records)}")
    lines.append(f"predicted minus true taste after tuning: {middle(records, 'predicted_minus_true'):+.2f} SD (median)")
    if curve := recovery(records):
        steps = ", ".join(f"{point['ratings']}: {point['like']:.2f}" for point in curve)
        lines.append(
            f"raters whose taste drifts about half-way, like rate by the new taste after so many ratings: {steps} "
            "(the untuned generator: 0.20)"
        )
    return "\n".join(lines)


def _contest(records: Sequence[Record]) -> list[str]:
    found = compared(records)
    width = max(len(row["title"]) for row in found.values())
    head = (f"{'ours minus':<{width}}   runs   like   love  diver. cover. precis.   KID  inside   images seconds"
            "   like rate: ours minus      at their diversity")  # fmt: skip
    lines = [head]
    for kind, heading in (("peer", ""), ("ablation", "ours, with one part left out or changed:")):
        rows = [row for row in found.values() if row["kind"] == kind]
        if rows and heading:
            lines.append(heading)
        for row in rows:
            lines.append(
                f"{row['title']:<{width}} {row['runs']:>6} {row['like']:>6.2f} {row['love']:>6.2f} {row['diversity_ratio']:>7.2f}"
                f" {row['coverage_ratio']:>6.2f} {row['precision_ratio']:>7.2f} {row['kid_ratio']:>5.2f} {row['inside']:>6.0%}"
                f" {row['images']:>9,.0f} {row['seconds']:>7.0f}   {_difference(row['minus']['like'])}"
                f"   {_difference(row['minus_matched']['like'])}"
            )
    final = [r["final"] for r in records]
    images = middle(records, "images") if "images" in records[0] else 0.0
    ratios = [middle(final, name) for name in RATIOS]
    lines.append(
        f"{'ours':<{width}} {len(final):>6} {middle(final, 'like'):>6.2f} {middle(final, 'love'):>6.2f} {ratios[0]:>7.2f}"
        f" {ratios[1]:>6.2f} {ratios[2]:>7.2f} {ratios[3]:>5.2f} {np.mean([row['inside'] for row in final]):>6.0%}"
        f" {images:>9,.0f} {middle(records, 'seconds'):>7.0f}"
    )
    lines.append("")
    lines.append("love rate: ours minus theirs, and ours at their diversity minus theirs:")
    for row in found.values():
        lines.append(
            f"{row['title']:<{width}} {_difference(row['minus']['love'])}   {_difference(row['minus_matched']['love'])}"
        )
    lines.append("")
    lines.append("paired by run on identical ratings; 95 % bootstrap interval; * where it excludes zero. At their diversity: our own")
    lines.append("generator was also judged choosing among 4 to 256 latents, and its rate interpolated at the diversity of each peer's")
    lines.append("images. images and seconds: what learning drew and took, beside the pool that is read once for all of them;")
    lines.append("seconds of selection are none. Peers that ask for their own images got as many ratings from the same person.")
    return lines


def _difference(found: Record | None) -> str:
    if found is None:
        return f"{'-':<25}"
    mark = "*" if found["claim"] else " "
    return f"{found['mean']:+.3f} ({found['low']:+.3f} {found['high']:+.3f}){mark}"
