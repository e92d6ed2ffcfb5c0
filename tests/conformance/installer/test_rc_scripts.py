"""The rc scripts of BSDs, run for real over stand-ins for what those systems have: nothing
of theirs boots here, but what the scripts do themselves is seen all the same.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers import standins
from helpers.installer import Artefacts
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

COMMAND = str(Path(sys.executable).parent / "slashservice")
NOT_RUNNING = 100
PREPARE = """
rm -f root/sbin/init root/usr/sbin/policy-rc.d
ln -s /usr/bin/busybox root/usr/sbin/init
echo '::sysinit:/bin/true' > root/etc/inittab
"""
"""Whatever reaps is PID 1, and starts nothing by itself."""


@pytest.fixture
def bsd(artefacts: Artefacts, request: pytest.FixtureRequest) -> Iterator[Callable[..., Sandbox]]:
    """Return what makes a machine with the scripts of a kind of host, and a service."""

    def make(kind_name: str, files: dict[str, str]) -> Sandbox:
        machine = start(["/sbin/init"], prepare=PREPARE)
        machine.run(COMMAND, "install", "--init", "container", "--no-start")
        for path, text in {**artefacts(kind_name), **files}.items():
            machine.put(path, text)
        machine.make_closer()
        return machine

    with sandboxes(request) as start:
        yield make


def pattern(machine: Sandbox, text: str) -> str:
    """The pattern of svscan's command line in a script, which has a BSD's interpreter in it."""
    theirs = re.search(r'^pexp="(\S+)( .*)"$', text, re.M)
    ours = machine.run("head", "-n", "1", "/command/svscanboot").split()[0].removeprefix("#!")
    assert theirs is not None and theirs[1] == r"/usr/local/bin/python3\.11"
    return ours.replace(".", r"\.") + theirs[2]


def svscan(machine: Sandbox) -> int:
    """The pid of svscan; 0 if none runs."""
    look = "slashservice running /service || :"
    return int(machine.run("sh", "-c", look, status=None) or 0)


def is_up(machine: Sandbox, times: int = 1) -> None:
    """Wait for the service to have started so many times."""
    until(lambda: machine.closer_said().count("up") == times, f"start {times}")


def closed_in_order(machine: Sandbox) -> None:
    """Check that all the service had to say is in its log, and nothing runs."""
    assert machine.closer_said()[-len(machine.closing) :] == machine.closing
    assert not svscan(machine)
    ours = machine.run("pgrep", "-af", "svscan|supervise|closer", status=None).splitlines()
    assert not [line for line in ours if not line.endswith("<defunct>")]


def killed_and_adopted(machine: Sandbox, script: str, *action: str) -> None:
    """Kill svscan, start it again if somebody must, and see that the service ran on."""
    old = svscan(machine)
    machine.run("kill", "-9", str(old))
    if action:
        until(lambda: not svscan(machine), "the end of svscan")
        machine.run(script, *action)
    until(lambda: svscan(machine) not in (0, old), "another svscan")
    look = ("/command/svstat", "/service/closer")
    until(lambda: "up (pid" in machine.run(*look, status=None), "the adopted service")
    assert machine.closer_said() == ["up"]


def test_openbsd(bsd: Callable[..., Sandbox]) -> None:
    """rc.d(8): enabled, started once, checked, restarted, stopped in order; by mksh."""
    script = "/etc/rc.d/svscan"
    machine = bsd("openbsd", {"/etc/rc.d/rc.subr": standins.OPENBSD_RC_SUBR})
    machine.run("ln", "-sf", "/bin/mksh", "/bin/ksh")
    machine.run(script, "check", status=NOT_RUNNING)
    assert "svscan(ok)" in machine.run(script, "start")
    is_up(machine)
    machine.run(script, "check")
    assert machine.run(script, "start") == ""
    wanted = pattern(machine, machine.path(script).read_text())
    assert machine.run("pgrep", "-xf", wanted).split() == [str(svscan(machine))]
    killed_and_adopted(machine, script, "start")
    machine.run(script, "reload", status=1)
    assert machine.run(script, "restart").split() == ["svscan(ok)", "svscan(ok)"]
    is_up(machine, 2)
    assert "svscan(ok)" in machine.run(script, "stop")
    closed_in_order(machine)
    assert machine.run(script, "stop") == ""


def test_openbsd_before_rcctl(bsd: Callable[..., Sandbox]) -> None:
    """rc.local at the end of booting, rc.shutdown at its end, each run by sh, which is ksh."""
    machine = bsd("openbsd-old", {})
    assert "starting local daemons:" in machine.run("mksh", "/etc/rc.local")
    is_up(machine)
    machine.run("mksh", "/etc/rc.shutdown")
    closed_in_order(machine)


def test_freebsd(bsd: Callable[..., Sandbox]) -> None:
    """rc.subr(8) and daemon(8), which starts svscan again; shutdown says ``faststop``."""
    script = "/usr/local/etc/rc.d/svscan"
    files = {"/etc/rc.subr": standins.FREEBSD_RC_SUBR, "/usr/sbin/daemon": standins.FREEBSD_DAEMON}
    machine = bsd("freebsd", files)
    machine.run(script, "status", status=1)
    machine.run(script, "faststart")
    is_up(machine)
    assert "svscan is running" in machine.run(script, "status")
    assert "already running" in machine.run(script, "start", status=1)
    killed_and_adopted(machine, script)
    machine.run(script, "restart")
    is_up(machine, 2)
    machine.run(script, "faststop")
    closed_in_order(machine)


def test_netbsd(bsd: Callable[..., Sandbox]) -> None:
    """rc.subr(8); nothing starts svscan again, but its services run on."""
    script = "/etc/rc.d/svscan"
    machine = bsd("netbsd", {"/etc/rc.subr": standins.NETBSD_RC_SUBR})
    machine.run(script, "status", status=NOT_RUNNING)
    machine.run(script, "start")
    is_up(machine)
    machine.run(script, "status")
    killed_and_adopted(machine, script, "start")
    machine.run(script, "restart")
    is_up(machine, 2)
    machine.run(script, "stop")
    closed_in_order(machine)


@pytest.mark.parametrize("which", ["freebsd", "netbsd"])
def test_what_is_not_enabled_is_not_started(which: str, bsd: Callable[..., Sandbox]) -> None:
    machine = bsd(which, {"/etc/rc.subr": standins.RUN_RC_COMMAND})
    script = "/usr/local/etc/rc.d/svscan" if which == "freebsd" else "/etc/rc.d/svscan"
    machine.path("/etc/rc.conf.d/svscan").unlink()
    machine.run(script, "start", status=None)
    assert not svscan(machine)
