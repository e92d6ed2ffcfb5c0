"""What the kernels without ``/proc`` are asked through ``sysctl`` and ``ps``.

Written from their manuals; no test has run it on such a system yet (``docs/proven.md``).
"""

from __future__ import annotations

import os


def _output(*words: str) -> bytes:
    """Return what a command prints."""
    read_end, write_end = os.pipe()
    pid = os.posix_spawnp(
        words[0],
        list(words),
        {"PATH": "/bin:/usr/bin:/sbin:/usr/sbin", "LC_ALL": "C", "TZ": "UTC"},
        file_actions=[(os.POSIX_SPAWN_DUP2, write_end, 1)],
    )
    os.close(write_end)
    with os.fdopen(read_end, "rb") as file:
        text = file.read()
    os.waitpid(pid, 0)
    return text


def boot() -> bytes:
    """Name this life of the machine: the second in which its kernel started."""
    return b"".join(
        c.to_bytes(1, "big") for c in _output("sysctl", "-n", "kern.boottime") if chr(c).isalnum()
    )


def started(pid: int) -> int:
    """Return the Unix time at which process ``pid`` started; 0 if it does not run."""
    import calendar
    import time

    words = (
        _output("ps", "-o", "stat=,lstart=", "-p", str(pid))
        .decode("ascii", "replace")
        .split(None, 1)
    )
    if len(words) != 2 or words[0].startswith("Z"):
        return 0
    return calendar.timegm(time.strptime(words[1].strip()))
