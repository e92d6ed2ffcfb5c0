"""The scan directory of an ``svscan``: services come and go in it.

The kernel reports what changes. The directory is read as a whole only at the start, on
demand, and where the kernel reports nothing.
"""

from __future__ import annotations

import os
import stat

from slashservice.supervise.messages import complain, message, warn
from slashservice.supervise.platform import watch
from slashservice.supervise.platform.current import watcher
from slashservice.supervise.services import ahead, inode, lock_file
from slashservice.supervise.services.draining import Drain
from slashservice.supervise.services.growth import Growth
from slashservice.supervise.services.pair import Pair
from slashservice.supervise.services.wards import Wards
from slashservice.supervise.services.way import Way

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slashservice.supervise.services.context import Context


SECONDS_BETWEEN_SCANS = 5.0
"""How often to look where the kernel reports nothing.

That is at directories which can't be watched or are lost, and at links that lead nowhere yet.
"""


SECONDS_TO_REAPPEAR = 0.1
"""How long a service that is stopped without an entry may be without one.

A link that is replaced, or renamed, does not stop it.
"""

PORTION = 0.1
"""Seconds after which the loop gets on with other things while many names are looked at."""


class Scanner:
    """The scan directory ``path``, and a :class:`Pair` for each service seen in it.

    A service is told apart by device and inode, as in C: two names for one directory are
    one service, and a renamed one goes on. A drain kills what has not ended after ``grace``
    seconds; 0 is for as long as it takes. ``moved`` is called when another directory is at the
    path, if that is followed.
    """

    def __init__(self, context: Context, path: bytes, grace: int = 0) -> None:
        self._context = context
        context.shared = True
        self._stops = context.personality.stops
        self._keeps = context.personality.keeps
        self.moved: Callable[[], None] = lambda: None
        self._loop = context.loop
        self._path = path
        self._names: dict[bytes, int] = {}
        self._pairs: dict[int, Pair] = {}
        self._strays: set[Pair] = set()
        self._watch = None if self._keeps else watcher()
        self._growth: Growth | None = None
        self._wards: Wards | None = None
        self._way: Way | None = None
        self._key = inode.at(path)
        """What directory we are known to be on."""
        self._watched = -1
        self._watched_key = inode.NONE
        self._drain = Drain(context.loop, grace, self._all, self._stop_if_empty)
        self._has_scanned = False
        self._stay = False
        self.failed = False
        """Whether the directory could not be read, at any time."""
        self._looking = False
        self._unseen: dict[bytes, None] = {}
        """The names that are still to be looked at, in their order."""
        self._going_on = False
        """Whether we shall be called to look at more of them."""
        self._seen: Callable[[], None] | None = None
        self._doubts: dict[bytes, bytes] = {}
        """The last complaint about each entry that could not be looked at."""
        try:
            if self._watch:
                self._watch.listen(self._loop, self._changed)
        except OSError:
            self._watch = None  # then we look again and again
        if self._watch and self._watch.tells_names:
            self._growth = Growth(self._loop, self._watch, self._complete, self._look_for_log)
            self._wards = Wards(self._loop, self._watch)
            self._way = Way(self._watch, path) if self._stops else None

    def scan(self) -> None:
        """Look at the whole directory: start what is new, deactivate what is gone.

        While draining, that is done once: a killed svscan may have left something.
        """
        if (self._draining or self._keeps) and self._has_scanned:
            return
        self._has_scanned = True
        self._attend()
        try:
            names = set(os.listdir(self._path))
        except FileNotFoundError as error:
            if self._stops:  # it may be on its way to another name: nothing is stopped for that
                self._doubt(self._path, error)
                return
            names = set()
            self._look_again()
        except OSError as error:
            warn("svscan", b"unable to read directory", error)
            self.failed = True
            self._look_again()
            return
        if self._stops:
            self._doubts.pop(self._path, None)
            self._follow()
        if not self._draining:
            new = sorted(name for name in names - self._names.keys() if name[:1] != b".")
            ahead.make(self._context.heritage, [os.path.join(self._path, name) for name in new])
            self._unseen.update(dict.fromkeys(self._context.left_behind(self._path, new)))
        self._look_at(names | self._names.keys())

    def _follow(self) -> None:
        """See whether another directory is at our path."""
        before, self._key = self._key, inode.at(self._path)
        if before != self._key:
            self.moved()

    def when_seen(self, call: Callable[[], None]) -> None:
        """Call once all names that we know of have been looked at."""
        self._seen = call
        if not self._unseen:
            self._all_is_seen()

    def drain(self, stay: bool = False) -> None:
        """Bring everything down; then stop the loop, or with ``stay`` go on with nothing."""
        self._stay = stay
        if not self._draining:
            self._context.drains = True
            # Those that we know are brought down, and are not to be begun with again.
            self._unseen = {name: None for name in self._unseen if name not in self._names}
            self._drain.begin()
        self._stop_if_empty()

    @property
    def _draining(self) -> bool:
        return self._drain.has_begun

    def _all(self) -> list[Pair]:
        """Return all pairs that there are."""
        return [*self._pairs.values(), *self._strays]

    def fifos(self) -> set[int]:
        """Return the descriptors by which clients see that somebody is there."""
        return set[int]().union(*(pair.fifos() for pair in self._all()))

    def leave(self) -> None:
        """Stop the loop and leave every daemon running."""
        for pair in self._all():
            pair.leave()
        self._loop.stop()

    def _attend(self) -> None:
        """Watch the directory that is at our path now."""
        if not self._watch:
            self._look_again()
            return
        if self._way:
            self._way.attend()
        try:
            key = inode.of(os.stat(self._path))
            if self._watched >= 0 and key != self._watched_key:
                self._unwatch()
            if self._watched < 0:
                self._watched = self._watch.add(self._path, watch.ENTRIES)
                self._watched_key = key
        except OSError:
            self._look_again()

    def _unwatch(self) -> None:
        if self._watch:
            self._watch.remove(self._watched)
        self._watched = -1

    def _look_again(self) -> None:
        """Scan again in a while: nothing will tell us when to."""
        if not self._looking and not self._keeps:
            self._looking = True
            self._loop.after(SECONDS_BETWEEN_SCANS, self._look)

    def _look(self) -> None:
        self._looking = False
        self.scan()

    def _changed(self, events: Iterable[watch.Event]) -> None:
        """Look at the entries that the kernel reports."""
        names = set()
        for event in events:
            if self._growth and self._growth.saw(event.watch, event.mask):
                continue
            if self._wards and self._wards.saw(event.watch, event.mask):
                continue
            if self._way and self._way.changed(event.watch, event.mask, event.name):
                self._loop.after(0, self.scan)
            if event.mask & watch.OVERFLOW:
                self._loop.after(0, self.scan)
            elif event.watch != self._watched:
                continue
            elif event.mask & (watch.GONE | watch.IGNORED):
                self._unwatch()
                self._loop.after(0, self.scan)
            elif self._growth and event.mask & watch.CREATE and event.mask & watch.ISDIR:
                self._grow(event.name)
            else:
                names.add(event.name)
        if not self._draining:
            self._look_at(names)

    def _grow(self, name: bytes) -> None:
        if self._growth and not name.startswith(b"."):
            self._growth.begin(os.path.join(self._path, name), name)

    def _complete(self, name: bytes) -> None:
        """A new directory is complete. We may have begun with it before, without its log."""
        if self._draining:
            return
        self._look_at([name])
        self._look_for_log(name)

    def _look_for_log(self, name: bytes) -> None:
        """Something was put into a new service directory after we began with it."""
        key = self._names.get(name)
        if key is not None and not self._draining:
            self._pairs[key].attach_log()

    def _look_at(self, names: Iterable[bytes]) -> None:
        """Find what each name leads to now, and act on what changed: soon, if there are many."""
        self._unseen.update(dict.fromkeys(sorted(names)))
        if not self._going_on:
            self._look_at_some()

    def _look_at_some(self) -> None:
        """Look at names, and start what is new, for a portion of time.

        While draining, those not seen yet may have been left running by a killed svscan.
        """
        end = self._loop.clock() + PORTION
        self._context.expect(len(self._unseen))
        try:
            while self._unseen:
                name = next(iter(self._unseen))
                del self._unseen[name]
                if not name.startswith(b"."):
                    self._look_at_one(name)
                if self._loop.clock() >= end:
                    break
        finally:
            self._context.expect_no_more(now=self._draining or not self._unseen)
        if not self._unseen:
            self._all_is_seen()
            self._stop_if_empty()
        elif not self._going_on:
            self._going_on = True
            self._loop.after(0, self._go_on)

    def _all_is_seen(self) -> None:
        self._context.all_is_seen()
        seen, self._seen = self._seen, None
        if seen:
            seen()

    def _go_on(self) -> None:
        self._going_on = False
        self._look_at_some()

    def _look_at_one(self, name: bytes) -> None:
        entry = os.path.join(self._path, name)
        path = entry
        key: int | None = None
        try:
            if os.path.islink(entry):
                # From here on the link does not matter: it may be renamed, even now, or be
                # removed while the service is supervised.
                path = os.path.realpath(entry)
            found = os.stat(path)
            if stat.S_ISDIR(found.st_mode):
                key = inode.of(found)
            self._doubts.pop(name, None)
        except FileNotFoundError as error:
            if not os.path.islink(entry):
                self._doubts.pop(name, None)
            elif os.path.exists(entry):
                self._look_again()  # the link led nowhere a moment ago, but leads somewhere now
            else:
                self._doubt(name, error)
        except OSError as error:
            self._doubt(name, error)
            return
        before = self._names.get(name)
        if before is not None and before != key:
            self._disappeared(name, before)
        if key is not None:
            self._appeared(name, key, path)

    def _doubt(self, what: bytes, error: OSError) -> None:
        """Say once why something can't be looked at; look again in a while."""
        line = message("svscan", b"warning", b"unable to stat " + what, error)
        if line != self._doubts.get(what):
            complain(line)
        self._doubts[what] = line
        self._look_again()

    def _disappeared(self, name: bytes, key: int) -> None:
        del self._names[name]
        pair = self._pairs[key]
        pair.names.discard(name)
        if not pair.names:
            pair.deactivate()
            self._stop_later(pair)

    def _stop_later(self, pair: Pair) -> None:
        """Bring down what has no entry, unless it gets one in a moment."""
        if self._stops:
            self._loop.after(SECONDS_TO_REAPPEAR, lambda: self._stop_unless_named(pair))

    def _stop_unless_named(self, pair: Pair) -> None:
        if self._unseen:  # its new name may be among them
            self._stop_later(pair)
        elif not pair.names and not self._draining:
            pair.stop()

    def _appeared(self, name: bytes, key: int, path: bytes) -> None:
        if self._draining:
            life = self._context.heritage.life
            if key in self._pairs or not lock_file.is_left(path, life):
                return
        pair = self._pairs.get(key)
        if pair and not pair.is_still_there(path):
            if inode.at(path) != key:
                self._look_again()  # it was moved away a moment ago
                return
            # A new directory has the inode of one that was removed while supervised.
            self._strays.add(self._pairs.pop(key))
            for other in pair.names:
                del self._names[other]
            pair.names.clear()
            pair.deactivate()
            self._stop_later(pair)
            pair = None
        if pair:
            self._names[name] = key
            pair.found(name, path)
            return
        try:
            has_log = self._has_log(path)
        except FileNotFoundError:
            self._look_again()  # it was moved away a moment ago
            return
        except OSError as error:
            self._doubt(name + b"/log", error)
            return
        self._doubts.pop(name + b"/log", None)
        self._names[name] = key
        self._pairs[key] = pair = Pair(self._context, key, path, name, has_log, self._ended)
        pair.start()
        if self._draining:
            self._drain.add(pair)
        elif self._wards:
            self._wards.expect(pair)

    def _has_log(self, path: bytes) -> bool:
        """Tell whether the service directory ``path`` has a log. Raises ``OSError`` in doubt."""
        try:
            os.stat(path + b"/log")
        except FileNotFoundError:
            os.stat(path)
            return False
        return True

    def _ended(self, pair: Pair) -> None:
        """Neither part of a pair is left."""
        self._strays.discard(pair)
        if self._wards:
            self._wards.forget(pair)
        if self._pairs.get(pair.key) is pair:
            del self._pairs[pair.key]
        self._stop_if_empty()

    def _stop_if_empty(self) -> None:
        if self._draining and not self._unseen:
            self._drain.go_on()
        is_empty = not self._pairs and not self._strays and not self._unseen
        if (self._draining or self._keeps) and not self._stay and is_empty:
            self._context.end()
            self._loop.stop()
