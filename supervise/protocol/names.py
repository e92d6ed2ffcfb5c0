"""The names of the files in a service directory and in a scan directory.

Every path is relative to its directory. ``docs/design.md`` says what each file holds.
"""

from __future__ import annotations

import os

SUPERVISE = b"supervise"
LOCK = b"supervise/lock"
NEW_LOCK = LOCK + b".new"
CONTROL = b"supervise/control"
OK = b"supervise/ok"
STATUS = b"supervise/status"
PIPE = b"supervise/pipe"
UNREAD = b"supervise/pipe.unread"
JOURNAL = b"supervise/journal"
TROUBLE = b"supervise/trouble"
DEATHS = b"supervise/deaths"
FAILED = b"supervise/failed"
MEANT = b"supervise/meant"
STAT = b"supervise/stat"
PID = b"supervise/pid"

SCAN_DIRECTORY = "/service"
"""Services are in this directory unless somebody names another one."""

DOWN = b"down"
"""A service that has this file is normally down."""

FINISH = b"finish"
"""What is run when the run script has ended."""

CONTROL_SCRIPTS = b"control"
"""The folder of scripts that are run for commands."""

TIMEOUT_FINISH = b"timeout-finish"
TIMEOUT_KILL = b"timeout-kill"
DOWN_SIGNAL = b"down-signal"
TIMEOUT_KILLPG = b"flag-timeout-killpg"
MAX_DEATH_TALLY = b"max-death-tally"

ESSENTIAL = b"essential"
"""``svscan -e`` ends with a service that has this file."""

DOWN_LAST = b"down-last"
"""A drain brings a service that has this file down when all others are down."""

SCANNER = b".svscan"
"""The folder that svscan 0.1.0 made in its scan directory."""

SCANNER_LOCK = b".svscan/lock"
SCANNER_PID = b".svscan/pid"

AT_ONCE: int = getattr(os, "O_NONBLOCK", 0)
"""The flag to open these files with. Without it, opening a FIFO waits for its other end.

Windows has no such flag, and needs none.
"""

CONTAINER = b"/run/svscan"
"""What ``svcontainer`` keeps of a run. It need not last longer than the container."""

KEPT_ENVIRONMENT = CONTAINER + b"/env"
"""The environment that a container was started with: a file for each variable, for envdir."""
