"""Blocks of input as lines, and which of them are selected.

A block is the result of one read. Its lines are taken one by one only if a pattern has to see
them: stamping, and finding the end of the last line, are single calls over the whole block.
From one block to the next only the beginning of an unfinished line is kept, and never more than
a view's worth of it. A line that has grown longer is *overlong*: it is decided upon at once, and
passes through in parts. So a gigabyte without a newline takes no more memory than any other.
"""

from __future__ import annotations

from slashservice.supervise.logs.patterns import VIEW, matcher

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.action_script import Rules
    from slashservice.supervise.logs.sieve import Sieve


PLENTY = 1 << 20
"""More bytes than a block takes, with all that is made of it."""


def keep_memory() -> None:
    """Have the C library keep memory for the next block, instead of giving it back each time.

    Freeing one large block raises glibc's dynamic mmap threshold (mallopt(3)), so later blocks
    are reused. calloc never touches it, so it costs no memory.
    """
    bytes(PLENTY)


class Batch:
    """The parts of a block, stamped.

    ``rest`` continues an overlong line of the blocks before, up to its newline if that came.
    ``text`` is complete lines. ``begun`` is the beginning of a new overlong line.
    """

    __slots__ = (
        "_chosen",
        "_lines",
        "_long",
        "before",
        "begun",
        "block",
        "rest",
        "stamp_length",
        "text",
        "view",
    )

    def __init__(
        self,
        block: bytes,
        rest: bytes,
        text: bytes,
        begun: bytes,
        before: int,
        stamp: int,
        view: int = VIEW,
    ) -> None:
        self.block = block
        self.rest = rest
        self.text = text
        self.begun = begun
        self.before = before
        """Characters of the first line of ``text`` that came with the blocks before."""
        self.stamp_length = stamp
        self.view = view
        """Characters of a line that patterns see, its stamp included."""
        self._lines: list[bytes] | None = None
        self._long: bool | None = None
        self._chosen: dict[Selection, Chosen] = {}

    def lines(self) -> list[bytes]:
        """Return the complete lines, without their newlines."""
        if self._lines is None:
            self._lines = self.text.split(b"\n")
            self._lines.pop()
        return self._lines

    def views(self) -> list[bytes]:
        """Return the beginnings, as far as patterns see them, of the lines to be decided upon."""
        return _views(self.text, self.begun, self.view)

    def has_long_lines(self) -> bool:
        """Tell whether any complete line fills a view."""
        if self._long is None:
            self._long = False
            start, end = 0, len(self.text)
            while start < end and not self._long:
                newline = self.text.rfind(b"\n", start, start + self.view)
                self._long = newline < 0
                start = newline + 1
        return self._long

    def chosen(self, selection: Selection) -> Chosen:
        """Return the selected parts of this batch, worked out once for each selection."""
        known = self._chosen.get(selection)
        if known is None:
            known = self._chosen[selection] = selection.choose(self)
        return known


class Lines:
    """Turns blocks into batches, and keeps an unfinished line between them."""

    __slots__ = ("head", "overlong", "read", "view")

    def __init__(self, view: int = VIEW) -> None:
        self.view = view
        """Characters of a line that patterns see, its stamp included."""
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
        rest = text = begun = b""
        if self.overlong:
            end = block.find(b"\n") + 1
            if not end:
                return Batch(block, block, text, begun, 0, len(stamp), self.view)
            self.overlong = False
            rest, block = block[:end], block[end:]
        before = self.read
        end = block.rfind(b"\n") + 1
        if end:
            text = block if end == len(block) else block[:end]
            if stamp:
                text = text.replace(b"\n", b"\n" + stamp)[: -len(stamp)]
            text = (self.head or stamp) + text if self.head or stamp else text
            self.head = b""
            self.read = 0
        if end < len(block):
            self.head = (self.head or stamp) + block[end:]
            self.read += len(block) - end
            if len(self.head) >= self.view:
                begun, self.head, self.read = self.head, b"", 0
                self.overlong = True
        return Batch(whole, rest, text, begun, before, len(stamp), self.view)


class Chosen:
    """The parts of a batch that are selected, named as there."""

    __slots__ = ("begun", "rest", "text")

    def __init__(self, rest: bytes, text: bytes, begun: bytes) -> None:
        self.rest = rest
        self.text = text
        self.begun = begun

    def all(self) -> bytes:
        """Return everything, in order."""
        if self.rest or self.begun:
            return self.rest + self.text + self.begun
        return self.text

    def views(self) -> list[bytes]:
        """Return the beginnings, as far as alerts see them, of the lines that were decided upon."""
        return _views(self.text, self.begun)

    def last_view(self) -> bytes | None:
        """Return the last line as far as a status file sees it; None if there is none."""
        if self.begun:
            return self.begun[:VIEW]
        if not self.text:
            return None
        start = self.text.rfind(b"\n", 0, -1) + 1
        return self.text[start:-1][:VIEW]


class Selection:
    """Decides, by rules, which lines are selected."""

    __slots__ = ("_match", "_sieve", "passing")

    def __init__(self, rules: Rules) -> None:
        self._match = matcher(rules)
        self._sieve = _sieve(rules) if self._match else None
        self.passing = True
        """Whether the overlong line that passes through (if one does) is selected."""

    @property
    def selects_all(self) -> bool:
        """Whether every line is selected."""
        return self._match is None

    def selects(self, view: bytes) -> bool:
        """Tell whether a line that looks like this is selected."""
        return self._match is None or bool(self._match(view))

    def choose(self, batch: Batch) -> Chosen:
        """Return the selected parts of ``batch``. Call it for each batch, exactly once."""
        rest = batch.rest if self.passing else b""
        text, begun, match = batch.text, batch.begun, self._match
        if match is None:
            return Chosen(rest, text, begun)
        if text:
            sieved = self._sieve.selected(text, match, batch.view) if self._sieve else None
            text = self._filtered(batch) if sieved is None else sieved
        if begun:
            self.passing = bool(match(begun[: batch.view]))
        return Chosen(rest, text, begun if self.passing else b"")

    def _filtered(self, batch: Batch) -> bytes:
        """Return the complete lines that are selected, after a look at each."""
        if batch.has_long_lines():
            kept = [line for line in batch.lines() if self.selects(line[: batch.view])]
        else:
            kept = self.kept(batch.lines())
        return b"\n".join([*kept, b""])

    def kept(self, lines: list[bytes]) -> list[bytes]:
        """Return those lines, all shorter than a view, that are selected."""
        return lines if self._match is None else list(filter(self._match, lines))


def _sieve(rules: Rules) -> Sieve | None:
    from slashservice.supervise.logs.sieve import sieve  # only scripts with patterns pay for it

    return sieve(rules)


def _views(text: bytes, begun: bytes, view: int = VIEW) -> list[bytes]:
    views = [line[:view] for line in text.split(b"\n")]
    views.pop()
    if begun:
        views.append(begun[:view])
    return views
