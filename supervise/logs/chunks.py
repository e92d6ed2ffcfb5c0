"""Lines in chunks: as many whole lines as a block happens to hold.

To look at many lines at once is much faster than at each. However long lines are, a chunk is not
much longer than ``LONGEST``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST = 1 << 24
"""A line with more bytes than this is shown in parts."""


def chunks(blocks: Iterable[bytes], begun: bytes = b"") -> Iterator[bytes]:
    """Yield the text in ``begun`` and the blocks in chunks of whole lines, with their newlines.

    The last line may have no newline. Nor has a part of a line that is too long, which is a chunk.
    """
    parts = [begun]
    size = len(begun)
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        parts.append(block[:cut] if cut else block)
        size += len(parts[-1])
        if cut or size >= LONGEST:
            yield b"".join(parts)
            parts = [block[cut:]] if cut else []
            size = len(block) - cut if cut else 0
    if size:
        yield b"".join(parts)


def lines_of(chunk: bytes) -> list[bytes]:
    """Return the lines of a chunk, without their newlines."""
    lines = chunk.split(b"\n")
    if not lines[-1]:
        del lines[-1]
    return lines
