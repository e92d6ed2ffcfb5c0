"""``slashservice top``: a screen of services that live, with keys to steer them.

Services are looked at when the kernel tells that they have changed. What their processes use is
measured as often as takes a hundredth of a processor at most, and every two seconds at most.
"""

from __future__ import annotations

import curses
import os
import subprocess
import time
from functools import partial

from slashservice.supervise import signal_numbers
from slashservice.supervise.admin import output, top_view
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.said import last_words
from slashservice.supervise.admin.top_view import Usage, View
from slashservice.supervise.admin.watching import Watch
from slashservice.supervise.chain import launchers
from slashservice.supervise.messages import error_words
from slashservice.supervise.platform import usage
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.printable import printable
from slashservice.supervise.protocol import client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slashservice.supervise.admin.seen import Seen

HELP = """\
slashservice top [--service-dir DIR] [NAME...]

Show services on a screen while they live: states, processor time and memory of all the processes of
each, restarts, and what the selected one logs. Keys:

  up, down, page up, page down, home, end   select a service
  s start   x stop   r restart   w why      of the selected one
            (what ends a service is asked about first: y does it)
  l         follow its log, until ^C
  /         only names that contain what is typed; enter ends it, escape takes it back
  o         another order: name, state, cpu, memory, restarts
  q         quit

  --service-dir DIR  the scan directory; --user: your own

Exit status: 0, 100 wrong usage, 111 trouble.
Manual: man slashservice"""

SECONDS = 2.0
"""Between two measurements, at least."""

SHARE = 0.01
"""Of one processor, that measurements may take."""

ESCAPE = 27
ENTER = (10, 13, curses.KEY_ENTER)
BACKSPACE = (8, 127, curses.KEY_BACKSPACE)
YES = (ord("y"), ord("Y"))


