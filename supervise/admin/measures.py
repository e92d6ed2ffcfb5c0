"""What ``slashservice metrics`` tells: a family for each question, over what is seen of services.

Nothing is counted here: totals are those of ``supervise/deaths``, which no restart of svscan
touches. C's and runit's supervisors note no deaths, so of theirs there are none. slashservice(8)
and docs/metrics.md have the list.
"""

from __future__ import annotations

import os

from slashservice.supervise import tai
from slashservice.supervise.admin import health
from slashservice.supervise.admin.exposition import COUNTER, Family
from slashservice.supervise.protocol import names, scan_directory
from slashservice.supervise.version import VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from slashservice.supervise.admin.everything import Everything
    from slashservice.supervise.admin.seen import Seen

PREFIX = "slashservice_"

FAMILIES = {
    "svscan_up": "Whether svscan runs on the scan directory.",
    "svscan_drained": "Whether svscan is drained, and starts nothing any more.",
    "svscan_info": "The version of the svscan that runs.",
    "build_info": "The version of the slashservice that tells this.",
    "services": "How many services there are, without their logs.",
    "services_unreadable": "How many services and logs are closed to the account that asks.",
    "service_up": "Whether a process of the service runs.",
    "service_wanted_up": "Whether its supervisor is to keep it up.",
    "service_normally_down": "Whether it has a file `down`, and is not started at boot.",
    "service_state": "1 for the state that the service is in, 0 for all others.",
    "service_attention": "Whether something is wrong with the service or its log.",
    "service_uptime_seconds": "For how long its process has been up.",
    "service_start_time_seconds": "When its process was started, as Unix time.",
    "service_restarts_total": "How often it was started again after it had ended.",
    "service_ends_total": "How often it has ended, for whatever reason.",
    "service_last_exit_code": "The code with which it exited last, if no signal ended it.",
    "service_last_exit_signal": "The signal that ended it last, 0 if it exited.",
    "service_last_exit_time_seconds": "When it ended last, as Unix time.",
    "service_last_run_seconds": "How long the run took that ended last.",
    "log_trouble": "Whether something keeps its log from being written.",
    "log_bytes": "The size of all files of a log.",
    "log_finished_files": "How many files of a log are finished, and kept.",
    "log_last_rotation_time_seconds": "When a file of a log was finished last, as Unix time.",
    "log_last_write_time_seconds": "When a log was written last, as Unix time.",
}
"""By name, without the prefix, in the order in which they are printed."""

FINISHED = 25
"""Bytes of the label that begins the name of a finished file: ``@`` and 24 digits."""


class Measures:
    """The families of a scan directory, as seen at the Unix time ``now``."""

    def __init__(self, everything: Everything, now: float) -> None:
        self._now = now
        self._directory = everything.directory
        self._families = {
            name: Family(PREFIX + name, what, COUNTER if name.endswith("_total") else "gauge")
            for name, what in FAMILIES.items()
        }
        self._unreadable = 0
        self._svscan(everything)
        for seen in everything.services:
            self._service(seen)
            self._add("service_attention", seen, health.is_bad(seen, now))
            if seen.log is not None:
                self._service(seen.log)
                if seen.log.error is None:
                    self._add("log_trouble", seen, bool(seen.log.trouble))
            self._logs(seen)
        self._families["services_unreadable"].add(self._unreadable, directory=self._directory)

    def families(self) -> Iterator[Family]:
        """Yield all of them."""
        yield from self._families.values()

    def _add(self, family: str, seen: Seen, value: float, **labels: str) -> None:
        self._families[family].add(value, directory=self._directory, service=seen.name, **labels)

    def _svscan(self, everything: Everything) -> None:
        def add(family: str, value: float, **labels: str) -> None:
            self._families[family].add(value, directory=self._directory, **labels)

        add("svscan_up", bool(everything.svscan))
        add("svscan_drained", everything.is_drained)
        add("build_info", 1, version=VERSION)
        add("services", len(everything.services))
        if everything.svscan:
            directory = os.fsencode(self._directory)
            version, _ = scan_directory.code(directory, everything.svscan)
            add("svscan_info", 1, version=version)

    def _service(self, seen: Seen) -> None:
        """Add what there is of a service, or of a log service."""
        state = health.state(seen, self._now)
        for one in health.STATES:
            self._add("service_state", seen, one == state, state=one)
        if state in (health.CLOSED, health.MISSING):
            self._unreadable += state == health.CLOSED
            return
        up = bool(seen.pid) and not seen.finishes
        self._add("service_up", seen, up)
        self._add("service_normally_down", seen, seen.is_normally_down)
        if seen.now is not None:
            self._add("service_wanted_up", seen, seen.now.want == b"u")
        if up and seen.since is not None:
            self._add("service_uptime_seconds", seen, max(0.0, self._now - seen.since))
            self._add("service_start_time_seconds", seen, seen.since)
        if _notes_deaths(seen):
            self._add("service_ends_total", seen, seen.deaths)
            self._add("service_restarts_total", seen, seen.restarts)
        if seen.last:
            self._last(seen)

    def _last(self, seen: Seen) -> None:
        death = seen.last[-1]
        if death.code >= 0:
            self._add("service_last_exit_code", seen, death.code)
        if death.code >= 0 or death.signal:
            self._add("service_last_exit_signal", seen, death.signal)
        self._add("service_last_exit_time_seconds", seen, tai.unpack(death.stamp) / 1e9)
        if death.seconds is not None:
            self._add("service_last_run_seconds", seen, death.seconds)

    def _logs(self, seen: Seen) -> None:
        """Add the sizes of the logs of a service, as far as they can be read."""
        from slashservice.supervise.logs import find

        if seen.log is None or seen.is_deleted:
            return
        for path in sorted({one.directory for one in find.find(os.fsencode(seen.path))}):
            sizes = _sizes(path)
            if sizes is None:
                continue
            where = os.fsdecode(path)
            finished = [name for name in sizes if name[:1] == b"@"]
            self._add("log_bytes", seen, sum(size for size, _ in sizes.values()), log=where)
            self._add("log_finished_files", seen, len(finished), log=where)
            times = [when for when in map(_label_time, finished) if when is not None]
            if times:
                self._add("log_last_rotation_time_seconds", seen, max(times), log=where)
            if b"current" in sizes:
                self._add("log_last_write_time_seconds", seen, sizes[b"current"][1], log=where)


def _notes_deaths(seen: Seen) -> bool:
    """Tell whether the supervisor of a service writes down deaths: ours does, others don't.

    Its lock has something in it: the record of the process.
    """
    if seen.deaths:
        return True
    try:
        return os.stat(os.path.join(os.fsencode(seen.path), names.LOCK)).st_size > 0
    except OSError:
        return False


def _sizes(path: bytes) -> dict[bytes, tuple[int, float]] | None:
    """Return size and time of ``current`` and of each finished file; None if that is closed."""
    found = {}
    try:
        for one in os.scandir(path):
            if one.name == b"current" or one.name[:1] == b"@":
                try:
                    about = one.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # it was rotated away meanwhile
                found[one.name] = about.st_size, about.st_mtime
    except OSError:
        return None
    return found


def _label_time(name: bytes) -> float | None:
    """Return the Unix time in the name of a finished file; None if it has another form."""
    try:
        return tai.unpack(bytes.fromhex(name[1:FINISHED].decode("ascii"))) / 1e9
    except (ValueError, IndexError):
        return None
