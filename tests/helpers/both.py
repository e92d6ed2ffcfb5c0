"""Running a command line as C and as ours, and seeing what the program at its end was given."""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.waiting import until

from slashservice.supervise.chain import launchers

LIMIT = 60
"""Seconds after which a command counts as hanging."""

SCRIPT = r"""
( ulimit -S -n 4096; exec > "$0"
  p=/proc/$$
  echo "= environ"; /bin/cat $p/environ; echo
  echo "= cmdline"; /bin/cat $p/cmdline; echo
  echo "= limits";  /bin/cat $p/limits
  echo "= status";  /bin/cat $p/status
  echo "= stat";    /bin/cat $p/stat
  echo "= cwd";     /bin/readlink $p/cwd $p/root
  echo "= nice";    /bin/cat $p/oom_score_adj
  echo "= fd";      /usr/bin/find $p/fd -type l -printf '%f %l\n' | /usr/bin/sort -n
  echo "= flags";   /bin/grep -H flags $p/fdinfo/*
)
exit 7
"""
"""Writes down how the shell that runs it was started. The part in parentheses is a process
of its own, so that nothing it opens, or needs to be allowed, shows in the shell."""

STATUS_FIELDS = [
    "Umask", "Uid", "Gid", "Groups", "NoNewPrivs", "SigPnd", "ShdPnd", "SigBlk", "SigIgn",
    "SigCgt", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "Seccomp", "Threads",
]  # fmt: skip


@dataclass
class Outcome:
    """How a command line ended, and what the witness at its end saw (nothing, if never run)."""

    status: int
    stdout: bytes
    stderr: bytes
    seen: dict[str, str] = field(default_factory=dict)


def read_witness(text: str) -> dict[str, str]:
    """Take the witness's notes apart, with whatever differs from run to run made equal."""
    if not text:
        return {}
    parts = dict(re.findall(r"^= (\w+)\n(.*?)(?=^= |\Z)", text, re.M | re.S))
    status = dict(re.findall(r"^(\w+):\t(.*)$", parts.pop("status"), re.M))
    parts.update({name: status.get(name, "?") for name in STATUS_FIELDS})
    stat = re.fullmatch(r"(\d+) \((.*)\) (.*)\n", parts.pop("stat"), re.S)
    assert stat is not None
    pid, comm, rest = stat.groups()
    fields = rest.split()
    parts["comm"] = comm
    parts["leads group"] = str(fields[2] == pid)
    parts["leads session"] = str(fields[3] == pid)
    parts["nice level"] = fields[16]
    pipes: dict[str, str] = {}
    parts["fd"] = re.sub(
        r"(pipe|socket):\[\d+\]",
        lambda found: pipes.setdefault(found[0], f"pipe {len(pipes)}"),
        parts.get("fd", ""),
    )
    parts["flags"] = re.sub(r"/proc/\d+/", "", parts.get("flags", ""))
    return parts


class Pointers:
    """The arguments of an exec, made before the fork."""

    def __init__(self, path: bytes, argv: Sequence[bytes], entries: Sequence[bytes]) -> None:
        self.arguments = (
            path,
            (ctypes.c_char_p * (len(argv) + 1))(*argv, None),
            (ctypes.c_char_p * (len(entries) + 1))(*entries, None),
        )
        self.execve = ctypes.CDLL(None).execve


class Both:
    """Runs command lines in a work directory, as C's programs and as ours, at the same path."""

    def __init__(self, directory: Path, ours: Path, oracle: Path) -> None:
        self.work = directory / "work"
        self.work.mkdir()
        self.work.chmod(0o777)
        self.link = directory / "bin"
        self._new = directory / "new"
        self._ours = ours
        self._oracle = directory / "c"
        self._oracle.mkdir()
        for name in launchers.CHAIN:
            (self._oracle / name).symlink_to(oracle / name)
        self.notes = directory / "notes"
        self.skip_unstarted = False
        self.entries: tuple[bytes, ...] = (b"PATH=%s:/usr/bin:/bin" % os.fsencode(self.link),)

    def witness(self) -> list[str]:
        """Return the command line of the program that writes down how it was started."""
        return ["/bin/sh", "-c", SCRIPT, str(self.notes)]

    def same(self, *argv: str | bytes | Path, **settings: Any) -> Outcome:
        """Run ``argv`` both ways, insist that nothing differs, and return what came of it."""
        theirs = self.run(self._oracle, argv, **settings)
        mine = self.run(self._ours, argv, **settings)
        for outcome in (theirs, mine):
            # Ours has our own letters, and a script never learns what -b called it.
            outcome.stderr = re.sub(rb"^usage: .* \[-vV.*", b"usage", outcome.stderr, flags=re.M)
        # A C program that finds no memory or descriptor for its libraries does not begin.
        if self.skip_unstarted and b"error while loading shared libraries" in theirs.stderr:
            return theirs
        assert mine == theirs
        return mine

    def ours(self, *argv: str | bytes | Path, **settings: Any) -> Outcome:
        """Run ``argv`` as ours alone."""
        return self.run(self._ours, argv, **settings)

    def theirs(self, *argv: str | bytes | Path, **settings: Any) -> Outcome:
        """Run ``argv`` as C's alone."""
        return self.run(self._oracle, argv, **settings)

    def run(
        self,
        programs: Path,
        argv: Sequence[str | bytes | Path],
        *,
        entries: Sequence[bytes] | None = None,
        more: Sequence[bytes] = (),
        closed: Sequence[int] = (),
        user: str | None = None,
        ignored: Sequence[int] = (),
        stderr: str | None = None,
    ) -> Outcome:
        """Run ``argv`` with the commands of ``programs``.

        ``entries`` replaces the environment, ``more`` adds to it; ``closed`` descriptors are
        closed and ``ignored`` signals ignored at the start; ``user`` runs it; ``stderr`` is
        a file for that stream.
        """
        self._new.symlink_to(programs)
        self._new.rename(self.link)
        self.notes.write_bytes(b"")
        self.notes.chmod(0o666)
        words = [os.fsencode(word) for word in argv]
        path = words[0] if b"/" in words[0] else os.fsencode(self.link) + b"/" + words[0]
        pointers = Pointers(path, words, [*(self.entries if entries is None else entries), *more])
        account = pwd.getpwnam(user) if user else None

        def become() -> None:
            import signal

            if account:
                os.setgroups([])
                os.setgid(account.pw_gid)
                os.setuid(account.pw_uid)
            if stderr:
                os.dup2(os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666), 2)
            for number in ignored:
                signal.signal(number, signal.SIG_IGN)
            for fd in closed:
                os.close(fd)
            os.closerange(3, 1000)
            pointers.execve(*pointers.arguments)
            os._exit(99)

        done = subprocess.run(
            words,
            preexec_fn=become,
            cwd=self.work,
            umask=0o027,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT,
            check=False,
        )
        seen = read_witness(self.notes.read_bytes().decode("latin-1"))
        return Outcome(done.returncode, done.stdout, done.stderr, seen)

    def await_lock(self, pid: int) -> None:
        """Wait until a process waits for a lock; see proc_locks(5)."""

        def waits() -> bool:
            lines = Path("/proc/locks").read_text().splitlines()
            return any("->" in line and f" {pid} " in line for line in lines)

        until(waits, f"process {pid} waits for a lock")
