"""Debian packages of ours, upgraded at noon: fifty services are busy, and nobody notices.

dpkg is killed in the middle of it, over and over, and run again. ``SLASHSERVICE_KILLS=40`` has it
killed that often.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from helpers.boots import busy, debs, story
from helpers.boots.fingerprint import differences
from helpers.boots.namespaces import Guest, guest
from helpers.boots.story import do, eventually, explained
from helpers.boots.trees import RECIPES

from slashservice.supervise.version import VERSION

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.root]

SCAN = "/etc/service"
KILLS = int(os.environ.get("SLASHSERVICE_KILLS", "2"))
SEED = os.environ.get("SLASHSERVICE_SEED", "noon")
LEAST = 3.0
"""Seconds: no upgrade is taken to be faster, lest all kills come while dpkg begins."""

VERSIONS = {"older": VERSION, "newer": VERSION + debs.NEWER}

KILLED = """\
cd /root
setsid dpkg -i {words} >/root/said 2>&1 &
pid=$!
sleep {moment:.3f}
kill -KILL {who}$pid
wait $pid
echo $?
"""
"""Kills dpkg, or it and all it has started, after some seconds; tells what it ended with."""

PEOPLES = ("srv/busy", "var/lib/dpkg/", "var/lib/apt/", "root/said")
"""What people made, and the lists of dpkg and apt, where two fingerprints may differ."""


@contextmanager
def with_packages(name: str) -> Iterator[Guest]:
    """Have a machine with both versions of our packages, and the services' files."""
    with guest(RECIPES[name], files=busy.files(), title=f"{name}, packaged") as machine:
        debs.bring(machine.root, older=debs.ours(), newer=debs.ours(newer=True))
        with explained(machine, SCAN):
            yield machine


@pytest.mark.parametrize("name", ["systemd", "sysvinit"])
def test_upgraded_at_noon(name: str) -> None:
    with with_packages(name) as machine:
        machine.boot()
        debs.renew_index(machine.host)
        machine.power_off()
        plain = machine.fingerprint()
        machine.boot()
        noon = begin(machine)
        noon.upgrade("newer")
        noon.is_left_unpacked("older")
        noon.endures_kills()
        rebooted(machine, noon)
        removed(machine, plain)


