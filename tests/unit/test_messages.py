"""Where complaints go."""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from contextlib import contextmanager

from slashservice.supervise import messages


@contextmanager
def errors_into_a_pipe() -> Iterator[int]:
    """Have a pipe be our standard error; yield its other end. pytest allows no fixture that."""
    before = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    try:
        yield reading
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(reading)


def test_a_complaint_that_does_not_wait_is_cut_to_what_surely_has_room() -> None:
    with errors_into_a_pipe() as errors:
        messages.to_standard_error_without_waiting(b"a" * select.PIPE_BUF + b"b\n")
        seen = os.read(errors, 2 * select.PIPE_BUF)
    assert seen == b"a" * select.PIPE_BUF


def test_a_complaint_that_does_not_wait_is_lost_where_there_is_no_room() -> None:
    with errors_into_a_pipe() as errors:
        os.set_blocking(2, False)
        size = os.write(2, bytes(1 << 24))
        os.set_blocking(2, True)
        messages.to_standard_error_without_waiting(b"lost\n")
        seen = os.read(errors, 1 << 24)
    assert seen == bytes(size)
