"""The project on disk: durable, explained when it fails, and never losing anything."""

import errno
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path

import pytest
from backend_support import LATENT

from studio.project import png, recent, schema
from studio.project.opinions import RATING_KINDS
from studio.project.store import Image, ImageState, NewImage, Project, ProjectError, is_project


@pytest.fixture
def project(tmp_path: Path):
    with Project(tmp_path / "taste", model="small", seed=7) as opened:
        opened.add_grid([NewImage(LATENT, "random", None, 16, 16) for _ in range(6)])
        yield opened


def test_a_new_project_remembers_what_it_is(tmp_path):
    with Project(tmp_path / "a", model="dreamscapes", seed=7) as project:
        assert (project.model, project.seed) == ("dreamscapes", 7)
        assert project.current_grid() is None
        assert project.meta("nothing", 3) == 3
        project.set_meta(weights={"taste": 1.5})
    with Project(tmp_path / "a", create=False, model="ignored") as project:
        assert (project.model, project.seed) == ("dreamscapes", 7)
        assert project.meta("weights") == {"taste": 1.5}
    database = sqlite3.connect(tmp_path / "a" / "project.sqlite")
    assert database.execute("PRAGMA user_version").fetchone() == (schema.VERSION,)
    assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert database.execute("PRAGMA application_id").fetchone() == (schema.APPLICATION_ID,)
    database.close()


def test_stars_and_flags_are_independent(project):
    change = project.rate(1, "stars", 4)
    assert change.states == {1: ImageState(1, 4, None)}
    assert [(e.image, e.kind, e.value) for e in change.events] == [(1, "stars", 4.0)]
    assert project.rate(1, "like").states == {1: ImageState(1, 4, "like")}
    assert project.rate(1, "reject").states == {1: ImageState(1, 4, "reject")}
    assert project.rate(1, "stars", 0).states == {1: ImageState(1, 0, "reject")}
    assert project.rate(1, "neither").states == {1: ImageState(1, 0, None)}
    assert not project.state([1])[1].rated


def test_the_same_star_again_clears(project):
    project.rate(2, "stars", 3)
    change = project.rate(2, "stars", 3)
    assert (change.kind, change.states[2].stars) == ("clear", 0)


def test_several_images_are_one_action(project):
    project.rate(1, "stars", 2)
    change = project.rate([1, 2, 3], "stars", 2)  # not all have it, so it is given and not cleared
    assert change.images == (2, 3)
    assert project.undo_label() == "2 stars on 2 images"
    assert {s.stars for s in project.state([1, 2, 3]).values()} == {2}
    assert project.rate([1, 2, 3], "stars", 2).kind == "clear"


def test_what_changes_nothing_is_no_event(project):
    project.rate(1, "like")
    events = len(project.log())
    assert project.rate(1, "like").images == ()
    assert project.rate(3, "clear").events == ()
    assert len(project.log()) == events


@pytest.mark.parametrize(("kind", "value"), [("stars", 6), ("stars", 2.5), ("stars", -1), ("love", 1)])
def test_nonsense_is_refused(project, kind, value):
    with pytest.raises(ValueError):
        project.rate(1, kind, value)
    with pytest.raises(ValueError, match="rate"):
        project.record("stars", 1)
    assert project.log() == ()


def test_an_unknown_image_is_refused_and_nothing_is_half_done(project):
    with pytest.raises(ProjectError, match="FOREIGN KEY"):
        project.rate([1, 99], "stars", 3)
    assert project.log() == () and not project.state([1])[1].rated and project.undo() is None


def test_the_same_grid_comes_back(tmp_path):
    with Project(tmp_path / "p") as project:
        project.add_grid([NewImage(LATENT)])
        grid = project.add_grid([NewImage(LATENT, "informative", 5, 64, 48) for _ in range(24)])
        project.save_pixels(grid.images[0], bytes(64 * 48 * 3), 64, 48)
    with Project(tmp_path / "p") as project:
        assert project.current_grid() == grid
        assert project.grid(1).images == (1,)
        first = project.images(grid.images)[0]
        assert first == Image(2, LATENT, "informative", 5, None, 64, 48, grid.created)
        assert len(project.images()) == 25
        assert project.image_file(2).is_file() and not project.image_file(3).exists()


