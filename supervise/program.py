"""How every command starts and ends; each launcher on disk names this module."""

from __future__ import annotations

import os
import sys

from slashservice.supervise import signals
from slashservice.supervise.messages import TROUBLE, Quit, complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Main = Callable[[Sequence[bytes]], int]


LAUNCHER_SIZE = 1024
"""No launcher is larger, in bytes."""


HELP = "--help"

DRAINING = ("svcontainer", "svscan", "svscanboot", "runsv", "runsvdir")
"""Commands that a signal has drain; as PID 1 of a container they may be sent it very early."""


class GoOn(BaseException):
    """Ends the command; the process goes on as the command ``name`` with ``argv``.

    ``path`` is where its launcher was found. This is not an ``Exception``, so that nothing on
    the way up takes it for trouble.
    """

    def __init__(self, name: str, argv: Sequence[bytes], path: bytes) -> None:
        super().__init__(name, argv, path)
        self.name = name
        self.argv = argv
        self.path = path


def load(name: str) -> Main:
    """Import the command ``name`` and return its ``main``."""
    module = __import__(f"slashservice.supervise.commands.{name}", None, None, ["main"])
    main: Main = module.main
    return main


def main_of(name: str) -> Main:
    """Return what is to be run as the command ``name``: its ``main``, or what shows its help.

    ``--help`` asks for help where it is all that the command is given. The originals would take
    it for the name of a service or a file, of which there is none.
    """
    if len(sys.argv) == 2 and sys.argv[1] == HELP:
        from slashservice.supervise import help_texts

        return help_texts.shower(name, called()) or load(name)
    return load(name)


def call(main: Main, argv: Sequence[bytes], name: str) -> int:
    """Run ``main`` and return its exit status, with any last words said."""
    try:
        return main(argv)
    except Quit as quit_:
        complain(quit_.line)
        return quit_.status
    except MemoryError:
        complain(b"%s: fatal: out of memory\n" % name.encode())
        return TROUBLE
    except Exception as error:
        # A defect of ours. No traceback reaches a user; the line says what to report.
        where = error.__traceback__
        while where is not None and where.tb_next is not None:
            where = where.tb_next
        place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where else "?"
        complain(
            os.fsencode(f"{name}: fatal: internal error: {type(error).__name__}: {error} ({place})")
            + b"\n"
        )
        return TROUBLE


def run(name: str) -> None:
    """Be the command ``name``: what a launcher calls. Never returns.

    The process ends without the interpreter's own clean-up, which only costs time here:
    everything is written with plain system calls, and nothing waits in a buffer.
    """
    signals.die_of_interrupt()
    while True:
        if name in DRAINING and os.getpid() == 1:
            signals.hold_back()
        try:
            os._exit(call(main_of(name), [os.fsencode(word) for word in sys.argv[1:]], name))
        except GoOn as next_command:
            name = next_command.name
            sys.argv = [os.fsdecode(word) for word in (next_command.path, *next_command.argv)]


def called() -> str:
    """Return the name of the file that was run, which may be a link to a launcher."""
    return os.path.basename(sys.argv[0])
