"""Blocks of input as lines, and which of them are selected.

A block is the result of one read. Its lines are taken one by one only if a pattern has to see
them: stamping, and finding the end of the last line, are single calls over the whole block.
From one block to the next only the beginning of an unfinished line is kept, and never more than
a view's worth of it. A line that has grown longer is *overlong*: it is decided upon at once, and
passes through in parts. So a gigabyte without a newline takes no more memory than any other.
"""

from __future__ import annotations

from itertools import compress

from slashservice.supervise.logs.patterns import VIEW

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slashservice.supervise.logs.action_script import Rules
    from slashservice.supervise.logs.chooser import Chooser


PLENTY = 1 << 20
"""More bytes than a block takes, with all that is made of it."""

FEW = 500
"""In a block with fewer bytes, a look at each line is the fastest way to choose lines."""


def keep_memory() -> None:
    """Have the C library keep memory for the next block, instead of giving it back each time.

    Freeing one large block raises glibc's dynamic mmap threshold (mallopt(3)), so later blocks
    are reused. calloc never touches it, so it costs no memory.
    """
    bytes(PLENTY)


def each(text: bytes) -> list[bytes]:
    """Return the lines of a text, each with its newline; the last one may have none.

    ``splitlines`` takes a carriage return for the end of a line, too.
    """
    *whole, last = text.split(b"\n")
    return [line + b"\n" for line in whole] + [last] * bool(last)


class Batch:
    """The parts of a block.

    ``rest`` continues an overlong line of the blocks before, up to its newline if that came.
    ``body`` is complete lines as they were read. The first of them goes behind ``head``, all others
    behind ``stamp``. ``begun`` is the beginning of a new overlong line, stamped.
    Patterns see ``view`` characters of a line, its stamp included.
    """

    __slots__ = (
        *("_chosen", "_lines", "_long", "_text"),
        *("before", "begun", "block", "body", "head", "rest", "stamp", "view"),
    )

    def __init__(
        self,
        block: bytes,
        rest: bytes,
        head: bytes,
        body: bytes,
        begun: bytes,
        before: int,
        stamp: bytes,
        view: int = VIEW,
    ) -> None:
        self.block = block
        self.rest = rest
        self.head = head
        self.body = body
        self.begun = begun
        self.before = before
        """Characters of the first line of ``body`` that came with the blocks before."""
        self.stamp = stamp
        self.view = view
        self._text: bytes | None = None
        self._lines: list[bytes] | None = None
        self._long: bool | None = None
        self._chosen: dict[Selection, Chosen] = {}

    @property
    def text(self) -> bytes:
        """The complete lines, stamped."""
        if self._text is None:
            body = stamped(self.body, self.stamp) if self.body else b""
            if self.head != self.stamp:
                body = self.head + body[len(self.stamp) :]
            self._text = body
        return self._text

    def lines(self) -> list[bytes]:
        """Return the complete lines, stamped, without their newlines."""
        if self._lines is None:
            self._lines = self.text.split(b"\n")
            self._lines.pop()
        return self._lines

    def has_long_lines(self) -> bool:
        """Tell whether any complete line fills a view."""
        if self._long is None:
            room = self.view - len(self.stamp)
            self._long = bool(self.body) and (
                len(self.head) + self.body.find(b"\n") >= self.view or is_longer(self.body, room)
            )
        return self._long

    def merged(self, chosen: Iterable[Chosen]) -> bytes:
        """Return all the complete lines of ``chosen`` in their order, stamped.

        A line comes as often as it was chosen.
        """
        body = self.body
        lines: list[tuple[int, int]] = []
        for one in chosen:
            cuts = one.cuts(self)
            if one.text.count(b"\n") * 2 != len(cuts):
                cuts = _single_lines(body, cuts)
            lines += zip(cuts[::2], cuts[1::2], strict=True)
        lines.sort()
        text = b"".join([body[start:end] for start, end in lines])
        if self.head == self.stamp:
            return stamped(text, self.stamp)
        times = next((number for number, (start, _) in enumerate(lines) if start), len(lines))
        end = lines[0][1] if times else 0
        return (self.head + body[:end]) * times + stamped(text[end * times :], self.stamp)

    def chosen(self, selection: Selection) -> Chosen:
        """Return the selected parts of this batch, worked out once for each selection."""
        known = self._chosen.get(selection)
        if known is None:
            known = self._chosen[selection] = selection.choose(self)
        return known