def test_png_files_hold_the_pixels(qapp):
    from PySide6.QtGui import QImage

    pixels = bytes(range(2 * 3 * 3))
    image = QImage.fromData(png.encode(pixels, 3, 2)).convertToFormat(QImage.Format.Format_RGB888)
    rows = [bytes(image.constScanLine(y))[:9] for y in range(2)]
    assert b"".join(rows) == pixels
    with pytest.raises(ValueError, match="not 3 x 3"):
        png.encode(pixels, 3, 3)


def test_counts_begin_again_with_every_kept_round(project):
    project.rate([1, 2], "stars", 5)
    project.rate(3, "reject")
    counts = project.counts()
    assert (counts.rated, counts.shown, counts.rated_in_round, counts.round) == (3, 6, 3, 1)
    path = project.new_checkpoint_path()
    path.write_bytes(b"adapter")
    project.add_checkpoint(path, {"taste": 0.5})
    project.add_grid([NewImage(LATENT) for _ in range(2)])
    project.rate(7, "like")
    counts = project.counts()
    assert (counts.rated, counts.shown, counts.rated_in_round, counts.round) == (4, 8, 1, 2)


def test_a_round_waits_for_a_program_that_locks_the_file_longer_than_a_rating_does(project):
    path = project.new_checkpoint_path()
    path.write_bytes(b"adapter")
    other = sqlite3.connect(project.folder / "project.sqlite", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ProjectError, match="another program"):
        project.rate(1, "like")
    freed = threading.Timer(0.6, other.execute, ("ROLLBACK",))
    freed.start()
    assert project.add_checkpoint(path).round == 1
    freed.join()
    other.close()


def test_checkpoints_form_a_tree(project):
    made = []
    for number in range(2):
        path = project.new_checkpoint_path()
        path.write_bytes(b"adapter")
        made.append(project.add_checkpoint(path, {"taste": float(number)}, name=f"n{number}", reason="Kept."))
    assert [(c.round, c.parent, c.metrics["taste"], c.kept) for c in made] == [
        (1, None, 0.0, True),
        (2, 1, 1.0, True),
    ]
    project.set_current_checkpoint(1)
    path = project.new_checkpoint_path()
    path.write_bytes(b"adapter")
    branch = project.add_checkpoint(path)
    assert (branch.parent, branch.round) == (1, 3)
    assert project.current_checkpoint() == branch
    project.rename_checkpoint(1, "warm skies")
    assert project.checkpoint(1).name == "warm skies"
    project.set_current_checkpoint(None)
    assert project.current_checkpoint() is None and len(project.checkpoints()) == 3
    with pytest.raises(ProjectError, match="no checkpoint 9"):
        project.set_current_checkpoint(9)
    with pytest.raises(ProjectError, match="not on disk"):
        project.add_checkpoint(project.new_checkpoint_path())


def test_a_round_whose_row_a_crash_prevented_is_found_again(tmp_path):
    with Project(tmp_path / "p") as project:
        project.new_checkpoint_path().write_bytes(b"adapter")
        assert project.checkpoints() == ()
    with Project(tmp_path / "p") as project:
        (found,) = project.checkpoints()
        assert found.path.read_bytes() == b"adapter" and found.round == 1 and "Recovered" in found.reason
        assert project.current_checkpoint() is None


def written(project, facts):
    """The file of a round that ended, as a worker leaves it."""
    text = json.dumps({"format": "tastemaker-checkpoint", "version": 1, "facts": {"reason": "Kept.", "project": facts}})
    header = json.dumps({"__metadata__": {"tastemaker-checkpoint": text}}).encode()
    path = project.new_checkpoint_path()
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    return path


def test_a_round_that_was_not_heard_of_is_found_where_it_began(project):
    first = project.add_checkpoint(written(project, {}))
    project.rate(1, "stars", 5)
    facts = project.round_facts()
    project.rate(2, "stars", 1)  # while it runs
    lost = written(project, {**facts, "metrics": {"taste": 0.5}})
    project.set_current_checkpoint(None)
    second = project.add_checkpoint(written(project, project.round_facts()))
    found = next(c for c in project.checkpoints() if c.path == lost)
    assert (found.parent, found.round, found.metrics) == (first.id, 2, {"taste": 0.5})
    assert (second.parent, second.round) == (None, 3) and project.current_checkpoint() == second


