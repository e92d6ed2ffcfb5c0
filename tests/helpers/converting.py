"""Somebody who imports services into a tree of their own, and takes them out of it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from helpers.administration import Said
from helpers.checkout import PACKAGES, PYTHON
from helpers.tree import ENVIRONMENT, Tree
from helpers.waiting import GENEROUS

RUNNER = """\
import sys
sys.path.append({packages!r})
exec(compile(open({program!r}).read(), {program!r}, "exec"))
"""


class Importer:
    """Types ``slashservice import`` and ``export`` for a tree. Files are in ``given``."""

    def __init__(self, tree: Tree, program: Path) -> None:
        self.tree = tree
        self.homes = tree.root / "homes"
        self.given = tree.root / "given"
        self.given.mkdir()
        self.program = program

    def words(self, verb: str, *words: str | Path) -> list[str]:
        """Return the words of a command."""
        places = [f"--service-dir={self.tree.scan}", f"--in={self.homes}", "--force"]
        more = ["--no-log"] if verb == "import" else []
        code = RUNNER.format(packages=str(PACKAGES), program=str(self.program))
        return [PYTHON, "-ISXutf8", "-c", code, verb, *places, *more, *map(str, words)]

    def types(self, verb: str, *words: str | Path, **environment: str) -> Said:
        """Run a verb to its end."""
        done = subprocess.run(
            self.words(verb, *words),
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=2 * GENEROUS,
            cwd="/",
            env={**ENVIRONMENT, **environment},
            check=False,
        )
        out, errors = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
        return Said(done.returncode, out, errors)

    def svscan(self) -> subprocess.Popen[bytes]:
        """Start svscan, with our commands first on its PATH."""
        path = f"{self.tree.commands}:{ENVIRONMENT['PATH']}"
        return self.tree.svscan(prefix=["/usr/bin/env", f"PATH={path}"])

    def file(self, name: str, text: str) -> Path:
        """Write a file to be imported."""
        path = self.given / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def linked(self) -> list[str]:
        """Return the names in the scan directory."""
        return sorted(one.name for one in self.tree.scan.iterdir() if not one.name.startswith("."))

    def made(self) -> list[str]:
        """Return the names in the folder of service directories, unfinished ones too."""
        return sorted(one.name for one in self.homes.iterdir()) if self.homes.exists() else []
