"""Services that nobody supervises, as svscan was killed, and what of them runs all the same."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.administration import Administrator, Said
from helpers.processes import kill, opened, runs
from helpers.services import await_pid, in_status, is_supervised
from helpers.terminal import terminal
from helpers.tree import ENVIRONMENT, Tree
from helpers.waiting import GENEROUS, until

from slashservice.installer import scanned

LOG = "#!/bin/sh\nexec /usr/bin/multilog t ./main\n"
VERBS = ("start", "stop", "restart", "once", "pause", "cont", "reload", "kill")


class Abandoned:
    """A tree of which svscan was killed: ``web`` runs with its log, ``idle`` does not."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.web = tree.add("web", log=LOG)
        self.idle = tree.add("idle", down=True)
        svscan = tree.svscan()
        self.pid, self.log = await_pid(self.web), await_pid(self.web / "log")
        until(lambda: is_supervised(self.idle), "all are there")
        svscan.kill()
        svscan.wait()
        until(lambda: not is_supervised(self.web), "nobody has it")

    @property
    def remedy(self) -> str:
        """What has an svscan started."""
        return f"svscan {self.tree.scan} & starts one, and it adopts what still runs"


@pytest.fixture
def abandoned(tree: Tree) -> Abandoned:
    return Abandoned(tree)


def test_why(abandoned: Abandoned, admin: Administrator) -> None:
    said = admin.types("why", "web", "idle")
    where = abandoned.tree.scan
    assert said.status == 1
    assert said.out == (
        "web: not supervised\n"
        f"  no svscan runs on {where}: its process (pid {abandoned.pid}) and its log (pid "
        f"{abandoned.log}) still run, and nobody supervises it\n      {abandoned.remedy}\n"
        f"idle: not supervised\n  no svscan runs on {where}, so nothing is started again\n"
        f"      svscan {where} & starts one\n"
    )


def test_what_is_advised_helps(abandoned: Abandoned, admin: Administrator) -> None:
    """What still runs is adopted."""
    said = admin.types("why", "web")
    assert abandoned.remedy in said.out
    abandoned.tree.svscan()
    until(lambda: admin.state("web") == "running", "it is supervised again")
    assert in_status(abandoned.web) == abandoned.pid
    assert "still run" not in admin.types("why", "web").out


def test_the_table(abandoned: Abandoned, admin: Administrator) -> None:
    said = admin.types("list")
    assert said.status == 1
    line = next(line for line in said.lines if line.startswith("web "))
    assert f"its process (pid {abandoned.pid}) and its log (pid {abandoned.log}) still run" in line
    assert re.search(r"^idle +not supervised$", said.out, re.MULTILINE)
    assert abandoned.remedy in said.errors
    found = admin.services()
    assert found["web"]["left"] == abandoned.pid and found["web"]["pid"] is None
    assert found["web"]["log"]["left"] == abandoned.log
    assert found["idle"]["left"] is None
    kill(abandoned.pid, signal.SIGKILL)
    until(lambda: admin.services("web")["web"]["left"] is None, "it is seen to be gone")


def test_the_screen_sees_it_end(abandoned: Abandoned, admin: Administrator, tmp_path: Path) -> None:
    with terminal(tmp_path, admin.words("list", "--watch"), 140) as screen:
        screen.await_text(f"its log (pid {abandoned.log}) still run")
        kill(abandoned.log, signal.SIGKILL)
        screen.await_text(f"its process (pid {abandoned.pid}) still runs")


def test_a_copy_runs_nothing(abandoned: Abandoned, admin: Administrator) -> None:
    """Its record is that of the original."""
    subprocess.run(["cp", "-a", abandoned.web, abandoned.tree.real / "copy"], check=True)
    (abandoned.tree.scan / "copy").symlink_to(abandoned.tree.real / "copy")
    assert admin.services("copy")["copy"]["left"] is None


@pytest.mark.parametrize("verb", VERBS)
def test_what_can_be_told_nothing(abandoned: Abandoned, admin: Administrator, verb: str) -> None:
    said = admin.types(verb, "web", "idle")
    no_svscan = f"no svscan runs on {abandoned.tree.scan}"
    assert said == Said(
        1,
        f"web: is not supervised, but its process (pid {abandoned.pid}) still runs; {no_svscan}\n"
        f"    {abandoned.remedy}\n"
        f"idle: is not supervised; {no_svscan}\n    svscan {abandoned.tree.scan} & starts one\n",
        "",
    )
    assert runs(abandoned.pid)


def test_the_supervisor_ends_while_it_is_waited_for(tree: Tree, admin: Administrator) -> None:
    path = tree.add("web", "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 0.1; done\n")
    svscan = tree.svscan()
    pid = await_pid(path)
    with subprocess.Popen(
        admin.words("stop", "web"), stdout=-1, stderr=-1, text=True, env=ENVIRONMENT
    ) as stop:
        until(lambda: is_told_down(path), "it is told")
        svscan.kill()
        out, _ = stop.communicate(timeout=GENEROUS)
    assert stop.returncode == 1
    assert out.startswith(f"web: is not supervised, but its process (pid {pid}) still runs; no ")


