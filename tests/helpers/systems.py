"""What the systems have of Python's standard library, and Linux made to look like one with less.

The type checker brings descriptions of the standard library (typeshed) that say for each name
on which systems it is. A *simulated system* is a copy of our code in which, before anything
else, what that system lacks is taken away. This finds calls that would fail there. It finds no
call that is there and does something else, but for those in the prelude below.

It has the clocks of :mod:`helpers.bsd_kernel`, which tests may set, and its ``sysctl`` and ``ps``.
"""

from __future__ import annotations

import ast
import os
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import mypy
from helpers import bsd_kernel
from helpers.bsd_kernel import SECOND, Kernel
from helpers.checkout import CHECKOUT

from slashservice.supervise.chain import launchers

TYPESHED = Path(mypy.__file__).parent / "typeshed/stdlib"

SYSTEMS = ("linux", "darwin", "freebsd14")
"""As ``sys.platform`` has them. To typeshed all that are none of the named ones are alike."""

STUBS = {
    "_socket": "_socket.pyi",
    "errno": "errno.pyi",
    "fcntl": "fcntl.pyi",
    "mmap": "mmap.pyi",
    "os": "os/__init__.pyi",
    "resource": "resource.pyi",
    "select": "select.pyi",
    "selectors": "selectors.pyi",
    "signal": "signal.pyi",
    "socket": "socket.pyi",
    "time": "time.pyi",
}
"""The modules that have what only some systems have."""


