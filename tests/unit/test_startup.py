"""Commands start fast because of what they leave unimported."""

from __future__ import annotations

import subprocess

import pytest
from helpers.checkout import CHECKOUT

from slashservice.supervise.chain import launchers

COSTLY = {"argparse", "asyncio", "logging", "re", "subprocess", "typing"}
"""No command needs any of these to start."""

COSTLY_FOR_SHORT_ONES = COSTLY | {"collections", "contextlib", "ctypes", "enum", "signal"}

LONG_RUNNING = {"loghost", "runsv", "runsvdir", "supervise", "svcontainer", "svscan", "svscanboot"}

SHOW_IMPORTS = """
import sys
slashservice = type(sys)("slashservice")
slashservice.__path__ = [{home!r}]
sys.modules["slashservice"] = slashservice
{load}
print(*sys.modules)
"""


def imported(load: str) -> set[str]:
    """Return the names of all modules in an interpreter that has run ``load``."""
    shown = subprocess.run(
        ["/usr/bin/python3", "-IS", "-c", SHOW_IMPORTS.format(home=str(CHECKOUT), load=load)],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(shown.stdout.split())


@pytest.mark.parametrize("name", launchers.COMMANDS)
def test_costly_modules_stay_out(name: str) -> None:
    costly = COSTLY if name in LONG_RUNNING else COSTLY_FOR_SHORT_ONES
    found = imported(f"from slashservice.supervise.program import load; load({name!r})")
    assert costly.isdisjoint(found)


def test_drain_and_running_start_fast() -> None:
    found = imported("from slashservice.installer import supervision")
    assert COSTLY_FOR_SHORT_ONES.isdisjoint(found)
