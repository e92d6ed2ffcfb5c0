"""``tai64nfrac``: turn the TAI64N labels that lines begin with into Unix time, with a fraction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slashservice.supervise import stream

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[bytes]) -> int:
    """Copy standard input to standard output; arguments mean nothing."""
    del argv
    labels = stream.LabelFilter(show)
    return stream.run(labels.convert, labels.rest)


def show(high: bytes, nanoseconds: int) -> bytes:
    """Return the seconds since 1970 as a decimal number with nine places."""
    whole = stream.seconds(high) * 1_000_000_000 + nanoseconds
    return b"%s%d.%09d" % (b"-" if whole < 0 else b"", *divmod(abs(whole), 1_000_000_000))
