"""Uninstalling never takes the code away from under a svscan that runs, whoever has started it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from helpers.booted import BUSYBOX, booted
from helpers.checkout import COMMAND
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

FIRST = "while ! [ -e /srv/go ]; do sleep 0.05; done; exec /command/svscan /service"

WAYS = {
    "by hand": "/command/svscan /service",
    "by its name": "svscan /service",
    "in the directory itself": "cd /service && svscan .",
    "behind a chain": "setuidgid root envdir /srv/env svscan /service",
    "by way of svscanboot": "svscanboot",
    "on another directory": "svscan /srv/other",
    "by another account": "setuidgid nobody svscan /srv/other",
}
"""Ways in which somebody may start svscan, in a shell."""


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[Callable[..., Sandbox]]:
    """Return what starts a sandbox, which ends with the test."""
    with sandboxes(request) as start:
        yield start


def start(made: Sandbox, line: str) -> str:
    """Start svscan, with a service, and return the directory that it scans."""
    other = "/srv/other" in line
    directory = "/srv/other" if other else "/service"
    made.run("mkdir", "-p", "/srv/env", directory)
    made.put("/srv/web/run", "#!/bin/sh\nexec sleep 1000\n")
    made.run("ln", "-s", "/srv/web", directory)
    if "nobody" in line:
        made.run("chown", "-R", "nobody", "/srv/other", "/srv/web")
    made.run("sh", "-c", f"({line}) >/dev/null 2>&1 &")
    await_up(made, f"{directory}/web")
    return directory


def await_up(made: Sandbox, service: str) -> None:
    """Wait until a service runs."""
    until(lambda: "up (pid" in made.run("svstat", service, status=None), "the service")


def pids(made: Sandbox, directory: str) -> list[str]:
    """Return the pids of svscan and of the service."""
    return [
        made.run("slashservice", "running", directory).strip(),
        *re.findall(r"pid \d+", made.run("svstat", f"{directory}/web")),
    ]


def is_refused(made: Sandbox, directory: str) -> str:
    """Check that uninstalling is refused, that nothing changes, and return what is said."""
    before, there = made.changes(), pids(made, directory)
    told = made.run("slashservice", "uninstall", status=111)
    assert made.run("slashservice", "uninstall", "-n", status=111) == told
    assert re.fullmatch(r"slashservice: fatal: .*\n    .*\n", told)
    assert made.changes() == before
    assert pids(made, directory) == there
    assert f"runs on {directory}" in told or f"svscan on {directory} is PID 1" in told
    return told


def is_undone(made: Sandbox, before: list[str]) -> None:
    """Uninstall, and check that nothing is left but what was made here."""
    made.run("rm", "-rf", "/srv/other", "/srv/web", "/srv/env", "/srv/go", "/service/web")
    assert made.run("/command/slashservice", "uninstall").endswith("uninstalled\n")
    assert [path for path in made.changes() if path not in before] == []


@pytest.mark.parametrize("way", WAYS)
def test_in_a_container(way: str, machine: Callable[..., Sandbox]) -> None:
    made = machine(["sleep", "1000"])
    made.run(COMMAND, "install", "--init", "container")
    directory = start(made, WAYS[way])
    told = is_refused(made, directory)
    command = told.splitlines()[1].split(" stops ")[0]
    assert command == f"    slashservice drain {directory}"
    if directory == "/service":
        assert f"svscan runs: pid {pids(made, directory)[0]}" in made.run("slashservice", "status")
    made.run(*command.split())
    assert made.run("slashservice", "running", directory, status=100) == ""
    is_undone(made, [])


def test_as_pid_1(machine: Callable[..., Sandbox]) -> None:
    made = machine(["sh", "-c", FIRST])
    made.run(COMMAND, "install", "--init", "container")
    made.put("/srv/web/run", "#!/bin/sh\nexec sleep 1000\n")
    made.run("ln", "-s", "/srv/web", "/service")
    made.put("/srv/go", "")
    await_up(made, "/service/web")
    assert pids(made, "/service")[0] == "1"
    told = is_refused(made, "/service")
    assert "Stop the container" in told and "slashservice uninstall --root" in told
    assert "svscan runs: pid 1" in made.run("slashservice", "status")
    assert "is down" in made.run("slashservice", "remove", "web")
    assert made.run("slashservice", "uninstall", status=111) == told  # also without a service


def test_what_a_killed_svscan_has_left(machine: Callable[..., Sandbox]) -> None:
    """A daemon that runs on, in a container: it is stopped by what the message says."""
    made = machine(["sleep", "1000"])
    made.run(COMMAND, "install", "--init", "container")
    start(made, "svscan /service")
    svscan, daemon = pids(made, "/service")
    made.run("kill", "-9", svscan)
    until(lambda: not made.run("slashservice", "running", status=None), "the end of svscan")
    told = made.run("slashservice", "uninstall", status=111)
    assert f"/service/web runs ({daemon})" in told and "slashservice drain /service" in told
    made.run("slashservice", "drain", "/service")
    stat = made.path(f"/proc/{daemon.split()[1]}/stat")  # its parent, PID 1, waits for nobody
    assert not stat.exists() or ") Z " in stat.read_text()
    is_undone(made, [])


@pytest.mark.parametrize("way", ["on another directory", "by another account"])
def test_beside_the_one_that_init_starts(way: str, machine: Callable[..., Sandbox]) -> None:
    made = booted(machine)
    before = made.changes()
    made.run(COMMAND, "install")
    svscan = made.run("slashservice", "running")
    directory = start(made, WAYS[way])
    is_refused(made, directory)
    assert made.run("slashservice", "running") == svscan
    made.run("slashservice", "drain", directory)
    is_undone(made, before)


def test_what_is_judged_by_its_files(machine: Callable[..., Sandbox]) -> None:
    """Wired for an init system that does not run here, and started by hand all the same."""
    made = machine(["sleep", "1000"], prepare=BUSYBOX)
    before = made.changes()
    made.run(COMMAND, "install", "--init", "busybox")
    start(made, "svscan /service")
    is_refused(made, "/service")
    made.run("slashservice", "drain")
    is_undone(made, before)


def test_new_code_in_a_container(machine: Callable[..., Sandbox]) -> None:
    """Nobody can exchange svscan there: that is said, and the code that it runs from stays."""
    made = machine(["sleep", "1000"])
    made.run(COMMAND, "install", "--init", "container")
    start(made, "svscan /service")
    there = pids(made, "/service")
    for number in range(3):
        newest = "/package/admin/slashservice/installer/__init__.py"
        made.run("sh", "-c", f"echo '# {number}' >>{newest}")
        made.run(COMMAND, "install")
        assert pids(made, "/service") == there
        assert made.path("/package/admin/slashservice-0.1.0/supervise").is_dir()
        for verb in ("status", "doctor"):
            told = made.run("slashservice", verb, status=1)
            assert "slashservice drain ends it" in told
            assert "slashservice install exchanges it" not in told
    is_refused(made, "/service")
    made.run("slashservice", "drain")
    made.run("sh", "-c", "svscan /service >/dev/null 2>&1 &")
    await_up(made, "/service/web")
    assert "drain ends it" not in made.run("slashservice", "doctor", status=None)
    made.run("slashservice", "drain")
    is_undone(made, [])
