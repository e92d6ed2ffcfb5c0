"""What must be true of slashservice on every machine, told as the life of one.

A plain system gets slashservice, a redis with a log, and a service that takes its time to
close; survives the death of svscan, a reboot and a shutdown; and is plain again in the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from helpers.boots.fingerprint import differences
from helpers.boots.trees import CLOSER, INSIDE, LINES
from helpers.waiting import until
from testinfra.host import Host

T = TypeVar("T")

PATIENCE = 300.0
"""Seconds for what should happen soon: machines are emulated, and share a processor."""

PAUSE = 0.1
LOGS = "/var/log/slashservice"
PING = "timeout 30 redis-cli ping"


@dataclass(frozen=True)
class Wiring:
    """How slashservice is wired into a machine, and what follows from that.

    ``parent`` is the name of the process whose child svscan must be, where that isn't PID 1;
    ``again`` starts svscan after its death, where nobody does that by himself.
    """

    parent: str = ""
    options: str = ""
    scan: str = "/service"
    again: str = ""


class Failing(Protocol):
    """Something that can say how it is."""

    @property
    def host(self) -> Host: ...
    def last_words(self) -> str: ...


class Machine(Failing, Protocol):
    """Something that boots: in namespaces, emulated, or somebody's box."""

    def boot(self) -> None: ...
    def reboot(self) -> None: ...
    def power_off(self) -> None: ...
    def file(self, path: str) -> bytes: ...
    def fingerprint(self) -> dict[str, str]: ...


listeners: list[Callable[[str], None]] = []
"""Who wants to know how far a machine is: boots are long."""


def say(what: str) -> None:
    """Tell how far a machine is."""
    for listener in listeners:
        listener(f"[{time.strftime('%H:%M:%S')}] {what}")


def eventually(condition: Callable[[], T], what: str) -> T:
    """Wait for something to be true in a machine, with a machine's patience; return that."""
    return until(condition, what, PATIENCE, PAUSE)


def do(host: Host, command: str) -> str:
    """Run a command that must succeed; return what it said."""
    outcome = host.run(command)
    assert outcome.rc == 0, f"{command}: status {outcome.rc}\n{outcome.stdout}{outcome.stderr}"
    return str(outcome.stdout)


def read(host: Host, path: str) -> str:
    """Return the content of a file, nothing if it isn't there."""
    return str(host.run("cat %s", path).stdout)


def install(host: Host, options: str = "") -> None:
    """Install from the checkout, as its user would."""
    assert not host.file("/command").exists
    do(host, f"{INSIDE}/install {options}")


def svscan(host: Host, scan: str) -> int:
    """Return the pid of svscan; 0 if none runs."""
    return int(host.run("slashservice running %s", scan).stdout or 0)


def parent(host: Host, pid: int) -> int:
    """Return the pid of a process's parent."""
    return int(do(host, f"sed -n 's/^PPid:\t//p' /proc/{pid}/status"))


def is_the_right_child(host: Host, wiring: Wiring) -> None:
    """Check that svscan is the child of PID 1, or of the program it should be the child of."""
    above = parent(host, eventually(lambda: svscan(host, wiring.scan), "svscan runs"))
    if wiring.parent:
        name = read(host, f"/proc/{above}/comm").strip()
        assert name == wiring.parent, f"svscan is a child of {name}"
    else:
        assert above == 1, f"svscan is a child of {above}"


def service_pid(host: Host, service: str) -> int:
    """Return the pid that svstat tells of; 0 if the service is down."""
    words = host.run("svstat %s", service).stdout.split()
    return int(words[3].rstrip(")")) if words[1:3] == ["up", "(pid"] else 0


def answers(host: Host) -> bool:
    """Tell whether redis answers; one that hangs is asked again, over another connection."""
    return bool(host.run(PING).stdout == "PONG\n")


def add_services(host: Host) -> None:
    """Make the services: redis, and one that takes its time to close."""
    do(host, "slashservice add --user redis redis -- redis-server --dir /var/lib/redis")
    do(host, f"slashservice add closer -- {CLOSER}")
    eventually(lambda: answers(host), "redis answers")
    eventually(lambda: "open" in read(host, f"{LOGS}/closer/current"), "closer is open")


def survives_the_death_of_svscan(host: Host, wiring: Wiring) -> None:
    """Kill svscan: it comes back, and adopts redis."""
    old, redis = svscan(host, wiring.scan), service_pid(host, f"{wiring.scan}/redis")
    assert redis
    do(host, f"kill -9 {old}")
    if wiring.again:
        eventually(lambda: not svscan(host, wiring.scan), "svscan is gone")
        do(host, wiring.again)
    eventually(lambda: svscan(host, wiring.scan) not in (0, old), "svscan is back")
    now = eventually(lambda: service_pid(host, f"{wiring.scan}/redis"), "redis is supervised again")
    assert now == redis, f"redis was not adopted: it was {redis}, is {now}"
    running = do(host, "pgrep -x redis-server").split()
    assert running == [str(redis)], f"redis was {redis}, is {running}"
    eventually(lambda: answers(host), "redis still answers")


def is_steered(host: Host, scan: str) -> None:
    """Take redis down and up again by svc."""
    service = f"{scan}/redis"
    old = service_pid(host, service)
    do(host, f"svc -d {service}")
    eventually(lambda: not service_pid(host, service), "redis is down")
    gone = "pgrep -x redis-server"  # an adopted one is PID 1's to reap, in its own time
    eventually(lambda: host.run(gone).rc == 1, "no redis runs")
    do(host, f"svc -u {service}")
    eventually(lambda: service_pid(host, service) not in (0, old), "redis is up")
    eventually(lambda: answers(host), "redis answers again")


