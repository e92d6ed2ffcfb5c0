"""Upgrades interrupted at every step, on each init system that boots, as a service runs on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from helpers.boots import story
from helpers.boots.fingerprint import differences
from helpers.boots.namespaces import Guest, guest
from helpers.boots.story import Wiring, do, eventually, explained, service_pid, svscan
from helpers.boots.trees import INSIDE, RECIPES, put_checkout
from helpers.checkout import CHECKOUT
from testinfra.host import Host

pytestmark = [pytest.mark.boot, pytest.mark.slow, pytest.mark.root]

HOW = ("kill", "term", "eperm", "enospc")
NEWER = f"{INSIDE}-newer"
SCRIPT = "/root/interrupting.py"
APART = 5
"""How many steps are between two at which the power fails."""

BEAT = "while :; do date +%s; sleep 1; done"
WAYS = {name: (name, "") for name in RECIPES} | {
    "rc.local under systemd": ("systemd", "--init rclocal"),
    "rc.local under sysvinit": ("sysvinit", "--init rclocal"),
    "init.d under sysvinit": ("sysvinit", "--init initd"),
}


@contextmanager
def upgradable(way: str, title: str) -> Iterator[Guest]:
    """Have a machine with a newer version beside the one that is there, and the interruptor."""
    with guest(RECIPES[WAYS[way][0]], title=f"{way}, {title}") as machine:
        put_newer(machine.root)
        script = CHECKOUT / "tests/helpers/boots/interrupting.py"
        (machine.root / SCRIPT.lstrip("/")).write_text(script.read_text())
        yield machine


def put_newer(root: Path) -> None:
    """Put a checkout of a newer version beside the one that is there."""
    put_checkout(root, NEWER)
    newer = root / NEWER.lstrip("/")
    version = newer / "supervise/version.py"
    version.write_text(version.read_text() + 'VERSION += ".1"\n')
    for template in (newer / "init_templates").rglob("*"):
        if template.is_file() and template.read_text().startswith(("#!", "# ", "[Unit]")):
            template.write_text(template.read_text() + "# of the newer version\n")


@pytest.mark.parametrize("way", WAYS)
def test_upgrades_interrupted_at_every_step(way: str) -> None:
    name, options = WAYS[way]
    wiring = Wiring(RECIPES[name].parent if not options else "", options)
    with upgradable(way, "upgraded") as machine, explained(machine, wiring.scan):
        live(machine, wiring, list(WAYS).index(way))


def live(machine: Guest, wiring: Wiring, first: int) -> None:
    """Install, upgrade with interruptions, go back, and uninstall; one daemon runs throughout."""
    machine.boot()
    machine.power_off()
    plain = machine.fingerprint()
    machine.boot()
    host = machine.host
    story.install(host, wiring.options)
    do(host, f"slashservice add beat -- sh -c '{BEAT}'")
    pid = eventually(lambda: service_pid(host, "/service/beat"), "beat is up")
    older = version(host)
    for step in count(1):
        how = HOW[(step + first) % len(HOW)]
        said = host.run(f"python3 -I -B {SCRIPT} {NEWER} {step} {how} {wiring.options}")
        story.say(f"{machine}: {said.stdout.strip().splitlines()[-1:]} {said.rc}")
        if f"ahead of step {step}" not in said.stdout:
            break
        eventually(lambda: svscan(host, wiring.scan), "svscan runs, or again")
        assert service_pid(host, "/service/beat") == pid, said.stdout + said.stderr
        if how == "kill" and step % 2:
            do(host, f"python3 -I -B {SCRIPT} {NEWER} 0 kill {wiring.options}")
            is_whole(host, wiring, pid, f"{older}.1")
        if version(host) != older or how == "kill":
            do(host, f"{INSIDE}/install {wiring.options}")
        is_whole(host, wiring, pid, older)
    assert step > len(HOW)
    assert said.rc == 0, said.stdout + said.stderr
    is_whole(host, wiring, pid, f"{older}.1")
    do(host, f"{INSIDE}/install {wiring.options}")
    is_whole(host, wiring, pid, older)
    is_gone(machine)
    changed = differences(plain, machine.fingerprint())
    assert not changed, "\n".join(changed)


@pytest.mark.parametrize("way", ["systemd", "sysvinit", "openrc", "runit", "busybox"])
def test_the_power_fails_during_an_upgrade(way: str) -> None:
    """The service comes up at the next boot with nobody's help, and the upgrade can be finished."""
    name, options = WAYS[way]
    first = list(WAYS).index(way) % APART + 1
    wiring = Wiring(RECIPES[name].parent if not options else "", options)
    with upgradable(way, "powered off") as machine, explained(machine, wiring.scan):
        machine.boot()
        story.install(machine.host, options)
        do(machine.host, f"slashservice add beat -- sh -c '{BEAT}'")
        older = version(machine.host)
        for step in range(first, first + 2 * APART, APART):
            said = machine.host.run(f"python3 -I -B {SCRIPT} {NEWER} {step} kill {options}")
            story.say(f"{machine}: {said.stdout.strip().splitlines()[-1:]}")
            machine.kill()
            machine.boot()
            host = machine.host
            eventually(lambda: service_pid(host, "/service/beat"), "beat is up")  # noqa: B023
            pid = service_pid(host, "/service/beat")
            do(host, f"python3 -I -B {SCRIPT} {NEWER} 0 kill {options}")
            is_whole(host, wiring, pid, f"{older}.1")
            do(host, f"{INSIDE}/install {options}")
            is_whole(host, wiring, pid, older)
        is_gone(machine)


