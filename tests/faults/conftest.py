"""A scan directory per test, whose processes end with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import tree as trees
from helpers.hosted import Hosted


@pytest.fixture
def tree(world_dir: Path, ours: Path, request: pytest.FixtureRequest) -> Iterator[trees.Tree]:
    """A fresh tree that every account can reach."""
    root = world_dir / f"tree-{abs(hash(request.node.nodeid)):x}"
    with trees.tree(root, ours) as made:
        yield made


@pytest.fixture
def hosted(tree: trees.Tree) -> Iterator[Hosted]:
    """A tree whose log hosts end with it, too."""
    made = Hosted(tree)
    try:
        yield made
    finally:
        for process in tree.started:
            process.kill()
            process.wait()
        made.end()
