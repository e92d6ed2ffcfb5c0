"""From Debian's ``daemontools-run`` and ``runit-run`` to our packages, and back, on booted systems.

What was supervised before is supervised after: each time a service stops once and starts once. The
packages of others end their daemons in their own way, which a run of a service shows by its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from helpers.boots import busy, debs, story
from helpers.boots.fingerprint import differences
from helpers.boots.namespaces import Guest, guest
from helpers.boots.story import do, eventually, explained
from helpers.boots.trees import RECIPES
from testinfra.host import Host

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.root]

SCAN = "/etc/service"
FEW = 8

RUNS = 5
"""How often each service is started: twice by theirs, twice by ours, and once more by theirs."""


@dataclass(frozen=True)
class Supervisor:
    """Debian's packages of another supervisor.

    ``goes`` are those that go for our package alone, and ``all_go`` for all three. ``processes``
    are what its processes are called.
    """

    packages: tuple[str, ...]
    goes: frozenset[str]
    all_go: frozenset[str]
    processes: str
    log: str = ""


SUPERVISORS = {
    "daemontools-run": Supervisor(
        debs.DAEMONTOOLS,
        frozenset({"daemontools-run"}),
        frozenset(debs.DAEMONTOOLS),
        "supervise",
    ),
    "runit-run": Supervisor(
        debs.RUNIT,
        frozenset({"runit-run"}),
        frozenset({"runit", "runit-run"}),
        "runsv|runsvdir",
        busy.RUNIT,
    ),
}
KEPT = ("var/lib/dpkg/", "var/lib/apt/", "srv/busy")
"""The lists of dpkg and apt, and what supervisors keep in service directories."""


@contextmanager
def supervised(name: str, whose: str) -> Iterator[Guest]:
    """Have a machine with packages of ours and theirs, and the services' files."""
    other = SUPERVISORS[whose]
    files = busy.files(FEW, other.log)
    with guest(RECIPES[name], files=files, title=f"{name}, {whose}") as machine:
        debs.bring(machine.root, ours=debs.ours(), theirs=debs.theirs(*other.packages))
        with explained(machine, SCAN):
            yield machine


DOWN = f"svc -d {SCAN}/* && while pgrep -f '[/]busy '; do sleep 0.1; done"
FIRST = {"systemd, daemontools-run": DOWN, "sysvinit, daemontools-run": DOWN}
"""What is typed before ours come, lest init end services and their logs at once."""

CASES = {
    "systemd, daemontools-run": debs.OURS,
    "sysvinit, daemontools-run": debs.OURS[:1],
    "systemd, runit-run": debs.OURS[:1],
    "sysvinit, runit-run": debs.OURS,
}
"""Which packages of ours take over: the one that starts svscan, or those with commands, too."""


@pytest.mark.parametrize("case", CASES)
def test_from_theirs_to_ours_and_back(case: str) -> None:
    name, whose = case.split(", ")
    with supervised(name, whose) as machine:
        live(machine, SUPERVISORS[whose], CASES[case], FIRST.get(case, "true"))


def live(machine: Guest, other: Supervisor, packages: tuple[str, ...], first: str) -> None:
    """Have theirs, then ours and back; ours are purged in the end.

    ``first`` is typed before ours come.
    """
    machine.boot()
    debs.renew_index(machine.host)
    debs.install(machine.host, debs.paths(machine.root, "theirs"))
    busy.enable(machine.host, SCAN, FEW)
    busy.all_up(machine, FEW)
    is_theirs(machine, other)
    machine.power_off()
    plain = machine.fingerprint()

    machine.boot()
    busy.all_up(machine, FEW)
    to_ours(machine, other, packages, first)
    if "runit" in other.packages and packages != debs.OURS:
        purge_runit(machine, other)
    machine.reboot()
    busy.all_up(machine, FEW)
    is_ours(machine, other)
    back(machine, other, packages)
    do(machine.host, f"{debs.APT} purge {' '.join(packages)} 2>&1")
    machine.power_off()
    changed = [one for one in differences(plain, machine.fingerprint()) if not one.startswith(KEPT)]
    assert not changed, "\n".join(changed)
    is_logged(machine)
    story.say(f"{machine}: done")