def test_ratings_after_a_round_that_was_not_heard_of_count_for_the_next(tmp_path):
    with Project(tmp_path / "p") as project:
        project.add_grid([NewImage(LATENT) for _ in range(4)])
        project.rate(1, "stars", 5)
        written(project, {**project.round_facts(), "metrics": {}})
        project.rate([2, 3], "stars", 1)
        project.add_grid([NewImage(LATENT)])
    with Project(tmp_path / "p") as project:
        counts = project.counts()
        assert (counts.rated_in_round, counts.round) == (2, 2)


@pytest.mark.parametrize(
    "said", [b"", b"adapter", b"\xff" * 40, (2).to_bytes(8, "little") + b"[]", {"parent": [], "metrics": {}}, {"metrics": 3}]
)
def test_a_round_whose_file_says_nothing_of_it_is_found_all_the_same(project, said):
    if isinstance(said, bytes):
        project.new_checkpoint_path().write_bytes(said)
    else:
        written(project, said)
    project.adopt_checkpoints()
    (found,) = project.checkpoints()
    assert (found.round, found.parent, found.metrics) == (1, None, {})


def test_other_things_are_logged_too(project):
    project.record("zoom", 2, 1.0, seconds=3.5)
    (event,) = project.log()
    assert (event.kind, event.image, event.extra, event.session) == (
        "zoom",
        2,
        {"seconds": 3.5},
        project.session,
    )
    assert project.opinions(RATING_KINDS) == () and project.undo() is None


def test_the_log_can_be_asked_for_some_kinds(project):
    project.record("taught", kept=False)
    project.rate([1, 2], "stars", 5)
    project.record("export", folder="x")
    project.undo()
    assert [event.kind for event in project.log(kinds=("taught", "export"))] == ["taught", "export"]
    assert [event.kind for event in project.log(1, ("taught", "export"))] == ["export"]
    assert project.last_said() == {event.image: event.time for event in project.log(kinds=("stars",))}


def test_another_thread_reads_the_project_as_it_was_when_it_was_asked_for(project):
    project.rate(1, "stars", 5)
    work, found = project.read_elsewhere(lambda view: (view.opinions(), len(view.images()))), []
    project.rate(2, "stars", 1)
    project.add_grid([NewImage(LATENT)])
    thread = threading.Thread(target=lambda: found.append(work()))
    project.close()  # the window may be left meanwhile
    thread.start()
    thread.join()
    ((opinions, images),) = found
    assert [opinion.image for opinion in opinions] == [1] and images == 6
    assert [path.name for path in project.folder.glob("project.sqlite*")] == ["project.sqlite"]
    writing = Project(project.folder, create=False)
    with pytest.raises(ProjectError, match="read-only"):
        writing.read_elsewhere(lambda view: view.rate(1, "like"))()
    writing.close()


RATE_FOREVER = """
import sys
from pathlib import Path
from studio.project.store import NewImage, Project
project = Project(Path(sys.argv[1]))
images = project.add_grid([NewImage(bytes(32)) for _ in range(400)]).images
for image in images:
    project.rate(image, "stars", image % 5 + 1)
    print(image, flush=True)
"""


