"""Installed for real, on a second machine made of this one: from booting to the last byte."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest
from helpers.booted import booted
from helpers.checkout import CHECKOUT, COMMAND, PACKAGES
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

INITTAB = "/etc/inittab"
SHUTDOWN = "echo '::shutdown:/bin/sync' >> root/etc/inittab\n"


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[Callable[..., Sandbox]]:
    """Return what starts a sandbox, which ends with the test."""
    with sandboxes(request) as start:
        yield start


@pytest.fixture
def busybox(machine: Callable[..., Sandbox]) -> Sandbox:
    """A machine that BusyBox init has booted."""
    return booted(machine, SHUTDOWN)


def test_what_has_changed_is_told(machine: Callable[..., Sandbox]) -> None:
    """Else no test here that nothing is left could fail."""
    made = machine(["sleep", "1000"])
    assert made.changes() == []
    made.run("sh", "-c", "rm /etc/passwd; chmod 600 /etc/group; mkdir /srv/a; echo x >/srv/a/b")
    assert made.changes() == ["/etc/group", "/etc/passwd", "/srv/a", "/srv/a/b"]
    made.run("sh", "-c", "chmod 644 /etc/group; rm -r /srv/a")
    assert made.changes() == ["/etc/passwd"]


def closer_is_up(machine: Sandbox) -> None:
    """Wait for the service to have started, for the first time."""
    until(lambda: machine.closer_said() == ["up"], "the service")


def pid_of(machine: Sandbox, service: str) -> str:
    """The pid svstat shows."""
    words = machine.run("svstat", service).split()
    return words[3].rstrip(")") if words[1] == "up" else ""


class TestNoInit:
    """PID 1 is no init system: nothing is changed, and the way out is told."""

    def test_a_program_as_pid_1(self, machine: Callable[..., Sandbox]) -> None:
        made = machine(["sleep", "1000"])
        told = made.run(COMMAND, "install", status=111)
        assert "PID 1 is sleep, which is no init system" in told
        assert 'ENTRYPOINT ["/command/svcontainer"]' in told
        assert made.changes() == []

    def test_detect_says_so_too(self, machine: Callable[..., Sandbox]) -> None:
        made = machine(["sleep", "1000"])
        assert made.run(COMMAND, "detect").startswith("container\n")
        assert made.changes() == []

    def test_the_code_alone_can_be_had(self, machine: Callable[..., Sandbox]) -> None:
        made = machine(["sleep", "1000"])
        told = made.run(COMMAND, "install", "--init", "container")
        assert '["/command/svcontainer", "/service"]' in told
        assert made.run("/command/svok", "/service", status=100) == ""
        made.run("/command/slashservice", "uninstall")
        assert made.changes() == []

    def test_services_are_steered_where_svscan_is_what_a_container_runs(
        self, machine: Callable[..., Sandbox]
    ) -> None:
        made = machine(["sleep", "1000"])
        told = made.run(COMMAND, "install", "--init", "container")
        assert "slashservice add" in told
        made.run("sh", "-c", "/command/svscan /service >/dev/null 2>&1 &")
        until(lambda: made.run("slashservice", "running", status=None).strip(), "svscan")
        assert "svscan supervises it" in made.run(
            "slashservice", "add", "hello", "--", "sleep", "1000"
        )
        assert "svscan runs: pid" in made.run("slashservice", "status")
        told = made.run("slashservice", "remove", "hello")
        assert "the service is down" in told
        assert "warning" not in told
        svscan = made.run("slashservice", "running").strip()
        made.run("kill", svscan)
        until(lambda: not made.run("slashservice", "running", status=None).strip(), "the end")


def test_a_chroot_is_not_started_in(busybox: Sandbox) -> None:
    """PID 1 is an init, but has another root directory: files only."""
    told = busybox.run("chroot", "/usr/..", COMMAND, "detect", status=None)
    assert told.startswith("busybox")
    ours = {path.parts[1] for path in (CHECKOUT, PACKAGES)}  # wherever that is, it is seen inside
    names = " ".join(sorted({"usr", "etc", "var", "tmp", "proc", "dev", *ours}))
    parts = f"for x in {names}; do mkdir $x; mount --rbind /$x $x; done"
    links = "for x in bin sbin lib lib64; do ln -s usr/$x $x; done"
    busybox.run("sh", "-c", f"mkdir /jail && cd /jail && {parts}; {links}")
    told = busybox.run("chroot", "/jail", COMMAND, "detect")
    assert "judged by its files" in told
    assert "PID 1 has another root directory" in told


def test_busybox_from_install_to_uninstall(busybox: Sandbox) -> None:
    before = busybox.changes()
    assert "::respawn:/command/svscanboot" in busybox.run(COMMAND, "plan", status=2)
    assert busybox.changes() == before
    told = busybox.run(COMMAND, "install")
    assert "init system: busybox" in told
    assert "slashservice add" in told
    assert "nothing to do" in busybox.run(COMMAND, "install")
    assert "nothing to do" in busybox.run("/command/slashservice", "install", "--dry-run")
    assert "child of init (1)" in busybox.run("slashservice", "status")
    assert "nothing found wrong" in busybox.run("slashservice", "doctor")
    svscan = busybox.run("slashservice", "running").strip()

    busybox.make_closer()
    closer_is_up(busybox)
    daemon = pid_of(busybox, "/service/closer")
    busybox.run("kill", "-KILL", svscan)
    until(
        lambda: busybox.run("slashservice", "running", status=None).strip() not in ("", svscan),
        "another svscan",
    )
    until(lambda: pid_of(busybox, "/service/closer"), "the adopted service")
    assert pid_of(busybox, "/service/closer") == daemon

    foreseen = busybox.run("slashservice", "uninstall", "-n", status=2).splitlines()
    assert pid_of(busybox, "/service/closer") == daemon
    told = busybox.run("slashservice", "uninstall")
    lines = [one for one in told.splitlines() if not one.startswith("slashservice: ")]
    assert lines == [*(one.removeprefix("would ") for one in foreseen), "uninstalled"]
    assert "stop the services" in told
    assert "/service is left" in told
    assert busybox.closer_said() == ["up", *busybox.closing]
    busybox.run("rm", "-r", "/service", "/srv/closer", "/srv/closer.log")
    assert busybox.changes() == before


def test_a_policy_against_starting_is_kept_to(busybox: Sandbox) -> None:
    policy = "/usr/sbin/policy-rc.d"
    busybox.put(policy, "#!/bin/sh\nexit 101\n")
    before = busybox.changes()
    assert "policy-rc.d forbids" in busybox.run(COMMAND, "install")
    busybox.run("/command/slashservice", "running", status=100)
    assert "svscan does not run" in busybox.run("/command/slashservice", "status", status=1)
    busybox.put(policy, "#!/bin/sh\nexit 104\n")
    busybox.run(COMMAND, "install")
    busybox.run("/command/slashservice", "running")
    busybox.run("/command/slashservice", "uninstall")
    busybox.put(policy, "#!/bin/sh\nexit 101\n")
    assert busybox.changes() == before


def test_new_code_takes_over_without_restarting_a_service(busybox: Sandbox) -> None:
    busybox.run(COMMAND, "install")
    busybox.make_closer()
    closer_is_up(busybox)
    daemon = pid_of(busybox, "/service/closer")
    svscan = busybox.run("slashservice", "running")
    busybox.run("sh", "-c", "echo '# older' >>/package/admin/slashservice/supervise/svok.py")
    told = busybox.run(COMMAND, "install")
    assert "services run on" in told
    assert busybox.run("slashservice", "running") != svscan
    until(lambda: pid_of(busybox, "/service/closer"), "the adopted service")
    assert pid_of(busybox, "/service/closer") == daemon
    assert busybox.closer_said() == ["up"]


def test_what_does_not_start_is_taken_back(busybox: Sandbox) -> None:
    """Init can't be told once."""
    before = busybox.changes()
    fails = 'case $* in *"kill -HUP 1"*) rm "$0"; exit 1; esac'
    busybox.put("/usr/local/sbin/sh", f'#!/bin/sh\n{fails}\nexec /bin/sh "$@"\n')
    told = busybox.run(COMMAND, "install", status=111)
    assert "not installed: sh -c kill -HUP 1 failed" in told
    assert "not put back" not in told
    assert busybox.changes() == before


