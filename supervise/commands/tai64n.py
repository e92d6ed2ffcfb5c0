"""``tai64n``: put the time at which each line begins to arrive in front of it."""

from __future__ import annotations

from slashservice.supervise import tai
from slashservice.supervise.logs import labels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Copy standard input to standard output; arguments mean nothing."""
    del argv
    return labels.run(Stamper().convert)


class Stamper:
    """Stamps lines; remembers whether the last block ended within a line."""

    def __init__(self) -> None:
        self._inside = False

    def convert(self, block: bytes) -> bytes:
        """Return ``block`` with the time of now in front of each line that begins in it."""
        stamp = tai.label(tai.now()) + b" "
        ended = block[-1] == 0x0A
        text = block.replace(b"\n", b"\n" + stamp)
        if ended:
            text = text[: -len(stamp)]
        if not self._inside:
            text = stamp + text
        self._inside = not ended
        return text
