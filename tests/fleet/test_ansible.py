"""The collection on eight hosts at once, by a real ``ansible-playbook`` over real sshds."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from helpers import pages
from helpers.fleet import Fleet, Playing, archive, fleet
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

NEWER = "0.1.1"
SECRET = "hunter2-and-more"
FULL, CUT = "host7", "host8"
"""The host whose disk is full in the first run, and the one whose sshd is killed."""

CHECKED = "host1"
"""The host on which more is looked at, one being as good as another."""

INSTALL, REMOVE = "Install", "Take it away"
COUNTS = """\
#!/bin/sh
exec 2>&1
i=0
while :; do i=$((i+1)); echo "line $i"; sleep 0.1; done
"""
WEB = {
    "name": "web",
    "argv": ["sleep", "1000"],
    "user": "daemon",
    "directory": "/usr",
    "env": {"TOKEN": SECRET, "DEBUG": "True"},
    "log_processor": "gzip",
}
OTHER = {**WEB, "argv": ["sleep", "2000"], "env": {"TOKEN": f"{SECRET}-new"}}
NOT_COUNTED = ("/root/.ansible", "/var/log", "/root")
"""What Ansible leaves of itself, and logs, which are people's."""


@pytest.fixture(scope="module")
def eight(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    with sandboxes(request) as start, fleet(start) as made:
        archive(made.folder / "slashservice.tar.gz")
        archive(made.folder / "newer.tar.gz", NEWER)
        yield made


def role(fleet: Fleet, state: str = "present", file: str = "slashservice.tar.gz") -> Any:
    """Return the task that has the role."""
    return {
        "ansible.builtin.import_role": {"name": "slashservice.slashservice.slashservice"},
        "vars": {
            "slashservice_source": "tree",
            "slashservice_state": state,
            "slashservice_file": str(fleet.folder / file),
        },
    }


def service(task: str, **parameters: Any) -> Any:
    """Return a task for a service."""
    return {"name": task, "slashservice.slashservice.service": parameters}


def changes(host: Sandbox) -> list[str]:
    """Return what differs on a host from what it was, but for what does not count."""
    return [
        path
        for path in host.changes()
        if path not in NOT_COUNTED and not path.startswith(tuple(f"{one}/" for one in NOT_COUNTED))
    ]


def test_from_nothing_to_nothing(eight: Fleet) -> None:
    """One story, as each part needs the one before, and installing eight times takes a while."""
    before = {name: changes(host) for name, host in eight.hosts.items()}
    foreseen = checks_and_changes_nothing(eight, before)
    installs_but_on_two(eight, foreseen)
    completes_those_and_nothing_else(eight)
    plays_what_the_page_shows(eight)
    makes_services(eight)
    changes_one(eight)
    upgrades_while_they_are_busy(eight)
    removes_and_uninstalls(eight)
    assert {name: changes(host) for name, host in eight.hosts.items()} == before


def checks_and_changes_nothing(eight: Fleet, before: Mapping[str, list[str]]) -> dict[str, Any]:
    """On hosts where nothing is installed; a service is foreseen as well, though not how."""
    tasks = [role(eight), service("web", **WEB)]
    told = eight.play(tasks, "--check", "--diff", hosts=CHECKED)
    assert told.status == 0, told.said
    assert {one["changed"] for one in told.of("web").values()} == {True}
    assert "slashservice is not installed on this host yet" in told.said
    host = eight.hosts[CHECKED]
    assert changes(host) == before[CHECKED]
    assert not list(host.path("/tmp").glob("slashservice-*"))
    diff: dict[str, Any] = told.of(INSTALL)[CHECKED]["diff"]
    return diff


def installs_but_on_two(eight: Fleet, foreseen: Mapping[str, Any]) -> None:
    full = eight.hosts[FULL]
    full.run("mkdir", "/package")
    full.run("mount", "-t", "tmpfs", "-o", "size=200k", "none", "/package")
    playing = eight.begin([role(eight)], "--diff")
    cut_off(eight.hosts[CUT], playing)
    told = eight.finish(playing)
    assert told.failed == {FULL, CUT}, told.said
    assert "No space left on device" in told.of(INSTALL)[FULL]["msg"]
    assert not full.path("/var/lib/slashservice/receipt.json").exists()
    assert "/etc/inittab" not in changes(full) or "slashservice" not in inittab(full)
    installed = {host for host, task in told.changed if task == INSTALL}
    assert installed == set(eight.hosts) - {FULL, CUT}
    assert told.of(INSTALL)[CHECKED]["diff"] == foreseen, "the same as --check had shown"
    full.run("umount", "/package")
    full.run("rmdir", "/package")


def inittab(host: Sandbox) -> str:
    return host.path("/etc/inittab").read_text()


def cut_off(host: Sandbox, playing: Playing) -> None:
    """Kill all of a host's sshd in the middle of installing."""

    def begun() -> bool:
        assert playing.process.poll() is None, playing.said()
        return host.path("/package/admin").exists()

    until(begun, "code on the host", seconds=200)
    for entry in os.listdir(host.path("/proc")):
        if entry.isdigit() and entry != "1":
            with contextlib.suppress(OSError, ValueError):
                if host.path(f"/proc/{entry}/comm").read_text().startswith("sshd"):
                    kill_inside(host, entry)


def kill_inside(host: Sandbox, pid: str) -> None:
    """Kill a process of a host, by the number that it has there."""
    host.run("kill", f"-{int(signal.SIGKILL)}", pid, status=None)


def completes_those_and_nothing_else(eight: Fleet) -> None:
    told = eight.play([role(eight)])
    assert told.status == 0, told.said
    assert {host for host, _ in told.changed} - {CUT} == {FULL}, told.said
    for host in eight.hosts.values():
        assert host.run("/command/slashservice", "running").strip().isdigit()


def plays_what_the_page_shows(eight: Fleet) -> None:
    """Its services are those of the page, and are removed again."""
    page = pages.blocks(pages.DOCS / "fleets.md")
    (text,) = (block.text for block in page if block.path == "/root/site.yml")
    book = eight.put("site.yml", text)
    file = str(eight.folder / "slashservice.tar.gz")
    values = json.dumps(
        {"slashservice_file": file, "slashservice_source": "tree", "web_token": SECRET}
    )
    told = eight.play([], "--extra-vars", values, "--limit", CHECKED, str(book))
    assert told.status == 0, told.said
    wanted = {"Have a web server", "Have a script of its own"}
    assert {task for _, task in told.changed} == wanted
    gone = [service(name, name=name, state="absent") for name in ("web", "ticks")]
    told = eight.play(gone, hosts=CHECKED)
    assert len(told.changed) == 2, told.said


def makes_services(eight: Fleet) -> None:
    tasks = [
        service("counts", name="counts", run=COUNTS, log_size=4096, log_number=1000),
        service("web", **WEB),
    ]
    foreseen = eight.play(tasks, "--check", "--diff", hosts=CHECKED)
    only_there = {**tasks[1], "when": f"inventory_hostname == '{CHECKED}'"}
    told = eight.play([tasks[0], only_there], "--diff", "-v")
    assert told.status == foreseen.status == 0, told.said
    assert len(told.changed) == len(eight.hosts) + 1
    for task in ("counts", "web"):
        for key in ("diff", "changes"):
            assert told.of(task)[CHECKED][key] == foreseen.of(task)[CHECKED][key]
    for one in (told, foreseen):
        assert SECRET not in one.said + json.dumps(one.results)
        assert "TOKEN is made" in one.of("web")[CHECKED]["diff"]["prepared"]
    host = eight.hosts[CHECKED]
    assert host.path("/etc/slashservice/web/env/TOKEN").read_text() == f"{SECRET}\n"
    assert not [name for name in os.listdir(host.path("/tmp")) if "ansible" in name]
    again = eight.play(tasks, hosts=CHECKED)
    assert again.status == 0 and again.changed == [], again.said


def changes_one(eight: Fleet) -> None:
    """It is restarted, on one host; the other service is not."""
    tasks = [service("web", **OTHER)]
    before = pids(eight.hosts[CHECKED])["counts"]
    foreseen = eight.play(tasks, "--check", "--diff", hosts=CHECKED)
    told = eight.play(tasks, "--diff", hosts=CHECKED)
    result = told.of("web")[CHECKED]
    assert result["changed"] and result["restarted"]
    assert result["diff"] == foreseen.of("web")[CHECKED]["diff"]
    assert "-exec envdir ./env setuidgid daemon" in result["diff"]["prepared"]
    assert SECRET not in foreseen.said + told.said + json.dumps(result)
    states = [
        service("stop", name="web", state="stopped"),
        service("stop again", name="web", state="stopped"),
        service("start", name="web"),
        service("as it was asked for", **OTHER),
        service("remove what is not there", name="nosuch", state="absent"),
    ]
    told = eight.play(states, hosts=CHECKED)
    assert {task for _, task in told.changed} == {"stop", "start"}, told.said
    assert told.of("stop")[CHECKED]["service"]["state"] == "down"
    assert pids(eight.hosts[CHECKED])["counts"] == before


def upgrades_while_they_are_busy(eight: Fleet) -> None:
    """Nothing is restarted, and no line is lost, while svscan is exchanged."""
    host = eight.hosts[CHECKED]
    before, svscan = pids(host), host.run("/command/slashservice", "running")
    told = eight.play([role(eight, file="newer.tar.gz")], hosts=CHECKED)
    assert told.status == 0, told.said
    assert told.changed == [(CHECKED, INSTALL)]
    assert len(before) == 2 and pids(host) == before
    assert host.run("/command/slashservice", "--version").split()[-1] == NEWER
    assert host.run("/command/slashservice", "running") != svscan, "the new code runs"
    goes_on(host)


def goes_on(host: Sandbox) -> None:
    """See that more lines come."""
    said = len(lines(host))
    until(lambda: len(lines(host)) > said + 5, "more lines")


def lines(host: Sandbox) -> list[int]:
    """Return the numbers that the log of ``counts`` has."""
    folder = host.path("/var/log/slashservice/counts")
    names = [*sorted(path.name for path in folder.glob("@*.s")), "current"]
    text = "".join((folder / name).read_text() for name in names if (folder / name).exists())
    return [int(found) for found in re.findall(r" line (\d+)\n", text)]


def pids(host: Sandbox) -> dict[str, int]:
    """Return the process of each service of a host."""
    told = json.loads(host.run("/command/slashservice", "list", "--json"))
    return {one["name"]: one["pid"] for one in told["services"]}


def removes_and_uninstalls(eight: Fleet) -> None:
    tasks = [
        service("remove web", name="web", state="absent"),
        service("remove counts", name="counts", state="absent"),
        role(eight, "absent"),
    ]
    tasks[0]["when"] = f"inventory_hostname == '{CHECKED}'"
    told = eight.play(tasks)
    assert told.status == 0, told.said
    wanted = [(host, task) for host in eight.hosts for task in ("remove counts", REMOVE)]
    assert sorted(told.changed) == sorted([*wanted, (CHECKED, "remove web")])
    for host in eight.hosts.values():
        found = lines(host)
        assert found == list(range(1, len(found) + 1)), "each line is there, once, in order"


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({}, "missing required arguments: name"),
    "no such state": ({"name": "a", "state": "up"}, "value of state must be one of"),
    "both": ({"name": "a", "command": "x", "run": "#!/bin/sh\n"}, "mutually exclusive"),
    "empty": ({"name": "a", "command": ""}, "command: it is empty"),
    "quotes": ({"name": "a", "command": "x 'y"}, "command: No closing quotation"),
    "script": ({"name": "a", "run": "exec x\n"}, "the first line of a script begins with #!"),
    "script's": ({"name": "a", "run": "#!/bin/sh\n", "user": "x"}, "user is for a command"),
    "no log": (
        {"name": "a", "command": "x", "log": False, "log_size": 5000},
        "log_size is for a log, and log is false",
    ),
    "seconds": ({"name": "a", "timeout": -1}, "timeout: -1 is no number of seconds"),
    "not described": ({"name": "a", "user": "x"}, "give its command"),
    "variable": ({"name": "a", "command": "x", "env": {"A B": SECRET}}, "no name for a variable"),
    "not there": ({"name": "a"}, "slashservice is not installed on this host"),
}


def test_wrong_parameters_are_told_in_one_line(eight: Fleet) -> None:
    tasks = [
        {**service(name, **given), "ignore_errors": True} for name, (given, _) in WRONG.items()
    ]
    install = {"name": "install", "slashservice.slashservice.install": {}, "ignore_errors": True}
    no_tree = {**install, "name": "tree", "slashservice.slashservice.install": {"source": "/etc"}}
    eight.put("here", "localhost ansible_connection=local\n")
    words = ["-i", str(eight.folder / "here"), "-vvv"]
    told = eight.play([*tasks, install, no_tree], *words, hosts="localhost")
    assert told.status == 0, told.said
    assert SECRET not in told.said.replace(json.dumps(str(tasks)), "")
    wanted = {name: message for name, (_, message) in WRONG.items()}
    wanted |= {"install": "name what it is installed from", "tree": "is no tree of slashservice"}
    for name, message in wanted.items():
        result = told.of(name)["localhost"]
        assert result.get("failed") is not False and message in result["msg"], (name, result)
        assert "\n" not in result["msg"] and "Traceback" not in json.dumps(result)
