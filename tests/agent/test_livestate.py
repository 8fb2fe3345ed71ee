"""The live state: what a guard killed at any moment leaves is read, and nothing damaged is believed."""

from __future__ import annotations

import json
import os
import random
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from forestall.agent.livestate import (
    CAPTURE_SLOTS,
    FILE_BYTES,
    SLOT_BYTES,
    STATE_SLOTS,
    LiveState,
    read_capture,
    read_captures,
    read_state,
)
from forestall.model.errors import Absent, ForestallError, Malformed


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the file will be."""
    return str(tmp_path / "run" / "guard")


def write_slot(path: str, slot: int, body: bytes, sequence: int = 9) -> None:
    """A slot with a right checksum around any body."""
    rest = struct.pack("<IQ", len(body), sequence) + body
    content = b"FSL1" + struct.pack("<I", zlib.crc32(rest)) + rest
    with Path(path).open("r+b") as file:
        file.seek(slot * SLOT_BYTES)
        file.write(content)


def test_what_was_written_is_read_by_the_next_guard(path: str) -> None:
    """A guard that starts again finds the newest state of the one before, and goes on counting."""
    live = LiveState(path)
    assert live.before == {}
    for number in range(5):
        live.write({"number": number, "name": 'api [1]\n"\\ é'})
    live.close()
    again = LiveState(path)
    assert again.before == {"number": 4, "name": 'api [1]\n"\\ é'}
    again.write({"number": 5})
    assert read_state(path) == (6, {"number": 5})
    again.close()


def test_the_state_has_its_memory_from_the_first_moment(path: str) -> None:
    """The state's bytes are reserved at the start: a full tmpfs cannot stop a later write; captures take theirs late.

    Only root may read it.
    """
    LiveState(path).close()
    assert os.stat(path).st_size == FILE_BYTES
    assert STATE_SLOTS * SLOT_BYTES <= os.stat(path).st_blocks * 512 < FILE_BYTES
    assert os.stat(path).st_mode & 0o007 == 0


@pytest.mark.parametrize("slot", [1, STATE_SLOTS + 5])
def test_a_number_beyond_all_counting_begins_the_file_anew(path: str, slot: int) -> None:
    """A sound slot with the largest sequence there is does not end the guard, nor hide what it writes next."""
    LiveState(path).close()
    write_slot(path, slot, b'{"state": "forged"}', sequence=2**64 - 1)
    live = LiveState(path)
    assert live.before == {}
    live.write({"state": "next"})
    assert live.keep_capture({"capture": 1}) == 1
    live.close()
    assert read_state(path) == (1, {"state": "next"})
    assert read_captures(path) == [(1, {"capture": 1})]


def test_a_link_in_its_place_is_not_followed(path: str, tmp_path: Path) -> None:
    """Neither guard nor reader touches what a symbolic link points to."""
    other = tmp_path / "other"
    other.write_text("precious")
    Path(path).parent.mkdir()
    Path(path).symlink_to(other)
    with pytest.raises(Malformed, match="symbolic link"):
        LiveState(path)
    with pytest.raises(Malformed, match="symbolic link"):
        read_state(path)
    assert other.read_text() == "precious"


def test_a_fifo_in_its_place_is_not_waited_for(path: str) -> None:
    """What is no plain file is told, without waiting for whoever might write into it."""
    Path(path).parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(Malformed, match="no plain file"):
        read_state(path)


def test_a_capture_is_read_by_its_number_until_a_newer_one_has_its_place(path: str) -> None:
    """The recorder reads one slot, and is not given another capture for the one it asked for."""
    live = LiveState(path)
    for number in range(1, CAPTURE_SLOTS + 2):
        live.keep_capture({"capture": number})
    live.close()
    assert read_capture(path, 1) is None
    assert read_capture(path, 2) == {"capture": 2}
    assert read_capture(path, CAPTURE_SLOTS + 1) == {"capture": CAPTURE_SLOTS + 1}
    assert read_capture(path, CAPTURE_SLOTS + 2) is None


def test_a_write_torn_at_any_byte_loses_only_itself(path: str) -> None:
    """However many bytes of a slot have arrived when the guard dies, the state before it is read, or the new one."""
    live = LiveState(path)
    live.write({"state": "old"})
    live.write({"state": "middle", "text": "m" * 40})
    before = Path(path).read_bytes()
    live.write({"state": "new", "text": "n" * 60})
    live.close()
    after = Path(path).read_bytes()
    slot = 3 % 2 * SLOT_BYTES
    length = len(after[slot : slot + SLOT_BYTES].rstrip(b"\0"))
    for torn in range(length + 1):
        Path(path).write_bytes(before[:slot] + after[slot : slot + torn] + before[slot + torn :])
        found = read_state(path)
        assert found is not None
        assert found[1]["state"] == ("new" if torn == length else "middle"), torn


def test_a_state_that_does_not_fit_spoils_nothing(path: str) -> None:
    """A state too large is refused, and a torn write after it still leaves the last that held."""
    live = LiveState(path)
    live.write({"state": "good"})
    for _ in range(3):
        with pytest.raises(Malformed):
            live.write({"text": "x" * SLOT_BYTES})
    good = Path(path).read_bytes()
    live.write({"state": "next"})
    live.close()
    changed = {slot for slot in range(2) if _slot(good, slot) != _slot(Path(path).read_bytes(), slot)}
    assert all(b'"good"' not in _slot(good, slot) for slot in changed)


def _slot(whole: bytes, slot: int) -> bytes:
    return whole[slot * SLOT_BYTES : (slot + 1) * SLOT_BYTES]


def test_the_first_that_fits_is_written(path: str) -> None:
    """Of ever shorter states the first that fits a slot is kept; the others are never made."""
    made = []

    def shorter() -> Iterator[dict[str, str]]:
        for size in (SLOT_BYTES, 100, 10):
            made.append(size)
            yield {"text": "x" * size}

    live = LiveState(path)
    live.write({"text": "x" * (SLOT_BYTES + 1)}, shorter())
    live.close()
    assert read_state(path) == (1, {"text": "x" * 100})
    assert made == [SLOT_BYTES, 100]


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[1]", b'"text"', b"{", b"\xff\xfe", b"[" * 60_000, b"1" * 10_000],
    ids=["empty", "null", "list", "text", "half", "no utf-8", "deep", "digits"],
)
def test_a_right_checksum_around_wrong_content_is_not_believed(path: str, body: bytes) -> None:
    """Content that is no JSON object counts as absent, the other slot is read."""
    live = LiveState(path)
    live.write({"state": "good"})
    live.close()
    write_slot(path, 0, body)
    assert read_state(path) == (1, {"state": "good"})
    again = LiveState(path)
    assert again.before == {"state": "good"}
    again.close()


def test_any_bytes_are_read_without_a_crash(path: str) -> None:
    """A file of chance bytes, with a right magic and any length, gives nothing and stops nobody."""
    dice = random.Random(3)
    LiveState(path).close()
    for _ in range(4):
        noise = bytearray(dice.randbytes(FILE_BYTES))
        for slot in range(FILE_BYTES // SLOT_BYTES):
            noise[slot * SLOT_BYTES : slot * SLOT_BYTES + 4] = b"FSL1"
        Path(path).write_bytes(noise)
        assert read_state(path) is None
        assert read_captures(path) == []
    LiveState(path).close()


def test_a_file_cut_short_is_repaired_by_the_next_guard(path: str) -> None:
    """A shorter file than it should be reads as empty and is whole again after a start."""
    LiveState(path).close()
    os.truncate(path, 10)
    assert read_state(path) is None
    live = LiveState(path)
    live.write({"state": "good"})
    live.close()
    assert read_state(path) == (1, {"state": "good"})


def test_the_newest_captures_are_kept(path: str) -> None:
    """Of more captures than there are slots the newest stay, oldest first, also over a restart of the guard."""
    live = LiveState(path)
    for number in range(CAPTURE_SLOTS):
        assert live.keep_capture({"capture": number}) == number + 1
    live.close()
    live = LiveState(path)
    assert live.keep_capture({"capture": "next"}) == CAPTURE_SLOTS + 1
    live.close()
    kept = read_captures(path)
    assert [sequence for sequence, _ in kept] == list(range(2, CAPTURE_SLOTS + 2))
    assert kept[-1][1] == {"capture": "next"}
    assert read_state(path) is None


def test_a_capture_too_large_is_refused_and_takes_nobodys_place(path: str) -> None:
    """What does not fit a slot raises, and no number is spent on it."""
    live = LiveState(path)
    live.keep_capture({"capture": 1})
    with pytest.raises(Malformed):
        live.keep_capture({"text": "é" * SLOT_BYTES})
    assert live.keep_capture({"capture": 2}) == 2
    live.close()


def test_no_file_is_absent(path: str) -> None:
    """Reading where no guard has been raises Absent."""
    with pytest.raises(Absent):
        read_state(path)


def test_a_directory_in_its_place_is_told(path: str) -> None:
    """A path that cannot be a file is an error of ours, not a traceback."""
    Path(path).mkdir(parents=True)
    with pytest.raises(ForestallError):
        LiveState(path)


def test_it_is_json_for_whoever_looks_by_hand(path: str) -> None:
    """The content of a slot is plain JSON behind its 20 bytes of header."""
    live = LiveState(path)
    live.write({"heartbeat": 1})
    live.close()
    raw = _slot(Path(path).read_bytes(), 1)
    assert json.loads(raw[20:].rstrip(b"\0")) == {"heartbeat": 1}
