"""svscan is exchanged on a machine that runs, or stays: services are never left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from helpers.booted import installed
from helpers.checkout import COMMAND
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

LOGGED = ("one", "two")
ALL = [f"/service/{name}{log}" for name in LOGGED for log in ("", "/log")]


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A machine with slashservice, and two services with logs. Each test leaves it so."""
    with installed(request) as made:
        for name in LOGGED:
            made.run("slashservice", "add", name, "--", "sleep", "1000")
        yield made


def pids(machine: Sandbox) -> list[str]:
    """Return the pids of the services that are up, as svstat shows them. Logs are hosted."""
    return re.findall(r"^/service/(\w+: up \(pid \d+\))", machine.run("svstat", *ALL), re.M)


def svscan(machine: Sandbox) -> str:
    """Return the pid of svscan, empty for none."""
    return machine.run("slashservice", "running", status=None).strip()


def make_it_another_version(machine: Sandbox) -> None:
    """Change the code that is installed, so that the next install brings other code."""
    machine.run("sh", "-c", "echo '# older' >>/package/admin/slashservice/supervise/svok.py")


def mount(path: str) -> str:
    """Return the command that has ``path`` read-only."""
    return f"mount --bind {path} {path} && mount -o remount,ro,bind {path}"


ONE = "/etc/slashservice/one/supervise"
SPOILT = {
    "a service": (mount("/etc/slashservice/one"), "umount /etc/slashservice/one"),
    "its state": (mount(ONE), f"umount {ONE}"),
    "its log": (mount("/etc/slashservice/one/log"), "umount /etc/slashservice/one/log"),
    "all services": (mount("/etc/slashservice"), "umount /etc/slashservice"),
    "a lock": (
        f"mv {ONE}/lock {ONE}/lock.was && ln -s lock.was {ONE}/lock",
        f"rm {ONE}/lock && mv {ONE}/lock.was {ONE}/lock",
    ),
    "a file": (
        "ln -s down /etc/slashservice/one/down",
        "rm /etc/slashservice/one/down",
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_what_the_next_svscan_could_not_have_keeps_this_one(machine: Sandbox, what: str) -> None:
    spoil, mend = SPOILT[what]
    make_it_another_version(machine)
    before, ran = pids(machine), svscan(machine)
    machine.run("sh", "-c", spoil)
    told = machine.run(COMMAND, "install", status=111)
    assert "another svscan could not take over /service/one" in told
    assert svscan(machine) == ran
    doctor = machine.run("slashservice", "doctor", status=1)
    assert "would have no supervisor if svscan ended: " in doctor
    remedies = re.findall(r"Mend that first: (mount .+)", told)
    assert bool(remedies) == spoil.startswith("mount")
    for remedy in remedies:  # it can be typed
        machine.run("sh", "-c", remedy)
        machine.run("touch", "/etc/slashservice/one/supervise", "/etc/slashservice/one/log")
    machine.run("sh", "-c", mend)
    told = machine.run(COMMAND, "install")
    assert "services run on" in told
    assert svscan(machine) != ran
    assert pids(machine) == before
    assert "nothing found wrong" in machine.run("slashservice", "doctor")


def test_a_svscan_that_does_not_start_has_no_turn(machine: Sandbox) -> None:
    make_it_another_version(machine)
    before, ran = pids(machine), svscan(machine)
    no_exec = "mount --bind /package /package && mount -o remount,noexec,bind /package"
    machine.run("sh", "-c", no_exec)
    told = machine.run(COMMAND, "install", status=111)
    machine.run("umount", "/package")
    assert re.search(r"which is to be the next svscan, does not start: .*ermission denied", told)
    assert (pids(machine), svscan(machine)) == (before, ran)
    machine.run(COMMAND, "install")
    assert pids(machine) == before


def test_what_is_drained_is_told_of_and_revived(machine: Sandbox) -> None:
    ran = svscan(machine)
    machine.run("slashservice", "drain", "-s")
    assert "it is drained" in machine.run("slashservice", "status", status=1)
    assert "it is drained" in machine.run("slashservice", "doctor", status=1)
    told = machine.run("slashservice", "add", "three", "--", "sleep", "1000", status=1)
    assert "is drained, and starts nothing" in told
    told = machine.run("slashservice", "install", "-n", status=2)
    assert "would have another svscan take the place of the drained one" in told
    assert svscan(machine) == ran
    told = machine.run("slashservice", "install")
    assert "have another svscan take the place of the drained one" in told
    assert svscan(machine) != ran
    assert len(pids(machine)) == len(LOGGED)
    machine.run("slashservice", "remove", "three")
    assert "svscan runs: pid" in machine.run("slashservice", "status")
    assert "nothing found wrong" in machine.run("slashservice", "doctor")
    assert "nothing to do" in machine.run("slashservice", "install")


@pytest.mark.parametrize("first", ["svscan /service", "svscanboot", "init's"])
@pytest.mark.parametrize("upgrade", [False, True])
def test_one_that_waits_is_named_and_goes(machine: Sandbox, first: str, upgrade: bool) -> None:
    before = pids(machine)
    if first == "init's":
        by_hand = "/command/svscan /service"
        machine.run("sh", "-c", f"{by_hand} >/dev/null 2>&1 &")
    else:
        machine.run("sh", "-c", f"kill -STOP 1; kill -KILL {svscan(machine)}")
        machine.run("sh", "-c", f"/command/{first} >/dev/null 2>&1 & sleep 1; kill -CONT 1")
    until(
        lambda: "waits for the end" in machine.run("slashservice", "doctor", status=None),
        "the one that waits",
    )
    if upgrade:
        make_it_another_version(machine)
    machine.run(COMMAND, "install")
    assert "nothing found wrong" in machine.run("slashservice", "doctor")
    assert "nothing to do" in machine.run(COMMAND, "install")
    assert pids(machine) == before
    assert len(machine.run("pgrep", "-f", "/command/svscan").split()) == 1


class TestOneLogDirectory:
    """Two services would log to one directory."""

    def test_add_refuses(self, machine: Sandbox) -> None:
        machine.run("ln", "-s", "/var/log/slashservice", "/srv/logs")
        for path in ("/var/log/slashservice/one", "/var/log/slashservice/./one/", "/srv/logs/one"):
            words = ("slashservice", "add", "more", "--log", path, "--", "sleep", "1000")
            assert "it is the log directory of /service/one" in machine.run(*words, status=111)
        assert not machine.path("/service/more").exists()

    def test_add_refuses_what_others_write_to(self, machine: Sandbox) -> None:
        logger = "sleep 1000 | /command/multilog t /srv/other"
        machine.run("sh", "-c", f"mkdir /srv/other; ({logger}) >/dev/null 2>&1 &")
        until(machine.path("/srv/other/lock").exists, "the logger")
        words = ("slashservice", "add", "more", "--log", "/srv/other", "--", "sleep", "1000")
        assert re.search(r"is locked by process \d+ \(multilog\)", machine.run(*words, status=111))

    def test_the_doctor_names_it(self, machine: Sandbox) -> None:
        script = machine.path("/etc/slashservice/two/log/run")
        text = script.read_text()
        script.write_text(text.replace("slashservice/two", "slashservice/one"))
        told = machine.run("slashservice", "doctor", status=1)
        script.write_text(text)
        assert "one, two have one log directory, /var/log/slashservice/one" in told
        assert "svc -t /service/two/log" in told
