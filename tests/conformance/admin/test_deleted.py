"""Services whose directories were deleted while they run: they are shown, and can be ended."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.administration import Administrator
from helpers.processes import opened, runs
from helpers.services import await_pid, in_status, is_supervised
from helpers.terminal import terminal
from helpers.tree import ENVIRONMENT, Tree
from helpers.waiting import GENEROUS, until

from slashservice.installer import scanned
from slashservice.supervise.platform import processes

LOG = "#!/bin/sh\nexec /usr/bin/multilog t ./main\n"


class Deleted:
    """A service that was deleted while it runs; if it is not ``linked``, its link was, too."""

    def __init__(self, tree: Tree, *, linked: bool, log: bool = False) -> None:
        self.tree = tree
        self.path = tree.add("web", log=LOG if log else None)
        self.svscan = tree.svscan()
        self.pid = await_pid(self.path)
        until(lambda: processes.name(self.pid) == "sleep", "its script is read")
        if log:
            pid = await_pid(self.path / "log")
            until(lambda: processes.name(pid) == "multilog", "that of its log, too")
        if not linked:
            (tree.scan / "web").unlink()
        delete(self.path)
        self.sentence = (
            f"its directory {self.path} was deleted, and svscan (pid {self.svscan.pid}) still has "
            f"it: its process (pid {self.pid}) runs"
        )


def delete(path: Path) -> None:
    """Delete a service directory, in which svscan may be at work."""

    def is_gone() -> bool:
        shutil.rmtree(path, ignore_errors=True)
        return not path.exists()

    until(is_gone, "it is deleted")


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("linked", [False, True])
def test_it_is_shown_and_what_is_advised_ends_it(
    tree: Tree, admin: Administrator, linked: bool, log: bool
) -> None:
    service = Deleted(tree, linked=linked, log=log)
    found = admin.services()["web"]
    state = "missing" if linked else "unlinked"
    assert (found["state"], found["pid"], found["deleted"]) == (state, service.pid, True)
    assert (found["log"] is not None) == log
    line = next(line for line in admin.types("list").lines if line.startswith("web "))
    assert str(service.pid) in line and line.endswith("its directory was deleted")
    said = admin.types("why", "web")
    assert said.status == 1
    assert said.lines[:2] == [f"web: {state} (pid {service.pid})", f"  {service.sentence}"]
    remedies = re.findall(r"^      (kill \d+) ends it|^      (rm .*)", said.out, re.MULTILINE)
    assert len(remedies) == 1 + linked
    for kill, rm in remedies:
        subprocess.run(["/bin/sh", "-c", kill or rm], check=True)
    until(lambda: not admin.services(), "it is gone, and not shown any more")
    assert not runs(service.pid)


def test_another_one_in_its_place(tree: Tree, admin: Administrator) -> None:
    """Neither is taken for the other."""
    service = Deleted(tree, linked=False)
    path = tree.add("web")
    new = await_pid(path, other_than=service.pid)
    found = admin.services()
    assert found["web"]["state"] == "running" and found["web"]["pid"] == new
    old = found[f"{path} (deleted)"]
    assert (old["state"], old["pid"]) == ("unlinked", service.pid)
    said = admin.types("why", f"{path} (deleted)")
    assert service.sentence in said.out


def test_it_is_seen_to_end(tree: Tree, admin: Administrator, tmp_path: Path) -> None:
    """No file tells of that."""
    service = Deleted(tree, linked=True)
    with terminal(tmp_path, admin.words("list", "--watch"), 100) as screen:
        screen.await_text("its directory was deleted")
        subprocess.run(["kill", str(service.pid)], check=True)
        until(lambda: "was deleted" not in screen.shows(), "it is gone", pause=0.1)


@pytest.mark.parametrize("linked", [False, True])
def test_what_it_can_not_be_told(tree: Tree, admin: Administrator, linked: bool) -> None:
    service = Deleted(tree, linked=linked)
    for verb in ("start", "stop", "kill"):
        said = admin.types(verb, "web")
        assert said.status == 1
        assert said.lines[1] == "    slashservice why web says how to end what still runs of it"
    assert runs(service.pid)


@pytest.mark.parametrize("linked", [False, True])
def test_it_is_not_down(tree: Tree, admin: Administrator, linked: bool) -> None:
    service = Deleted(tree, linked=linked)
    with subprocess.Popen(admin.words("wait", "--down", "web"), env=ENVIRONMENT) as waiting:
        until(lambda: any("inotify" in one for one in opened(waiting.pid)), "it waits")
        assert admin.types("wait", "--down", "-t", "0.5", "web").status == 1
        assert waiting.poll() is None
        subprocess.run(["kill", str(service.pid)], check=True)
        assert waiting.wait(GENEROUS) == 0


def test_what_is_down_and_deleted(tree: Tree, admin: Administrator) -> None:
    """Until svscan lets go of it, which it does when it sees that nothing of it runs."""
    path = tree.add("web", down=True)
    svscan = tree.svscan()
    until(lambda: is_supervised(path), "it is there")
    assert not in_status(path)
    svscan.send_signal(signal.SIGSTOP)
    (tree.scan / "web").unlink()
    delete(path)
    said = admin.types("why", "web")
    svscan.send_signal(signal.SIGCONT)
    assert said.status == 0 and said.lines[1].endswith("still has it; nothing of it runs")


@pytest.mark.parametrize("linked", [False, True])
def test_the_doctor(tree: Tree, linked: bool) -> None:
    service = Deleted(tree, linked=linked)
    patient: Any = SimpleNamespace(
        receipt=object(), host=SimpleNamespace(live=True), service_dir=str(tree.scan)
    )
    (found,) = scanned.services(patient)
    state = "missing" if linked else "unlinked"
    assert found.what == f"web is {state}: {service.sentence}"
    assert found.remedy == "slashservice why web"
