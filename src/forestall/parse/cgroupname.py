r"""What a cgroup is, told from its path alone: a unit, a container, a pod, a run of ours, or just a cgroup.

    /system.slice/nginx.service                                    unit nginx.service
    /system.slice/docker-<64 hex>.scope, /docker/<64 hex>          container, first 12 digits
    /machine.slice/libpod-<64 hex>.scope, .../crio-<64 hex>.scope  container
    /kubepods/burstable/pod<uid>/<64 hex>                          container; its parent the pod
    /kubepods.slice/.../kubepods-burstable-pod<uid>.slice          pod
    /lxc/NAME, /lxc.payload.NAME                                   container NAME
    /forestall-run-<id>                                            run

The last component decides, so a cgroup that a service makes below its own is a
plain cgroup and no second instance of the service. Names follow systemd
(systemd.unit(5), "String Escaping"; a leading "_" keeps unit names apart from
cgroup's own files) and the cgroup drivers of runc, crun, podman, cri-o and the kubelet.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from forestall.model.target import CGROUP, CONTAINER, POD, RUN, UNIT
from forestall.parse.text import printable

CONTAINER_NAME_DIGITS: Final = 12
"""As `docker ps` shows it."""

_CONTAINER: Final = re.compile(r"(?:.{1,512}?[-:])?([0-9a-f]{64})(?:\.scope)?")
_POD: Final = re.compile(
    r"(?:.{1,256}-)?pod([0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?",
)
_RUN: Final = re.compile(r"forestall-run-([A-Za-z0-9._-]{1,64}?)(?:\.scope)?")
_MACHINE: Final = re.compile(r"machine-(.{1,255})\.scope")
_UNIT: Final = re.compile(r".{1,255}\.(?:service|scope)")
_NOT_A_SERVICE: Final = re.compile(r"user@[0-9]{1,10}\.service|session-[A-Za-z0-9]{1,16}\.scope|init\.scope")
_LXC_PAYLOAD: Final = "lxc.payload."
_ESCAPED: Final = re.compile(rb"\\x([0-9a-f]{2})")


class Named(NamedTuple):
    r"""What people call a cgroup. `kind` is UNIT, CONTAINER, POD, RUN or CGROUP; `name` is safe to print.

    `id` is what its owner's tools take: the unit's exact name (with its \x2d),
    the container's 64 digits (LXC: its name), the pod's uid, the run's id; None for a plain cgroup.
    """

    kind: str
    name: str
    id: str | None = None


def name(path: str) -> Named:
    """What lies at `path` (from the hierarchy's root); any text is taken, and what is not known is a cgroup."""
    shown = printable(path)
    parts = [part for part in shown.split("/") if part]
    if not parts:
        return Named(CGROUP, "/")
    named = _run(parts[-1]) or _container(parts) or _pod(parts[-1]) or _unit(parts[-1])
    return named or Named(CGROUP, shown)


def _run(last: str) -> Named | None:
    match = _RUN.fullmatch(last)
    return None if match is None else Named(RUN, f"forestall-run-{match[1]}", match[1])


def _container(parts: list[str]) -> Named | None:
    last = parts[-1]
    match = _CONTAINER.fullmatch(last)
    # Podman's and cri-o's monitor of a container has a scope with the same digits.
    if match is not None and "conmon" not in last:
        return Named(CONTAINER, match[1][:CONTAINER_NAME_DIGITS], match[1])
    if last.startswith(_LXC_PAYLOAD) and last != _LXC_PAYLOAD:
        return _named_container(last.removeprefix(_LXC_PAYLOAD))
    if len(parts) == 2 and parts[0] == "lxc":
        return _named_container(last)
    machine = _MACHINE.fullmatch(last)
    return None if machine is None else _named_container(_unescaped(machine[1]))


def _named_container(called: str) -> Named:
    return Named(CONTAINER, called, called)


def _pod(last: str) -> Named | None:
    match = _POD.fullmatch(last)
    if match is None:
        return None
    uid = match[1].replace("_", "-")
    return Named(POD, f"pod{uid}", uid)


def _unit(last: str) -> Named | None:
    if not _UNIT.fullmatch(last) or _NOT_A_SERVICE.fullmatch(last):
        return None
    exact = last.removeprefix("_")
    return Named(UNIT, _unescaped(exact), exact)


def _unescaped(text: str) -> str:
    r"""Systemd's \x2d undone; \x2f stays, for a slash in a name would look like a path to `match` patterns."""
    if "\\x" not in text:
        return text
    raw = _ESCAPED.sub(lambda match: match[0] if match[1] == b"2f" else bytes.fromhex(match[1].decode()), text.encode())
    return printable(raw)
