"""Where C multilog would cut its output into writes.

Nobody sees that, except where a log file gets full: C looks for the last newline *of the
piece it is about to write*. To end files at the same line we have to know where its pieces
end: it reads 1024 bytes at a time, puts lines into a buffer of 512, writes the buffer when
the next put doesn't fit, and writes whatever is in it before it reads again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slashservice.supervise.lines import Put

READ = 1024
BUFFER = 512


def pieces(puts: Iterable[Put]) -> Iterator[int]:
    """Yield the length of each piece that C would write for ``puts``."""
    fill = 0
    end_of_read = READ
    for offset, size, singly in puts:
        while size:
            if offset >= end_of_read:
                if fill:
                    yield fill
                    fill = 0
                end_of_read = offset - offset % READ + READ
            part = min(size, end_of_read - offset) if singly else size
            size -= part
            offset += part
            if singly:
                while part > BUFFER - fill:
                    part -= BUFFER - fill
                    yield BUFFER
                    fill = 0
            elif part > BUFFER - fill:
                if fill:
                    yield fill
                    fill = 0
                if part > BUFFER:
                    yield part
                    part = 0
            fill += part
    if fill:
        yield fill
