"""The two sets of commands that these tests compare, and the directory that they run in."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.both import Both


@pytest.fixture(scope="module")
def both(
    world_dir: Path, ours: Path, oracle: Path, request: pytest.FixtureRequest
) -> Iterator[Both]:
    """The two sets of commands, and a work directory, for one module of tests."""
    directory = world_dir / f"chain-{request.module.__name__.rpartition('.')[2]}"
    directory.mkdir()
    directory.chmod(0o755)
    yield Both(directory, ours, oracle)
    shutil.rmtree(directory)


@pytest.fixture
def work(both: Both) -> Iterator[Path]:
    """The directory in which the commands run; empty at the start of each test."""
    yield both.work
    for path in both.work.iterdir():
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
            shutil.rmtree(path)
        else:
            path.unlink()
