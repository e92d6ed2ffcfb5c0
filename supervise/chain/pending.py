"""What waits for the exec: all that the kernel does not keep for the next program.

The commands of a chain go on one after the other in one process. Most of what a command
changes, such as the account or the session, the kernel keeps, and the next command finds
it. The rest is in :data:`PENDING`. The object belongs to the process, as its umask does:
every command finds in it what those before left there, and the exec takes it along.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.chain.limits import SoftLimits


class Pending:
    """What this process takes along when it becomes another program."""

    def __init__(self) -> None:
        self.environment: list[bytes] | None = None
        """Its entries; None until :func:`environment.inherited` has read them."""
        self.limits: SoftLimits | None = None
        """The soft limits; None until a command asks for them."""
        self.other_root = False
        """Whether the root directory was changed. From then on every program is a real one."""
        self.taken_out = False
        """Whether our memory holds more than is passed on: an entry that was taken out of the
        environment, or the rest of a file of which one line was used. It may be a secret."""

    def soft_limits(self) -> SoftLimits:
        """Return the soft limits, to read them or to set one."""
        if self.limits is None:
            from slashservice.supervise.chain.limits import SoftLimits

            self.limits = SoftLimits()
        return self.limits

    @property
    def waiting(self) -> SoftLimits | None:
        """The soft limits if any of them waits for the exec, else None."""
        return self.limits if self.limits and self.limits.waiting else None

    def allowed(self, fd: int) -> int:
        """Return ``fd``, just opened; close it and raise ``OSError`` if the limit forbids it.

        ``softlimit -o5`` in a chain must not keep us from reading our own code. Yet the
        commands behind it have to find that there is no sixth descriptor, as they would in C.
        """
        limit = self.limits.descriptors if self.limits else None
        if limit is not None and fd >= limit:
            from errno import EMFILE

            os.close(fd)
            raise OSError(EMFILE, os.strerror(EMFILE))
        return fd


PENDING = Pending()
"""The one of this process."""
