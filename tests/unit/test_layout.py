"""What the project promises about itself as a whole: who imports whom, and how long a module is."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT

SUPERVISE = "slashservice.supervise"
SUITE = sorted((CHECKOUT / "supervise").rglob("*.py"))
EVERYTHING = sorted(
    path for top in ("supervise", "installer") for path in (CHECKOUT / top).rglob("*.py")
)

HALL = ""
"""The modules that lie in ``supervise/`` itself."""

MAY_IMPORT = {
    HALL: {HALL},
    "platform": {HALL, "platform"},
    "chain": {HALL, "platform", "chain"},
    "protocol": {HALL, "platform", "protocol"},
    "scripts": {HALL, "scripts"},
    "logs": {HALL, "platform", "scripts", "logs"},
    "hosting": {HALL, "platform", "protocol", "logs", "hosting"},
    "services": {HALL, "platform", "chain", "protocol", "scripts", "services"},
    "admin": {HALL, "platform", "chain", "protocol", "scripts", "logs", "admin"},
    "demo": {HALL, "platform", "chain", "protocol", "logs", "admin", "demo"},
    "commands": {HALL, "platform", "chain", "protocol", "scripts", "logs", "hosting", "services"},
}
"""Which wing may import which. Nobody imports a command, the commands included."""

EXCEPTIONS = {
    ("services.log_script", "logs.svlogd_arguments"): "which svlogd needs no process of its own",
    ("logs.processor", "chain"): "a processor is started with what an exec inherits",
}
"""Single modules that may import more, and why."""


def module(path: Path) -> str:
    """Return the name of the module at ``path`` as imports have it."""
    parts = path.relative_to(CHECKOUT).with_suffix("").parts
    return ".".join(["slashservice", *(part for part in parts if part != "__init__")])


MODULES = {module(path): path for path in EVERYTHING}


def imported(path: Path) -> Iterator[str]:
    """Yield the full name of everything a module imports, at whatever moment, also for types."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in MODULES else node.module or ""


def room(name: str) -> str:
    """Return the wing that a module of the suite is in."""
    inside = name.removeprefix(SUPERVISE).lstrip(".")
    return inside.partition(".")[0] if "." in inside or inside in MAY_IMPORT else HALL


@pytest.mark.parametrize("path", SUITE, ids=lambda path: module(path).removeprefix(SUPERVISE))
def test_the_suite_imports_the_standard_library_alone(path: Path) -> None:
    tops = {name.partition(".")[0] for name in imported(path)}
    assert tops <= sys.stdlib_module_names | {"slashservice"}


@pytest.mark.parametrize("path", SUITE, ids=lambda path: module(path).removeprefix(SUPERVISE))
def test_a_wing_imports_the_hall_and_the_wings_below_it(path: Path) -> None:
    importer = module(path)
    short = importer.removeprefix(SUPERVISE + ".")
    for name in imported(path):
        if not name.startswith("slashservice"):
            continue
        assert name.startswith(SUPERVISE), f"{importer} imports {name}"
        if room(name) not in MAY_IMPORT[room(importer)]:
            other = name.removeprefix(SUPERVISE + ".")
            allowed = {(short, room(name)), (short, other)} & EXCEPTIONS.keys()
            assert allowed, f"{importer} imports {name}"


def test_every_exception_is_made_use_of() -> None:
    for importer, other in EXCEPTIONS:
        names = imported(MODULES[f"{SUPERVISE}.{importer}"])
        assert any(f"{name}.".startswith(f"{SUPERVISE}.{other}.") for name in names), importer


def test_every_wing_is_in_the_table() -> None:
    folders = {path.parent.name for path in SUITE if path.parent.name != "supervise"}
    assert folders == MAY_IMPORT.keys() - {HALL}


def installer_rooms() -> dict[str, set[str]]:
    """Return which room of the installer may import which, as its door says."""
    text = ast.get_docstring(ast.parse((CHECKOUT / "installer/__init__.py").read_text())) or ""
    text = re.sub(r",\n +", ", ", text)
    table = dict(re.findall(r"^``(\w+)`` +(.+)$", text, re.MULTILINE))
    everything = table.keys()
    words = {"nothing": set[str](), "all of them": set(everything)}
    return {
        name: {name} | (words[may] if may in words else set(may.split(", ")))
        for name, may in table.items()
    }


def of_installer(path: Path) -> str:
    """Return the room that a module of the installer is in."""
    return path.relative_to(CHECKOUT / "installer").parts[0].removesuffix(".py")


def test_the_rooms_of_the_installer_import_what_its_door_says() -> None:
    rooms = installer_rooms()
    assert set().union(*rooms.values()) == rooms.keys()
    found = {name: {name} for name in rooms}
    for path in (CHECKOUT / "installer").rglob("*.py"):
        if path.parent.name == "installer" and path.name == "__init__.py":
            continue
        for name in imported(path):
            if name.startswith("slashservice.installer."):
                found[of_installer(path)].add(name.split(".")[2])
    everything_but = {name: may for name, may in found.items() if name != "cli"}
    assert everything_but == {name: rooms[name] for name in everything_but}
    assert found["cli"] <= rooms["cli"]


def test_no_import_leads_back() -> None:
    graph = {name: set(imported(path)) & MODULES.keys() for name, path in MODULES.items()}
    TopologicalSorter(graph).prepare()


def test_the_rooms_have_an_order() -> None:
    for rooms in (MAY_IMPORT, installer_rooms()):
        TopologicalSorter({name: may - {name} for name, may in rooms.items()}).prepare()


@pytest.mark.parametrize("path", EVERYTHING, ids=module)
def test_modules_can_be_read_in_one_sitting(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", [path for path in SUITE if path.name == "__init__.py"], ids=module)
def test_the_door_of_a_wing_says_what_is_inside_and_loads_nothing(path: Path) -> None:
    (statement,) = ast.parse(path.read_text()).body
    assert isinstance(statement, ast.Expr)
    assert isinstance(statement.value, ast.Constant)
    assert isinstance(statement.value.value, str)


UNIT_TESTS = CHECKOUT / "tests/unit"


@pytest.mark.parametrize(
    "folder",
    sorted({str(path.parent.relative_to(UNIT_TESTS)) for path in UNIT_TESTS.rglob("test_*.py")}),
)
def test_a_folder_of_unit_tests_is_called_as_the_room_that_it_tests(folder: str) -> None:
    """The folder itself is for the hall, and for what is promised of the project as a whole."""
    room = CHECKOUT / (folder if folder.startswith("installer") else f"supervise/{folder}")
    assert (room / "__init__.py").is_file()
