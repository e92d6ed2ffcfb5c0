"""Which process is which: as the kernel tells it in ``/proc``."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import pytest
from helpers.processes import kill
from helpers.waiting import until

from slashservice.supervise.platform import linux


def test_a_process_has_a_start_time_until_it_is_dead() -> None:
    process = subprocess.Popen(["/usr/bin/cat"], stdin=subprocess.PIPE)
    assert process.stdin
    start = linux.started(process.pid)
    assert linux.started(os.getpid()) <= start <= linux.now()
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert linux.started(process.pid) == 0, "a zombie does not run"
    process.wait()
    assert linux.started(process.pid) == 0


def test_a_command_may_be_called_anything(tmp_path: Path) -> None:
    script = tmp_path / "a) Z 1 (b"
    script.symlink_to("/usr/bin/cat")
    process = subprocess.Popen([script], stdin=subprocess.PIPE)
    assert process.stdin
    assert linux.started(process.pid) > 0
    process.stdin.close()
    process.wait()


def leader(**options: object) -> subprocess.Popen[bytes]:
    process: subprocess.Popen[bytes] = subprocess.Popen(
        ["/usr/bin/sleep", "1000"],
        start_new_session=True,
        **options,  # type: ignore[call-overload]
    )
    return process


class Intent:
    """What was written down before a process was started: the time, and the last pid."""

    def __init__(self) -> None:
        self.start = linux.now()
        self.after = linux.last_pid()

    def find(self, directory: bytes, environment: Sequence[bytes] = ()) -> tuple[int, int]:
        return linux.find(self.start, self.start + 500, self.after, directory, environment)


@pytest.mark.parametrize("how", ["works there", "writes to the pipe", "reads from the pipe"])
def test_finding_a_process_that_was_being_started(tmp_path: Path, how: str) -> None:
    intent = Intent()
    (tmp_path / "supervise").mkdir()
    (tmp_path / "log").mkdir()
    pipe = tmp_path / "supervise/pipe"
    os.mkfifo(pipe)
    directory = os.fsencode(tmp_path / "log" if how.startswith("reads") else tmp_path)
    fd = os.open(pipe, os.O_RDWR)
    assert intent.find(directory) == (0, 0)
    if how == "works there":
        process = leader(cwd=directory)
    elif how == "writes to the pipe":
        process = leader(cwd="/", stdin=subprocess.DEVNULL, stdout=fd)
    else:
        process = leader(cwd="/", stdin=fd)
    try:
        start = linux.started(process.pid)
        assert intent.find(directory) == (process.pid, start)
        intent.start = start + 1
        assert intent.find(directory) == (0, 0), "started too early"
        intent.start = start
        other = os.fsencode(tmp_path if how.startswith("reads") else tmp_path / "log")
        assert intent.find(other) == (0, 0), "not the other part of the pair"
    finally:
        os.close(fd)
        process.kill()
        process.wait()


def has_become_sleep(pid: int) -> bool:
    """Tell whether it leads a session and is ``sleep``: just before, it has no environment."""
    process = Path(f"/proc/{pid}")
    return (
        os.getsid(pid) == pid
        and (process / "comm").read_text() == "sleep\n"
        and (process / "environ").read_bytes() != b""
    )


def await_sleep(pid: int) -> None:
    """Wait until the process is what it is to be."""
    until(lambda: has_become_sleep(pid), f"{pid} is sleep", pause=0.001)


def test_finding_a_process_that_went_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the orphan that was started next, with our environment, or more."""
    intent = Intent()
    directory = os.fsencode(tmp_path)
    # The shell ends at once, and is the parent no more.
    printed = subprocess.check_output(
        ["/bin/sh", "-c", "setsid sleep 1000 >/dev/null & echo $!"],
        env={"A": "1", "B": "2", "C": "3"},
        cwd="/",
    )
    pid = int(printed)
    try:
        await_sleep(pid)
        found = (pid, linux.started(pid))
        assert intent.find(directory, [b"A=1", b"B=2"]) == found
        assert intent.find(directory, [b"A=1", b"D=4"]) == (0, 0), "not ours"
        assert intent.find(directory) == (0, 0), "nothing to tell it by"
        intent.after = pid
        assert intent.find(directory, [b"A=1"]) == (0, 0), "recorded already"
        intent.after = 0
        assert intent.find(directory, [b"A=1"]) == found, "not told after which"
        # Now pids would begin anew at four times this one.
        monkeypatch.setattr(linux, "_pid_max", lambda: 4 * pid)
        intent.after = 4 * pid - 1
        assert intent.find(directory, [b"A=1"]) == found, "pids began anew"
        intent.after = pid + 1
        assert intent.find(directory, [b"A=1"]) == (0, 0), "recorded already"
    finally:
        kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("how", ["works there", "writes to the pipe", "hosts logs"])