def test_what_can_not_be_taken_back_is_told(busybox: Sandbox) -> None:
    """Init can't be told at all: the code stays, as it may start svscan from there."""
    before = busybox.changes()
    busybox.put("/usr/local/sbin/sh", "#!/bin/false\n")
    told = busybox.run(COMMAND, "install", status=111)
    assert "not put back: run sh -c kill -HUP 1" in told
    assert "run slashservice uninstall when that is mended" in told
    busybox.path("/usr/local/sbin/sh").unlink()
    busybox.run(COMMAND, "uninstall")
    assert busybox.changes() == before


def test_shutdown_lets_services_finish(machine: Callable[..., Sandbox]) -> None:
    made = booted(machine, SHUTDOWN)
    made.run(COMMAND, "install")
    made.make_closer(pause="sleep 0.1")
    closer_is_up(made)
    with made.path("/srv/closer.log").open() as kept:  # what is open outlives the machine's mounts
        made.run("/usr/bin/busybox", "poweroff")
        until(lambda: made.process.poll() is not None, "the end of the machine")
        assert kept.read().splitlines() == ["up", *made.closing]


C_BOOT = """#!/bin/sh
exec </dev/null >/dev/null 2>/dev/null
PATH=/command:/usr/local/bin:/usr/bin:/bin
env - PATH=$PATH svscan /service 2>&1 | env - PATH=$PATH readproctitle errors: ....
"""


