"""``./coverage [WORDS FOR PYTEST]``: run tests, and show which lines no test reaches.

Where no word is a path, these are all tests but boots and benchmarks. The lines count, too,
that the processes reach which the tests start: all runs in a copy of the checkout whose code
has :mod:`helpers.reach.recorder` in it. It makes everything slower, and a test that counts
system calls, or has little memory, may fail here; only ``./test`` tells whether it does.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections import defaultdict
from pathlib import Path

import coverage
from helpers.checkout import CHECKOUT
from helpers.reach import recorder

PACKAGES = ("supervise", "installer")
TESTS = ("tests/unit", "tests/conformance", "tests/faults")
CHANGED = "tests/unit/test_layout.py::test_the_door_of_a_wing_says_what_is_inside_and_loads_nothing"
"""The test of the text that the recorder is put behind: it can't pass for that one file."""

LEFT_OUT = (".git", ".venv", "build", "dist", "__pycache__", "*.egg-info", ".*_cache", ".coverage")


def copied(to: Path) -> Path:
    """Make a copy of the checkout that records lines; return the folder where it does."""
    shutil.copytree(CHECKOUT, to, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    lines = to / "lines"
    lines.mkdir()
    lines.chmod(0o1777)
    assert recorder.__file__
    text = Path(recorder.__file__).read_text().replace("@lines@", str(lines))
    for package in PACKAGES:
        with (to / package / "__init__.py").open("a") as file:
            file.write(text)
    return lines


def environment(copy: Path) -> Path:
    """Make a virtual environment with the copy in place of the checkout; return its Python.

    The packages are those of our own environment.
    """
    venv.create(copy / ".venv", symlinks=True)
    places = copy / "site/slashservice"
    places.mkdir(parents=True)
    for package in (*PACKAGES, "init_templates"):
        (places / package).symlink_to(copy / package)
    ours = sysconfig.get_path("purelib")
    (site,) = copy.glob(".venv/lib/*/site-packages")
    (site / "copy.pth").write_text(f"{places.parent}\n{ours}\n")
    python = copy / ".venv/bin/python"
    command = python.with_name("slashservice")
    command.write_text(f"#!{python}\nfrom slashservice.installer.cli.main import main\nmain()\n")
    command.chmod(0o755)
    return python


def reached(lines: Path) -> dict[str, set[int]]:
    """Return the lines that were reached, by the files of the checkout they are in."""
    found: dict[str, set[int]] = defaultdict(set)
    for entry in lines.iterdir():
        name, _, line = entry.name.rpartition(":")
        found[str(CHECKOUT / name.replace("!", "/"))].add(int(line))
    return {path: numbers for path, numbers in found.items() if Path(path).is_file()}


def table(measured: coverage.Coverage) -> str:
    """Lay out how much of each room is reached, and all lines that are not."""
    rooms: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    unreached = []
    for package in PACKAGES:
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            _, lines, _, missed, shown = measured.analysis2(str(path))
            name = path.relative_to(CHECKOUT)
            for room in (str(name.parent), "all"):
                rooms[room][0] += len(lines)
                rooms[room][1] += len(missed)
            if missed:
                unreached.append(f"{name}: {shown}")
    table = [f"\n{'room':<28}{'lines':>7}{'missed':>9}{'reached':>9}"]
    for room in [*sorted(rooms.keys() - {"all"}), "all"]:
        count, missing = rooms[room]
        part = 1 - missing / count if count else 1
        table.append(f"{room:<28}{count:>7}{missing:>9}{part:>9.1%}")
    return "\n".join([*table, "\nlines that no test reaches:", *unreached])


def is_path(word: str) -> bool:
    """Tell whether a word for pytest names tests by their path; "-k installer" does not."""
    path = os.path.realpath(CHECKOUT / word.partition("::")[0])
    return os.path.exists(path) and Path(path).is_relative_to(CHECKOUT / "tests")


def main() -> int:
    """Run the tests, write ``.coverage`` for more reports, and print ours."""
    words = sys.argv[1:]
    if not any(is_path(word) for word in words):
        words += TESTS
    with tempfile.TemporaryDirectory(prefix="slashservice-coverage-") as folder:
        Path(folder).chmod(0o755)
        copy = Path(folder) / "checkout"
        lines = copied(copy)
        python = environment(copy)
        without = ["--deselect", f"{CHANGED}[slashservice.supervise]"]
        status = subprocess.run(
            [python, "-m", "pytest", "-p", "no:cacheprovider", *without, *words],
            cwd=copy,
            check=False,
        ).returncode
        measured = coverage.Coverage(data_file=str(CHECKOUT / ".coverage"))
        measured.erase()
        measured.get_data().add_lines(reached(lines))
    measured.save()
    print(table(measured))
    return status


if __name__ == "__main__":
    raise SystemExit(main())
