"""The benchmark of taste: its parts run, and its changing raters change."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gan.model import Model
from gan.simulate import taste_benchmark
from gan.simulate.rater import Rater


def test_a_changing_rater_ends_at_the_other_taste() -> None:
    images = np.random.default_rng(0).integers(0, 255, (80, 8, 8, 3)).astype(np.uint8)
    red, blue = (Rater(Path(f"{i}.py"), lambda x, i=i: x[..., i].mean((1, 2)), takes_progress=False) for i in (0, 2))
    for sign in (1.0, -1.0):
        changing = taste_benchmark.Changing(red, blue, sign, images)
        assert np.corrcoef(changing.utility(images, 0.2), red.utility(images))[0, 1] > 0.999
        assert np.corrcoef(changing.utility(images, 0.9), sign * blue.utility(images))[0, 1] > 0.999


def test_every_part_says_its_figures(
    small_model: Callable[..., Model],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr(taste_benchmark, "IMAGES", 400)
    monkeypatch.setattr(taste_benchmark, "_TESTED", 160)
    monkeypatch.setattr(taste_benchmark, "_FITTED", (60,))
    monkeypatch.setattr(taste_benchmark, "_RATED_OF_SIGNS", 60)
    monkeypatch.setattr(taste_benchmark, "_RATED_OF_TAGS", 60)
    monkeypatch.setattr("gan.load", lambda name, device: small_model())
    out = tmp_path / "taste.json"
    assert taste_benchmark.main(["--raters", "warm_dusk", "--ratings", "48", "--seeds", "1", "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert set(found["curves"]) == {"lapses 5%", "lapses 25%", "changing"}
    (steps,) = found["curves"]["lapses 5%"]["warm_dusk"]
    assert [step["ratings"] for step in steps] == [24, 48]
    assert all(-1.0 <= step["correlation"] <= 1.0 and 0.0 <= step["best_of_16"] <= 1.0 for step in steps)
    assert set(found["seconds"]) == {"60 events", "60 stars, 6 comparisons"}
    assert all(of["seconds"] > 0 for of in found["seconds"].values())
    assert all(0.0 <= share <= 1.0 for groups in found["followed"].values() for of in groups.values() for share in of)
    assert np.mean(found["followed"]["96"]["dice"]) < 0.2
    assert set(found["signs"]) == set(found["tags"]) == {"telling", "useless"}
    assert all(0.0 <= run["weight"] < 1.0 for kind in ("signs", "tags") for runs in found[kind].values() for run in runs)
    assert "Seconds of one fit" in capsys.readouterr().out


def test_too_few_ratings_are_refused(tastemaker: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert tastemaker("benchmark", "taste", "--ratings", "12") == 2
    assert "--ratings: '12' is not a whole number from 48 to 500" in capsys.readouterr().err