def is_logged(machine: Guest) -> None:
    """Check that no line is missing: each run that a package or ours has ended is there to its end.

    The first and the last run were ended by a power-off under theirs.
    """
    for name in busy.names(FEW):
        found = busy.runs(machine, name)
        assert not busy.faults(name, found, RUNS, whole=False)
        for run in found[1:-1]:
            assert run[-1].startswith("last "), run[-1]


def purge_runit(machine: Guest, other: Supervisor) -> None:
    """Purge runit, which is no longer needed, and with it a link that led to the services."""
    before = busy.all_up(machine, FEW)
    do(machine.host, f"{debs.APT} purge runit 2>&1")
    assert busy.all_up(machine, FEW) == before
    is_ours(machine, other)


def to_ours(machine: Guest, other: Supervisor, packages: tuple[str, ...], first: str) -> None:
    """Install packages of ours; nothing but what conflicts goes, and all is up after."""
    host = machine.host
    words = debs.paths(machine.root, "ours", packages)
    foreseen = debs.foreseen(host, words)
    assert foreseen.removed == (other.all_go if packages == debs.OURS else other.goes)
    assert foreseen.installed == set(packages)
    before = busy.all_up(machine, FEW)
    story.say(f"{machine}: to {' '.join(packages)}")
    do(host, first)
    debs.install(host, words)
    is_exchanged(machine, before)
    is_ours(machine, other)


def back(machine: Guest, other: Supervisor, packages: tuple[str, ...]) -> None:
    """Install packages of theirs, and check that ours go, and all is up after."""
    host = machine.host
    words = debs.paths(machine.root, "theirs", tuple(other.packages))
    assert debs.foreseen(host, words).removed == set(packages)
    before = busy.all_up(machine, FEW)
    story.say(f"{machine}: back from {' '.join(packages)}")
    debs.install(host, words)
    is_exchanged(machine, before)
    is_theirs(machine, other)


def is_exchanged(machine: Guest, before: Mapping[str, busy.Service]) -> None:
    """Check that every service is up, by a process that is another one, and that no other runs."""

    def others() -> bool:
        now = busy.up(machine, FEW)
        return bool(now) and all(one.pid != before[name].pid for name, one in now.items())

    eventually(others, "all services are up again")
    once = f"{FEW}\n"
    eventually(lambda: running(machine.host, f"{busy.WRITER} ") == once, "each service runs once")
    busy.write_on(machine, FEW)


def running(host: Host, words: str) -> str:
    """Return how many processes have these words in their command line."""
    return str(host.run(f"pgrep -fc '[{words[0]}]{words[1:]}'").stdout)


def is_ours(machine: Guest, other: Supervisor) -> None:
    """Check that our svscan has the services, all is well, and none of theirs is left."""
    host = machine.host
    eventually(lambda: host.run("slashservice doctor").rc == 0, "the doctor is content")
    assert "svscan runs" in do(host, "slashservice status")
    eventually(lambda: host.run(f"pgrep -x '{other.processes}'").rc == 1, "nothing of theirs runs")
    one_sshd(host)


def is_theirs(machine: Guest, other: Supervisor) -> None:
    """Check that theirs have the services, and that nothing of ours is left that runs."""
    host = machine.host
    eventually(lambda: host.run(f"pgrep -x '{other.processes}'").rc == 0, "theirs run")
    assert host.run("pgrep -f '[s]hare/slashservice'").rc == 1
    one_sshd(host)


def one_sshd(host: Host) -> None:
    """Check that one sshd runs, which Debian's init has started, and not a second one for runit."""
    assert do(host, "pgrep -xc sshd") == "1\n"
