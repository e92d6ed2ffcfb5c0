"""Services as people have them elsewhere, imported and started: each is what it was there."""

from __future__ import annotations

import grp
import os
import pwd
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.booted import installed
from helpers.converted import ENGINE, ENGINE_TEXT, SHAPES, Shape, folder, shapes, words
from helpers.sandbox import Sandbox
from helpers.waiting import until

pytestmark = [pytest.mark.root, pytest.mark.slow]

LIMITS = {
    "nofile": "Max open files",
    "nproc": "Max processes",
    "core": "Max core file size",
    "stack": "Max stack size",
    "cpu": "Max cpu time",
    "memlock": "Max locked memory",
    "data": "Max data size",
}
CAP_SYS_RESOURCE = 1 << 24
ALL = shapes()


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A machine with slashservice, and the shapes in ``/srv/shapes``."""
    with installed(request) as made:
        for kind in sorted({one.kind for one in ALL}):
            target = made.path(folder(kind))
            shutil.copytree(SHAPES / kind, target, symlinks=True)
            for path in target.rglob("*"):
                if path.is_file():
                    path.write_text(path.read_text().replace("%EXTRA%", folder(kind)))
        made.put(f"/usr/local/bin/{ENGINE}", ENGINE_TEXT)
        yield made


SAID: dict[str, str] = {}
"""What the import of a kind has said: all shapes of it are imported at once."""


def imported(machine: Sandbox, kind: str) -> str:
    """Import all shapes of a kind, once; return what was said."""
    if kind not in SAID:
        places = list(dict.fromkeys(one.place for one in ALL if one.kind == kind))
        more = {"procfile": ["--from", "procfile"], "compose": ["--engine", ENGINE]}.get(kind, [])
        given = ["--prefix", f"{kind}-", *more, *places]
        SAID[kind] = machine.run("slashservice", "import", *given, status=None)
    return SAID[kind]


def pid_of(machine: Sandbox, name: str) -> int:
    """Return the pid that svstat shows, 0 for none."""
    found = re.search(r": up \(pid (\d+)\)", machine.run("svstat", f"/service/{name}"))
    return int(found[1]) if found else 0


def status_of(machine: Sandbox, pid: int) -> dict[str, str]:
    """Return what the kernel says of a process."""
    text = machine.path(f"/proc/{pid}/status").read_text()
    return {key: value.strip() for key, value in re.findall(r"(\w+):(.*)", text)}


def argv_of(machine: Sandbox, pid: int) -> list[str]:
    """Return the words of a process."""
    data = machine.path(f"/proc/{pid}/cmdline").read_bytes()
    return [os.fsdecode(word) for word in data.split(b"\0")[:-1]]


def is_itself(machine: Sandbox, pid: int) -> bool:
    """Tell whether a process has become the program, and is none of those before it."""
    data = machine.path(f"/proc/{pid}/cmdline").read_bytes()
    return data != b"" and not any(
        word in data
        for word in (
            b"/command/",
            b"slashservice",
            b"./run\0",
            b"./finish\0",
            b"prlimit\0",
            b"chpst",
        )
    )


def settled(machine: Sandbox, shape: Shape) -> int:
    """Wait until the service is the program that it shall be; return its pid."""

    def ready() -> int:
        pid = pid_of(machine, shape.service)
        try:
            return pid if pid and is_itself(machine, pid) else 0
        except FileNotFoundError:
            return 0

    return until(ready, f"{shape.service} runs")


@pytest.mark.parametrize("shape", ALL, ids=str)
def test_it_is_what_it_was(shape: Shape, machine: Sandbox) -> None:
    said = imported(machine, shape.kind)
    assert (
        f"/etc/slashservice/{shape.service} is made and linked as /service/{shape.service}" in said
    )
    lines = said.splitlines()
    for part in shape.all("lost"):
        assert any(part in line and re.match(r"\S+:\d+: ", line) for line in lines), part
    run = machine.path(f"/etc/slashservice/{shape.service}/run").read_text()
    for part in shape.all("comment"):
        assert f"# {part}\n" in run
    state = shape.one("state", "up")
    home = machine.path(f"/etc/slashservice/{shape.service}")
    if state == "failed":
        until((home / "supervise/failed").exists, "it has failed")
        assert not pid_of(machine, shape.service)
    elif state == "done":
        until(lambda: (home / "supervise/deaths").exists(), "it has run")
        until(lambda: not pid_of(machine, shape.service), "it is down")
        assert (home / "supervise/deaths").read_text().count("\n") == 1
        assert not (home / "supervise/failed").exists()
        assert "failing" not in machine.run("slashservice", "list", shape.service, status=None)
    elif state == "down":
        assert not pid_of(machine, shape.service)
        assert (home / "down").exists() and not (home / "supervise/deaths").exists()
    else:
        check_process(shape, machine, settled(machine, shape))
        check_end(shape, machine, home)


def check_process(shape: Shape, machine: Sandbox, pid: int) -> None:
    """See whether the process is what it shall be."""
    status = status_of(machine, pid)
    if account := shape.one("account"):
        about = pwd.getpwnam(account)
        gid = grp.getgrnam(shape.one("gid")).gr_gid if shape.one("gid") else about.pw_gid
        assert set(status["Uid"].split()) == {str(about.pw_uid)}
        if account not in ("root", "nobody") or shape.one("gid"):
            assert set(status["Gid"].split()) == {str(gid)}
    for name in filter(None, shape.one("groups").split(",")):
        assert str(grp.getgrnam(name).gr_gid) in status["Groups"].split()
    if directory := shape.one("directory"):
        assert machine.run("readlink", f"/proc/{pid}/cwd") == f"{directory}\n"
    if umask := shape.one("umask"):
        assert int(status["Umask"], 8) == int(umask, 8)
    environ = machine.path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    for one in shape.all("env"):
        assert one.encode() in environ
    if argv := shape.one("argv"):
        assert argv_of(machine, pid) == words(argv)
    if nice := shape.one("nice"):
        assert os.getpriority(os.PRIO_PROCESS, outside(machine, pid)) - os.nice(0) == int(nice)
    if score := shape.one("oom"):
        told = score if may_raise(machine) else machine.run("cat", "/proc/1/oom_score_adj").strip()
        assert machine.path(f"/proc/{pid}/oom_score_adj").read_text().strip() == told
    limits = machine.path(f"/proc/{pid}/limits").read_text()
    for one in shape.all("limit"):
        name, _, value = one.partition("=")
        soft, _, hard = value.partition(":")
        if not may_raise(machine):
            soft = capped(machine, name, soft)
        pattern = rf"{LIMITS[name]} +{soft} +{hard or '.*'}"
        assert re.search(pattern, limits), limits
    for one in shape.all("folder"):
        path, account, mode = one.split(":")
        told = machine.run("stat", "-c", "%U %a %F", path)
        assert told == f"{account} {mode} directory\n"
    for one in shape.all("made"):
        path, account = one.split(":")
        assert machine.run("stat", "-c", "%U", path) == f"{account}\n"
    for one in shape.all("output"):
        path, text = one.split(":")
        until(lambda: machine.path(path).read_text() == f"{text}\n", "its output")  # noqa: B023
    if args := shape.one("args"):
        name = next(word[7:] for word in words(args) if word.startswith("--name="))
        calls = machine.path(f"/var/log/fake-engine.{name}").read_bytes().split(b"\0\n")
        assert [os.fsdecode(word) for word in calls[0].split(b"\0")] == words(args)


def may_raise(machine: Sandbox) -> bool:
    """Tell whether root may raise limits, which it may not in many a container."""
    return bool(int(status_of(machine, 1)["CapEff"], 16) & CAP_SYS_RESOURCE)


def capped(machine: Sandbox, name: str, soft: str) -> str:
    """Return a soft limit as it is where the hard one stays."""
    (hard,) = re.findall(rf"{LIMITS[name]} +\S+ +(\S+)", machine.run("cat", "/proc/1/limits"))
    if hard == "unlimited":
        return soft
    return hard if soft == "unlimited" or int(soft) > int(hard) else soft


def outside(machine: Sandbox, pid: int) -> int:
    """Return the pid that a process of the machine has out here."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            text = (path / "status").read_text()
            if re.search(rf"^NSpid:.*\t{pid}$", text, re.MULTILINE) and os.path.samestat(
                os.stat(path / "root"), os.stat(machine.root)
            ):
                return int(path.name)
        except OSError:
            continue
    raise AssertionError(f"there is no process {pid} in the machine")


