"""The rc scripts of BSDs, run for real over stand-ins for what those systems have: nothing
of theirs boots here, but what the scripts do themselves is seen all the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from helpers import standins
from helpers.booted import booted
from helpers.checkout import COMMAND
from helpers.installer import Artefacts
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

NOT_RUNNING = 100
KSH = "ln -sf mksh root/bin/ksh\n"

KEEPER = "/var/run/svscan.pid"
"""Where the pid of daemon(8) is, on FreeBSD."""

PAUSE = "sleep 0.03"
"""Between two lines that the service writes when it is told to stop."""


@dataclass(frozen=True)
class Rc:
    """How a kind of host starts svscan, and stops it at shutdown; with the stand-ins it needs."""

    script: str
    start: tuple[str, ...]
    stop: tuple[str, ...]
    files: dict[str, str] = field(default_factory=dict)
    kind: str = ""


OPENBSD = Rc(
    "/etc/rc.d/svscan",
    ("/etc/rc",),
    ("/etc/rc", "shutdown"),
    {"/etc/rc.d/rc.subr": standins.OPENBSD_RC_SUBR, "/etc/rc": standins.OPENBSD_RC},
)
NETBSD = Rc(
    "/etc/rc.d/svscan",
    ("/etc/rc", "start"),
    ("/etc/rc", "stop"),
    {
        "/etc/rc.subr": standins.NETBSD_RC_SUBR,
        "/etc/rc": standins.NETBSD_RC,
        "/etc/rc.conf": "",
    },
)
FREEBSD = {
    temper: Rc(
        "/usr/local/etc/rc.d/svscan",
        ("/usr/local/etc/rc.d/svscan", "faststart"),
        ("/usr/local/etc/rc.d/svscan", "faststop"),
        {
            "/etc/rc.subr": standins.FREEBSD_RC_SUBR,
            "/usr/sbin/daemon": standins.freebsd_daemon(temper),
        },
        "freebsd",
    )
    for temper in standins.TEMPERS
}
INITD = Rc("/etc/init.d/svscan", ("/etc/init.d/svscan", "start"), ("/etc/init.d/svscan", "stop"))
PROCD = Rc(
    "/etc/rc.d/S99svscan",
    ("/etc/rc.d/S99svscan", "boot"),
    ("/etc/rc.d/K01svscan", "shutdown"),
    {"/etc/rc.common": standins.RC_COMMON, "/usr/sbin/procd-instance": standins.PROCD_INSTANCE},
)
HOSTS = {
    "openbsd": OPENBSD,
    "openbsd-old": Rc("", ("mksh", "/etc/rc.local"), ("mksh", "/etc/rc.shutdown")),
    "netbsd": NETBSD,
    "freebsd, hasty daemon": FREEBSD["hasty"],
    "freebsd, patient daemon": FREEBSD["patient"],
    "initd": INITD,
    "procd": PROCD,
}
KEEPERS = {"freebsd": KEEPER, "procd": "/run/procd-svscan"}
"""Where the pid of what would start svscan again is, by the kind of host."""


MakeHost = Callable[..., Sandbox]


@pytest.fixture
def host(artefacts: Artefacts, request: pytest.FixtureRequest) -> Iterator[MakeHost]:
    """Return what makes a machine with the scripts of a kind of host, and a service."""

    def make(kind_name: str, files: dict[str, str] | None = None) -> Sandbox:
        machine = booted(start, KSH)
        machine.run(COMMAND, "install", "--init", "container", "--no-start")
        for path, text in {**artefacts(kind_name), **(files or {})}.items():
            machine.put(path, text)
        if kind_name == "procd":
            machine.run("mkdir", "-p", "/etc/rc.d")
            for link in ("S99svscan", "K01svscan"):
                machine.run("ln", "-s", "../init.d/svscan", f"/etc/rc.d/{link}")
        machine.make_closer(PAUSE)
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
    """Check that all the service had to say is in its log, and nothing runs: now, not soon."""
    said = machine.closer_said()
    ours = machine.run("pgrep", "-af", "svscan|supervise|closer", status=None).splitlines()
    assert said[-len(machine.closing) :] == machine.closing
    assert not [line for line in ours if not line.endswith("<defunct>")]
    assert not svscan(machine)


def killed(machine: Sandbox, pid: int) -> None:
    """Kill a process, and wait for its end."""
    machine.run("kill", "-9", str(pid))
    until(lambda: state(machine, pid) in ("", "Z"), f"the end of {pid}")


def state(machine: Sandbox, pid: int) -> str:
    """The letter for the state of a process; nothing if there is none."""
    said = machine.run("ps", "-o", "stat=", "-p", str(pid), status=None)
    return said[:1]


def killed_and_adopted(machine: Sandbox, *action: str) -> None:
    """Kill svscan, start it again if somebody must, and see that the service ran on."""
    old = svscan(machine)
    killed(machine, old)
    if action:
        until(lambda: not svscan(machine), "the end of svscan")
        machine.run(*action)
    until(lambda: svscan(machine) not in (0, old), "another svscan")
    look = ("/command/svstat", "/service/closer")
    until(lambda: "up (pid" in machine.run(*look, status=None), "the adopted service")
    assert machine.closer_said() == ["up"]


def test_openbsd(host: MakeHost) -> None:
    """rc.d(8): enabled, started once, checked, restarted, stopped in order; by mksh."""
    script = OPENBSD.script
    machine = host("openbsd", OPENBSD.files)
    assert "svscan(failed)" in machine.run(script, "check", status=1)
    assert machine.run(*OPENBSD.start) == " svscan\n"
    is_up(machine)
    assert "svscan(ok)" in machine.run(script, "check")
    assert machine.run(script, "start") == ""
    wanted = pattern(machine, machine.path(script).read_text())
    assert machine.run("pgrep", "-xf", wanted).split() == [str(svscan(machine))]
    killed_and_adopted(machine, script, "start")
    assert "not supported" in machine.run(script, "reload", status=1)
    assert machine.run(script, "restart").split() == ["svscan(ok)", "svscan(ok)"]
    is_up(machine, 2)
    assert machine.run(*OPENBSD.stop) == " svscan\n"
    closed_in_order(machine)
    assert machine.run(script, "stop") == ""


def test_openbsd_checks_svscan_alone(host: MakeHost) -> None:
    """What a dead svscan has left is no svscan: ``start`` must adopt it."""
    machine = host("openbsd", OPENBSD.files)
    machine.run(OPENBSD.script, "start")
    is_up(machine)
    killed(machine, svscan(machine))
    machine.run(OPENBSD.script, "check", status=1)
    assert "svscan(ok)" in machine.run(OPENBSD.script, "start")
    machine.run(OPENBSD.script, "check")
    assert machine.closer_said() == ["up"]


def test_openbsd_before_rcctl(host: MakeHost) -> None:
    """rc.local at the end of booting, rc.shutdown at its end, each run by sh, which is ksh."""
    machine = host("openbsd-old")
    assert "starting local daemons:" in machine.run("mksh", "/etc/rc.local")
    is_up(machine)
    machine.run("mksh", "/etc/rc.shutdown")
    closed_in_order(machine)


@pytest.mark.parametrize("temper", FREEBSD)
def test_freebsd(temper: str, host: MakeHost) -> None:
    """rc.subr(8) and daemon(8), which starts svscan again; shutdown says ``faststop``."""
    rc = FREEBSD[temper]
    machine = host("freebsd", rc.files)
    machine.run(rc.script, "status", status=1)
    machine.run(*rc.start)
    is_up(machine)
    assert "svscan is running" in machine.run(rc.script, "status")
    assert "already running" in machine.run(rc.script, "start", status=1)
    killed_and_adopted(machine)
    machine.run(rc.script, "restart")
    is_up(machine, 2)
    assert machine.closer_said()[1:-1] == machine.closing
    machine.run(*rc.stop)
    closed_in_order(machine)
    machine.run(rc.script, "status", status=1)
    machine.run(rc.script, "stop")


@pytest.mark.parametrize("temper", FREEBSD)
@pytest.mark.parametrize("action", ["faststop", "stop", "onestop", "restart"])
def test_freebsd_without_its_daemon(action: str, temper: str, host: MakeHost) -> None:
    """Nobody keeps svscan any more, but it is stopped, or kept by somebody again."""
    rc = FREEBSD[temper]
    machine = host("freebsd", rc.files)
    machine.run(*rc.start)
    is_up(machine)
    killed(machine, int(machine.run("cat", KEEPER)))
    assert svscan(machine)
    machine.run(rc.script, action)
    if action != "restart":
        closed_in_order(machine)
        return
    is_up(machine, 2)
    assert machine.closer_said()[1:-1] == machine.closing
    machine.run(rc.script, "status")


def test_netbsd(host: MakeHost) -> None:
    """rc.subr(8); nothing starts svscan again, but its services run on."""
    script = NETBSD.script
    machine = host("netbsd", NETBSD.files)
    machine.run(script, "status", status=1)
    machine.run(script, "poll")
    machine.run(*NETBSD.start)
    is_up(machine)
    assert machine.run(script, "status").split() == [str(svscan(machine))]
    machine.run(script, "onestatus")
    assert "unknown directive" in machine.run(script, "reload", status=1)
    killed_and_adopted(machine, *NETBSD.start)
    machine.run(script, "restart")
    is_up(machine, 2)
    machine.run(*NETBSD.stop)
    closed_in_order(machine)


def test_procd(host: MakeHost) -> None:
    """rc.common and procd, which starts svscan again, and waits for nobody at shutdown."""
    machine = host("procd", PROCD.files)
    machine.run(*PROCD.start)
    is_up(machine)
    killed_and_adopted(machine)
    machine.run(PROCD.script, "restart")
    is_up(machine, 2)
    assert machine.closer_said()[1:-1] == machine.closing
    machine.run(*PROCD.stop)
    assert machine.closer_said()[-len(machine.closing) :] == machine.closing
    keeper = ("pgrep", "-f", "procd-instance")
    until(lambda: not machine.run(*keeper, status=None), "the end of an idle svscan")
    closed_in_order(machine)


def test_procd_gives_a_script_that_takes_long_a_second_chance(host: MakeHost) -> None:
    """After 15 seconds procd sends TERM; the script goes on waiting, and is let do so."""
    machine = host("procd", PROCD.files)
    machine.run(*PROCD.start)
    is_up(machine)
    told = "until grep -q closing /srv/closer.log; do sleep 0.01; done; kill -TERM $!"
    stop = f"{' '.join(PROCD.stop)} >/dev/null 2>&1"
    machine.run("sh", "-c", f"{stop} & {told}; wait $!", status=None)
    assert machine.closer_said()[-len(machine.closing) :] == machine.closing


@pytest.mark.parametrize("kind", ["netbsd", "initd"])
def test_descriptors_of_rc_are_not_inherited(kind: str, host: MakeHost) -> None:
    """Neither svscan nor a service holds what the scripts around ours have open."""
    machine = host(kind, NETBSD.files if kind == "netbsd" else {})
    if kind == "netbsd":
        machine.run(*NETBSD.start)
    else:
        line = f"exec 3>{standins.RC_OUTPUT} 9>&3; exec /etc/init.d/svscan start"
        machine.run("sh", "-c", line)
    is_up(machine)
    open_there = [
        link
        for process in machine.path("/proc").glob("[0-9]*")
        for link in (process / "fd").glob("*")
        if os.path.lexists(link) and os.readlink(link).endswith(standins.RC_OUTPUT)
    ]
    assert machine.path(standins.RC_OUTPUT).exists()
    assert not open_there


@pytest.mark.parametrize("which", HOSTS)
def test_what_a_dead_svscan_left_is_stopped(which: str, host: MakeHost) -> None:
    """svscan is killed, and whoever would start it again: all lines are logged, nothing is left."""
    rc = HOSTS[which]
    machine = host(which.partition(",")[0], rc.files)
    machine.run(*rc.start)
    is_up(machine)
    kind = which.partition(",")[0]
    if kind in KEEPERS:
        killed(machine, int(machine.run("cat", KEEPERS[kind])))
    killed(machine, svscan(machine))
    assert machine.run("pgrep", "-f", "closer/run|/srv/closer|./run")
    machine.run(*rc.stop)
    closed_in_order(machine)


@pytest.mark.parametrize("which", ["freebsd", "netbsd"])
def test_what_is_not_enabled_is_not_started(which: str, host: MakeHost) -> None:
    rc = FREEBSD["hasty"] if which == "freebsd" else NETBSD
    machine = host(which, rc.files)
    machine.path("/etc/rc.conf.d/svscan").unlink()
    machine.run(*rc.start, status=None)
    machine.run(rc.script, "start", status=None)
    assert not svscan(machine)
