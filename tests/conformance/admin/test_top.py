"""``slashservice top`` in a real terminal."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest
from helpers.administration import Administrator
from helpers.processes import kill
from helpers.services import await_pid, in_status, status_of
from helpers.terminal import Terminal, terminal
from helpers.tree import Tree
from helpers.waiting import until

LOG = "#!/bin/sh\nexec multilog t ./main\n"
SAYS = "#!/bin/sh\nexec 2>&1\necho it works\nwhile :; do sleep 0.2; done\n"


@pytest.fixture
def services(tree: Tree) -> Tree:
    tree.add("app", "#!/bin/sh\nexit 7\n")
    tree.add("busy", "#!/bin/sh\nsh -c 'while :; do :; done' &\nwait\n")
    tree.add("idle", down=True)
    tree.add("web", SAYS, log=LOG)
    tree.svscan()
    for name in ("busy", "web"):
        await_pid(tree.real / name)
    current = tree.real / "web/log/main/current"
    until(lambda: current.exists() and b"works" in current.read_bytes(), "it is logged")
    return tree


def row(screen: Terminal, name: str) -> list[str]:
    """Return the words of the line of a service."""
    return next((line.split() for line in screen.lines()[2:] if line.split()[:1] == [name]), [])


def select(screen: Terminal, name: str) -> None:
    """Go down to a service: its log is announced then."""
    screen.types("Home")
    for _ in range(10):
        if f"--- {name} ---" in screen.shows():
            return
        screen.types("Down")
    screen.await_text(f"--- {name} ---")


def test_all_is_on_the_screen(services: Tree, admin: Administrator, tmp_path: Path) -> None:
    with terminal(tmp_path, admin.words("top")) as screen:
        screen.await_text("failing")
        heading = screen.lines()[1].split()
        assert heading[:4] == ["NAME", "STATE", "PID", "FOR"] and "%CPU" in heading
        assert row(screen, "web")[1:3] == ["running", str(in_status(services.real / "web"))]
        assert row(screen, "idle")[1] == "down"
        percent = heading.index("%CPU")
        # What its child does counts as its own.
        until(lambda: float(row(screen, "busy")[percent]) > 5, "it is seen to be busy", pause=0.1)
        assert float(row(screen, "web")[percent]) < float(row(screen, "busy")[percent])
        screen.types("End")
        screen.await_text("it works")
        assert max(map(len, screen.lines())) <= 80
        screen.types("q")
        until(screen.is_over, "it ends")


def test_changes_are_seen(services: Tree, admin: Administrator, tmp_path: Path) -> None:
    with terminal(tmp_path, admin.words("top")) as screen:
        screen.await_text("failing")
        pid = in_status(services.real / "web")
        kill(pid, signal.SIGKILL)
        new = await_pid(services.real / "web", other_than=pid)
        screen.await_text(str(new))
        await_pid(services.add("another"))
        screen.await_text("another")
        screen.tmux("resize-window", "-x", "60", "-y", "14")
        until(lambda: len(screen.lines()) == 14 and row(screen, "web"), "it takes the new size")
        assert max(map(len, screen.lines())) <= 60


def test_keys(services: Tree, admin: Administrator, tmp_path: Path) -> None:
    idle, web = services.real / "idle", services.real / "web"
    with terminal(tmp_path, admin.words("top", "idle", "web")) as screen:
        screen.await_text("down")
        screen.types("Home", "s")
        await_pid(idle)
        screen.await_text("idle: told to start")
        pid = in_status(idle)
        screen.types("r", "y")
        await_pid(idle, other_than=pid)
        screen.types("x", "y")
        until(lambda: (now := status_of(idle)) and not now.pid, "it is stopped")
        screen.types("w")
        screen.await_text("idle: it is normally down")
        screen.types("o")
        screen.await_text("by state")
        screen.types("/", "w", "e")
        screen.await_text("/we")
        until(lambda: not row(screen, "idle") and row(screen, "web"), "only one is shown")
        screen.types("Enter", "l")
        until(lambda: re.search(r"\d\d:\d\d:\d\d\.\d{3}\S* it works", screen.shows()), "its log")
        screen.types("C-c")
        screen.await_text("[we]")
        assert in_status(web)
        screen.types("/", "Escape")
        until(lambda: row(screen, "idle"), "both are shown")
        screen.types("C-c")
        until(screen.is_over, "an interrupt ends it")


@pytest.mark.parametrize(("key", "verb"), [("x", "stop"), ("r", "restart")])
def test_what_ends_a_service_is_asked_about(
    services: Tree, admin: Administrator, tmp_path: Path, key: str, verb: str
) -> None:
    """On one line; the question is about the service that was selected then."""
    web = services.real / "web"
    pid = in_status(web)
    with terminal(tmp_path, admin.words("top", "web"), 60, 14) as screen:
        screen.await_text("running")
        question = f"{verb} web (pid {pid})? y: yes, other keys: no"
        for other in ("n", "Enter", "Escape", "Down", key, "q", "C-c"):
            screen.types(key)
            screen.await_text(question)
            assert screen.lines()[-1] == question
            screen.types(other)
            screen.await_text(f"web: no {verb}, it is left alone")
            assert in_status(web) == pid
        screen.types(key)
        screen.await_text(question)
        screen.tmux("resize-window", "-x", "30", "-y", "12")
        screen.await_text(f"{verb} web? y/n")
        assert in_status(web) == pid
        screen.types("y")
        screen.await_text(f"web: told to {verb}")
        until(lambda: in_status(web) != pid, "it is done")
        screen.types("q")
        until(screen.is_over, "it ends")


def test_what_is_harmless_is_not_asked_about(
    services: Tree, admin: Administrator, tmp_path: Path
) -> None:
    idle = services.real / "idle"
    with terminal(tmp_path, admin.words("top", "idle")) as screen:
        screen.await_text("down")
        screen.types("x")
        screen.await_text("idle: told to stop")
        screen.types("r")
        screen.await_text("idle: told to restart")
        pid = await_pid(idle)
        screen.types("x")  # at once: what is on the screen may be older
        screen.await_text(f"stop idle (pid {pid})? y")


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "vt100"}], ids=str)
def test_without_colour(
    services: Tree, admin: Administrator, tmp_path: Path, environment: dict[str, str]
) -> None:
    with terminal(tmp_path, admin.words("top"), 80, 24, **environment) as screen:
        screen.await_text("failing")
        assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", screen.shows(coloured=True))


def test_without_a_terminal(services: Tree, admin: Administrator) -> None:
    said = admin.types("top")
    assert said.status == 111
    assert said.errors == "slashservice: fatal: top needs a terminal; list --watch does not\n"


def test_a_terminal_that_can_do_nothing(
    services: Tree, admin: Administrator, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    words = ["sh", "-c", f'"$@" 2>{out}', "sh", *admin.words("top")]
    with terminal(tmp_path, words, 80, 24, TERM="nonsense") as screen:
        until(screen.is_over, "it ends")
    assert "can't show a screen" in out.read_text()
