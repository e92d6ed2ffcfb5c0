"""What the README has to be typed works, block by block, on a machine that runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.booted import booted
from helpers.checkout import CHECKOUT, COMMAND, PACKAGES, PYTHON
from helpers.keeping import sandboxes
from helpers.sandbox import Sandbox
from helpers.waiting import GENEROUS

from benchmarks.__main__ import FIGURES
from slashservice.supervise.chain import launchers

README = (CHECKOUT / "README.md").read_text()
WITHOUT_PIP = "python3 -m venv venv && venv/bin/pip install .\n"


def blocks(heading: str) -> list[str]:
    """Return the blocks that are to be typed below a heading."""
    text = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"(?:^    .*\n)+", text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in found]


HEADINGS = {
    "See it work": 1,
    "Install it": 1,
    "A first service": 2,
    "Use it without installing": 3,
    "Test it": 1,
}
"""How many blocks there are below each heading. What each has is run, here or elsewhere."""


def test_no_block_is_run_by_nobody() -> None:
    assert {heading: len(blocks(heading)) for heading in HEADINGS} == HEADINGS
    everything = sum(len(blocks(heading)) for heading in re.findall(r"^## (.+)$", README, re.M))
    assert everything == sum(HEADINGS.values())
    assert blocks("See it work") == ["./demo\n"], "tests/conformance/test_demo.py"
    assert blocks("Test it") == ["./test\n"], "this"


def test_figures_are_measured_by_what_is_said() -> None:
    named = set(re.findall(r"\./benchmarks/run (\w+)", README))
    assert len(named) >= 5
    assert named <= set(FIGURES)


@pytest.fixture(scope="module")
def machine(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with sandboxes(request) as start:
        yield booted(start)


@pytest.mark.root
@pytest.mark.slow
def test_installing_and_a_first_service(machine: Sandbox) -> None:
    (install,) = blocks("Install it")
    dry, real = install.replace("./install", f"{COMMAND} install").splitlines()
    assert "would make directory /package" in machine.run("sh", "-c", dry, status=2)
    assert not machine.path("/command/svc").exists()
    machine.run("sh", "-c", real)
    for block in blocks("A first service"):
        said = machine.run("sh", "-ec", block)
        if "add" in block:
            assert re.search(r"^clock +running +\d+ ", said, re.MULTILINE)
            assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} ", said, re.MULTILINE)
        else:
            assert "clock: up (pid " in said
            assert not machine.path("/service/clock").is_symlink()
    machine.run("slashservice", "doctor")
    for words in re.findall(r"`slashservice (uninstall[^`]*)`", README):
        machine.run("slashservice", *words.split(), status=None)
    assert not machine.path("/command/svc").exists()


def test_use_without_installing(tmp_path: Path) -> None:
    """All but making the virtual environment, in a home of its own."""
    first, make, use = blocks("Use it without installing")
    assert first.startswith(WITHOUT_PIP)
    launchers.write(str(tmp_path / "command"), PYTHON)
    export = first.splitlines()[-1]
    assert export.startswith("export PATH=~/command:")
    wait = "until svok ~/service/clock && test -s ~/sv/clock/log/main/current; do sleep 0.1; done\n"
    end = "wait %1; echo over\n"
    script = f"set -e\n{export}\n{make}{wait}{use}{end}"
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=2 * GENEROUS,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"clock: up \(pid \d+\)", done.stdout)
    assert re.search(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \w", done.stdout, re.MULTILINE)
    assert done.stdout.endswith("over\n")


@pytest.mark.slow
def test_the_virtual_environment(tmp_path: Path) -> None:
    """With what is installed here in the place of what pip would fetch."""
    here = tmp_path / "checkout"
    left_out = shutil.ignore_patterns(".venv", ".git", "build", ".*_cache")
    shutil.copytree(CHECKOUT, here, ignore=left_out)
    first = blocks("Use it without installing")[0]
    options = "--no-build-isolation --no-index --no-deps"
    script = first.replace("pip install .", f"pip install -q {options} .")
    done = subprocess.run(
        ["sh", "-ec", f"{script}svc --help\n"],
        cwd=here,
        env={**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "command/svc").exists()
