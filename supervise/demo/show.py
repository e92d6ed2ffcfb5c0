"""Looks at the services of the demonstration, shows what they do, and does what keys say."""

from __future__ import annotations

import os
import time

from slashservice.supervise import signal_numbers
from slashservice.supervise.admin import output, overview, words
from slashservice.supervise.admin.everything import Everything
from slashservice.supervise.demo import paper as papers
from slashservice.supervise.demo import view as views
from slashservice.supervise.demo.news import News
from slashservice.supervise.demo.paper import Paper, Screen
from slashservice.supervise.demo.place import CLOCK, SERVICES, SLEEPER, TO_SOURCE
from slashservice.supervise.logs import tail
from slashservice.supervise.messages import error_words
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.printable import printable
from slashservice.supervise.protocol import client, deaths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashservice.supervise.admin.seen import Seen
    from slashservice.supervise.demo.guard import Started
    from slashservice.supervise.demo.place import Place

SECONDS_BETWEEN_LOOKS = 0.25

SECONDS_UNSEEN = 3600.0
"""So long it goes on at most where it has no terminal: nobody may think of it any more."""

LOG_LINES = 30
"""So many lines of each log are looked at."""

NEWS_KEPT = 50

CONTROL_D = "\x04"

DOWN_WITH_THEM = "Down with them: services first, then their logs, then svscan."


