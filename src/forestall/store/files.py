"""One file of the store on the disk: opened to write, closed for good, set aside, and what its errors mean.

The newest file of a tier is in WAL mode so that readers and the writer never wait for each other. SQLite needs to
write beside a WAL file to read it (sqlite.org/wal.html, "Read-Only Databases"), so an unprivileged reader could not
open it once the writer has gone; therefore a clean stop turns it back to a plain file. A file whose period is over
is turned back, too, and loses its write permission: from then on it is opened `immutable`, without any lock.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final

from forestall.model.errors import Absent, Denied, ForestallError
from forestall.store.schema import APPLICATION_ID, TABLES, VERSION, File, file_for, read_name

DIRECTORY_MODE: Final = 0o750
OPEN_MODE: Final = 0o640
SEALED_MODE: Final = 0o440
COMPANIONS: Final = ("-wal", "-shm", "-journal")
CACHE_KIB: Final = 512
BUSY_SECONDS: Final = 1.0
WAL_BYTES_KEPT: Final = 4 * 1024 * 1024

_FULL: Final = frozenset({sqlite3.SQLITE_FULL})
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT})
_REFUSED: Final = frozenset(
    {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
)


def listing(directory: str) -> list[File]:
    """The store's files, oldest first; none when the directory is not there. Raises Denied when it is closed to us."""
    try:
        names = os.listdir(directory)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise Denied(f"store in {directory}: {error.strerror}", "group forestall, or root") from None
    files = [file for file in map(read_name, names) if file is not None]
    return sorted(files, key=lambda file: (file.begin_wall_seconds, file.tier, file.turn))


def newest(directory: str, tier: str, wall_seconds: float) -> str | None:
    """Name of the last file of the period that a moment belongs to, damaged ones apart."""
    names = [file.name for file in _period(directory, tier, wall_seconds) if not file.damaged]
    return names[-1] if names else None


def next_to_write(directory: str, tier: str, wall_seconds: float) -> File:
    """The file to write at a moment: the period's last one, or a further one when that is sealed or set aside."""
    period = _period(directory, tier, wall_seconds)
    if not period:
        return file_for(tier, wall_seconds)
    last = max(period, key=lambda file: file.turn)
    if last.damaged or is_sealed(directory, last.name):
        return file_for(tier, wall_seconds, last.turn + 1)
    return last


def make_directory(directory: str) -> None:
    """Make the store's directory and those above it; raises Denied when that is refused."""
    try:
        os.makedirs(directory, DIRECTORY_MODE, exist_ok=True)
    except OSError as error:
        raise Denied(f"store in {directory}: {error.strerror}", "a writable place (--state-dir DIR)") from None


def is_sealed(directory: str, name: str) -> bool:
    """Whether the file is closed for good: nobody may write it any more."""
    return not os.stat(os.path.join(directory, name)).st_mode & 0o222


def open_to_write(directory: str, file: File) -> sqlite3.Connection:
    """Open or create a file in WAL mode; raises sqlite3.Error or OSError (see `failure`)."""
    path = os.path.join(directory, file.name)
    _create(directory, path)
    connection = _connect(path)
    try:
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
        if os.path.getsize(path):
            _demand_sound(connection)
        # a WAL mode that is refused (a reader holds the file) leaves the old mode, which works as well
        with suppress(sqlite3.OperationalError):
            connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA journal_size_limit={WAL_BYTES_KEPT}")
        connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        connection.executescript(TABLES[file.tier])
        connection.execute(f"PRAGMA user_version={VERSION}")  # last: it tells readers that the tables are there
    except BaseException:
        connection.close()
        raise
    return connection