def remember(host: Host, what: str) -> None:
    """Have redis know something that it only keeps if it is stopped in order."""
    assert do(host, f"redis-cli set fact {what}") == "OK\n"


def is_all_back(host: Host, scan: str, what: str) -> None:
    """Check that everything is as before the machine went down, with nobody's help."""
    eventually(lambda: svscan(host, scan), "svscan runs again")
    eventually(lambda: answers(host), "redis answers again")
    eventually(lambda: service_pid(host, f"{scan}/closer"), "closer is up again")
    log = f"{LOGS}/closer/current"
    eventually(lambda: read(host, log).endswith(" open\n"), "closer is open again")
    known = do(host, "redis-cli get fact").strip()
    assert known == what, f"redis knows {known}, so it was not stopped in order"


def closed_in_order(closer: str, redis: str, times: int) -> None:
    """Check the logs of both services for what they say when all is done in order."""
    for number in range(1, LINES + 1):
        found = sum(line.endswith(f" closing {number}") for line in closer.splitlines())
        assert found == times, f"closing {number} is there {found} times\n{closer}"
    assert redis.count("ready to exit, bye bye") >= times, redis


def is_plain(host: Host) -> None:
    """Check that nothing of slashservice is there or runs."""
    for path in ("/command", "/package", "/service", "/etc/slashservice", "/usr/local/bin/svc"):
        assert not host.file(path).exists, path
    found: list[object] = []

    def nothing_runs() -> bool:
        done = host.run("timeout 30 pgrep -af '[s]vscan|[r]eadproctitle|[r]edis-server'")
        found[:] = [done.rc, done.stdout, done.stderr]
        return bool(done.rc == 1)

    try:
        eventually(nothing_runs, "no process of ours is left")
    except AssertionError as error:
        raise AssertionError(f"{error}: {found}") from None


def uninstall(host: Host) -> None:
    """Remove the services, then slashservice."""
    do(host, "slashservice remove redis")
    do(host, "slashservice remove closer")
    foreseen = host.run("slashservice uninstall -n")
    assert foreseen.rc == 2, foreseen
    said = do(host, "slashservice uninstall").splitlines()
    assert said == [*is_done(foreseen.stdout), "uninstalled"], f"{foreseen.stdout}\n{said}"
    is_plain(host)


def is_done(foreseen: str) -> list[str]:
    """Return what a run says that does what a preview has said."""
    return [line.removeprefix("would ") for line in foreseen.splitlines()]


def whole_story(machine: Machine, wiring: Wiring) -> None:
    """Live through it all. The machine is off, before and after."""
    with explained(machine, wiring.scan):
        live(machine, wiring)


@contextmanager
def explained(machine: Failing, scan: str) -> Iterator[None]:
    """Show how a machine is as something fails in it."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{machine} as it failed:\n{portrait(machine, scan)}") from error


def portrait(machine: Failing, scan: str) -> str:
    """Describe a machine in which something is wrong."""
    try:
        host = machine.host
    except AssertionError:
        return f"it is off, after saying\n{machine.last_words()}"
    inside = "grep . $pid/task/*/syscall $pid/task/*/stack; ls -l $pid/fd"
    look = (
        "ps -ewwLo pid,lwp,ppid,stat,wchan:24,user,etime,args",
        f"svstat {scan}/* {scan}/*/log",
        f"tail -n 20 {LOGS}/*/current",
        f"{PING} 2>&1; echo status $?",
        "grep . /proc/net/tcp /proc/net/tcp6",
        f"cd /proc; for pid in $(pgrep 'redis|svscan|python'); do {inside}; done",
        "slashservice status",
        "slashservice doctor",
    )
    return "\n".join(f"$ {command}\n{host.run(command).stdout}" for command in look)


def live(machine: Machine, wiring: Wiring) -> None:
    """Live through it all."""
    say(f"{machine}: a plain system")
    machine.boot()
    is_plain(machine.host)
    machine.power_off()
    plain = machine.fingerprint()

    machine.boot()
    say(f"{machine}: install")
    install(machine.host, wiring.options)
    is_the_right_child(machine.host, wiring)
    add_services(machine.host)
    say(f"{machine}: kill svscan")
    survives_the_death_of_svscan(machine.host, wiring)
    is_the_right_child(machine.host, wiring)
    is_steered(machine.host, wiring.scan)
    remember(machine.host, "one")

    say(f"{machine}: reboot")
    machine.reboot()
    is_all_back(machine.host, wiring.scan, "one")
    is_the_right_child(machine.host, wiring)
    remember(machine.host, "two")

    say(f"{machine}: power off")
    machine.power_off()
    closed_in_order(*logs(machine), times=2)

    machine.boot()
    is_all_back(machine.host, wiring.scan, "two")
    say(f"{machine}: uninstall")
    uninstall(machine.host)
    machine.power_off()
    changed = differences(plain, machine.fingerprint())
    assert not changed, "\n".join(changed)

    machine.boot()
    is_plain(machine.host)
    machine.power_off()
    say(f"{machine}: done")


def logs(machine: Machine) -> tuple[str, str]:
    """Return what both services have logged, of a machine that is off."""
    names = ("closer", "redis")
    closer, redis = (machine.file(f"{LOGS}/{name}/current").decode() for name in names)
    return closer, redis
