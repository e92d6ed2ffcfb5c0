"""What ``./release`` makes of this checkout as it is, committed or not: in a clone of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from helpers.checkout import CHECKOUT, PYTHON

from slashservice.supervise.version import VERSION

WHEELS = CHECKOUT / "build/wheels"
"""Where ``./release`` keeps the packages that it has fetched; clones keep theirs there, too."""

SDIST = f"slashservice-{VERSION}.tar.gz"
WHEEL = f"slashservice-{VERSION}-py3-none-any.whl"
SINGLE = "slashservice.pyz"

PACKAGES = "SLASHSERVICE_PACKAGES"
"""A variable: where it is set releases have the packages of distributions, which takes minutes."""

OPTIONS = ("--rehearsal", *([] if os.environ.get(PACKAGES) else ["--no-packages"]))

GIT = ("git", "-c", "user.name=a", "-c", "user.email=a@example.net", "-c", "gc.auto=0")
DAY = "2026-01-31T12:00:00Z"
"""When what is cloned was committed: in the past, as dpkg and rpm make no file younger."""

DIGEST = """\
import sys
sys.path[:0] = sys.argv[2:]
if sys.argv[1]:
    package = type(sys)("slashservice")
    package.__path__ = [sys.argv[1]]
    sys.modules["slashservice"] = package
from slashservice.installer.plan import source
source.WELCOME = ()
print(source.collect("/usr/bin/python3", "/tree").digest)
"""


def digest(python: str | Path, code: str | Path = "", vendor: str | Path = "") -> str:
    """Return the digest of what an installation would have of the code there.

    Without ``code`` it is what ``python`` imports.
    """
    words = [python, "-I", "-B", "-c", DIGEST, code, *([vendor] if vendor else [])]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


class Clone:
    """A clean checkout with one commit, of what this one holds, or another one."""

    def __init__(self, folder: Path, of: Path = CHECKOUT) -> None:
        self.folder = folder
        self.dist = folder / "dist"
        words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(words, cwd=of, check=True, capture_output=True).stdout
        for name in filter(None, names.decode().split("\0")):
            if (of / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(of / name, folder / name)
        WHEELS.mkdir(parents=True, exist_ok=True)
        (folder / "build").mkdir()
        (folder / "build/wheels").symlink_to(WHEELS)
        self.git("init", "-q")
        self.commit()

    def git(self, *words: str) -> str:
        """Run git, at a time of its own."""
        dates = {f"GIT_{who}_DATE": DAY for who in ("AUTHOR", "COMMITTER")}
        done = subprocess.run(
            [*GIT, *words],
            cwd=self.folder,
            env={**os.environ, **dates},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def commit(self) -> None:
        """Commit all there is."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "all")

    def change(self, name: str, old: str, new: str) -> None:
        """Change a file."""
        path = self.folder / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))

    def words(self, *options: str) -> list[str]:
        """Return the command line of ``./release`` with the interpreter that runs us."""
        return [sys.executable, "-m", "releasing", *options]

    def release(
        self, *options: str, before: Sequence[str] = (), umask: int = 0o022, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Make a release; ``before`` are words in front, ``more`` is of the environment."""
        return subprocess.run(
            [*before, *self.words(*options)],
            cwd=self.folder,
            env={**os.environ, **more},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
            umask=umask,
        )


@pytest.fixture(scope="session")
def cloned() -> Iterator[Clone]:
    """A clone of which a release was made."""
    with TemporaryDirectory(prefix="slashservice-released-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        clone = Clone(folder / "clone")
        done = clone.release(*OPTIONS)
        assert (done.returncode, done.stderr) == (0, "")
        yield clone


@pytest.fixture(scope="session")
def released(cloned: Clone) -> Path:
    """The folder with the files of a release."""
    return cloned.dist


@pytest.fixture(scope="session")
def pinned(cloned: Clone) -> Iterator[Path]:
    """A folder with the packages that the single file has, unpacked."""
    from releasing import pins

    with TemporaryDirectory(prefix="slashservice-pinned-") as made:
        pins.unpack(cloned.folder, WHEELS, Path(made))
        yield Path(made)


@pytest.fixture(scope="session")
def expected_digest(cloned: Clone, pinned: Path) -> str:
    """The digest of what a checkout installs, with the pinned packages."""
    return digest(PYTHON, cloned.folder, pinned)


def unzip(path: Path, to: Path) -> Path:
    """Unpack a zip file; return where."""
    with zipfile.ZipFile(path) as archive:
        archive.extractall(to)
    return to
