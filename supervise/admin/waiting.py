"""``slashservice wait``: until services are up, of use, or down. For scripts, and other services.

It says nothing while all goes well: run scripts begin with ``until slashservice wait redis``.
"""

from __future__ import annotations

import os

from slashservice.supervise.admin import health, output, words
from slashservice.supervise.admin.arguments import Arguments
from slashservice.supervise.admin.seen import Seen
from slashservice.supervise.admin.verbs import distinct, number_of_seconds
from slashservice.supervise.messages import error_words
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
  --down             they are down, and not about to be started
  -t SECONDS         so long at most; also --timeout. Without it, as long as it takes
  --service-dir DIR  the scan directory; --user: your own

Exit status: 0 they are, 1 not in time, 100 wrong usage, 111 trouble.
Manual: man slashservice"""

KNOWN = {"up": False, "ready": False, "down": False, "timeout": True}
SHORT = {"-t": "timeout"}

FOR_EVER = 1e9
"""Seconds: thirty years."""


class Waiting:
    """Waits for services, each a name and a path, to be as ``goal`` says: one of the options."""

    def __init__(self, services: Sequence[tuple[str, str]], goal: str) -> None:
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
        left = self._onlooker.run(seconds)
        for number in left:
            self._checks.end(self._services[number][0])
        return [self._words(number) for number in left]

    def _add(self, number: int, path: str) -> None:
        try:
            os.chdir(path)
        except OSError:
            os.chdir("/")  # it may come yet, and is looked at several times a second
        self._onlooker.add(number)
        os.chdir(self._here)

    def _words(self, number: int) -> str:
        named, path = self._services[number]
        seen = Seen(os.fsdecode(named.word), path)
        state = health.state(seen, 0)
        waits = self._goal == "ready" and state == health.RUNNING
        return f"{seen.name} is {state}" + (", and its check script says no" if waits else "")

    def _look(self, number: int) -> bool:
        named, path = self._services[number]
        if named.checker:
            return False
        seen = Seen(os.fsdecode(named.word), path)
        now = seen.now
        if isinstance(seen.error, PermissionError):
            why = os.fsdecode(error_words(seen.error))
            raise output.fatal(f"how {seen.name} is can't be told: {why}")
        if self._goal == "down" and seen.is_missing:
            return True
        if seen.error or not seen.is_supervised or now is None:
            return False
        if self._goal == "down":
            return not now.pid and now.want != b"u"
        if not now.pid or now.finish:
            return False
        return self._goal == "up" or self._is_of_use(number, named, path)

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
    for word, path in services:
        if not os.path.lexists(path):
            raise output.fatal(f"there is no service {word} in {given.directory}")
    left = Waiting(services, goals[0] if goals else "ready").run(seconds)
    for said in left:
        output.complain(f"{said} after {words.spell(seconds)}")
    return 1 if left else 0
