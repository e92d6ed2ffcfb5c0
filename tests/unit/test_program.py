"""How a command ends that fails: with one line, and never a traceback."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from slashservice.supervise import messages, program


def test_what_it_returns_is_the_status(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert program.call(len, [b"a", b"b"], "c") == 2
    assert capfdbinary.readouterr() == (b"", b"")


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (messages.Quit(100, b"c: fatal: so\n"), 100, b"c: fatal: so\n"),
        (MemoryError(), 111, b"c: fatal: out of memory\n"),
    ],
)
def test_last_words(
    error: Exception, status: int, said: bytes, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def main(argv: Sequence[bytes]) -> int:
        raise error

    assert program.call(main, [], "c") == status
    assert capfdbinary.readouterr().err == said


def test_a_defect_of_ours_tells_where_it_is(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    def deeper(number: int) -> int:
        return 1 // number

    assert program.call(lambda argv: deeper(0), [], "c") == 111
    line = deeper.__code__.co_firstlineno + 1
    said = capfdbinary.readouterr().err.decode()
    assert said == (
        "c: fatal: internal error: ZeroDivisionError: integer division or modulo by zero "
        f"({__file__}:{line})\n"
    )
