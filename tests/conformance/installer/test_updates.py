"""``add --update`` on a machine that runs: what is due is restarted, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from helpers.booted import installed
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

LOGS = "/var/log/slashservice"
SAYS = 'echo "begun $A"; exec sleep 1000'


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A machine with slashservice; each test uses names of its own."""
    with installed(request) as made:
        yield made


def pid_of(machine: Sandbox, service: str) -> str:
    """Return the pid that svstat shows, empty for none."""
    found = re.search(r": up \(pid (\d+)\)", machine.run("svstat", f"/service/{service}"))
    return found[1] if found else ""


def update(machine: Sandbox, *words: str, status: int = 0) -> dict[str, Any]:
    """Ask for a service, and return what came of it."""
    said = machine.run("slashservice", "add", "--update", "--json", *words, status=status)
    found: dict[str, Any] = json.loads(said[said.index("{") :])
    return found


def logged(machine: Sandbox, path: str) -> list[str]:
    """Return what a service has logged, without stamps."""
    file = machine.path(f"{path}/current")
    lines = file.read_text().splitlines() if file.exists() else []
    return [line.split(" ", 1)[1] for line in lines]


def test_a_restart_that_is_due_is_done_once(machine: Sandbox) -> None:
    words = ("--", "sh", "-c", SAYS)
    assert update(machine, "due", "--env", "A=1", *words)["created"]
    pid = pid_of(machine, "due")
    for _ in "asked", "again":
        found = update(machine, "due", "--restart", "--env", "A=1", *words)
        assert not (found["changed"] or found["restarted"] or found["restart_due"])
    assert pid_of(machine, "due") == pid
    found = update(machine, "due", "--env", "A=2", *words)
    assert found["changed"] and found["restart_due"] and not found["restarted"]
    found = update(machine, "due", "--env", "A=2", *words)
    assert found["restart_due"] and not found["changed"]
    assert pid_of(machine, "due") == pid
    asked = ("due", "--restart", "--env", "A=2")
    found = update(machine, *asked, "-n", *words, status=2)
    assert found["restarted"] and not found["changed"] and pid_of(machine, "due") == pid
    found = update(machine, *asked, *words)
    assert found["restarted"] and not found["changed"] and not found["restart_due"]
    assert pid_of(machine, "due") not in ("", pid)
    until(lambda: logged(machine, f"{LOGS}/due")[-1:] == ["begun 2"], "the new variable")
    found = update(machine, *asked, *words)
    assert not found["restarted"]
    machine.run("slashservice", "remove", "due")


def test_its_log_alone(machine: Sandbox) -> None:
    """As another account's, in another directory."""
    words = ("logged", "--restart", "--log-user")
    command = ("--", "sh", "-c", SAYS)
    update(machine, *words, "daemon", *command)
    pid, log = pid_of(machine, "logged"), pid_of(machine, "logged/log")
    refused = machine.run("slashservice", "add", "--update", *words, "nobody", *command, status=111)
    assert f"chown -R nobody {LOGS}/logged" in refused
    found = update(machine, *words, "nobody", "--log", "/var/log/slashservice/other", *command)
    assert found["restarted"] and [one["path"] for one in found["changes"]] == [
        "/etc/slashservice/logged/log/run"
    ]
    assert pid_of(machine, "logged") == pid
    assert pid_of(machine, "logged/log") not in ("", log)
    machine.run("svc", "-t", "/service/logged")
    until(lambda: logged(machine, f"{LOGS}/other"), "a line in its new log")
    machine.run("slashservice", "remove", "logged")


def test_a_log_comes_and_goes(machine: Sandbox) -> None:
    command = ("--", "sh", "-c", SAYS)
    update(machine, "bare", "--no-log", *command)
    found = update(machine, "bare", *command)
    assert found["restart_due"] and not found["restarted"]
    assert update(machine, "bare", "--restart", *command)["restarted"]
    until(lambda: logged(machine, f"{LOGS}/bare"), "a line in its log")
    assert not update(machine, "bare", "--restart", *command)["restarted"]
    refused = ("slashservice", "add", "--update", "bare", "--no-log", *command)
    assert "has to be restarted" in machine.run(*refused, status=111)
    assert update(machine, "bare", "--restart", "--no-log", *command)["restarted"]
    assert pid_of(machine, "bare")
    assert sorted(machine.run("ls", "/etc/slashservice/bare").split()) == ["run", "supervise"]
    machine.run("slashservice", "remove", "bare")


def test_what_is_down_stays_down(machine: Sandbox) -> None:
    update(machine, "still", "--env", "A=1", "--", "sh", "-c", SAYS)
    machine.run("slashservice", "stop", "still")
    found = update(machine, "still", "--restart", "--env", "A=2", "--", "sh", "-c", SAYS)
    assert found["changed"] and not found["restarted"] and not found["restart_due"]
    assert not pid_of(machine, "still")
    machine.run("slashservice", "remove", "still")


def test_one_that_does_not_stay_up(machine: Sandbox) -> None:
    update(machine, "broken", "--", "sleep", "1000")
    words = ("broken", "--restart", "--", "sh", "-c", "echo no table; exit 7")
    found = update(machine, *words, status=1)
    assert found["restarted"]
    machine.run("slashservice", "remove", "broken")


def test_variables_from_a_file(machine: Sandbox) -> None:
    machine.path("/tmp/secrets").write_text("# of the shop\nA='s e c'\nB=x\n")
    words = ("--env-from", "/tmp/secrets", "--env", "B=y", "--", "sh", "-c", SAYS)
    update(machine, "shop", *words)
    folder = "/etc/slashservice/shop/env"
    assert machine.run("cat", f"{folder}/A", f"{folder}/B") == "s e c\ny\n"
    assert machine.run("stat", "-c", "%a", f"{folder}/A") == "600\n"
    machine.path("/tmp/secrets").write_text("A='s e c'\nhunter2\n")
    said = machine.run("slashservice", "add", "--update", "shop", *words, status=111)
    assert "/tmp/secrets:2: this is no line NAME=VALUE" in said and "hunter2" not in said
    machine.run("slashservice", "remove", "shop")