class Show:
    """The demonstration in ``place``, until one of the signals ``ends`` or a key ends it."""

    def __init__(self, place: Place, guard: Started, paper: Paper, ends: Sequence[int]) -> None:
        self._place = place
        self._guard = guard
        self._paper = paper
        self._news = News()
        self._happened: list[str] = []
        self._told = b""
        self._svscan = 0
        self._ending = False
        self._logged = 0
        """The time of the last line of a log that was printed."""
        self._said = 0
        """How much of svscan's own messages was told."""
        self._everything = Everything(place.services)
        self._loop = Loop()
        for number in ends:
            self._loop.on_signal(number, self._end)
        self._loop.on_exit(guard.pid, guard.ended)
        self._loop.add(guard.told, self._guard_tells)
        self._has_keys = papers.is_ours(0)
        self._has_terminal = papers.has_terminal()
        if not self._has_terminal:
            self._loop.after(SECONDS_UNSEEN, self._end)
        self._is_coloured = output.is_coloured()
        self._screen: Screen | None = None
        if papers.can_be_drawn():
            self._screen = Screen(paper, has_keys=self._has_keys)
            self._loop.on_signal(signal_numbers.SIGWINCH, self._redraw)
            self._loop.on_signal(signal_numbers.SIGCONT, self._redraw)
            self._loop.on_signal(signal_numbers.SIGTSTP, self._stand_still)
        if self._has_keys:
            self._loop.add(0, self._keys)
        where = f"{place.root}/{TO_SOURCE}"
        self._instructions = [
            "In another terminal:",
            f"  . {where}",
            "  svstat *; svc -t clock; svlog -f clock",
        ]
        keys = views.KEYS if self._has_keys else views.NO_KEYS
        self._view = views.View(
            f"svscan keeps these running: {place.services}", self._instructions, keys
        )

    def run(self) -> None:
        """Show it until the guard has ended."""
        if self._screen:
            self._screen.enter()
        else:
            self._welcome()
        try:
            self._look()
            self._loop.run()
        finally:
            if self._screen:
                self._screen.leave()

    def _welcome(self) -> None:
        """Say what there is, where nothing stays on a screen."""
        lines = ["svscan keeps these services running, in", f"{self._place.services}:", ""]
        lines += [f"  {name:9} {what}" for name, (what, _) in SERVICES.items()]
        lines += ["", *self._instructions, ""]
        lines += ["Type, and then enter:", *self._view.keys] if self._has_keys else views.NO_KEYS
        self._paper.put("".join(f"{line}\n" for line in [*lines, ""]))

    def _end(self) -> None:
        """Have the guard end everything. We look on until it has."""
        if not self._ending:
            self._ending = True
            self._tell(DOWN_WITH_THEM)
            self._guard.let_go()

    def _look(self) -> None:
        """See it again and again; end it where nobody can."""
        if not self._ending and (self._paper.error or self._is_hung_up()):
            self._end()
        self._see()
        self._loop.after(SECONDS_BETWEEN_LOOKS, self._look)

    def _see(self) -> None:
        """See what is new, and show it; nothing is, once the folder is being removed."""
        if self._folder_is_whole():
            everything = Everything(self._place.services)
            if self._folder_is_whole():
                self._everything = everything
                for what in self._news.of(everything.services):
                    self._tell(what)
                self._tell_what_svscan_said()
        self._show()

    def _folder_is_whole(self) -> bool:
        """Tell whether all is there. The guard removes the first of these before all others."""
        return os.path.exists(os.path.join(self._place.root, TO_SOURCE))

    def _is_hung_up(self) -> bool:
        return self._has_terminal and not papers.has_terminal()

    def _tell(self, what: str) -> None:
        """Take something into the news."""
        line = f"{time.strftime('%H:%M:%S')} {what}"
        self._happened = [*self._happened[-NEWS_KEPT:], line]
        if not self._screen:
            self._paper.put(f"{line}\n")

    def _tell_what_svscan_said(self) -> None:
        try:
            with open(self._place.said, "rb") as file:
                file.seek(self._said)
                data = file.read(65536)
        except OSError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._said += len(whole)
        for line in whole.decode("utf-8", "replace").splitlines():
            self._tell(printable(line))

    def _show(self) -> None:
        self._paper.flush()
        if self._screen:
            size = papers.size() or (papers.LEAST_ROWS, papers.LEAST_COLUMNS)
            seen, now = self._everything.services, time.time()
            listed = overview.shown(seen, now, size[1], coloured=self._is_coloured)
            log = [text for _, text in self._log(seen)]
            self._screen.draw(
                self._view.lines(size, listed, self._happened, log, coloured=self._is_coloured)
            )
        elif self._paper.is_free:
            for when, text in self._log(self._everything.services):
                if when > self._logged:
                    self._logged = when
                    self._paper.put(f"{text}\n")

    def _log(self, seen: list[Seen]) -> list[tuple[int, str]]:
        """Return the last lines of all logs in the order of time, as svlog shows them."""
        width = max((len(one.name) for one in seen), default=0)
        found = [
            (when, f"{stamp(when)} {printable(one.name):{width}} {_text(line)}")
            for one in seen
            for when, line in tail.last_lines(os.fsencode(one.path), LOG_LINES)
            if when is not None
        ]
        return sorted(found)

    def _redraw(self) -> None:
        if self._screen:
            self._screen.forget()
            self._show()

    def _stand_still(self) -> None:
        """Give the terminal back while we are stopped, as by ^Z; the services go on."""
        if self._screen:
            self._screen.leave()
            os.kill(os.getpid(), signal_numbers.SIGSTOP)
            self._screen.enter()

    def _guard_tells(self) -> None:
        """Take what the guard tells of svscan; when it has ended, all is over."""
        try:
            data = os.read(self._guard.told, 4096)
        except BlockingIOError:
            return
        if not data:
            self._look_last()
            return
        *lines, self._told = (self._told + data).split(b"\n")
        for line in lines:
            kind, *numbers = line.split()
            if kind == b"runs":
                again = " again" if self._svscan else ""
                self._svscan = int(numbers[0])
                self._tell(f"svscan was started{again} (pid {self._svscan})")
            else:
                self._svscan_died(*map(int, numbers))

    def _svscan_died(self, pid: int, status: int) -> None:
        if self._ending:
            self._see()
            return
        how = words.ending(deaths.Death(b"", pid, status, None))
        left = [f"{name} {pid}" for name, pid in self._news.runs() if _is_alive(pid)]
        self._tell(f"svscan died: {how}; these run on: {', '.join(left) or 'none'}")

    def _look_last(self) -> None:
        self._loop.remove(self._guard.told)
        self._loop.stop()

    def _keys(self) -> None:
        """Do what was typed."""
        try:
            typed = os.read(0, 64)
        except OSError:
            typed = b""
        if not typed:  # the terminal is gone, or it was ^D in a line
            self._loop.remove(0)
            self._end()
        for letter in typed.decode("ascii", "replace"):
            if letter in self._actions and not self._ending:
                self._actions[letter]()

    @property
    def _actions(self) -> dict[str, Callable[[], None]]:
        return {
            "k": self._kill_the_clock,
            "u": lambda: self._svc("u"),
            "d": lambda: self._svc("d"),
            "s": self._kill_svscan,
            "q": self._end,
            CONTROL_D: self._end,
        }

    def _kill_the_clock(self) -> None:
        pid = next((one.pid for one in self._everything.services if one.name == CLOCK), 0)
        self._kill(pid, CLOCK)

    def _kill_svscan(self) -> None:
        self._kill(self._svscan, "svscan")

    def _kill(self, pid: int, name: str) -> None:
        """Kill a process of ours that is known to run."""
        if not pid or not _is_alive(pid):
            self._tell(f"you: kill -9 {name}: it does not run, or nobody knows its pid")
            return
        self._tell(f"you: kill -9 {pid} ({name})")
        os.kill(pid, signal_numbers.SIGKILL)

    def _svc(self, letter: str) -> None:
        path = os.path.join(self._place.services, SLEEPER)
        self._tell(f"you: svc -{letter} {SLEEPER}")
        try:
            client.tell(os.fsencode(path), letter.encode(), patient=False)
        except OSError as error:
            self._tell(f"{SLEEPER}: {os.fsdecode(error_words(error))}")


def stamp(when: int) -> str:
    """Return a time, in Unix nanoseconds, as svlog shows it."""
    seconds, nanoseconds = divmod(when, 1_000_000_000)
    try:
        shown = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
    except (OverflowError, ValueError, OSError):
        return str(when)
    return f"{shown}.{nanoseconds // 1_000_000:03d}"


def _text(line: bytes) -> str:
    return printable(line.decode("utf-8", "surrogateescape"))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
