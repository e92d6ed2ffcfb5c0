"""``slashservice wait``: it ends when all are so, and says nothing."""

from __future__ import annotations

import subprocess
from functools import partial

import pytest
from helpers.administration import Administrator, Said
from helpers.services import await_down, await_pid, in_status, status_of
from helpers.tree import Tree
from helpers.waiting import until

GOALS = {"--up": ("-u", True), "--ready": ("-u", True), "--down": ("-d", False)}


@pytest.mark.parametrize("goal", GOALS)
def test_until_all_are_so(tree: Tree, admin: Administrator, goal: str) -> None:
    letters, is_up = GOALS[goal]
    paths = [tree.add(name, down=is_up) for name in ("a", "b")]
    tree.svscan()
    for path in paths:
        if is_up:
            until(partial(status_of, path), "it is there")
        else:
            await_pid(path)
    words = admin.words("wait", goal, "a", "b")
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    tree.svc(letters, paths[0])
    (await_pid if is_up else await_down)(paths[0])
    assert process.poll() is None, "the other one is not"
    tree.svc(letters, paths[1])
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"")
    assert [bool(in_status(path)) for path in paths] == [is_up, is_up]
    assert admin.types("wait", goal, "a", "b") == Said(0, "", ""), "all are so already"


def test_a_check_script_says_when_it_is_ready(tree: Tree, admin: Administrator) -> None:
    path = tree.add("web")
    (path / "check").write_text("#!/bin/sh\ntest -e of-use\n")
    (path / "check").chmod(0o755)
    tree.svscan()
    await_pid(path)
    assert admin.types("wait", "--up", "web").status == 0
    late = admin.types("wait", "-t", "0.7", "web")
    assert (late.status, late.errors) == (
        1,
        "slashservice: web is running, and its check script says no after 0.7 s\n",
    )
    (path / "of-use").touch()
    assert admin.types("wait", "web") == Said(0, "", "")


def test_a_service_whose_supervisor_comes_later(tree: Tree, admin: Administrator) -> None:
    tree.add("web")
    process = subprocess.Popen(admin.words("wait", "web"))
    tree.svscan()
    assert process.wait(60) == 0


def test_a_run_script_may_begin_with_it(tree: Tree, admin: Administrator) -> None:
    words = " ".join(admin.words("wait", "-t", "60", "first"))
    script = f"#!/bin/sh\n{words} || exit 1\ntouch began\nexec sleep 1000\n"
    second = tree.add("second", script)
    first = tree.add("first", down=True)
    tree.svscan()
    until(lambda: status_of(first), "it is there")
    await_pid(second)
    assert not (second / "began").exists()
    tree.svc("-u", first)
    until(lambda: (second / "began").exists(), "the second goes on")


@pytest.mark.parametrize(
    ("words", "status", "what"),
    [
        ([], 100, "for which service?"),
        (["--up", "--down", "web"], 100, "--up and --down exclude each other"),
        (["-t", "x", "web"], 100, "-t takes a number of seconds"),
        (["nope"], 111, "there is no service nope in "),
    ],
)
def test_wrong_usage(admin: Administrator, words: list[str], status: int, what: str) -> None:
    said = admin.types("wait", *words)
    assert (said.status, said.out) == (status, "")
    assert what in said.errors
