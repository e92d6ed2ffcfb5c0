"""Debian's packages on systems that were booted: what may be started, and what is stopped."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers.boots import trees
from helpers.boots.namespaces import Guest, guest
from helpers.dpkg import NEW, OLD, Bringer, built
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

POLICY = "/usr/sbin/policy-rc.d"
FORBID = f"printf '#!/bin/sh\\nexit 101\\n' >{POLICY}; chmod 755 {POLICY}"


def do(machine: Guest, command: str, status: int = 0) -> str:
    """Run a command in a machine; return all that it wrote."""
    done = machine.host.run(f"{{ {command}\n}} 2>&1")
    assert done.rc == status, f"{command}: {done.rc}\n{done.stdout}{machine.last_words()}"
    return str(done.stdout)


def pid(machine: Guest, name: str) -> str:
    """Return the pid of a service that runs, or nothing."""
    words = do(machine, f"/usr/share/slashservice/current/command/svstat /etc/service/{name}")
    return words.partition("(pid ")[2].partition(")")[0]


def runs(machine: Guest, name: str) -> str:
    return until(lambda: pid(machine, name), f"{name} runs", pause=0.2)


@pytest.mark.parametrize("init", ["systemd", "sysvinit"])
def test_services_of_packages_and_the_policy_of_the_host(init: str, tmp_path: Path) -> None:
    with guest(trees.RECIPES[init]) as machine:
        place = machine.root / "debs"
        place.mkdir()
        for deb in (*built().glob("*.deb"), Bringer("web", log=True).make(tmp_path)):
            shutil.copy(deb, place)
        machine.boot()
        install = "dpkg -i /debs/slashservice_{}_all.deb"
        # Nothing starts where the host's policy forbids it.
        do(machine, FORBID)
        do(machine, install.format(OLD))
        do(machine, "slashservice running /etc/service", 100)
        do(machine, f"rm {POLICY}; dpkg -P slashservice")
        assert "slashservice" not in do(machine, "cat /etc/inittab || true")
        # Services of people and of packages.
        do(machine, install.format(OLD))
        do(machine, "slashservice add mine -- sleep 100000")
        do(machine, "dpkg -i /debs/web_1.deb")
        before = runs(machine, "web"), runs(machine, "mine"), runs(machine, "web/log")
        # Under that policy an upgrade leaves svscan; and without it, too, no service notices.
        svscan = do(machine, "slashservice running /etc/service")
        do(machine, FORBID)
        assert "forbids it" in do(machine, install.format(NEW))
        assert do(machine, "slashservice running /etc/service") == svscan
        do(machine, f"rm {POLICY}; dpkg -i /debs/slashservice_{NEW}_all.deb")
        assert do(machine, "slashservice running /etc/service") != svscan
        assert f"version {NEW}" in do(machine, "slashservice status")
        assert (pid(machine, "web"), pid(machine, "mine")) == before[:2]
        assert do(machine, "slashservice doctor") == "nothing found wrong\n"
        # The package goes, and its service; then slashservice, and what people have stays.
        do(machine, "dpkg -P web")
        do(machine, f"! kill -0 {before[0]}; ! kill -0 {before[2]}; kill -0 {before[1]}")
        do(machine, "! ls -d /usr/lib/slashservice/service/web /etc/service/web")
        do(machine, f"dpkg -P slashservice; ! kill -0 {before[1]}")
        do(machine, "ls /etc/service/mine/run && ! ls -d /usr/share/slashservice")
        do(machine, "! ls -d /etc/slashservice/mine/supervise /var/lib/slashservice")
