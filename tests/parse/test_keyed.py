"""The two shapes of kernel files, and picking single lines."""

from __future__ import annotations

import timeit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.errors import Malformed
from forestall.parse import keyed
from tests.support.samples import sample

KEYS = (
    b"total_cache", b"total_rss", b"total_shmem", b"total_dirty", b"total_writeback",
    b"total_inactive_file", b"total_active_file", b"total_unevictable",
)  # fmt: skip
"""What a cgroup v1 reading needs."""


def test_pairs_become_numbers_by_key() -> None:
    """Lines of two words are read, others left out."""
    assert keyed.spaced(b"low 0\nmax 214\nodd line here\nnone\n", "x") == {"low": 0, "max": 214}


def test_kilobytes_become_bytes() -> None:
    """A kB suffix multiplies, a plain number is taken as it is, another unit is left out."""
    text = b"MemTotal:       24684084 kB\nHugePages_Total:       3\nOdd:  3 MB\nOdder: 3 kB 4\n"
    assert keyed.coloned(text, "x") == {"MemTotal": 24684084 * 1024, "HugePages_Total": 3}


@pytest.mark.parametrize("text", [b"", b"\n", b"no numbers here", b"key -1", b"key 1.5"])
def test_a_file_without_a_pair_is_malformed(text: bytes) -> None:
    """Nothing to be read is an error that says which file it was."""
    with pytest.raises(Malformed, match="some file"):
        keyed.spaced(text, "some file")
    with pytest.raises(Malformed, match="some file"):
        keyed.coloned(text, "some file")


def test_picked_lines_equal_the_whole_file_read() -> None:
    """Picking gives what reading everything gives, the first and the last line included."""
    text = sample("linux-6.18-v1", "memory.stat")
    keys = (b"cache", *KEYS, b"total_unevictable")
    everything = keyed.spaced(text, "x")
    assert keyed.pick(text, keys, "x") == tuple(everything[key.decode()] for key in keys)


def test_a_key_is_found_only_at_the_start_of_a_line_and_as_a_whole() -> None:
    """`rss` is found neither in `total_rss` nor in `rss_huge`."""
    assert keyed.pick(b"total_rss 1\nrss_huge 2\n", (b"rss",), "x") == (None,)
    assert keyed.pick(b"total_rss 1\nrss_huge 2\nrss 3", (b"rss",), "x") == (3,)


def test_a_picked_line_without_a_number_is_malformed() -> None:
    """A wanted line that cannot be read is not passed over as absent."""
    with pytest.raises(Malformed, match="rss"):
        keyed.pick(b"rss many\n", (b"rss",), "x")


def test_picking_costs_less_than_reading_everything() -> None:
    """The guard reads memory.stat every 20 ms: picking what it needs is clearly cheaper than the whole file."""
    text = sample("linux-6.18-v1", "memory.stat")
    picking = min(timeit.repeat(lambda: keyed.pick(text, KEYS, "x"), number=200, repeat=15))
    reading = min(timeit.repeat(lambda: keyed.spaced(text, "x"), number=200, repeat=15))
    assert picking * 1.5 < reading


def test_the_rest_of_a_line_ends_with_the_line() -> None:
    """The first, a middle and an unfinished last line are found; an absent one is None."""
    text = b"Name:\tcat\nUid:\t0\t0\nThreads:\t1"
    assert keyed.rest_of_line(text, b"Name:\t") == b"cat"
    assert keyed.rest_of_line(text, b"Uid:\t") == b"0\t0"
    assert keyed.rest_of_line(text, b"Threads:\t") == b"1"
    assert keyed.rest_of_line(text, b"Gid:\t") is None
    assert keyed.rest_of_line(b"", b"Gid:\t") is None


@given(st.dictionaries(st.from_regex(r"\A[a-z_]{1,20}\Z"), st.integers(0, 2**64 - 1), min_size=1))
def test_what_a_kernel_prints_is_read_back(numbers: dict[str, int]) -> None:
    """Any set of keys and 64-bit numbers comes through both ways of reading."""
    text = "".join(f"{key} {value}\n" for key, value in numbers.items()).encode()
    assert keyed.spaced(text, "x") == numbers
    assert keyed.pick(text, tuple(key.encode() for key in numbers), "x") == tuple(numbers.values())


def test_a_file_of_endless_lines_is_cut() -> None:
    """No more than KEYS_MAX lines are kept."""
    text = b"".join(b"key%d 1\n" % number for number in range(5000))
    assert len(keyed.spaced(text, "x")) == keyed.KEYS_MAX
