"""``slashservice list --watch``: the table anew whenever something has changed.

The kernel tells of changes; times are counted on from what is known. So an idle tree is looked at
once a minute, and where all has been as it is for a minute, nothing is done for another.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise import signal_numbers
from slashservice.supervise.admin import output, overview
from slashservice.supervise.admin.everything import Everything
from slashservice.supervise.platform import watch as events
from slashservice.supervise.platform.current import watcher
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

CHANGES = events.MOVED_TO | events.CLOSE_WRITE | events.GONE

SECONDS_TOGETHER = 0.1
"""What changes within so long is shown at once."""

SECONDS_BETWEEN_LOOKS = 1.0
"""How often services are looked at where the kernel does not tell of changes."""

OURS = {os.path.basename(name) for name in (names.OK, names.CONTROL)}
"""Files of which the kernel tells when we look, or when somebody tells a service something."""

CLEAR = "\x1b[H\x1b[2J"
"""What puts the cursor into the upper left corner of an empty screen."""


class Watch:
    """Shows the services ``named`` in a scan directory, or all."""

    def __init__(self, directory: str, named: Sequence[str], *, coloured: bool) -> None:
        self.directory = directory
        self.named = list(named)
        self.coloured = coloured
        self.loop = Loop()
        self._watcher = watcher()
        self._watched: set[str] = set()
        self._is_due = False
        self._shown = ""
        self._everything = Everything(directory, self.named)
        if self._watcher:
            self._watcher.listen(self.loop, self._told)
        for number in (signal_numbers.SIGINT, signal_numbers.SIGTERM, signal_numbers.SIGHUP):
            self.loop.on_signal(number, self.loop.stop)
        self.loop.on_signal(signal_numbers.SIGWINCH, self._show)

    def run(self) -> None:
        """Show them until a signal says that it is enough."""
        self._look()
        self._tick()
        self.loop.run()

    def _told(self, seen: Sequence[events.Event]) -> None:
        if any(event.name not in OURS for event in seen):
            self._changed()

    def _changed(self) -> None:
        if not self._is_due:
            self._is_due = True
            self.loop.after(SECONDS_TOGETHER, self._look)

    def _look(self) -> None:
        self._is_due = False
        self._everything = Everything(self.directory, self.named)
        self._listen()
        self._show()

    def _listen(self) -> None:
        """Have the kernel tell of what is new."""
        paths = [self.directory]
        for one in self._everything.services:
            paths += [one.path, os.path.join(one.path, os.fsdecode(names.SUPERVISE))]
            if one.log:
                paths.append(os.path.join(one.log.path, os.fsdecode(names.SUPERVISE)))
        told = True
        for path in paths:
            if path in self._watched:
                continue
            try:
                if self._watcher:
                    mask = events.ENTRIES if path == self.directory else CHANGES | events.ENTRIES
                    self._watcher.add(os.fsencode(path), mask)
                    self._watched.add(path)
            except OSError:
                told = False
        self._watched.intersection_update(paths)
        if not self._watcher or not told:
            self.loop.after(SECONDS_BETWEEN_LOOKS, self._changed)

    def _tick(self) -> None:
        """Show how time goes by: each second while seconds are shown, else each minute."""
        now = time.time()
        ages = [now - one.since for one in self._everything.services if one.since is not None]
        self._show()
        self.loop.after(1.0 if any(age < 3600 for age in ages) else 60.0, self._tick)

    def _show(self) -> None:
        seen = self._everything.services
        lines = overview.shown(seen, time.time(), output.cells(), coloured=self.coloured)
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
    Watch(directory, named, coloured=coloured).run()
    return 0