class Lines:
    """Turns blocks into batches, and keeps an unfinished line between them.

    Patterns see ``view`` characters of a line, its stamp included.
    """

    __slots__ = ("head", "overlong", "read", "view")

    def __init__(self, view: int = VIEW) -> None:
        self.view = view
        self.head = b""
        """The beginning of an unfinished line, stamped."""
        self.read = 0
        """Characters of it that were read: its length without the stamp."""
        self.overlong = False
        """Whether the unfinished line has grown too long to be kept here."""

    @property
    def unfinished(self) -> bool:
        """Whether the last line so far has no newline."""
        return self.overlong or bool(self.head)

    def forget(self) -> None:
        """Have no unfinished line."""
        self.head, self.read, self.overlong = b"", 0, False

    def take(self, block: bytes, stamp: bytes) -> Batch:
        """Return ``block`` as a batch. Lines that begin in it get ``stamp`` in front."""
        whole = block
        rest = head = body = begun = b""
        if self.overlong:
            end = block.find(b"\n") + 1
            if not end:
                return Batch(block, block, head, body, begun, 0, stamp, self.view)
            self.overlong = False
            rest, block = block[:end], block[end:]
        before = self.read
        end = block.rfind(b"\n") + 1
        if end:
            head = self.head or stamp
            body = block if end == len(block) else block[:end]
            self.head = b""
            self.read = 0
        if end < len(block):
            self.head = (self.head or stamp) + block[end:]
            self.read += len(block) - end
            if len(self.head) >= self.view:
                begun, self.head, self.read = self.head, b"", 0
                self.overlong = True
        return Batch(whole, rest, head, body, begun, before, stamp, self.view)


class Chosen:
    """The parts of a batch that are selected: ``rest``, ``text`` and ``begun``, stamped."""

    __slots__ = ("_cuts", "begun", "rest", "text")

    def __init__(
        self, rest: bytes, text: bytes, begun: bytes, cuts: Callable[[], list[int]] | None = None
    ) -> None:
        self.rest = rest
        self.text = text
        self.begun = begun
        self._cuts = cuts

    def cuts(self, batch: Batch) -> list[int]:
        """Return what is selected of the body of ``batch``, in stretches of whole lines.

        Where the first begins, where it ends, where the second begins, and so on.
        """
        if self._cuts is None:
            return [0, len(batch.body)]
        return self._cuts()

    def all(self) -> bytes:
        """Return everything, in order."""
        if self.rest or self.begun:
            return self.rest + self.text + self.begun
        return self.text

    def last_view(self, view: int = VIEW) -> bytes | None:
        """Return the last line as far as a status file sees it; None if there is none."""
        if self.begun:
            return self.begun[:view]
        if not self.text:
            return None
        start = self.text.rfind(b"\n", 0, -1) + 1
        return self.text[start:-1][:view]


