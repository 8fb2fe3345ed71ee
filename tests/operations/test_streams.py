"""Standard streams that were closed before a command line began; with all of it together in tests/ui/cli/test_main."""

from __future__ import annotations

import subprocess
import sys

import pytest

from forestall.operations.streams import take_up_standard_streams
from tests.support.processes import SOURCE

_CODE = (
    f"import sys; sys.path.insert(0, {SOURCE!r})\n"
    "from forestall.operations.streams import take_up_standard_streams\n"
    "import os; kept = os.dup2(int(sys.argv[1]), 50)\n"
    "take_up_standard_streams()\n"
    "found = (sys.stdin.read(), sys.stdout.fileno(), sys.stderr.fileno())\n"
    "print('words', file=sys.stderr)\n"
    "os.write(kept, repr(found).encode())"
)


def test_streams_that_are_open_stay_what_they_are() -> None:
    """Nothing is replaced where nothing was closed."""
    before = (sys.stdin, sys.stdout, sys.stderr)
    take_up_standard_streams()
    assert (sys.stdin, sys.stdout, sys.stderr) == before


@pytest.mark.parametrize(("closing", "kept"), [("0<&- 2>&-", 1), ("0<&- 1>&-", 2), ("5>&1 0<&- 1>&- 2>&-", 5)])
def test_closed_streams_can_be_used(closing: str, kept: int) -> None:
    """Standard input is empty, and words to standard error get lost without ending the command."""
    shell = f'exec "$@" {closing}'
    done = subprocess.run(
        ["sh", "-c", shell, "sh", sys.executable, "-I", "-c", _CODE, str(kept)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    told = done.stdout + done.stderr
    assert "('', 1, 2)" in told
    assert "Traceback" not in told
