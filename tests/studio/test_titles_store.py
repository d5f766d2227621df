"""Titles in the project: given, edited, rated, undone, found, exported."""

import sqlite3
from pathlib import Path

import pytest

from studio.project import schema
from studio.project.database import DATABASE
from studio.project.records import TitleRating
from studio.project.search import Query
from studio.project.store import NewImage, Project
from studio.worker import exports


@pytest.fixture
def project(tmp_path: Path):
    with Project(tmp_path / "p", seed=1) as opened:
        opened.add_grid([NewImage(b"1234")] * 3)
        yield opened


def title_of(project: Project, image: int) -> str:
    return project.state([image])[image].title


def test_a_title_is_kept_replaced_undone_and_found(project: Project) -> None:
    change = project.rate(1, "title", text="  Misty \n Valley ")
    assert change.states[1].title == "Misty Valley" and change.label == "title Misty Valley"
    assert change.events == ()  # the taste learns nothing from it
    assert project.rate(1, "title", text="Misty Valley").images == ()  # nothing changed
    project.rate(1, "title", text="Old Road")
    assert list(project.find(Query(text="road"))) == [1] and project.seen([1])[1].state.title == "Old Road"
    assert list(project.find(Query(text="valley"))) == []
    assert project.undo() is not None and title_of(project, 1) == "Misty Valley"
    assert project.undo() is not None and title_of(project, 1) == ""
    assert project.redo() is not None and title_of(project, 1) == "Misty Valley"
    assert project.rate(1, "title").label == "clear title" and title_of(project, 1) == ""


def test_stars_and_marks_leave_a_title_alone_over_a_restart(project: Project) -> None:
    project.rate(1, "title", text="Golden Dunes")
    project.rate(1, "stars", 4)
    project.rate(1, "note", text="warm")
    project.undo()
    folder = project.folder
    project.close()
    with Project(folder) as again:
        state = again.state([1])[1]
        assert (state.title, state.stars, state.note) == ("Golden Dunes", 4, "")
        assert again.counts().rated == 1


def test_stars_for_titles_stand_are_changed_and_are_undone(project: Project) -> None:
    project.rate_title(1, "Misty Valley", 2)
    project.rate_title(2, "Misty Valley", 4)
    project.rate_title(1, "Old  Road", 5)
    project.rate_title(1, "Misty Valley", 3)
    assert project.rate_title(1, "Misty Valley", 3).images == ()
    ratings = (TitleRating(2, "Misty Valley", 4), TitleRating(1, "Old Road", 5))
    assert project.title_ratings() == (*ratings, TitleRating(1, "Misty Valley", 3))
    assert project.title_stars(1) == {"Old Road": 5, "Misty Valley": 3}
    assert project.rate_title(1, "Misty Valley", 0).label == "clear stars for Misty Valley"
    assert project.title_ratings() == ratings
    change = project.undo()
    assert change is not None and (change.kind, change.images, change.events) == ("title_stars", (1,), ())
    assert project.title_ratings() == (*ratings, TitleRating(1, "Misty Valley", 3))
    for _ in range(4):
        project.undo()
    assert project.title_ratings() == ()
    assert project.redo() is not None and project.title_ratings() == (TitleRating(1, "Misty Valley", 2),)
    assert project.opinions() == ()  # they are no ratings of images


def test_a_title_that_was_given_counts_as_five_stars_unless_it_was_rated(project: Project) -> None:
    project.rate(1, "title", text="Misty Valley")
    assert project.title_ratings() == (TitleRating(1, "Misty Valley", 5),)
    project.rate_title(1, "Misty Valley", 2)
    assert project.title_ratings() == (TitleRating(1, "Misty Valley", 2),)
    project.rate(1, "title", text="Old Road")
    assert set(project.title_ratings()) == {TitleRating(1, "Misty Valley", 2), TitleRating(1, "Old Road", 5)}
    project.undo()
    project.rate_title(1, "Misty Valley", 0)
    assert project.title_ratings() == ()


@pytest.mark.parametrize(("text", "stars"), [("", 3), ("  ", 3), ("Misty Valley", 6), ("Misty Valley", -1)])
def test_what_is_no_rating_of_a_title_is_refused(project: Project, text: str, stars: int) -> None:
    with pytest.raises(ValueError, match="not a rating of a title"):
        project.rate_title(1, text, stars)
    assert project.undo_label() is None
    with pytest.raises(ValueError, match="can be undone"):
        project.record("title_stars", 1)


def test_a_project_without_titles_is_brought_up_to_date(project: Project) -> None:
    project.rate(2, "tag", text="dusk")
    folder = project.folder
    project.close()
    database = sqlite3.connect(folder / DATABASE)
    database.execute("ALTER TABLE states DROP COLUMN title")
    database.execute("PRAGMA user_version = 2")
    database.commit()
    database.close()
    with Project(folder) as again:
        assert again.state([2])[2].tags == ("dusk",)
        again.rate(2, "title", text="Quiet Sea")
        assert title_of(again, 2) == "Quiet Sea"
    assert (folder / f"{DATABASE}.v2.bak").is_file() and schema.VERSION >= 3


def test_exports_take_titles_along(project: Project) -> None:
    project.rate(3, "like")
    project.rate(3, "title", text="Quiet Sea")
    command = exports.command(project, "out", {"format": "images"})
    assert [(row.id, row.title) for row in command.rows] == [(3, "Quiet Sea")]