def test_svscan_is_exchanged_while_it_is_waited_for(tree: Tree, admin: Administrator) -> None:
    """The next one goes on with what was told."""
    path = tree.add("web", "#!/bin/sh\ntrap '' TERM\nuntil test -e end; do sleep 0.1; done\n")
    svscan = tree.svscan()
    await_pid(path)
    with subprocess.Popen(
        admin.words("stop", "web"), stdout=-1, stderr=-1, text=True, env=ENVIRONMENT
    ) as stop:
        until(lambda: is_told_down(path), "it is told")
        svscan.kill()
        svscan.wait()
        tree.svscan()
        until(lambda: is_supervised(path), "it is adopted")
        (path / "end").touch()
        out, _ = stop.communicate(timeout=GENEROUS)
    assert stop.returncode == 0 and out.startswith("web: stopped after ")


def is_told_down(path: Path) -> bool:
    return (path / "supervise/status").read_bytes()[17:18] == b"d"


class TestWaiting:
    def test_what_is_down_for_good(self, abandoned: Abandoned, admin: Administrator) -> None:
        said = admin.types("wait", "--down", "idle", abandoned.tree.make("elsewhere"))
        assert (said.status, said.out) == (0, "")
        assert "slashservice: idle is down: nobody supervises it\n" in said.errors

    def test_what_was_left_is_not_down(self, abandoned: Abandoned, admin: Administrator) -> None:
        said = admin.types("wait", "--down", "idle", "web")
        assert (said.status, said.out) == (111, "")
        assert said.errors.replace(f" --service-dir {abandoned.tree.scan}", "").endswith(
            f"slashservice: web is not down: it is not supervised, but its process (pid "
            f"{abandoned.pid}) still runs; no svscan runs on {abandoned.tree.scan}\n"
            f"    {abandoned.remedy}\n"
        )

    @pytest.mark.parametrize("is_left", [True, False])
    def test_svscan_ends_meanwhile(self, tree: Tree, admin: Administrator, is_left: bool) -> None:
        script = "#!/bin/sh\nexec sleep 1000\n" if is_left else "#!/bin/sh\nexit 1\n"
        path = tree.add("web", script)
        svscan = tree.svscan()
        if is_left:
            await_pid(path)
        else:
            until(lambda: admin.state("web") == "failing", "it fails")
        with waits(admin, "--down", "web") as waiting:
            svscan.kill()
            _, errors = waiting.communicate(timeout=GENEROUS)
        assert waiting.returncode == (111 if is_left else 0), errors
        assert ("web is not down: " if is_left else "web is down: nobody") in errors

    def test_svscan_is_exchanged_meanwhile(self, tree: Tree, admin: Administrator) -> None:
        path = tree.add("web")
        svscan = tree.svscan()
        pid = await_pid(path)
        with waits(admin, "--down", "web") as waiting:
            svscan.kill()
            svscan.wait()
            tree.svscan()
            until(lambda: is_supervised(path), "it is adopted")
            assert in_status(path) == pid
            tree.svc("-d", path)
            assert waiting.communicate(timeout=GENEROUS) == ("", "")
        assert waiting.returncode == 0

    @pytest.mark.parametrize("goal", ["--up", "--ready"])
    def test_the_others_wait_for_svscan_and_say_so(
        self, abandoned: Abandoned, admin: Administrator, goal: str
    ) -> None:
        with waits(admin, goal, "web") as waiting:
            assert waiting.stderr
            assert waiting.stderr.readline() == (
                "slashservice: waiting for web, which is not supervised, but its process (pid "
                f"{abandoned.pid}) still runs; no svscan runs on {abandoned.tree.scan}\n"
            )
            abandoned.tree.svscan()
            assert waiting.wait(GENEROUS) == 0

    def test_in_vain(self, abandoned: Abandoned, admin: Administrator) -> None:
        said = admin.types("wait", "--up", "-t", "0.3", "web")
        assert said.status == 1
        assert said.errors == (
            "slashservice: web is not supervised after 0.3 s; its process "
            f"(pid {abandoned.pid}) still runs\n"
        )

    def test_what_svscan_has_not_taken_up_yet(self, tree: Tree, admin: Administrator) -> None:
        """It is waited for: it is about to be started."""
        path = tree.make("web")
        svscan = tree.svscan()
        until(lambda: admin.types("list").status == 0, "svscan is there")
        svscan.send_signal(signal.SIGSTOP)
        (tree.scan / "web").symlink_to(path)
        with waits(admin, "--down", "web") as waiting:
            assert waiting.stderr
            assert waiting.stderr.readline() == (
                "slashservice: waiting for web, which is not supervised\n"
            )
            svscan.send_signal(signal.SIGCONT)
            await_pid(path)
            assert waiting.poll() is None
            tree.svc("-d", path)
            assert waiting.wait(GENEROUS) == 0


def waits(admin: Administrator, *words: str) -> subprocess.Popen[str]:
    """Begin to wait; return when it does."""
    waiting = subprocess.Popen(
        admin.words("wait", *words), stdout=-1, stderr=-1, text=True, env=ENVIRONMENT
    )
    until(lambda: any("inotify" in one for one in opened(waiting.pid)), "it waits")
    return waiting


def test_the_doctor(abandoned: Abandoned) -> None:
    patient: Any = SimpleNamespace(
        receipt=object(), host=SimpleNamespace(live=True), service_dir=str(abandoned.tree.scan)
    )
    (found,) = scanned.services(patient)
    left = f"web (pid {abandoned.pid}), web/log (pid {abandoned.log})"
    assert found.what == f"nobody supervises what still runs: {left}"
    assert "it adopts what still runs" in found.remedy
    abandoned.tree.svscan()
    until(lambda: is_supervised(abandoned.web / "log"), "it is supervised again")
    assert not list(scanned.services(patient))
