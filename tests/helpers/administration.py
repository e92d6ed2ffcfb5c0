"""``slashservice`` as an administrator types it, over the code of the checkout."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from helpers import tree as trees
from helpers.checkout import CHECKOUT, PYTHON
from helpers.tree import ENVIRONMENT
from helpers.waiting import GENEROUS

from slashservice.installer.plan.source import installer_program

LAUNCHED = installer_program(str(CHECKOUT))


@pytest.fixture(scope="session")
def slashservice(world_dir: Path) -> Path:
    """The command ``slashservice``, over the code of the checkout."""
    return write(world_dir / "slashservice")


@pytest.fixture
def tree(world_dir: Path, ours: Path, request: pytest.FixtureRequest) -> Iterator[trees.Tree]:
    """A tree for services, for modules whose conftest imports it."""
    root = world_dir / f"tree-{abs(hash(request.node.nodeid)):x}"
    with trees.tree(root, ours) as made:
        yield made


class Said(NamedTuple):
    """How a command ended: its exit status, what it printed, and its complaints."""

    status: int
    out: str
    errors: str

    @property
    def lines(self) -> list[str]:
        """The lines that it printed."""
        return self.out.splitlines()


def write(path: Path) -> Path:
    """Write ``slashservice`` to a file that can be run."""
    path.write_text(f"#!{PYTHON} -ISXutf8\n{LAUNCHED}")
    path.chmod(0o755)
    return path


class Administrator:
    """Types commands about the services in ``scan``."""

    def __init__(self, program: Path, scan: Path) -> None:
        self.program = program
        self.scan = scan

    def words(self, verb: str, *words: str | Path) -> list[str]:
        """Return the words of a command."""
        return [str(self.program), verb, "--service-dir", str(self.scan), *map(str, words)]

    def types(self, verb: str, *words: str | Path, **environment: str) -> Said:
        """Run a verb to its end.

        What it advises says which scan directory is meant, as we do; here that is left out.
        """
        done = subprocess.run(
            self.words(verb, *words),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="surrogateescape",
            timeout=2 * GENEROUS,
            cwd="/",
            env={**ENVIRONMENT, **environment},
            check=False,
        )
        where = f" --service-dir {self.scan}"
        return Said(done.returncode, done.stdout.replace(where, ""), done.stderr)

    def services(self, *names: str) -> dict[str, Any]:
        """Return what ``list --json`` says of services, by name."""
        said = self.types("list", "--json", *names)
        return {one["name"]: one for one in json.loads(said.out)["services"]}

    def state(self, name: str) -> str:
        """Return in what state a service is shown."""
        return str(self.services(name)[name]["state"])


def on_screen(words: Sequence[str], columns: int, rows: int = 24, **environment: str) -> str:
    """Run a command in a terminal of that size to its end; return all that it wrote there."""
    command = f"stty cols {columns} rows {rows}; exec {shlex.join(words)}"
    done = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=GENEROUS,
        env={**ENVIRONMENT, "TERM": "xterm", **environment},
        check=False,
    )
    return done.stdout.decode().replace("\r\n", "\n")


def without_colour(text: str) -> str:
    """Take away what only colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)
