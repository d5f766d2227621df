"""Exploring and explaining, by the real service on a small generator, without a process of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from backend_support import small_bundle

from gan.errors import UserError
from gan.session import Feedback
from studio.project.store import Project
from studio.worker import messages as m
from studio.worker.exploring import Explorer
from studio.worker.opening import opening
from studio.worker.sessions import array, make_session


class Frames:
    """Keeps what is sent instead of a ring of shared memory."""

    def __init__(self) -> None:
        self.sent: list[np.ndarray] = []

    def send(self, images: np.ndarray) -> m.FrameRef:
        self.sent.append(images)
        return m.FrameRef(len(self.sent), *images.shape[:3])


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Any:
    patch = pytest.MonkeyPatch()
    patch.setattr("gan.rewards.pool.REFERENCE_IMAGES", 160)
    folder: Path = small_bundle(tmp_path_factory.mktemp("model") / "small")
    yield make_session(m.Open("", str(folder), None, seed=2), "cpu")
    patch.undo()


@pytest.fixture
def explorer(session: Any) -> Explorer:
    return Explorer(session, Frames())  # type: ignore[arg-type]


def test_the_image_comes_first_and_can_be_drawn_again_from_its_latent(
    explorer: Explorer, session: Any
) -> None:
    found = explorer.explore(m.Explore(7, None, seed=3, count=8))
    assert found.request == 7
    assert len(found.latents) == 9
    assert found.frames.count == 9
    assert found.stars == ()
    assert len(found.ends) == explorer.directions.moves.shape[0]
    drawn = session.draw(np.stack([array(latent) for latent in found.latents]))
    assert (drawn == explorer._frames.sent[-1]).all()  # type: ignore[attr-defined]
    # Alone it may be rounded otherwise than among nine: the same to 1 grey level, as is promised.
    assert np.abs(drawn[0].astype(int) - session.model.sample([3])[0]).max() <= 1


def test_neighbours_change_with_the_variation_alone(explorer: Explorer) -> None:
    first, again, other = (
        explorer.explore(m.Explore(1, None, seed=3, count=4, variation=v)).latents for v in (0, 0, 1)
    )
    assert first == again
    assert first[0] == other[0]
    assert not set(first[1:]) & set(other[1:])


def test_the_way_to_another_image_ends_there(explorer: Explorer) -> None:
    there = explorer.explore(m.Explore(1, None, seed=9)).latents[0]
    way = explorer.explore(m.Explore(2, None, seed=3, count=4, other=there)).latents
    assert len(way) == 5
    np.testing.assert_allclose(array(way[-1]), array(there), atol=1e-5)


def test_amounts_and_locks_of_directions_that_are_not_there_do_no_harm(explorer: Explorer) -> None:
    found = explorer.explore(
        m.Explore(1, None, seed=3, amounts=(1.0,) * 40, count=2, locked=(0, 39), truncation=0.5)
    )
    assert len(found.latents) == 3


def test_nothing_is_explained_before_anything_is_known_and_then_both_ends(
    explorer: Explorer, session: Any
) -> None:
    assert explorer.explain(m.Explain(), whole=False).frames is None
    proposals = session.propose(24)
    session.add({i: p.latent for i, p in enumerate(proposals)})
    light = np.stack([p.pixels for p in proposals]).mean(axis=(1, 2, 3))
    stars = 1 + np.searchsorted(np.quantile(light, [0.2, 0.4, 0.6, 0.8]), light)
    session.feedback([Feedback(i, "stars", float(s)) for i, s in enumerate(stars)])
    session.fit()
    session.plain_measures = None  # as in a session that has drawn nothing for them yet
    first, said = (explorer.explain(m.Explain(3), whole) for whole in (False, True))
    assert first.pending == ("words",) and not first.words and not said.pending, "the images do not wait for the words"
    assert (first.latents, first.stars, first.curve) == (said.latents, said.stars, said.curve)
    assert not explorer.explain(m.Explain(3), whole=False).pending, "nothing has to be drawn any more"
    assert said.frames is not None
    assert said.frames.count == 6
    assert len(said.stars) == len(said.latents) == 6
    assert min(said.stars[:3]) >= max(said.stars[3:])
    assert 0.0 <= said.doubt <= 1.0
    assert len(explorer.explore(m.Explore(1, None, seed=3, count=2)).stars) == 3


def test_a_generator_that_is_gone_is_said_with_what_to_do(tmp_path: Path) -> None:
    gone = tmp_path / "My generator"
    with Project(tmp_path / "project", model=str(gone)) as project, pytest.raises(UserError) as failed:
        make_session(opening(project, "cpu"), "cpu")
    assert str(failed.value) == f"This project's generator is missing: {gone}. Put it back there, or say where it is now."
