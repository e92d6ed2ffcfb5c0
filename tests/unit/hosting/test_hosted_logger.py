"""What a hosted logger does next: its states, one step of a worker at a time."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator

import pytest

from slashservice.supervise.hosting.hosted_logger import HostedLogger
from slashservice.supervise.logs.steps import Pause, Wait
from slashservice.supervise.messages import Quit

Effects = list[object]


class Loop:
    """A loop in which nothing happens but what a test says."""

    def __init__(self) -> None:
        self.listeners: dict[int, Callable[[], None]] = {}
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def add(self, fd: int, readable: Callable[[], None]) -> None:
        assert fd not in self.listeners
        self.listeners[fd] = readable

    def remove(self, fd: int) -> None:
        del self.listeners[fd]

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.timers.append((seconds, call))


class Logger:
    """A logger that writes down what it is told to do; ``effects`` are what it waits for then."""

    program = "multilog"
    can_reopen = False

    def __init__(self) -> None:
        self.processors: list[int] = []
        self.at_line_end = True
        self.waits_for_lock = False
        self.trouble: bytes | None = None
        self.is_kept = False
        self.is_safe = True
        self.secured = 0
        self.input = True
        self.old: float | None = None
        self.did: list[str] = []
        self.got: list[object] = []
        self.effects: dict[str, Effects] = {}
        self.released = 0

    def _steps(self, name: str) -> Generator[object, int, None]:
        self.did.append(name)
        for effect in self.effects.pop(name, []):
            if isinstance(effect, Exception):
                raise effect
            try:
                self.got.append((yield effect))
            except OSError as error:
                self.got.append(error)

    def start(self, base: int, patient: bool) -> Generator[object, int, None]:
        assert patient
        os.fstat(base)
        return self._steps("start")

    def take(self, pipe: int, size: int) -> Generator[object, int, bool]:
        os.fstat(pipe)
        yield from self._steps(f"take {size}")
        return self.input

    def finish(self) -> Generator[object, int, None]:
        return self._steps("finish")

    def hand_over(self) -> Generator[object, int, None]:
        return self._steps("hand over")

    def rotate(self) -> Generator[object, int, None]:
        return self._steps("rotate")

    def rotate_old(self) -> Generator[object, int, None]:
        self.old = None
        return self._steps("rotate old")

    def seconds_until_old(self) -> float | None:
        return self.old

    def running(self) -> list[int]:
        return self.processors

    def processed(self, pid: int, status: int) -> Generator[object, int, None]:
        self.processors.remove(pid)
        return self._steps(f"processed {pid} {status}")

    def reopen(self) -> Generator[object, int, None]:
        return self._steps("reopen")

    def secure(self) -> None:
        self.secured += 1

    def release(self) -> None:
        self.released += 1


class World:
    """A hosted logger and all that is around it."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.logger = Logger()
        self.work: list[tuple[Callable[[], None], Callable[[], None]]] = []
        self.children: dict[int, Callable[[int], None]] = {}
        self.exits: list[int] = []
        self.reports: list[bytes | None] = []
        self.stdin = os.open("/dev/null", os.O_RDONLY)
        self.base = os.open("/", os.O_RDONLY)
        self.hosted = HostedLogger(
            self.loop,  # type: ignore[arg-type]
            lambda work, then: self.work.append((work, then)),
            self.children.__setitem__,
            self.logger,  # type: ignore[arg-type]
            self.stdin,
            self.base,
            self.exits.append,
            self.reports.append,
        )

    def settle(self) -> None:
        """Have the workers do all there is to do."""
        while self.work:
            work, then = self.work.pop(0)
            work()
            then()

    def tell(self, number: int) -> None:
        self.hosted.signal(number)
        self.settle()

    def come(self) -> None:
        """Have input come."""
        self.loop.listeners[self.stdin]()
        self.settle()

    @property
    def listens(self) -> bool:
        return self.stdin in self.loop.listeners

    def is_open(self, fd: int) -> bool:
        try:
            os.fstat(fd)
        except OSError:
            return False
        return True

    def close(self) -> None:
        if not self.exits:
            self.settle()
            self.tell(signal.SIGKILL)
        assert self.logger.released == len(self.exits) == 1
        assert not self.loop.listeners
        assert not self.is_open(self.stdin)
        assert not self.is_open(self.base)


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.close()


@pytest.fixture
def started(world: World) -> World:
    world.hosted.start()
    world.settle()
    assert world.logger.did == ["start"]
    assert world.listens
    return world


def test_it_reads_until_the_end_of_input(started: World) -> None:
    assert not started.is_open(started.base)
    started.come()
    assert started.listens
    started.logger.input = False
    started.come()
    assert started.logger.did == ["start", "take 65536", "take 65536", "finish"]
    assert started.exits == [0]


