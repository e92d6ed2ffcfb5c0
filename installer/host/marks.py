"""The words by which slashservice recognises its own files and lines on a host."""

from __future__ import annotations

OUR_FILE = b"slashservice install"
"""Every file that is wholly ours contains these words: see :mod:`slashservice.init_templates`."""

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