def names(module: str, system: str) -> set[str]:
    """Return the names that ``module`` has on a system."""
    guards = {"sys": SimpleNamespace(platform=system, version_info=sys.version_info)}

    def defined(body: Sequence[ast.stmt]) -> Iterator[str]:
        for node in body:
            if isinstance(node, ast.If):
                test = compile(ast.Expression(node.test), module, "eval")
                yield from defined(node.body if eval(test, guards) else node.orelse)
            elif isinstance(node, ast.FunctionDef | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                yield node.target.id
            elif isinstance(node, ast.Assign):
                yield from (to.id for to in node.targets if isinstance(to, ast.Name))
            elif isinstance(node, ast.ImportFrom):
                yield from (alias.asname or alias.name for alias in node.names)

    return set(defined(ast.parse((TYPESHED / STUBS[module]).read_text()).body))


def lacks(system: str) -> dict[str, set[str]]:
    """Return the names of each module that Linux has and a system lacks."""
    return {module: names(module, "linux") - names(module, system) for module in STUBS}


def not_everywhere() -> dict[str, set[str]]:
    """Return the names of each module that some system has and another lacks."""
    found = {}
    for module in STUBS:
        some, *others = (names(module, system) for system in SYSTEMS)
        found[module] = some.union(*others) - some.intersection(*others)
    return found


PRELUDE = '''
def _simulate(system, lacks, programs):
    """Take away what the system lacks; typeshed's list, and five things that it can't say."""
    import sys

    import _signal, _socket, errno, fcntl, mmap, os, posix, resource, select, time

    sys.platform = system
    modules = {"os": (os, posix), "signal": (_signal,), "_socket": (_socket,), "errno": (errno,),
               "fcntl": (fcntl,), "mmap": (mmap,), "resource": (resource,), "select": (select,),
               "time": (time,)}  # socket and selectors are made of these
    for name, gone in lacks.items():
        for module in modules.get(name, ()):
            for one in gone:
                vars(module).pop(one, None)

    def error(number, *path):
        return OSError(number, os.strerror(number), *path)

    # 1. There is no /proc.
    def refuse(path):
        if isinstance(path, (str, bytes)):
            text = os.fsencode(path)
            if text == b"/proc" or text.startswith(b"/proc/"):
                raise error(errno.ENOENT, path)

    def refusing(call):
        def refused(path, *rest, **options):
            refuse(path)
            return call(path, *rest, **options)
        return refused

    for name in ("stat", "lstat", "readlink", "access", "chdir", "listdir", "scandir"):
        call = refusing(getattr(posix, name))
        setattr(posix, name, call)
        setattr(os, name, call)

    # 2. The C library has no functions for what only Linux does.
    def heard(event, arguments):
        if event == "open":
            refuse(arguments[0])
        elif event in ("ctypes.dlsym", "ctypes.dlsym/handle"):
            if str(arguments[1]).partition("_")[0] in ("inotify", "prctl", "pidfd", "splice"):
                raise AttributeError(arguments[1]) if event == "ctypes.dlsym" else OSError()

    sys.addaudithook(heard)

    # 3. posix_spawn can't begin a session: CPython says so where the C library does not know how.
    def without_sessions(spawn):
        def call(*words, setsid=False, **options):
            if setsid:
                raise NotImplementedError("posix_spawn: setsid unavailable on this platform")
            return spawn(*words, **options)
        return call

    os.posix_spawn = posix.posix_spawn = without_sessions(posix.posix_spawn)
    os.posix_spawnp = posix.posix_spawnp = without_sessions(posix.posix_spawnp)

    # 4. Local sockets of macOS are streams or datagrams (unix(4) there).
    socketpair = _socket.socketpair

    def without_packets(family=_socket.AF_UNIX, kind=_socket.SOCK_STREAM, *rest):
        if kind == _socket.SOCK_SEQPACKET:
            raise error(errno.EPROTONOSUPPORT)
        return socketpair(family, kind, *rest)

    if system == "darwin":
        _socket.socketpair = without_packets

    # 5. The time of day is the clock that can't be set, and what the kernel says of its boot.
    sys.path.insert(0, programs)
    import bsd_kernel
    del sys.path[0]

    def time_ns():
        return time.monotonic_ns() + bsd_kernel.read(programs + "/kernel").boottime() * 1000

    time.time_ns = time_ns
    time.time = lambda: time_ns() / 1e9


_simulate({system!r}, {lacks!r}, {programs!r})
'''
"""Put before the first module of ours that any command imports."""

STAND_IN = """\
#!/usr/bin/python3 -IS
'''A stand-in for {name}(8) of the BSDs and macOS, for the questions that we ask.'''
import os, sys

here = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, here)
import bsd_kernel

def look(pid):
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return fields[0].decode(), int(fields[19]) * bsd_kernel.SECOND // os.sysconf("SC_CLK_TCK")

kernel = bsd_kernel.read(here + "/kernel")
assert os.environ.get("TZ") == "UTC"
try:
    status, said = {call}
except ValueError as error:
    sys.exit("{name} stand-in: %s" % error)
sys.stdout.write(said)
sys.exit(status)
"""

CALLS = {"sysctl": "kernel.sysctl(sys.argv[1:])", "ps": "kernel.ps(sys.argv[1:], look)"}


class Simulated:
    """A simulated system: ``commands`` are our launchers, ``programs`` its stand-ins."""

    def __init__(self, root: Path, system: str, python: str) -> None:
        self.system = system
        self.code = root / "code"
        self.commands = root / "command"
        self.programs = root / "programs"
        self._run = run = root / "run"
        shutil.copytree(
            CHECKOUT / "supervise",
            self.code / "supervise",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        first = self.code / "supervise/__init__.py"
        gone = {module: sorted(names) for module, names in lacks(system).items()}
        prelude = PRELUDE
        for name, value in (("system", system), ("lacks", gone), ("programs", str(self.programs))):
            prelude = prelude.replace(f"{{{name}!r}}", repr(value))
        first.write_text(prelude)
        # The stand-ins are to be found before what this machine has.
        bsd = self.code / "supervise/platform/bsd.py"
        text = bsd.read_text()
        for old, new in (
            ("FOLDERS = (", f'FOLDERS = ("{self.programs}", '),
            ('"/var/run', f'"{run}'),
        ):
            assert old in text
            text = text.replace(old, new)
        bsd.write_text(text)
        launchers.write(str(self.commands), python=python, code=str(self.code))
        self.programs.mkdir()
        shutil.copy(bsd_kernel.__file__, self.programs)
        for name, call in CALLS.items():
            stand_in = self.programs / name
            stand_in.write_text(STAND_IN.replace("{name}", name).replace("{call}", call))
            stand_in.chmod(0o755)
        self._run.mkdir()
        # At first it is as late as it is here, so that what tests make is of this time.
        self._first = (time.time_ns() - time.monotonic_ns()) // 1000
        self._boot(self._first)
        for path in [root, *root.rglob("*")]:
            path.chmod(path.stat().st_mode | stat.S_IRGRP | stat.S_IROTH)

    def _boot(self, at: int) -> None:
        """Let the kernel have started at that time, and the system have emptied ``/var/run``."""
        self._kernel = Kernel(self.system, at, secrets.token_hex(16))
        self._kernel.write(str(self.programs / "kernel"))
        shutil.rmtree(self._run)
        self._run.mkdir(mode=0o755)
        (self._run / "dmesg.boot").write_text("what the kernel said\n")

    def reboot(self, clock: bool) -> None:
        """Boot the machine, which has a ``clock`` that runs on without power, or has none.

        Its next life is as like the last one as can be. What runs now stands for processes that
        have the same pids there, and started as long after the boot.
        """
        now = self._kernel.boottime() + time.monotonic_ns() // 1000
        self._boot(now if clock else self._first)

    def set_clock(self, by: float) -> None:
        """Set the clock forward by so many seconds, or back."""
        self._kernel.step(time.monotonic_ns() // 1000, round(by * SECOND))
        self._kernel.write(str(self.programs / "kernel"))

    @property
    def path(self) -> str:
        """Where its users find programs: ours, and what every system has."""
        return os.pathsep.join([str(self.commands), "/usr/bin:/bin"])
