"""The header is that of free(1): its own output for the same options is the judge."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from forestall.parse import meminfo
from forestall.query.views import HostRow
from forestall.ui.cli.free import Layout, header
from forestall.ui.words import HUMAN, Unit
from tests.support import frames

TOLERANCE_KIB = 64 * 1024
"""Between two looks other programs of the machine take and give memory."""


def host_now() -> HostRow:
    """This machine's memory, parsed out of /proc/meminfo, in free's columns."""
    with open("/proc/meminfo", "rb") as file:
        kernel = meminfo.parse(file.read())
    host = frames.HOST._replace(
        total_bytes=kernel["MemTotal"],
        free_bytes=kernel["MemFree"],
        available_bytes=kernel["MemAvailable"],
        buffers_bytes=kernel["Buffers"],
        cached_bytes=kernel["Cached"],
        shmem_bytes=kernel["Shmem"],
        slab_reclaimable_bytes=kernel["SReclaimable"],
        committed_bytes=kernel["Committed_AS"],
        commit_limit_bytes=kernel["CommitLimit"],
        swap_total_bytes=kernel["SwapTotal"],
        swap_free_bytes=kernel["SwapFree"],
    )
    from forestall.query.views import host_row

    return host_row(host)


def free(*options: str) -> list[list[str]]:
    """The words of the real free's lines."""
    program = shutil.which("free")
    if program is None:
        pytest.skip("needs free (procps)")
    printed = subprocess.run([program, *options], check=True, capture_output=True, text=True, timeout=10)
    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, timeout=10).stdout
    if " 4." not in version:
        pytest.skip(f"needs free of procps 4, this is {version.strip()}")
    return [line.split() for line in printed.stdout.splitlines()]


@pytest.mark.live
@pytest.mark.parametrize(
    ("options", "layout"),
    [
        (("-k",), Layout()),
        (("-k", "-w"), Layout(wide=True)),
        (("-k", "-t"), Layout(total=True)),
        (("-k", "-l"), Layout(low_and_high=True)),
        (("-k", "-v"), Layout(committed=True)),
        (("-k", "-w", "-l", "-t", "-v"), Layout(True, True, True, True)),
    ],
)
def test_the_numbers_are_those_of_free(options: tuple[str, ...], layout: Layout) -> None:
    """For each option the lines, titles and columns are equal and the numbers are, within what changes meanwhile."""
    theirs = free(*options)
    ours = [line.split() for line in header(host_now(), Unit(1), layout)]
    assert ours[0] == theirs[0]
    assert [line[0] for line in ours] == [line[0] for line in theirs]
    for mine, real in zip(ours[1:], theirs[1:], strict=True):
        assert [int(word) for word in mine[1:]] == pytest.approx([int(word) for word in real[1:]], abs=TOLERANCE_KIB)


@pytest.mark.live
@pytest.mark.parametrize("options", [("-h",), ("-m",), ("-g",), ("-b",), ("-m", "--si"), ("-h", "--si")])
def test_the_units_are_those_of_free(options: tuple[str, ...]) -> None:
    """The total, which does not change, is printed letter by letter as free prints it."""
    base = 1000 if "--si" in options else 1024
    exponent = {"-b": 0, "-m": 2, "-g": 3}.get(options[0])
    ours = header(host_now(), HUMAN._replace(base=base) if exponent is None else Unit(exponent, base), Layout())
    assert ours[1].split()[:2] == free(*options)[1][:2]


def test_the_lines_are_as_wide_as_those_of_free() -> None:
    """Scripts that cut columns by position go on working: 80 characters, 92 with -w."""
    host = host_now()
    assert {len(line) for line in header(host, HUMAN, Layout())[:2]} == {80}
    assert {len(line) for line in header(host, HUMAN, Layout(wide=True))[:2]} == {92}
