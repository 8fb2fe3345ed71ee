"""`forestall up` (scripts/run) on a real terminal: address, table, and Ctrl-C ends it all."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from forestall.ui.cli import main
from tests.support.processes import descendants, forestall, gone, read_lines, started, wait_until
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