def close_cleanly(connection: sqlite3.Connection) -> bool:
    """Close after moving the WAL into the file and leaving WAL mode; False when a reader keeps it in WAL mode."""
    with closing(connection):
        try:
            connection.execute("PRAGMA busy_timeout=100")
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError as error:
            if _primary(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return False
            raise
    return bool(mode == ("delete",))


def seal(directory: str, name: str) -> bool:
    """Close a file for good; False when a reader is in the way (try again later). Raises as `open_to_write`."""
    path = os.path.join(directory, name)
    if not os.path.getsize(path) and not os.path.exists(f"{path}-wal"):
        remove(directory, name)
        return True
    connection = _connect(path)
    try:
        _demand_sound(connection)
    except BaseException:
        connection.close()
        raise
    if not close_cleanly(connection):
        return False
    os.chmod(path, SEALED_MODE)
    return True


def set_aside(directory: str, name: str) -> str:
    """Rename a damaged file out of the way, companions too; returns its new name."""
    path = os.path.join(directory, name)
    for companion in COMPANIONS:
        with suppress(FileNotFoundError):
            os.rename(path + companion, f"{path}.damaged{companion}")
    os.rename(path, f"{path}.damaged")
    return f"{name}.damaged"


def remove(directory: str, name: str) -> None:
    """Unlink a file and its companions; the only way in which the store forgets."""
    path = os.path.join(directory, name)
    for gone in (path, *(path + companion for companion in COMPANIONS)):
        with suppress(FileNotFoundError):
            os.unlink(gone)


def bytes_of(directory: str, name: str) -> int:
    """What the file takes on the disk, companions included."""
    path = os.path.join(directory, name)
    total = 0
    for part in (path, *(path + companion for companion in COMPANIONS)):
        with suppress(FileNotFoundError):
            total += os.stat(part).st_blocks * 512
    return total


def bytes_of_all(directory: str) -> int:
    """What all files of the store take on the disk, in one pass over the directory."""
    total = 0
    with suppress(FileNotFoundError), os.scandir(directory) as entries:
        for entry in entries:
            own = next((entry.name.removesuffix(end) for end in COMPANIONS if entry.name.endswith(end)), entry.name)
            if read_name(own) is not None:
                with suppress(FileNotFoundError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
    return total


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing of what is written inside."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # on a full disk SQLite has rolled back by itself and says so
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def storable(text: str) -> str:
    """Text that SQLite accepts: a lone surrogate (a name that is not UTF-8) in its escaped form."""
    return text.encode("utf-8", "backslashreplace").decode()


def is_damage(error: Exception) -> bool:
    """Whether an error says that the file itself is broken, not that it cannot be reached or written now."""
    return isinstance(error, sqlite3.Error) and _primary(error) in _DAMAGED


def failure(directory: str, error: Exception) -> ForestallError:
    """What an error of SQLite or of the system means to the one who keeps the agent."""
    code = _primary(error) if isinstance(error, sqlite3.Error) else None
    what = f"store in {directory}: {error}"
    if code in _FULL:
        return Denied(what, "free disk space")
    if code in _REFUSED or isinstance(error, OSError):
        return Denied(what, "a writable place (--state-dir DIR)")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Denied(what, "the other writer to end")
    return Absent(what, "look at the disk (dmesg), then restart the agent")


def _period(directory: str, tier: str, wall_seconds: float) -> list[File]:
    begin = file_for(tier, wall_seconds).begin_wall_seconds
    return [file for file in listing(directory) if file.tier == tier and file.begin_wall_seconds == begin]


def _create(directory: str, path: str) -> None:
    """Make the file with our mode and the directory's group before SQLite would make it with the umask's."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OPEN_MODE)
    try:
        os.fchmod(descriptor, OPEN_MODE)
        with suppress(PermissionError):
            os.fchown(descriptor, -1, os.stat(directory).st_gid)
    finally:
        os.close(descriptor)


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)


def _demand_sound(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != ("ok",):
        error = sqlite3.DatabaseError(f"damaged: {found[0]}")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _primary(error: Exception) -> int:
    return int(getattr(error, "sqlite_errorcode", -1)) & 0xFF
