"""`forestall up` (scripts/run) on a real terminal: address, table, and Ctrl-C ends it all."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from forestall.ui.cli import main
from tests.support.agents import service
from tests.support.processes import descendants, forestall, gone, into, python, read_lines, started, wait_until
from tests.support.scratch import ScratchCgroup
from tests.support.terminals import on_terminal

pytestmark = pytest.mark.live

END_SECONDS_MAX = 8.0


def up(state: Path) -> list[str]:
    """Agent, page and table on a free port with an empty configuration."""
    state.mkdir(exist_ok=True)
    (state / "c.toml").write_text("", encoding="utf-8")
    return forestall("up", "--state-dir", state, "--config", state / "c.toml", "--listen", "127.0.0.1:0")


@pytest.mark.parametrize("presses", [1, 3])
def test_ctrl_c_on_a_terminal_ends_everything(live: str, tmp_path: Path, presses: int) -> None:
    """The page's address and the live table are shown; after Ctrl-C, or an impatient three, no process is left."""
    with on_terminal(up(tmp_path / "s")) as terminal:
        terminal.until("http://127.0.0.1:")
        terminal.until("Mem:")
        family = descendants(terminal.pid)
        assert len(family) >= 4
        began = time.monotonic()
        for _ in range(presses):
            terminal.press(b"\x03")
            time.sleep(0.05)
        assert terminal.wait(END_SECONDS_MAX) == 0
        wait_until(lambda: all(gone(pid) for pid in family), END_SECONDS_MAX - (time.monotonic() - began))
        assert "Traceback" not in terminal.shown


def test_without_a_terminal_the_table_comes_once(live: str, tmp_path: Path) -> None:
    """Into a pipe: address, table, then quiet until SIGTERM, which ends everything too."""
    with started(up(tmp_path / "s")) as process:
        read_lines(process, "Mem:")
        family = descendants(process.pid)
        process.terminate()
        assert process.wait(END_SECONDS_MAX) == 0
        wait_until(lambda: all(gone(pid) for pid in family), 2.0)


def test_an_address_that_is_no_address_starts_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake in --listen is told before an agent is started."""
    (tmp_path / "c.toml").write_text("", encoding="utf-8")
    words = ["up", "--state-dir", str(tmp_path / "s"), "--config", str(tmp_path / "c.toml"), "--listen", "nonsense"]
    assert main.main(words) == 2
    assert "nonsense" in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_inside_what_it_guards_it_ends_the_others_only(
    scratch_cgroup: Callable[..., ScratchCgroup], tmp_path: Path
) -> None:
    """A leak beside us in our own cgroup is stopped; table, page and agent go on."""
    group = scratch_cgroup(300 * 2**20)
    words = up(tmp_path / "s")
    steps = service(group, ("used > 92% of limit", "terminate"), grace="1s")
    (tmp_path / "s/c.toml").write_text(steps, encoding="utf-8")
    code = "kept = []\nimport time\nwhile True:\n    kept.append(b'x' * (1 << 20)); time.sleep(0.02)"
    with started(into(group, words)) as process:
        read_lines(process, "Mem:")
        with started(into(group, python(code))) as leak:
            assert leak.wait(30) == -signal.SIGTERM
        time.sleep(0.5)
        assert process.poll() is None
        assert len(descendants(process.pid)) >= 4
        process.terminate()
        assert process.wait(END_SECONDS_MAX) == 0


def test_a_port_that_is_taken_is_told_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 5 and the address; no agent was started for a page that cannot be."""
    (tmp_path / "c.toml").write_text("", encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        words = ["up", "--state-dir", str(tmp_path / "s"), "--config", str(tmp_path / "c.toml"), "--listen", address]
        assert main.main(words) == 5
    assert address in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_the_second_clone_and_a_page_that_ends_are_told(live: str, tmp_path: Path) -> None:
    """Beside a running one the second ends with 5 and says where; when its page ends, the first does, too."""
    with on_terminal(up(tmp_path / "s")) as first:
        first.until("q to leave")
        first.until("Mem:")
        assert first.shown.rindex("http://127.0.0.1:") > first.shown.index("\x1b[?1049h")
        with on_terminal(up(tmp_path / "s")) as second:
            assert second.wait(END_SECONDS_MAX) == 5
            assert "another forestall already runs" in second.shown
        (page,) = [pid for pid in descendants(first.pid) if b"--listen" in cmdline(pid) and b"web" in cmdline(pid)]
        os.kill(page, signal.SIGKILL)
        assert first.wait(END_SECONDS_MAX + 4.0) == 5
        assert "has ended by itself" in first.shown


def cmdline(pid: int) -> list[bytes]:
    """The words of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
