"""Promises that were missed at first are told of, even if they were kept in the end."""

from __future__ import annotations

import pytest
from helpers.figures import MISSED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell of each promise that was missed at the first attempt."""
    missed = [
        line
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, line in report.user_properties
        if name == MISSED
    ]
    if missed:
        terminalreporter.section(MISSED)
        for line in missed:
            terminalreporter.write_line(str(line))
