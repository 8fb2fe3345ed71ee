"""Small kernel files: bounds, kept descriptors, and every errno as a word of ours."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.model.errors import Absent, Denied, Malformed
from forestall.system import files
from tests.support.limits import open_files
from tests.support.scratch import ScratchCgroup
from tests.support.stores import as_nobody


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.ENOENT, Absent),
        (errno.ESRCH, Absent),
        (errno.ENODEV, Absent),
        (errno.EOPNOTSUPP, Absent),
        (errno.ENOSYS, Absent),
        (errno.EACCES, Denied),
        (errno.EPERM, Denied),
        (errno.EROFS, Denied),
        (errno.EIO, Malformed),
        (errno.EMFILE, Malformed),
        (errno.ENAMETOOLONG, Malformed),
    ],
)
def test_every_errno_is_a_word_of_ours(number: int, expected: type[Exception]) -> None:
    """What is gone is Absent, what is refused Denied, the rest Malformed; the thing is named in each."""
    error = files.told(OSError(number, os.strerror(number)), "the thing")
    assert type(error) is expected
    assert "the thing" in str(error)


def test_a_read_stops_at_its_bound(tmp_path: Path) -> None:
    """No more than the limit is returned, however long the file is."""
    path = tmp_path / "long"
    path.write_bytes(b"x" * 10_000)
    assert len(files.read_file(str(path), 100)) == 100
    assert len(files.read_file(str(path))) == 10_000


def test_a_list_longer_than_a_page_is_read_whole() -> None:
    """A kernel file that comes in pages (such as /proc/self/smaps) is read to its end."""
    whole = files.read_file("/proc/self/smaps", 4 * 1024 * 1024)
    assert len(whole) > 4096
    assert b"VmFlags" in whole[-200:]


def test_what_is_missing_or_no_file_is_said(tmp_path: Path) -> None:
    """A missing file is Absent, a directory read as a file Malformed."""
    with pytest.raises(Absent):
        files.read_file(str(tmp_path / "none"))
    with pytest.raises(Absent):
        files.KeptFile(str(tmp_path / "none"))
    with pytest.raises(Malformed):
        files.read_file(str(tmp_path))


def test_a_kept_file_is_read_from_its_beginning_every_time(tmp_path: Path) -> None:
    """Each read gives the present content; the descriptor is let go once, a second close does nothing."""
    path = tmp_path / "counter"
    path.write_text("1\n")
    kept = files.KeptFile(str(path))
    first = kept.read()
    path.write_text("22\n")
    assert (first, kept.read(), kept.read(1)) == (b"1\n", b"22\n", b"2")
    kept.close()
    kept.close()
    with pytest.raises(Malformed):
        kept.read()


def test_a_kept_file_of_an_ended_process_is_absent() -> None:
    """After the process is gone its statm is Absent: never the numbers of whoever has its pid now."""
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        kept = files.KeptFile(f"/proc/{sleeper.pid}/statm")
        assert kept.read(128).split()
        sleeper.kill()
    with pytest.raises(Absent):
        kept.read(128)
    kept.close()


@pytest.mark.live
def test_a_kept_file_of_a_removed_cgroup_is_absent(scratch_cgroup: Callable[..., ScratchCgroup]) -> None:
    """A cgroup of the same name that is made later does not speak through the old descriptor."""
    group = scratch_cgroup()
    kept = files.KeptFile(str(group.directory / "memory.usage_in_bytes"))
    assert kept.read(64).strip().isdigit()
    group.directory.rmdir()
    group.directory.mkdir()
    with pytest.raises(Absent):
        kept.read(64)
    kept.close()


@pytest.mark.live
def test_what_may_not_be_opened_is_denied(live: str, tmp_path: Path) -> None:
    """Without a right a read, a write and a listing are Denied, with what would help."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)

    def try_all() -> None:
        for attempt in (
            lambda: files.read_file("/proc/1/smaps"),
            lambda: files.write_file("/proc/sys/vm/overcommit_memory", "0"),
            lambda: files.list_directory("/proc/1/fd"),
        ):
            with pytest.raises(Denied, match="root"):
                attempt()

    as_nobody(try_all)


def test_a_write_needs_a_file_that_is_there(tmp_path: Path) -> None:
    """A control file is written in place, never made."""
    path = tmp_path / "control"
    with pytest.raises(Absent):
        files.write_file(str(path), "1")
    path.write_text("old")
    files.write_file(str(path), "new")
    assert path.read_text() == "new"


def test_a_replacement_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """The new content stands with its mode; a replacement that fails leaves the old and nothing beside it."""
    path = tmp_path / "now"
    files.replace_file(str(path), b"one", 0o600)
    files.replace_file(str(path), b"two" * 100_000, 0o600)
    assert path.read_bytes() == b"two" * 100_000
    assert path.stat().st_mode & 0o777 == 0o600
    blocked = tmp_path / "blocked"
    (blocked / "inside").mkdir(parents=True)
    with pytest.raises(Malformed):
        files.replace_file(str(blocked), b"three")
    assert sorted(os.listdir(tmp_path)) == ["blocked", "now"]


def test_directories_are_made_listed_and_removed(tmp_path: Path) -> None:
    """Making one that is there and removing one that is gone are both fine; listing a missing one is Absent."""
    deep = tmp_path / "a" / "b"
    files.make_directory(str(deep))
    files.make_directory(str(deep))
    (deep / "file").write_text("x")
    assert files.list_directory(str(deep)) == ["file"]
    files.remove_file(str(deep / "file"))
    files.remove_file(str(deep / "file"))
    files.remove_tree(str(tmp_path / "a"))
    files.remove_tree(str(tmp_path / "a"))
    with pytest.raises(Absent):
        files.list_directory(str(deep))
    (tmp_path / "plain").write_text("x")
    with pytest.raises(Malformed):
        files.make_directory(str(tmp_path / "plain"))


def test_where_descriptors_are_short_a_kept_file_keeps_none(tmp_path: Path) -> None:
    """It is read as before, without holding one of the last descriptors; another file of its name is not it."""
    path = tmp_path / "f"
    path.write_text("one")
    lowest = os.open(path, os.O_RDONLY)
    os.close(lowest)
    with open_files(lowest + 2):
        kept, again = (files.KeptFile(str(path)) for _ in range(2))
        assert os.open(path, os.O_RDONLY) == lowest
        os.close(lowest)
    path.write_text("two")
    assert (kept.read(), again.read()) == (b"two", b"two")
    (tmp_path / "g").write_text("other")
    (tmp_path / "g").rename(path)
    with pytest.raises(Absent):
        again.read()
    path.unlink()
    with pytest.raises(Absent):
        again.read()
    again.close()
    kept.close()
