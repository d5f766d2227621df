"""Labels, tags, notes, duels, surveys, signals and versions: stored, undone across restarts, told to a learner."""

import sqlite3
from pathlib import Path
from unittest.mock import ANY

import pytest

from gan.taste import Tag as Word
from studio.project import schema
from studio.project.opinions import RATING_KINDS, Duel, Feedback, Retracted, Signal, Survey, Tag, standing
from studio.project.store import ImageState, Project, ProjectError
from studio.worker.sessions import tags

VERSION_1 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE checkpoints (
    id INTEGER PRIMARY KEY, parent INTEGER REFERENCES checkpoints(id), round INTEGER NOT NULL, path TEXT NOT NULL UNIQUE,
    created REAL NOT NULL, metrics TEXT NOT NULL, name TEXT NOT NULL, kept INTEGER NOT NULL, reason TEXT NOT NULL,
    last_event INTEGER NOT NULL, last_image INTEGER NOT NULL);
CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT, latent BLOB NOT NULL, kind TEXT NOT NULL, seed INTEGER,
    checkpoint INTEGER REFERENCES checkpoints(id), width INTEGER NOT NULL, height INTEGER NOT NULL, created REAL NOT NULL);
CREATE TABLE grids (id INTEGER PRIMARY KEY, checkpoint INTEGER REFERENCES checkpoints(id), created REAL NOT NULL);
CREATE TABLE grid_images (
    grid INTEGER NOT NULL REFERENCES grids(id), position INTEGER NOT NULL, image INTEGER NOT NULL REFERENCES images(id),
    PRIMARY KEY (grid, position)) WITHOUT ROWID;
CREATE TABLE actions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, value REAL NOT NULL, label TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'done' CHECK (status IN ('done', 'undone', 'dropped')));
CREATE INDEX actions_by_status ON actions(status, id);
CREATE TABLE events (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, session TEXT NOT NULL, kind TEXT NOT NULL,
    image INTEGER REFERENCES images(id), value REAL NOT NULL, action INTEGER REFERENCES actions(id), extra TEXT NOT NULL);
CREATE INDEX events_by_image ON events(image, id);
CREATE INDEX events_by_action ON events(action);
CREATE TABLE states (
    image INTEGER PRIMARY KEY REFERENCES images(id), stars INTEGER NOT NULL, flag TEXT, event INTEGER NOT NULL);