@dataclass
class Noon:
    """A machine whose services are busy, and how they were at first."""

    machine: Guest
    services: dict[str, busy.Service]
    lasts: float = 0.0
    """How many seconds an upgrade takes at most; it is killed within that time."""

    def upgrade(self, to: str) -> None:
        """Go to a version in one go by apt, up or down."""
        began = time.monotonic()
        debs.install(self.machine.host, debs.paths(self.machine.root, to))
        self.lasts = time.monotonic() - began
        story.say(f"{self.machine}: {to} after {self.lasts:.1f} s")
        self.is_whole(to)

    def finish(self, to: str) -> None:
        """Go to a version by dpkg, whatever a killed one has left."""
        began = time.monotonic()
        do(self.machine.host, f"dpkg -i {debs.paths(self.machine.root, to)} 2>&1")
        seconds = time.monotonic() - began
        self.lasts = min(self.lasts, max(seconds, LEAST))
        story.say(f"{self.machine}: {to} after {seconds:.1f} s")
        self.is_whole(to)

    def is_whole(self, version: str) -> None:
        """Check that packages and svscan are of a version, and nothing has happened to services."""
        host = self.machine.host
        for package in debs.OURS:
            assert debs.version(host, package) == VERSIONS[version], package
        wanted = f", version {VERSIONS[version]}, "
        eventually(lambda: wanted in do(host, "slashservice status"), f"svscan is the {version}")
        eventually(lambda: host.run("slashservice doctor").rc == 0, "the doctor is content")
        self.is_untouched()

    def is_untouched(self) -> None:
        """Check that every daemon is the one it was, has never died, and is listened to."""
        now = busy.up(self.machine)
        changed = [name for name, one in self.services.items() if now.get(name) != one]
        assert not changed, f"{len(changed)} not as they were: {changed}"
        busy.write_on(self.machine)

    def is_left_unpacked(self, to: str) -> None:
        """Go to a version, but leave it unpacked for a while, and kill svscan meanwhile."""
        host = self.machine.host
        do(host, f"dpkg --unpack {debs.paths(self.machine.root, to)} 2>&1")
        self.is_untouched()
        pid = int(do(host, f"slashservice running {SCAN}"))
        do(host, f"kill -KILL {pid}")
        eventually(lambda: story.svscan(host, SCAN) not in (0, pid), "svscan is back")
        self.is_untouched()
        eventually(lambda: host.run("slashservice list").rc == 0, "every service is well")
        do(host, "dpkg --configure -a 2>&1")
        self.is_whole(to)

    def endures_kills(self) -> None:
        """Kill dpkg at random moments of upgrades and downgrades, and have it done with again."""
        chance = random.Random(f"{SEED} {self.machine.title}")
        for number in range(KILLS):
            to = ("newer", "older")[number // 2 % 2]
            self.is_killed(to, chance.uniform(0, self.lasts), ("", "-")[number % 2])
            self.finish(to if chance.random() < 0.7 else chance.choice(list(VERSIONS)))

    def is_killed(self, to: str, moment: float, who: str) -> None:
        """Kill dpkg, ``who`` is ``-`` with all that it has started; then finish what can be."""
        host = self.machine.host
        words = debs.paths(self.machine.root, to)
        ended = do(host, KILLED.format(words=words, moment=moment, who=who)).split()[-1]
        states = do(host, "dpkg-query -W -f '${db:Status-Status} ' 'slashservice*'")
        self.is_untouched()
        done = host.run("dpkg --configure -a 2>&1")
        killed = f"to {to}, killed{who} after {moment:.2f} s: {ended}, {states}; {done.rc}"
        story.say(f"{self.machine}: {killed}")
        self.is_untouched()


def begin(machine: Guest) -> Noon:
    """Install the older packages, as people do, and have fifty services run."""
    host = machine.host
    words = debs.paths(machine.root, "older")
    foreseen = debs.foreseen(host, words)
    assert foreseen.installed == set(debs.OURS)
    assert not foreseen.removed
    story.say(f"{machine}: install")
    debs.install(host, words)
    assert "sshd" in do(host, "ps -C sshd -o comm=")
    busy.enable(host, SCAN)
    noon = Noon(machine, busy.all_up(machine))
    noon.is_whole("older")
    assert do(host, "pgrep -xc sshd") == "1\n"
    return noon


def rebooted(machine: Guest, noon: Noon) -> None:
    """Power it off and on: each log is whole, and the services are up again."""
    machine.power_off()
    lines = busy.nothing_lost(machine)
    story.say(f"{machine}: {lines} lines, each there once")
    machine.boot()
    noon.services = busy.all_up(machine)
    busy.write_on(machine)


def removed(machine: Guest, plain: dict[str, str]) -> None:
    """Remove the packages: what people made is still there. Purge them: nothing of ours is."""
    host = machine.host
    ours = " ".join(reversed(debs.OURS))
    story.say(f"{machine}: remove")
    do(host, f"{debs.APT} remove {ours} 2>&1")
    story.eventually(lambda: host.run("pgrep -f '[s]vscan|[/]busy '").rc == 1, "nothing runs")
    for name in busy.names():
        assert host.file(f"{SCAN}/{name}").linked_to == f"{busy.PLACE}/{name}"
    busy.nothing_lost(machine, starts=2)
    machine.reboot()
    host = machine.host
    assert host.run("pgrep -f '[s]vscan|[/]busy '").rc == 1
    busy.nothing_lost(machine, starts=2)
    do(host, f"rm {SCAN}/busy*")
    story.say(f"{machine}: purge")
    do(host, f"{debs.APT} purge {ours} 2>&1")
    machine.power_off()
    changed = [
        one for one in differences(plain, machine.fingerprint()) if not one.startswith(PEOPLES)
    ]
    assert not changed, "\n".join(changed)
    story.say(f"{machine}: done")
