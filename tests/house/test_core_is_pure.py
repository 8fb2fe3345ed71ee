"""The core takes values and returns values: imported and called under an audit hook that forbids the world.

Neither import contracts nor the linter see the builtin `open`; sys.addaudithook (PEP 578) does.
"""

from __future__ import annotations

import subprocess
import sys

from tests.support.tree import PACKAGE, TREE

CORE = ("model", "parse", "analyse", "rules", "engine")

WATCHER = """
import sys
WORLD = ("open", "socket.", "subprocess.", "os.", "signal.", "sqlite3.", "ctypes.", "shutil.", "tempfile.", "fcntl.")
LOADER = ("os.listdir", "os.scandir")  # the import system looks for files
MODULES = (".py", ".pyc", ".so")
importing = True
def watch(event, arguments):
    if not event.startswith(WORLD):
        return
    if importing and event in LOADER:
        return
    if importing and event == "open" and str(arguments[0]).endswith(MODULES) and "r" in (arguments[1] or "r"):
        return
    raise PermissionError(f"the core touched the world: {event} {arguments!r}")
sys.dont_write_bytecode = True
sys.addaudithook(watch)
"""

IMPORTS = """
import importlib
for name in sys.argv[1:]:
    importlib.import_module(name)
"""

CALLS = """
import inspect
importing = False
called = 0
for name, module in sorted(sys.modules.items()):
    if not name.startswith("forestall.parse."):
        continue
    for function in vars(module).values():
        if not inspect.isfunction(function) or function.__module__ != name or function.__name__.startswith("_"):
            continue
        for text in (b"", b"MemTotal: 1 kB", "x > 1"):
            try:
                list(function(*[text] * len(inspect.signature(function).parameters)) or ())
            except PermissionError:
                raise
            except Exception:
                pass  # not its kind of argument; what matters here is that it touched nothing
            called += 1
print(called)
"""


def core_modules() -> list[str]:
    """Dotted names of every module of the core."""
    files = sorted(path for room in CORE for path in (PACKAGE / room).rglob("*.py") if path.name != "__init__.py")
    return [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in files]


def watched(script: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a fresh Python behind the watcher, with the core's names as arguments."""
    command = [sys.executable, "-I", "-c", f"import sys\nsys.path.insert(0, {str(TREE / 'src')!r})\n{WATCHER}{script}"]
    return subprocess.run([*command, *core_modules()], capture_output=True, text=True, timeout=60, check=False)


def test_importing_the_core_opens_nothing_but_modules() -> None:
    """No module of the core opens a file, a socket or a process when it is imported."""
    done = watched(IMPORTS)
    assert (done.returncode, done.stderr) == (0, "")


def test_parsing_touches_nothing() -> None:
    """No parser opens, reads or writes anything, whatever it is given."""
    done = watched(IMPORTS + CALLS)
    assert done.stderr == ""
    assert int(done.stdout) > 20


def test_the_watcher_sees() -> None:
    """The watcher does stop a module that opens a file, so that the tests above can fail."""
    done = watched("open('/proc/self/status')")
    assert "the core touched the world: open" in done.stderr