INSERT INTO meta VALUES ('model', '"small"'), ('seed', '7');
INSERT INTO images VALUES (1, x'0000803f', 'random', NULL, NULL, 16, 16, 1.0);
INSERT INTO actions VALUES (1, 'stars', 4.0, '4 stars', 'done');
INSERT INTO events VALUES (1, 2.0, 'first', 'stars', 1, 4.0, 1, '{}');
INSERT INTO states VALUES (1, 4, NULL, 1);
PRAGMA application_id = 1414745419;
PRAGMA user_version = 1;
"""


def test_labels_tags_and_notes_beside_stars(project_folder):
    with Project(project_folder) as project:
        project.rate(1, "stars", 4)
        assert project.rate([1, 2], "label", 2).events == ()  # the learner does not hear of colours
        project.rate(1, "tag", text="  two   words ")
        project.rate(1, "tag", text="sky")
        project.rate(1, "note", text="a line\nand another ")
        assert project.state([1])[1] == ImageState(1, 4, None, 2, ("two words", "sky"), "a line\nand another")
        assert project.rate(1, "tag", text="sky").images == ()  # it has it already
        assert project.rate(1, "label", 2).states[1].label == 0  # the same again
        project.rate(1, "untag", text="two words")
        assert project.state([1])[1].tags == ("sky",)
        assert project.counts().rated == 1
        assert [(e.kind, e.value) for e in project.opinions(RATING_KINDS)] == [("stars", 4.0)]


@pytest.mark.parametrize(
    ("kind", "value", "text"), [("label", 5, ""), ("label", -1, ""), ("tag", 0, "  "), ("untag", 0, "")]
)
def test_nonsense_marks_are_refused(project_folder, kind, value, text):
    with Project(project_folder) as project, pytest.raises(ValueError):
        project.rate(1, kind, value, text)


def test_a_label_does_not_count_as_rated_in_this_round(project_folder):
    with Project(project_folder) as project:
        project.rate(1, "stars", 4)
        path = project.new_checkpoint_path()
        path.write_bytes(b"adapter")
        project.add_checkpoint(path)
        project.rate(1, "label", 1)
        assert (project.counts().rated, project.counts().rated_in_round) == (1, 0)
        project.undo()
        assert project.counts().rated_in_round == 0


def test_everything_is_undone_and_redone_across_restarts(project_folder):
    with Project(project_folder) as project:
        project.rate(1, "label", 3)
        project.rate(1, "tag", text="sky")
        project.rate(1, "note", text="first")
        project.rate(1, "note", text="second")
        duel = project.duel(2, 3, "b", left="b").choice
        survey = project.survey(4, [5, 6, 7]).choice
        assert (duel.a, duel.b, duel.outcome, duel.left) == (2, 3, "b", "b")
        assert (survey.best, survey.others) == (4, (5, 6, 7))
    with Project(project_folder) as project:
        assert project.choices() == (duel, survey)
        change = project.undo()
        assert (change.label, change.choice) == ("survey", survey)
        assert [e.event for e in change.events] == [survey.event]
        assert isinstance(change.events[0], Retracted)
        assert project.undo().choice == duel
        assert project.choices() == ()
        assert project.undo().states[1].note == "first"
        assert project.undo().states[1].note == ""
        assert project.undo().states[1].tags == ()
        assert project.undo().states[1].label == 0
        assert project.undo() is None
    with Project(project_folder) as project:
        for _ in range(4):
            project.redo()
        assert project.state([1])[1] == ImageState(1, 0, None, 3, ("sky",), "second")
        assert project.redo().events == (duel,)
        assert project.redo().events == (survey,)
        assert project.redo() is None


def test_a_learner_hears_all_in_order(project_folder):
    with Project(project_folder) as project:
        project.rate(1, "stars", 5)
        project.signal(1, "dwell", 2.5)
        project.duel(1, 2, "tie")
        project.rate(2, "label", 1)
        project.duel(1, 3, "skip")
        project.undo()
        project.record("export", folder="x")  # of a generator, not of an image
        heard = project.opinions()
    assert [type(o) for o in heard] == [Feedback, Signal, Duel]
    assert (heard[1].kind, heard[1].value, heard[2].outcome) == ("dwell", 2.5, "tie")


def test_a_learner_hears_of_words_given_taken_and_taken_back(project_folder):
    with Project(project_folder) as project:
        (given, other) = project.rate([1, 2], "tag", text="keep").events
        assert (given.image, given.kind, given.word, other.image) == (1, "tag", "keep", 2)
        assert [(e.kind, e.word) for e in project.rate(1, "untag", text="keep").events] == [("untag", "keep")]
        assert [(e.kind, e.word) for e in project.undo().events] == [("tag", "keep")]
    with Project(project_folder) as project:
        assert [(type(o), o.image, o.kind, o.word) for o in project.opinions()] == [(Tag, 1, "tag", "keep"), (Tag, 2, "tag", "keep")]
        assert [(e.image, e.kind) for e in project.undo().events] == [(1, "untag"), (2, "untag")]
        assert project.opinions() == ()
        assert tags([*project.redo().events, Tag(1, "untag", "keep", 5.0)])[1:] == [Word(2, "keep", time=ANY), Word(1, "keep", False, 5.0)]


def test_standing_leaves_out_what_was_taken_back():
    one, two = Duel(7, 1, 2, "a", "a", 1.0), Survey(8, 1, (2, 3), 2.0)
    stars = Feedback(1, "stars", 4.0, 3.0)
    assert standing([one, two, stars, Retracted(7, 4.0)]) == [two, stars]
    assert standing([one, Retracted(7, 4.0), one]) == [one]


@pytest.mark.parametrize("words", [(1, 1, "a", "a"), (1, 2, "c", "a"), (1, 2, "a", "left")])
def test_nonsense_choices_are_refused(project_folder, words):
    with Project(project_folder) as project:
        with pytest.raises(ValueError):
            project.duel(*words)
        with pytest.raises(ValueError):
            project.survey(1, [1, 2])
        with pytest.raises(ValueError):
            project.signal(1, "sneeze")
        with pytest.raises(ProjectError):
            project.duel(1, 99, "skip") and project.signal(99, "loupe")
        assert all(event.kind == "duel" for event in project.log())


def test_versions_are_named_branched_and_deleted_with_undo(project_folder):
    with Project(project_folder) as project:
        for _ in range(2):
            path = project.new_checkpoint_path()
            path.write_bytes(b"adapter")
            project.add_checkpoint(path, {"taste": 0.5})
        project.rename_checkpoint(1, " Dusk ")
        project.rename_checkpoint(1, "Dawn")
        branch = project.branch_checkpoint(1, "Other way")
        assert (branch.parent, branch.round, branch.name, branch.metrics) == (
            1,
            1,
            "Other way",
            {"taste": 0.5},
        )
        assert branch.path.read_bytes() == b"adapter" and project.current_checkpoint().id == 2
        project.delete_checkpoint(1)
        with pytest.raises(ProjectError, match="in use"):
            project.delete_checkpoint(2)
    with Project(project_folder) as project:
        assert [c.deleted for c in project.checkpoints()] == [True, False, False]
        assert project.undo().checkpoint == 1
        assert [c.deleted for c in project.checkpoints()] == [False, False, False]
        assert project.undo().kind == "branch"
        assert [c.deleted for c in project.checkpoints()] == [False, False, True]
        project.undo()
        assert project.checkpoint(1).name == "Dusk"
        project.undo()
        assert project.checkpoint(1).name == ""
        for _ in range(4):
            project.redo()
        assert project.checkpoint(1).name == "Dawn" and project.checkpoint(1).deleted
        assert not project.checkpoint(3).deleted and project.checkpoint(1).path.is_file()


def test_a_project_of_version_1_is_brought_up_to_date_and_a_copy_kept(tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    database = sqlite3.connect(old / "project.sqlite")
    database.executescript(VERSION_1)
    database.close()
    with Project(old) as project:
        assert project.state([1])[1] == ImageState(1, 4)
        project.rate(1, "label", 1)
        project.undo()
        assert project.undo().states[1].stars == 0
    kept = sqlite3.connect(old / "project.sqlite.v1.bak")
    assert kept.execute("PRAGMA user_version").fetchone() == (1,)
    assert kept.execute("SELECT * FROM states").fetchall() == [(1, 4, None, 1)]
    kept.close()
    assert shape(old) == shape_of_a_new_one(tmp_path)


def shape_of_a_new_one(tmp_path: Path) -> list[tuple[object, ...]]:
    Project(tmp_path / "new").close()
    return shape(tmp_path / "new")


def shape(folder: Path) -> list[tuple[object, ...]]:
    """Every column of every table, and every index."""
    database = sqlite3.connect(folder / "project.sqlite")
    tables = [
        name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")
    ]
    columns = [(table, *row) for table in tables for row in database.execute(f"PRAGMA table_info({table})")]
    indices = database.execute(
        "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' ORDER BY 1"
    ).fetchall()
    assert database.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    database.close()
    return columns + indices