def test_term_ends_it_at_the_end_of_a_line(started: World) -> None:
    started.logger.at_line_end = False
    started.tell(signal.SIGTERM)
    assert started.listens
    started.come()
    started.logger.at_line_end = True
    started.come()
    assert started.logger.did == ["start", "take 1", "take 1", "finish"]
    assert started.exits == [0]


def test_signals_wait_for_the_end_of_a_step(started: World) -> None:
    started.loop.listeners[started.stdin]()
    (job,) = started.work
    for number in (signal.SIGALRM, signal.SIGTERM, signal.SIGSTOP, signal.SIGCONT):
        started.hosted.signal(number)
        assert started.work == [job]
    started.settle()
    assert started.logger.did == ["start", "take 65536", "rotate", "finish"]
    assert started.exits == [0]


def test_a_signal_that_kills_waits_for_the_end_of_a_step(started: World) -> None:
    started.loop.listeners[started.stdin]()
    started.hosted.signal(signal.SIGKILL)
    assert not started.exits
    started.settle()
    assert started.exits == [signal.SIGKILL]
    assert "finish" not in started.logger.did


@pytest.mark.parametrize("at_line_end", [True, False])
def test_what_is_in_the_journal_is_handed_over(at_line_end: bool, started: World) -> None:
    """The next logger has the unfinished line from there, so nothing is to be waited for."""
    started.logger.at_line_end = at_line_end
    started.logger.is_kept = True
    started.tell(signal.SIGSTOP)
    started.hosted.hand_over()
    started.settle()
    assert started.logger.did == ["start", "hand over"]
    assert started.exits == [0]


def test_a_line_that_is_not_in_the_journal_is_read_to_its_end_first(started: World) -> None:
    started.logger.at_line_end = False
    started.hosted.hand_over()
    started.settle()
    assert started.listens
    started.logger.is_kept = started.logger.at_line_end = True
    started.come()
    assert started.logger.did == ["start", "take 1", "hand over"]
    assert started.exits == [0]


def test_the_loop_itself_closes_nothing(started: World) -> None:
    """Closing a file may take as long as writing to it."""
    started.hosted.signal(signal.SIGKILL)
    assert started.is_open(started.stdin)
    assert not started.logger.released and not started.exits
    started.settle()
    assert not started.is_open(started.stdin)
    assert started.exits == [signal.SIGKILL]


def test_work_of_which_nothing_is_known_is_trouble(
    started: World, capfd: pytest.CaptureFixture[str]
) -> None:
    """There was no memory for what came of it."""
    started.loop.listeners[started.stdin]()
    ((_, then),) = started.work
    started.work.clear()
    then()
    started.settle()
    assert started.exits == [111 << 8]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGHUP])
def test_a_signal_that_kills_ends_a_pause(number: int, started: World) -> None:
    started.logger.effects["take 65536"] = [Pause(5)]
    started.come()
    ((seconds, go_on),) = started.loop.timers
    assert seconds == 5
    started.tell(number)
    assert started.exits == [number]
    go_on()
    assert not started.work


def test_stopped_it_does_not_go_on_after_a_pause(started: World) -> None:
    started.logger.effects["take 65536"] = [Pause(5)]
    started.come()
    started.tell(signal.SIGSTOP)
    started.loop.timers.pop()[1]()
    assert not started.work
    assert not started.listens
    started.tell(signal.SIGCONT)
    assert started.logger.got == [0]
    assert started.listens


def test_stopped_it_does_not_read(started: World) -> None:
    started.tell(signal.SIGSTOP)
    assert not started.listens
    started.tell(signal.SIGTERM)
    assert started.logger.did == ["start"]
    started.tell(signal.SIGCONT)
    assert started.exits == [0]


def test_a_child_is_waited_for(started: World) -> None:
    started.logger.effects["rotate"] = [Wait(1234)]
    started.tell(signal.SIGALRM)
    assert list(started.children) == [1234]
    assert not started.listens
    started.children[1234](256)
    started.settle()
    assert started.logger.got == [256]
    assert started.listens


def test_term_ends_the_wait_for_a_lock(world: World) -> None:
    """It has read nothing, and a foreign lock may never be let go."""
    world.logger.effects["start"] = [Pause(1), Pause(1)]
    world.logger.waits_for_lock = True
    world.hosted.start()
    world.settle()
    assert not world.exits
    world.tell(signal.SIGTERM)
    assert world.exits == [signal.SIGTERM]


def test_any_other_wait_outlives_term(started: World) -> None:
    started.logger.effects["take 65536"] = [Pause(5)]
    started.come()
    started.tell(signal.SIGTERM)
    assert not started.exits


def test_trouble_is_reported_when_it_begins_changes_and_ends(started: World) -> None:
    started.logger.effects["take 65536"] = [Pause(5), Pause(5), Pause(5)]
    for trouble in (b"full", b"full", b"broken", None):
        started.logger.trouble = trouble
        if started.listens:
            started.come()
        else:
            started.loop.timers.pop()[1]()
            started.settle()
    assert started.reports == [b"full", b"broken", None]


