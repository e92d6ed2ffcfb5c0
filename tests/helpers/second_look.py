"""A second look: if few tests fail, these run once more, alone.

``./test`` runs this module as a program. It runs pytest. If at most five tests fail, it runs a
new pytest over these alone. The whole counts as passed if each of them passes then; they are
named at the end. Such a test is still a fault, of the test or of what it tests.

In both runs this module is a plugin as well. It writes down what became of each test, and has
the second run leave out what did not fail in the first.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

MOST = 5
"""How many tests may fail and still get a second look."""

OUTCOMES = pytest.StashKey[dict[str, str]]()
"""What became of each test, by its id: the worst of its set-up, call and tear-down."""

WORSE = ("passed", "skipped", "failed")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Have an option that only ``main`` gives."""
    parser.addoption(
        "--look", metavar="FILE", type=Path, help="keep outcomes in FILE; run what failed in it"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Watch this run."""
    look = Look(config.getoption("--look"))
    config.stash[OUTCOMES] = look.outcomes
    config.pluginmanager.register(look, "look")


class Look:
    """One run of pytest, whose outcomes go into a file if there is to be one."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._complete = True
        self.outcomes: dict[str, str] = read(file) if file else {}
        self._again = failed(self.outcomes)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out what did not fail in the first run, if this is the second."""
        if self._again:
            config.hook.pytest_deselected(
                items=[item for item in items if item.nodeid not in self._again]
            )
            items[:] = [item for item in items if item.nodeid in self._again]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note that there may be tests nobody knows."""
        self._complete = self._complete and not report.failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a test so far."""
        before = self.outcomes.get(report.nodeid) if report.when != "setup" else None
        self.outcomes[report.nodeid] = max(before or "passed", report.outcome, key=WORSE.index)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the outcomes down, unless the run ended before all tests had run."""
        ended_early = session.shouldfail or session.shouldstop or not self._complete
        if self._file and exitstatus in (0, 1) and self.outcomes and not ended_early:
            self._file.write_text(json.dumps(self.outcomes))


def read(file: Path) -> dict[str, str]:
    """Return the outcomes in a file; none if it is not there."""
    outcomes: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    return outcomes


def failed(outcomes: dict[str, str]) -> list[str]:
    """Return the ids of those that failed."""
    return [name for name, outcome in outcomes.items() if outcome == "failed"]


def run(words: list[str], file: Path) -> int:
    """Run pytest in a process of its own; return its exit status, as a shell would have it."""
    with subprocess.Popen([sys.executable, "-m", "pytest", f"--look={file}", *words]) as process:
        signal.signal(signal.SIGTERM, lambda number, frame: process.send_signal(number))
        status = process.wait()
    return status if status >= 0 else 128 - status


def main(words: list[str]) -> int:
    """Run pytest with ``words``, twice if need be; say what became of the whole."""
    signal.signal(signal.SIGINT, lambda number, frame: None)  # pytest gets it from the terminal
    with tempfile.TemporaryDirectory(prefix="slashservice-look-") as folder:
        file = Path(folder) / "outcomes"
        status = run(words, file)
        again = failed(read(file))
        if 0 < len(again) <= MOST:
            print(f"\nsecond look, at {len(again)} that failed:", flush=True)
            status = run(words, file)
        elif again:
            print(f"no second look: more than {MOST} failed")
        outcomes = read(file)
    late = [name for name in again if outcomes[name] == "passed"]
    for name in late:
        print(f"passed only at the second look: {name}")
    if outcomes:
        counts = {outcome: list(outcomes.values()).count(outcome) for outcome in WORSE}
        skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return status if status or late == again else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
