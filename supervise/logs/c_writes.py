"""Where C multilog would cut its output into writes.

Nobody sees its writes, except where a log file gets full: C looks for the last newline *of the
piece that it is about to write*. To end files at the same line we have to know where its pieces
end.

C reads 1024 bytes at a time. It copies pieces into a buffer of 512 bytes: at a newline the
line, then the newline. It writes the buffer when the next piece does not fit, and before it
reads again. A piece that is larger than the buffer is written on its own. A line that reaches
1000 characters is copied at once, and each further character of it singly.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from operator import sub

from slashservice.supervise.logs.patterns import VIEW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slashservice.supervise.logs.lines import Batch, Chosen, Selection

    Put = tuple[int, int, bool]
    """Offset in the block, bytes, and whether C puts them one at a time."""


READ = 1024
BUFFER = 512


def stretches(
    batch: Batch, selection: Selection, chosen: Chosen, room: int
) -> Iterator[tuple[int, bool]]:
    """Yield lengths that add up to all that is chosen. None of them ends within a piece.

    A length with True stands for whole lines, to be cut into pieces by :func:`cut`; one with
    False is a piece. All within the first ``room`` bytes may come as one.
    """
    if batch.rest or batch.begun or batch.has_long_lines():
        for length in _pieces(_puts(batch, selection, chosen)):
            yield length, False
        return
    if selection.selects_all:
        yield from _whole_reads(batch, room)
        return
    yield from _chosen_reads(batch, chosen, room)


def _chosen_reads(batch: Batch, chosen: Chosen, room: int) -> Iterator[tuple[int, bool]]:
    """Yield how much of what is chosen each read of C completes; as one what surely fits."""
    body, stamp = batch.body, len(batch.stamp)
    cuts = chosen.cuts(batch)
    starts, ends = cuts[::2], cuts[1::2]
    other = len(batch.head) - stamp  # the stamp of the first line may be another one

    def length(start: int, end: int) -> int:
        lines = body.count(b"\n", start, end) if stamp else 0
        return end - start + stamp * lines + (0 if start else other)

    number, at, done = _fitting(chosen.text, starts, ends, stamp, other, room)
    read = max(at - 1, 0) // READ * READ
    first = body.rfind(b"\n", 0, read) + 1
    while number >= 0 and ends[number] > first:  # back to the lines before this read
        start = max(starts[number], first)
        done -= length(start, min(ends[number], at)) if start < at else 0
        number -= 1
    if done:
        yield done, True
    at = first
    number += 1
    for stop in range(read + READ, len(body) + READ, READ):
        size = 0
        while number < len(starts) and starts[number] < stop:
            start, end = max(at, starts[number]), ends[number]
            goes_on = end > stop
            if goes_on:
                end = body.rfind(b"\n", start, stop) + 1
            if start < end:
                size += length(start, end)
                at = end
            if goes_on:
                break
            number += 1
        if size:
            yield size, True


def _fitting(
    text: bytes, starts: Sequence[int], ends: Sequence[int], stamp: int, other: int, room: int
) -> tuple[int, int, int]:
    """Return how many bytes of ``text`` are lines that fit into ``room``, and where they end.

    That is the number of a stretch, and where in the body.
    """
    size = text.rfind(b"\n", 0, room) + 1
    if not size:
        return -1, 0, 0
    raw = size - stamp * text.count(b"\n", 0, size) - (0 if starts[0] else other)
    before = [*accumulate(map(sub, ends, starts), initial=0)]
    number = bisect_left(before, raw) - 1
    return number, starts[number] + raw - before[number], size


def _whole_reads(batch: Batch, room: int) -> Iterator[tuple[int, bool]]:
    """Yield how much text each read of C completes, where every line is selected."""
    block, stamp = batch.block, len(batch.stamp)
    done, start = -batch.before, 0
    # If lines are about equally long, so many reads surely fit: take them as one.
    stop = max(READ, len(block) * room // len(batch.text) * 7 // 8 // READ * READ)
    while start < len(block):
        end = block.rfind(b"\n", start, stop) + 1
        if end:
            length = end - done + (stamp * block.count(b"\n", start, stop) if stamp else 0)
            if length > room and stop > READ and not start:
                stop = READ  # they are not equally long
                continue
            yield length, True
            done = end
        start, stop = stop, stop + READ


def cut(data: bytes, start: int, end: int, wanted: int) -> tuple[int, int]:
    """Return where the piece of ``data[start:end]`` begins and ends that reaches ``wanted``.

    The data are whole lines shorter than a view, of one stretch.
    """
    while end - start > BUFFER:
        at = data.rfind(b"\n", start, start + BUFFER + 1)
        if at < 0:  # a line larger than the buffer is a piece of its own
            at = data.find(b"\n", start, end)
        elif at < start + BUFFER:  # else the line fits, and its newline does not
            at += 1
        if at >= wanted:
            return start, at
        start = at
    return start, end


def _puts(batch: Batch, selection: Selection, chosen: Chosen) -> Iterator[Put]:
    """Yield the steps in which C would put what is chosen into its buffer."""
    if chosen.rest:
        yield 0, len(chosen.rest), True
    stamp = len(batch.stamp)
    start = len(batch.rest) - batch.before
    for line in batch.lines():
        newline = start + len(line) - stamp
        if selection.selects(line[: batch.view]):
            yield from _line_puts(start - stamp, len(line))
            yield newline, 1, True
        start = newline + 1
    if chosen.begun:
        yield from _line_puts(start - stamp, len(chosen.begun))


def _line_puts(start: int, length: int) -> Iterator[Put]:
    if length < VIEW:
        yield start + length, length, False
    else:
        yield start + VIEW - 1, VIEW, False
        yield start + VIEW, length - VIEW, True


def _pieces(puts: Iterable[Put]) -> Iterator[int]:
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
