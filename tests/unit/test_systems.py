"""Only ``platform/`` and ``chain/`` name what some system lacks.

On which systems a name of the standard library is, typeshed says (:mod:`helpers.systems`).
"""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers import systems
from helpers.checkout import CHECKOUT

SUITE = CHECKOUT / "supervise"

ALLOWED = {"platform", "chain"}
"""The wings whose business it is."""

OTHERS = sorted(p for p in SUITE.rglob("*.py") if p.relative_to(SUITE).parts[0] not in ALLOWED)

BY_HAND = {
    "sys": {"platform"},
    "os": {"name", "uname"},
    "select": {"kqueue"},
}
"""Asking which system it is."""

FILES = ("/proc", "/sys/", "/dev/fd")
"""What is not at such a place everywhere."""

LOW_LEVEL = {"_ctypes", "_posixsubprocess", "ctypes"}
"""With these one reaches what Python itself names nowhere."""

EXCEPTIONS = {
    "error_words.py": {"errno.<name>"},
    "loghost.py": {"socket.MSG_CMSG_CLOEXEC"},
}
"""The errors that C has words for are looked up by their names; some are Linux's alone.

The flag is 0 where there is none.
"""

NAMES = systems.not_everywhere()
for module, more in BY_HAND.items():
    NAMES.setdefault(module, set()).update(more)
NAMES["_signal"] = NAMES["signal"]
NAMES["posix"] = NAMES["os"]


def docstrings(tree: ast.Module) -> set[ast.AST]:
    """Return the strings that stand as statements."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def named(source: str) -> Iterator[str]:
    """Yield what a module names that some system lacks."""
    tree = ast.parse(source)
    called: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            called.update({alias.asname or alias.name: alias.name for alias in node.names})
            yield from (alias.name for alias in node.names if alias.name in LOW_LEVEL)
        elif isinstance(node, ast.ImportFrom) and node.module in NAMES.keys() | LOW_LEVEL:
            for alias in node.names:
                if node.module in LOW_LEVEL or alias.name in NAMES[node.module]:
                    yield f"{node.module}.{alias.name}"
    ignored = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = called.get(node.value.id, "")
            if node.attr in NAMES.get(module, ()):
                yield f"{module}.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) > 1:
            module = called.get(ast.unparse(node.args[0]), "")
            name = node.args[1]
            if node.func.id in ("getattr", "hasattr") and module in NAMES:
                if not isinstance(name, ast.Constant):
                    yield f"{module}.<{ast.unparse(name)}>"
                elif name.value in NAMES[module]:
                    yield f"{module}.{name.value}"
        elif isinstance(node, ast.Constant) and node not in ignored:
            text = os.fsdecode(node.value) if isinstance(node.value, bytes) else node.value
            if isinstance(text, str) and text.startswith(FILES):
                yield text


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: str(path.relative_to(SUITE)))
def test_nothing_that_some_system_lacks_is_named_elsewhere(path: Path) -> None:
    assert set(named(path.read_text())) <= EXCEPTIONS.get(path.name, set())


def test_there_are_modules_to_look_at_and_names_to_find() -> None:
    assert len(OTHERS) > 40
    assert {"pipe2", "pidfd_open", "splice", "sched_setaffinity", "chflags"} <= NAMES["os"]
    assert {"epoll", "kqueue", "KQ_NOTE_EXIT"} <= NAMES["select"]
    assert "pidfd_send_signal" in NAMES["signal"]
    assert not {"fork", "mkfifo", "posix_spawn", "O_CLOEXEC", "SIGTERM"} & NAMES["os"]


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.pipe2(0)",
        "def f():\n    import os as x\n    x.splice",
        "from time import CLOCK_BOOTTIME",
        "import signal\nsignal.pidfd_send_signal",
        "import os\nopen = getattr(os, 'pidfd_open', None)",
        "import select\nhasattr(select, 'kqueue')",
        "import sys\nif sys.platform == 'linux': pass",
        "open(b'/proc/self/fd')",
        "open(f'/proc/{1}/fd')",
        "import ctypes",
    ],
)
def test_what_is_named_is_found(source: str) -> None:
    assert list(named(source)) != []


def test_only_one_module_picks_the_system() -> None:
    """And one tells the BSDs apart.

    Others in ``platform/`` may tell the type checker, by an ``assert``, where they are used.
    """
    for path in sorted((SUITE / "platform").glob("*.py")):
        tree = ast.parse(path.read_text())
        asserted = {
            node
            for statement in tree.body
            if isinstance(statement, ast.Assert)
            for node in ast.walk(statement)
        }
        asked = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and node.attr == "platform" and node not in asserted
        ]
        assert len(asked) == (path.name in ("current.py", "bsd.py")), path
