"""A cat walks over the keyboard: nothing may break, hang, or be left behind."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from random_walk import walk

from studio.theme.theme import Theme


@pytest.mark.parametrize("seed", [1, 16])
def test_a_short_walk(qtbot: QtBot, theme: Theme, home: Path, seed: int) -> None:
    walk(seed, 80, home / "home")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1030))
def test_a_long_walk(qtbot: QtBot, theme: Theme, home: Path, seed: int) -> None:
    walk(seed, 500, home / "home")


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.parametrize("seed", range(2000, 2003))
def test_a_walk_with_the_real_worker(qtbot: QtBot, theme: Theme, home: Path, seed: int) -> None:
    walk(seed, 150, home / "home", real=True)
