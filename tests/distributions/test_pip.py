"""slashservice from pip, pipx and uv: its commands work there, and root can install from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from helpers.booted import booted
from helpers.checkout import CHECKOUT, PYTHON
from helpers.keeping import sandboxes
from helpers.releases import SDIST, WHEEL, WHEELS, digest
from helpers.sandbox import Sandbox
from helpers.waiting import until

from releasing import packing
from slashservice.supervise.version import VERSION

SOMEBODY = 1234
DEBIANS = "/usr/share/python-wheels"
"""Debian's wheels of pip and setuptools, which it makes virtual environments with."""

MORE = CHECKOUT / "build/more-wheels"
"""What plumbum asks for besides, for its types: it is fetched once."""

HERE = ("--no-index", *(f"--find-links={folder}" for folder in (WHEELS, MORE, DEBIANS)))
"""Has pip and uv fetch nothing."""


def run(words: Sequence[str | Path], **more: str) -> str:
    """Run a command that has to succeed."""
    done = subprocess.run(
        words,
        env={**os.environ, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}"
    return done.stdout


def by_pip(home: Path, wheel: Path) -> Path:
    """Install as with ``python3 -m venv`` and the pip of that."""
    venv = home / "venv"
    run([PYTHON, "-m", "venv", "--without-pip", venv])
    python = str(venv / "bin/python")
    run([sys.executable, "-m", "pip", "--python", python, "install", "-q", *HERE, wheel])
    return venv / "bin/slashservice"


def by_pipx(home: Path, wheel: Path) -> Path:
    """Install as with ``pipx install``."""
    places = {"PIPX_HOME": str(home / "pipx"), "PIPX_BIN_DIR": str(home / "bin")}
    words = [
        "/usr/bin/pipx",
        "install",
        "--python",
        PYTHON,
        f"--pip-args={' '.join(HERE)}",
        str(wheel),
    ]
    run(words, HOME=str(home), **places)
    return home / "bin/slashservice"


def by_uv(home: Path, wheel: Path) -> Path:
    """Install as with ``uv tool install``."""
    uv = Path(sys.executable).parent / "uv"
    places = {"UV_TOOL_DIR": str(home / "uv"), "UV_TOOL_BIN_DIR": str(home / "uvbin")}
    words = [str(uv), "tool", "install", "-q", "--no-config", "--python", PYTHON, *HERE, str(wheel)]
    run(words, HOME=str(home), UV_CACHE_DIR=str(home / "cache"), UV_OFFLINE="1", **places)
    return home / "uvbin/slashservice"


WAYS: dict[str, Callable[[Path, Path], Path]] = {"pip": by_pip, "pipx": by_pipx, "uv": by_uv}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Somebody's home."""
    with TemporaryDirectory(prefix="slashservice-home-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture(scope="module")
def installed(home: Path, released: Path) -> dict[str, Path]:
    """The command ``slashservice`` in that home, by each way."""
    if not list(MORE.glob("*.whl")):
        options = ["--no-deps", "--only-binary", ":all:", "--dest", str(MORE)]
        run([sys.executable, "-m", "pip", "download", "-q", *options, "typing-extensions"])
    return {name: way(home, released / WHEEL) for name, way in WAYS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_the_commands_work_from_there(way: str, installed: dict[str, Path], tmp_path: Path) -> None:
    slashservice = installed[way]
    assert run([slashservice, "--version"]) == f"slashservice {VERSION}\n"
    assert "svc" in run([slashservice, "completion", "bash"])
    command = tmp_path / "command"
    run([slashservice, "commands", command])
    services = tmp_path / "service"
    (services / "one").mkdir(parents=True)
    (services / "one/run").write_text("#!/bin/sh\nexec sleep 1000\n")
    (services / "one/run").chmod(0o755)
    with subprocess.Popen([command / "svscan", services]) as svscan:
        try:
            until(lambda: ": up (" in run([command / "svstat", services / "one"]), "it is up")
            assert "running" in run([slashservice, "list", "--service-dir", services])
        finally:
            svscan.terminate()


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_it_is_what_a_checkout_installs(
    way: str, installed: dict[str, Path], expected_digest: str
) -> None:
    """Manual pages, completions, templates and licences as well."""
    python = Path(installed[way].resolve()).parent / "python"
    assert digest(python) == expected_digest


@pytest.mark.slow
def test_pip_builds_the_same_of_the_sdist(released: Path, tmp_path: Path) -> None:
    options = ["--no-build-isolation", "--no-index", "--no-deps", "-w", str(tmp_path)]
    run([sys.executable, "-m", "pip", "wheel", "-q", *options, released / SDIST])
    made = sorted(packing.read_zip(tmp_path / WHEEL))
    expected = sorted(packing.read_zip(released / WHEEL))
    assert [one.name for one in made] == [one.name for one in expected]
    assert [one.data for one in made] == [one.data for one in expected]


@pytest.fixture
def machine(request: pytest.FixtureRequest, home: Path) -> Iterator[Sandbox]:
    """A machine that sees the home, and no checkout."""
    with sandboxes(request) as start:
        yield booted(start, checkout=False, seen=[home])


@pytest.mark.root
@pytest.mark.slow
def test_root_installs_from_somebodys_home(
    installed: dict[str, Path], home: Path, machine: Sandbox
) -> None:
    """It is copied: what root runs is root's. Whatever it came by, it is the same."""
    for path in [home, *home.rglob("*")]:
        os.chown(path, SOMEBODY, SOMEBODY, follow_symlinks=False)
    before = machine.changes()
    first, *others = installed.values()
    machine.run(str(first), "install")
    for command in others:
        assert "nothing to do" in machine.run(str(command), "install"), command
    for path in machine.path("/package").rglob("*"):
        assert (path.lstat().st_uid, path.lstat().st_gid) == (0, 0), path
        if path.is_file() and "__pycache__" not in path.parts:
            assert os.fsencode(home) not in path.read_bytes(), path
    machine.run("umount", str(home))
    assert not machine.path(str(first)).exists()
    machine.run("slashservice", "add", "one", "--", "sleep", "1000")
    assert "running" in machine.run("slashservice", "list")
    machine.run("slashservice", "remove", "one")
    machine.run("slashservice", "uninstall")
    theirs = ("/etc/slashservice", "/var/log/slashservice")
    assert [one for one in machine.changes() if not one.startswith(theirs)] == before


def test_debian_has_what_environments_are_made_of() -> None:
    """So that nothing has to be fetched for these tests."""
    assert list(Path(DEBIANS).glob("pip-*.whl"))
    assert shutil.which("pipx") == "/usr/bin/pipx", "install tests/packages"
    assert (CHECKOUT / "MANIFEST.in").exists()
