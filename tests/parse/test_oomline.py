"""Single lines of a kernel OOM report."""

from __future__ import annotations

import pytest

from forestall.parse import oomline

SUMMARY = (
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0-1,4,"
    "oom_memcg=/test,task_memcg=/test/child,task=dd,pid=1324,uid=0"
)
NEW = "Killed process 1324 (dd) total-vm:15548kB, anon-rss:10240kB, file-rss:1764kB, shmem-rss:0kB"
SIZES = {"total-vm": 15548 * 1024, "anon-rss": 10240 * 1024, "file-rss": 1764 * 1024}


@pytest.mark.parametrize(
    ("line", "constraint", "uid", "score_adj"),
    [
        (f"Memory cgroup out of memory: {NEW}, UID:33 pgtables:76kB oom_score_adj:-998", "memcg", 33, -998),
        (f"Out of memory: {NEW}", "none", None, None),
        (f"Out of memory (oom_kill_allocating_task): {NEW}", "none", None, None),
        (NEW, None, None, None),
        (NEW.removesuffix(", shmem-rss:0kB"), None, None, None),
        (NEW.replace(" (dd)", ", UID 33, (dd)"), None, 33, None),
        (NEW.replace("(dd)", "(dd), UID 33,"), None, 33, None),
    ],
)
def test_kill_lines_of_every_kernel_name_the_victim(
    line: str, constraint: str | None, uid: int | None, score_adj: int | None
) -> None:
    """From EL6 to now: pid, name, and what else that kernel printed."""
    found = oomline.victim(line)
    assert found is not None
    assert (found.pid, found.comm) == (1324, "dd")
    assert (found.constraint, found.uid, found.oom_score_adj) == (constraint, uid, score_adj)
    assert SIZES.items() <= found.sizes_bytes.items()


@pytest.mark.parametrize(
    "comm", ["(sd-pam)", "tmux: server", "a) b, (c],pid=1", "new\nline", ") total-vm:1kB", "", "531"]
)
def test_any_name_is_taken_whole(comm: str) -> None:
    """Brackets, commas, newlines and fake sizes belong to the name."""
    found = oomline.victim(f"Memory cgroup out of memory: Killed process 7 ({comm}) total-vm:1052kB, anon-rss:980kB")
    assert found is not None
    assert (found.comm, found.sizes_bytes) == (comm, {"total-vm": 1052 * 1024, "anon-rss": 980 * 1024})


def test_half_a_number_is_not_a_number() -> None:
    """A line that was cut says None where its number is incomplete."""
    line = "Out of memory: Killed process 211 (x) total-vm:5291948kB, anon-rss:7589"
    found = oomline.victim(line)
    assert found is not None
    assert found.sizes_bytes == {"total-vm": 5291948 * 1024}
    assert oomline.victim(line.replace("anon-rss:7589", "UID:10")) == found


def test_a_counter_that_ran_below_zero_is_not_a_size() -> None:
    """Eighteen exabytes of file pages are not believed."""
    found = oomline.victim("Out of memory: Killed process 211 (x) anon-rss:4kB, file-rss:18446744073709551612kB")
    assert found is not None
    assert found.sizes_bytes == {"anon-rss": 4096}


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Out of memory: Kill process 10212 (java) score 121 or sacrifice child",
        "audit: someone wrote Killed process 1 (init) total-vm:1kB",
        "Out of memory: Killed process (x) total-vm:1kB",
        "Out of memory: Killed process 7",
        "Memory cgroup out of memory: Killed process 1" + "0" * 40 + " (x) total-vm:1kB",
        "Killed process 7 (x) " + "y" * oomline.LINE_CHARACTERS_MAX,
    ],
)
def test_other_lines_name_no_victim(line: str) -> None:
    """Only a line that is a kill line from its first character on counts."""
    assert oomline.victim(line) is None


def test_the_selected_process_is_only_announced() -> None:
    """Before Linux 5.1 the scope is said on a line of its own, and a child may die."""
    line = "Memory cgroup out of memory: Kill process 10212 (java) score 121 or sacrifice child"
    assert oomline.announced_constraint(line) == "memcg"
    assert oomline.announced_constraint(line.removeprefix("Memory cgroup o").replace("ut of", "Out of", 1)) == "none"
    assert oomline.announced_constraint("Memory cgroup out of memory: Killed process 1 (x)") is None


def test_a_summary_tells_limit_and_victim_cgroup() -> None:
    """Commas in the list of nodes disturb nothing."""
    found = oomline.summary(SUMMARY)
    assert found is not None
    assert (found.pid, found.uid, found.constraint) == (1324, 0, "memcg")
    assert found.memory_cgroups("dd") == ("/test", "/test/child")


def test_a_summary_of_a_global_oom_has_no_limit_cgroup() -> None:
    """The victim's cgroup is told all the same."""
    line = SUMMARY.replace("MEMCG", "NONE", 1).replace("oom_memcg=/test", "global_oom")
    found = oomline.summary(line)
    assert found is not None
    assert (found.constraint, found.memory_cgroups("dd")) == ("none", (None, "/test/child"))


def test_names_inside_a_summary_cannot_shift_its_fields() -> None:
    """A name that looks like the end of a summary is cut off as the name it is."""
    found = oomline.summary(SUMMARY.replace("task=dd", "task=a,task=b,pid=1"))
    assert found is not None
    assert found.pid == 1324
    assert found.memory_cgroups("a,task=b,pid=1") == ("/test", "/test/child")


def test_a_cgroup_named_like_a_field_is_sorted_out_or_unknown() -> None:
    """Only a victim at or below the limit makes sense; what stays ambiguous is None."""
    hostile = oomline.summary(SUMMARY.replace("/test/child", "/test/,task_memcg=/x"))
    assert hostile is not None
    assert hostile.memory_cgroups("dd") == ("/test", "/test/,task_memcg=/x")
    ambiguous = oomline.summary(
        SUMMARY.replace("=/test/child", "=/else").replace("=/test,", "=/test,task_memcg=/other,")
    )
    assert ambiguous is not None
    assert ambiguous.memory_cgroups("dd") == (None, None)


@pytest.mark.parametrize(
    "line", ["", "oom-kill:", SUMMARY[:-6], SUMMARY + "x", "x" + SUMMARY, SUMMARY.replace("pid", "p")]
)
def test_a_cut_summary_is_none(line: str) -> None:
    """Half a summary tells nothing that could be trusted."""
    assert oomline.summary(line) is None


def test_the_line_of_a_group_kill_names_the_cgroup() -> None:
    """memory.oom.group, Linux 4.19 and later."""
    line = "Tasks in /a/b are going to be killed due to memory.oom.group set"
    assert oomline.group_path(line) == "/a/b"
    assert oomline.group_path(line[:-1]) is None


def test_limits_of_older_kernels_come_on_one_line_or_two() -> None:
    """Before Linux 5.0, and before 3.9."""
    assert oomline.limit_hit("Task in /v killed as a result of limit of /l") == oomline.LimitHit("/v", "/l")
    assert oomline.limit_hit("Task in /v killed") == oomline.LimitHit("/v", None)
    assert oomline.limit_hit(" as a result of limit of /l") == oomline.LimitHit(None, "/l")
    assert oomline.limit_hit("Task in v killed") is None


def test_a_victim_that_was_exiting_is_not_killed() -> None:
    """Linux 5.9 and later say so, and no kill line follows."""
    line = "Memory cgroup out of memory: OOM victim 812 (a) b) is already exiting. Skip killing the task"
    assert oomline.skipped_pid(line) == 812
    assert oomline.skipped_pid("Memory cgroup out of memory: OOM victim x") is None