C_WIRING = "::respawn:/usr/local/sbin/svscanboot"


@pytest.fixture
def c_daemontools(machine: Callable[..., Sandbox]) -> Sandbox:
    """A machine that BusyBox init has booted, with C's svscan."""
    more = f"echo '{C_WIRING}' >> root/etc/inittab; mkdir root/service\n"
    made = booted(machine, SHUTDOWN + more)
    made.put("/usr/local/sbin/svscanboot", C_BOOT)
    return made


def test_c_daemontools_hands_over_and_gets_back(c_daemontools: Sandbox) -> None:
    made = c_daemontools
    made.make_closer()
    closer_is_up(made)
    assert "another svscan supervises /service" in made.run(COMMAND, "install", status=111)

    told = made.run(COMMAND, "install", "--replace")
    assert "stop the services of the other svscan" in told
    once = ["up", *made.closing]
    until(lambda: made.closer_said() == [*once, "up"], "the service below us")
    assert "1 service\n" in made.run("slashservice", "status")
    assert f"#slashservice# {C_WIRING}" in made.path(INITTAB).read_text()
    programs = made.run("ps", "-e", "-o", "comm=").split()
    assert "supervise" not in programs
    assert programs.count("svscan") + programs.count("svscanboot") == 1

    made.run("slashservice", "uninstall")
    until(lambda: made.closer_said() == [*once, *once, "up"], "the service below C again")
    assert C_WIRING in made.path(INITTAB).read_text().splitlines()
    pid = made.run("pgrep", "-x", "svscan").strip()
    assert made.run("readlink", f"/proc/{pid}/exe") == "/usr/bin/svscan\n"


SLOW_LOG = """#!/usr/bin/python3 -IS
import os, select, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
log = os.open("/srv/closer.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
while not signal.sigtimedwait([signal.SIGTERM], 0.1):
    if select.select([0], [], [], 0)[0]:
        os.write(log, os.read(0, 10))
"""
"""Reads little at a time; told to end it loses nothing that it has read, and reads no more."""


def test_c_daemontools_hands_over_when_a_slow_log_has_read_all(c_daemontools: Sandbox) -> None:
    made = c_daemontools
    made.make_closer(log=SLOW_LOG)
    closer_is_up(made)
    made.run(COMMAND, "install", "--replace")
    until(lambda: made.closer_said()[-1] == "up", "the service below us")
    assert made.closer_said() == ["up", *made.closing, "up"]


