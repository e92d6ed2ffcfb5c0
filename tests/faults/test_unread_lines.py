"""Lines that no log has read when daemon, log and svscan are killed, one after the other.

Only a process keeps what is in a pipe. Each kill is seen by svscan, but for its own.
"""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from helpers.processes import kill, killed, runs
from helpers.services import await_pid, in_status, is_supervised, send
from helpers.tree import Tree
from helpers.waiting import until

DAEMON = """\
#!/bin/sh
n=$(cat count 2>/dev/null || echo 0)
while :; do
    n=$((n + 1))
    echo line $n
    echo $n >count
    sleep 0.02
done
"""

PARTS = ("daemon", "log")


def counted(service: Path) -> int:
    try:
        return int((service / "count").read_text() or 0)
    except FileNotFoundError:
        return 0


def says_more(service: Path) -> None:
    before = counted(service)
    until(lambda: counted(service) > before + 3, "it says more")


def down(tree: Tree, service: Path, part: str, letters: str) -> None:
    """Bring a part down for good (``d``), or kill it, so that it is down for a moment."""
    path = service / "log" if part == "log" else service
    pid = in_status(path)
    send(path, letters.encode())
    until(lambda: in_status(path) != pid or not runs(pid), f"{part} is gone")
    until(lambda: in_status(path) == 0, f"svscan knows that {part} is gone")


@pytest.mark.parametrize("multilog", ["ours", "/usr/bin/multilog"])
@pytest.mark.parametrize("renamed", [False, True])
@pytest.mark.parametrize("end", [9, 3, 15], ids=["KILL", "QUIT", "TERM"])
def test_svscan_ends_with_the_log_and_the_daemon_down(
    tree: Tree, end: int, renamed: bool, multilog: str
) -> None:
    program = f"{tree.commands}/multilog" if multilog == "ours" else multilog
    service = tree.add("s", DAEMON, f"#!/bin/sh\nexec {program} s16777215 ./main\n")
    svscan = tree.svscan()
    await_pid(service)
    await_pid(service / "log")
    says_more(service)
    down(tree, service, "log", "d")
    says_more(service)
    down(tree, service, "daemon", "d")
    assert (service / "supervise/pipe.unread").exists()
    if renamed:
        service = service.rename(service.with_name("other"))
        (tree.scan / "s").unlink()
        (tree.scan / "other").symlink_to(service)
    if end == 9:
        killed(svscan)
    else:
        tree.drain(svscan, end)
    svscan = tree.svscan()
    for path in (service, service / "log"):
        until(lambda: (path / "supervise/ok").exists(), f"{path} is supervised")  # noqa: B023
        send_again(path, b"u")
    await_pid(service)
    says_more(service)
    tree.drain(svscan)
    check(service)


def send_again(path: Path, letters: bytes) -> None:
    def sent() -> bool:
        try:
            send(path, letters)
        except OSError:
            return False
        return in_status(path) != 0

    until(sent, f"{path} is up")


def test_a_log_host_then_the_daemon_then_svscan_are_killed(tree: Tree) -> None:
    """As the soak found it: within the second that a log waits until it is started again."""
    log = f"#!/bin/sh\nexec {tree.commands}/multilog s16777215 ./main\n"
    service = tree.add("s", DAEMON, log)
    for _ in range(5):
        svscan = tree.svscan()
        await_pid(service)
        host = await_pid(service / "log")
        kill(host, 9)
        until(lambda: in_status(service / "log") != host, "its log is down")  # noqa: B023
        says_more(service)
        pid = in_status(service)
        kill(pid, 9)
        until(lambda: in_status(service) != pid, "it is down")  # noqa: B023
        killed(svscan)
    svscan = tree.svscan()
    await_pid(service)
    says_more(service)
    tree.drain(svscan)
    check(service)


def check(service: Path) -> None:
    """Every line is in the log once; so may be those that were said and not noted."""
    main = service / "log/main"
    files = [*sorted(main.glob("@*")), main / "current"]
    text = b"".join(path.read_bytes() for path in files)
    numbers = [int(line.split()[1]) for line in text.splitlines()]
    kept = [number for number, _ in itertools.groupby(numbers)]
    assert kept == list(range(1, counted(service) + 1)) or kept == list(
        range(1, counted(service) + 2)
    ), numbers


SAYS_ONE = """\
#!/bin/sh
exec 8<>tick
read -r word <&8
echo $$.$word
echo $$.$word >>said
"""


@pytest.mark.slow
def test_svscan_is_killed_in_a_first_scan_that_takes_long(tree: Tree) -> None:
    """Until it has seen a service, the log host of the svscan before has the service's pipe.

    Nobody else would, when the daemon has said a line and dies, and svscan is killed.
    """
    log = f"#!/bin/sh\nexec {tree.commands}/multilog s16777215 ./main\n"
    services = [tree.add(f"s{number:02}", SAYS_ONE, log) for number in range(40)]
    for service in services:
        os.mkfifo(service / "tick")
    slowly = ["-e", "trace=flock", "-e", "inject=flock:delay_enter=20000"]
    strace = ["/usr/bin/strace", "-D", "-qq", "-o", "/dev/null", *slowly]
    svscan = tree.svscan()
    for seen in (4, 12, 20, 39):
        pids = [await_pid(service) for service in services]
        for service in services:
            await_pid(service / "log")
        killed(svscan)
        svscan = tree.svscan(strace)
        until(lambda: is_supervised(services[seen]), f"{seen} are seen")  # noqa: B023
        killed(svscan)
        for service in services:
            (service / "tick").write_bytes(b"%d\n" % seen)
        for pid in pids:
            until(lambda: not runs(pid), f"{pid} has said it")  # noqa: B023
        svscan = tree.svscan()
        for service, pid in zip(services, pids, strict=True):
            await_pid(service, pid)
    tree.drain(svscan)
    said = {service.name: (service / "said").read_bytes() for service in services}
    assert all(text.count(b"\n") == 4 for text in said.values())
    kept = {service.name: (service / "log/main/current").read_bytes() for service in services}
    assert kept == said
