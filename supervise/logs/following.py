"""Following logs: the lines that come, and the logs that come and go.

The kernel tells of changes in the log directories, and of services that come into a directory of
services. A new service has no log at once, and no kernel tells of everything. So the services are
looked for again every few seconds, and more often for a while after a change.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise.logs.choice import Choice
from slashservice.supervise.logs.ending import Told
from slashservice.supervise.logs.shower import merged
from slashservice.supervise.platform import watch
from slashservice.supervise.platform.current import watcher as kernel_watcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slashservice.supervise.logs.choice import Line
    from slashservice.supervise.logs.ending import Ending
    from slashservice.supervise.logs.reader import LogReader
    from slashservice.supervise.logs.shower import Shower

    Find = Callable[[], list[LogReader]]

SECONDS_BETWEEN_LOOKS = 0.5
"""How often a log is looked at whose changes the kernel does not report."""

SECONDS_BETWEEN_SEARCHES = 5.0
"""How often services are looked for where nothing has changed."""

SECONDS_OF_ATTENTION = 10.0
"""For how long they are looked for at each look, after something has changed."""


class Follower:
    """Follows ``readers``, whose lines so far were shown.

    ``find`` finds the logs that there are now; in the directories ``scanned`` services come and go.
    They were first looked for at ``begun``, in Unix nanoseconds.
    """

    def __init__(
        self,
        readers: Sequence[LogReader],
        shower: Shower,
        find: Find,
        scanned: Sequence[bytes],
        begun: int,
    ) -> None:
        self._readers: dict[tuple[bytes, bytes], LogReader] = {}
        self._shower = shower
        self._find = find
        self._begun = begun
        self._watcher = kernel_watcher()
        self._watches: dict[tuple[bytes, bytes], int] = {}
        self._scans: set[int] = set()
        self._left: dict[tuple[bytes, bytes], int] = {}
        """Of logs that were let go, from which time on lines are new, in Unix nanoseconds."""
        self._is_told = self._watcher is not None and self._watcher.tells_names
        self._search_at = self._attentive_until = 0.0
        for directory in scanned:
            watched = self._watch(directory, watch.ENTRIES)
            if watched is not None:
                self._scans.add(watched)
        for reader in readers:
            self._take(reader)

    def run(self) -> None:
        """Show lines as they come, for ever."""
        while True:
            self._show(list(self._readers.values()))
            self._search()
            self._wait()

    def run_until_told(self, ending: Ending) -> None:
        """Show lines as they come, and those that are there when we are told to end."""
        try:
            while True:
                self._show(list(self._readers.values()))
                self._search()
                with ending:
                    self._wait()
        except Told:
            self._search_at = 0.0
            self._search()
            self._show(list(self._readers.values()))

    def _take(self, reader: LogReader) -> None:
        key = reader.directory, reader.name
        self._readers[key] = reader
        watched = self._watch(reader.directory, watch.ENTRIES | watch.CONTENT | watch.MODIFY)
        if watched is not None:
            self._watches[key] = watched

    def _watch(self, directory: bytes, what: int) -> int | None:
        """Have the kernel tell of changes; if it can't, we look ourselves from now on."""
        if not self._watcher:
            return None
        try:
            return self._watcher.add(directory, what)
        except OSError:
            self._is_told = False
            return None

    def _show(self, readers: Sequence[LogReader]) -> None:
        lines: list[tuple[Line, LogReader]] = []
        self._shower.begin()
        for reader in readers:
            lines += [(line, reader) for line in reader.new_lines()]
        lines.sort(key=lambda line: line[0][0] or 0)
        self._shower.show((*line, reader) for line, reader in lines)

    def _search(self) -> None:
        """Look for logs that are new, and for those that are gone, if it is time to."""
        now = time.monotonic()
        if now < self._search_at:
            return
        is_attentive = now < self._attentive_until
        pause = SECONDS_BETWEEN_LOOKS if is_attentive else SECONDS_BETWEEN_SEARCHES
        self._search_at = now + pause
        found = {(reader.directory, reader.name): reader for reader in self._find()}
        gone = [key for key in self._readers if key not in found]
        self._show([self._readers[key] for key in gone])
        for key in gone:
            self._let_go(key)
        new = [reader for key, reader in found.items() if key not in self._readers]
        self._shower.add(new)
        for reader in new:
            self._take(reader)
        self._shower.begin()
        self._shower.show(merged([(self._lines_meanwhile(reader), reader) for reader in new]))

    def _lines_meanwhile(self, reader: LogReader) -> Iterator[Line]:
        """Yield what a log has got since it was let go, or since we began to follow.

        Lines without stamps are of the time of the last change.
        """
        since = self._left.get((reader.directory, reader.name), self._begun)
        choice = reader.choice
        reader.choice = Choice(max(since, choice.since), choice.until, choice.grep, choice.invert)
        try:
            reader.time = os.stat(reader.directory + b"/current").st_mtime_ns
        except OSError:
            pass
        yield from reader.lines()
        reader.choice = choice

    def _let_go(self, key: tuple[bytes, bytes]) -> None:
        reader = self._readers.pop(key)
        self._left[key] = reader.time + 1 if reader.time else time.time_ns()
        reader.close()
        watched = self._watches.pop(key, None)
        if self._watcher and watched is not None and watched not in self._watches.values():
            self._watcher.remove(watched)

    def _wait(self) -> None:
        """Wait until something has changed, or for as long as it is sensible."""
        left = max(0.0, self._search_at - time.monotonic())
        if not self._watcher or not self._is_told:
            time.sleep(SECONDS_BETWEEN_LOOKS)
            return
        self._watcher.wait(min(left, SECONDS_BETWEEN_SEARCHES))
        for event in self._watcher.events():
            if event.watch in self._scans or event.mask & (watch.GONE | watch.OVERFLOW):
                self._search_at = 0.0
                self._attentive_until = time.monotonic() + SECONDS_OF_ATTENTION
