"""The places of this process: `query.places` with its own user, environment and what it may write to.

Who has no home that may be written (nobody, a service user) gets a private directory below the temporary one.
"""

from __future__ import annotations

import os
import sys

from forestall.query.places import Places, places
from forestall.system.private import check_private, make_private, may_be_made


def own_places(state_dir: str | None, *, writes: bool = False) -> Places:
    """Where this process reads and, with `writes`, will write: a private directory is made then, and said once.

    Raises Denied when the private directory's name is taken by somebody else.
    """
    where = places(state_dir, os.getuid(), os.environ, may_be_made)
    if not where.private:
        return where
    if not writes:
        check_private(where.state)
    elif make_private(where.state):
        words = f"no home directory that may be written: files are kept in {where.state} (hint: --state-dir DIR)"
        print(f"forestall: {words}", file=sys.stderr, flush=True)
    return where
