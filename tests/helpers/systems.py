"""What the systems have of Python's standard library, and Linux made to look like one with less.

The type checker brings descriptions of the standard library (typeshed) that say for each name
on which systems it is. A *simulated system* is a copy of our code in which, before anything
else, what that system lacks is taken away. This finds calls that would fail there. It finds no
call that is there and does something else, but for those in the prelude below.
"""

from __future__ import annotations

import ast
import os
import shutil
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace

import mypy
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
def _simulate(system, lacks):
    """Take away what the system lacks; typeshed's list, and four things that it can't say."""
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


_simulate({system!r}, {lacks!r})
'''
"""Put before the first module of ours that any command imports."""

SYSCTL = """\
#!/bin/sh
# A stand-in for sysctl(8) of the BSDs and macOS, for the one question that we ask.
[ "$*" = "-n kern.boottime" ] || { echo "sysctl stand-in: unexpected: $*" >&2; exit 64; }
cat "$(dirname "$0")/boottime"
"""

BOOT_TIME = "{{ sec = {seconds}, usec = 123456 }} Thu Nov 26 12:00:00 2026\n"
"""What sysctl says on macOS and FreeBSD."""

PS = """\
#!/usr/bin/python3 -IS
'''A stand-in for ps(1) of the BSDs and macOS: the columns state and lstart of one process.

What comes behind = in an -o is a header, to its end (FreeBSD, macOS); an alias, as stat is, may
have none (OpenBSD). The kernel knows to the second when a process started.
'''
import os, sys, time

def fail(*why):
    print("ps stand-in: unexpected:", *why, file=sys.stderr)
    os._exit(64)

def since_boot():
    with open("/proc/stat") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("btime"))

columns, pid, words = [], None, sys.argv[1:]
while words:
    option, value, *words = words
    if option == "-p":
        pid = int(value)
    elif option == "-o":
        name, equals, header = value.partition("=")
        if name not in ("state", "lstart") or not equals or header:
            fail(option, value)
        columns.append(name)
    else:
        fail(option)
try:
    with open("/proc/%d/stat" % pid, "rb") as file:
        fields = file.read().rpartition(b")")[2].split()
except OSError:
    os._exit(1)
start = since_boot() + int(fields[19]) // os.sysconf("SC_CLK_TCK")
start = time.gmtime(start) if os.environ.get("TZ") == "UTC" else time.localtime(start)
shown = {"state": fields[0].decode().ljust(4), "lstart": time.strftime("%c", start).ljust(28)}
print(*[shown[name] for name in columns])
"""


class Simulated:
    """A simulated system: ``commands`` are our launchers, ``programs`` its stand-ins."""

    def __init__(self, root: Path, system: str, python: str) -> None:
        self.system = system
        self.code = root / "code"
        self.commands = root / "command"
        self.programs = root / "programs"
        shutil.copytree(
            CHECKOUT / "supervise",
            self.code / "supervise",
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        first = self.code / "supervise/__init__.py"
        prelude = PRELUDE.replace("{system!r}", repr(system)).replace(
            "{lacks!r}", repr({module: sorted(gone) for module, gone in lacks(system).items()})
        )
        first.write_text(prelude)
        # The stand-ins are to be found before what this machine has.
        bsd = self.code / "supervise/platform/bsd.py"
        here = f'FOLDERS = ("{self.programs}", '
        text = bsd.read_text().replace("FOLDERS = (", here)
        assert here in text
        bsd.write_text(text)
        launchers.write(str(self.commands), python=python, code=str(self.code))
        self.programs.mkdir()
        for name, text in (("sysctl", SYSCTL), ("ps", PS)):
            (self.programs / name).write_text(text)
            (self.programs / name).chmod(0o755)
        self.boot(1_700_000_000)
        for path in [root, *root.rglob("*")]:
            path.chmod(path.stat().st_mode | stat.S_IRGRP | stat.S_IROTH)

    def boot(self, seconds: int) -> None:
        """Let the machine have started at that Unix time."""
        (self.programs / "boottime").write_text(BOOT_TIME.format(seconds=seconds))

    @property
    def path(self) -> str:
        """Where its users find programs: ours, and what every system has."""
        return os.pathsep.join([str(self.commands), "/usr/bin:/bin"])
