"""The launchers work wherever and however they are called."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.services import Outcome, run

from slashservice.supervise.chain import launchers

SETTINGS = {
    b"LC_ALL": b"C",
    b"PYTHONHOME": b"/nowhere",
    b"PYTHONPATH": b".",
    b"PYTHONUTF8": b"0",
    b"PYTHONSTARTUP": b"evil.py",
    b"PYTHONINSPECT": b"1",
}


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A directory full of modules that must not be imported from where one happens to be."""
    for name in (
        "slashservice",
        "os",
        "time",
        "sitecustomize",
        "usercustomize",
        "evil",
        "encodings",
    ):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('trapped')\n")
    return tmp_path


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_every_launcher_is_whole(ours: Path, name: str) -> None:
    path = ours / name
    assert path.stat().st_mode & 0o777 == 0o755
    assert path.stat().st_size <= 1024
    compile(path.read_bytes(), path, "exec")


def test_nothing_else_is_written(ours: Path) -> None:
    assert sorted(os.listdir(ours)) == sorted(launchers.COMMANDS)


@pytest.mark.parametrize("env", [{}, SETTINGS], ids=["empty", "hostile"])
def test_any_environment_and_directory(
    ours: Path, oracle: Path, trap: Path, env: dict[bytes, bytes]
) -> None:
    words: list[str | bytes] = ["nowhere", b"\xff\xfe", "ü", ""]
    for name in ("svstat", "svc"):
        theirs = run(oracle / name, *words, cwd=trap, env=env)
        assert run(ours / name, *words, cwd=trap, env=env) == theirs
        assert run(ours / name, *words, cwd="/", env=env) == theirs


def linked(ours: Path, top: Path) -> Path:
    """Reach the command through links, as /command/svc is one."""
    (top / "package").symlink_to(ours)
    (top / "command").mkdir()
    (top / "command/svstat").symlink_to("../package/svstat")
    (top / "alias").symlink_to("command/svstat")
    return top / "alias"


def by_relative_path(ours: Path, top: Path) -> Path:
    return Path(os.path.relpath(ours / "svstat", top))


def with_a_long_interpreter(ours: Path, top: Path) -> Path:
    folder = top / ("long" * 40) / "with 'quotes' and \"more\" $HOME `x` \\"
    folder.mkdir(parents=True)
    (folder / "python3").symlink_to("/usr/bin/python3")
    code = ours.parent / "code"
    launchers.write(str(top / "made"), python=str(folder / "python3"), code=str(code))
    assert (top / "made/svstat").read_text().startswith("#!/bin/sh\n")
    return top / "made/svstat"


def with_odd_code(ours: Path, top: Path) -> Path:
    code = top / "a folder" / 'it\'s "code" \\ {home!r} ü'
    code.mkdir(parents=True)
    (code / "supervise").symlink_to(ours.parent / "code/supervise")
    launchers.write(str(top / "made"), python="/usr/bin/python3", code=str(code))
    return top / "made/svstat"


@pytest.mark.parametrize("make", [linked, by_relative_path, with_a_long_interpreter, with_odd_code])
def test_wherever_it_is(
    ours: Path, oracle: Path, tmp_path: Path, make: Callable[[Path, Path], Path]
) -> None:
    program = make(ours, tmp_path)
    words: list[str | bytes] = ["nowhere", b"\xff", "two words", "$HOME", "'", "-x", ""]
    theirs = run(oracle / "svstat", *words, cwd=tmp_path, env={})
    for _ in range(2):
        assert run(program, *words, cwd=tmp_path, env={}) == theirs


def test_found_on_the_path(ours: Path, tmp_path: Path) -> None:
    outcome = run("/bin/sh", "-c", "svok nowhere", cwd=tmp_path, env={b"PATH": os.fsencode(ours)})
    said = b"svok: fatal: unable to chdir to nowhere: file does not exist\n"
    assert outcome == Outcome(111, b"", said)


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-"])
def test_closed_descriptors(ours: Path, oracle: Path, tmp_path: Path, closed: str) -> None:
    for name in ("svok", "svc", "svstat"):
        if name == "svstat" and ">&- 2" in closed:
            continue  # C's does not notice that it could not answer
        outcomes = [
            run("/bin/sh", "-c", f'exec "$0" nowhere {closed}', where / name, cwd=tmp_path)
            for where in (oracle, ours)
        ]
        assert outcomes[1] == outcomes[0], name


def test_nothing_is_left_behind(ours: Path, tmp_path: Path) -> None:
    before = sorted(os.listdir(ours.parent))
    subprocess.run([ours / "svok", tmp_path], check=False)
    assert sorted(os.listdir(ours.parent)) == before
    assert os.listdir(tmp_path) == []
