"""The output of `tastemaker benchmark training`, made from its records."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gan.measure.contestants import OURS, PEER

LEAST_OVER_PEER, LEAST_OVER_PLAIN = 3.0, 2.0  # required speed of ours, as a multiple
COMPARED = ("kid", "fd")  # measures that must be lower than the peer's after equal time

Record = dict[str, Any]


def speeds(record: Record, name: str, by: str = "seconds") -> list[float]:
    """Images per second of each block; per CPU second if `by` is "cpu_seconds"."""
    return [block["images"] / block[by] for block in record["blocks"][name]]


def ratios(record: Record, other: str, by: str = "seconds") -> list[float]:
    """The speed of ours as a multiple of another's, round by round."""
    return [a / b for a, b in zip(speeds(record, OURS, by), speeds(record, other, by), strict=True)]


def speed_table(record: Record) -> str:
    """One line per contestant: median speed, and the median of the paired ratios with their range.

    The wall clock decides; CPU time is printed too, since other load on the machine disturbs it less.
    """
    lines = []
    for name in record["blocks"]:
        by_clock, by_cpu = (float(np.median(speeds(record, name, by))) for by in ("seconds", "cpu_seconds"))
        line = f"  {name:<16}{by_clock:>8.2f} images/s{by_cpu:>8.2f} a CPU second"
        if name != OURS:
            several = ratios(record, name)
            least = LEAST_OVER_PEER if name == PEER else LEAST_OVER_PLAIN
            verdict = "holds" if np.median(several) >= least else "MISSED"
            line += (
                f"   ours: {np.median(several):.2f} x as fast ({min(several):.2f} to {max(several):.2f}; by CPU time "
                f"{np.median(ratios(record, name, 'cpu_seconds')):.2f}); at least {least:g}: {verdict}"
            )
        lines.append(line)
    return "\n".join(lines)


def quality_table(records: Sequence[Record]) -> str:
    """A line per seed and contestant, the medians, and the number of seeds in which ours is nearer to the real images."""
    lines = [
        f"  {'':<6}{'':<26}{'seconds':>9}{'CPU s':>8}{'images':>9}{'updates':>9}{'KID-rand':>10}{'FD-rand':>9}{'coverage':>10}"
    ]
    for record in records:
        for name in (OURS, PEER, "real"):
            entry = record[name]
            title = {OURS: OURS, PEER: f"{PEER} ({entry.get('generator')})", "real": "real images (floor)"}[
                name
            ]
            spent = (
                f"{'':>35}"
                if name == "real"
                else f"{entry['seconds']:>9.0f}{entry['cpu_seconds']:>8.0f}{entry['images']:>9}{entry['updates']:>9}"
            )
            seed = f"seed {record['key']['seed']}" if name == OURS else ""
            row = entry["row"]
            lines.append(
                f"  {seed:<8}{title:<24}{spent}{row['kid']:>10.4f}{row['fd']:>9.1f}{row['coverage']:>10.3f}"
            )
    for name in (OURS, PEER):
        middle = {
            key: float(np.median([record[name]["row"][key] for record in records]))
            for key in ("kid", "fd", "coverage")
        }
        lines.append(
            f"  {'median':<8}{name:<24}{'':>35}{middle['kid']:>10.4f}{middle['fd']:>9.1f}{middle['coverage']:>10.3f}"
        )
    for key in COMPARED:
        lower = sum(record[OURS]["row"][key] < record[PEER]["row"][key] for record in records)
        verdict = "holds" if lower == len(records) else "MISSED"
        lines.append(f"  {key.upper()}-rand of ours is lower in {lower} of {len(records)} seeds: {verdict}")
    return "\n".join(lines)


def machine_line(record: Record) -> str:
    """The machine that a record was measured on, and its load at the start."""
    where = record["machine"]
    return f"{where['cpu']}, torch {where['torch']}; load {where['load']} at the start"


def parameters_line(parameters: dict[str, dict[str, int]]) -> str:
    """Millions of trained parameters, by contestant and network."""
    parts = (
        f"{name} " + " + ".join(f"{count / 1e6:.2f}" for count in networks.values())
        for name, networks in parameters.items()
    )
    return f"parameters, millions (generator + discriminator): {', '.join(parts)}"
