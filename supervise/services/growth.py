"""Directories that are being made in place: when are they complete?

The proper way to add a service is to make it elsewhere and link it, but people also say
``cp -r`` or ``mkdir`` in the scan directory itself. Being told at once, we would overtake
them: start a service whose log directory comes last, and never start its log. So a
directory made in place counts as complete when nothing was put into it for a moment. On a
busy machine, or by hand, the next thing may come later still: so what changes in the
seconds after is told, too.
"""

from __future__ import annotations

from slashservice.supervise.platform import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Loop


SECONDS_OF_QUIET = 0.02
SECONDS_AT_MOST = 5.0
"""How long we wait for quiet, and how long we go on looking after it."""

NEVER = -1.0


class Growth:
    """Calls ``complete`` with the name of each new directory, once it is quiet.

    Should something change in it in the seconds after, it calls ``changed``.
    """

    def __init__(
        self,
        loop: Loop,
        watcher: watch.Watcher,
        complete: Callable[[bytes], None],
        changed: Callable[[bytes], None],
    ) -> None:
        self._loop = loop
        self._watcher = watcher
        self._complete = complete
        self._changed = changed
        self._growing: dict[int, tuple[bytes, float, float]] = {}
        self._grown: set[int] = set()

    def begin(self, path: bytes, name: bytes) -> None:
        """The directory ``path`` was just made; its entry is ``name``."""
        try:
            number = self._watcher.add(path, watch.CONTENT)
        except OSError:
            self._complete(name)
            return
        now = self._loop.clock()
        self._growing[number] = (name, now, now + SECONDS_AT_MOST)
        self._wait(number)

    def saw(self, number: int, mask: int) -> bool:
        """Something happened in the watched directory ``number``; False if it is not ours."""
        if number not in self._growing:
            return False
        if mask & watch.IGNORED:
            del self._growing[number]
            self._grown.discard(number)
        else:
            self._wait(number)
        return True

    def _wait(self, number: int) -> None:
        name, _, latest = self._growing[number]
        until = min(self._loop.clock() + SECONDS_OF_QUIET, latest)
        self._growing[number] = (name, until, latest)
        self._loop.at(until, lambda: self._quiet(number, until))

    def _quiet(self, number: int, until: float) -> None:
        """Nothing happened up to ``until``, unless another wait has begun since."""
        name, awaited, latest = self._growing.get(number, (b"", NEVER, NEVER))
        if awaited != until:
            return
        if number in self._grown:
            self._growing[number] = (name, NEVER, latest)
            self._changed(name)
            return
        latest = self._loop.clock() + SECONDS_AT_MOST
        self._growing[number] = (name, NEVER, latest)
        self._grown.add(number)
        self._loop.at(latest, lambda: self._end(number))
        self._complete(name)

    def _end(self, number: int) -> None:
        if number in self._growing:
            del self._growing[number]
            self._grown.discard(number)
            self._watcher.remove(number)