def test_it_looks_again_when_a_file_is_old(world: World) -> None:
    world.logger.old = 60
    world.hosted.start()
    world.settle()
    world.come()
    ((seconds, look),) = world.loop.timers
    assert seconds == 60
    world.logger.old = 0
    look()
    world.settle()
    assert world.logger.did == ["start", "take 65536", "rotate old"]
    assert world.listens


TROUBLES = [
    (Quit(111, b"multilog: fatal: x\n"), 111, "multilog: fatal: x\n"),
    (ValueError("y"), 111, "multilog: fatal: ValueError('y')\n"),
]


@pytest.mark.parametrize(("trouble", "status", "words"), TROUBLES)
@pytest.mark.parametrize("step", ["start", "take 65536"])
def test_trouble(
    step: str,
    trouble: Exception,
    status: int,
    words: str,
    world: World,
    capfd: pytest.CaptureFixture[str],
) -> None:
    world.logger.effects[step] = [trouble]
    world.hosted.start()
    world.settle()
    if step != "start":
        world.come()
    assert world.exits == [status << 8]
    assert capfd.readouterr().err == words
    assert world.reports == ([b"x"] if isinstance(trouble, Quit) else [])


def test_in_trouble_a_logger_whose_block_is_in_the_journal_is_left_to_the_next(
    started: World,
) -> None:
    started.logger.effects["take 65536"] = [Pause(5)]
    started.come()
    assert started.logger.secured == 1
    started.hosted.hand_over()
    started.settle()
    assert started.logger.did == ["start", "take 65536"]
    assert started.exits == [0]


def test_in_trouble_one_whose_block_is_not_there_tries_again_at_once(started: World) -> None:
    started.logger.is_safe = False
    started.logger.effects["take 65536"] = [Pause(5), Pause(5)]
    started.come()
    started.hosted.hand_over()
    started.settle()
    assert started.logger.secured == 2 and not started.exits
    started.logger.is_safe = True
    started.loop.timers.pop()[1]()
    started.settle()
    assert started.exits == [0]


def test_a_processor_is_waited_for_by_a_logger_that_hands_over(started: World) -> None:
    started.logger.effects["rotate"] = [Wait(1234)]
    started.tell(signal.SIGALRM)
    started.hosted.hand_over()
    started.settle()
    assert not started.exits


def test_a_lock_that_is_waited_for_with_lines_read_keeps_them(started: World) -> None:
    """Where they could be lost, TERM has to wait."""
    started.logger.waits_for_lock = True
    started.logger.is_safe = False
    started.logger.effects["take 65536"] = [Pause(1), Pause(1)]
    started.come()
    started.tell(signal.SIGTERM)
    assert not started.exits
    started.logger.is_safe = True
    started.loop.timers.pop()[1]()
    started.settle()
    assert started.exits == [signal.SIGTERM]


def test_hangup_has_a_logger_that_can_open_its_directories_again(started: World) -> None:
    started.logger.can_reopen = True
    started.tell(signal.SIGHUP)
    assert started.logger.did[-1] == "reopen"
    assert started.listens and not started.exits


def test_hangup_ends_one_that_cannot(started: World) -> None:
    started.tell(signal.SIGHUP)
    assert started.exits == [signal.SIGHUP]


def test_a_logger_is_told_of_the_end_of_a_processor_beside_it(started: World) -> None:
    started.logger.processors = [1234]
    started.tell(signal.SIGALRM)
    assert list(started.children) == [1234]
    assert started.listens
    started.children.pop(1234)(256)
    started.settle()
    assert started.logger.did[-1] == "processed 1234 256"
    assert started.listens


def test_a_logger_that_waits_for_the_processor_is_told_by_that(started: World) -> None:
    """Whether it has ended before or after the logger began to wait."""
    started.logger.processors = [1234]
    started.tell(signal.SIGALRM)
    started.logger.effects["rotate"] = [Wait(1234)]
    started.hosted.signal(signal.SIGALRM)
    started.children.pop(1234)(256)  # while a worker is at it
    started.logger.processors = []
    started.settle()
    assert started.logger.got == [256]
    assert started.logger.did[-1] == "rotate"
    assert started.listens


def test_the_end_of_a_processor_is_nothing_to_a_logger_that_is_gone(started: World) -> None:
    started.logger.processors = [1234]
    started.tell(signal.SIGALRM)
    started.tell(signal.SIGKILL)
    did = started.logger.did[:]
    started.children.pop(1234)(0)
    started.settle()
    assert started.logger.did == did


def test_a_nearer_timer_is_set_too(started: World) -> None:
    started.logger.old = 60
    started.come()
    started.logger.old = 3
    started.come()
    started.logger.old = 2.9
    started.come()
    assert [seconds for seconds, _ in started.loop.timers] == [60, 3]
