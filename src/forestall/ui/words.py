"""Numbers as people read them: sizes as free(1) prints them, durations, rates, verdicts; shared by all screens."""

from __future__ import annotations

from typing import Final, NamedTuple

from forestall.model.kill import FROM_COUNTER, UNNAMED_CGROUP, Kill
from forestall.model.target import PROCESS
from forestall.query.verdict import KILLED, LEAK, NO_ANSWER, Verdict
from forestall.query.views import KillRow, ServiceRow

LETTERS: Final = "BKMGTPE"
FOREVER_SECONDS: Final = 100 * 86400.0
MISSING: Final = "-"
UNIT_SUFFIXES: Final = (".service", ".scope")
HALVED_CHARACTERS: Final = 18
END_CHARACTERS: Final = 5
SPANS: Final = ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s"))


class Unit(NamedTuple):
    """How sizes are printed: divided by `base` ** `exponent` and cut to a whole number; exponent None = human."""

    exponent: int | None = None
    base: int = 1024


HUMAN: Final = Unit()


def size(size_bytes: int | None, unit: Unit = HUMAN) -> str:
    """A size as free(1) prints it: a whole number in the unit, or at most five characters such as `8.7Mi`."""
    if size_bytes is None:
        return MISSING
    if size_bytes < 0:
        return "-" + size(-size_bytes, unit)
    if unit.exponent is not None:
        return str(size_bytes // unit.base**unit.exponent)
    return _human(size_bytes, unit.base)


def rate(bytes_per_second: float | None) -> str:
    """A growth with its sign, `+20Mi/s`, always human: a whole number of large units would hide a leak."""
    if bytes_per_second is None:
        return MISSING
    whole = int(abs(bytes_per_second))
    if whole == 0:
        return "0"
    return f"{'+' if bytes_per_second > 0 else '-'}{size(whole)}/s"


def span(seconds: float | None) -> str:
    """A duration in at most two units: `0.5s`, `42s`, `4m`, `4m 5s`, `3h 20m`, `2d 4h`."""
    if seconds is None:
        return MISSING
    if seconds < 0:
        return "-" + span(-seconds)
    if seconds >= FOREVER_SECONDS:
        return ">100d"
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    for unit_seconds, name, smaller_seconds, smaller in SPANS:
        if whole >= unit_seconds:
            rest = whole % unit_seconds // smaller_seconds
            return f"{whole // unit_seconds}{name}" + (f" {rest}{smaller}" if rest else "")
    return f"{whole}s"


def ago(seconds: float) -> str:
    """`2m ago`: one unit, because nobody needs the second one."""
    if seconds < 1:
        return "now"
    return span(seconds).split(" ")[0] + " ago"


def share(ratio: float | None) -> str:
    """A ratio 0..1 as `97%`."""
    return MISSING if ratio is None else f"{ratio * 100:.0f}%"


def counted(count: int, noun: str) -> str:
    """`1 capture`, `2 captures`, `0 captures`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def halves(name: str) -> tuple[str, str]:
    """A long name in two parts: what may be shortened, and the end that must stay; a short one has no end.

    Both ends tell names apart, except a unit's `.service`, which therefore never is the end alone.
    """
    if len(name) <= HALVED_CHARACTERS:
        return name, ""
    suffix = next((one for one in UNIT_SUFFIXES if name.endswith(one)), "")
    cut = len(name) - len(suffix) - END_CHARACTERS
    return name[:cut], name[cut:]


def label(row: ServiceRow) -> str:
    """The name of a row; a process tree's with its leader's pid, `bash[812]`, because names of programs repeat."""
    return f"{row.name}[{row.identity.partition('@')[0]}]" if row.kind == PROCESS else row.name


def verdict(row: ServiceRow) -> str:
    """The verdict in words, alone: `leaking: 4m left`, `killed 2m ago`, `near limit`."""
    return verdict_words(row.verdict)


def verdict_words(one: Verdict) -> str:
    """The verdict's phrase; an unknown trend reads `ok now`: the level of this moment is fine, no more is known."""
    if one.word == LEAK:
        return f"leaking: {span(one.seconds).split(' ')[0]} left"
    if one.word == KILLED:
        return "killed" if one.seconds is None else f"killed {ago(one.seconds)}"
    if one.word == NO_ANSWER:
        return "ok now"
    return one.word


def kill_line(row: KillRow) -> str:
    """One sentence about a kill: `kernel OOM kill 2m ago: leaker (pid 812) in /x, limit of /x`."""
    return f"kernel OOM kill {ago(row.seconds_ago)}: {_victim(row.kill)}{_places(row.kill)}"


def _victim(kill: Kill) -> str:
    if kill.pid is None:
        return "victim not known (seen by a counter)"
    return f"{kill.comm or 'a process'} (pid {kill.pid})"


def _places(kill: Kill) -> str:
    inside = f" in {kill.victim_path}" if kill.victim_path else ""
    if kill.limit_path is None:
        return inside + ("" if kill.source == FROM_COUNTER else ", the host was out of memory")
    if kill.limit_path == UNNAMED_CGROUP:
        return inside + (", at a limit" if inside else " in a cgroup") + " that the kernel log does not name"
    return f"{inside}, limit of {kill.limit_path}"


def _human(size_bytes: int, base: int) -> str:
    """The shortest of `8.7Mi` (one decimal) and `340Mi` (whole) that has room, in the smallest unit that fits."""
    mark = "i" if base == 1024 else ""
    room = 4 + len(mark)
    if size_bytes < 1000:
        return f"{size_bytes}B"
    for exponent, letter in enumerate(LETTERS[1:], start=1):
        scaled = size_bytes / base**exponent
        for text in (f"{scaled:.1f}{letter}{mark}", f"{int(scaled)}{letter}{mark}"):
            if len(text) <= room:
                return text
    return f"{size_bytes // base**6}E{mark}"
