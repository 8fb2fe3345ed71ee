"""A private directory in a place that everybody may write to, such as /tmp, and what may be written at all.

In a sticky directory (inode(7)) anybody may have made the name before us: only a real directory of our own is taken.
"""

from __future__ import annotations

import os
import stat
from typing import Final

from forestall.model.errors import Denied
from forestall.system.files import told

PRIVATE_MODE: Final = 0o700


def may_be_made(path: str) -> bool:
    """Whether this process may write to the directory, or make it: asked of the nearest one that is there."""
    while not os.path.lexists(path) and path not in ("", "/"):
        path = os.path.dirname(path)
    return os.path.isdir(path) and os.access(path, os.W_OK | os.X_OK)


def make_private(path: str) -> bool:
    """Make the directory for this user alone; whether it is new.

    Raises Denied when the name belongs to somebody else or is no directory, Absent when its parent is not there.
    """
    try:
        os.mkdir(path, PRIVATE_MODE)
    except FileExistsError:
        check_private(path)
        return False
    except OSError as error:
        raise told(error, path) from error
    return True


def check_private(path: str) -> None:
    """Take a directory that is there already, closed to others; Denied when it is not ours. One not there is fine."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise told(error, path) from error
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise Denied(f"{path}: belongs to somebody else", "a directory of your own: --state-dir DIR")
    if stat.S_IMODE(found.st_mode) & ~PRIVATE_MODE:
        os.chmod(path, PRIVATE_MODE)
