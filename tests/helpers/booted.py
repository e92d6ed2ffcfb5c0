"""Machines made of this one that BusyBox init has booted; slashservice is installed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from helpers.checkout import COMMAND
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox

BUSYBOX = """
rm -f root/sbin/init root/usr/sbin/policy-rc.d root/usr/bin/svstat
ln -s /usr/bin/busybox root/usr/sbin/init
echo '::sysinit:/bin/true' > root/etc/inittab
"""
"""Has a sandbox boot so, with nothing started. Another package's ``svstat`` goes: ours is meant."""


def booted(start: Callable[..., Sandbox], more: str = "", **options: Any) -> Sandbox:
    """Start a machine, prepared by the shell commands of ``more`` as well."""
    return start(["/sbin/init"], prepare=BUSYBOX + more, **options)


@contextmanager
def installed(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A machine with slashservice, and svscan running, for a fixture."""
    with sandboxes(request) as start:
        made = booted(start)
        made.run(COMMAND, "install")
        yield made
