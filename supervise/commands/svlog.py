"""``svlog [-afijrv] [-n NUMBER] [-s TIME] [-U TIME] [-g PATTERN] [-c WHEN] [-p FILE] DIR...``.

Shows logs.

Each DIR is a service directory, a log directory, or a scan directory with many of them; or the
name of a service, or a pattern of names. The lines of all their logs are shown in the order of
time, in local time, with the service's name in front if there are several.

Whoever writes to a log may write what steers a terminal, and what is no file of a log at all. A
terminal is shown such bytes in words. What can't be read is named, and the rest is shown. However
long lines are, and whatever a file unpacks to, little of it is in memory at a time.
"""

from __future__ import annotations

import errno
import os
import time

from slashservice.supervise import signals
from slashservice.supervise.logs.find import closed_script, find
from slashservice.supervise.logs.shower import Shower, TextShower, merged, time_of
from slashservice.supervise.logs.svlog_arguments import Wishes
from slashservice.supervise.messages import TROUBLE, fatal, warn
from slashservice.supervise.printable import printable_bytes
from slashservice.supervise.protocol import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.logs.reader import LogReader
    from slashservice.supervise.logs.shower import LineOf


def main(argv: Sequence[bytes]) -> int:
    """Show logs; go on until killed with ``-f``."""
    wishes = Wishes(argv)
    signals.restore_defaults()
    logs = Logs(wishes)
    if wishes.place is not None:
        return pass_on(logs, wishes.place)
    begun = time.time_ns()
    readers = logs.find(says=True)
    if not readers and not (wishes.follow and logs.may_come()):
        raise fatal("svlog", b"no log found")
    if len(readers) > MANY:
        from slashservice.supervise.platform import posix

        posix.raise_descriptor_limit()
    shower = _shower(wishes, readers)
    if wishes.number is None:
        shower.show(merged([(reader.lines(), reader) for reader in readers]))
    else:
        shower.show(last(readers, wishes.number, wishes.follow))
    if wishes.follow:
        from slashservice.supervise.logs.following import Follower

        Follower(readers, shower, logs.find, logs.places(), begun).run()
    for reader in readers:
        reader.close()
    return TROUBLE if any(reader.failed for reader in readers) else 0


def pass_on(logs: Logs, path: bytes) -> int:
    """Write lines as they come, for others to read, until TERM; go on from the place in a file."""
    from slashservice.supervise.logs.ending import Ending
    from slashservice.supervise.logs.following import Follower
    from slashservice.supervise.logs.passing_on import PassingShower, Place
    from slashservice.supervise.platform import posix

    if not logs.may_come():
        raise fatal("svlog", b"no log found")
    ending = Ending()
    place = Place(path)
    posix.raise_descriptor_limit()
    shower = PassingShower(place)
    Follower([], shower, logs.find, logs.places(), place.since).run_until_told(ending)
    shower.end()
    return 0


class Logs:
    """The logs that the words of the command line name, now and later."""

    def __init__(self, wishes: Wishes) -> None:
        self._wishes = wishes

    def find(self, says: bool = False) -> list[LogReader]:
        """Return readers for all of them; with ``says`` complain of words that name none."""
        found: dict[tuple[bytes, bytes], LogReader] = {}
        for word in self._wishes.directories:
            paths = places.paths(word)
            readers = [reader for path in paths for reader in find(path)]
            if says and not readers:
                closed = next(filter(None, map(closed_script, paths)), b"")
                error = PermissionError(errno.EACCES, "") if closed else None
                what = b"unable to read " + closed if closed else b"no log in " + word
                warn("svlog", printable_bytes(what), error)
            for reader in readers:
                reader.choice = self._wishes.choice
                found.setdefault((reader.directory, reader.name), reader)
        return list(found.values())

    def places(self) -> list[bytes]:
        """Return the directories into which logs may come."""
        found = []
        for word in self._wishes.directories:
            path = places.path(word)
            if os.path.isdir(path):
                found += [path, path + b"/log"]
            else:
                found.append(places.scan_directory())
        return [path for path in dict.fromkeys(found) if os.path.isdir(path)]

    def may_come(self) -> bool:
        """Tell whether there are directories that are to be waited for."""
        return any(os.path.isdir(places.path(word)) for word in self._wishes.directories)


MANY = 100
"""Logs that any limit of descriptors has room for; each takes two, or three to unpack."""


def _shower(wishes: Wishes, readers: Sequence[LogReader]) -> Shower:
    if wishes.json:
        from slashservice.supervise.logs.json_lines import JsonShower

        return JsonShower()
    return TextShower(wishes, readers)


def last(readers: Sequence[LogReader], number: int, follows: bool) -> list[LineOf]:
    """Return the last lines of all readers together, in the order of time.

    Readers are left open if it ``follows`` that there are more.
    """
    import heapq

    from slashservice.supervise.logs.kept import Kept

    found: list[LineOf] = []
    kept = Kept(number)
    for reader in readers:
        lines: list[LineOf] = [(*line, reader) for line in reader.last_lines(number)]
        found = kept.of(heapq.merge(found, lines, key=time_of))
        if not follows:
            reader.close()
    if kept.is_cut or any(reader.is_cut for reader in readers):
        warn("svlog", b"lines are left out, as they are so long: with -a all are shown")
    return found