def deaths(home: Path) -> list[str]:
    """Return how a service has ended so far."""
    path = home / "supervise/deaths"
    return path.read_text().splitlines() if path.exists() else []


def check_end(shape: Shape, machine: Sandbox, home: Path) -> None:
    """See whether it comes back as it shall, and ends as it shall."""
    killed = shape.one("kill")
    if killed == "group":
        assert (home / "flag-timeout-killpg").exists()
    elif killed:
        assert (home / "timeout-kill").read_text().strip() == killed
    restart = shape.one("restart")
    before = deaths(home)
    if restart:
        machine.run("svc", "-k", f"/service/{shape.service}")
        until(lambda: len(deaths(home)) > len(before), "its death")
        if restart == "no":
            until((home / "supervise/failed").exists, "it has failed")
        elif restart == "never-failed":
            until(
                lambda: (
                    "want up" not in machine.run("svstat", f"/service/{shape.service}")
                    and not pid_of(machine, shape.service)
                ),
                "it stays down",
            )
            assert not (home / "supervise/failed").exists()
        if restart in ("no", "never-failed"):
            machine.run("svc", "-u", f"/service/{shape.service}")
        settled(machine, shape)
        before = deaths(home)
    group = group_of(machine, shape) if shape.one("group") == "yes" else []
    told = machine.run("slashservice", "stop", shape.service)
    assert "stopped after" in told
    assert len(deaths(home)) == len(before) + 1
    if name := shape.one("stop"):
        assert f"signal {signal.Signals['SIG' + name].value} " in deaths(home)[-1]
    if group:
        until(lambda: not any(machine.path(f"/proc/{pid}").exists() for pid in group), "their end")
    for path in shape.all("gone"):
        assert not machine.path(path).exists()


def group_of(machine: Sandbox, shape: Shape) -> list[int]:
    """Wait until a service has several processes; return them."""
    leader = pid_of(machine, shape.service)

    def members() -> list[int]:
        found = []
        for path in machine.path("/proc").glob("[0-9]*"):
            try:
                fields = (path / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == leader and int(path.name) != leader:
                found.append(int(path.name))
        return [leader, *found] if found else []

    return until(members, "its other processes")
