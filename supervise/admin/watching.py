"""Seeing services change, and ``slashservice list --watch``, which shows them anew then.

The kernel tells of changes, and only what has changed is looked at again; times are counted on
from what is known. So an idle tree is left alone.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise import signal_numbers
from slashservice.supervise.admin import output, overview, unsupervised
from slashservice.supervise.admin.everything import Everything
from slashservice.supervise.platform import watch as events
from slashservice.supervise.platform.current import watcher
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHANGES = events.MOVED_TO | events.CLOSE_WRITE | events.GONE

SECONDS_TOGETHER = 0.1
"""What changes within so long is looked at once."""

SECONDS_BETWEEN_LOOKS = 1.0
"""How often services are looked at where the kernel does not tell of changes."""

ALL = ""
"""Stands for the scan directory among the names of services."""

OURS = {os.path.basename(name) for name in (names.OK, names.CONTROL)}
"""Files of which the kernel tells when we look, or when somebody tells a service something."""

CLEAR = "\x1b[H\x1b[2J"
"""What puts the cursor into the upper left corner of an empty screen."""


class Watch:
    """Keeps ``everything`` about the services ``named`` in a scan directory, or all, as it is.

    It calls ``changed`` from ``loop`` when something of it has changed.
    """

    def __init__(
        self, loop: Loop, directory: str, named: Sequence[str], changed: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._directory = directory
        self._named = list(named)
        self._changed = changed
        self._watcher = watcher()
        self._told: dict[int, str] = {}
        """Of which service the kernel tells, by the number that it tells; ``ALL`` for all."""
        self._due: set[str] = set()
        self._again = False
        """Whether all is looked at again anyway, after a while."""
        self.everything = Everything(directory, self._named)
        if self._watcher:
            self._watcher.listen(loop, self._events)
        self._listen()

    def _events(self, seen: Sequence[events.Event]) -> None:
        for event in seen:
            if event.name not in OURS:
                # Whose number is not known is gone, but for what tells that there was too much.
                name = self._told.get(event.watch, ALL if event.watch < 0 else None)
                if name is not None:
                    self._ask(name)

    def _ask(self, name: str) -> None:
        """Look at a service again soon, or at all."""
        if not self._due:
            self._loop.after(SECONDS_TOGETHER, self._look)
        self._due.add(name)

    def _look(self) -> None:
        due, self._due = self._due, set()
        if ALL in due:
            self.everything = Everything(self._directory, self._named)
            before, self._told = self._told, {}
            self._listen()
            for number in before.keys() - self._told.keys():
                if self._watcher:
                    self._watcher.remove(number)  # its directory may be there still
        else:
            self.everything.look_again(due)
            self._listen(due)
        self._changed()

    def _listen(self, those: set[str] | None = None) -> None:
        """Have the kernel tell of changes to services, all unless ``those`` are named.

        It is harmless to ask twice: the kernel gives the same number again.
        """
        places = [(self._directory, ALL)] if those is None else []
        for one in self.everything.services:
            if those is not None and one.name not in those:
                continue
            for path in (one.path, *([one.log.path] if one.log else [])):
                places += [
                    (path, one.name),
                    (os.path.join(path, os.fsdecode(names.SUPERVISE)), one.name),
                ]
        # No file tells that svscan lets go of what is unlinked, or that what nobody has ends.
        complete = self._watcher is not None and all(
            one.is_linked and not (one.is_deleted or unsupervised.still_runs(one))
            for one in self.everything.services
        )
        for path, name in places:
            mask = events.ENTRIES if name == ALL else CHANGES | events.ENTRIES
            try:
                if self._watcher:
                    self._told[self._watcher.add(os.fsencode(path), mask)] = name
            except FileNotFoundError:
                pass  # it is told of when it comes
            except OSError:
                complete = False
        if not complete and not self._again:
            self._again = True
            self._loop.after(SECONDS_BETWEEN_LOOKS, self._look_anyway)

    def _look_anyway(self) -> None:
        self._again = False
        self._ask(ALL)


class Shown:
    """The table of services on a screen, or in a pipe one after another."""

    def __init__(self, directory: str, named: Sequence[str], *, coloured: bool) -> None:
        self._coloured = coloured
        self._shown = ""
        self._loop = Loop()
        for number in (signal_numbers.SIGINT, signal_numbers.SIGTERM, signal_numbers.SIGHUP):
            self._loop.on_signal(number, self._loop.stop)
        self._loop.on_signal(signal_numbers.SIGWINCH, self._show)
        self._watch = Watch(self._loop, directory, named, self._show)

    def run(self) -> None:
        """Show them until a signal says that it is enough."""
        self._tick()
        self._loop.run()

    def _tick(self) -> None:
        """Show how time goes by: each second where seconds are shown, else each minute."""
        now = time.time()
        seen = self._watch.everything.services
        ages = [now - one.since for one in seen if one.since is not None]
        self._show()
        self._loop.after(1.0 if any(age < 3600 for age in ages) else 60.0, self._tick)

    def _show(self) -> None:
        seen = self._watch.everything.services
        lines = overview.shown(seen, time.time(), output.cells(), coloured=self._coloured)
        text = "\n".join(lines)
        if text == self._shown:
            return
        self._shown = text
        rows = output.rows()
        if rows is None:
            output.write([*lines, ""])
        else:
            output.write_text(CLEAR + "\n".join(lines[: rows - 1]) + "\n")


def watch(directory: str, named: Sequence[str], *, coloured: bool) -> int:
    """Show them until told to end; return the exit status."""
    Shown(directory, named, coloured=coloured).run()
    return 0
