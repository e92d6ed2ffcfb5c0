"""macOS and FreeBSD, simulated: everything starts without what they lack.

No such machine is at hand for these tests. See :mod:`helpers.systems` for what is simulated.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import systems
from helpers.checkout import PYTHON
from helpers.processes import comm, runs
from helpers.services import await_down, await_pid, pid_of
from helpers.simulated import Services, machine, serving
from helpers.systems import Simulated
from helpers.tree import MULTILOG
from helpers.waiting import until

from slashservice.supervise.chain import launchers

SAYING = "#!/bin/sh\nexec 2>&1\necho a line\nexec sleep 1000\n"

HOSTABLE = "#!/bin/sh\nexec multilog ./main\n"


@pytest.fixture(scope="module", params=["darwin", "freebsd14"])
def simulated(request: pytest.FixtureRequest) -> Iterator[Simulated]:
    with machine(request.param) as made:
        yield made


@pytest.fixture
def services(simulated: Simulated, tmp_path: Path) -> Iterator[Services]:
    with serving(simulated, tmp_path / "tree") as made:
        yield made


def in_code(simulated: Simulated, code: str) -> str:
    """Run ``code`` where a command of ours would be run; return what it printed."""
    start = launchers.LAUNCHER.format(home=str(simulated.code), name="")
    imports = "from slashservice.supervise import program\n"
    start = start[: start.index("from slashservice")] + imports
    return subprocess.run(
        [PYTHON, "-ISXutf8", "-c", start + code], capture_output=True, text=True, check=True
    ).stdout


def test_what_the_system_lacks_is_gone(simulated: Simulated) -> None:
    lacking = {name: sorted(gone) for name, gone in systems.lacks(simulated.system).items()}
    assert {"pidfd_open", "splice"} <= set(lacking["os"])
    assert "CLOCK_BOOTTIME" in lacking["time"]
    assert "epoll" in lacking["select"]
    assert ("pipe2" in lacking["os"]) == (simulated.system == "darwin")
    left = in_code(
        simulated,
        f"""
import importlib, os, posix, _signal
print(sys.platform)
for name, gone in {lacking!r}.items():
    module = importlib.import_module(name)
    print(*[f"{{name}}.{{one}}" for one in gone if hasattr(module, one)], end="")
print(hasattr(posix, "splice"), hasattr(_signal, "pidfd_send_signal"))
for look in (os.stat, os.lstat, os.readlink, os.listdir, open):
    try:
        look("/proc/self/fd")
    except FileNotFoundError:
        print("refused")
""",
    )
    assert left.split() == [simulated.system, "False", "False"] + ["refused"] * 5


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_every_command_can_be_loaded(simulated: Simulated, name: str) -> None:
    assert in_code(simulated, f"print(program.load({name!r}).__name__)") == "main\n"


def test_a_service_from_its_start_to_its_end(services: Services) -> None:
    tree = services.tree
    path = tree.add("s", SAYING, MULTILOG)
    svscan = services.svscan()
    pid = await_pid(path)
    assert services.command("svstat", path).startswith(f"{path}: up (pid {pid}) ")
    services.command("svok", path)
    current = path / "log/main/current"
    until(lambda: current.exists() and current.read_bytes() == b"a line\n", "a line is logged")
    services.command("svc", "-d", path)
    await_down(path)
    assert services.command("svstat", path).startswith(f"{path}: down ")
    services.command("svc", "-u", path)
    assert await_pid(path, other_than=pid)
    other = tree.add("later")
    assert await_pid(other), "found without being told by the kernel"
    tree.drain(svscan)
    assert tree.processes() == []


def test_a_restart_by_sv(services: Services) -> None:
    """Nothing tells it when the status changes, so it looks."""
    tree = services.tree
    path = tree.add("s")
    svscan = services.svscan()
    pid = await_pid(path)
    said = services.command("sv", "-w", "60", "restart", path)
    assert said.startswith(f"ok: run: {path}: (pid ")
    assert await_pid(path, other_than=pid)
    services.command("sv", "-w", "60", "stop", path)
    await_down(path)
    tree.drain(svscan)


def test_a_log_that_could_be_hosted(services: Services) -> None:
    """macOS has no sockets to talk to a log host with, so there it runs as written."""
    tree = services.tree
    path = tree.add("s", SAYING, HOSTABLE)
    svscan = services.svscan()
    logger = await_pid(path / "log")
    current = path / "log/main/current"
    until(lambda: current.exists() and current.read_bytes() == b"a line\n", "a line is logged")
    hosted = services.simulated.system != "darwin"
    until(lambda: comm(logger) == ("loghost" if hosted else "multilog"), "what reads the log")
    tree.drain(svscan)
    until(lambda: not runs(logger), "the logger has ended")


def test_a_killed_svscan_is_followed_by_one_that_adopts(services: Services) -> None:
    tree = services.tree
    path, pid = services.left_running()
    behind = tree.add("seen after it")
    second = services.svscan()
    assert await_pid(behind)
    assert (pid_of(path), tree.workers(path)) == (pid, [pid])
    assert services.command("svstat", path).startswith(f"{path}: up (pid {pid}) ")
    os.kill(pid, signal.SIGKILL)
    assert await_pid(path, other_than=pid), "its death is seen, by looking"
    tree.drain(second)


def test_supervise_alone(services: Services) -> None:
    tree = services.tree
    path = tree.make("s")
    words = ["/usr/bin/env", f"PATH={services.simulated.path}"]
    supervise = tree.start([*words, str(services.simulated.commands / "supervise"), str(path)])
    pid = await_pid(path)
    assert os.getsid(pid) == pid
    tree.drain(supervise)


def test_svscanboot(services: Services) -> None:
    """As launchd starts it; what readproctitle reads is not shown there."""
    tree = services.tree
    path = tree.add("s", "#!/bin/sh\necho said >&2\nexec sleep 1000\n")
    svscan = tree.start([str(services.simulated.commands / "svscanboot"), str(tree.scan)])
    pid = await_pid(path)
    services.command("svc", "-t", path)
    assert await_pid(path, other_than=pid)
    tree.drain(svscan)


def test_readproctitle_reads_to_the_end(services: Services) -> None:
    words = [str(services.simulated.commands / "readproctitle"), "errors:", "." * 20]
    subprocess.run(words, input=b"some words\n" * 10_000, check=True)


def test_fghack_waits_for_what_puts_itself_into_the_background(services: Services) -> None:
    go = services.tree.root / "go"
    shell = f"(sleep 0.3; touch {go}) >/dev/null 2>&1 & exit 7"
    services.command("fghack", "/bin/sh", "-c", shell, status=7)
    assert go.exists()


def test_a_chain(services: Services) -> None:
    (services.tree.root / "env").mkdir()
    (services.tree.root / "env/COLOUR").write_text("red\n")
    words = ["softlimit", "-o64", "setuidgid", "nobody", "envdir", "env", "pgrphack"]
    said = services.command(*words, "/bin/sh", "-c", 'echo "$COLOUR $(id -un) $(ulimit -n)"')
    assert said == "red nobody 64\n"


def test_a_log_is_written_and_shown(services: Services) -> None:
    root = services.tree.root
    subprocess.run(
        [services.simulated.commands / "multilog", "t", root / "log"],
        input=b"one\ntwo\n",
        check=True,
        env={"PATH": services.simulated.path},
    )
    shown = services.command("svlog", root / "log")
    assert [line.split()[-1] for line in shown.splitlines()] == ["one", "two"]
