"""What a cgroup is, told from its path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forestall.model.target import CGROUP, CONTAINER, KINDS, POD, RUN, UNIT
from forestall.parse.cgroupname import Named, name

HEX = "4d5e2c1b6a7f8091a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f70819"
UID = "1f6a7a3e-54f0-4b6e-9a43-0c1d2e3f4a5b"
UID_IN_SLICE = UID.replace("-", "_")
SLICE = f"kubepods-burstable-pod{UID_IN_SLICE}.slice"


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/system.slice/nginx.service", "nginx.service"),
        ("/system.slice/system-postgresql.slice/postgresql@14-main.service", "postgresql@14-main.service"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/my-app.service", "my-app.service"),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/app-firefox-1234.scope", "app-firefox-1234.scope"),
        ("/system.slice/docker-4d5e.scope", "docker-4d5e.scope"),
        (f"/system.slice/docker-{HEX}.scope/system.slice/cron.service", "cron.service"),
        ("/system.slice/user-runtime-dir@1000.service", "user-runtime-dir@1000.service"),
    ],
)
def test_services_and_scopes_are_units(path: str, unit: str) -> None:
    """The unit's name is the last component, wherever it lies."""
    assert name(path) == Named(UNIT, unit, unit)


def test_systemd_escapes_are_undone_for_people_and_kept_for_systemctl() -> None:
    r"""A blank or dash reads as itself; the id is the unit's exact name; a slash stays \x2f."""
    assert name(r"/system.slice/my\x2dapp.service") == Named(UNIT, "my-app.service", r"my\x2dapp.service")
    assert name(r"/system.slice/gr\xc3\xb6\xc3\x9fe.service").name == "größe.service"
    assert name(r"/system.slice/a\x2fb.service").name == r"a\x2fb.service"
    assert name("/system.slice/_memory.backup.service") == Named(UNIT, "memory.backup.service", "memory.backup.service")


def test_an_escape_cannot_smuggle_in_what_does_not_print() -> None:
    """An escaped newline or terminal sequence stays visible."""
    assert name(r"/system.slice/a\x0ab\x1b.service").name == r"a\nb\x1b.service"


@pytest.mark.parametrize(
    "path",
    [
        f"/docker/{HEX}",
        f"/system.slice/docker-{HEX}.scope",
        f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{HEX}.scope",
        f"/machine.slice/libpod-{HEX}.scope",
        f"/libpod_parent/libpod-{HEX}",
        f"/kubepods.slice/kubepods-burstable.slice/{SLICE}/crio-{HEX}.scope",
        f"/kubepods.slice/kubepods-burstable.slice/{SLICE}/cri-containerd-{HEX}.scope",
        f"/kubepods/burstable/pod{UID}/{HEX}",
        f"/system.slice/containerd.service/{SLICE}:cri-containerd:{HEX}",
        f"/system.slice/nerdctl-{HEX}.scope",
    ],
)
def test_containers_are_known_by_the_first_digits_of_their_id(path: str) -> None:
    """Docker, podman, cri-o, containerd and the kubelet, with either cgroup driver."""
    assert name(path) == Named(CONTAINER, HEX[:12], HEX)


@pytest.mark.parametrize(
    ("path", "container"),
    [
        ("/lxc.payload.web", "web"),
        ("/lxc/web", "web"),
        (r"/machine.slice/machine-qemu\x2d1\x2ddebian.scope", "qemu-1-debian"),
    ],
)
def test_containers_with_names_keep_them(path: str, container: str) -> None:
    """LXC and systemd's machines."""
    assert name(path) == Named(CONTAINER, container, container)


@pytest.mark.parametrize(
    "path",
    [
        f"/kubepods/burstable/pod{UID}",
        f"/kubepods.slice/kubepods-burstable.slice/{SLICE}",
        f"/kubepods.slice/kubepods-pod{UID_IN_SLICE}.slice",
        f"/kubelet/kubepods/pod{UID}",
    ],
)
def test_pods_are_known_by_their_uid(path: str) -> None:
    """Both cgroup drivers of the kubelet and every quality of service."""
    assert name(path) == Named(POD, f"pod{UID}", UID)


def test_a_static_pod_has_a_hash_for_uid() -> None:
    """The kubelet names pods from files by 32 digits."""
    assert name("/kubepods/pod" + "0f" * 16).kind == POD


@pytest.mark.parametrize("path", ["/forestall-run-7f3a", "/system.slice/forestall-run-7f3a.scope"])
def test_runs_of_ours_are_known(path: str) -> None:
    """`forestall run` finds what it made, with or without systemd."""
    assert name(path) == Named(RUN, "forestall-run-7f3a", "7f3a")


@pytest.mark.parametrize(
    "path",
    [
        "/system.slice",
        "/user.slice/user-1000.slice",
        "/user.slice/user-1000.slice/user@1000.service",
        "/user.slice/user-1000.slice/session-3.scope",
        "/user.slice/user-1000.slice/session-c1.scope",
        "/init.scope",
        "/kubepods/burstable",
        "/kubepods.slice/kubepods-burstable.slice",
        "/system.slice/nginx.service/worker",
        f"/machine.slice/libpod-{HEX}.scope/container",
        "/lxc/web/ns",
        "/lxc",
        "/lxc.payload.",
        "/forestall-run-",
        "/podium",
        "/docker",
        f"/docker/{HEX[:-1]}",
        "/.service",
    ],
)
def test_everything_else_is_a_cgroup_named_by_its_path(path: str) -> None:
    """Slices, sessions, the user's service manager, and what a service makes below its own cgroup."""
    assert name(path) == Named(CGROUP, path)


@pytest.mark.parametrize("path", ["/", "", "//"])
def test_the_root_is_a_cgroup(path: str) -> None:
    """It has no name of its own."""
    assert name(path) == Named(CGROUP, "/")


def test_the_monitor_of_a_container_is_not_the_container() -> None:
    """Podman and cri-o keep conmon in a scope with the same digits."""
    assert name(f"/machine.slice/libpod-conmon-{HEX}.scope").kind == UNIT


@given(st.text(alphabet=st.characters(), max_size=300))
def test_any_path_gets_a_printable_name(path: str) -> None:
    """Raises nothing; kind is known; name and id print."""
    found = name("/" + path)
    assert found.kind in KINDS
    assert found.name.isprintable()
    assert (found.id or "").isprintable()


@given(st.binary(max_size=40), st.sampled_from([".service", ".scope", "", ".slice"]))
def test_any_bytes_in_a_component_are_shown_safely(raw: bytes, suffix: str) -> None:
    """Names that are no UTF-8 come through as escapes."""
    found = name("/system.slice/" + raw.decode("utf-8", "surrogateescape") + suffix)
    assert found.name.isprintable()
    found.name.encode()
