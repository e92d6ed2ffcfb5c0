"""An unfinished line, and what the patterns decided about it, as bytes for the journal.

:mod:`~slashservice.supervise.logs.journal` keeps them.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.logs.lines import Lines, Selection

LAYOUT = struct.Struct("<BHH")
"""Whether it is overlong, the characters that were read of it, and the number of selections.

Behind this there is a byte for each selection, which tells whether the overlong line passes,
and the beginning of the line, stamped.
"""


def pack(lines: Lines, selections: Sequence[Selection]) -> bytes:
    """Pack what ``lines`` and ``selections`` know of the unfinished line."""
    passing = bytes(selection.passing for selection in selections)
    return LAYOUT.pack(lines.overlong, lines.read, len(passing)) + passing + lines.head


def unpack(carry: bytes, lines: Lines, selections: Sequence[Selection]) -> None:
    """Give ``lines`` and ``selections`` what a killed logger packed.

    Raises ``ValueError``, and gives nothing, if no logger of that script packs such a thing.
    """
    overlong, read, passing, head = _parse(carry)
    if len(passing) != len(selections):
        raise ValueError("other selections")
    for selection, passes in zip(selections, passing, strict=True):
        selection.passing = bool(passes)
    lines.overlong, lines.read, lines.head = overlong, read, head


def as_read(carry: bytes) -> bytes:
    """Return the characters of the line as they were read, without any stamp.

    Raises ``ValueError`` if no logger packs such a thing.
    """
    _, read, _, head = _parse(carry)
    return head[-read:] if read else b""


def _parse(carry: bytes) -> tuple[bool, int, bytes, bytes]:
    if len(carry) < LAYOUT.size:
        raise ValueError("short")
    overlong, read, count = LAYOUT.unpack_from(carry)
    passing, head = carry[LAYOUT.size :][:count], carry[LAYOUT.size + count :]
    if overlong > 1 or len(passing) < count or passing.strip(b"\0\1"):
        raise ValueError("no flags")
    if read > len(head) or bool(overlong) == bool(head) or b"\n" in head:
        raise ValueError("no beginning of a line")
    return bool(overlong), read, passing, head
