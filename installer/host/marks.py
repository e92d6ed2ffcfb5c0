"""The words by which slashservice recognises its own files and lines on a host."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from slashservice.installer.errors import Refusal

OUR_FILE = b"slashservice install"
"""Every file that is wholly ours contains these words: see :mod:`slashservice.init_templates`."""

WRITTEN_BY_US = b"Written by `slashservice install`"
"""What each of these says of itself. Who mentions us elsewhere does not say so."""

BROUGHT_BY_US = b"Brought by the package of slashservice."
"""What such a file says of itself where a package has brought it."""

SAYS_OURS = (WRITTEN_BY_US, BROUGHT_BY_US)

BEGIN = b"# begin slashservice\n"
END = b"# end slashservice\n"
"""The lines around what is ours in a file that is somebody else's."""


def ours(data: bytes) -> frozenset[int]:
    """Return the numbers of the lines between our marks, counted from 1."""
    found, inside = set(), False
    for number, line in enumerate(data.split(b"\n"), 1):
        inside = (inside or line.strip() == BEGIN.strip()) and line.strip() != END.strip()
        if inside:
            found.add(number)
    return frozenset(found)


class BrokenMarks(Refusal):
    """The lines around what is ours are not one pair; ``marks`` are their numbers and texts."""

    def __init__(self, what: str, marks: list[tuple[int, str]], path: str = "") -> None:
        super().__init__(
            f"{path or 'a file'}: {what}",
            *(f"{path}:{number}: {text}" for number, text in marks),
            "Take these lines out, with what is slashservice's between them. Then do it once more.",
        )
        self.why = what
        self.marks = marks

    def named(self, path: str) -> BrokenMarks:
        """Return the same about the file at ``path``."""
        return BrokenMarks(self.why, self.marks, path)


@contextlib.contextmanager
def naming(path: str) -> Iterator[None]:
    """Name the file in which marks are found broken."""
    try:
        yield
    except BrokenMarks as broken:
        raise broken.named(path) from None


def block(data: bytes, begin: bytes = BEGIN, end: bytes = END) -> tuple[int, int] | None:
    """Return the places, among the lines of a file, of the marks; ``None`` if there are none.

    Files whose comments begin otherwise have other marks. :class:`BrokenMarks` where they are not
    one pair.
    """
    lines = [line.strip() for line in data.split(b"\n")]
    begins = [at for at, line in enumerate(lines) if line == begin.strip()]
    ends = [at for at, line in enumerate(lines) if line == end.strip()]
    if not begins and not ends:
        return None
    if len(begins) == len(ends) == 1 and begins < ends:
        return begins[0], ends[0]
    what = "they are there more than once"
    if not ends:
        what = "nothing ends them"
    elif not begins:
        what = "nothing begins them"
    elif len(begins) == len(ends) == 1:
        what = "they end before they begin"
    elif len(begins) != len(ends):
        what = "not each beginning has its end"
    marks = [(at + 1, lines[at].decode("latin-1")) for at in sorted(begins + ends)]
    raise BrokenMarks(f"the marks of slashservice's own lines are broken: {what}", marks)
