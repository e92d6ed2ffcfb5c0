"""What ./test does with tests that fail: real runs of pytest, over little tests."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import second_look
from helpers.checkout import CHECKOUT

PROGRAM = CHECKOUT / "tests" / "helpers" / "second_look.py"
SETTINGS = f"[pytest]\npythonpath = {CHECKOUT / 'tests'}\naddopts = --import-mode=importlib\n"
PLUGINS = """
pytest_plugins = ["helpers.second_look"]
def pytest_configure(config):
    for name in ("boot", "timeout"):
        config.addinivalue_line("markers", name)
"""
TESTS = """
import pytest
from pathlib import Path

def once(name):
    "Fail the first time."
    place = Path(name)
    if not place.exists():
        place.touch()
        raise AssertionError("the first time")

@pytest.fixture
def late_once():
    yield
    once("late")

@pytest.fixture
def early_once():
    once("early")
"""
GOOD = "def test_good(): pass\n"
BAD = "def test_bad(): assert False\n"
FLAKY = "def test_flaky(): once('flaky')\n"
LATE = "passed only at the second look: "


class Run:
    """How a run ended, and the lines it wrote."""

    def __init__(self, folder: Path, tests: str, *words: str) -> None:
        (folder / "pytest.ini").write_text(SETTINGS)
        (folder / "conftest.py").write_text(PLUGINS)
        (folder / "test_it.py").write_text(TESTS + tests)
        done = subprocess.run(
            [sys.executable, PROGRAM, *words],
            cwd=folder,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        self.status = done.returncode
        self.lines = done.stdout.splitlines()

    @property
    def looks(self) -> int:
        """How often pytest ran."""
        return sum("test session starts" in line for line in self.lines)

    @property
    def late(self) -> list[str]:
        """Which tests passed only at the second look."""
        return [line.removeprefix(LATE) for line in self.lines if line.startswith(LATE)]


def test_what_passes_is_run_once(tmp_path: Path) -> None:
    run = Run(tmp_path, GOOD)
    assert (run.status, run.looks, run.late) == (0, 1, [])
    assert run.lines[-1] == "1 passed, 0 failed"


def test_what_fails_once_is_named_and_the_run_passes(tmp_path: Path) -> None:
    run = Run(tmp_path, GOOD + FLAKY)
    assert (run.status, run.looks, run.late) == (0, 2, ["test_it.py::test_flaky"])
    assert run.lines[-3:-1] == [
        f"{LATE}test_it.py::test_flaky",
        "    AssertionError: the first time",
    ]
    assert run.lines[-1] == "2 passed, 0 failed"


def test_what_fails_twice_has_failed(tmp_path: Path) -> None:
    run = Run(tmp_path, GOOD + FLAKY + BAD)
    assert (run.status, run.looks, run.late) == (1, 2, ["test_it.py::test_flaky"])
    assert run.lines[-1] == "2 passed, 1 failed"


def test_the_second_look_runs_nothing_else(tmp_path: Path) -> None:
    counted = "def test_counted():\n    with open('count', 'a') as file: file.write('1')\n"
    run = Run(tmp_path, counted + FLAKY)
    assert run.looks == 2
    assert (tmp_path / "count").read_text() == "1"


@pytest.mark.parametrize(("many", "looks", "status"), [(5, 2, 0), (6, 1, 1)])
def test_at_most_five_are_looked_at_again(
    tmp_path: Path, many: int, looks: int, status: int
) -> None:
    flaky = (
        f"@pytest.mark.parametrize('n', range({many}))\ndef test_flaky(n): once(f'flaky{{n}}')\n"
    )
    run = Run(tmp_path, GOOD + flaky)
    assert (run.status, run.looks) == (status, looks)
    assert len(run.late) == (many if status == 0 else 0)
    assert run.lines[-1] == (
        f"{1 + many} passed, 0 failed" if status == 0 else "1 passed, 6 failed"
    )


@pytest.mark.parametrize("fixture", ["early_once", "late_once"])
def test_an_error_around_a_test_counts_as_its_failure(tmp_path: Path, fixture: str) -> None:
    run = Run(tmp_path, f"def test_it({fixture}): pass\n")
    assert (run.status, run.looks, run.late) == (0, 2, ["test_it.py::test_it"])
    assert run.lines[-1] == "1 passed, 0 failed"


def test_one_that_is_skipped_at_the_second_look_has_not_passed(tmp_path: Path) -> None:
    tests = "def test_it():\n    if Path('x').exists(): pytest.skip()\n    once('x')\n"
    run = Run(tmp_path, GOOD + tests)
    assert (run.status, run.looks, run.late) == (1, 2, [])
    assert run.lines[-1] == "1 passed, 0 failed, 1 skipped"


def test_words_choose_in_both_looks(tmp_path: Path) -> None:
    run = Run(tmp_path, GOOD + FLAKY + BAD, "-k", "flaky or good", "test_it.py")
    assert (run.status, run.looks, run.late) == (0, 2, ["test_it.py::test_flaky"])
    assert run.lines[-1] == "2 passed, 0 failed"


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["-x"], 1),
        (["--maxfail=1"], 1),
        (["--stepwise"], 2),
        (["--collect-only"], 0),
        (["-k", "nothing"], 5),
        (["--no-such-option"], 4),
    ],
)
def test_runs_that_end_early_mean_what_pytest_means(
    tmp_path: Path, words: list[str], status: int
) -> None:
    run = Run(tmp_path, FLAKY + GOOD, *words)
    assert (run.status, run.looks <= 1, run.late) == (status, True, [])
    assert not [line for line in run.lines if re.fullmatch(r"\d+ passed, \d+ failed", line)]


def test_a_module_that_cannot_be_read_gets_no_second_look(tmp_path: Path) -> None:
    (tmp_path / "test_broken.py").write_text("nonsense\n")
    run = Run(tmp_path, FLAKY, "--continue-on-collection-errors")
    assert (run.status, run.looks, run.late) == (1, 1, [])


@pytest.mark.parametrize(
    ("death", "status"),
    [("raise KeyboardInterrupt", 2), ("import os; os._exit(7)", 7), ("import os; os.abort()", 134)],
)
@pytest.mark.parametrize("look", [1, 2])
def test_a_run_that_is_ended_has_ended(tmp_path: Path, death: str, status: int, look: int) -> None:
    early = "" if look == 1 else "    once('a')\n"
    run = Run(tmp_path, GOOD + FLAKY + f"def test_dies():\n{early}    {death}\n")
    assert (run.status, run.looks, run.late) == (status, look, [])
    if look == 2:
        assert run.lines[-1].endswith("1 passed, 2 failed")


def test_an_end_from_outside_is_handed_on(tmp_path: Path) -> None:
    body = f"import os, time; os.kill(os.getppid(), {signal.SIGTERM:d}); time.sleep(60)"
    run = Run(tmp_path, f"def test_it(): {body}\n")
    assert (run.status, run.looks) == (128 + signal.SIGTERM, 1)


def test_boots_are_looked_at_again(tmp_path: Path) -> None:
    (tmp_path / "machines").mkdir()
    shutil.copy(CHECKOUT / "tests" / "boots" / "conftest.py", tmp_path / "machines")
    boots = "".join(
        f"@pytest.mark.boot\ndef test_{name}():\n"
        f"    with open('{name}', 'a') as file: file.write('1')\n"
        f"    assert {fine}\n"
        for name, fine in (("always", "True"), ("later", "Path('later').read_text() == '11'"))
    )
    (tmp_path / "machines" / "test_boots.py").write_text(TESTS + boots)
    run = Run(tmp_path, GOOD)
    assert (run.status, run.looks, run.late) == (0, 2, ["machines/test_boots.py::test_later"])
    assert run.lines[-1] == "3 passed, 0 failed"
    assert (tmp_path / "always").read_text() == "1"


LANES = "# a remark\nfirst\n\nsome/a more\nb\n"


def lanes(folder: Path, **tests: str) -> Run:
    """Run the tests of each folder in lanes, as ``LANES`` has them."""
    (folder / "tests").mkdir()
    (folder / "tests" / "lanes").write_text(LANES)
    for name in ("first", "some/a", "more", "b"):
        (folder / name).mkdir(parents=True)
        test = tests.get(name.replace("/", "_"), f"def test_good(): noted({name!r})\n")
        (folder / name / "test_one.py").write_text(NOTED + TESTS + test)
    return Run(folder, "")


NOTED = """
import time
def noted(word):
    with open("noted", "a") as file: file.write(word + "\\n")
