"""The raters that come with Tastemaker: each a taste of its own, and none of them another's copy."""

from __future__ import annotations

import ast
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from gan.data.scenes import render
from gan.errors import UserError
from gan.simulate.rater import Person, Rater, load_rater, rater_files

FILES = rater_files()


@pytest.fixture(scope="module")
def scenes() -> np.ndarray:
    return render(range(20_001_000, 20_001_400))


def test_there_are_enough_and_the_groups_are_apart() -> None:
    dev, held_out = rater_files("dev"), rater_files("held-out")
    assert len(dev) >= 4
    assert len(held_out) >= 8
    assert set(dev).isdisjoint(held_out)
    assert sorted(FILES) == sorted(dev + held_out)
    assert len({path.stem for path in FILES}) == len(FILES)
    for group in (dev, held_out):
        names = [path.stem for path in group]
        for family in ("random_network", "two_modes", "drift"):
            assert any(name.startswith(family) for name in names), family
    assert [path.stem for path in rater_files("mirror,warm_dusk,mirror")] == ["mirror", "warm_dusk"]
    assert rater_files("own.py,dev") == [Path("own.py"), *dev]
    with pytest.raises(UserError, match="no raters named"):
        rater_files("mine")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_is_deterministic_continuous_and_judges_images_alone(path: Path, scenes: np.ndarray) -> None:
    rater = load_rater(path)
    rater.check(scenes)
    values = rater.utility(scenes, 1.0)
    assert len(np.unique(values)) > 0.95 * len(values)
    # spread: no few images hold all of it, and the best fifth can be told from the best twentieth
    standard = (values - values.mean()) / values.std()
    assert np.abs(standard).max() < 6
    like, love = np.quantile(standard, (0.8, 0.95))
    assert love - like > 0.2
    assert 0.5 < like < 1.3
    assert np.array_equal(rater.utility(scenes[::-1], 1.0)[::-1][:20], values[:20]) or np.allclose(
        rater.utility(scenes[::-1], 1.0)[::-1], values, rtol=1e-3, atol=1e-3 * values.std()
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_judges_other_sizes_alike(path: Path, scenes: np.ndarray) -> None:
    rater = load_rater(path)
    big = rater.utility(scenes[:150].repeat(2, axis=1).repeat(2, axis=2), 1.0)
    assert np.corrcoef(big, rater.utility(scenes[:150], 1.0))[0, 1] > 0.95


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_stands_alone(path: Path) -> None:
    """A stranger could have written it: it knows nothing of this package."""
    modules = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            modules |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            modules.add((node.module or "").split(".")[0])
    assert modules <= {"numpy", "torch"}


def test_no_two_tastes_are_alike(scenes: np.ndarray) -> None:
    tastes = {path.stem: load_rater(path).utility(scenes, 1.0) for path in FILES}
    alike = {
        (a, b): round(float(np.corrcoef(tastes[a], tastes[b])[0, 1]), 2) for a, b in combinations(tastes, 2)
    }
    assert {pair: r for pair, r in alike.items() if abs(r) >= 0.75} == {}
    assert np.mean([abs(r) for r in alike.values()]) < 0.3


def test_drift_turns_half_way(scenes: np.ndarray) -> None:
    for path in FILES:
        rater = load_rater(path)
        assert rater.takes_progress == path.stem.startswith("drift")
        if rater.takes_progress:
            start, early, late, end = (rater.utility(scenes, p) for p in (0.0, 0.3, 0.7, 1.0))
            assert np.array_equal(start, early)
            assert np.array_equal(late, end)
            assert np.corrcoef(start, end)[0, 1] < 0.7


# --- the person -------------------------------------------------------------------------------------------------------------


def brightness() -> Rater:
    return Rater(Path("brightness.py"), lambda images: images.mean((1, 2, 3)), takes_progress=False)


def grey(levels: np.ndarray) -> np.ndarray:
    """Images whose brightness is given, (N, 4, 4, 3)."""
    return np.broadcast_to(levels.astype(np.uint8)[:, None, None, None], (len(levels), 4, 4, 3)).copy()


LEVELS = np.arange(2000) % 200


def test_without_noise_stars_are_quintiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gan.simulate.rater.NOISE", 0.0)
    monkeypatch.setattr("gan.simulate.rater.LAPSES", 0.0)
    person = Person(brightness(), grey(LEVELS))
    stars = person.rate(grey(np.array([0, 39, 41, 79, 81, 119, 121, 159, 161, 199])))
    assert stars.tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_noise_and_lapses_are_as_stated() -> None:
    images = grey(np.repeat(LEVELS, 10))
    person = Person(brightness(), grey(LEVELS), seed=1)
    stars = person.rate(images)
    assert set(np.unique(stars).tolist()) == {1, 2, 3, 4, 5}
    # the darkest images: 5 % lapses, of which four fifths are not one star; noise of 0.35 SD (20 levels) reaches no farther than 2
    darkest = stars[images[:, 0, 0, 0] < 5]
    assert (darkest >= 4).mean() == pytest.approx(0.05 * 2 / 5, abs=0.012)
    # an image on the edge of two stars gets each about as often
    edge = person.rate(grey(np.full(4000, 79.6)))
    assert np.isin(edge, (2, 3)).mean() > 0.85
    noise = np.corrcoef(person.rate(images), person.rate(images))[0, 1]
    assert 0.75 < noise < 0.9


def test_a_person_is_reproducible_and_people_differ() -> None:
    images = grey(LEVELS)
    first, again, other = (Person(brightness(), images, seed).rate(images) for seed in (4, 4, 5))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_drifting_person_keeps_using_all_stars() -> None:
    def utility(images: np.ndarray, progress: float) -> np.ndarray:
        values: np.ndarray = images.mean((1, 2, 3)) * (1 if progress < 0.5 else -10)
        return values

    images = grey(LEVELS)
    person = Person(Rater(Path("turn.py"), utility, takes_progress=True), images)
    before, after = person.rate(images, 0.0), person.rate(images, 0.9)
    assert np.corrcoef(before, after)[0, 1] < -0.7
    for stars in (before, after):
        assert np.bincount(stars, minlength=6)[1:].min() > 250
    # A taste that turns while a grid is rated turns within it, not from one grid to the next.
    during = person.rate(images, 0.25, 0.75)
    half = len(images) // 2
    assert np.corrcoef(during[:half], before[:half])[0, 1] > 0.7
    assert np.corrcoef(during[half:], after[half:])[0, 1] > 0.7


# --- bad files --------------------------------------------------------------------------------------------------------------

IMAGES = render(range(64), 16)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("x = 1\n", "no function utility"),
        ("utility = 3\n", "no function utility"),
        ("def utility():\n    return 1\n", "must take"),
        ("def utility(a, b, c):\n    return 1\n", "must take"),
        ("def utility(images:\n", "SyntaxError"),
        ("import nothing_of_this_name\n", "ModuleNotFoundError: No module named"),
        ("raise SystemExit(3)\n", "SystemExit"),
        ("def utility(images):\n    raise KeyError('sky')\n", "utility raised KeyError: 'sky'"),
        ("import sys\ndef utility(images):\n    sys.exit()\n", "utility raised SystemExit"),
        ("def utility(images):\n    raise ValueError('two\\nlines')\n", "two lines"),
        ("def utility(images):\n    return images.mean()\n", "returned shape () for 32 images, not (32,)"),
        ("def utility(images):\n    return images.mean((1, 2))\n", "returned shape (32, 3) for 32 images"),
        ("def utility(images):\n    return None\n", "returned shape ()"),
        ("def utility(images):\n    return ['a'] * len(images)\n", "not numbers"),
        ("def utility(images):\n    return images.mean((1, 2, 3)) * 1j\n", "not numbers"),
        ("def utility(images):\n    v = images.mean((1, 2, 3))\n    v[3] = float('nan')\n    return v\n", "not finite"),
        ("def utility(images):\n    return images.mean((1, 2, 3)) * float('inf')\n", "not finite"),
        ("def utility(images):\n    return [1.0] * len(images)\n", "the same for every image"),
        ("import random\ndef utility(images):\n    return [random.random() for _ in images]\n", "not deterministic"),
        ("def utility(images):\n    return images.mean((1, 2, 3)).argsort().argsort()\n", "depends on the other images"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(source: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source)
    with pytest.raises(UserError) as caught:
        load_rater(path).check(IMAGES)
    message = str(caught.value)
    assert str(path) in message
    assert said in message
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such rater file"):
        load_rater(tmp_path / "none.py")
    other = tmp_path / "rater.txt"
    other.write_text("def utility(images): return images.mean((1, 2, 3))\n")
    with pytest.raises(UserError, match=r"must end in \.py"):
        load_rater(other)


def test_a_rater_may_write_into_its_images_and_take_a_default(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("def utility(images, scale=2.0):\n    images[:] = images // 2\n    return scale * images.mean((1, 2, 3))\n")
    rater = load_rater(path)
    assert not rater.takes_progress
    before = IMAGES.copy()
    rater.check(IMAGES)
    assert np.array_equal(IMAGES, before)
