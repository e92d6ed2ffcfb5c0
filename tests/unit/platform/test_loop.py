"""The event loop, on an injected clock where it is about time."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from functools import partial

from helpers.clock import Clock

from slashservice.supervise.platform.loop import PORTION, Loop


def test_timers_come_in_order_and_once(loop: Loop, clock: Clock) -> None:
    seen: list[str] = []
    loop.at(103, lambda: seen.append("late"))
    loop.at(101, lambda: seen.append("early"))
    loop.after(1, lambda: seen.append("as early, asked later"))
    clock.now = 101
    loop.step()
    assert seen == ["early", "as early, asked later"]
    clock.now = 200
    loop.step()
    assert seen == ["early", "as early, asked later", "late"]


def test_a_timer_asked_for_by_a_timer_waits_for_the_next_round(loop: Loop, clock: Clock) -> None:
    rounds: list[float] = []

    def again() -> None:
        rounds.append(clock.now)
        clock.now += 1
        loop.after(0, again)

    loop.after(0, again)
    loop.step()
    assert len(rounds) == 1, "or descriptors would never be looked at again"
    loop.step()
    assert len(rounds) == 2


def test_descriptors(loop: Loop) -> None:
    seen: list[bytes] = []
    out, in_ = os.pipe()
    loop.add(out, lambda: seen.append(os.read(out, 10)))
    os.write(in_, b"one")
    loop.step()
    os.write(in_, b"two")
    loop.step()
    assert seen == [b"one", b"two"]
    os.write(in_, b"three")
    loop.remove(out)
    loop.after(0, lambda: None)
    loop.step()
    assert len(seen) == 2
    os.close(out)
    os.close(in_)


def test_a_descriptor_that_is_closed_before_it_is_removed(loop: Loop) -> None:
    """With a copy of it open, the kernel may still tell of it."""
    seen: list[str] = []
    out, in_ = os.pipe()
    copy = os.dup(out)
    loop.add(out, lambda: seen.append("readable"))
    os.close(out)
    loop.remove(out)
    os.write(in_, b"x")
    loop.after(0, lambda: None)
    loop.step()
    assert seen == []
    os.close(copy)
    os.close(in_)


def test_one_callback_removes_the_descriptor_of_another(loop: Loop) -> None:
    pipes = [os.pipe() for _ in range(2)]
    seen: list[int] = []

    def readable(which: int) -> None:
        seen.append(which)
        for out, in_ in pipes:
            loop.remove(out)
            os.close(out)
            os.close(in_)

    for which, (out, in_) in enumerate(pipes):
        loop.add(out, partial(readable, which))
        os.write(in_, b"x")
    loop.step()
    assert len(seen) == 1


def test_a_descriptor_closed_and_used_again_in_one_round(loop: Loop) -> None:
    """What was readable is gone; its number means something else now."""
    pipes = [os.pipe() for _ in range(2)]
    seen: list[str] = []

    def replace(mine: int) -> None:
        out, _ = pipes[1 - mine]
        loop.remove(out)
        quiet = os.pipe()
        os.dup2(quiet[0], out)
        os.close(quiet[0])
        loop.add(out, lambda: seen.append("wrong"))
        loop.remove(pipes[mine][0])
        pipes.append((quiet[1], quiet[1]))
        seen.append("right")

    for which in range(2):
        loop.add(pipes[which][0], partial(replace, which))
        os.write(pipes[which][1], b"x")
    loop.step()
    assert seen == ["right"]
    for out, in_ in pipes[:2]:
        os.close(out)
        os.close(in_)
    os.close(pipes[2][0])


def test_signals_are_seen_to_in_the_loop(loop: Loop) -> None:
    seen: list[int] = []
    loop.on_signal(signal.SIGUSR1, lambda: seen.append(1))
    loop.on_signal(signal.SIGUSR2, lambda: seen.append(2))
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR2)
    assert seen == []
    loop.step()
    assert sorted(seen) == [1, 2]


def test_a_flood_of_signals_loses_none_of_their_kinds(loop: Loop) -> None:
    seen: list[int] = []
    loop.on_signal(signal.SIGUSR1, lambda: seen.append(1))
    loop.on_signal(signal.SIGUSR2, lambda: seen.append(2))
    for _ in range(1000):
        os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR2)
    for _ in range(10):
        loop.after(0, lambda: None)
        loop.step()
    assert set(seen) == {1, 2}


def test_a_flood_of_one_signal_keeps_another_waiting_for_no_round(loop: Loop) -> None:
    """A round that took only some of them would leave the pipe to fill, and lose signals."""
    seen: list[int] = []
    loop.on_signal(signal.SIGUSR1, lambda: None)
    loop.on_signal(signal.SIGUSR2, lambda: seen.append(2))
    for _ in range(5000):
        os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR2)
    loop.step()
    assert seen == [2]


def test_how_signals_stood_before(loop: Loop) -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    loop.on_signal(signal.SIGUSR1, lambda: None)
    loop.on_signal(signal.SIGUSR1, lambda: None)
    loop.on_signal(signal.SIGUSR2, lambda: None)
    assert loop.inherited[signal.SIGUSR1] == signal.SIG_IGN
    assert loop.inherited[signal.SIGUSR2] == signal.SIG_DFL


def test_children(loop: Loop) -> None:
    seen: dict[int, int] = {}

    def note(pid: int, status: int) -> None:
        seen[pid] = os.waitstatus_to_exitcode(status)

    pids = [os.posix_spawn("/bin/sh", ["sh", "-c", f"exit {n}"], {}) for n in range(3)]
    for pid in pids:
        loop.on_exit(pid, partial(note, pid))
    loop.ignore_exit(pids[0])
    while len(seen) < 2:
        loop.step()
    assert seen == {pids[1]: 1, pids[2]: 2}
    with suppress(ChildProcessError):  # the loop may have fetched it, or not yet
        os.waitpid(pids[0], 0)


def test_deaths_come_in_portions(loop: Loop, clock: Clock) -> None:
    """Without another signal, and each is told of; meanwhile others are served."""
    seen: list[str] = []
    out, in_ = os.pipe()

    def died(status: int) -> None:
        seen.append("death")
        os.write(in_, b"x")
        clock.now += PORTION / 2.5

    def readable() -> None:
        os.read(out, 100)
        seen.append("command")

    pids = [os.posix_spawn("/bin/true", ["true"], {}) for _ in range(10)]
    for pid in pids:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        loop.on_exit(pid, died)
    loop.add(out, readable)
    while seen.count("death") < len(pids):
        loop.step()
    assert seen == (["death"] * 3 + ["command"]) * 3 + ["death"]
    loop.remove(out)
    os.close(out)
    os.close(in_)


def test_a_death_that_is_expected_comes_before_a_crowd(loop: Loop, clock: Clock) -> None:
    """The youngest was told to end. So was one that goes on, and one that nobody asks for now."""
    seen: list[int] = []

    def died(pid: int, status: int) -> None:
        seen.append(pid)
        clock.now += PORTION

    crowd = [os.posix_spawn("/bin/true", ["true"], {}) for _ in range(10)]
    lasting = os.posix_spawn("/bin/sleep", ["sleep", "1000"], {})
    told, forgotten = (os.posix_spawn("/bin/sleep", ["sleep", "1000"], {}) for _ in range(2))
    for pid in (*crowd, lasting, told, forgotten):
        loop.on_exit(pid, partial(died, pid))
    for pid in (told, forgotten):
        os.kill(pid, signal.SIGTERM)
    for pid in (lasting, forgotten, told):
        loop.expect_exit(pid)
    loop.ignore_exit(forgotten)
    for pid in (*crowd, told, forgotten):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    while len(seen) < len(crowd) + 1:
        loop.step()
    assert seen == [told, *crowd]
    os.kill(lasting, signal.SIGKILL)
    while seen[-1] != lasting:
        loop.step()
    loop.expect_exit(lasting)
    with suppress(ChildProcessError):  # the loop may have fetched it, or not yet
        os.waitpid(forgotten, 0)


def test_a_death_that_was_expected_and_is_no_more(loop: Loop) -> None:
    """Who is told of one death makes an end of the waiting for another."""
    pids = [os.posix_spawn("/bin/true", ["true"], {}) for _ in range(3)]
    seen: list[int] = []

    def died(pid: int, status: int) -> None:
        seen.append(pid)
        loop.ignore_exit(pids[1])

    for pid in pids:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        loop.on_exit(pid, partial(died, pid))
        loop.expect_exit(pid)
    while len(seen) < 2:
        loop.step()
    assert seen == [pids[0], pids[2]]
    with suppress(ChildProcessError):  # the loop may have fetched it, or not yet
        os.waitpid(pids[1], 0)


def test_deaths_that_are_expected_come_in_portions(loop: Loop, clock: Clock) -> None:
    seen: list[int] = []

    def died(pid: int, status: int) -> None:
        seen.append(pid)
        clock.now += PORTION / 2

    pids = [os.posix_spawn("/bin/true", ["true"], {}) for _ in range(9)]
    for pid in pids:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        loop.on_exit(pid, partial(died, pid))
    for pid in reversed(pids):
        loop.expect_exit(pid)
    loop.step()
    assert seen == [pids[8], pids[7], pids[0], pids[1]], "a portion of each kind"
    while len(seen) < len(pids):
        loop.step()


def test_a_child_that_dies_of_each_death_stops_nobody(loop: Loop, clock: Clock) -> None:
    """Each death is answered by a child that is dead at once, without end."""
    deaths = 0

    def died(status: int) -> None:
        nonlocal deaths
        deaths += 1
        if deaths > 100:
            return  # or this test would have no end if it failed
        clock.now += PORTION / 2
        pid = os.posix_spawn("/bin/true", ["true"], {})
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        loop.on_exit(pid, died)

    pid = os.posix_spawn("/bin/true", ["true"], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    loop.on_exit(pid, died)
    loop.on_signal(signal.SIGUSR1, loop.stop)
    loop.step()
    os.kill(os.getpid(), signal.SIGUSR1)
    loop.run()
    assert deaths < 10
    os.waitpid(-1, 0)  # the last one, of which nobody was told


def test_times_come_in_portions(loop: Loop, clock: Clock) -> None:
    seen: list[str] = []
    out, in_ = os.pipe()

    def due() -> None:
        seen.append("due")
        os.write(in_, b"x")
        clock.now += PORTION / 2.5

    def readable() -> None:
        os.read(out, 100)
        seen.append("command")

    loop.add(out, readable)
    for number in range(7):
        loop.at(90 + number / 1000, due)
    for _ in range(3):
        loop.step()
    assert seen == ["due"] * 3 + ["command"] + ["due"] * 3 + ["command", "due"]
    loop.remove(out)
    os.close(out)
    os.close(in_)


def test_descriptors_come_in_portions_and_in_turn(loop: Loop, clock: Clock) -> None:
    """All that are always readable; deaths, times and signals come in between."""
    pipes = [os.pipe() for _ in range(9)]
    seen: list[int] = []

    def readable(which: int) -> None:
        seen.append(which)
        clock.now += PORTION / 2.5

    for which, (out, in_) in enumerate(pipes):
        loop.add(out, partial(readable, which))
        os.write(in_, b"x")
    loop.on_signal(signal.SIGUSR1, lambda: seen.append(-1))
    loop.after(0, lambda: seen.append(-2))
    loop.step()
    os.kill(os.getpid(), signal.SIGUSR1)
    for _ in range(5):
        loop.step()
    assert seen[3:5] == [-2, -1]
    calls = [which for which in seen if which >= 0]
    assert len(calls) == 18
    assert sorted(calls[:9]) == sorted(calls[9:]) == list(range(9))
    for out, in_ in pipes:
        loop.remove(out)
        os.close(out)
        os.close(in_)


def test_one_that_is_left_for_the_next_round_may_be_gone_by_then(loop: Loop, clock: Clock) -> None:
    pipes = [os.pipe() for _ in range(4)]
    seen: list[int] = []

    def readable(which: int) -> None:
        seen.append(which)
        clock.now += PORTION

    for which, (out, in_) in enumerate(pipes):
        loop.add(out, partial(readable, which))
        os.write(in_, b"x")
    loop.step()
    assert len(seen) == 1
    for out, in_ in pipes:
        loop.remove(out)
        os.close(out)
        os.close(in_)
    loop.after(0, lambda: None)
    loop.step()
    assert len(seen) == 1


def test_run_until_stopped(loop: Loop) -> None:
    loop.after(0, loop.stop)
    loop.run()
    assert loop.stopped


def test_a_timer_may_be_years_away(loop: Loop) -> None:
    loop.after(1e9, lambda: None)  # epoll_wait(2) takes milliseconds as an int
    os.kill(os.getpid(), signal.SIGCHLD)
    loop.step()
