"""Directories that are being made in place, and the moment at which they are complete.

The proper way to add a service is to make it elsewhere and link it, but people also say
``cp -r`` or ``mkdir`` in the scan directory itself. Being told at once, we would overtake
them: start a service whose log directory comes last, and never start its log. So a
directory made in place counts as complete when nothing was put into it for a moment. By
hand, or on a busy machine, the next thing may come later than that. So we go on watching for
some seconds, and tell the scanner of what still comes, such as a late log directory.
"""

from __future__ import annotations

from slashservice.supervise.platform import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from slashservice.supervise.platform.loop import Loop


SECONDS_OF_QUIET = 0.02
SECONDS_AT_MOST = 5.0
"""How long we wait for quiet at most, and how long we go on watching after it."""


class Growing:
    """A new directory: the ``name`` of its entry, and how far it has got.

    ``until`` is when the quiet we wait for will have lasted long enough (None: we do not
    wait), ``latest`` when we stop waiting for it. ``is_complete`` tells that it was reported.
    """

    __slots__ = ("is_complete", "latest", "name", "until")

    def __init__(self, name: bytes, latest: float) -> None:
        self.name = name
        self.latest = latest
        self.until: float | None = None
        self.is_complete = False


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
        self._growing: dict[int, Growing] = {}

    def begin(self, path: bytes, name: bytes) -> None:
        """The directory ``path`` was just made; its entry is ``name``."""
        try:
            number = self._watcher.add(path, watch.CONTENT)
        except OSError:
            self._complete(name)
            return
        self._growing[number] = Growing(name, self._loop.clock() + SECONDS_AT_MOST)
        self._wait(number)

    def saw(self, number: int, mask: int) -> bool:
        """Something happened in the directory ``number``; False if it is none of ours."""
        if number not in self._growing:
            return False
        if mask & watch.IGNORED:
            del self._growing[number]
        else:
            self._wait(number)
        return True

    def _wait(self, number: int) -> None:
        growing = self._growing[number]
        growing.until = until = min(self._loop.clock() + SECONDS_OF_QUIET, growing.latest)
        self._loop.at(until, lambda: self._quiet(number, until))

    def _quiet(self, number: int, until: float) -> None:
        """The time ``until`` has come. If no other wait has begun, it was quiet until then."""
        growing = self._growing.get(number)
        if growing is None or growing.until != until:
            return
        growing.until = None
        if growing.is_complete:
            self._changed(growing.name)
            return
        growing.is_complete = True
        growing.latest = self._loop.clock() + SECONDS_AT_MOST
        self._loop.at(growing.latest, lambda: self._end(number))
        self._complete(growing.name)

    def _end(self, number: int) -> None:
        if number in self._growing:
            del self._growing[number]
            self._watcher.remove(number)