def test_kill_9_loses_no_rating(tmp_path):
    folder = tmp_path / "p"
    process = subprocess.Popen(
        [sys.executable, "-c", RATE_FOREVER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [int(process.stdout.readline()) for _ in range(40)]
    os.kill(process.pid, signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().split("\n")[:-1]]
    process.stdout.close()
    assert process.wait() == -signal.SIGKILL
    assert len(told) < 400, "the process ended before it was killed"
    with Project(folder, create=False) as project:
        states = project.state(told)
        assert all(states[image].stars == image % 5 + 1 for image in told)
        assert len(project.opinions()) in (
            len(told),
            len(told) + 1,
        )  # one may be durable and not yet told
        assert project.undo() is not None


def test_a_rating_is_durable_within_50_ms(project):
    times = []
    for image in range(1, 7):
        start = time.perf_counter()
        project.rate(image, "stars", 3)
        times.append(time.perf_counter() - start)
    assert sorted(times)[3] < 0.05


def test_a_newer_project_is_refused_and_left_alone(tmp_path):
    folder = tmp_path / "p"
    Project(folder).close()
    database = sqlite3.connect(folder / "project.sqlite")
    database.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    database.close()
    before = (folder / "project.sqlite").read_bytes()
    with pytest.raises(ProjectError, match="newer Tastemaker") as caught:
        Project(folder)
    assert "\n" not in str(caught.value)
    assert (folder / "project.sqlite").read_bytes() == before


def test_an_older_project_is_migrated_after_a_copy_was_kept(tmp_path, monkeypatch):
    folder = tmp_path / "p"
    with Project(folder) as project:
        project.add_grid([NewImage(LATENT)])
        project.rate(1, "stars", 5)
    old = schema.VERSION
    monkeypatch.setattr(schema, "VERSION", old + 1)
    monkeypatch.setitem(schema.MIGRATIONS, old, "ALTER TABLE images ADD COLUMN note TEXT;")
    with Project(folder) as project:
        assert project.state([1])[1].stars == 5
        assert project._rows("SELECT note FROM images") == [(None,)]
    copy = sqlite3.connect(folder / f"project.sqlite.v{old}.bak")
    assert copy.execute("PRAGMA user_version").fetchone() == (old,)
    assert copy.execute("SELECT stars FROM states").fetchone() == (5,)
    copy.close()


def test_a_migration_that_fails_changes_nothing(tmp_path, monkeypatch):
    folder = tmp_path / "p"
    with Project(folder) as project:
        project.add_grid([NewImage(LATENT)])
    old = schema.VERSION
    with monkeypatch.context() as patch:
        patch.setattr(schema, "VERSION", old + 1)
        patch.setitem(
            schema.MIGRATIONS, old, "ALTER TABLE images ADD COLUMN note TEXT; SELECT * FROM nowhere;"
        )
        with pytest.raises(ProjectError, match="nowhere"):
            Project(folder)
    with Project(folder) as project:
        assert len(project.images()) == 1


def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path):
    folder = tmp_path / "p"
    with Project(folder) as project:
        project.add_grid([NewImage(bytes(400)) for _ in range(400)])
    path = folder / "project.sqlite"
    data = bytearray(path.read_bytes())
    data[4096 : 4096 * 6] = os.urandom(4096 * 5)
    path.write_bytes(data)
    with pytest.raises(ProjectError, match="damaged"):
        Project(folder)
    assert path.read_bytes() == data
    path.write_bytes(b"not a database at all, " * 400)
    with pytest.raises(ProjectError, match="damaged"):
        Project(folder)


@pytest.mark.parametrize("lost", ["emptied", "missing"])
@pytest.mark.parametrize("left", ["checkpoints/round-001-aa.safetensors", "images/00000001.png"])
def test_a_project_without_its_ratings_is_not_taken_for_a_new_one(tmp_path, lost, left):
    folder = tmp_path / "p"
    Project(folder).close()
    (folder / left).write_bytes(b"made of ratings")
    path = folder / "project.sqlite"
    whole = path.read_bytes()
    path.unlink()
    if lost == "emptied":
        path.touch()
    before = sorted(folder.rglob("*"))
    with pytest.raises(ProjectError, match="lost its ratings"):
        Project(folder)
    assert sorted(folder.rglob("*")) == before
    path.write_bytes(whole)  # the copy
    Project(folder, create=False).close()


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps names by itself")
def test_a_branch_is_on_disk_wholly_before_its_row_or_not_at_all(project, monkeypatch):
    first = project.add_checkpoint(written(project, {}))
    folder, whole, seen = project.folder / "checkpoints", os.fsync, []

    def sync(handle):
        names = sorted(path.name[:8] for path in folder.iterdir() if path != first.path)
        seen.append((stat.S_ISDIR(os.fstat(handle).st_mode), names))
        whole(handle)

    monkeypatch.setattr(os, "fsync", sync)
    branch = project.branch_checkpoint(first.id, "dusk")
    assert seen == [(False, [".branch-"]), (True, ["branch-" + branch.path.name[7]])]
    assert branch.path.read_bytes() == first.path.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProjectError, match="No space left"):
        project.branch_checkpoint(first.id, "dawn")
    assert sorted(folder.iterdir()) == sorted([first.path, branch.path]) and len(project.checkpoints()) == 2


