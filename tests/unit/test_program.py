"""How a command ends that fails: with one line, and never a traceback."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest

from slashservice.supervise import messages, program, signals


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


@pytest.mark.parametrize(
    ("name", "pid", "kept"),
    [("svscan", 1, True), ("svscanboot", 1, True), ("svscan", 2, False), ("multilog", 1, False)],
)
def test_pid_1_keeps_its_signals_before_anything_is_loaded(name: str, pid: int, kept: bool) -> None:
    """In a process of its own. The mask from before is remembered for the services."""
    child = os.fork()
    if child == 0:
        blocked: set[int] = set()

        def load(name: str) -> None:
            blocked.update(signals.pthread_sigmask(signals.SIG_BLOCK, []))
            os._exit(
                (signals.HELD_BACK[0] in blocked) is not kept
                or signals.HELD_BACK[0] in signals.mask_at_start()
            )

        os.getpid = lambda: pid
        program.load = load  # type: ignore[assignment]
        program.run(name)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
