"""What is called how in a service directory; all paths are relative to it.

``docs/design.md`` says what each file holds.
"""

from __future__ import annotations

SUPERVISE = b"supervise"
LOCK = b"supervise/lock"
CONTROL = b"supervise/control"
OK = b"supervise/ok"
STATUS = b"supervise/status"
PIPE = b"supervise/pipe"
JOURNAL = b"supervise/journal"

SCAN_DIRECTORY = "/service"
"""Services are in this directory unless somebody names another one."""
