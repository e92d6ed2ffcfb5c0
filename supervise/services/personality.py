"""In whose manner services are supervised: daemontools' or runit's.

The code is the same. What differs is when a service goes, and when it comes back.
"""

from __future__ import annotations

from slashservice.supervise.services.service import Service


class Personality:
    """What differs between the supervisors.

    ``stops`` tells that a service whose entry is gone from the scan directory is brought down, and
    that the links by which the scan directory is reached are followed when they change.
    ``returns`` is how many seconds after its end a service that was told to exit comes back, if
    its entry is still there; None is for never. ``runit`` tells that commands mean what they mean
    to runsv. ``hosts`` tells that plain logs have no process of their own. With ``keeps``, services
    are supervised that are there at the start, and no others; it ends with the last of them.
    """

    __slots__ = ("hosts", "keeps", "returns", "runit", "stops")

    def __init__(
        self,
        returns: float | None,
        stops: bool = False,
        runit: bool = False,
        hosts: bool = True,
        keeps: bool = False,
    ) -> None:
        self.keeps = keeps
        self.returns = returns
        self.stops = stops
        self.runit = runit
        self.hosts = hosts

    def service(self, want: bytes, is_log: bool) -> Service:
        """Return the state machine of a service, of which ``want`` is wanted at first."""
        if not self.runit:
            return Service(want)

        from slashservice.supervise.services.runit_service import RunitLog, RunitService

        return RunitLog(want) if is_log else RunitService(want)


SVSCAN = Personality(returns=5.0)
"""C rescans as often."""

SVSCAN_STOPPING = Personality(returns=5.0, stops=True)

RUNSVDIR = Personality(returns=1.0, stops=True, runit=True)
"""runit's looks that often while a runsv is missing."""

KEEPER = Personality(returns=None, runit=True, keeps=True)
"""What a runsvdir leaves behind that TERM has ended, as runit's leaves its runsvs."""

RUNSV = Personality(returns=None, runit=True, hosts=False)
