"""The error tree: every failure that forestall expects has one of these shapes.

    ForestallError
    ├── Absent      the thing is not there: no data, said once, with the remedy
    ├── Malformed   bytes that do not parse: counted, bytes kept, warned of once
    ├── Denied      the kernel refused: the capability that would help is named
    └── Misuse      the person asked for something impossible: the command ends

Anything else that is raised is a mistake of ours and ends the process; its
supervisor restarts it, and its state is in the runtime directory.
"""

from __future__ import annotations

EXCERPT_BYTES_MAX = 200


class ForestallError(Exception):
    """Base of every failure that is expected; never raised itself."""


class Absent(ForestallError):
    """Something is not there: a vanished process or cgroup, a missing kernel feature."""

    def __init__(self, what: str, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class Malformed(ForestallError):
    """Bytes that are not what their source promises; a short excerpt is kept."""

    def __init__(self, source: str, why: str, excerpt: bytes = b"") -> None:
        super().__init__(f"{source}: {why}")
        self.source = source
        self.why = why
        self.excerpt = excerpt[:EXCERPT_BYTES_MAX]


class Denied(ForestallError):
    """The kernel or a peer refused; `capability` names what would allow it."""

    def __init__(self, what: str, capability: str) -> None:
        super().__init__(f"{what}: needs {capability}")
        self.what = what
        self.capability = capability


class Misuse(ForestallError):
    """A command line or a configuration that cannot be carried out."""

    def __init__(self, what: str, why: str, hint: str = "", exit_code: int = 2) -> None:
        super().__init__(f"{what}: {why}" + (f" (hint: {hint})" if hint else ""))
        self.what = what
        self.why = why
        self.hint = hint
        self.exit_code = exit_code
