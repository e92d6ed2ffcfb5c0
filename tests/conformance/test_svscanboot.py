"""svscanboot and readproctitle beside C's: what they start, show, and end."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.inheritance import SLEEPER, as_decided, dump, launch, open_more
from helpers.processes import kill, state_of
from helpers.services import (
    Outcome,
    await_pid,
    contents,
    make_service,
    pid_of,
    run,
    services_in,
    stop,
    unread,
)
from helpers.waiting import GENEROUS, until

DOTS = b"." * 400

IN_ITS_PLACE = """\
mount -t tmpfs none /etc && mkdir /etc/service && mount --bind scan /etc/service && exec svscanboot
"""
"""Have C svscanboot find its fixed directory, in a mount namespace of its own."""

SPEAKER = """\
#!/bin/sh
echo "spoken by $$" >&2
exec sleep 1000
"""


class Boot(NamedTuple):
    """A running svscanboot (``pid`` is what init would know) on ``scan``."""

    pid: int
    scan: Path


def children(pid: int) -> list[int]:
    return [int(word) for word in contents(Path(f"/proc/{pid}/task/{pid}/children")).split()]


def arguments(pid: int) -> list[bytes]:
    return contents(Path(f"/proc/{pid}/cmdline")).split(b"\0")[:-1]


def display(boot: Boot, other_than: int = 0) -> int:
    """Wait for readproctitle, a child of svscanboot, to run; return its pid."""

    def found() -> int:
        for pid in children(boot.pid):
            if pid != other_than and arguments(pid)[-3:-1] == [b"service", b"errors:"]:
                return pid
        return 0

    return until(found, "readproctitle runs")


def title(pid: int) -> bytes:
    """Return what a readproctitle shows; nothing while it is being started."""
    return b"".join(arguments(pid)[-1:])


@contextmanager
def booted(argv: list[bytes], top: Path) -> Iterator[Boot]:
    (top / "input").touch()
    boot = Boot(launch(argv, top, open_more, [b"PATH=/usr/bin:/bin", b"JUNK=1"]), top / "scan")
    try:
        yield boot
    finally:
        supervised = services_in(boot.scan)
        for pid in children(boot.pid):
            if arguments(pid)[:1] == [b"svscan"]:
                stop(pid, supervised)
        stop(boot.pid, supervised, signal.SIGKILL)
        os.waitpid(boot.pid, 0)


@contextmanager
def both(oracle: Path, ours: Path, top: Path) -> Iterator[dict[str, Boot]]:
    """Have C svscanboot run, and ours, each on a service with a log and one that speaks."""
    starts = {
        "C": [b"/usr/bin/unshare", b"-m", b"/bin/sh", b"-c", IN_ITS_PLACE.encode()],
        "ours": [os.fsencode(ours / "svscanboot"), b"scan"],
    }
    with ExitStack() as stack:
        boots = {}
        for side, argv in starts.items():
            make_service(top / side / "scan/logged", SLEEPER, log=SLEEPER)
            make_service(top / side / "scan/speaker", SPEAKER)
            boots[side] = stack.enter_context(booted(argv, top / side))
        yield boots


@pytest.mark.root
def test_svscanboot_beside_c(oracle: Path, ours: Path, world_dir: Path) -> None:
    with both(oracle, ours, world_dir / "boot") as boots:
        seen: dict[str, dict[str, object]] = {}
        for side, boot in boots.items():
            shows = display(boot)
            spoken = b"spoken by %d\n" % await_pid(boot.scan / "speaker")
            until(lambda: spoken in title(shows), "what was spoken is shown")  # noqa: B023
            shown = title(shows)
            seen[side] = {
                "title": (len(shown), shown.lstrip(b".").replace(spoken, b"SPOKEN")),
                "words": arguments(shows)[-3:-1],
                "display's environment": contents(Path(f"/proc/{shows}/environ")),
            }
            for name in ("scan/logged", "scan/logged/log"):
                service = boot.scan.parent / name
                pid = await_pid(service)
                until(lambda: (service / f"ready.{pid}").exists(), "it has started")  # noqa: B023
                taken = as_decided(name, dump(service, pid, boot.scan.parent), side)
                taken["namespaces"] = []  # C's is in one of the test's own
                taken["descriptors"] = {
                    number: flags for number, (_, flags) in taken["descriptors"].items()
                }
                for what, value in taken.items():
                    seen[side][f"{name}'s {what}"] = value
        for what in seen["C"]:
            if not what.endswith("links"):
                assert seen["ours"][what] == seen["C"][what], what


@pytest.mark.root
def test_readproctitle_is_started_again(ours: Path, world_dir: Path) -> None:
    top = world_dir / "boot again"
    speaker = make_service(top / "scan/speaker", SPEAKER)
    with booted([os.fsencode(ours / "svscanboot"), b"scan"], top) as boot:
        before = display(boot)
        pid = await_pid(speaker)
        kill(before, signal.SIGKILL)
        kill(pid, signal.SIGKILL)
        pid = await_pid(speaker, pid)
        after = display(boot, before)
        until(lambda: b"spoken by %d\n" % pid in title(after), "what was spoken is shown")
        kill(boot.pid, signal.SIGTERM)
        until(lambda: state_of(boot.pid) == "Z", "svscanboot has ended")
        died = os.waitid(os.P_PID, boot.pid, os.WEXITED | os.WNOWAIT)
        assert died is not None and died.si_status == 0
        assert state_of(pid) == "Z"
        until(lambda: state_of(after) == "Z", "readproctitle has ended")


@pytest.mark.root
def test_nobody_reads_what_is_said(ours: Path, world_dir: Path) -> None:
    """Supervision goes on, though we have something to say and there is no room for it."""
    top = world_dir / "boot unheard"
    noisy = make_service(top / "scan/noisy", "#!/bin/sh\nexec cat /dev/zero >&2\n")
    with booted([os.fsencode(ours / "svscanboot"), b"scan"], top) as boot:
        reader = display(boot)
        pid = await_pid(noisy)
        kill(reader, signal.SIGSTOP)
        pipe = os.open(f"/proc/{reader}/fd/0", os.O_RDONLY | os.O_NONBLOCK)
        try:
            until(lambda: unread(pipe) == fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ), "the pipe is full")
            (boot.scan / "complained of").symlink_to("nowhere")
            await_pid(make_service(top / "scan/later", SLEEPER))
            assert pid_of(noisy) == pid
        finally:
            os.close(pipe)
            kill(reader, signal.SIGCONT)


@pytest.mark.root
def test_leftovers_of_c_are_ended(oracle: Path, ours: Path, world_dir: Path) -> None:
    top = world_dir / "boot after C"
    service = make_service(top / "scan/service", SLEEPER, log=SLEEPER)
    left = [subprocess.Popen([oracle / "supervise", path]) for path in (service, service / "log")]
    try:
        pids = {path: await_pid(path) for path in (service, service / "log")}
        with booted([os.fsencode(ours / "svscanboot"), b"scan"], top) as boot:
            for process in left:
                assert process.wait(GENEROUS) == 0
            for path, pid in pids.items():
                assert await_pid(path, pid) in children(boot.pid)
    finally:
        for process in left:
            process.kill()
            process.wait()


def test_readproctitle_shows_the_same(oracle: Path, ours: Path) -> None:
    words = ["service", "errors:", "." * 60]
    with ExitStack() as stack:
        shown = [
            stack.enter_context(
                subprocess.Popen(
                    [where / "readproctitle", *words], stdin=subprocess.PIPE, bufsize=0
                )
            )
            for where in (oracle, ours)
        ]
        pieces = [
            b"one",
            b"\ntwo\n",
            b"with \0 a zero \0\0",
            b"\x01\x7f\x80\xff\t\r\x1b[31m",
            b"long" * 100,
            b"last of a very long one " * 4000,
            *(b"%c" % number for number in range(0, 256, 15)),
        ]
        for number, piece in enumerate(pieces):
            mark = b"<%d>" % number
            for process in shown:
                assert process.stdin
                process.stdin.write(piece + mark)
            for process in shown:
                until(lambda: title(process.pid).endswith(mark), "shown")  # noqa: B023
            theirs, mine = (arguments(process.pid)[-3:] for process in shown)
            assert mine == theirs
            assert len(mine[-1]) == 60
        for process in shown:
            assert process.stdin
            process.stdin.close()
            assert process.wait(GENEROUS) == 0


def test_readproctitle_whose_input_cannot_be_read(oracle: Path, ours: Path) -> None:
    outcomes = [
        run("sh", "-c", f'exec "$0" ..... {how}', where / "readproctitle")
        for how in ("<&-", "0>/dev/null")
        for where in (oracle, ours)
    ]
    assert outcomes == [Outcome(111, b"", b"")] * 4