CHANGES = {
    "systemd": ("rclocal", "systemd", "rclocal", "systemd"),
    "sysvinit": ("sysvinit", "initd", "rclocal", "sysvinit", "rclocal", "initd", "sysvinit"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_from_one_init_system_to_another(name: str) -> None:
    with (
        guest(RECIPES[name], title=f"{name}, rewired") as machine,
        explained(machine, "/service"),
    ):
        rewire(machine, CHANGES[name])


def rewire(machine: Guest, ways: tuple[str, ...]) -> None:
    """Have one way after the other start svscan; all is well each time, and gone in the end."""
    machine.boot()
    machine.power_off()
    plain = machine.fingerprint()
    machine.boot()
    host = machine.host
    for way in ways:
        do(host, f"{INSIDE}/install --init {way}")
        if way == ways[0] and not service_pid(host, "/service/beat"):
            do(host, f"slashservice add beat -- sh -c '{BEAT}'")
        eventually(lambda: service_pid(host, "/service/beat"), f"beat is up by {way}")
        assert f"started by {way}" in do(host, "slashservice status")
        beats = do(host, "pgrep -fc '[d]ate .%s'")
        assert beats == "1\n", f"beat runs {beats} times by {way}"
    machine.reboot()
    host = machine.host
    eventually(lambda: service_pid(host, "/service/beat"), "beat is up after a reboot")
    is_gone(machine)
    changed = differences(plain, machine.fingerprint())
    assert not changed, "\n".join(changed)


ELSEWHERE = "/srv/scanned"


@pytest.mark.parametrize("way", WAYS)
def test_to_another_service_directory_and_layout(way: str) -> None:
    options = WAYS[way][1]
    with upgradable(way, "moved") as machine, explained(machine, "/service"):
        move(machine, options, list(WAYS).index(way))


def move(machine: Guest, options: str, first: int) -> None:
    """Move to another directory, with interruptions, and to another layout; one svscan is there."""
    machine.boot()
    machine.power_off()
    plain = machine.fingerprint()
    machine.boot()
    host = machine.host
    story.install(host, options)
    do(host, f"slashservice add beat -- sh -c '{BEAT}'")
    for step in count(1 + first % 2, 2):
        how = HOW[(step // 2 + first) % len(HOW)]
        moving = f"{options} --service-dir {ELSEWHERE}"
        said = host.run(f"python3 -I -B {SCRIPT} {INSIDE} {step} {how} {moving}")
        story.say(f"{machine}: {said.stdout.strip().splitlines()[-1:]} {said.rc}")
        ahead = f"ahead of step {step}" in said.stdout
        if ahead and how != "kill" and "installed, but not" not in said.stderr:
            assert said.rc == 111, said.stdout + said.stderr
            scans(host, "/service", "as it was")
            continue
        if ahead:
            do(host, f"{INSIDE}/install {moving}")
        assert ahead or said.rc == 0, said.stdout + said.stderr
        scans(host, ELSEWHERE, "moved")
        assert "nothing to do" in do(host, f"{INSIDE}/install")
        if not ahead:
            break
        do(host, f"{INSIDE}/install --service-dir /service")
        scans(host, "/service", "moved back")
    do(host, f"{INSIDE}/install --service-dir /service")
    scans(host, "/service", "moved back")
    pid = eventually(lambda: service_pid(host, "/service/beat"), "beat is up")
    for layout in ("fhs", "slashpackage"):
        do(host, f"{INSIDE}/install --layout {layout}")
        scans(host, "/service", layout)
        assert service_pid(host, "/service/beat") == pid, layout
        if not options:  # where svscan is started again
            do(host, "kill -KILL $(slashservice running)")
            scans(host, "/service", f"{layout}, killed")
    is_gone(machine)
    changed = differences(plain, machine.fingerprint())
    assert not changed, "\n".join(changed)


def scans(host: Host, directory: str, when: str) -> None:
    """Check that svscan runs on one directory and on no other, its services up, all well."""
    other = "/service" if directory == ELSEWHERE else ELSEWHERE
    eventually(lambda: svscan(host, directory), f"svscan runs on {directory}, {when}")
    assert not svscan(host, other), when
    if directory == "/service":
        eventually(lambda: service_pid(host, "/service/beat"), f"beat is up, {when}")
    beats = do_anyhow(host, "pgrep -fc '[d]ate .%s'")
    assert beats == f"{int(directory != ELSEWHERE)}\n", f"{when}: beat runs {beats} times"
    assert f"scans {directory}" in do(host, "slashservice status")
    well = "nothing found wrong\n"
    eventually(lambda: do_anyhow(host, "slashservice doctor") == well, f"all is well, {when}")


def is_gone(machine: Guest) -> None:
    """Remove the service and slashservice, check that nothing of it is left, and power off."""
    do(machine.host, "slashservice remove beat")
    do(machine.host, "slashservice uninstall")
    story.is_plain(machine.host)
    machine.power_off()


def version(host: Host) -> str:
    """Return the version that ``slashservice status`` tells is installed."""
    return do_anyhow(host, "slashservice status").split()[1].rstrip(",")


def do_anyhow(host: Host, command: str) -> str:
    """Run a command, whatever its status; return what it said."""
    return str(host.run(command).stdout)


def is_whole(host: Host, wiring: Wiring, pid: int, name: str) -> None:
    """Check that all is well with that version, and that the daemon still is the same."""
    status = do(host, "slashservice status")
    assert f"slashservice {name}, " in status and f", version {name}, " in status, status
    well = "nothing found wrong\n"  # once the log has gone over to the new svscan
    eventually(lambda: do_anyhow(host, "slashservice doctor") == well, "the doctor is content")
    assert service_pid(host, "/service/beat") == pid
    story.is_the_right_child(host, wiring)
    again = INSIDE if name.count(".") == 2 else NEWER
    assert "nothing to do" in do(host, f"python3 -I -B {SCRIPT} {again} 0 kill {wiring.options}")
