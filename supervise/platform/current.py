"""The system we run on: the only place in ``supervise`` that chooses by which one it is.

``system`` is ``linux`` on Linux, and ``bsd`` on all others. These modules have the same names.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.platform.watch import Watcher

if sys.platform == "linux":
    from slashservice.supervise.platform import linux as system

    if TYPE_CHECKING:
        from slashservice.supervise.platform.epoll import Epoll
        from slashservice.supervise.platform.selector import Selector

    def _watcher() -> Watcher:
        from slashservice.supervise.platform.inotify import Inotify

        return Inotify()

    def selector() -> Epoll | Selector:
        """Make what waits for descriptors to become readable."""
        from slashservice.supervise.platform.epoll import Epoll

        try:
            return Epoll()
        except OSError:  # a kernel or a sandbox without epoll: then there is poll
            from slashservice.supervise.platform.selector import Selector

            return Selector()

else:
    from slashservice.supervise.platform import bsd as system

    if TYPE_CHECKING:
        from slashservice.supervise.platform.selector import Selector

    def _watcher() -> Watcher:
        from slashservice.supervise.platform.kqueue import Kqueue

        return Kqueue()

    def selector() -> Selector:
        """Make what waits for descriptors to become readable."""
        from slashservice.supervise.platform.selector import Selector

        return Selector()


__all__ = ["selector", "system", "watcher"]


def watcher() -> Watcher | None:
    """Return what this kernel has to watch directories with, or None.

    It is None where the kernel or Python has nothing for it, and where no descriptor is left.
    """
    try:
        return _watcher()
    except (OSError, AttributeError, ImportError):
        return None
