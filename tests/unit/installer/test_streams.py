"""No verb minds which of its streams are closed, or full; and its status tells what is lost."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from helpers.checkout import COMMAND
from helpers.images import Image, MakeImage

from slashservice.installer import streams

STATES = {"open": "", "closed": ">&-", "full": ">/dev/full"}
WAYS = [
    way
    for way in itertools.product(("open", "closed"), STATES, STATES)
    if way != ("open", "open", "open")
]
"""Standard input, output and error: every way but the usual one."""

BROKEN = [
    *(("open", "closed", "open"), ("open", "full", "open")),
    *(("closed", "closed", "closed"), ("closed", "full", "full")),
]
"""Those by which most would be lost."""


def call(words: Sequence[str], way: Sequence[str]) -> tuple[int, str, str]:
    """Call the command with streams in that state; return its status, and what it has said."""
    stdin, stdout, stderr = way
    redirect = " ".join(
        [
            "<&-" if stdin == "closed" else "</dev/null",
            STATES[stdout],
            f"2{STATES[stderr]}" if stderr != "open" else "",
        ]
    )
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirect}', "sh", COMMAND, *words],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    return done.returncode, done.stdout, done.stderr


LOOKING = {
    "help": (["--help"], 0),
    "help of a verb": (["help", "add"], 0),
    "version": (["--version"], 0),
    "completion": (["completion", "bash"], 0),
    "plan": (["plan", "--root", "ROOT"], 2),
    "install -n": (["install", "-n", "--root", "ROOT"], 2),
    "detect": (["detect", "--root", "ROOT"], 0),
    "detect --json": (["detect", "--json", "--root", "ROOT"], 0),
    "status": (["status", "--root", "ROOT"], 1),
    "status --json": (["status", "--json", "--root", "ROOT"], 1),
    "doctor": (["doctor", "--root", "ROOT"], 1),
    "doctor --json": (["doctor", "--json", "--root", "ROOT"], 1),
}
FAILING = {
    "no verb": (["nonsense"], 100),
    "usage of running": (["running", "-x"], 100),
    "usage of drain": (["drain", "-t"], 100),
    "nothing runs": (["running", "ROOT"], 100),
    "nothing to drain": (["drain", "ROOT"], 0),
    "a refusal": (["detect", "--root", "/nowhere"], 111),
}


def in_image(words: Sequence[str], image: Image) -> list[str]:
    """Name the image in the words."""
    return [str(image.root) if word == "ROOT" else word for word in words]


def is_quiet(said: str) -> bool:
    """Tell whether nothing of Python's own is said."""
    return not any(one in said for one in ("Traceback", "internal error", "ignored", "Error:"))


@pytest.mark.parametrize("name", LOOKING)
def test_what_was_asked_for_is_printed_or_has_failed(name: str, make_image: MakeImage) -> None:
    words, status = LOOKING[name]
    image = make_image("systemd")
    before = image.snapshot()
    usual = call(in_image(words, image), ("open", "open", "open"))
    assert usual[0] == status
    number = list(LOOKING).index(name)
    for way in (*BROKEN[:2], *WAYS[number % 4 :: 4]):
        ended, out, err = call(in_image(words, image), way)
        assert ended == (status if way[1] == "open" else 111), (way, err)
        assert out == (usual[1] if way[1] == "open" else "")
        assert is_quiet(err)
        if way[1:] == ("full", "open"):
            assert err == "slashservice: fatal: standard output: No space left on device\n"
        if way[1:] == ("closed", "open"):
            assert err == "slashservice: fatal: standard output: Bad file descriptor\n"
    assert image.snapshot() == before


@pytest.mark.parametrize("name", FAILING)
def test_how_it_ends_is_told_by_the_status_alone(name: str, make_image: MakeImage) -> None:
    words, status = FAILING[name]
    words = in_image(words, make_image("systemd"))
    for way in WAYS[list(FAILING).index(name) % 3 :: 3]:
        ended, out, err = call(words, way)
        assert ended == status, way
        assert out == "" and is_quiet(err)


@pytest.mark.parametrize("way", [*BROKEN, *WAYS[::4]])
def test_a_deed_is_done_all_the_same(way: Sequence[str], make_image: MakeImage) -> None:
    image = make_image("systemd")
    root = ["--root", str(image.root)]
    before = image.snapshot()

    def step(*words: str) -> None:
        ended, out, err = call(words, way)
        assert ended == 0, (words, err)
        assert bool(out) == (way[1] == "open")
        assert is_quiet(err)
        lost = "slashservice: warning: standard output: "
        assert err.startswith(lost) == (way[1] != "open" and way[2] == "open")

    step("install", *root)
    assert image.path("/command/svscan").is_symlink()
    step("add", "web", *root, "--no-check", "--", "/bin/true")
    assert image.path("/service/web").is_symlink()
    step("remove", "web", *root)
    assert not image.path("/service/web").is_symlink()
    step("uninstall", *root)
    step("commands", str(image.path("/commands")))
    assert image.path("/commands/svc").exists()
    after = image.snapshot()
    assert {path for path in after if not path.startswith("commands")} >= set(before)
    assert not image.path("/command").exists()


@pytest.mark.parametrize("way", BROKEN[:2])
def test_the_demo_ends_and_leaves_nothing(way: Sequence[str], tmp_path: Path) -> None:
    ended, _, err = call(["demo", str(tmp_path / "demo")], way)
    assert ended == 111
    assert err.splitlines()[-1].startswith("demo: fatal: unable to write to standard output: ")
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("words", [["--help"], ["completion", "bash"], ["detect", "--explain"]])
def test_who_reads_no_further_has_got_what_he_wanted(words: Sequence[str]) -> None:
    line = '{ "$@"; echo $? >&2; } | head -c 1'
    done = subprocess.run(
        ["sh", "-c", line, "sh", COMMAND, *words], capture_output=True, text=True, check=False
    )
    assert done.stderr.strip() in ("0", "111"), done.stderr  # 111: no init system is known here


@pytest.mark.parametrize("what", [streams.say, streams.complain])
def test_what_is_said_steers_no_terminal(
    what: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """Lines stay lines, and tabs of files stay tabs."""
    what("a\tb\n\x1b[2J\r\u202e\udcff ünï")
    said = capsys.readouterr()
    assert (said.out or said.err).rstrip("\n") == "a\tb\n\\x1b[2J\\r\\u202e\\xff ünï"
