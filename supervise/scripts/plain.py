"""What a plain log script comes to."""

from __future__ import annotations


class Plain:
    """A script that ends by ``exec`` of a logger, ``program``, with the words ``actions``.

    ``actions`` is None where only a shell can tell them. The logger runs as ``account`` unless that
    is None; it is an account alone, or in chpst's form with groups. ``programs`` has the words that
    name our commands, by command. ``merged`` tells that complaints go where standard output goes.

    What is before the logger does nothing if the directories ``made`` are there, unless it
    ``is_needed``. ``before`` has that done by ``interpreter``, as one more argument, and behind it
    ``$0``. It ends by writing to descriptor 9 the actions, then the working directory
    and ``.`` if the script ``moves``, else nothing, with a NUL after each. It is None where what
    would have to be done is not for us to do.

    ``assigned`` are the variables that the script sets, ``exported`` those that it exports;
    ``path`` is the value of PATH if that is one of them; ``umask`` is None if it is left alone.
    """

    __slots__ = (
        "account",
        "actions",
        "assigned",
        "before",
        "exported",
        "interpreter",
        "is_needed",
        "made",
        "merged",
        "moves",
        "path",
        "program",
        "programs",
        "umask",
    )

    def __init__(
        self,
        program: str,
        account: bytes | None,
        actions: list[bytes] | None,
        programs: dict[str, bytes],
    ) -> None:
        self.program = program
        self.account = account
        self.actions = actions
        self.programs = programs
        self.merged = self.is_needed = self.moves = False
        self.made: list[bytes] = []
        self.before: bytes | None = None
        self.interpreter: list[bytes] = []
        self.assigned: set[bytes] = set()
        self.exported: set[bytes] = set()
        self.path: bytes | None = None
        self.umask: int | None = None