def test_another_programs_database_is_refused(tmp_path):
    folder = tmp_path / "p"
    folder.mkdir()
    database = sqlite3.connect(folder / "project.sqlite")
    database.execute("CREATE TABLE songs (title)")
    database.close()
    with pytest.raises(ProjectError, match="another program"):
        Project(folder)


def test_a_full_disk_is_said_and_loses_nothing(project):
    project.rate(1, "stars", 5)
    (pages,) = project._db.execute("PRAGMA page_count").fetchone()
    project._db.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to run out of room
    with pytest.raises(ProjectError, match="full"):
        for _ in range(100):
            project.add_grid([NewImage(bytes(4000)) for _ in range(24)])
    assert project.state([1])[1].stars == 5
    project._db.execute("PRAGMA max_page_count = 1000000")
    project.rate(2, "like")
    assert len(project.opinions()) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay where they are")
def test_a_folder_that_is_moved_away_is_said_and_nothing_is_written_where_nobody_looks(project):
    project.rate(1, "stars", 5)
    away = project.folder.rename(project.folder.with_name("elsewhere"))
    for write in (lambda: project.rate(1, "stars", 2), project.new_checkpoint_path):
        with pytest.raises(ProjectError, match="moved or deleted"):
            write()
    assert project.state([1])[1].stars == 5
    away.rename(project.folder)
    project.rate(2, "like")
    assert len(project.opinions()) == 2


