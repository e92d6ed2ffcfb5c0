"""A second look: if few tests fail, these run once more, alone.

``./test`` runs this module as a program. It runs pytest: the whole in lanes side by side, as
``tests/lanes`` says, or what its arguments name. If at most five tests fail, it runs a new pytest
over these alone. The whole counts as passed if each of them passes then; they are
named at the end, with what was wrong. Such a test is still a fault, of itself or of what it tests.

In both runs this module is a plugin as well. It writes down what became of each test, and has
the second run leave out what did not fail in the first.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest

MOST = 5
"""How many tests may fail and still get a second look."""

LANES = Path("tests/lanes")
"""What to run side by side if nothing is named; where it is not there, one pytest runs all."""

OUTCOMES = pytest.StashKey[dict[str, str]]()
"""What became of each test, by its id: the worst of its set-up, call and tear-down."""

LENGTH = 400
"""Characters of why a test failed that are kept."""

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
        self.outcomes, self._reasons = read(file) if file else ({}, {})
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
        if report.failed:
            self._reasons.setdefault(report.nodeid, reason(report))

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the outcomes down, unless the run ended before all tests had run."""
        ended_early = session.shouldfail or session.shouldstop or not self._complete
        if self._file and exitstatus in (0, 1) and self.outcomes and not ended_early:
            write(self._file, self.outcomes, self._reasons)


def reason(report: pytest.TestReport) -> str:
    """Return why a test failed, in one line that is not long."""
    crash = getattr(report.longrepr, "reprcrash", None)
    return " ".join((crash.message if crash else report.longreprtext).split())[:LENGTH]


def write(file: Path, outcomes: dict[str, str], reasons: dict[str, str]) -> None:
    """Write what became of tests, and why those failed that did."""
    file.write_text(json.dumps([outcomes, reasons]))


def read(file: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return what ``write`` has written; nothing if the file is not there."""
    outcomes, reasons = json.loads(file.read_text()) if file.exists() else ({}, {})
    return outcomes, reasons


def failed(outcomes: dict[str, str]) -> list[str]:
    """Return the ids of those that failed."""
    return [name for name, outcome in outcomes.items() if outcome == "failed"]


def rounds(text: str) -> list[list[list[str]]]:
    """Return the lanes of each round, as the words for pytest: the format is in ``tests/lanes``."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    blocks = "\n".join(lines).split("\n\n")
    return [[line.split() for line in block.splitlines()] for block in blocks if block.strip()]


def run(lanes: Sequence[Sequence[str]], files: Sequence[Path]) -> int:
    """Run a pytest for each lane, all at once; return the first exit status that is not 0.

    If there are several, each line of what they say has the lane in front.
    """
    together = len(lanes) > 1
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "pytest", f"--look={file}", *words],
            stdout=subprocess.PIPE if together else None,
            stderr=subprocess.STDOUT if together else None,
            text=True,
            errors="replace",
        )
        for words, file in zip(lanes, files, strict=True)
    ]

    def hand_on(number: int, frame: object) -> None:
        for process in processes:
            process.send_signal(number)

    signal.signal(signal.SIGTERM, hand_on)
    tellers = [
        threading.Thread(target=tell, args=(Path(words[0]).name, process.stdout))
        for words, process in zip(lanes, processes, strict=True)
        if process.stdout
    ]
    for teller in tellers:
        teller.start()
    statuses = [process.wait() for process in processes]
    for teller in tellers:
        teller.join()
    return next((n if n > 0 else 128 - n for n in statuses if n), 0)


def tell(name: str, lines: IO[str]) -> None:
    """Print each line with a name in front, until there are no more."""
    with lines:
        for line in lines:
            print(f"{name:>12} | {line}", end="", flush=True)


def first_look(words: list[str], folder: Path) -> tuple[int, dict[str, str], dict[str, str]]:
    """Run what is to be run; return the exit status, and outcomes and reasons if all ran."""
    in_lanes = not words and LANES.exists()
    plan = rounds(LANES.read_text()) if in_lanes else [[words]]
    outcomes: dict[str, str] = {}
    reasons: dict[str, str] = {}
    status = 0
    for number, lanes in enumerate(plan):
        files = [folder / f"{number}.{place}" for place in range(len(lanes))]
        status = run(lanes, files) or status
        if not all(file.exists() for file in files):
            return status, {}, {}
        for file in files:
            some, why = read(file)
            outcomes |= some
            reasons |= why
    return status, outcomes, reasons


def main(words: list[str]) -> int:
    """Run pytest with ``words``, twice if need be; say what became of the whole."""
    signal.signal(signal.SIGINT, lambda number, frame: None)  # pytest gets it from the terminal
    with tempfile.TemporaryDirectory(prefix="slashservice-look-") as folder:
        status, outcomes, reasons = first_look(words, Path(folder))
        again = failed(outcomes)
        if 0 < len(again) <= MOST:
            print(f"\nsecond look, at {len(again)} that failed:", flush=True)
            file = Path(folder) / "outcomes"
            write(file, outcomes, reasons)
            status = run([words], [file])
            outcomes, reasons = read(file)
        elif again:
            print(f"no second look: more than {MOST} failed")
    late = [name for name in again if outcomes[name] == "passed"]
    for name in late:
        print(f"passed only at the second look: {name}")
        print(f"    {reasons[name]}")
    for name in failed(outcomes):
        print(f"failed: {name}")
        print(f"    {reasons[name]}")
    if outcomes:
        counts = {outcome: list(outcomes.values()).count(outcome) for outcome in WORSE}
        skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}")
    return status if status or late == again else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
