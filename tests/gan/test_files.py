"""Writing a file: whole or not at all, and never in place of something that is no file."""

import errno
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch

from gan.errors import UserError
from gan.files import atomic_write, check_place, locked, write_bytes


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not an ordinary file"):
        write_bytes(tmp_path / "pipe", b"x")
    assert (tmp_path / "pipe").is_fifo() and len(list(tmp_path.iterdir())) == 1


def test_a_file_in_place_of_a_folder_is_said_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(NotADirectoryError) as refused:
        write_bytes(tmp_path / "file" / "new", b"x")
    assert refused.value.filename == str(tmp_path / "file")


def test_an_error_names_the_file_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError) as refused:
        write_bytes(tmp_path / "folder", b"x")
    assert refused.value.filename == str(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_the_longest_name_that_a_folder_takes_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 251 + ".png")
    write_bytes(path, b"x")
    assert path.read_bytes() == b"x"


def test_a_lock_is_held_once_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "new" / "some.lock"
    with locked(path), pytest.raises(BlockingIOError), locked(path):
        pass
    assert not path.parent.exists()
    path.parent.mkdir()
    path.write_bytes(b"")  # left by a killed process
    with locked(path):
        (path.parent / "work").write_bytes(b"x")
    assert [file.name for file in path.parent.iterdir()] == ["work"]


def test_a_full_disk_is_said_with_the_file_and_leaves_nothing(
    tmp_path: Path, full_disk: Callable[[int], AbstractContextManager[None]]
) -> None:
    path = tmp_path / "new" / "state.pt"
    with full_disk(1000), pytest.raises(OSError) as refused, atomic_write(path) as stream:
        torch.save(torch.zeros(10_000), stream)  # which raises a RuntimeError about its archive
    assert refused.value.errno == errno.EFBIG and refused.value.filename == str(path)
    assert not path.parent.exists()
    path.parent.mkdir()
    path.write_bytes(b"mine")
    with full_disk(1000), pytest.raises(OSError):
        write_bytes(path, bytes(10_000))
    assert path.read_bytes() == b"mine" and len(list(path.parent.iterdir())) == 1


def test_a_place_is_checked_before_the_work(tmp_path: Path) -> None:
    check_place(tmp_path / "new" / "folder")
    (tmp_path / "file").write_bytes(b"mine")
    for bad in (tmp_path / "file", tmp_path / "file" / "new", tmp_path / ("n" * 300), tmp_path / "n\udcff"):
        with pytest.raises(UserError):
            check_place(bad)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="whoever may write everywhere")
def test_a_folder_that_may_not_be_written_to_is_no_place(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o555)
    for bad in (tmp_path / "closed", tmp_path / "closed" / "new"):
        with pytest.raises(UserError, match="no folder that may be written to"):
            check_place(bad)
