"""A whole sitting in the real window: an X server, a window manager, and keys and clicks that go through both.

pytest -m window tests/studio/test_sitting.py; with TASTEMAKER_SITTING=FOLDER it leaves a picture of the screen after each part.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from desk import Hands, Ledger, missing, screen, studio, until

pytestmark = [
    pytest.mark.window,
    pytest.mark.skipif(bool(missing()), reason=missing() or "all is there"),
]
GRID = 24
PICTURES = "TASTEMAKER_SITTING"


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    with screen(home=tmp_path) as found:
        yield found


@pytest.fixture
def environment(tmp_path: Path, display: str) -> dict[str, str]:
    """Nobody's files; what the generators draw untuned is taken from this machine's cache, which saves a minute."""
    cache = tmp_path / "cache" / "tastemaker"
    cache.mkdir(parents=True)
    for pool in (Path.home() / ".cache" / "tastemaker").glob("pool-*"):
        (cache / pool.name).symlink_to(pool)
    own = {"TASTEMAKER_HOME": tmp_path / "home", "XDG_CACHE_HOME": cache.parent, "HOME": tmp_path}
    return {
        **os.environ,
        **{name: str(path) for name, path in own.items()},
        **{"DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "LANG": "C.UTF-8", "LANGUAGE": "en"},
    }


def warmth(pixels: np.ndarray) -> float:
    """What this person likes: red rather than blue."""
    red, _, blue = pixels.reshape(-1, 3).mean(0)
    return float(red - blue)


def rate(hands: Hands, ledger: Ledger, count: int) -> None:
    """Give the first images of the grid stars by their warmth, from the keyboard."""
    images = ledger.grid()
    liking = np.array([warmth(ledger.pixels(image)) for image in images])
    stars = 1 + (5 * np.argsort(np.argsort(liking))) // len(images)
    hands.keys("g", "Home")
    for place in range(count):
        hands.keys(str(stars[place]), "Right")
    wanted = dict(zip(images[:count], stars[:count].tolist(), strict=True))

    def written() -> bool:
        return dict(ledger.rows("SELECT image, stars FROM states")).items() >= wanted.items()

    until(written, "the ratings in the database", 30)


def another_grid(hands: Hands, ledger: Ledger) -> None:
    before = ledger.number("SELECT count(*) FROM grids")
    hands.keys("ctrl+Return")
    until(lambda: ledger.number("SELECT count(*) FROM grids") > before, "a new grid")


def teach(hands: Hands, ledger: Ledger) -> bool:
    """Run a round; whether it was kept."""
    before, grids = ledger.events("taught"), ledger.number("SELECT count(*) FROM grids")
    hands.keys("t")
    until(lambda: "%" in hands.title(), "progress in the window's title", 60)
    until(lambda: ledger.events("taught") > before, "the end of a round", 600)
    (told,) = ledger.rows("SELECT extra FROM events WHERE kind = 'taught' ORDER BY id DESC LIMIT 1")[0]
    kept = bool(json.loads(told)["kept"])
    if kept:
        until(lambda: ledger.number("SELECT count(*) FROM grids") > grids, "images of the tuned generator")
    time.sleep(1)
    return kept


@pytest.mark.timeout(1800)
def test_a_sitting(tmp_path: Path, display: str, environment: dict[str, str]) -> None:
    pictures = Path(os.environ[PICTURES]) if PICTURES in os.environ else None
    hands = Hands(display, pictures)
    projects = tmp_path / "home" / "Projects"
    command, log = [sys.executable, "-m", "studio.cli"], tmp_path / "said.log"
    with studio(command, environment, log) as process:
        # -- a first project opens by itself; a new one takes its place ------------------------------------------
        hands.activate("My taste")
        first = Ledger(projects / "My taste")
        until(lambda: len(first.grid()) == GRID, "the first grid")
        hands.keys("ctrl+n")
        hands.activate("My taste 2")
        ledger = Ledger(projects / "My taste 2")
        until(lambda: len(ledger.grid()) == GRID, "the new project's grid")
        hands.look("01 new project")

        # -- a click selects, a key rates: with the mouse over the images at the left ----------------------------
        hands.keys("End")
        hands.click(150, 190)
        hands.keys("5")
        until(lambda: ledger.events("stars") == 1, "a star", 10)
        (clicked,) = ledger.rows("SELECT image FROM states WHERE stars = 5")[0]
        assert clicked in ledger.grid()[: GRID // 2], "the click selected what is under it"
        hands.keys("ctrl+z")
        until(lambda: not ledger.rows("SELECT image FROM states WHERE stars > 0"), "the undoing", 10)

        # -- rate 60 ----------------------------------------------------------------------------------------------
        for number, count in enumerate((GRID, GRID, 12)):
            if number:
                another_grid(hands, ledger)
            rate(hands, ledger, count)
        assert ledger.number("SELECT count(*) FROM states WHERE stars > 0") == 60
        hands.look("02 sixty ratings")

        # -- duel 10 ----------------------------------------------------------------------------------------------
        hands.keys("d", pause=1.0)
        hands.look("03 duel")
        for key in ("Left", "Right", "Left", "Down", "Right", "Left", "Right", "s", "Left", "Right"):
            before = ledger.events("duel")
            hands.keys(key)
            until(lambda before=before: ledger.events("duel") == before + 1, f"a duel ({key})", 60)
            time.sleep(0.3)
        answers = [json.loads(row[0]) for row in ledger.rows("SELECT extra FROM events WHERE kind = 'duel'")]
        assert [a["outcome"] for a in answers].count("tie") == 1 and answers[7]["outcome"] == "skip"
        assert all(a["left"] in "ab" for a in answers)

        # -- teach twice ------------------------------------------------------------------------------------------
        assert teach(hands, ledger), "sixty ratings by one rule are enough"
        hands.look("04 taught")
        hands.keys("g", pause=1.0)
        rate(hands, ledger, 12)
        hands.look("05 closer")
        better = teach(hands, ledger)  # a second round need not please more than the first
        rounds = ledger.rows("SELECT id, parent, path, kept FROM checkpoints ORDER BY id")
        assert [row[1] for row in rounds] == [None, rounds[0][0]][: 1 + better]
        assert all((ledger.folder / row[2]).stat().st_size > 1000 and row[3] for row in rounds)

        # -- compare the newest version with the one before, branch from it ---------------------------------------
        hands.keys("ctrl+3", pause=1.5)
        apart = hands.look()
        hands.keys("Home", "c", "Down", "c", pause=0.5)
        time.sleep(1)
        assert (hands.look("06 compare") != apart).any(-1).mean() > 0.1, "two versions side by side"
        hands.keys("Home", "b")
        until(lambda: ledger.number("SELECT count(*) FROM checkpoints") == len(rounds) + 1, "the branch", 60)
        branch, parent, name = ledger.rows("SELECT id, parent, name FROM checkpoints ORDER BY id DESC")[0]
        assert parent == rounds[-1][0] and name.startswith("Branch of ")
        used = "SELECT value FROM meta WHERE key = 'checkpoint'"
        until(lambda: ledger.rows(used) == [(str(branch),)], "the branch in use", 120)
        time.sleep(2)
        hands.look("07 branch")

        # -- the gallery: a tag, a search for it, a label on what it finds ----------------------------------------
        (best, _) = ledger.rows("SELECT image, stars FROM states WHERE stars = 5 ORDER BY image")[0]
        hands.keys("ctrl+1", pause=1.5)
        hands.keys("ctrl+f")
        hands.type(str(best))
        time.sleep(1.5)
        hands.keys(
            "Tab", "ctrl+1", pause=0.5
        )  # out of the field; the view's key gives the images the keyboard
        hands.keys("Home", "7")
        until(lambda: ledger.events("label") == 1, "a label", 20)
        labelled = ledger.rows("SELECT image FROM states WHERE label = 2")
        assert labelled == [(best,)], "the filter found the one that was searched for"
        hands.look("08 gallery")

        # -- export -----------------------------------------------------------------------------------------------
        hands.keys("ctrl+e", pause=1.5)
        hands.activate("Export")
        hands.keys("Return")
        until(lambda: ledger.events("export") >= 1, "the export", 300)
        time.sleep(1)
        hands.look("09 export")
        (extra,) = ledger.rows("SELECT extra FROM events WHERE kind = 'export' AND image IS NULL")[0]
        written = Path(json.loads(extra)["folder"])
        assert {"model.safetensors", "config.json", "generator.onnx", "README.md"} <= set(os.listdir(written))
        hands.keys("Escape", pause=0.5)

        # -- the end, and nothing is lost -------------------------------------------------------------------------
        hands.activate("My taste 2")
        hands.keys("ctrl+q")
        assert process.wait(60) == 0, log.read_text()
    assert (first.folder / "crash.log").read_text() == "", "of the project that the studio began with"

    with studio(command, environment, log) as process:  # the same project and place; undo knows the last thing done
        hands.activate("My taste 2")
        time.sleep(2)
        hands.look("10 again")
        hands.keys("ctrl+z")
        until(lambda: ledger.rows("SELECT label FROM states WHERE image = ?", (best,)) == [(0,)], "undo", 30)
        hands.keys("ctrl+q")
        assert process.wait(60) == 0, log.read_text()
    said = log.read_text()
    assert "Traceback" not in said and "QObject" not in said, said