def test_not_finding_a_process_of_another_service(tmp_path: Path, how: str) -> None:
    intent = Intent()
    for name in ("this", "other"):
        (tmp_path / name / "supervise").mkdir(parents=True)
    (tmp_path / "other/supervise/lock").touch()
    os.mkfifo(tmp_path / "other/supervise/pipe")
    name = "loghost" if how == "hosts logs" else "sleep"
    there = tmp_path / "other" if how == "works there" else Path("/")
    pipe = os.open(tmp_path / "other/supervise/pipe", os.O_RDWR)
    output = f">&{pipe}" if how == "writes to the pipe" else ">/dev/null"
    printed = subprocess.check_output(
        ["/bin/bash", "-c", f"setsid bash -c 'exec -a {name} sleep 1000' {output} & echo $!"],
        env={"A": "1"},
        cwd=there,
        pass_fds=[pipe] if how == "writes to the pipe" else [],
    )
    os.close(pipe)
    pid = int(printed)
    try:
        await_sleep(pid)
        assert intent.find(os.fsencode(tmp_path / "this"), [b"A=1"]) == (0, 0)
    finally:
        kill(pid, signal.SIGKILL)


@pytest.mark.parametrize(
    ("pid", "other", "later"),
    [
        (301, 300, True),
        (300, 300, False),
        (300, 301, False),
        (300, 32767, True),
        (32767, 300, False),
        (32767, 32766, True),
        (1, 0, True),
        (32767, 0, True),
    ],
)
def test_pids_go_in_a_circle(pid: int, other: int, later: bool) -> None:
    assert linux._was_given_later(pid, other, 32768) == later


@pytest.mark.parametrize("said", ["nothing", "no number"])
def test_where_pids_begin_anew_is_assumed_if_it_is_not_told(
    said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "pid_max"
    if said == "no number":
        told.write_text("?\n")

    def elsewhere(path: str, mode: str, buffering: int) -> BinaryIO:
        assert path == "/proc/sys/kernel/pid_max"
        return open(told, mode, buffering)  # type: ignore[return-value]

    monkeypatch.setattr(linux, "open", elsewhere, raising=False)
    assert linux._pid_max() == linux.MOST_PIDS


@pytest.mark.parametrize("other", ["_was_given", "_is_of_another"])
def test_a_process_that_goes_while_it_is_looked_at_is_not_the_one(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It led a session when it was listed. Each look at it tells by itself that it has gone."""
    with subprocess.Popen(["/usr/bin/true"]) as gone:
        pass
    (tmp_path / "supervise").mkdir()
    os.mkfifo(tmp_path / "supervise/pipe")
    fields = [b"S", b"1", b"0", b"%d" % gone.pid, *[b"0"] * 15, b"%d" % linux.now()]
    names = os.listdir
    monkeypatch.setattr(linux, "_stat", lambda pid: fields)
    monkeypatch.setattr(
        os, "listdir", lambda path: [f"{gone.pid}"] if path == "/proc" else names(path)
    )
    arguments = (0, linux.now() + 500, 0, os.fsencode(tmp_path), [b"A=1"])
    assert linux.find(*arguments) == (0, 0)
    monkeypatch.setattr(linux, other, lambda *_: other == "_was_given")
    assert linux.find(*arguments) == (0, 0)
    monkeypatch.setattr(linux, "_was_given", lambda *_: True)
    monkeypatch.setattr(linux, "_is_of_another", lambda pid: False)
    assert linux.find(*arguments)[0] == gone.pid, "else it is as one that is looked for"


@pytest.mark.parametrize("name", ["pidfd_open", "splice"])
def test_a_python_that_was_built_without_a_call(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: dict[str, Callable[[], int]] = {
        "pidfd_open": lambda: linux.open_process(os.getpid()),
        "splice": lambda: linux.splice(0, 1, 1, 0),
    }
    monkeypatch.delattr(os, name)
    with pytest.raises(OSError) as caught:
        calls[name]()
    assert caught.value.errno == errno.ENOSYS, "as if the kernel lacked it"
