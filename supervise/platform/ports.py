"""Which processes listen on a port, where there is ``/proc/net``; elsewhere nobody is known."""

from __future__ import annotations

import os

TABLES = ("tcp", "tcp6", "udp", "udp6")

LISTENS = "0A"
"""The state of a TCP socket that listens, in these tables: see proc(5)."""


def holders(port: int) -> list[int]:
    """Return the pids of processes that listen on the port, as far as they may be seen."""
    inodes = {f"socket:[{inode}]" for table in TABLES for inode in _inodes(table, port)}
    if not inodes:
        return []
    try:
        pids = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    except OSError:
        return []
    return [pid for pid in pids if _has(pid, inodes)]


def _inodes(table: str, port: int) -> list[str]:
    """Return the inode numbers of the sockets in a table that are bound to the port."""
    try:
        with open(f"/proc/net/{table}", encoding="ascii", errors="replace") as file:
            rows = [line.split() for line in file][1:]
    except OSError:
        return []
    return [
        row[9]
        for row in rows
        if len(row) > 9
        and row[1].endswith(f":{port:04X}")
        and (row[3] == LISTENS or table.startswith("udp"))
    ]


def _has(pid: int, inodes: set[str]) -> bool:
    try:
        descriptors = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False
    for fd in descriptors:
        try:
            if os.readlink(f"/proc/{pid}/fd/{fd}") in inodes:
                return True
        except OSError:
            continue
    return False
