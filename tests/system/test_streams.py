"""Closed standard descriptors are taken up, and open ones left as they are."""

from __future__ import annotations

import os

import pytest

from forestall.system.streams import take_up_standard_descriptors


def links_after(closed: tuple[int, ...]) -> list[str]:
    """What 0, 1 and 2 lead to in a child that lost some of them, and what the next file's number is."""
    reading, writing = (os.dup(end) for end in os.pipe())
    child = os.fork()
    if child == 0:
        high = os.dup2(writing, 100)
        for fd in closed:
            os.close(fd)
        take_up_standard_descriptors()
        seen = [os.readlink(f"/proc/self/fd/{fd}") if fd in closed else "kept" for fd in range(3)]
        seen += [str(os.open("/", os.O_RDONLY) > 2), str(all(os.get_inheritable(fd) for fd in closed))]
        try:
            os.write(1, b"")
            os.write(1, b"x" if 1 in closed else b"")
            seen.append("written")
        except OSError:
            seen.append("refused")
        os.write(high, " ".join(seen).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    told = os.read(reading, 4096).decode().split()
    os.close(reading)
    return told


@pytest.mark.parametrize("closed", [(), (0,), (1,), (2,), (0, 1, 2), (1, 2)])
def test_what_is_closed_is_taken_up(closed: tuple[int, ...]) -> None:
    """/dev/null stands for what is missing, is inherited by programs, and output to it fails as to a closed one."""
    told = links_after(closed)
    assert told[:3] == ["/dev/null" if fd in closed else "kept" for fd in range(3)]
    assert told[3:] == ["True", "True", "refused" if 1 in closed else "written"]
