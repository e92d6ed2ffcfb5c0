"""Run a checkout's ``slashservice install`` and interrupt it at a step. A script, run inside.

python3 -I -B interrupting.py CHECKOUT STEP HOW [OPTION...]

``STEP`` counts the changes of the host from 1; those within the folder of the code count once.
``HOW`` is what happens ahead of it: ``kill`` and ``term`` are signals, ``eperm`` and ``enospc``
errors of the system. Without so many steps it is an install like any other.
"""

from __future__ import annotations

import errno
import os
import signal
import sys

home, step, how, *options = sys.argv[1:]
package = type(sys)("slashservice")
package.__path__ = [home]
sys.modules["slashservice"] = package
sys.argv = ["slashservice", "install", *options]

from slashservice.installer.cli.main import main  # noqa: E402
from slashservice.installer.host.host import Host  # noqa: E402

announce = Host.step
seen = [0]
installer = os.getpid()


def interrupted(self: Host, name: str, path: str) -> None:
    """Announce a step, after what is to happen ahead of it."""
    if "{new}/" not in path and os.getpid() == installer:
        seen[0] += 1
        if seen[0] == int(step):
            print(f"{how} ahead of step {step}: {name} {path}", flush=True)
            happen(path)
    announce(self, name, path)


def happen(path: str) -> None:
    """Have the installer meet what it is to be interrupted by."""
    if how in ("kill", "term"):
        os.kill(os.getpid(), {"kill": signal.SIGKILL, "term": signal.SIGTERM}[how])
        return
    number = {"eperm": errno.EPERM, "enospc": errno.ENOSPC}[how]
    raise OSError(number, os.strerror(number), path)


Host.step = interrupted  # type: ignore[method-assign,assignment]
main()
