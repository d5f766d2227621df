"""The gallery's questions to a project."""

from pathlib import Path

import pytest
from backend_support import LATENT

from studio.project.records import Guess
from studio.project.search import UNTUNED, Query
from studio.project.store import NewImage, Project


@pytest.fixture
def project(tmp_path: Path):
    with Project(tmp_path / "p") as made:
        made.add_grid([NewImage(LATENT, "random", 100 + n, 16, 16) for n in range(6)])
        path = made.new_checkpoint_path()
        path.write_bytes(b"adapter")
        made.add_checkpoint(path)
        made.add_grid([NewImage(LATENT, "random", None, 16, 16) for _ in range(2)])
        made.rate([1, 7], "stars", 5)
        made.rate(2, "stars", 3)
        made.rate(2, "like")
        made.rate(3, "reject")
        made.rate([4, 1], "label", 2)
        made.rate([4, 5], "tag", text="soft sky")
        made.rate(6, "note", text="Look at THIS_ one")
        made.rate(7, "title", text="École")
        made.keep_guesses([Guess(1, 2.0, 0.5), Guess(8, 4.5, 0.4), Guess(5, 3.0, 0.3), Guess(99, 1.0, 1.0)])
        yield made


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(), [8, 7, 6, 5, 4, 3, 2, 1]),
        (Query(order="oldest"), [1, 2, 3, 4, 5, 6, 7, 8]),
        (Query(order="stars"), [7, 1, 2, 8, 6, 5, 4, 3]),
        (Query(order="predicted"), [8, 5, 1, 7, 6, 4, 3, 2]),
        (Query(order="changed", rated=True), [3, 2, 7, 1]),
        (Query(stars=3), [7, 2, 1]),
        (Query(stars=5, checkpoint=1), [7]),
        (Query(checkpoint=UNTUNED, order="oldest"), [1, 2, 3, 4, 5, 6]),
        (Query(rated=True), [7, 3, 2, 1]),
        (Query(rated=False), [8, 6, 5, 4]),
        (Query(flag="like"), [2]),
        (Query(flag="reject"), [3]),
        (Query(flag="none"), [8, 7, 6, 5, 4, 1]),
        (Query(labels=(2, 3)), [4, 1]),
        (Query(labels=(2,), rated=False), [4]),
        (Query(tag="soft sky"), [5, 4]),
        (Query(tag="soft"), []),
        (Query(text="SKY"), [5, 4]),
        (Query(text="this_"), [6]),
        (Query(text="this look"), [6]),
        (Query(text="%"), []),
        (Query(text="#3"), [3]),
        (Query(text="104"), [5]),
        (Query(text="nowhere"), []),
        (Query(text="École"), [7]),
        (Query(text="éCOLE"), [7]),
        (Query(text="9" * 30), []),
    ],
)
def test_filters_and_orders(project, query, found):
    assert list(project.find(query)) == found


def test_what_a_gallery_shows(project):
    seen = project.seen([1, 8, 99])
    assert set(seen) == {1, 8}
    assert (seen[1].seed, seen[1].checkpoint, seen[1].state.stars, seen[1].state.label) == (100, None, 5, 2)
    assert (seen[8].checkpoint, seen[8].state.rated, seen[8].guess) == (1, False, Guess(8, 4.5, 0.4))
    assert seen[1].guess == Guess(1, 2.0, 0.5)
    project.keep_guesses([Guess(1, 4.0, 0.1)])
    assert project.seen([1])[1].guess == Guess(1, 4.0, 0.1)


def test_tags_in_use(project):
    assert project.tags() == [("soft sky", 2)]
    project.rate(1, "tag", text="ü")
    project.rate([2, 3, 6], "tag", text="ü")
    assert project.tags() == [("ü", 4), ("soft sky", 2)]
    project.undo()
    project.undo()
    assert project.tags() == [("soft sky", 2)]
