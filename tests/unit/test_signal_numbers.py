"""The numbers of signals, also where a system has few."""

from __future__ import annotations

import signal
import subprocess
import sys

from slashservice.supervise import signal_numbers

NAMES = [name for name in vars(signal_numbers) if name.startswith("SIG")]

FEW = """
import sys, types
_signal = types.ModuleType("_signal")
_signal.SIGINT, _signal.SIGTERM = 2, 15
sys.modules["_signal"] = _signal
from slashservice.supervise import signal_numbers
from slashservice.supervise.services import service
numbers = [n for name, n in vars(signal_numbers).items() if name.startswith("SIG")]
assert len({*numbers}) == len(numbers) and all(numbers)
assert "slashservice.supervise.signals" not in sys.modules
print(*map(chr, service.CONTROLS | service.PLAIN_SIGNALS))
"""
"""Signals as Windows has them, and all that talks of signals without sending one."""


def test_the_numbers_are_the_systems_own() -> None:
    assert len(NAMES) > 10
    for name in NAMES:
        assert getattr(signal_numbers, name) == getattr(signal, name)


def test_the_state_machine_needs_no_signals() -> None:
    shown = subprocess.run([sys.executable, "-c", FEW], capture_output=True, text=True)
    assert shown.stderr == ""
    assert {*"udotckhaixXpq12"} == {*shown.stdout.split()}


def test_names_are_those_of_the_module() -> None:
    for number in range(-1, 130):
        known = number in signal.Signals.__members__.values()
        assert signal_numbers.name(number) == (signal.Signals(number).name if known else "")
