"""The benchmark's runs on disk: JSON lines, one for each run of ours and for each peer of a run, so that either can be added later."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from gan.errors import UserError, reason
from gan.simulate.rater import LAPSES

Record = dict[str, Any]


def run_key(rater: str, seed: int, ratings: int, count: int, hash: str, lapses: float = LAPSES) -> Record:
    """The key that identifies a run. The share of lapses is omitted if it is the default."""
    key: Record = {"rater": rater, "seed": seed, "ratings": ratings, "count": count, "hash": hash}
    return key if lapses == LAPSES else {**key, "lapses": lapses}


def load_records(path: Path) -> list[Record]:
    """Earlier runs, each with its peers by name in "peers"; an incomplete last line from a crash is ignored.

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
    runs: dict[str, Record] = {}
    peers: list[Record] = []
    for line in lines:
        with suppress(ValueError):
            record = json.loads(line)
            if isinstance(record, dict) and "peer" in record:
                peers.append(record)
            elif isinstance(record, dict) and "key" in record:
                runs[_text(record["key"])] = {**record, "peers": {}}
    if lines and not runs:
        raise UserError(f"{path} holds no runs of this benchmark")
    for record in peers:
        if run := runs.get(_text(record["key"])):
            run["peers"][record["peer"]] = record["found"]
    return list(runs.values())


def add_run(path: Path, record: Record) -> None:
    """Append a run of ours.

    Raises
    ------
    UserError
        The file cannot be written.
    """
    _append(path, {name: value for name, value in record.items() if name != "peers"})


def add_peer(path: Path, key: Record, name: str, found: Record) -> None:
    """Append a peer's result in the run with this key; raises as `add_run`."""
    _append(path, {"key": key, "peer": name, "found": found})


def _text(key: Record) -> str:
    return json.dumps(key, sort_keys=True)


def _append(path: Path, record: Record) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        cut = b""
        if path.exists() and path.stat().st_size:
            with path.open("rb") as stream:
                stream.seek(-1, 2)
                cut = b"" if stream.read(1) == b"\n" else b"\n"  # after half a line left by a crash, start a new one
        with path.open("ab") as stream:
            stream.write(cut + json.dumps(record).encode() + b"\n")
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error)}") from None
