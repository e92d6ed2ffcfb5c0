"""Actions where something else is in their way, or has been there since."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.images import Image
from helpers.installer import Running

from slashservice.installer import supervision
from slashservice.installer.detection.evidence import Verdict
from slashservice.installer.errors import Refusal, Trouble
from slashservice.installer.host import processes
from slashservice.installer.host.host import Host, Outcome
from slashservice.installer.host.layout import layout
from slashservice.installer.host.marks import BEGIN, END
from slashservice.installer.host.state import ABSENT, FileState
from slashservice.installer.init_systems import INIT_SYSTEMS
from slashservice.installer.plan import handing, takeover, telling
from slashservice.installer.plan.actions import Action
from slashservice.installer.plan.edits import Block
from slashservice.installer.plan.files import EditFile, MakeDirectory, RemovePath, WriteFile
from slashservice.installer.plan.handing import HandBack, HandOver
from slashservice.installer.plan.links import MakeLink
from slashservice.installer.plan.planner import Plan
from slashservice.installer.plan.reviving import Revive, reviving
from slashservice.installer.plan.source import Source
from slashservice.installer.plan.takeover import EndScanner, QuietenScanner
from slashservice.installer.plan.telling import AwaitEnd, ForgetState, RunCommand, Supervise
from slashservice.installer.plan.tree import InstallTree

NOTHING = ABSENT.to_json()
TREE = "/opt/code"
SMALL = Source({"supervise/__init__.py": (b"", 0o644), "a/b/c": (b"c", 0o644)}, ())


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """An image with little in it."""
    return Image(tmp_path / "root").folders("/opt", "/etc", "/run", "/var/lib")


@pytest.fixture
def host(image: Image) -> Running:
    """The same, taken for a host that runs."""
    return Running(image.root, {"start": Outcome(0, ""), "stop": Outcome(0, "")})


def refused(action: Action, image: Image) -> str:
    """Check that an action is refused before anything is changed; return why."""
    before = image.snapshot()
    with pytest.raises(Refusal) as refusal:
        action.preflight(Host(str(image.root)))
    assert image.snapshot() == before
    return refusal.value.what


class TestRefused:
    """Something else is there."""

    def test_a_directory_where_a_file_is(self, image: Image) -> None:
        image.file("/opt/x")
        assert (
            refused(MakeDirectory(path="/opt/x"), image) == "/opt/x is there, and is no directory"
        )

    def test_an_edit_of_a_folder(self, image: Image) -> None:
        assert refused(EditFile(path="/etc"), image) == "/etc is no regular file"

    def test_a_link_where_a_folder_is(self, image: Image) -> None:
        why = "/opt is there already: a directory, which is not slashservice's"
        assert refused(MakeLink(path="/opt", target="x"), image) == why
        assert refused(MakeLink(path="/opt", target="x", replace=True), image) == (
            "/opt is a directory"
        )

    def test_code_where_a_file_is(self, image: Image) -> None:
        image.file(TREE)
        assert refused(InstallTree.of(TREE, "/python", SMALL), image).endswith("is no directory")

    def test_code_where_something_else_is(self, image: Image) -> None:
        image.file(f"{TREE}/theirs/x")
        why = f"{TREE} is there, with something else in it: theirs/x"
        assert refused(InstallTree.of(TREE, "/python", SMALL), image) == why
        image.file(f"{TREE}/supervise/__init__.py")
        InstallTree.of(TREE, "/python", SMALL).preflight(Host(str(image.root)))


class TestChangedSince:
    """Somebody else has been there since."""

    OLD = FileState("file", 0o644, data=b"old").to_json()

    def undo(self, action: Action, image: Image, before: dict[str, Any]) -> list[str]:
        return action.undo(Host(str(image.root)), before, "another digest")

    def test_a_file_that_became_a_link(self, image: Image) -> None:
        image.link("/opt/x", "y")
        for action in (WriteFile(path="/opt/x"), EditFile(path="/opt/x")):
            assert self.undo(action, image, NOTHING) == [
                "/opt/x was changed by someone else, and is left as it is"
            ]
        assert image.path("/opt/x").is_symlink()

    def test_a_file_that_is_gone(self, image: Image) -> None:
        for action in (WriteFile(path="/opt/x"), EditFile(path="/opt/x")):
            assert self.undo(action, image, self.OLD) == ["/opt/x was already gone"]
        assert not image.path("/opt/x").exists()

    def test_a_file_whose_part_of_ours_is_gone(self, image: Image) -> None:
        image.file("/opt/x", "theirs\n")
        assert self.undo(EditFile(path="/opt/x", editor=Block("ours\n")), image, self.OLD) == []
        assert image.path("/opt/x").read_text() == "theirs\n"

    def test_a_change_to_our_part_alone_is_kept_aside(self, image: Image) -> None:
        image.file("/opt/x", b"old\n" + BEGIN + b"ours, changed\n" + END)
        kept = "/var/lib/slashservice/kept/opt/x"
        assert self.undo(EditFile(path="/opt/x", editor=Block("ours\n")), image, self.OLD) == [
            f"/opt/x was changed by someone else: what it said is in {kept}"
        ]
        assert image.path("/opt/x").read_text() == "old\n"
        assert b"ours, changed" in image.path(kept).read_bytes()

    def test_a_path_that_was_removed_and_is_there_again(self, image: Image) -> None:
        image.file("/opt/x", "new")
        assert self.undo(RemovePath(path="/opt/x"), image, self.OLD) == [
            "/opt/x has been made anew by someone else, and is left as it is"
        ]
        assert image.path("/opt/x").read_text() == "new"


class TestTree:
    """The code of a version, halfway."""

    @pytest.fixture
    def action(self) -> InstallTree:
        return InstallTree.of(TREE, "/python", SMALL)

    def test_what_is_there_is_not_written_again(self, image: Image, action: InstallTree) -> None:
        host = Host(str(image.root))
        action.apply(host)
        assert image.path(f"{TREE}/a/b/c").read_text() == "c"
        steps = host.changes
        action.apply(host)
        assert host.changes == steps

    def test_the_code_must_be_at_hand(self, image: Image, action: InstallTree) -> None:
        read = InstallTree.from_json(action.to_json())
        assert read == action
        with pytest.raises(Trouble, match=f"not at hand: {TREE}"):
            read.apply(Host(str(image.root)))

    def test_a_tree_that_was_there_stays(self, image: Image, action: InstallTree) -> None:
        image.file(f"{TREE}/supervise/__init__.py", "# older")
        before = image.snapshot()
        host = Host(str(image.root))
        known = action.capture(host)
        with pytest.raises(OSError, match="not empty"):
            action.apply(host)
        assert action.undo(host, known, "") == []
        assert image.snapshot() == before

    def test_what_is_halfway_goes(self, image: Image, action: InstallTree) -> None:
        image.file(f"{TREE}{{new}}/supervise/__init__.py", "# halfway")
        assert action.undo(Host(str(image.root)), {"kind": "absent"}, "") == []
        assert os.listdir(image.path("/opt")) == []


Runs = Callable[..., None]
"""Takes the pids that svscan has, look after look; the last one stays."""


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Return what says whether svscan runs. Nobody waits long for it, and no signal is sent."""
    for name in ("START_LIMIT", "STOP_LIMIT"):
        monkeypatch.setattr(telling, name, 0.0)
    for name in ("START_LIMIT", "RESPAWN_LIMIT"):
        monkeypatch.setattr(handing, name, 0.0)
    monkeypatch.setattr(takeover, "STOP_LIMIT", 0.0)
    monkeypatch.setattr(telling, "strangers", lambda host, directory: [])
    monkeypatch.setattr(supervision, "send", lambda pid, number: None)

    def told(*pids: int) -> None:
        left = list(pids)
        running = lambda directory: left.pop(0) if len(left) > 1 else left[0]  # noqa: E731
        monkeypatch.setattr(supervision, "running", running)

    return told


