"""Looking at processes from outside, by /proc, and ending them."""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

from slashservice.supervise.platform import linux


def kill(pid: int, number: int) -> None:
    """Send a signal to one process; 0, a pid that was not found, would mean our whole group."""
    assert pid > 0, f"no pid: {pid}"
    os.kill(pid, number)


def killed(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that we started, and wait until it is gone."""
    process.kill()
    process.wait()


def runs(pid: int) -> bool:
    """Tell whether the process is there, and no zombie."""
    return linux.started(pid) != 0


def state_of(pid: int) -> str:
    """Return the letter of the process's state, as ps(1) shows it; Z if there is none any more."""
    try:
        line = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return "Z"
    return line.rpartition(b")")[2].split()[0].decode()


def children(pid: int) -> list[int]:
    """Return the children of a process; none if it has gone."""
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid: int) -> list[int]:
    """Return the children of a process, theirs, and so on."""
    found = children(pid)
    for one in found:
        found += children(one)
    return found


def is_copy(pid: int) -> bool:
    """Tell whether the process is a copy of its parent, yet to become what it is to be."""
    try:
        parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
        lines = [Path(f"/proc/{one}/cmdline").read_bytes() for one in (pid, parent)]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return lines[0] == lines[1]


def comm(pid: int) -> str:
    """Return what the kernel calls the process; empty if there is none."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def opened(pid: int) -> list[str]:
    """Return what the descriptors of a process lead to, of a process that goes on meanwhile."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(link))
    return found


def catches(pid: int, number: int) -> bool:
    """Tell whether the process has a handler for the signal."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    mask = next(line.split()[1] for line in lines if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (number - 1) & 1)
