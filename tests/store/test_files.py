"""Files of the store: opening, closing for good, setting aside."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from forestall.model.errors import Absent, Denied
from forestall.store import files
from forestall.store.schema import APPLICATION_ID, RECENT, VERSION, file_for

FILE = file_for(RECENT, 1_800_000_000.0)


def made(directory: Path) -> str:
    """A store file with nothing in it, closed cleanly."""
    assert files.close_cleanly(files.open_to_write(str(directory), FILE))
    return FILE.name


def test_an_open_file_is_in_wal_mode_and_says_whose_it_is(tmp_path: Path) -> None:
    """Readers do not wait for the writer; `file` and readers can tell what it is."""
    with closing(files.open_to_write(str(tmp_path), FILE)) as connection:
        answers = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "application_id")]
        assert answers == ["wal", APPLICATION_ID]
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
    assert stat.S_IMODE(os.stat(tmp_path / FILE.name).st_mode) == 0o640


def test_a_file_that_is_closed_cleanly_stands_alone(tmp_path: Path) -> None:
    """No WAL and no shared memory file is left, and the file says that it needs none."""
    made(tmp_path)
    assert os.listdir(tmp_path) == [FILE.name]
    with closing(sqlite3.connect(tmp_path / FILE.name)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_reader_keeps_a_file_from_being_closed_but_nothing_is_lost(tmp_path: Path) -> None:
    """The writer is told to try again later."""
    connection = files.open_to_write(str(tmp_path), FILE)
    with closing(sqlite3.connect(tmp_path / FILE.name)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM frames").fetchall()
        assert not files.close_cleanly(connection)
    assert files.seal(str(tmp_path), FILE.name)


def test_a_sealed_file_may_not_be_written(tmp_path: Path) -> None:
    """Its permission says so, to readers too."""
    name = made(tmp_path)
    assert not files.is_sealed(str(tmp_path), name)
    assert files.seal(str(tmp_path), name)
    assert files.is_sealed(str(tmp_path), name)
    assert stat.S_IMODE(os.stat(tmp_path / name).st_mode) == 0o440


def test_an_empty_file_is_removed_instead_of_sealed(tmp_path: Path) -> None:
    """A writer killed between making a file and its tables leaves nothing worth keeping."""
    (tmp_path / FILE.name).touch()
    assert files.seal(str(tmp_path), FILE.name)
    assert os.listdir(tmp_path) == []


def test_the_next_file_is_the_last_of_the_period_until_that_is_sealed_or_damaged(tmp_path: Path) -> None:
    """A closed file is never opened again to be written."""
    directory = str(tmp_path)
    name = made(tmp_path)
    assert files.next_to_write(directory, RECENT, 1_800_000_000.0).name == name
    files.seal(directory, name)
    second = files.next_to_write(directory, RECENT, 1_800_000_000.0)
    assert second.turn == 2
    files.close_cleanly(files.open_to_write(directory, second))
    assert files.set_aside(directory, second.name) == f"{second.name}.damaged"
    assert files.next_to_write(directory, RECENT, 1_800_000_000.0).turn == 3
    assert files.newest(directory, RECENT, 1_800_000_000.0) == name


def test_a_file_is_removed_with_its_companions(tmp_path: Path) -> None:
    """Nothing of it is left, and doing it twice is no error."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        (tmp_path / (FILE.name + suffix)).write_bytes(b"x" * 5000)
    (tmp_path / "foreign").write_bytes(b"x" * 5000)
    assert files.bytes_of(str(tmp_path), FILE.name) == files.bytes_of_all(str(tmp_path)) >= 4 * 4096
    for _ in range(2):
        files.remove(str(tmp_path), FILE.name)
    assert os.listdir(tmp_path) == ["foreign"]
    assert files.bytes_of_all(str(tmp_path / "none")) == 0


@pytest.mark.parametrize("raw", [b"no database at all" * 300, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database_is_damage(tmp_path: Path, raw: bytes) -> None:
    """It is told apart from a disk that refuses."""
    (tmp_path / FILE.name).write_bytes(raw)
    with pytest.raises(sqlite3.DatabaseError) as caught:
        files.open_to_write(str(tmp_path), FILE)
    assert files.is_damage(caught.value)


def test_a_directory_in_a_place_that_cannot_be_written_is_denied_by_name(tmp_path: Path) -> None:
    """The remedy names the option."""
    (tmp_path / "file").touch()
    with pytest.raises(Denied, match="--state-dir"):
        files.make_directory(str(tmp_path / "file" / "store"))


def test_a_missing_directory_holds_no_files(tmp_path: Path) -> None:
    """Before the first run there is nothing, which is no error."""
    assert files.listing(str(tmp_path / "none")) == []


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (sqlite3.SQLITE_FULL, "free disk space"),
        (sqlite3.SQLITE_READONLY, "writable place"),
        (sqlite3.SQLITE_BUSY, "other writer"),
    ],
)
def test_a_refusal_says_what_would_help(code: int, remedy: str) -> None:
    """One sentence for each cause."""
    error = sqlite3.OperationalError("refused")
    error.sqlite_errorcode = code
    failure = files.failure("here", error)
    assert isinstance(failure, Denied)
    assert remedy in str(failure)


def test_a_disk_that_fails_is_absent() -> None:
    """An I/O error is not a matter of permission."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    assert isinstance(files.failure("here", error), Absent)


def test_a_transaction_is_all_or_nothing(tmp_path: Path) -> None:
    """A failure inside leaves nothing behind."""
    with closing(files.open_to_write(str(tmp_path), FILE)) as connection:
        row = (1, 1, 2, 3, "boot", b"")
        with pytest.raises(sqlite3.IntegrityError), files.transaction(connection):
            connection.executemany("INSERT INTO frames VALUES (?, ?, ?, ?, ?, ?)", [row, row])
        assert connection.execute("SELECT count(*) FROM frames").fetchone() == (0,)
