"""Undo things on a disk that is full: what slashservice can do without makes room.

That is the byte code beside its code. So a host whose disk is full can still be rid of it.
"""

from __future__ import annotations

import contextlib
import errno
import resource
from collections.abc import Iterator
from typing import Any

from slashservice.installer.host.host import Host
from slashservice.installer.plan.tree import InstallTree
from slashservice.installer.record import receipt as receipts
from slashservice.installer.record.receipt import Entry, Receipt

FULL = (errno.ENOSPC, errno.EDQUOT)


def make(host: Host, receipt: Receipt) -> bool:
    """Make some room; tell whether there is any more than before."""
    code = [one.action for one in receipt.entries if isinstance(one.action, InstallTree)]
    changes = host.changes
    for one in code:
        one.drop_byte_code(host)
    return host.changes > changes


def begin(host: Host, receipt: Receipt) -> None:
    """Write the receipt of an uninstall that begins, if there is any room for it.

    Nothing is lost without it: it says that something may be missing, which can be seen as well.
    """
    try:
        receipts.save(host, receipt)
    except OSError as error:
        if error.errno not in (*FULL, errno.EFBIG):
            raise
        make(host, receipt)
        try:
            receipts.save(host, receipt)
        except OSError as again:
            if again.errno not in (*FULL, errno.EFBIG):
                raise


def undo(host: Host, entry: Entry, before: dict[str, Any], receipt: Receipt) -> list[str]:
    """Undo an entry of a receipt; return what is not as it was. On a full disk, make room first."""
    try:
        return entry.action.undo(host, before, entry.left(host))
    except OSError as error:
        if error.errno not in FULL or not make(host, receipt):
            raise
        return entry.action.undo(host, before, entry.left(host))


@contextlib.contextmanager
def unlimited() -> Iterator[None]:
    """Let files be as large as they are, whatever limit the caller's shell has set."""
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    for new in ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), (old[1], old[1])):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_FSIZE, new)
            break
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
