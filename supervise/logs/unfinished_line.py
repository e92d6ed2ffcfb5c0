"""An unfinished line, and what the patterns decided about it, as bytes for the journal.

:mod:`~slashservice.supervise.logs.journal` keeps them.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from slashservice.supervise.logs.lines import Lines, Selection

LAYOUT = struct.Struct("<?HH")
"""Whether it is overlong, the characters that were read of it, and the number of selections.

Behind this there is a byte for each selection, which tells whether the overlong line passes,
and the beginning of the line, stamped.
"""


def pack(lines: Lines, selections: Sequence[Selection]) -> bytes:
    """Pack what ``lines`` and ``selections`` know of the unfinished line."""
    passing = bytes(selection.passing for selection in selections)
    return LAYOUT.pack(lines.overlong, lines.read, len(passing)) + passing + lines.head


def unpack(carry: bytes, lines: Lines, selections: Sequence[Selection]) -> None:
    """Give ``lines`` and ``selections`` what a killed logger packed."""
    lines.overlong, lines.read, count = LAYOUT.unpack_from(carry)
    passing = carry[LAYOUT.size : LAYOUT.size + count]
    lines.head = carry[LAYOUT.size + count :]
    for selection, passes in zip(selections, passing, strict=True):
        selection.passing = bool(passes)


def as_read(carry: bytes) -> bytes:
    """Return the characters of the line as they were read, without any stamp."""
    _, read, _ = LAYOUT.unpack_from(carry)
    return carry[-read:] if read else b""
