"""The numbers of an account, as ``/etc/passwd`` has them at this moment.

A log host keeps the numbers that it was started with, and ``usermod -u`` changes an account's.
So svscan has to notice. It reads the file itself: the system's own functions may ask a server
that doesn't answer. Of an account that is known elsewhere there are no numbers, and no change
of them is seen.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    Numbers = tuple[bytes, bytes]

ACCOUNTS = b"/etc/passwd"


class AccountNumbers:
    """Reads the file again when it has changed."""

    def __init__(self) -> None:
        self._seen: tuple[int, int, int] | None = None
        self._known: dict[bytes, Numbers] = {}

    def of(self, account: bytes | None) -> Numbers | None:
        """Return the user and group number of an account; None if the file has none.

        Groups may be named behind a colon. No change of those is seen.
        """
        if account is None:
            return None
        try:
            about = os.stat(ACCOUNTS)
            seen = (about.st_ino, about.st_size, about.st_mtime_ns)
            if seen != self._seen:
                with open(ACCOUNTS, "rb", buffering=0) as file:
                    self._known = parse(file.read())
                self._seen = seen
        except OSError:
            pass  # it is being replaced: what we know is as good
        return self._known.get(account.partition(b":")[0])


def parse(text: bytes) -> dict[bytes, Numbers]:
    """Return the numbers of each account. The first line of an account counts."""
    found: dict[bytes, Numbers] = {}
    for line in text.split(b"\n"):
        fields = line.split(b":")
        if len(fields) > 3:
            found.setdefault(fields[0], (fields[2], fields[3]))
    return found