IMPATIENT = """
from slashservice.installer.cli.main import main
from slashservice.installer.plan import takeover
takeover.STOP_LIMIT = 1.0
main()
"""


def test_c_daemontools_that_does_not_hand_over_goes_on(c_daemontools: Sandbox) -> None:
    made = c_daemontools
    made.make_closer()
    made.put("/srv/deaf/run", "#!/bin/sh\ntrap '' TERM\ntouch up\nwhile :; do sleep 1; done\n")
    made.run("ln", "-s", "/srv/deaf", "/service/deaf")
    closer_is_up(made)
    until(made.path("/srv/deaf/up").exists, "the service that is deaf")
    before = made.changes()
    told = made.run(sys.executable, "-c", IMPATIENT, "install", "--replace", status=111)
    assert "services did not go down in time: /service/deaf" in told
    until(lambda: made.closer_said() == ["up", *made.closing, "up"], "the service again")
    assert "await-end" not in told
    assert "not installed" in made.run(COMMAND, "status", status=1)
    assert made.changes() == before


class TestServices:
    def test_add_and_remove(self, busybox: Sandbox) -> None:
        busybox.run(COMMAND, "install")
        before = busybox.changes()
        told = busybox.run(
            *("slashservice", "add", "web", "--env", "GREETING=hello there", "--"),
            *("sh", "-c", 'echo "$GREETING"; exec sleep 1000'),
        )
        assert "svscan supervises it" in told
        until(lambda: pid_of(busybox, "/service/web"), "the service")
        log = busybox.path("/var/log/slashservice/web/current")
        until(lambda: log.exists() and "hello" in log.read_text(), "a line in its log")
        assert "hello there" in log.read_text()
        assert busybox.run("stat", "-c", "%a", "/etc/slashservice/web/env/GREETING") == "600\n"
        assert "already" in busybox.run("slashservice", "add", "web", "--", "x", status=111)
        told = busybox.run("slashservice", "remove", "web")
        assert "the service is down" in told
        busybox.run("rm", "-r", "/var/log/slashservice")
        assert busybox.changes() == before

    def test_remove_keeps_what_was_not_made_by_add(self, busybox: Sandbox) -> None:
        busybox.run(COMMAND, "install")
        busybox.make_closer()
        closer_is_up(busybox)
        told = busybox.run("slashservice", "remove", "closer")
        assert "/srv/closer is kept" in told
        assert busybox.closer_said() == ["up", *busybox.closing]
        assert not busybox.path("/service/closer").exists()

    def test_accounts_must_exist(self, busybox: Sandbox) -> None:
        busybox.run(COMMAND, "install")
        told = busybox.run("slashservice", "add", "web", "--user", "nemo", "--", "x", status=111)
        assert "no account nemo" in told


def test_the_checkout_installs_itself(busybox: Sandbox) -> None:
    """``./install``, with nothing but the system's Python and whatever it can reach."""
    words = [str(CHECKOUT / "install"), "--no-start"]
    vendored = "/package/admin/slashservice/vendor"
    busybox.run(COMMAND, "install", "--no-start")
    busybox.run("cp", "-a", vendored, "/tmp/vendor")
    busybox.run("slashservice", "uninstall")
    before = busybox.changes()
    script = f"cp -a {CHECKOUT}/install {CHECKOUT}/installer {CHECKOUT}/supervise /tmp/clone/"
    script += f" && cp -a {CHECKOUT}/init_templates /tmp/vendor /tmp/clone/"
    busybox.run("sh", "-c", f"mkdir /tmp/clone && {script}")
    words[0] = "/tmp/clone/install"
    assert "installed" in busybox.run(*words)
    assert busybox.run("/command/slashservice", "--version").strip() == "slashservice 0.1.0"
    busybox.run("/command/slashservice", "uninstall")
    assert busybox.changes() == before
