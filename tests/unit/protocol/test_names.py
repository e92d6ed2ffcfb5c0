"""The names of the files that supervisor and clients share are written in one module."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT

WRITTEN = re.compile(r"supervise/(control|ok|status|lock|pipe|journal|trouble)\b|(^|/)\.svscan\b")

EXEMPT = {"supervise/protocol/names.py", "supervise/platform/linux.py"}
"""The module of the names, and one that is below it and looks into ``/proc`` for them."""

MODULES = sorted(
    path
    for folder in ("supervise", "installer", "benchmarks")
    for path in (CHECKOUT / folder).rglob("*.py")
    if str(path.relative_to(CHECKOUT)) not in EXEMPT
)


def literals(tree: ast.AST) -> list[str]:
    """Return every string and bytes constant of a module but its docstrings."""
    said = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in said:
            if isinstance(node.value, str):
                found.append(node.value)
            elif isinstance(node.value, bytes):
                found.append(node.value.decode("latin-1"))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(CHECKOUT)))
def test_no_other_module_writes_them_out(path: Path) -> None:
    written = [text for text in literals(ast.parse(path.read_text())) if WRITTEN.search(text)]
    assert written == []


def test_a_name_written_out_is_found() -> None:
    module = '"""Of supervise/ok."""\nx = b"/supervise/ok"\ny = f"{x}/.svscan/pid"\n"nothing"\n'
    found = literals(ast.parse(module))
    assert found == ["/supervise/ok", "/.svscan/pid"]
    assert all(map(WRITTEN.search, (*found, "supervise/lock", ".svscan")))
    assert not any(map(WRITTEN.search, ("/supervise", "supervise/okay", "services.svscan")))
