"""Option parsing as the C commands do it.

Options are single letters, bundled or apart. A value is the rest of its option's word, or the
next word. The options end at a word that begins with ``--``, or before the first word that
is no option, such as a lone ``-``. ``argparse`` has other messages, and would take longer to
start than the whole command.
"""

from __future__ import annotations

import os

from slashservice.supervise.messages import complain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


BAD = "?"
"""Comes in place of a wrong option, after the complaint about it."""


class Options:
    """The options of ``argv`` by ``spec`` (letters, a ``:`` behind those with a value).

    Iterate for ``(letter, value)``; afterwards ``rest`` holds the words behind the options.
    """

    def __init__(self, program: str, argv: Sequence[bytes], spec: str) -> None:
        self.program = program
        self.spec = spec
        self.rest = list(argv)

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        while self.rest and len(self.rest[0]) > 1 and self.rest[0][:1] == b"-":
            word = self.rest.pop(0)
            if word[1:2] == b"-":
                return
            yield from self._word(word)

    def _word(self, word: bytes) -> Iterator[tuple[str, bytes]]:
        """Take one word of options apart."""
        for at in range(1, len(word)):
            letter = chr(word[at])
            where = -1 if letter == ":" else self.spec.find(letter)
            if where < 0:
                yield self._bad(b"illegal option", word[at : at + 1])
            elif self.spec[where + 1 : where + 2] != ":":
                yield letter, b""
            else:
                value = word[at + 1 :]
                if not value and not self.rest:
                    yield self._bad(b"option requires an argument", word[at : at + 1])
                else:
                    yield letter, value or self.rest.pop(0)
                return

    def _bad(self, what: bytes, letter: bytes) -> tuple[str, bytes]:
        complain(b"%s: %s -- %s\n" % (os.fsencode(self.program), what, letter))
        return BAD, letter
