"""What the project promises about itself as a whole."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT

SUITE = sorted((CHECKOUT / "supervise").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Return the top-level names of what a module imports."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used"
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("path", SUITE, ids=lambda path: path.name)
def test_the_suite_imports_the_standard_library_alone(path: Path) -> None:
    assert imported(path) <= sys.stdlib_module_names | {"slashservice"}


@pytest.mark.parametrize("path", SUITE, ids=lambda path: path.name)
def test_modules_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400
