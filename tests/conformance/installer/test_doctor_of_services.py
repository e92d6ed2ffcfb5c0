"""The doctor names each service that ails, and none that is well: any mixture of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from helpers.booted import installed
from helpers.sandbox import Sandbox
from helpers.waiting import GENEROUS, until

pytestmark = [pytest.mark.root, pytest.mark.slow]

HEALTHY = "#!/bin/sh\nexec sleep 1000\n"
LOG = "#!/bin/sh\nexec multilog t ./main\n"


class Ill(NamedTuple):
    """A service that ails: what the doctor says of it, its files, and what is done to it.

    ``state`` is in what state it is then, ``log`` in what state its log is.
    """

    says: str
    files: dict[str, str]
    command: str = ""
    state: str = "failing"
    log: str = ""


ILLS = {
    "dies": Ill(
        "% is failing: it ends soon after each start: exit 7",
        {"run": "#!/bin/sh\nexit 7\n"},
    ),
    "crlf": Ill(
        "% is failing: the lines of /service/%/run end in CR LF",
        {"run": "#!/bin/sh\r\nexec sleep 1000\r\n"},
    ),
    "interpreter": Ill(
        "% is failing: /service/%/run is for /opt/perl, which is not there",
        {"run": "#!/opt/perl\n"},
    ),
    "account": Ill(
        "% is failing: there is no account nosuchbody",
        {"run": "#!/bin/sh\nexec setuidgid nosuchbody sleep 1000\n"},
    ),
    "program": Ill(
        "% is failing: there is no program /opt/daemon",
        {"run": "#!/bin/sh\nexec /opt/daemon\n"},
    ),
    "gave-up": Ill(
        "% is failed: it has said that it can't work (exit 100)",
        {"run": "#!/bin/sh\nexit 100\n"},
        state="failed",
    ),
    "unlinked": Ill(
        "% is unlinked: it is supervised, but no longer in /service",
        {"run": HEALTHY},
        "rm /service/%",
        "unlinked",
    ),
    "no-log": Ill(
        "the log of % has been in trouble since ",
        {"run": HEALTHY, "log/run": "#!/bin/sh\nexec setuidgid nobody multilog t ./main\n"},
    ),
    "failing-log": Ill(
        "%: its log dies soon after each start: exit 5",
        {"run": HEALTHY, "log/run": "#!/bin/sh\nexit 5\n"},
        state="running",
        log="failing",
    ),
    "stopped-log": Ill(
        "%: its log is down: what it says is not read",
        {"run": HEALTHY, "log/run": LOG},
        "slashservice stop %/log",
        state="running",
        log="down",
    ),
    "paused-log": Ill(
        "%: its log is paused: what it says is not read",
        {"run": HEALTHY, "log/run": LOG},
        "slashservice pause %/log",
        state="running",
        log="paused",
    ),
    "log-not-taken": Ill(
        "%: /service/%/log/supervise is no directory, and so nobody supervises its log",
        {"run": HEALTHY, "log/run": LOG, "log/supervise": "in the way"},
        state="running",
        log="missing",
    ),
    "not-taken": Ill(
        "svscan does not supervise /service/%: /service/%/supervise/lock can't be opened",
        {"run": HEALTHY, "supervise": "in the way"},
        state="missing",
    ),
    "both": Ill(
        "% is failed: it has said that it can't work (exit 100)\n"
        "%: its log dies soon after each start: exit 111",
        {"run": "#!/bin/sh\nexit 100\n", "log/run": "#!/bin/sh\nexit 111\n"},
        state="failed",
        log="failing",
    ),
}
WELL = {
    "plain": Ill("", {"run": HEALTHY}),
    "logged": Ill("", {"run": HEALTHY, "log/run": LOG}),
    "down": Ill("", {"run": HEALTHY, "down": ""}, state="down"),
    "stopped": Ill("", {"run": HEALTHY}, "svc -d /service/%", "down"),
    "paused": Ill("", {"run": HEALTHY}, "svc -p /service/%", "paused"),
    "restarted": Ill("", {"run": HEALTHY}, "svc -t /service/%"),
    "both-stopped": Ill(
        "", {"run": HEALTHY, "log/run": LOG}, "slashservice stop % %/log", "down", "down"
    ),
    "one-shot": Ill("", {"run": "#!/bin/sh\nexit 3\n", "down": ""}, "svc -o /service/%", "down"),
}


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with installed(request) as made:
        yield made


def listed(machine: Sandbox) -> dict[str, dict[str, Any]]:
    """Return what is shown of each service."""
    said = json.loads(machine.run("slashservice", "list", "--json", status=None))
    return {one["name"]: one for one in said["services"]}


def states(machine: Sandbox) -> dict[str, str]:
    """Return in what state each service is shown."""
    return {name: one["state"] for name, one in listed(machine).items()}


def is_so(machine: Sandbox, name: str, state: str, log: str = "") -> bool:
    """Tell whether a service, and its log if that is named, are in these states."""
    one = listed(machine).get(name)
    return one is not None and one["state"] == state and (not log or one["log"]["state"] == log)


def make(machine: Sandbox, name: str, one: Ill) -> None:
    """Make a service, and have done to it what makes it so."""
    for file, text in one.files.items():
        machine.put(f"/srv/{name}/{file}", text)
    machine.run("ln", "-s", f"/srv/{name}", f"/service/{name}")
    until(lambda: states(machine).get(name) not in (None, "not supervised"), "it is taken up")
    if one.command:
        if "down" not in one.files:
            log = "running" if "log/run" in one.files else ""
            until(lambda: is_so(machine, name, "running", log), "it runs")
        machine.run("sh", "-c", one.command.replace("%", name))


def told(machine: Sandbox) -> list[str]:
    """Return what the doctor says of services."""
    said = json.loads(machine.run("slashservice", "doctor", "--json", status=None))
    return [one["what"] for one in said if "-it-" in one["what"]]


@pytest.mark.parametrize("turn", range(3))
def test_who_ails_is_named_and_nobody_else(machine: Sandbox, turn: int) -> None:
    assert told(machine) == []
    dice = random.Random()
    chosen = [*dice.sample(sorted(ILLS), 7), *dice.sample(sorted(WELL), 4)]
    dice.shuffle(chosen)
    services = {f"{kind}-it-{turn}": (ILLS | WELL)[kind] for kind in chosen}
    for name, one in services.items():
        make(machine, name, one)
    for name, one in services.items():
        wanted = "running" if name.startswith("no-log") or one in WELL.values() else one.state
        wanted = one.state if one.state != "failing" else wanted
        what = f"{name} is {wanted}, its log {one.log}"
        until(lambda: is_so(machine, name, wanted, one.log), what, 3 * GENEROUS)  # noqa: B023
    expected = {
        line for name, one in services.items() for line in one.says.replace("%", name).splitlines()
    }

    def is_told() -> bool:
        found = told(machine)
        return len(found) == len(expected) and all(
            any(part in line for line in found) for part in expected
        )

    until(is_told, f"just this is told: {expected}; told is {told(machine)}")
    bad = [name for name, one in listed(machine).items() if one["bad"]]
    unnamed = [name for name in bad if not any(name in line for line in told(machine))]
    assert not unnamed, "what has `list` exit 1 is named by the doctor"
    for name in services:
        machine.run(
            "sh", "-c", f"rm -f /service/{name}; svc -dx /srv/{name} /srv/{name}/log", status=None
        )
    until(lambda: not states(machine), "all is gone")


def test_a_file_among_services_is_named(machine: Sandbox) -> None:
    machine.put("/service/notes-it-", "no service")
    assert listed(machine)["notes-it-"]["bad"]
    assert told(machine) == ["/service/notes-it- is a file, and no service directory"]
    machine.run("rm", "/service/notes-it-")


def test_a_drained_svscan_is_named(machine: Sandbox) -> None:
    make(machine, "idle-it-", WELL["plain"])
    machine.run("slashservice", "drain", "-s")
    said = machine.run("slashservice", "doctor", status=1)
    assert "drained" in said
    said = machine.run("slashservice", "why", "idle-it-", status=1)
    assert "its svscan is drained, and starts nothing any more" in said
    machine.run("slashservice", "install")
    until(lambda: states(machine)["idle-it-"] == "running", "another one has it")
    machine.run("slashservice", "doctor")
    machine.run("rm", "/service/idle-it-")
    machine.run("svc", "-dx", "/srv/idle-it-")
