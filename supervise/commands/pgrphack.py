"""pgrphack: run a program in a process group, and session, of its own."""

from __future__ import annotations

import os

from slashservice.supervise.chain import pathexec
from slashservice.supervise.messages import usage

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


NAME = "pgrphack"


def main(argv: Sequence[bytes]) -> int:
    """Be ``pgrphack CHILD``. A process that leads a process group already stays as it is."""
    if not argv:
        raise usage(NAME, "pgrphack child")
    try:
        os.setsid()
    except OSError:
        pass
    pathexec.run_or_fail(NAME, argv)