class Top:
    """The screen."""

    def __init__(self, screen: curses.window, directory: str, named: Sequence[str]) -> None:
        self._screen = screen
        self._directory = directory
        self._view = View()
        self._loop = Loop()
        self._typed: str | None = None
        """What has been typed of a filter, while it is."""
        self._told = ""
        self._asked: tuple[Seen, str, bytes] | None = None
        """What is done to which service if the next key is y: a verb and its letters."""
        self._used: dict[str, Usage] = {}
        self._before: dict[int, float] = {}
        self._measured = 0.0
        self._styles = _styles()
        self._due = False
        self._watch = Watch(self._loop, directory, named, self._ask)
        self._loop.add(0, self._keys)
        self._loop.on_signal(signal_numbers.SIGWINCH, self._resized)
        self._interrupts = 0
        """How many interrupts were for a program to which the screen was left."""
        self._loop.on_signal(signal_numbers.SIGINT, self._interrupted)
        for number in (signal_numbers.SIGTERM, signal_numbers.SIGHUP):
            self._loop.on_signal(number, self._loop.stop)
        screen.nodelay(True)
        screen.keypad(True)

    def run(self) -> None:
        """Show it until somebody has enough."""
        self._measure()
        self._loop.run()

    def _seen(self) -> list[Seen]:
        return self._view.chosen(self._watch.everything.services, self._used, time.time())

    def _selected(self) -> Seen | None:
        return next((one for one in self._seen() if one.name == self._view.selected), None)

    def _selected_now(self) -> Seen | None:
        """Look at the selected service again; return how it is."""
        if one := self._selected():
            self._watch.everything.look_again([one.name])
        return self._selected()

    def _measure(self) -> None:
        """Find out what all use now, and ask for the next time."""
        began, used = time.monotonic(), time.process_time()
        seen = self._watch.everything.services
        pids = {one.pid: one.name for one in seen if one.pid}
        found = usage.of(set(pids), self._watch.everything.svscan)
        passed = began - self._measured
        self._used = {
            pids[pid]: Usage(
                100 * max(0.0, use.seconds - self._before.get(pid, use.seconds)) / passed,
                use.memory,
            )
            for pid, use in found.items()
        }
        self._before = {pid: use.seconds for pid, use in found.items()}
        self._measured = began
        self._draw()
        took = time.process_time() - used
        self._loop.after(max(SECONDS, took / SHARE), self._measure)

    def _ask(self) -> None:
        """Draw it anew as soon as all else is done."""
        if not self._due:
            self._due = True
            self._loop.after(0.0, self._draw)

    def _draw(self) -> None:
        self._due = False
        now = time.time()
        size = self._screen.getmaxyx()
        chosen = self._seen()
        one = self._selected()
        said = last_words(one, top_view.LOG_LINES) if one and one.log else []
        everything = self._watch.everything
        head = top_view.head(self._directory, everything.svscan, everything.services, now)
        foot = self._told or top_view.KEYS
        if self._asked:
            about, verb, _ = self._asked
            foot = top_view.question(verb, about, size[1])
        elif self._typed is not None:
            foot = f"/{self._typed}"
        elif self._view.wanted:
            foot = f"[{self._view.wanted}] {foot}"
        self._screen.erase()
        for row, (text, style) in enumerate(
            self._view.lines(chosen, self._used, said, now, size, head, foot)
        ):
            try:
                self._screen.addstr(row, 0, text, self._styles[style])
            except curses.error:
                pass  # the last cell of the last line, or a screen that became smaller
        self._screen.refresh()

    def _resized(self) -> None:
        size = os.get_terminal_size(1)
        curses.resizeterm(size.lines, size.columns)
        self._screen.clear()
        self._ask()

    def _keys(self) -> None:
        """Do what was typed."""
        while (key := self._screen.getch()) >= 0:
            if key == curses.KEY_RESIZE:
                continue  # nobody typed that
            self._told = ""
            if self._asked:
                self._answer(is_yes=key in YES)
            elif self._typed is not None:
                self._type(key)
            elif key in self._actions():
                self._actions()[key]()
            if self._loop.stopped:
                return
        if not os.isatty(0):
            self._loop.stop()
        self._ask()

    def _type(self, key: int) -> None:
        """Take a key that is a part of a filter."""
        assert self._typed is not None
        if key in ENTER:
            self._typed = None
        elif key == ESCAPE:
            self._typed, self._view.wanted = None, ""
        elif key in BACKSPACE:
            self._typed = self._view.wanted = self._typed[:-1]
        elif 32 <= key < 127:
            self._typed = self._view.wanted = self._typed + chr(key)

    def _actions(self) -> dict[int, Callable[[], None]]:
        page = max(1, self._screen.getmaxyx()[0] - 10)
        many = len(self._watch.everything.services)
        steps = {
            curses.KEY_UP: -1,
            ord("k"): -1,
            curses.KEY_DOWN: 1,
            ord("j"): 1,
            curses.KEY_PPAGE: -page,
            curses.KEY_NPAGE: page,
            curses.KEY_HOME: -many,
            curses.KEY_END: many,
        }
        return {
            **{key: partial(self._move, step) for key, step in steps.items()},
            ord("q"): self._loop.stop,
            ord("s"): lambda: self._steer("start", b"u"),
            ord("x"): lambda: self._steer("stop", b"d", ends=True),
            ord("r"): lambda: self._steer("restart", b"tcu", ends=True),
            ord("o"): self._reorder,
            ord("/"): self._filter,
            ord("l"): self._follow,
            ord("w"): self._why,
        }

    def _move(self, steps: int) -> None:
        self._view.move(self._seen(), steps)

    def _steer(self, verb: str, letters: bytes, *, ends: bool = False) -> None:
        """Tell the selected service to do something; ask first if that ``ends`` what it does."""
        one = self._selected_now()
        if one and ends and (one.pid or (one.now and one.now.want == b"u")):
            self._asked = (one, verb, letters)
        elif one:
            self._tell(one, verb, letters)

    def _answer(self, *, is_yes: bool) -> None:
        """Do what was asked about, or not."""
        assert self._asked
        (one, verb, letters), self._asked = self._asked, None
        if is_yes:
            self._tell(one, verb, letters)
        else:
            self._told = f"{printable(one.name)}: no {verb}, it is left alone"

    def _tell(self, one: Seen, verb: str, letters: bytes) -> None:
        """Tell a service to do something."""
        try:
            client.tell(os.fsencode(one.path), letters, patient=False)
            self._told = f"{printable(one.name)}: told to {verb}"
        except OSError as error:
            self._told = f"{printable(one.name)}: {os.fsdecode(error_words(error))}"

    def _reorder(self) -> None:
        self._told = f"by {self._view.next_order()}"

    def _filter(self) -> None:
        self._typed = self._view.wanted = ""

    def _why(self) -> None:
        from slashservice.supervise.admin.case import Case
        from slashservice.supervise.admin.causes import causes

        if one := self._selected_now():
            case = Case(one, self._directory, self._watch.everything.svscan, time.time())
            found = causes(case)
            self._told = f"{printable(one.name)}: {found[0].what if found else 'nothing is wrong'}"

    def _follow(self) -> None:
        """Leave the screen to the log of the selected service."""
        one = self._selected()
        if one and not one.log:
            self._told = f"{printable(one.name)} has no log"
        elif one:
            self._show(launchers.command("svlog"), ["-f"])

    def _show(self, program: list[bytes], words: Sequence[str]) -> None:
        """Leave the screen to a program, until it ends, about the selected service."""
        one = self._selected()
        if not one:
            return
        curses.endwin()
        process = subprocess.Popen([*program, *words, "--", one.path])
        if process.wait() == -signal_numbers.SIGINT:
            self._interrupts += 1
        self._screen.clear()
        self._screen.refresh()

    def _interrupted(self) -> None:
        if self._interrupts:
            self._interrupts -= 1
        elif self._asked:
            self._answer(is_yes=False)
            self._ask()
        else:
            self._loop.stop()


def _styles() -> list[int]:
    """Return the attribute of each style, on a terminal with colours or without."""
    plain = [curses.A_NORMAL, curses.A_BOLD, curses.A_DIM, curses.A_REVERSE]
    try:
        curses.curs_set(0)
    except curses.error:
        pass
    if not output.is_coloured() or not curses.has_colors():
        return [*plain, curses.A_NORMAL, curses.A_BOLD, curses.A_NORMAL]
    curses.start_color()
    curses.use_default_colors()
    for pair, colour in ((1, curses.COLOR_GREEN), (2, curses.COLOR_RED), (3, curses.COLOR_YELLOW)):
        curses.init_pair(pair, colour, -1)
    return [*plain, curses.color_pair(1), curses.color_pair(2), curses.color_pair(3)]


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Show the screen."""
    import locale

    given = Arguments(argv, HELP, {}, {}, directory)
    if not (os.isatty(0) and os.isatty(1)):
        raise output.fatal("top needs a terminal; list --watch does not")
    if os.environ.get("TERM", "dumb") in ("", "dumb"):
        raise output.fatal("this terminal can't show a screen; list --watch does without")
    if not os.path.isdir(given.directory):
        raise output.fatal(f"there is no scan directory {given.directory}")
    locale.setlocale(locale.LC_ALL, "")
    try:
        screen = curses.initscr()
        curses.noecho()
        curses.cbreak()
        try:
            Top(screen, given.directory, given.words).run()
        finally:
            curses.endwin()
    except curses.error as error:
        what = f"this terminal ({os.environ.get('TERM', '')}) can't show a screen: {error}"
        raise output.fatal(what) from None
    return 0
