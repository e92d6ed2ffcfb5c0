"""Completions of all commands, in real shells: a tab is pressed, and the line is run."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import shells
from helpers.checkout import COMMAND
from helpers.shells import Shell
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from slashservice.supervise import help_texts
from slashservice.supervise.chain import launchers

KINDS = ["bash", "zsh", "fish"]

SERVICES = ["web", "redis/log", "a b", "getty@tty1", "x:y", "wörk", 'q"q', "semi;colon", "par(en"]

LINES = {
    "svstat we\t": ["web"],
    "svok we\t": ["web"],
    "svlog -n 3 we\t": ["-n", "3", "web"],
    "svc -u re\t": ["-u", "redis"],
    "svc -d web redis/\t": ["-d", "web", "redis/log"],
    "svstat g\t": ["getty@tty1"],
    "svstat x\t": ["x:y"],
    "svstat w\u00f6\t": ["wörk"],
    "svc --h\t": ["--help"],
    "svscan --h\t": ["--help"],
    "sv force-sto\t": ["force-stop"],
    "sv -w 5 restart re\t": ["-w", "5", "restart", "redis"],
    "setuidgid daem\t": ["daemon"],
    "envuidgid daem\t": ["daemon"],
    "chpst -u daem\t": ["-u", "daemon"],
    "softlimit -o 64 mktem\t": ["-o", "64", "mktemp"],
    "setlock -n zlo\t": ["-n", "zlock"],
    "multilog fdel\t": ["fdelete"],
    "runsvchdir singl\t": ["single"],
}

PATHS = {
    "envdir envdi\t": ["envdirectory"],
    "supervise envdi\t": ["envdirectory"],
    "svscan -g 3 envdi\t": ["-g", "3", "envdirectory"],
    "svstat envdi\t": ["envdirectory"],
    "svlogd -v envdi\t": ["-v", "envdirectory"],
}
"""What is a directory may have a slash behind it."""


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A directory with services, and where the shell is, with a directory and a file."""
    for name in SERVICES:
        (tmp_path / "scan" / name).mkdir(parents=True)
    (tmp_path / "scan/.hidden").mkdir()
    (tmp_path / "sets/single").mkdir(parents=True)
    (tmp_path / "here/envdirectory").mkdir(parents=True)
    (tmp_path / "here/zlock").touch()
    return tmp_path


@pytest.fixture
def shell(kind: str, place: Path) -> Iterator[Shell]:
    names = [*launchers.COMMANDS, "slashservice"]
    variables = {"SVDIR": str(place / "scan"), "RUNSVDIR": str(place / "sets")}
    with shells.shell(kind, place, names, **variables) as made:
        yield made


def test_lines_are_completed(shell: Shell) -> None:
    assert {typed: shell.run(typed) for typed in LINES} == LINES
    given = {typed: [word.rstrip("/") for word in shell.run(typed)] for typed in PATHS}
    assert given == PATHS


def letters(name: str) -> set[str]:
    """Return the options of one letter that a command has, as its help says."""
    words = re.findall(r"(?<![\w-])-([\w/]+)", help_texts.TEXTS[name])
    return {letter for word in words for letter in word if word not in ("tt", "ttt")}


WITH_OPTIONS = sorted(name for name in launchers.COMMANDS if name != "multilog" and letters(name))


def test_options_are_offered(shell: Shell, kind: str) -> None:
    """All that the help has, and no others."""
    for name in WITH_OPTIONS:
        wanted = {f"-{letter}" for letter in letters(name)}
        if len(wanted) == 1 and kind == "bash":  # which shows none that is the only one
            assert shell.run(f"{name} -\t") == [*wanted]
            continue
        shown = shell.offers(f"{name} -", wanted)
        assert {word for word in shown if re.fullmatch(r"-[\w/]", word)} == wanted, name


def test_services_are_offered(shell: Shell) -> None:
    """The hidden one is not."""
    plain = {"web", "redis", "getty@tty1", "x:y"}
    for line in ("svstat ", "svc -t ", "sv status ", "svlog -f "):
        shown = shell.offers(line, plain)
        assert not {word for word in shown if "hidden" in word}


NAME = some.text(some.sampled_from("ab01 _-+=@:;,.~!#%&*()[]{}<>|?^'\""), min_size=1, max_size=8)


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=some.lists(NAME, min_size=8, max_size=8))
def test_any_name_comes_through(shell: Shell, place: Path, names: list[str]) -> None:
    """Whatever a shell would make of it: its first letter is enough to have the service named."""
    made = [f"{letter}{name}" for letter, name in zip("hijklmno", names, strict=True)]
    for name in made:
        (place / "scan" / name).mkdir()
    try:
        assert [shell.run(f"svstat {name[0]}\t") for name in made] == [[name] for name in made]
    finally:
        for name in made:
            (place / "scan" / name).rmdir()


def test_where_services_are(kind: str, place: Path, ours: Path) -> None:
    """Without SVDIR it is where the installer wrote down: beside the code, where links lead."""
    code, links = place / "tree", place / "links"
    code.mkdir()
    links.mkdir()
    launchers.write(str(code / "command"))
    (code / "scan-directory").write_text(f"{place}/scan\n")
    for name in launchers.COMMANDS:
        (links / name).symlink_to(code / "command" / name)
    with shells.shell(kind, place, ["svc"], PATH=f"{links}:/usr/bin:/bin") as made:
        assert made.run("svc -u we\t") == ["-u", "web"]


def test_what_is_printed_is_enough(kind: str, place: Path) -> None:
    """``slashservice completion SHELL`` has both, in the form that the shell wants."""
    text = subprocess.check_output([COMMAND, "completion", kind], text=True)
    names = ["svc", "slashservice"]
    with shells.shell(kind, place, names, text=text, SVDIR=str(place / "scan")) as made:
        for _ in range(2):
            assert made.run("svc -u we\t") == ["-u", "web"]
            assert made.run("slashservice uninst\t") == ["uninstall"]