def test_a_file_that_another_program_locks_is_said_at_once(project):
    other = sqlite3.connect(project.folder / "project.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    with pytest.raises(ProjectError, match="in use by another program"):
        project.rate(1, "stars", 5)
    assert time.monotonic() - begun < 1.0
    other.close()
    assert project.rate(1, "stars", 5).images == (1,)


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay where they are")
def test_a_copy_that_was_put_in_its_place_is_not_taken_for_the_project(project):
    folder = project.folder
    away = folder.rename(folder.with_name("elsewhere"))
    shutil.copytree(away, folder)
    with pytest.raises(ProjectError, match="Another copy"):
        project.rate(1, "stars", 5)
    with pytest.raises(ProjectError, match="Another copy"):
        project.new_checkpoint_path()
    project.close()
    with Project(folder, create=False) as again:
        assert not again.state([1])[1].rated
        again.rate(1, "stars", 3)


DROPPED = """
import os, sys
from pathlib import Path
from studio.project.store import Project, ProjectError
folder = Path(sys.argv[1])
if os.geteuid() == 0:
    os.setuid(65534)
for target in (folder, folder / "new"):
    try:
        Project(target)
        print("opened")
    except ProjectError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_a_read_only_folder_is_one_line():
    folder = Path(tempfile.mkdtemp(prefix="read-only-"))  # tmp_path is closed to other users
    try:
        Project(folder).close()
        for path in (folder, *folder.iterdir()):
            path.chmod(path.stat().st_mode & ~0o222 | 0o055)
        done = subprocess.run(
            [sys.executable, "-c", DROPPED, str(folder)],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    finally:
        for path in (folder, *folder.iterdir()):
            path.chmod(0o777)
        shutil.rmtree(folder)
    lines = done.stdout.strip().split("\n")
    assert len(lines) == 2 and all(
        "Cannot use the project folder" in line or "read-only" in line for line in lines
    )


def test_a_folder_that_is_a_file_is_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ProjectError, match="is a file"):
        Project(tmp_path / "file")
    with pytest.raises(ProjectError, match="not a Tastemaker project"):
        Project(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists() and not is_project(tmp_path)


HOLD = """
import sys
from pathlib import Path
from studio.project.store import Project
project = Project(Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_a_project_opens_once_at_a_time(tmp_path):
    folder = tmp_path / "p"
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None and other.stdin is not None
    assert other.stdout.readline() == "open\n"
    with pytest.raises(ProjectError, match="open in another Tastemaker"):
        Project(folder)
    other.kill()
    other.wait()
    other.stdin.close()
    other.stdout.close()
    Project(folder).close()


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX locks")
def test_a_file_system_without_locks_is_no_other_tastemaker(tmp_path, monkeypatch):
    import fcntl

    def without(error):
        def flock(handle, how):
            raise OSError(error, os.strerror(error))

        monkeypatch.setattr(fcntl, "flock", flock)

    for error in (errno.ENOLCK, errno.ENOTSUP):
        without(error)
        with Project(tmp_path / "p") as project:
            project.set_meta(opened=True)
    without(errno.EWOULDBLOCK)
    with pytest.raises(ProjectError, match="open in another Tastemaker"):
        Project(tmp_path / "p")


def test_recent_projects(tmp_path, monkeypatch):
    monkeypatch.setenv(recent.HOME_VARIABLE, str(tmp_path))
    assert recent.last_project() is None
    assert recent.new_project_folder("a/b: c") == tmp_path / "Projects" / "a b  c"
    folders = []
    for _ in range(2):
        folders.append(recent.new_project_folder("My taste"))
        Project(folders[-1]).close()
        recent.remember(folders[-1])
    assert [folder.name for folder in folders] == ["My taste", "My taste 2"]
    recent.remember(folders[0])
    assert recent.recent_projects() == folders
    shutil.rmtree(folders[0])
    assert recent.last_project() == folders[1]
    recent.forget(folders[1])
    assert recent.recent_projects() == []
    (tmp_path / "recent.json").write_text("{ damaged")
    assert recent.recent_projects() == []


def test_pixels_are_saved_from_another_thread(project):
    thread = threading.Thread(target=project.save_pixels, args=(1, bytes(16 * 16 * 3), 16, 16))
    thread.start()
    thread.join()
    data = project.image_file(1).read_bytes()
    assert data.startswith(b"\x89PNG") and zlib.crc32(data[-8:-4]) == int.from_bytes(data[-4:], "big")
    assert [path.name for path in (project.folder / "images").iterdir()] == ["00000001.png"]


@pytest.mark.skipif(sys.platform == "win32", reason="open files stay where they are")
def test_a_round_does_not_begin_where_the_project_is_gone(qapp, project):
    from studio.worker.client import WorkerClient

    client, said = WorkerClient(), []
    client._project = project
    client.failed.connect(lambda *words: said.append(words))
    away = project.folder.rename(project.folder.with_name("elsewhere"))
    client.teach()
    away.rename(project.folder)
    ((command, reason, _),) = said
    assert command == "RunRound" and "moved or deleted" in reason and client._round is None


def test_a_round_that_a_worker_wrote_before_it_died_is_found_at_once(qapp, project, monkeypatch):
    from studio.worker.client import WorkerClient
    from studio.worker.link import Gone

    client, known = WorkerClient(), []
    client._project = project
    monkeypatch.setattr(client, "_start", lambda: None)
    client.round_finished.connect(lambda finished: known.append((finished, project.checkpoints())))
    client.teach()
    assert client._round is not None
    Path(client._round.checkpoint).write_bytes(b"adapter")
    client._on_gone(Gone(-9))
    ((finished, (found,)),) = known
    assert not finished.result.kept and "Recovered" in found.reason and project.current_checkpoint() is None


def test_a_project_gets_another_name(tmp_path, monkeypatch):
    monkeypatch.setenv(recent.HOME_VARIABLE, str(tmp_path))
    first, second = tmp_path / "My taste", tmp_path / "Dusk"
    for folder in (second, first):
        Project(folder).close()
        recent.remember(folder)
    assert recent.rename(first, " My taste. ") == first
    assert recent.rename(first, "Dusk") == tmp_path / "Dusk 2"
    assert recent.recent_projects() == [tmp_path / "Dusk 2", second] and not first.exists()
    assert recent.rename(second, "../a:b" + "x" * 200) == tmp_path / ("a b" + "x" * 77)
    with pytest.raises(ProjectError, match="cannot be renamed"):
        recent.rename(tmp_path / "gone", "here")
