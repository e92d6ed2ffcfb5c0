"""A tree with an svscan on it, and somebody who imports services into it."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.administration import slashservice, tree
from helpers.converting import Importer
from helpers.tree import Tree

__all__ = ["slashservice", "tree"]


@pytest.fixture
def importer(tree: Tree, slashservice: Path) -> Importer:
    return Importer(tree, slashservice)
