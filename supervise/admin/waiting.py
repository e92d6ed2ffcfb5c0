"""``slashservice wait``: until services are up, of use, or down. For scripts, and other services.

It says nothing while all goes well: run scripts begin with ``until slashservice wait redis``.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise.admin import everything, health, output, unsupervised, words
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.seen import Seen
from slashservice.supervise.admin.unsupervised import SECONDS_OF_A_CHANGE
from slashservice.supervise.admin.verbs import distinct, number_of_seconds
from slashservice.supervise.messages import Quit, error_words
from slashservice.supervise.protocol import checks, names, runit_status, status
from slashservice.supervise.protocol.onlooker import Onlooker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = """\
slashservice wait [--up|--ready|--down] [-t SECONDS] [--service-dir DIR] NAME...

Wait until all of the services are so, and say nothing:

  --up               they run
  --ready            they run, and their check scripts say that they are of use (the default)
  --down             they are down, and not about to be started; that is known at once of what
                     nobody supervises
  -t SECONDS         so long at most; also --timeout, -w. Without it, as long as it takes
  --service-dir DIR  the scan directory; --user: your own

Exit status: 0 they are, 1 not in time, 100 wrong usage, 111 trouble.
Manual: man slashservice"""

KNOWN = {"up": False, "ready": False, "down": False, "timeout": True}
SHORT = {"-t": "timeout", "-w": "timeout", "--wait": "timeout"}

FOR_EVER = 1e9
"""Seconds: thirty years."""


class Waiting:
    """Waits for services, each a name and a path, to be as ``goal`` says: one of the options.

    ``directory`` is the scan directory.
    """

    def __init__(self, services: Sequence[tuple[str, str]], goal: str, directory: str) -> None:
        self._directory = directory
        self._lost: dict[int, float] = {}
        """When services were supervised for the last time that have been so since we wait."""
        self._services = [(checks.Named(os.fsencode(name)), path) for name, path in services]
        self._goal = goal
        self._onlooker = Onlooker(self._look)
        self._checks = checks.Checks(lambda: self._onlooker)
        self._here = os.getcwd()

    def run(self, seconds: float) -> list[str]:
        """Wait so long at most; return what is to be said of those that are not so."""
        for number, (_, path) in enumerate(self._services):
            self._add(number, path)
        for number in range(len(self._services)):
            self._onlooker.see(number)
        self._onlooker.loop.after(SECONDS_OF_A_CHANGE, self._say_what_is_missing)
        left = self._onlooker.run(seconds)
        for number in left:
            self._checks.end(self._services[number][0])
        return [self._words(number, seconds) for number in left]

    def _add(self, number: int, path: str) -> None:
        try:
            os.chdir(path)
        except OSError:
            os.chdir("/")  # it may come yet, and is looked at several times a second
        self._onlooker.add(number)
        os.chdir(self._here)

    def _seen(self, number: int) -> Seen:
        named, path = self._services[number]
        return Seen(os.fsdecode(named.word), path)

    def _words(self, number: int, seconds: float) -> str:
        seen = self._seen(number)
        state = health.state(seen, 0)
        waits = self._goal == "ready" and state == health.RUNNING
        check = ", and its check script says no" if waits else ""
        runs = unsupervised.still_runs(seen)
        after = f" after {words.spell(seconds)}"
        return f"{seen.name} is {state}{check}{after}{f'; {runs}' if runs else ''}"

    def _say_what_is_missing(self) -> None:
        """Say whom we wait for in vain, unless somebody starts an svscan."""
        for number in self._onlooker.left():
            seen = self._seen(number)
            if seen.is_missing:
                output.complain(f"waiting for {seen.name}: there is no directory {seen.path}")
            elif not seen.error and not seen.is_supervised:
                what, *more = unsupervised.why(seen, self._directory)
                output.complain(f"waiting for {seen.name}, which {what}", *more)

    def _look(self, number: int) -> bool:
        named, path = self._services[number]
        if named.checker:
            return False
        seen = self._seen(number)
        now = seen.now
        if isinstance(seen.error, PermissionError):
            why = os.fsdecode(error_words(seen.error))
            raise output.fatal(f"how {seen.name} is can't be told: {why}")
        if self._goal == "down" and seen.is_missing:
            gone = everything.still_has(self._directory, path)
            return gone is None or not gone.pid
        if not seen.error and not seen.is_supervised:
            return self._goal == "down" and self._is_down_for_good(number, seen)
        if seen.error or now is None:
            return False
        self._lost[number] = time.monotonic()
        if self._goal == "down":
            return not now.pid and not now.finish and now.want != b"u"
        if not now.pid or now.finish:
            return False
        return self._goal == "up" or self._is_of_use(number, named, path)

    def _is_down_for_good(self, number: int, seen: Seen) -> bool:
        """Tell whether a service that nobody supervises stays down.

        Whoever waits on is told of it only when an svscan starts. So it is an end if something of
        it still runs. Raises ``Quit``.
        """
        if unsupervised.is_taken_up(self._directory, seen.path):
            return False
        wait = self._lost.get(number, -SECONDS_OF_A_CHANGE) + SECONDS_OF_A_CHANGE - time.monotonic()
        if wait > 0:
            self._onlooker.see_after(wait, number)
            return False
        if seen.left:
            what, *more = unsupervised.why(seen, self._directory)
            output.complain(f"{seen.name} is not down: it {what}", *more)
            raise Quit(111)
        output.complain(f"{seen.name} is down: nobody supervises it")
        return True

    def _is_of_use(self, number: int, named: checks.Named, path: str) -> bool:
        try:
            os.chdir(path)
            now = runit_status.parse(status.read(names.STATUS))
            return now is not None and self._checks.is_available(number, named, now)
        except OSError:
            return False
        finally:
            os.chdir(self._here)


def main(verb: str, argv: Sequence[str], directory: str) -> int:
    """Wait."""
    given = Arguments(argv, HELP, KNOWN, SHORT, directory)
    goals = [goal for goal in ("up", "ready", "down") if goal in given.given]
    if not given.words:
        raise given.wrong("for which service?")
    if len(goals) > 1:
        raise given.wrong(f"--{goals[0]} and --{goals[1]} exclude each other")
    seconds = number_of_seconds(given.given.get("timeout", str(int(FOR_EVER))))
    if seconds is None:
        raise given.wrong("-t takes a number of seconds")
    services = distinct(given.words, given.directory)
    unknown = [
        word
        for word, path in services
        if not (os.path.lexists(path) or everything.still_has(given.directory, path))
    ]
    if unknown:
        raise output.unknown(unknown, given.directory)
    left = Waiting(services, goals[0] if goals else "ready", given.directory).run(seconds)
    for said in left:
        output.complain(said)
    return 1 if left else 0
