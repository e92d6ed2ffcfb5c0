"""What all tests share: our commands as a user would have them, and the C ones beside them."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from helpers.checkout import CHECKOUT, PYTHON
from helpers.keeping import FAILED, keeping
from hypothesis import settings

from slashservice.supervise.chain import launchers

# The same examples every time: what fails here fails for whoever looks into it. To look for new
# ones: ./test --hypothesis-profile=explore
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("explore", deadline=None)
settings.load_profile("repeatable")

# Whoever runs us in the background of a shell, or under nohup, ignores signals for us; what we
# test would inherit that.
for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["helpers.installer", "helpers.releases", "helpers.second_look", "helpers.watched"]

ORACLE = Path("/usr/bin")
"""Where Debian's packages ``daemontools`` and ``runit`` put the programs we measure by."""


@pytest.fixture(scope="module", autouse=True)
def leaks_are_told_of_where_they_are() -> Iterator[None]:
    """Have what a module's tests leave open fail one of them, rather than any later test."""
    yield
    gc.collect()


@pytest.fixture(scope="session")
def world_dir() -> Iterator[Path]:
    """A directory that every account can reach, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="slashservice-test-") as made:
        path = Path(made)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def ours(world_dir: Path) -> Path:
    """A directory with a launcher for each of our commands, over a copy of the code."""
    code = world_dir / "code"
    shutil.copytree(
        CHECKOUT / "supervise", code / "supervise", ignore=shutil.ignore_patterns("__pycache__")
    )
    command = world_dir / "command"
    launchers.write(str(command), python=PYTHON, code=str(code))
    for path in [world_dir, *world_dir.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IRGRP | stat.S_IROTH)
    return command


@pytest.fixture(scope="session")
def oracle() -> Path:
    """The directory of the C programs."""
    for name in ("svscan", "supervise", "svc", "multilog", "runsv", "sv", "chpst"):
        assert os.access(ORACLE / name, os.X_OK), f"{name} is missing: install tests/packages"
    return ORACLE


def pytest_addoption(parser: pytest.Parser) -> None:
    """Have words for what to boot, and for writing down what was seen."""
    parser.addoption("--box", action="append", help="a machine of vagrant/ to have, not debian")
    parser.addoption("--keep", action="store_true", help="keep machines and sandboxes that failed")
    parser.addoption("--proven", action="store_true", help="write docs/proven.md from the results")


def pytest_configure(config: pytest.Config) -> None:
    """Learn whether to keep what failed."""
    keeping.wanted = config.getoption("--keep")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have fixtures know whether a test failed that they were for."""
    report = yield
    if report.failed:
        for node in item.listchain():
            node.stash[FAILED] = True
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell of what was kept."""
    if keeping.kept:
        terminalreporter.section("kept")
        for told, _ in keeping.kept:
            terminalreporter.write_line(told)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write down what was seen."""
    if session.config.getoption("--proven"):
        from helpers import second_look
        from helpers.boots import proven

        outcomes = session.config.stash[second_look.OUTCOMES]
        passed = {name: outcome == "passed" for name, outcome in outcomes.items()}
        proven.DOCUMENT.write_text(proven.document(passed))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail, rather than skip, what needs root when there is none: nothing is left out unseen."""
    if os.geteuid() != 0 and item.get_closest_marker("root"):
        pytest.fail("needs root; leave such tests out with -m 'not root'")
