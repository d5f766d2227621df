"""Folders of training runs; each run has its own, which is a bundle."""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path

from studio.i18n import tr
from studio.project.recent import data_folder
from studio.worker import jobs

STATE = "training.pt"  # of a run that can be continued


def new_run(folder: Path, size: int) -> Path:
    """Return a folder that does not exist yet, for a run on the pictures in `folder`."""
    first = _first(folder, size)
    number, free = 1, first
    while free.exists():
        number += 1
        free = first.with_name(f"{first.name} {number}")
    return free


def earlier_run(folder: Path, size: int) -> Path | None:
    """Return the latest run on `folder` at that size that can be continued, if any."""
    first = _first(folder, size)
    states = first.parent.glob(f"{glob.escape(first.name)}*/{STATE}")
    own = [state for state in states if _pictures(state.parent) == folder]
    return max(own, key=lambda path: path.stat().st_mtime).parent if own else None


def last_pictures() -> Path | None:
    """Return the folder of pictures of the latest run that can be continued, if it is still there."""
    states = (data_folder() / "Generators").glob(f"*/{STATE}")
    latest_first = sorted(states, key=lambda path: path.stat().st_mtime, reverse=True)
    folders = (_pictures(state.parent) for state in latest_first)
    return next((folder for folder in folders if folder is not None and folder.is_dir()), None)


def _first(folder: Path, size: int) -> Path:
    plain = re.sub(r'[<>:"/\\|?*\x00-\x1f]', " ", folder.name).strip(" .") or tr("Pictures")
    return data_folder() / "Generators" / f"{plain} {size} px"


def _pictures(run: Path) -> Path | None:
    """The folder of pictures that a run was trained on; other folders may have the same name."""
    try:
        return Path(os.fsdecode((run / jobs.PICTURES).read_bytes()))
    except OSError:
        return None