class TestStarting:
    """svscan starts, or doesn't."""

    def test_nothing_is_started_twice(self, host: Running, runs: Runs) -> None:
        runs(7)
        Supervise(start=("start",)).apply(host)
        assert host.asked == []

    def test_it_does_not_start(self, host: Running, runs: Runs) -> None:
        runs(0)
        with pytest.raises(Trouble, match="does not run on /service after"):
            Supervise(start=("start",), hint="look").apply(host)
        assert host.asked == ["start"]

    def test_it_is_stopped_by_command(self, host: Running, runs: Runs) -> None:
        runs(7, 0)
        assert Supervise(stop=("stop", "it")).undo(host, {"running": False}, "") == []
        assert host.asked == ["stop it"]

    def test_it_does_not_stop(self, host: Running, runs: Runs) -> None:
        runs(7)
        with pytest.raises(Trouble, match="the services in /service did not stop"):
            Supervise(stop=("stop",)).undo(host, {}, "")

    def test_a_command_that_fails(self, host: Running, runs: Runs) -> None:
        runs(0)
        with pytest.raises(Trouble, match="begin failed: begin: not found"):
            Supervise(start=("begin",)).apply(host)

    def test_it_does_not_end(
        self, host: Running, runs: Runs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runs(7)
        monkeypatch.setattr(supervision, "drain", lambda directory, program: False)
        with pytest.raises(Trouble, match="svscan on /service did not end"):
            AwaitEnd().undo(host, {}, "")


class TestHandingOver:
    """svscan gives way to the next."""

    def test_there_is_none(self, host: Running, runs: Runs) -> None:
        runs(0)
        HandOver(start=("start",)).apply(host)
        assert host.changes == 0

    @pytest.mark.parametrize(
        ("quits", "respawns", "asked", "trouble"),
        [
            (False, True, [], "svscan on /service does not give way"),
            (True, True, [], "svscan did not come back on /service"),
            (True, False, ["start"], "svscan did not come back on /service"),
        ],
    )
    def test_it_fails(
        self,
        quits: bool,
        respawns: bool,
        asked: list[str],
        trouble: str,
        host: Running,
        runs: Runs,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        runs(7, 0)
        monkeypatch.setattr(supervision, "quit_", lambda directory: quits)
        with pytest.raises(Trouble, match=trouble):
            HandOver(start=("start",), respawns=respawns).apply(host)
        assert host.asked == asked

    @pytest.mark.parametrize("late", [0, 1, 2, 3])
    def test_handed_back_until_the_old_code_runs(
        self, late: int, host: Running, runs: Runs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before files were back the init system was about to start some of the new code."""
        now = [7]

        def quit_(directory: str) -> bool:
            now[0] += 1
            return True

        runs(0)
        monkeypatch.setattr(supervision, "running", lambda directory: now[0])
        monkeypatch.setattr(supervision, "quit_", quit_)
        monkeypatch.setattr(
            supervision, "code", lambda directory, pid: ("1", "new" if pid < 8 + late else "old")
        )
        before = {"running": True, "code": "old"}
        notes = HandBack(respawns=True, left=True).undo(host, before, "")
        assert bool(notes) == (late == 3)
        assert not notes or "svscan runs from new, not from old" in notes[0]


class TestReviving:
    """An uninstall has begun to stop svscan; it is to run again."""

    @pytest.fixture
    def words(self, monkeypatch: pytest.MonkeyPatch) -> dict[int, tuple[str, ...]]:
        """How each svscan was called; each that gives way does so at once."""
        words: dict[int, tuple[str, ...]] = {8: ("svscanboot",)}
        monkeypatch.setattr(supervision, "quit_", lambda directory: True)
        monkeypatch.setattr(processes, "describe", lambda pid: (None, None, words.get(pid, ())))
        monkeypatch.setattr(supervision, "up", lambda directory: [])
        monkeypatch.setattr(handing, "START_LIMIT", 10.0)
        return words

    @pytest.mark.parametrize("pids", [(0, 8), (7, 0, 8), (7, 7, 8), (0, 0, 0, 8)])
    def test_it_is_exchanged_or_started(
        self, pids: tuple[int, ...], host: Running, runs: Runs, words: object
    ) -> None:
        """Also one that runs the right code, as it may be idle, or about to end."""
        runs(*pids)
        Revive(start=("start",), respawns=True).apply(host)
        assert supervision.running("/service") == 8

    def test_one_that_only_drains_is_awaited(
        self, host: Running, runs: Runs, words: dict[int, tuple[str, ...]]
    ) -> None:
        """A script of the init system has started it, for what the first one left."""
        words[9] = ("svscan", "-n", "/service")
        runs(7, 9, 9, 9, 9, 0, 9, 0, 8)
        Revive(respawns=True).apply(host)
        assert supervision.running("/service") == 8

    @pytest.mark.parametrize("kind", sorted(INIT_SYSTEMS))
    def test_what_the_init_system_keeps_down_is_up_again(self, kind: str, host: Running) -> None:
        """Where a command stops it, and none starts it, there is one that undoes the stop."""
        init = INIT_SYSTEMS[kind]
        stop = Supervise(stop=("stop",), start=() if init.revive(host) else ("start",))
        plan = Plan(Verdict(kind, (), ""), layout("fhs", "1"), "", (stop, HandOver(code="/code")))
        actions = reviving(host, plan)
        assert actions[-1] == Revive(code="/code")
        again = [one.do for one in actions if isinstance(one, RunCommand)]
        assert again == ([init.revive(host)] if init.revive(host) else [])
        assert actions.index(stop) == len(again)


class TestHandingBack:
    """A run has failed: svscan is as it was."""

    @pytest.fixture
    def exchanged(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Note that svscan was exchanged."""
        done: list[str] = []
        monkeypatch.setattr(HandBack, "exchange", lambda self, host, old: done.append("exchanged"))
        return done

    @pytest.mark.parametrize(
        ("before", "pid", "code", "exchanges"),
        [
            ((0, ""), 0, "", 0),
            ((0, ""), 7, "/new", 0),
            ((7, "/old"), 7, "/old", 0),
            ((7, "/old"), 8, "/old", 0),
            ((7, "/old"), 8, "/new", handing.ATTEMPTS),
            ((7, "/old"), 0, "", 1),
            ((7, ""), 7, "", 0),
            ((7, ""), 8, "/new", 1),
            ((7, ""), 0, "", 1),
        ],
    )
    def test_only_what_is_not_as_it_was_is_exchanged(
        self,
        before: tuple[int, str],
        pid: int,
        code: str,
        exchanges: int,
        host: Running,
        runs: Runs,
        exchanged: list[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        codes = dict([before, (pid, code)])
        monkeypatch.setattr(supervision, "code", lambda directory, pid: ("", codes[pid]))
        action = HandBack()
        runs(before[0])
        known = action.capture(host)
        runs(pid)
        notes = action.undo(host, known, "")
        assert bool(notes) == (exchanges == handing.ATTEMPTS), "it is still not as it was"
        assert exchanged == ["exchanged"] * exchanges
        assert action.undo(host, action.original(host), "") == []
        assert exchanged == ["exchanged"] * exchanges, "nothing to do when uninstalled"


class TestTakingOver:
    """Another svscan stays in the way."""

    def test_only_what_runs_is_quietened(
        self, image: Image, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks: list[str] = []
        monkeypatch.setattr(takeover, "strangers", lambda host, directory: looks)
        monkeypatch.setattr(supervision, "service_directories", looks.append)
        QuietenScanner().apply(Host(str(image.root)))
        assert looks == []

    def test_logs_that_stay_behind(
        self, host: Running, runs: Runs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(takeover, "strangers", lambda host, directory: [])
        monkeypatch.setattr(takeover, "_behind", lambda logs: ["/service/x/log"])
        with pytest.raises(Trouble, match="logs have not read all in time: /service/x/log"):
            QuietenScanner().apply(host)

    def test_it_does_not_end(
        self, host: Running, runs: Runs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(takeover, "strangers", lambda host, directory: [1 << 22])
        with pytest.raises(Trouble, match="the other svscan on /service did not end"):
            EndScanner().apply(host)


def test_what_a_supervisor_kept_is_forgotten(image: Image, host: Running) -> None:
    image.file("/etc/sv/x/run").file("/etc/sv/x/supervise/lock").file("/run/x/event/y")
    image.link("/etc/sv/x/event", "/run/x/event")
    assert ForgetState(path="/etc/sv/x").undo(host, {}, "") == []
    assert os.listdir(image.path("/etc/sv/x")) == ["run"]
    assert os.listdir(image.path("/run/x")) == []


def test_what_a_supervisor_kept_before_a_run_that_failed_stays(image: Image, host: Running) -> None:
    image.file("/etc/sv/x/run").file("/etc/sv/x/supervise/lock")
    action = ForgetState(path="/etc/sv/x")
    assert action.undo(host, action.capture(host), "") == []
    assert sorted(os.listdir(image.path("/etc/sv/x"))) == ["run", "supervise"]


def test_what_a_link_leads_to_elsewhere_is_kept(image: Image, host: Running) -> None:
    image.file("/etc/sv/x/run").file("/opt/x/y").link("/etc/sv/x/supervise", "/opt/x")
    assert ForgetState(path="/etc/sv/x").undo(host, {}, "") == []
    assert os.listdir(image.path("/etc/sv/x")) == ["run"]
    assert os.listdir(image.path("/opt/x")) == ["y"]


def test_a_supervisor_lets_go_before_its_state_is_removed(
    image: Image, host: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    image.file("/etc/sv/x/supervise/lock")
    locks: list[str] = []

    def held(lock: str) -> bool:
        locks.append(os.path.relpath(lock, image.root))
        return len(locks) < 3

    monkeypatch.setattr(supervision, "held", held)
    ForgetState(path="/etc/sv/x").undo(host, {}, "")
    assert locks == ["etc/sv/x/supervise/lock"] * 3 + ["etc/sv/x/event/lock"]
    assert os.listdir(image.path("/etc/sv/x")) == []