class Selection:
    """Decides, by rules, which lines are selected."""

    __slots__ = ("_chooser", "passing")

    def __init__(self, rules: Rules) -> None:
        self._chooser = _chooser(rules) if rules else None
        self.passing = True
        """Whether the overlong line that passes through (if one does) is selected."""

    @property
    def selects_all(self) -> bool:
        """Whether every line is selected."""
        return self._chooser is None

    def selects(self, view: bytes) -> bool:
        """Tell whether a line that looks like this is selected."""
        return self._chooser is None or self._chooser.selects(view)

    def choose(self, batch: Batch) -> Chosen:
        """Return the selected parts of ``batch``. Call it for each batch, exactly once."""
        rest = batch.rest if self.passing else b""
        chooser, begun = self._chooser, batch.begun
        if chooser is None:
            return Chosen(rest, batch.text, begun)
        text, cuts = _choose(chooser, batch) if batch.body else (b"", list[int])
        if begun:
            self.passing = chooser.selects(begun[: batch.view])
        return Chosen(rest, text, begun if self.passing else b"", cuts)


def _choose(chooser: Chooser, batch: Batch) -> tuple[bytes, Callable[[], list[int]]]:
    """Return the lines of the body that are selected, stamped; and what tells where they are."""
    body, stamp, view = batch.body, batch.stamp, batch.view
    if len(body) < FEW:
        flags = [chooser.selects(line[:view]) for line in batch.lines()]
        return _flagged(batch.text, flags), lambda: _cuts(body, 0, flags)
    behind = chooser.behind(stamp) if len(stamp) <= view else None
    if behind is None:
        text = batch.text
        flags = chooser.flags(text, view if batch.has_long_lines() else len(text))
        return _flagged(text, flags), lambda: _cuts(body, 0, flags)
    start = 0
    first = b""
    if batch.head != stamp:  # the first line began with a block before
        start = body.find(b"\n") + 1
        first = batch.head + body[:start]
        if not chooser.selects(first[:-1][:view]):
            first = b""
    ahead = [0, start] if first else []
    text = body[start:] if start else body
    room = view - len(stamp)
    if not batch.has_long_lines():
        room = len(text) + 1
    after_newline = b"\n" + text
    cuts = behind.cuts(after_newline, room)
    if cuts is None:
        flags = behind.flags(text, room)
        chosen = _flagged(text, flags)
        return first + stamped(chosen, stamp), lambda: ahead + _cuts(body, start, flags)
    stretches = map(slice, cuts[::2], cuts[1::2])
    chosen = b"".join(map(after_newline.__getitem__, stretches))
    return first + stamped(chosen, stamp), lambda: ahead + [cut + start - 1 for cut in cuts]


def _single_lines(body: bytes, cuts: list[int]) -> list[int]:
    """Return cuts of single lines, where ``cuts`` may be of several lines together."""
    lines: list[int] = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=True):
        while start < end:
            newline = body.find(b"\n", start)
            lines += (start, newline + 1)
            start = newline + 1
    return lines


def _flagged(text: bytes, flags: Iterable[bool]) -> bytes:
    """Return the lines of ``text`` for which ``flags`` are true."""
    return b"\n".join([*compress(text.split(b"\n"), flags), b""])


def _cuts(body: bytes, start: int, flags: Iterable[bool]) -> list[int]:
    """Return where each line of ``body``, from ``start`` on, begins and ends whose flag is true."""
    cuts: list[int] = []
    for flag in flags:
        end = body.find(b"\n", start) + 1
        if flag:
            cuts += (start, end)
        start = end
    return cuts


def stamped(lines: bytes, stamp: bytes) -> bytes:
    """Return complete lines with ``stamp`` in front of each."""
    if not stamp or not lines:
        return lines
    return stamp + lines.replace(b"\n", b"\n" + stamp)[: -len(stamp)]


def is_longer(lines: bytes, length: int) -> bool:
    """Tell whether any of the lines, all complete, has ``length`` or more characters."""
    at, end = 0, len(lines)
    while at < end:
        newline = lines.rfind(b"\n", at, at + length)
        if newline < 0:
            return True
        at = newline + 1
    return False


def _chooser(rules: Rules) -> Chooser | None:
    from slashservice.supervise.logs.chooser import Chooser  # only scripts with patterns pay for it

    chooser = Chooser(rules)
    return chooser if chooser.tells_lines_apart or not chooser.default else None