def awaited(word):
    limit = time.monotonic() + 60
    while word not in Path("noted").read_text().split():
        assert time.monotonic() < limit
        time.sleep(0.01)
"""


def test_lanes_run_side_by_side_after_those_before_them(tmp_path: Path) -> None:
    run = lanes(
        tmp_path,
        first="def test_it(): assert not Path('noted').exists(); noted('first')\n",
        some_a="def test_it(): awaited('first'); noted('a'); awaited('b'); noted('a2')\n",
        more="def test_it(): awaited('a2'); noted('more')\n",
        b="def test_it(): noted('b'); awaited('a')\n",
    )
    assert (run.status, run.looks, run.late) == (0, 3, []), run.lines
    assert run.lines[-1] == "4 passed, 0 failed"
    assert any(line.startswith("           a | ") for line in run.lines)
    assert any(line.startswith("           b | ") for line in run.lines)


def test_what_fails_in_lanes_is_looked_at_again_alone(tmp_path: Path) -> None:
    once = "def test_it(): once({0!r})\n"
    run = lanes(tmp_path, first=once.format("x"), b=once.format("y"), more=BAD)
    assert (run.status, run.looks) == (1, 4)
    assert run.late == ["first/test_one.py::test_it", "b/test_one.py::test_it"]
    assert run.lines[-3] == "failed: more/test_one.py::test_bad"
    assert run.lines[-1] == "3 passed, 1 failed"


@pytest.mark.parametrize("lane", ["first", "some_a", "more", "b"])
def test_a_lane_that_ends_early_fails_the_whole(tmp_path: Path, lane: str) -> None:
    run = lanes(tmp_path, **{lane: "import os\ndef test_it(): os._exit(7)\n"})
    assert (run.status, run.looks, run.late) == (7, 1 if lane == "first" else 3, [])


def test_an_end_from_outside_ends_all_lanes(tmp_path: Path) -> None:
    slow = "def test_it(): noted('b'); time.sleep(600)\n"
    end = f"os.kill(os.getppid(), {signal.SIGTERM:d}); time.sleep(600)"
    run = lanes(tmp_path, some_a=f"import os\ndef test_it(): awaited('b'); {end}\n", b=slow)
    assert (run.status, run.looks) == (128 + signal.SIGTERM, 3)


def test_words_run_no_lanes(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "lanes").write_text(LANES)
    run = Run(tmp_path, GOOD, "test_it.py")
    assert (run.status, run.looks) == (0, 1)


def test_each_test_is_in_one_lane() -> None:
    ignore = "--ignore="
    found = second_look.rounds((CHECKOUT / second_look.LANES).read_text())
    lanes = [lane for one in found for lane in one]

    def runs(lane: list[str], place: Path) -> int:
        """Return how many words have a lane run a test, if none has it left out."""
        is_in = [word for word in lane if place.is_relative_to(word.removeprefix(ignore))]
        return 0 if any(word.startswith(ignore) for word in is_in) else len(is_in)

    for path in (CHECKOUT / "tests").rglob("test_*.py"):
        place = path.relative_to(CHECKOUT)
        assert sum(runs(lane, place) for lane in lanes) == 1, place
