"""In whose manner services are supervised: daemontools' or runit's.

The code is the same. What differs is when a service goes, and when it comes back.
"""

from __future__ import annotations


class Personality:
    """What differs between the supervisors.

    ``stops`` tells that a service whose entry is gone from the scan directory is brought down, and
    that the links by which the scan directory is reached are followed when they change.
    ``returns`` is how many seconds after its end a service that was told to exit comes back, if
    its entry is still there; None is for never. ``hosts`` tells that plain logs have no process
    of their own.
    """

    __slots__ = ("hosts", "returns", "stops")

    def __init__(self, returns: float | None, stops: bool = False, hosts: bool = True) -> None:
        self.returns = returns
        self.stops = stops
        self.hosts = hosts


SVSCAN = Personality(returns=5.0)
"""C rescans as often."""

SVSCAN_STOPPING = Personality(returns=5.0, stops=True)

RUNSVDIR = Personality(returns=1.0, stops=True)
"""C looks that often while a runsv is missing."""

RUNSV = Personality(returns=None, hosts=False)
