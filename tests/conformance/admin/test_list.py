"""``slashservice list``: each kind of service in its state, as the original's svstat has it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from helpers.administration import Administrator, on_screen, without_colour
from helpers.processes import kill
from helpers.services import await_down, await_pid, status_of
from helpers.tree import SLEEP, Tree
from helpers.waiting import GENEROUS, until

LOG = "#!/bin/sh\nexec multilog t ./main\n"
SAYS = "#!/bin/sh\nexec 2>&1\necho cannot bind to port 80\nexit 7\n"
STUBBORN = "#!/bin/sh\ntrap '' TERM\ntouch ready\nwhile :; do sleep 1; done\n"
GIVES_UP = "#!/bin/sh\nexit 100\n"


@pytest.fixture
def zoo(tree: Tree) -> Tree:
    """A tree with a service of each kind, all of which have got to where they stay."""
    tree.add("web", log=LOG)
    tree.add("app", SAYS, log=LOG)
    tree.add("gave-up", GIVES_UP)
    tree.add("idle", down=True)
    tree.add("odd", down=True)
    stubborn = tree.add("stubborn", STUBBORN)
    tree.add("paused")
    tree.add("old")
    (tree.scan / "dangling").symlink_to("/nowhere")
    tree.svscan()
    for name in ("web", "old", "paused", "stubborn"):
        await_pid(tree.real / name)
    until(lambda: (stubborn / "ready").exists(), "it is stubborn")
    (tree.scan / "old").unlink()
    tree.svc("-p", tree.real / "paused")
    tree.svc("-d", stubborn)
    tree.svc("-u", tree.real / "odd")
    await_pid(tree.real / "odd")
    until(lambda: (now := status_of(tree.real / "paused")) and now.paused, "paused")
    until(lambda: (now := status_of(stubborn)) and now.want == b"d", "told to end")
    until(lambda: (tree.real / "gave-up/supervise/failed").exists(), "it gave up")
    deaths = tree.real / "app/supervise/deaths"
    until(lambda: deaths.exists() and deaths.stat().st_size >= 128, "it died twice")
    return tree


STATES = {
    "app": "failing",
    "dangling": "missing",
    "gave-up": "failed",
    "idle": "down",
    "odd": "running",
    "old": "unlinked",
    "paused": "paused",
    "stubborn": "stopping",
    "web": "running",
}


def test_each_kind(zoo: Tree, admin: Administrator) -> None:
    said = admin.types("list")
    assert said.status == 1, "something fails"
    heading, *lines = said.lines
    assert heading.split() == ["NAME", "STATE", "PID", "FOR", "RESTARTS", "LAST", "END", "LOG"]
    rows = {line.split()[0]: line for line in lines if not line.startswith(" ")}
    assert {name: row.split()[1] for name, row in rows.items()} == STATES
    assert list(rows) == sorted(STATES)
    for name in ("web", "paused", "stubborn", "old", "odd"):
        assert rows[name].split()[2] == str(status_of(zoo.real / name).pid)  # type: ignore[union-attr]
    assert lines[1] == "    cannot bind to port 80", "what it said stands below it"
    assert "exit 7" in rows["app"] and "exit 100" in rows["gave-up"]
    assert "normally down" in rows["odd"] and "normally" not in rows["idle"]
    assert rows["web"].endswith("ok")
    assert said.errors == ""


def test_the_same_for_programs(zoo: Tree, admin: Administrator) -> None:
    said = admin.types("list", "--json")
    assert said.status == 1
    told = json.loads(said.out)
    assert told["version"] == 1
    assert told["directory"] == str(zoo.scan)
    assert os.path.exists(f"/proc/{told['svscan']}")
    services = {one["name"]: one for one in told["services"]}
    assert {name: one["state"] for name, one in services.items()} == STATES
    assert {name for name, one in services.items() if one["bad"]} == {"app", "gave-up", "dangling"}
    web, app = services["web"], services["app"]
    assert web["log"]["state"] == "running" and web["log"]["pid"]
    assert web["want"] == "up" and services["stubborn"]["want"] == "down"
    assert app["last_death"]["code"] == 7 and app["deaths"] >= 2
    assert app["last_lines"] == ["cannot bind to port 80"]
    assert services["old"]["linked"] is False
    assert abs(web["seconds"] - int(re.findall(r"(\d+) seconds", svstat(zoo.real / "web"))[0])) < 30


def svstat(service: Path) -> str:
    return subprocess.check_output(["/usr/bin/svstat", service], text=True)


def test_what_is_named(zoo: Tree, admin: Administrator) -> None:
    good = admin.types("list", "web", "idle")
    assert good.status == 0, "what fails is not among them"
    assert [line.split()[0] for line in good.lines] == ["NAME", "web", "idle"]
    bad = admin.types("list", "web", "wbe")
    assert bad.status == 1
    assert bad.errors == f"slashservice: there is no service wbe in {zoo.scan}\n"


@pytest.mark.parametrize("columns", [200, 80, 60, 40, 24])
def test_screens(zoo: Tree, admin: Administrator, columns: int) -> None:
    shown = on_screen(admin.words("list"), columns)
    assert "\x1b[31mfailing\x1b[0m" in shown and "\x1b[32mrunning\x1b[0m" in shown
    lines = without_colour(shown).splitlines()
    assert max(map(len, lines)) <= columns
    assert {line.split()[0]: line.split()[1] for line in lines[1:] if line[0] != " "} == STATES


@pytest.mark.parametrize(
    ("words", "environment", "coloured"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        ((), {"TERM": "dumb"}, False),
        (("--color", "never"), {}, False),
        (("--colour=always",), {"NO_COLOR": "1"}, True),
    ],
)
def test_colour(
    tree: Tree,
    admin: Administrator,
    words: tuple[str, ...],
    environment: dict[str, str],
    coloured: bool,
) -> None:
    tree.add("web")
    tree.svscan()
    await_pid(tree.real / "web")
    shown = on_screen(admin.words("list", *words), 80, 24, **environment)
    assert ("\x1b[" in shown) == coloured
    assert "\x1b[" not in admin.types("list").out, "never in a pipe"


def test_watching(tree: Tree, admin: Administrator, tmp_path: Path) -> None:
    """It shows what comes, changes and goes, and does nothing while nothing does."""
    tree.add("web")
    tree.svscan()
    pid = await_pid(tree.real / "web")
    out = tmp_path / "out"
    with out.open("wb") as file:
        process = subprocess.Popen(admin.words("list", "--watch"), stdout=file)
    try:
        until(lambda: f"{pid}" in out.read_text(), "the first")
        kill(pid, signal.SIGKILL)
        new = await_pid(tree.real / "web", other_than=pid)
        until(lambda: f"{new}" in out.read_text(), "another process of it")
        assert "KILL" in out.read_text()
        other = await_pid(tree.add("another"))
        until(lambda: f"{other}" in out.read_text(), "one that is new")
        (tree.scan / "another").unlink()
        until(lambda: "unlinked" in out.read_text(), "one that is unlinked")
        tree.svc("-d", tree.real / "web")
        until(lambda: "normally up" in out.read_text(), "one that is down")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_since_when_it_is_down_outlives_svscan(tree: Tree, admin: Administrator) -> None:
    path = tree.add("web")
    svscan = tree.svscan()
    pid = await_pid(path)
    tree.svc("-d", path)
    await_down(path)
    before = admin.services("web")["web"]["since"]
    kill(svscan.pid, signal.SIGKILL)
    svscan.wait(GENEROUS)
    stamp = (path / "supervise/status").read_bytes()[:12]
    tree.svscan()
    until(lambda: (path / "supervise/status").read_bytes()[:12] != stamp, "another has it")
    now = admin.services("web")["web"]
    assert (now["state"], now["since"]) == ("down", before)
    tree.svc("-u", path)
    assert await_pid(path, other_than=pid)
    assert admin.services("web")["web"]["since"] > before


def test_without_svscan(tree: Tree, admin: Administrator) -> None:
    tree.add("web")
    said = admin.types("list")
    assert said.status == 1
    assert said.lines[1].split()[:2] == ["web", "not"]
    assert said.errors == f"slashservice: no svscan runs on {tree.scan}: nothing is supervised\n"


def test_the_originals_supervise(tree: Tree, admin: Administrator) -> None:
    """It has a status, and nothing else that we could show."""
    web = tree.add("web")
    tree.start(["/usr/bin/supervise", str(web)])
    pid = await_pid(web)
    row = admin.types("list").lines[1].split()
    assert row[:3] == ["web", "running", str(pid)]


@pytest.mark.parametrize("user", ["nobody"])
@pytest.mark.root
def test_as_an_ordinary_account(tree: Tree, admin: Administrator, user: str) -> None:
    tree.add("web")
    tree.svscan()
    await_pid(tree.real / "web")
    said = subprocess.run(
        ["setpriv", f"--reuid={user}", "--clear-groups", *admin.words("list")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stdout.splitlines()[1].split() == ["web", "closed"]
    assert "try it with sudo" in said.stderr


HOSTILE = ["tab\tand\x1b[31m", "\u202eevil", "line\nbreak", "ü" * 30, "字" * 20, b"\xff\xfe"]


@pytest.mark.parametrize("name", HOSTILE, ids=[str(n) for n in range(len(HOSTILE))])
def test_any_name(tree: Tree, admin: Administrator, name: str | bytes) -> None:
    """A name may hold what steers a terminal; it is shown in words, and the table stays whole."""
    path = tree.real / os.fsdecode(name)
    path.mkdir()
    (path / "run").write_text(SLEEP)
    (path / "run").chmod(0o755)
    (tree.scan / path.name).symlink_to(path)
    tree.add("web")
    tree.svscan()
    await_pid(path)
    await_pid(tree.real / "web")
    said = admin.types("list")
    assert len(said.lines) == 3
    assert "\x1b" not in said.out and "\u202e" not in said.out
    assert path.name in {
        one["name"] for one in json.loads(admin.types("list", "--json").out)["services"]
    }
    assert max(map(len, without_colour(on_screen(admin.words("list"), 60)).splitlines())) <= 60


HOLDS_THE_LOG = "#!/bin/sh\nexec 2>&1\nsleep 1000 &\ntouch ready\nwait\n"


def test_a_log_that_outlives_its_service(tree: Tree, admin: Administrator) -> None:
    """While svscan ends, it waits for the log, whose service it has given up: that is none."""
    path = tree.add("web", HOLDS_THE_LOG, log=LOG)
    svscan = tree.svscan()
    until(lambda: (path / "ready").exists(), "it runs")
    await_pid(path / "log")
    kill(svscan.pid, signal.SIGTERM)
    until(lambda: admin.state("web") == "not supervised", "it was brought down")
    assert {one["name"] for one in json.loads(admin.types("list", "--json").out)["services"]} == {
        "web"
    }
    assert svscan.poll() is None, "the log still runs"


def test_a_log_that_is_not_well_is_named_on_any_screen(tree: Tree, admin: Administrator) -> None:
    tree.add("web", log="#!/bin/sh\nexit 5\n")
    tree.add("app", log=LOG)
    tree.svscan()
    until(lambda: admin.services("web")["web"]["log"]["state"] == "failing", "its log fails")
    wide = on_screen(admin.words("list"), 100)
    assert re.search(r"^web .* failing$", without_colour(wide), re.MULTILINE)
    narrow = without_colour(on_screen(admin.words("list"), 28))
    assert "LOG" not in narrow
    assert re.search(r"^web .*\n    log: failing$", narrow, re.MULTILINE), narrow
    assert narrow.count("log:") == 1


def test_what_is_unknown_is_all_that_is_said(tree: Tree, admin: Administrator) -> None:
    """There is no heading without a table, and each name is said."""
    tree.add("web")
    tree.svscan()
    until(lambda: admin.state("web") == "running", "it runs")
    said = admin.types("list", "nope")
    assert (said.status, said.out) == (1, "")
    assert said.errors == f"slashservice: there is no service nope in {tree.scan}\n"
    assert admin.types("list", "web", "nope").lines[0].startswith("NAME")
    for verb in ("why", "wait"):
        said = admin.types(verb, "nope", "web", "nix")
        what = f"slashservice: fatal: there are no services nope, nix in {tree.scan}\n"
        assert (said.status, said.errors) == (111, what)
