"""Services on a simulated system (:mod:`helpers.systems`)."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers.checkout import PYTHON
from helpers.processes import killed
from helpers.services import await_pid
from helpers.systems import Simulated
from helpers.tree import Tree, tree


@contextmanager
def machine(system: str) -> Iterator[Simulated]:
    """Have a simulated system, in a folder that every account can reach."""
    with tempfile.TemporaryDirectory(prefix="slashservice-simulated-") as made:
        root = Path(made)
        root.chmod(0o755)
        yield Simulated(root, system, PYTHON)


@contextmanager
def serving(simulated: Simulated, place: Path) -> Iterator[Services]:
    """Have a scan directory on it, whose svscan has had nothing to complain of."""
    with tree(place, simulated.commands) as made:
        yield Services(simulated, made)
        assert not made.said.exists() or made.says() == ""


class Services:
    """A scan directory on the simulated system, and its commands."""

    def __init__(self, simulated: Simulated, tree: Tree) -> None:
        self.simulated = simulated
        self.tree = tree

    def svscan(self) -> subprocess.Popen[bytes]:
        return self.tree.svscan(["/usr/bin/env", f"PATH={self.simulated.path}"])

    def left_running(self) -> tuple[Path, int]:
        """Return a service whose svscan was killed, and the pid that it has."""
        path = self.tree.add("a service")
        svscan = self.svscan()
        pid = await_pid(path)
        killed(svscan)
        return path, pid

    def command(self, *words: str | Path, status: int = 0) -> str:
        """Run a command; return what it printed."""
        name, *arguments = words
        done = subprocess.run(
            [self.simulated.commands / name, *arguments],
            capture_output=True,
            text=True,
            env={"PATH": self.simulated.path},
            cwd=self.tree.root,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (status, "")
        return done.stdout
