"""A tree with services, and somebody who administers it."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.administration import Administrator, slashservice, tree
from helpers.tree import Tree

__all__ = ["slashservice", "tree"]


@pytest.fixture
def admin(tree: Tree, slashservice: Path) -> Administrator:
    return Administrator(slashservice, tree.scan)
