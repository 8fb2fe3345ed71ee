"""`forestall run`: a command in a memory-limited cgroup of its own, under guard; one line at the end tells of it."""

from __future__ import annotations

import json
import os
import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from contextlib import suppress
from typing import Any, Final

from forestall.model.errors import Malformed, Misuse
from forestall.model.plain import plain
from forestall.model.units import format_bytes, format_duration, format_ratio, parse_bytes, parse_duration
from forestall.operations.ladder import STOP_WHEN, WARN_WHEN, run_policy
from forestall.operations.run import Report, Wanted
from forestall.operations.run import run as carry_out
from forestall.query.here import own_places

NAME: Final = "run"
HELP: Final = "run a command in a memory-limited cgroup of its own, under guard"
EPILOG: Final = f"""examples:
  forestall run --memory 512M -- ./my-app             stopped with grace before the kernel would kill it
  forestall run --memory 512M --restart -- ./my-app   and started again, as often as it takes
  forestall run --memory 1G --restart=3 --grace 30s -- ./my-app --flag
  forestall run --memory 2G --dry-run -- make test    only watch and say what would have been done

The ladder:
  warn, capture  {WARN_WHEN}
  stop           {STOP_WHEN}
"used" is what the kernel cannot take back. Page cache, dirty pages too, is never a reason to stop.
A near miss: use came so close to the limit that the kernel had to reclaim (v2: `max` events;
v1: the times that use rose above 95 % of the limit).

Signals and the exit code are passed on. The last line says peak, near misses, what happened and why.
Where no cgroup can be made (not root, no delegation) the command's process tree is watched against
--memory by forestall alone: the kernel enforces nothing then, and the last line says so.
On cgroup v2 this is experimental in this release: the cgroup is polled, without wake-ups by the kernel.
"""
MEMORY_BYTES_MIN: Final = 4 * 2**20


def arguments(parser: ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("--memory", metavar="SIZE", required=True, help="the limit: 512M, 2GiB, ... (powers of 1024)")
    parser.add_argument("--swap", metavar="SIZE", help="swap on top of it; 0 for none (default: as the host allows)")
    parser.add_argument("--grace", metavar="TIME", default="10s", help="from SIGTERM to SIGKILL, at most (default 10s)")
    parser.add_argument(
        "--restart",
        metavar="N",
        nargs="?",
        const="always",
        default="0",
        help="start it again after a stop, N times (without N: always)",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, do nothing")
    parser.add_argument("argv", metavar="-- CMD", nargs=REMAINDER, help="the command and its words")


def run(options: Namespace) -> int:
    """Carry it out and return the command's exit code."""
    wanted = _wanted(options)
    report = carry_out(wanted, own_places(options.state_dir, writes=True), _tell_events)
    if options.json:
        _say(json.dumps({"version": 1, **_fields(report)}))
    else:
        _say(f"forestall: {summary(wanted.argv[0], report)}")
    return report.exit_code


def _wanted(options: Namespace) -> Wanted:
    argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
    if not argv:
        raise Misuse("forestall run", "no command is given", "forestall run --memory 512M -- ./my-app")
    try:
        memory = parse_bytes(options.memory)
        swap = None if options.swap is None else parse_bytes(options.swap)
        grace = parse_duration(options.grace)
    except Malformed as error:
        raise Misuse("forestall run", str(error), "--memory 512M --swap 0 --grace 10s") from None
    if memory < MEMORY_BYTES_MIN:
        raise Misuse(f"--memory {options.memory}", f"is below {format_bytes(MEMORY_BYTES_MIN)}", "--memory 512M")
    policy = run_policy(grace, dry_run=options.dry_run)
    return Wanted(tuple(argv), memory, policy, swap, _restarts(options.restart))


def _restarts(written: str) -> int | None:
    if written == "always":
        return None
    if not (written.isascii() and written.isdigit()) or int(written) > 10**6:
        raise Misuse(f"--restart={written}", "is not a number of times", "--restart=3, or --restart for always")
    return int(written)


def _tell_events(message: dict[str, Any]) -> None:
    """Say what a person must know at once; findings and outcomes come as notices of their own."""
    if message["k"] == "again":
        _say(f"forestall: started again ({message['number']})")
    elif message["k"] == "rest":
        lasted, rest = format_duration(message["lasted_seconds"]), format_duration(message["seconds"])
        _say(f"forestall: it ran for {lasted}; starting it again in {rest}")
    elif message["k"] == "unguarded":
        _say(f"forestall: {message['words']}")


def _say(line: str) -> None:
    """Write to standard error; whoever read there may have left, and the command runs on all the same."""
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def _fields(report: Report) -> dict[str, Any]:
    fields = plain(report)
    assert isinstance(fields, dict)
    return {**fields}


def summary(name: str, report: Report) -> str:
    """The one line at the end."""
    peak = "peak unknown"
    if report.peak_bytes is not None:
        share = format_ratio(report.peak_bytes / report.memory_bytes)
        peak = f"peak {format_bytes(report.peak_bytes)} of {format_bytes(report.memory_bytes)} ({share})"
    parts = [peak, f"{report.near_misses} near miss{'' if report.near_misses == 1 else 'es'}"]
    if report.enforced:
        kills = report.kernel_kills or 0
        parts.append("no kernel kill" if not kills else f"killed by the kernel {kills}x")
    else:
        parts.append(f"the kernel enforced nothing ({report.why_not_enforced})")
    parts += [f"stopped by forestall: {words}" for words in report.stops[-3:]]
    if report.restarts:
        parts.append(f"started again {report.restarts}x")
    if report.captures:
        plural = "" if report.captures == 1 else "s"
        parts.append(f"{report.captures} capture{plural} in {report.state_directory}")
    parts.append(f"exit code {report.exit_code}")
    return f"{os.path.basename(name)}: " + "; ".join(parts)
