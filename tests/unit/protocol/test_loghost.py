"""What a log host and svscan say to each other: all that is meant passes, and nothing else."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slashservice.supervise.protocol import loghost
from slashservice.supervise.protocol.loghost import Message, Nonsense

NUMBERS = st.integers(1, loghost.LAST_NUMBER)
TEXTS = st.binary(min_size=1, max_size=loghost.LONGEST_TROUBLE).map(loghost.shortened)
STATUSES = st.integers(0, 255).map(lambda code: code << 8) | st.integers(1, 64) | st.just(139)

REPORTS = st.one_of(
    st.builds(
        loghost.compose,
        st.sampled_from(
            [loghost.STARTED, loghost.FULL, loghost.SIGNALLED, loghost.TROUBLE, loghost.READY]
        ),
        NUMBERS,
    ),
    st.builds(
        lambda number, status: loghost.compose(loghost.EXITED, number, b"%d" % status),
        NUMBERS,
        STATUSES,
    ),
    st.builds(lambda number, text: loghost.compose(loghost.TROUBLE, number, text), NUMBERS, TEXTS),
)

WORDS = st.lists(st.binary(max_size=40).map(lambda word: word.replace(b"\0", b"")), max_size=9)

REQUESTS = st.one_of(
    st.builds(
        lambda number, words: loghost.compose(
            loghost.START, number, b"svlogd", b"%d" % (len(words) // 2), *words
        ),
        NUMBERS,
        WORDS,
    ),
    st.builds(
        lambda number, signal: loghost.compose(loghost.SIGNAL, number, b"%d" % signal),
        NUMBERS,
        st.integers(1, 64),
    ),
)


def said_again(message: Message) -> bytes:
    """Compose a message from what was understood of it."""
    rest = list(message.words)
    if message.program:
        rest = [message.program, b"%d" % len(message.made), *message.made, *rest]
    if message.word in (loghost.EXITED, loghost.SIGNAL):
        rest.append(b"%d" % message.value)
    if message.text:
        rest.append(message.text)
    return loghost.compose(message.word, message.number, *rest)


@given(REPORTS)
def test_reports(data: bytes) -> None:
    assert said_again(loghost.report(data)) == data


@given(REQUESTS)
def test_requests(data: bytes) -> None:
    assert said_again(loghost.request(data)) == data


PARSERS = [loghost.report, loghost.request]

WORDS_OF_ALL_KINDS = (
    b"exited started start signal trouble full 1 0 00 -1 +1 1_0 127 65536 \xc2\xb2 x".split()
)

PIECES = st.lists(
    st.sampled_from([*WORDS_OF_ALL_KINDS, b"9" * 30, b" 1", b"1 ", b""]), max_size=5
).map(b"\0".join)


@given(st.binary(max_size=60) | PIECES, st.sampled_from(PARSERS))
@example(b"exited\0001\0127", loghost.report)
def test_whatever_is_taken_was_meant(data: bytes, parse: Callable[[bytes], Message]) -> None:
    """Nothing else is raised, and nothing is read into a message that is not in it."""
    try:
        message = parse(data)
    except Nonsense:
        return
    assert said_again(message) == data
    assert 1 <= message.number <= loghost.LAST_NUMBER


@given(REPORTS, st.data())
def test_a_changed_report_is_another_report_or_nonsense(report: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(report) - 1))
    changed = report[:at] + data.draw(st.binary(max_size=2)) + report[at + 1 :]
    test_whatever_is_taken_was_meant.hypothesis.inner_test(changed, loghost.report)  # type: ignore[attr-defined]


@given(st.integers(-(1 << 20), 1 << 20))
def test_statuses_are_those_of_processes(status: int) -> None:
    ends = 0 <= status <= 0xFFFF and (
        (os.WIFEXITED(status) or os.WIFSIGNALED(status))
        and (status >> 8 == 0 or status & 0xFF == 0)
        and os.waitstatus_to_exitcode(status) >= -64
    )
    assert loghost.is_status(status) == ends


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with one, other:
        yield one, other


def test_a_message_is_heard_and_then_the_end(ends: tuple[socket.socket, socket.socket]) -> None:
    host, svscan = ends
    host.send(b"exited\0001\0000")
    heard = loghost.hear(svscan)
    assert heard and heard.number == 1
    host.close()
    assert loghost.hear(svscan) is None


@pytest.mark.parametrize("size", [loghost.LARGEST_REPORT + 1, 50_000])
def test_too_long_is_nonsense(size: int, ends: tuple[socket.socket, socket.socket]) -> None:
    """Also if what is left of it would mean something."""
    host, svscan = ends
    host.send((b"trouble\0001\0" + b"x" * 500).ljust(size, b"x"))
    with pytest.raises(Nonsense):
        loghost.hear(svscan)


@pytest.mark.parametrize("count", [1, 3, 200])
def test_descriptors_are_nonsense_and_closed(
    count: int, ends: tuple[socket.socket, socket.socket]
) -> None:
    host, svscan = ends
    reading, writing = os.pipe()
    before = sorted(os.listdir("/proc/self/fd"))
    socket.send_fds(host, [b"started\0001"], [writing] * count)
    os.close(writing)
    with pytest.raises(Nonsense):
        loghost.hear(svscan)
    assert os.read(reading, 1) == b"", "nobody has the other end"
    os.close(reading)
    assert len(os.listdir("/proc/self/fd")) == len(before) - 2


@pytest.mark.parametrize("data", [b"signal\0001\00015", b"nonsense", b"start\0x"])
def test_descriptors_that_belong_to_nothing_are_closed(
    data: bytes, ends: tuple[socket.socket, socket.socket]
) -> None:
    svscan, host = ends
    before = sorted(os.listdir("/proc/self/fd"))
    socket.send_fds(svscan, [data], [0, 0])
    with pytest.raises(Nonsense):
        loghost.is_asked(host)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_descriptors_of_a_start_are_closed_at_an_exec(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    svscan, host = ends
    for count in (2, 3):
        socket.send_fds(svscan, [b"start\0001\0multilog\0000\0./main"], [0] * count)
        message, fds = loghost.is_asked(host)
        assert message and message.words == [b"./main"]
        assert len(fds) == count and not any(os.get_inheritable(fd) for fd in fds)
        loghost.close_all(fds)
