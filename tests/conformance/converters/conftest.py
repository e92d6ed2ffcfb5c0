"""A tree with an svscan on it, and somebody who imports services into it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import administration
from helpers import tree as trees
from helpers.converting import Importer
from helpers.tree import Tree


@pytest.fixture(scope="session")
def slashservice(world_dir: Path) -> Path:
    """The command ``slashservice``, over the code of the checkout."""
    return administration.write(world_dir / "slashservice")


@pytest.fixture
def tree(world_dir: Path, ours: Path, request: pytest.FixtureRequest) -> Iterator[Tree]:
    root = world_dir / f"tree-{abs(hash(request.node.nodeid)):x}"
    with trees.tree(root, ours) as made:
        yield made


@pytest.fixture
def importer(tree: Tree, slashservice: Path) -> Importer:
    return Importer(tree, slashservice)
