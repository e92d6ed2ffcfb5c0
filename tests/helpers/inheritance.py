"""What a process inherited, read from outside in /proc, and what of it ours changes on purpose."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

SLEEPER = "#!/usr/bin/perl\nmkdir 'ready.' . $$; while (1) { sleep }\n"
"""A run script of a program that, unlike a shell, leaves everything as it got it."""

VOLATILE = (
    *("Pid:", "Tgid:", "Ngid:", "PPid:", "NS", "Vm", "Rss", "State:", "FDSize:", "Huge"),
    *("voluntary_ctxt", "nonvoluntary_ctxt", "SigQ:", "TracerPid:", "Threads:"),
)
"""Lines of /proc/PID/status that begin so say nothing about what was inherited."""

NAMESPACES = ("cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts")
FILES = ("coredump_filter", "oom_score_adj", "loginuid", "personality", "cgroup", "timerslack_ns")
TTY, PRIORITY, NICE, EXIT_SIGNAL, REALTIME, POLICY = 4, 15, 16, 35, 37, 38
"""Where fields of /proc/PID/stat are once the first two are off."""

CLOSE_ON_EXEC = 0o2000000
LARGE_FILE = 0o100000
ACCESS_MODE = 0o3

OF_THE_C_LIBRARY = 0b11 << 31
"""Signals 32 and 33 in a mask: glibc has them for itself, and programs can't name them."""


def exec_exactly(program: bytes, argv: list[bytes], entries: list[bytes]) -> None:
    """Exec with an environment that Python itself would not pass on."""
    words = (ctypes.c_char_p * (len(argv) + 1))(*argv, None)
    variables = (ctypes.c_char_p * (len(entries) + 1))(*entries, None)
    ctypes.CDLL(None).execve(program, words, variables)


def open_more() -> None:
    """Leave open what a careless starter might."""
    os.dup2(os.open("input", os.O_RDWR | os.O_APPEND), 3)
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.dup2(reader, 7)
    os.dup2(writer, 8)
    os.dup2(socket.socket().detach(), 42)
    os.dup2(os.open("/", os.O_RDONLY), 300)
    for fd in range(3, 64):
        if fd not in (3, 7, 8, 42):
            try:
                os.close(fd)
            except OSError:
                pass


def launch(argv: list[bytes], top: Path, prepare: Callable[[], Any], entries: list[bytes]) -> int:
    """Start a program in ``top``, in a process that ``prepare`` has been at; return its pid.

    Its standard descriptors are the files ``input``, ``output`` and ``errors`` in ``top``.
    """
    pid = os.fork()
    if pid:
        return pid
    try:
        os.chdir(top)
        for fd, name, flags in (
            (0, "input", os.O_RDONLY),
            (1, "output", os.O_WRONLY | os.O_APPEND | os.O_CREAT),
            (2, "errors", os.O_WRONLY | os.O_APPEND | os.O_CREAT),
        ):
            os.dup2(os.open(name, flags, 0o666), fd)
        os.closerange(3, 1024)
        for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        prepare()
        exec_exactly(argv[0], argv, entries)
    except Exception:
        traceback.print_exc()
    finally:
        os._exit(127)


def dump(service: Path, pid: int, top: Path) -> dict[str, Any]:
    """Take down all about a process that it inherited."""
    proc = Path(f"/proc/{pid}")

    def plain(text: str) -> str:
        return text.replace(os.fspath(top), "TOP")

    lines = (proc / "status").read_text().splitlines()
    fields = (proc / "stat").read_text().rpartition(")")[2].split()
    return {
        "status": [line for line in lines if not line.startswith(VOLATILE)],
        "stat": [fields[at] for at in (TTY, PRIORITY, NICE, EXIT_SIGNAL, REALTIME, POLICY)],
        "environment": (proc / "environ").read_bytes(),
        "arguments": (proc / "cmdline").read_bytes(),
        "limits": (proc / "limits").read_text(),
        "links": [plain(os.readlink(proc / name)) for name in ("cwd", "root", "exe")],
        "namespaces": [os.readlink(proc / "ns" / name) for name in NAMESPACES],
        "descriptors": {
            int(fd.name): (plain(os.readlink(fd)), fd_flags(proc, fd.name))
            for fd in sorted((proc / "fd").iterdir())
            if os.readlink(fd) != os.fspath(service / "run")
        },
        "ready": oct((service / f"ready.{pid}").stat().st_mode),
        **{name: (proc / name).read_text() for name in FILES},
        "leads": os.getsid(pid) == pid == os.getpgid(pid),
    }


def fd_flags(proc: Path, fd: str) -> int:
    """Return the flags of a descriptor, as open(2) has them."""
    for line in (proc / "fdinfo" / fd).read_text().splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8)
    raise AssertionError(line)


def as_decided(name: str, taken: dict[str, Any], supervisor: str) -> dict[str, Any]:
    """Return a dump without the ways in which ours was meant to differ."""
    taken = dict(taken)
    # A session of its own.
    assert taken.pop("leads") == (supervisor == "ours")
    descriptors = {}
    for number, (target, flags) in taken["descriptors"].items():
        if target.startswith("pipe:") or target == "TOP/scan/logged/supervise/pipe":
            # The pipe to the log is a FIFO, and its writers hold both ends.
            target, flags = "pipe", flags & ~ACCESS_MODE & ~LARGE_FILE
        descriptors[number] = (target.split(":")[0], flags & ~CLOSE_ON_EXEC)
    if name.startswith("scan/") and not name.endswith("/log"):
        # Standard input is /dev/null.
        theirs = descriptors.pop(0, None)
        assert supervisor == "C" or theirs == ("/dev/null", os.O_RDWR | LARGE_FILE)
    taken["descriptors"] = descriptors
    # glibc's posix_spawn ignores its own two signals in the child.
    taken["status"] = [
        f"SigIgn: {int(line.split()[1], 16) & ~OF_THE_C_LIBRARY:x}"
        if line.startswith("SigIgn:")
        else line
        for line in taken["status"]
    ]
    return taken
