"""``--help`` as the only word is answered by every command; all else is as in the originals."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from pathlib import Path

import pytest
from helpers.services import Outcome, run

from slashservice.supervise import help_texts
from slashservice.supervise.chain import launchers

STAYING = {"loghost", "runsvdir", "svcontainer", "svscan", "svscanboot"}
"""Those that would go on with what they were given."""

OF_OURS = {"svlog", "tai64nfrac"}
"""Those that have no original, or one that nobody has."""

COMPARED = sorted({*launchers.COMMANDS} - STAYING - OF_OURS)

WORDS = ["--help", "--", "-", "--helpx", "--hel", "help", "./--help", "-h"]


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_it_is_answered(ours: Path, tmp_path: Path, name: str) -> None:
    assert run(ours / name, "--help", cwd=tmp_path) == Outcome(
        0, help_texts.text(name).encode(), b""
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", COMPARED)
def test_nothing_else_is_changed(ours: Path, oracle: Path, tmp_path: Path, name: str) -> None:
    """One and two words that nearly are it, beside the original."""
    pairs = itertools.product(WORDS, repeat=2)
    lists = [[one] for one in WORDS[1:]] + [[*pair] for pair in pairs if "--help" in pair]
    original = oracle / name
    if not original.exists():
        original = Path("/usr/sbin") / name
    for number, words in enumerate(lists):
        outcomes: list[Outcome] = []
        for program in (original, ours / name):
            folder = tmp_path / f"{number}-{len(outcomes)}"
            folder.mkdir()
            outcomes.append(run(program, *words, cwd=folder, data=b"a line\n"))
        assert said(outcomes[1], name) == said(outcomes[0], name), words


def said(outcome: Outcome, name: str) -> Outcome:
    """Take away what always differs: stamps, the path, and the usage of those with more options."""
    out = b"@" + outcome.out[25:] if name == "tai64n" else outcome.out
    err = re.sub(rb"[^ \n]*/" + name.encode(), name.encode(), outcome.err)
    return Outcome(outcome.status, out, re.sub(rb"(usage|svc options): .*", b"usage", err))


def test_a_chain_has_its_own_words(ours: Path, tmp_path: Path) -> None:
    """What a program behind a command is given is the program's."""
    (tmp_path / "env").mkdir()
    envdir, svok = ours / "envdir", ours / "svok"
    said = run(envdir, "./env", "printf", "%s", "--help", cwd=tmp_path)
    assert said == Outcome(0, b"--help", b"")
    wanted = Outcome(0, help_texts.text("svok").encode(), b"")
    for exec_ in ([], ["env"]):  # in one process, and by a real exec
        assert run(envdir, "./env", *exec_, svok, "--help", cwd=tmp_path) == wanted
        assert run(envdir, "./env", *exec_, svok, "web", "--help", cwd=tmp_path).status == 111


def test_chpst_by_another_name(ours: Path, tmp_path: Path) -> None:
    (tmp_path / "envdir").symlink_to(ours / "chpst")
    assert run(tmp_path / "envdir", "--help").out == help_texts.text("envdir").encode()


def test_sv_as_an_init_script(ours: Path, oracle: Path, tmp_path: Path) -> None:
    outcomes: list[Outcome] = []
    for number, folder in enumerate((oracle, ours)):
        script = tmp_path / str(number) / "web"
        script.parent.mkdir()
        script.symlink_to(folder / "sv")
        outcomes.append(run(script, "--help"))
    # runit's says the path by which it was called.
    assert outcomes[1].status == outcomes[0].status == 2
    assert outcomes[1].err == b"usage: web [-w sec] command\n\n"


def test_where_it_can_not_be_written(ours: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([ours / "svc", "--help"], stdout=full, stderr=-1, check=False)
    assert done.returncode == 111
    assert done.stderr == b"svc: fatal: unable to write output: out of disk space\n"
